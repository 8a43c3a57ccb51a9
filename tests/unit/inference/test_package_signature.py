import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from edge.inference.package_signature import (
    PackageKeyUnknown,
    PackageSignatureError,
    PackageSignatureWrong,
    PackageUnsigned,
    Trust,
    TrustedKeyUnusable,
    check_signature,
    key_id,
    make_signature,
    read_trusted_keys,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
MANIFEST = b'{"name": "melanoma"}\n'
CLINIC = Trust({key_id(KEY.public_key()): KEY.public_key()}, signature_required=True)
DEMO = Trust(CLINIC.keys, signature_required=False)


def public_pem(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("trust", [CLINIC, DEMO], ids=["clinic", "demo"])
def test_a_trusted_signature_is_verified(trust: Trust) -> None:
    assert check_signature(MANIFEST, make_signature(MANIFEST, KEY), trust) == "verified"


def test_without_a_signature_a_clinic_refuses_and_a_demo_says_so() -> None:
    assert check_signature(MANIFEST, None, DEMO) == "unsigned"
    with pytest.raises(PackageUnsigned):
        check_signature(MANIFEST, None, CLINIC)


def test_with_an_unknown_key_a_clinic_refuses_and_a_demo_says_so() -> None:
    signature = make_signature(MANIFEST, OTHER)
    assert check_signature(MANIFEST, signature, DEMO) == "unknown-key"
    with pytest.raises(PackageKeyUnknown, match=key_id(OTHER.public_key())):
        check_signature(MANIFEST, signature, CLINIC)


@pytest.mark.parametrize("trust", [CLINIC, DEMO], ids=["clinic", "demo"])
@given(bit=st.integers(0, 64 * 8 - 1))
def test_one_flipped_bit_of_the_signature_is_refused_everywhere(trust: Trust, bit: int) -> None:
    written = json.loads(make_signature(MANIFEST, KEY))
    raw = bytearray(base64.b64decode(written["signature"]))
    raw[bit // 8] ^= 1 << bit % 8
    written["signature"] = base64.b64encode(raw).decode()
    with pytest.raises(PackageSignatureWrong):
        check_signature(MANIFEST, json.dumps(written).encode(), trust)


@given(place=st.integers(0, len(MANIFEST) - 1), change=st.integers(1, 255))
def test_one_changed_byte_of_the_manifest_is_refused_everywhere(place: int, change: int) -> None:
    altered = bytearray(MANIFEST)
    altered[place] ^= change
    for trust in (CLINIC, DEMO):
        with pytest.raises(PackageSignatureWrong):
            check_signature(bytes(altered), make_signature(MANIFEST, KEY), trust)


def test_anothers_signature_under_a_trusted_key_id_is_refused() -> None:
    forged = json.loads(make_signature(MANIFEST, OTHER)) | {"key_id": key_id(KEY.public_key())}
    with pytest.raises(PackageSignatureWrong):
        check_signature(MANIFEST, json.dumps(forged).encode(), DEMO)


@given(st.binary(max_size=200))
def test_rubbish_for_a_signature_is_refused_everywhere(rubbish: bytes) -> None:
    for trust in (CLINIC, DEMO):
        with pytest.raises(PackageSignatureError):
            check_signature(MANIFEST, rubbish, trust)


def test_the_signature_is_over_the_bare_bytes_so_that_other_programs_can_check_it() -> None:
    written = json.loads(make_signature(MANIFEST, KEY))
    KEY.public_key().verify(base64.b64decode(written["signature"]), MANIFEST)


def test_trusted_keys_are_the_pem_files_of_a_folder(tmp_path: Path) -> None:
    assert read_trusted_keys(tmp_path / "nowhere") == {}
    (tmp_path / "README.md").write_text("not a key")
    (tmp_path / "ours.pem").write_bytes(public_pem(KEY))
    (tmp_path / "theirs.pem").write_bytes(public_pem(OTHER))
    assert set(read_trusted_keys(tmp_path)) == {key_id(KEY.public_key()), key_id(OTHER.public_key())}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        public_pem(X25519PrivateKey.generate()),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
    ids=["empty", "damaged", "another kind", "a private key"],
)
def test_what_is_no_public_signing_key_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wrong.pem").write_bytes(content)
    with pytest.raises(TrustedKeyUnusable, match=r"wrong\.pem"):
        read_trusted_keys(tmp_path)
