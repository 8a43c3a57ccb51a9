"""Secrets at rest: AES-256-GCM under a key that lies in its own file, apart from the database.

What belongs to one patient is sealed under a key of that patient, which is itself sealed by the vault: whoever destroys
that one small blob has deleted all the rest, wherever copies of it lie.
"""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.errors import EdgeError

_KEY_FILE_MAGIC: Final = b"DKVAULT1"
_KEY_BYTES: Final = 32
_BLOB_VERSION: Final = b"\x01"
_KEY_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_PATIENT_KEY: Final = "patient-key"
_HEADER_BYTES: Final = len(_BLOB_VERSION) + _KEY_ID_BYTES


class VaultError(EdgeError):
    """What is encrypted cannot be read; the subclass says why."""

    code = "vault"
    remedy = "Sign in with the password; a technician restores the vault's key file."


class VaultKeyMissing(VaultError):
    """The key file, or the key that this blob was sealed with, is not here."""

    code = "vault-key-missing"
    remedy = "Restore the vault's key file from its backup; without it every face must be enrolled again."


class VaultKeyUnusable(VaultError):
    """The key file is damaged, or others than the kiosk's user may read it."""

    code = "vault-key-unusable"
    remedy = "Give the key file mode 0600, or restore it from its backup if it is damaged."


class VaultBlobAltered(VaultError):
    """The blob is damaged, forged, or stood with another patient or for another purpose."""

    code = "vault-blob-altered"
    remedy = "Sign in with the password and enrol the face again; tell the technician, who checks the disk."


class Vault:
    """Seals and opens blobs with one key. Blob: version byte, key id (8), nonce (12), ciphertext with tag (16)."""

    def __init__(self, key: bytes) -> None:
        self._key_id = hashlib.sha256(b"dermakiosk vault key id" + key).digest()[:_KEY_ID_BYTES]
        self._aead = AESGCM(key)

    @classmethod
    def open_file(cls, path: Path) -> Self:
        """Read the key file.

        Raises:
            VaultKeyMissing: there is none.
            VaultKeyUnusable: damaged, or open to others.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(len(_KEY_FILE_MAGIC) + _KEY_BYTES + 1)
        except FileNotFoundError:
            raise VaultKeyMissing("the vault's key file does not exist") from None
        if mode & 0o077:
            raise VaultKeyUnusable("others may read the vault's key file")
        if not content.startswith(_KEY_FILE_MAGIC) or len(content) != len(_KEY_FILE_MAGIC) + _KEY_BYTES:
            raise VaultKeyUnusable("the vault's key file is damaged")
        return cls(content.removeprefix(_KEY_FILE_MAGIC))

    def seal(self, plaintext: bytes, *, patient_id: str, purpose: str) -> bytes:
        """Encrypt for one patient and purpose; the blob opens for no other."""
        header = _BLOB_VERSION + self._key_id
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return header + nonce + self._aead.encrypt(nonce, plaintext, _associated(header, patient_id, purpose))

    def unseal(self, blob: bytes, *, patient_id: str, purpose: str) -> bytes:
        """Decrypt what `seal` made for this patient and purpose.

        Raises:
            VaultKeyMissing: sealed with another key.
            VaultBlobAltered: anything else than what was sealed for them.
        """
        if len(blob) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES or not blob.startswith(_BLOB_VERSION):
            raise VaultBlobAltered("the blob is no whole blob of this version")
        header, rest = blob[:_HEADER_BYTES], blob[_HEADER_BYTES:]
        if header[len(_BLOB_VERSION) :] != self._key_id:
            raise VaultKeyMissing("the blob was sealed with another key")
        try:
            return self._aead.decrypt(
                rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _associated(header, patient_id, purpose)
            )
        except InvalidTag:
            raise VaultBlobAltered("the blob was altered, or belongs elsewhere") from None

    def new_patient_key(self, patient_id: UUID) -> bytes:
        """Draw a key for one patient's data; returned sealed, as it is kept."""
        key = AESGCM.generate_key(_KEY_BYTES * 8)
        return self.seal(key, patient_id=str(patient_id), purpose=_PATIENT_KEY)

    def for_patient(self, patient_id: UUID, sealed_key: bytes) -> "Vault":
        """The vault of one patient's data.

        Raises:
            VaultKeyMissing, VaultBlobAltered: as for `unseal`.
        """
        return Vault(self.unseal(sealed_key, patient_id=str(patient_id), purpose=_PATIENT_KEY))


def create_key_file(path: Path) -> None:
    """Write a new random key, mode 0600, whole and fsynced or not at all.

    Raises:
        FileExistsError: there is one; a key is never overwritten, what it sealed would be lost.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_KEY_FILE_MAGIC + AESGCM.generate_key(_KEY_BYTES * 8))
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails when the name is taken.
        path.hardlink_to(draft)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _associated(header: bytes, patient_id: str, purpose: str) -> bytes:
    # Length prefixes, so that no two pairs of patient and purpose give the same bytes.
    parts = (patient_id.encode(), purpose.encode())
    return header + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
