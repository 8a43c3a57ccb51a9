"""Deletions: every kiosk is ordered to delete its copy, and its signed receipt is kept."""

from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db.identity_tables import Deletion, DeletionOrder, KioskKey, KioskOrder
from hub.db.tables import Kiosk
from hub.identity.errors import ReceiptUnverified
from hub.identity.orders import give_order
from protocol.commands import DeleteIdentity
from protocol.identity import DeletionReceipted, DeletionScope, deletion_statement

ReceiptState = Literal["ordered", "receipted"]


@dataclass(frozen=True)
class KioskDeletion:
    """How far one kiosk is with a deletion."""

    site: str
    kiosk: str
    order_id: UUID
    state: ReceiptState
    times_sent: int
    removed: list[str] | None
    deleted_at: datetime | None
    receipted_at: datetime | None


def is_deleted(session: Session, patient_id: UUID) -> bool:
    """Whether the patient's account was deleted, or is about to be."""
    query = select(Deletion.id).where(Deletion.patient_id == patient_id, Deletion.scope == "account").limit(1)
    return session.scalar(query) is not None


def pending_deletions(session: Session) -> list[Deletion]:
    """Deletions that the hub has not carried out, oldest first."""
    query = select(Deletion).where(Deletion.done_at_hub_at.is_(None)).order_by(Deletion.received_at, Deletion.id)
    return list(session.scalars(query))


def order_deletion(session: Session, deletion: Deletion, *, kiosk_id: int, now: datetime) -> None:
    """Order one kiosk to delete, until its signed receipt is here."""
    order_id = uuid4()
    scope: DeletionScope = "face" if deletion.scope == "face" else "account"
    give_order(
        session,
        DeleteIdentity(order_id=order_id, patient_id=deletion.patient_id, scope=scope),
        kiosk_id=kiosk_id,
        subject=deletion.patient_id,
        now=now,
        order_id=order_id,
    )
    session.add(DeletionOrder(order_id=order_id, deletion_id=deletion.id, kiosk_id=kiosk_id))
    session.flush()


def order_deletion_again(session: Session, patient_id: UUID, *, kiosk_id: int, now: datetime) -> None:
    """Order a kiosk that still has a deleted account to delete it, unless such an order is open already."""
    of_patient = (Deletion.patient_id == patient_id, Deletion.scope == "account")
    open_order = session.scalar(
        select(DeletionOrder.order_id)
        .join(Deletion, Deletion.id == DeletionOrder.deletion_id)
        .where(*of_patient, DeletionOrder.kiosk_id == kiosk_id, DeletionOrder.receipted_at.is_(None))
        .limit(1)
    )
    if open_order is not None:
        return
    deletion = session.scalars(
        select(Deletion)
        .where(*of_patient, Deletion.done_at_hub_at.is_not(None))
        .order_by(Deletion.received_at)
        .limit(1)
    ).one_or_none()
    if deletion is not None:  # else it is about to be ordered of every kiosk
        order_deletion(session, deletion, kiosk_id=kiosk_id, now=now)


def take_receipt(session: Session, receipt: DeletionReceipted, *, kiosk_id: int, now: datetime) -> None:
    """Settle a kiosk's order by its signed receipt; a second receipt for it changes nothing.

    Raises:
        ReceiptUnverified: not signed by the key that this kiosk is known by, or not for an order that it got.
    """
    order = session.get(DeletionOrder, receipt.order_id)
    if order is None or order.kiosk_id != kiosk_id:
        raise ReceiptUnverified("no such order was given to this kiosk")
    deletion = session.get_one(Deletion, order.deletion_id)
    if (deletion.patient_id, deletion.scope) != (receipt.patient_id, receipt.scope):
        raise ReceiptUnverified("the receipt is for another deletion than the order")
    signature, key = _verified(session, receipt, kiosk_id)
    if order.receipted_at is not None:
        return
    order.removed, order.deleted_at = list(receipt.removed), receipt.deleted_at
    order.signature, order.signing_key, order.receipted_at = signature, key, now
    command = session.get_one(KioskOrder, order.order_id)
    command.is_open, command.outcome, command.settled_at = False, "receipted", now
    session.flush()


def kiosks_of(session: Session, deletion_id: UUID) -> list[KioskDeletion]:
    """How far each kiosk is."""
    rows = session.execute(
        select(DeletionOrder, Kiosk, KioskOrder.times_sent)
        .join(Kiosk, Kiosk.id == DeletionOrder.kiosk_id)
        .join(KioskOrder, KioskOrder.id == DeletionOrder.order_id)
        .where(DeletionOrder.deletion_id == deletion_id)
        .order_by(Kiosk.site, Kiosk.name, KioskOrder.issued_at)
    )
    return [
        KioskDeletion(
            site=kiosk.site,
            kiosk=kiosk.name,
            order_id=order.order_id,
            state="receipted" if order.receipted_at else "ordered",
            times_sent=times_sent,
            removed=order.removed,
            deleted_at=order.deleted_at,
            receipted_at=order.receipted_at,
        )
        for order, kiosk, times_sent in rows
    ]


def _verified(session: Session, receipt: DeletionReceipted, kiosk_id: int) -> tuple[bytes, bytes]:
    keys, kiosk = session.get(KioskKey, kiosk_id), session.get_one(Kiosk, kiosk_id)
    if keys is None:
        raise ReceiptUnverified("the kiosk's keys are not known")
    statement = deletion_statement(
        order_id=receipt.order_id,
        patient_id=receipt.patient_id,
        scope=receipt.scope,
        site=kiosk.site,
        kiosk=kiosk.name,
        deleted_at=receipt.deleted_at,
    )
    try:
        signature = b64decode(receipt.signature, validate=True)
        Ed25519PublicKey.from_public_bytes(keys.signing_key).verify(signature, statement)
    except (InvalidSignature, ValueError):
        raise ReceiptUnverified("the kiosk's key did not sign this receipt") from None
    return signature, keys.signing_key
