"""Who vouches for a model package: an Ed25519 signature over its manifest's bytes, checked against trusted keys.

The manifest holds the hash of every other file, so that one signature covers the whole package. It is over the bare
bytes: `openssl pkeyutl -verify -rawin` can check it without this program.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.errors import EdgeError

SIGNATURE_FILE: Final = "manifest.sig"
_KEY_ID_CHARACTERS: Final = 16

SignatureState = Literal["verified", "unknown-key", "unsigned", "unchecked"]
"""`verified`: a trusted key signed it. `unknown-key`: signed by a key that is not installed here. `unchecked`: nobody
asked, as when a package is trained on from."""


class PackageSignatureError(EdgeError):
    """Nobody who is trusted vouches for the model package."""

    code = "model-package-signature"
    remedy = "Install a model package that was signed with a trusted key."


class PackageUnsigned(PackageSignatureError):
    """The model package carries no signature, and a clinic needs one."""

    code = "model-package-unsigned"
    remedy = "Sign the package with `python -m training sign`, or install a signed one."


class PackageKeyUnknown(PackageSignatureError):
    """The model package was signed with a key that is not trusted here."""

    code = "model-package-key-unknown"
    remedy = "Install the signer's public key in the folder of trusted keys, if you trust the signer."


class PackageSignatureWrong(PackageSignatureError):
    """The signature does not belong to this manifest."""

    code = "model-package-signature-wrong"
    remedy = "Do not use this package; install it again from its source and report it if it differs again."


class TrustedKeyUnusable(PackageSignatureError):
    """A file in the folder of trusted keys is no Ed25519 public key."""

    code = "trusted-key-unusable"
    remedy = "Remove the named file from the folder of trusted keys, or replace it by the signer's public key."


@dataclass(frozen=True)
class Trust:
    """Which keys count, by their ids, and whether a package without one of them may be used at all."""

    keys: Mapping[str, Ed25519PublicKey] = field(default_factory=dict)
    signature_required: bool = True


class _SignatureFile(BaseModel):
    """The file `manifest.sig`; `key_id` only finds the key, it proves nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    signature: str


def read_trusted_keys(folder: Path) -> dict[str, Ed25519PublicKey]:
    """Read every `*.pem` of a folder, by key id; a folder that is not there trusts nobody.

    Raises:
        TrustedKeyUnusable: a file is no Ed25519 public key in PEM form.
    """
    keys = {}
    for path in sorted(folder.glob("*.pem")):
        try:
            key = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise TrustedKeyUnusable(f"{path} is no public key in PEM form") from error
        if not isinstance(key, Ed25519PublicKey):
            raise TrustedKeyUnusable(f"{path} is a key of another kind than Ed25519")
        keys[key_id(key)] = key
    return keys


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of the 32 bytes of a public key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:_KEY_ID_CHARACTERS]


def make_signature(manifest: bytes, key: Ed25519PrivateKey) -> bytes:
    """The contents of `manifest.sig` for these manifest bytes."""
    signature = base64.b64encode(key.sign(manifest)).decode()
    text = _SignatureFile(key_id=key_id(key.public_key()), signature=signature).model_dump_json(indent=2)
    return f"{text}\n".encode()


def check_signature(manifest: bytes, signature: bytes | None, trust: Trust) -> SignatureState:
    """Check the contents of `manifest.sig`, None where there is no such file, before the manifest is even parsed.

    Raises:
        PackageSignatureWrong: there is a signature and it is not this manifest's; refused everywhere.
        PackageUnsigned, PackageKeyUnknown: `trust` requires a signature by a trusted key, and this is none.
    """
    if signature is None:
        if trust.signature_required:
            raise PackageUnsigned("the model package carries no signature")
        return "unsigned"
    try:
        parsed = _SignatureFile.model_validate_json(signature)
        raw = base64.b64decode(parsed.signature, validate=True)
    except (ValidationError, ValueError) as error:
        raise PackageSignatureWrong(f"{SIGNATURE_FILE} is no signature of this format") from error
    key = trust.keys.get(parsed.key_id)
    if key is None:
        if trust.signature_required:
            raise PackageKeyUnknown(f"the model package was signed with key {parsed.key_id}, which is not trusted here")
        return "unknown-key"
    try:
        key.verify(raw, manifest)
    except InvalidSignature as error:
        raise PackageSignatureWrong(f"the signature by key {parsed.key_id} does not belong to the manifest") from error
    return "verified"
