import stat
from pathlib import Path

import pytest

from hub.identity.errors import CredentialUnreadable, EnvelopeAltered, IdentityKeysUnusable
from hub.identity.hub_keys import HubKeys, create_key_file, seal_with_own_key, unseal_with_own_key


def test_a_key_file_is_private_complete_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "identity.key"
    create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    with pytest.raises(FileExistsError):
        create_key_file(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
    assert HubKeys.open_file(path).pepper == HubKeys.open_file(path).pepper


@pytest.mark.parametrize("damage", [b"", b"DKHUBID1", b"x" * 104, b"DKHUBID1" + b"x" * 97])
def test_a_damaged_key_file_is_refused(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "identity.key"
    path.write_bytes(damage)
    path.chmod(0o600)
    with pytest.raises(IdentityKeysUnusable, match="damaged"):
        HubKeys.open_file(path)


def test_a_key_file_that_others_may_read_or_that_is_missing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "identity.key"
    with pytest.raises(IdentityKeysUnusable, match="cannot be read"):
        HubKeys.open_file(path)
    create_key_file(path)
    path.chmod(0o640)
    with pytest.raises(IdentityKeysUnusable, match="others"):
        HubKeys.open_file(path)


def test_what_is_sealed_opens_in_its_place_with_its_own_key_only() -> None:
    keys = HubKeys.generate()
    sealed_key, sealed = seal_with_own_key(keys, b"secret", context="patient 1")
    assert unseal_with_own_key(keys, sealed_key, sealed, context="patient 1") == b"secret"
    other_key, _ = seal_with_own_key(keys, b"secret", context="patient 1")
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for opener, key, data, context in (
        (keys, sealed_key, sealed, "patient 2"),
        (keys, other_key, sealed, "patient 1"),
        (keys, sealed_key, altered, "patient 1"),
        (keys, sealed_key, b"", "patient 1"),
        (keys, b"", sealed, "patient 1"),
        (HubKeys.generate(), sealed_key, sealed, "patient 1"),
    ):
        with pytest.raises(CredentialUnreadable):
            unseal_with_own_key(opener, key, data, context=context)


@pytest.mark.parametrize("envelope", [b"", b"x" * 31, b"x" * 200])
def test_what_is_no_envelope_is_called_altered(envelope: bytes) -> None:
    with pytest.raises(EnvelopeAltered):
        HubKeys.generate().open_envelope(envelope, info=b"purpose")
