"""The hub's key file: what opens records from kiosks, what seals them at rest, and the fleet's pepper.

It lies apart from the database, so that neither alone opens anything.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from hub.identity.errors import CredentialUnreadable, EnvelopeAltered, IdentityKeysUnusable

_MAGIC: Final = b"DKHUBID1"
_KEY_BYTES: Final = 32
_KEYS: Final = 3
_NONCE_BYTES: Final = 12
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class HubKeys:
    """The keys of one hub, in memory."""

    def __init__(self, *, encryption_key: bytes, storage_key: bytes, pepper: bytes) -> None:
        self._private = X25519PrivateKey.from_private_bytes(encryption_key)
        self._storage = AESGCM(storage_key)
        self._digest_key = hashlib.sha256(b"dermakiosk hub digests" + storage_key).digest()
        self.pepper = pepper

    @classmethod
    def generate(cls) -> Self:
        """New random keys, kept nowhere."""
        return cls(**_split(secrets.token_bytes(_KEYS * _KEY_BYTES)))

    @classmethod
    def open_file(cls, path: Path) -> Self:
        """Read the key file.

        Raises:
            IdentityKeysUnusable: missing, damaged, or open to others.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(len(_MAGIC) + _KEYS * _KEY_BYTES + 1)
        except OSError as error:
            raise IdentityKeysUnusable(f"the key file {path} cannot be read: {error.strerror}") from None
        if mode & 0o077:
            raise IdentityKeysUnusable(f"others may read the key file {path}")
        if not content.startswith(_MAGIC) or len(content) != len(_MAGIC) + _KEYS * _KEY_BYTES:
            raise IdentityKeysUnusable(f"the key file {path} is damaged")
        return cls(**_split(content.removeprefix(_MAGIC)))

    @property
    def public_key(self) -> bytes:
        """X25519, raw: what kiosks seal records to."""
        return self._private.public_key().public_bytes_raw()

    def open_envelope(self, sealed: bytes, *, info: bytes) -> bytes:
        """What a kiosk sealed to this hub for the purpose that `info` names.

        Raises:
            EnvelopeAltered: altered, or not for this hub and purpose.
        """
        try:
            return _SUITE.decrypt(sealed, self._private, info)
        except (InvalidTag, ValueError):
            raise EnvelopeAltered("the envelope does not open with the hub's key") from None

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt for the database; opens for the same context only. Nonce (12), then ciphertext with tag."""
        return _seal(self._storage, plaintext, context)

    def unseal(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt what `seal` made for this context.

        Raises:
            CredentialUnreadable: altered, of another context, or sealed under another key file.
        """
        return _unseal(self._storage, sealed, context)

    def digest(self, data: bytes, *, context: str) -> bytes:
        """HMAC-SHA-256 (32 bytes): tells equal from unequal, and nothing to whoever has the database alone."""
        return hmac.digest(self._digest_key, context.encode() + b"\0" + data, "sha256")


def seal_to_kiosk(plaintext: bytes, *, kiosk_key: bytes, info: bytes) -> bytes:
    """Envelope that only the kiosk with this X25519 key opens."""
    return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(kiosk_key), info)


def seal_with_own_key(keys: HubKeys, plaintext: bytes, *, context: str) -> tuple[bytes, bytes]:
    """Sealed data key and sealed data: once the former is destroyed, nobody opens the latter, the hub included."""
    data_key = AESGCM.generate_key(_KEY_BYTES * 8)
    return keys.seal(data_key, context=f"{context}/key"), _seal(AESGCM(data_key), plaintext, context)


def unseal_with_own_key(keys: HubKeys, sealed_key: bytes, sealed: bytes, *, context: str) -> bytes:
    """Open what `seal_with_own_key` made.

    Raises:
        CredentialUnreadable: either part is altered or belongs elsewhere.
    """
    return _unseal(AESGCM(keys.unseal(sealed_key, context=f"{context}/key")), sealed, context)


def create_key_file(path: Path) -> None:
    """Write new random keys, mode 0600, whole and fsynced or not at all.

    Raises:
        FileExistsError: there is one; it is never overwritten.
        OSError: the disk does not take it.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + secrets.token_bytes(_KEYS * _KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails when the name is taken.
        path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _split(keys: bytes) -> dict[str, bytes]:
    parts = [keys[start : start + _KEY_BYTES] for start in range(0, len(keys), _KEY_BYTES)]
    return dict(zip(("encryption_key", "storage_key", "pepper"), parts, strict=True))


def _seal(aead: AESGCM, plaintext: bytes, context: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + aead.encrypt(nonce, plaintext, context.encode())


def _unseal(aead: AESGCM, sealed: bytes, context: str) -> bytes:
    try:
        return aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError):
        raise CredentialUnreadable("what is sealed in the database does not open with this key file") from None
