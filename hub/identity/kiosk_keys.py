"""Public keys of kiosks: the first are taken as they come, a change waits for an administrator."""

from base64 import b64decode
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from sqlalchemy.orm import Session

from hub.db.identity_tables import KioskKey
from hub.db.tables import Kiosk
from hub.devices.presence import add_kiosk, find_kiosk
from hub.errors import Conflict, NotFound, Unprocessable
from hub.identity.errors import KioskKeysMissing
from protocol.credentials import KioskKeys

_KEY_BYTES = 32


def kiosk_row(session: Session, *, site: str, kiosk: str, now: datetime) -> Kiosk:
    """The kiosk's row, added if its first word comes by HTTPS."""
    return find_kiosk(session, site=site, kiosk=kiosk) or add_kiosk(session, site=site, kiosk=kiosk, now=now)


def take_keys(session: Session, kiosk: Kiosk, keys: KioskKeys, *, now: datetime) -> bool:
    """Pin a kiosk's first keys; False when it is known by others, and these now wait to be confirmed.

    Raises:
        Unprocessable: not keys.
    """
    encryption_key, signing_key = _encryption_key(keys.encryption_key), _raw(keys.signing_key)
    known = session.get(KioskKey, kiosk.id)
    if known is None:
        session.add(KioskKey(kiosk_id=kiosk.id, encryption_key=encryption_key, signing_key=signing_key, pinned_at=now))
        return True
    if (known.encryption_key, known.signing_key) == (encryption_key, signing_key):
        return True
    if (known.proposed_encryption_key, known.proposed_signing_key) != (encryption_key, signing_key):
        known.proposed_encryption_key, known.proposed_signing_key = encryption_key, signing_key
        known.proposed_at = now
    return False


def confirm_keys(
    session: Session, *, site: str, kiosk: str, expected_signing_key: str, confirmed_by: str, now: datetime
) -> None:
    """Make the waiting keys those that the kiosk is known by.

    Raises:
        NotFound: no such kiosk, or no keys of it wait.
        Conflict: other keys wait by now than those that the administrator saw.
    """
    row = find_kiosk(session, site=site, kiosk=kiosk)
    known = session.get(KioskKey, row.id) if row else None
    if known is None or known.proposed_encryption_key is None or known.proposed_signing_key is None:
        raise NotFound("no keys of such a kiosk wait to be confirmed")
    if known.proposed_signing_key != _raw(expected_signing_key):
        raise Conflict("other keys wait now than those to be confirmed")
    known.encryption_key, known.signing_key = known.proposed_encryption_key, known.proposed_signing_key
    known.proposed_encryption_key = known.proposed_signing_key = known.proposed_at = None
    known.pinned_at, known.confirmed_by = now, confirmed_by


def pinned_keys(session: Session, kiosk_id: int) -> KioskKey:
    """The keys that a kiosk is known by, whatever others it, or whoever has its token, has shown since.

    Raises:
        KioskKeysMissing: it has none yet.
    """
    known = session.get(KioskKey, kiosk_id)
    if known is None:
        raise KioskKeysMissing("the kiosk has not sent its keys")
    return known


def _raw(text: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        raise Unprocessable("a key is not base64") from None
    if len(key) != _KEY_BYTES:
        raise Unprocessable(f"a key has {len(key)} bytes, not {_KEY_BYTES}")
    return key


def _encryption_key(text: str) -> bytes:
    key = _raw(text)
    try:
        # A point of small order would make every envelope readable; the exchange refuses it.
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(key))
    except ValueError:
        raise Unprocessable("the encryption key is a point of small order") from None
    return key
