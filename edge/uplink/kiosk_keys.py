"""The kiosk's own keys: X25519, which credential records are sealed to, and Ed25519, which signs deletion receipts."""

import contextlib
import os
import secrets
from base64 import b64encode
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from edge.errors import EdgeError
from protocol.credentials import KioskKeys

_MAGIC: Final = b"DKKIOSK1"
_KEY_BYTES: Final = 32
_FILE_BYTES: Final = len(_MAGIC) + 2 * _KEY_BYTES
SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class KioskKeysUnusable(EdgeError):
    """The kiosk's key file is damaged, or others than the kiosk's user may read it."""

    code = "kiosk-keys-unusable"
    remedy = "Give kiosk.keys mode 0600; if it is damaged, remove it, and have an administrator confirm the new keys."


class EnvelopeAltered(EdgeError):
    """An envelope that does not open: altered, or sealed to another key or for another purpose."""

    code = "envelope-altered"
    remedy = "Try again; if it returns, the keys of kiosk or hub have changed, and an administrator looks at them."


class KioskKeyPair:
    """Both private keys, from one file of mode 0600."""

    def __init__(self, *, encryption_key: bytes, signing_key: bytes) -> None:
        self._encryption = X25519PrivateKey.from_private_bytes(encryption_key)
        self._signing = Ed25519PrivateKey.from_private_bytes(signing_key)

    @classmethod
    def open_file(cls, path: Path) -> Self:
        """Read the key file, or make one where there is none.

        Raises:
            KioskKeysUnusable: damaged, or open to others.
        """
        if not path.exists():
            _create_file(path)
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_FILE_BYTES + 1)
        if mode & 0o077:
            raise KioskKeysUnusable("others may read the kiosk's key file")
        if not content.startswith(_MAGIC) or len(content) != _FILE_BYTES:
            raise KioskKeysUnusable("the kiosk's key file is damaged")
        keys = content.removeprefix(_MAGIC)
        return cls(encryption_key=keys[:_KEY_BYTES], signing_key=keys[_KEY_BYTES:])

    @property
    def public(self) -> KioskKeys:
        """The public halves, as the hub is told them."""
        return KioskKeys(
            encryption_key=b64encode(self._encryption.public_key().public_bytes_raw()).decode(),
            signing_key=b64encode(self._signing.public_key().public_bytes_raw()).decode(),
        )

    def open_envelope(self, sealed: bytes, *, info: bytes) -> bytes:
        """What the hub sealed to this kiosk for the purpose that `info` names.

        Raises:
            EnvelopeAltered: altered, or not for this kiosk and purpose.
        """
        try:
            return SUITE.decrypt(sealed, self._encryption, info)
        except (InvalidTag, ValueError):
            raise EnvelopeAltered("an envelope from the hub does not open with this kiosk's key") from None

    def sign(self, statement: bytes) -> bytes:
        """Ed25519 signature (64 bytes)."""
        return self._signing.sign(statement)


def _create_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    content = (
        _MAGIC + X25519PrivateKey.generate().private_bytes_raw() + Ed25519PrivateKey.generate().private_bytes_raw()
    )
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails when the name is taken: a key is never overwritten.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
