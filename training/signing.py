"""Signing keys and signatures of model packages, on the machine of whoever answers for the package."""

import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from edge.inference.model_package import MANIFEST_FILE, ModelPackageAltered, load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.package_signature import SIGNATURE_FILE, Trust, key_id, make_signature
from edge.inference.self_test import self_test

_PRIVATE_MODE: Final = 0o600


def make_key(path: Path) -> Path:
    """Write a new private key, mode 0600, and its public key beside it; returns the public key's file.

    Raises:
        FileExistsError: one of them is there; a key is never overwritten.
        ValueError: the folder lies in a version-controlled tree, from which a private key would spread.
    """
    public = path.with_name(f"{path.stem}.pub.pem")
    if any((folder / ".git").exists() for folder in path.resolve().parents):
        raise ValueError(f"{path} lies in a repository; keep a private key outside of any")
    if public.exists():
        raise FileExistsError(f"{public} exists; a key is never overwritten")
    key = Ed25519PrivateKey.generate()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public


def sign_package(package_dir: Path, key_file: Path) -> str:
    """Sign an intact package that passes its own self-test; returns the key's id.

    Raises:
        ValueError: the key file is no Ed25519 private key or others may read it, or the package has no golden pictures.
        EdgeError: the package is not intact, or does not pass.
    """
    key = _read_private_key(key_file)
    package = load_model_package(package_dir)
    if not package.manifest.golden:
        raise ValueError(f"{package_dir} has no golden pictures, and no clinic would take it")
    classifier = OpenVinoClassifier(package)
    try:
        self_test(classifier, package)
    finally:
        classifier.close()
    manifest = (package_dir / MANIFEST_FILE).read_bytes()
    if sha256(manifest).hexdigest() != package.sha256:
        raise ModelPackageAltered(f"{package_dir} was changed while it was tested")
    signature = make_signature(manifest, key)
    draft = package_dir / f".{SIGNATURE_FILE}.{secrets.token_hex(4)}"
    draft.write_bytes(signature)
    draft.replace(package_dir / SIGNATURE_FILE)
    # As a kiosk will.
    public = key.public_key()
    load_model_package(package_dir, trust=Trust({key_id(public): public}))
    return key_id(public)


def _read_private_key(path: Path) -> Ed25519PrivateKey:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise ValueError(f"others may read {path}; give it mode 0600")
        content = file.read()
    try:
        key = load_pem_private_key(content, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{path} is no private key in PEM form without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} is a key of another kind than Ed25519")  # noqa: TRY004  # the file is wrong, not a type
    return key
