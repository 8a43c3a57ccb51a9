import stat
from pathlib import Path

import pytest

from edge.auth.vault import Vault, VaultBlobAltered, VaultKeyMissing, VaultKeyUnusable, create_key_file

FACE = {"patient_id": "patient-1", "purpose": "face-template"}


def test_what_was_sealed_opens_for_the_same_patient_and_purpose(vault: Vault, key_file: Path) -> None:
    blob = vault.seal(b"template", **FACE)
    assert b"template" not in blob
    assert vault.unseal(blob, **FACE) == b"template"
    assert Vault.open_file(key_file).unseal(blob, **FACE) == b"template"


def test_equal_templates_give_unlike_blobs(vault: Vault) -> None:
    assert vault.seal(b"template", **FACE) != vault.seal(b"template", **FACE)


@pytest.mark.parametrize(
    "other",
    [
        {"patient_id": "patient-2", "purpose": "face-template"},
        {"patient_id": "patient-1", "purpose": "address"},
        {"patient_id": "patient-1f", "purpose": "ace-template"},
    ],
)
def test_a_moved_blob_does_not_open(vault: Vault, other: dict[str, str]) -> None:
    with pytest.raises(VaultBlobAltered):
        vault.unseal(vault.seal(b"template", **FACE), **other)


def test_no_byte_can_be_altered_cut_or_added(vault: Vault) -> None:
    blob = vault.seal(b"template", **FACE)
    altered = [blob[:i] + bytes((blob[i] ^ 1,)) + blob[i + 1 :] for i in range(len(blob))]
    for wrong in (*altered, blob[:-1], blob + b"x", b"", b"x" * 3_000_000):
        with pytest.raises((VaultBlobAltered, VaultKeyMissing)):
            vault.unseal(wrong, **FACE)


def test_a_blob_of_another_key_says_that_the_key_is_missing(vault: Vault, tmp_path: Path) -> None:
    create_key_file(tmp_path / "other.key")
    with pytest.raises(VaultKeyMissing):
        Vault.open_file(tmp_path / "other.key").unseal(vault.seal(b"template", **FACE), **FACE)


def test_the_key_file_is_the_kiosk_users_alone_and_nothing_lies_beside_it(key_file: Path) -> None:
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert key_file.stat().st_nlink == 1
    assert list(key_file.parent.iterdir()) == [key_file]


def test_a_key_is_never_overwritten(key_file: Path) -> None:
    before = key_file.read_bytes()
    with pytest.raises(FileExistsError):
        create_key_file(key_file)
    assert key_file.read_bytes() == before
    assert list(key_file.parent.iterdir()) == [key_file]


def test_a_missing_key_file_is_never_made_anew(tmp_path: Path) -> None:
    with pytest.raises(VaultKeyMissing):
        Vault.open_file(tmp_path / "vault.key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_may_read_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(VaultKeyUnusable, match="others"):
        Vault.open_file(key_file)


@pytest.mark.parametrize("cut", [0, 7, 8, 39])
def test_a_cut_off_key_file_is_refused(key_file: Path, cut: int) -> None:
    key_file.write_bytes(key_file.read_bytes()[:cut])
    with pytest.raises(VaultKeyUnusable, match="damaged"):
        Vault.open_file(key_file)


def test_a_lengthened_key_file_is_refused(key_file: Path) -> None:
    key_file.write_bytes(key_file.read_bytes() + b"\n")
    with pytest.raises(VaultKeyUnusable, match="damaged"):
        Vault.open_file(key_file)
