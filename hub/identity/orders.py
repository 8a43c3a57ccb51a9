"""Orders to kiosks, kept until each is settled: what is committed with the reason for it is not forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from hub.db.identity_tables import KioskOrder
from hub.db.tables import Kiosk
from protocol.codec import COMMAND_ENVELOPES
from protocol.commands import COMMAND_NAMES, COMMANDS, Command, DeleteIdentity, LockSignIn
from protocol.envelope import CommandEnvelope

LASTING: Final = timedelta(days=3650)
"""For orders that hold until obeyed; a kiosk with a wrong clock must not call them expired."""
EXPIRED: Final = "expired"
_FIRST_RESEND: Final = timedelta(seconds=60)
_LONGEST_RESEND: Final = timedelta(hours=1)
_MOST_DUE: Final = 200


@dataclass(frozen=True)
class DueOrder:
    """An order that its kiosk should hear now."""

    order_id: UUID
    site: str
    kiosk: str
    envelope: CommandEnvelope[Any]


def give_order(
    session: Session,
    command: Command,
    *,
    kiosk_id: int,
    subject: UUID | str,
    now: datetime,
    expires_at: datetime | None = None,
    order_id: UUID | None = None,
) -> UUID:
    """Order something of a kiosk; an open order of the same kind about the same subject is replaced."""
    name = COMMAND_NAMES[type(command)]
    withdraw_orders(session, (name,), subject=subject, kiosk_ids=(kiosk_id,), now=now)
    row = KioskOrder(
        id=order_id or uuid4(),
        kiosk_id=kiosk_id,
        type=name,
        subject=str(subject),
        payload=command.model_dump(mode="json"),
        issued_at=now,
        expires_at=expires_at or now + LASTING,
        is_open=True,
        times_sent=0,
    )
    session.add(row)
    session.flush()
    return row.id


def withdraw_orders(
    session: Session,
    types: Iterable[str],
    *,
    subject: UUID | str,
    now: datetime,
    kiosk_ids: Iterable[int] | None = None,
) -> None:
    """Close open orders that something newer has overtaken. Deletions are never withdrawn."""
    overtaken = update(KioskOrder).where(
        KioskOrder.is_open,
        KioskOrder.subject == str(subject),
        KioskOrder.type.in_(list(types)),
        KioskOrder.type != COMMAND_NAMES[DeleteIdentity],
    )
    if kiosk_ids is not None:
        overtaken = overtaken.where(KioskOrder.kiosk_id.in_(list(kiosk_ids)))
    session.execute(overtaken.values(is_open=False, outcome="overtaken", settled_at=now))


def all_kiosk_ids(session: Session) -> list[int]:
    """Every kiosk that was ever heard of."""
    return list(session.scalars(select(Kiosk.id).order_by(Kiosk.id)))


def note_answer(session: Session, *, order_id: UUID, kiosk_id: int, outcome: str, now: datetime) -> None:
    """A kiosk answered. A deletion stays open until its signed receipt; its kiosk's word alone is not enough."""
    session.execute(
        update(KioskOrder)
        .where(
            KioskOrder.id == order_id,
            KioskOrder.kiosk_id == kiosk_id,
            KioskOrder.is_open,
            KioskOrder.type != COMMAND_NAMES[DeleteIdentity],
        )
        .values(is_open=False, outcome=outcome, settled_at=now)
    )


def due_orders(session: Session, *, now: datetime) -> list[DueOrder]:
    """Orders to send: those that a kiosk has not heard since its last birth, and those long without an answer."""
    rows = session.execute(
        select(KioskOrder, Kiosk)
        .join(Kiosk, Kiosk.id == KioskOrder.kiosk_id)
        .where(KioskOrder.is_open, Kiosk.online, KioskOrder.expires_at > now)
        .where(
            or_(
                KioskOrder.sent_at.is_(None),
                KioskOrder.sent_boot_id.is_distinct_from(Kiosk.boot_id),
                KioskOrder.sent_session.is_distinct_from(Kiosk.session),
                # A clock that was set back must not hold an order up for ever.
                KioskOrder.sent_at <= now - _FIRST_RESEND,
                KioskOrder.sent_at > now,
            )
        )
        .order_by(KioskOrder.issued_at, KioskOrder.id)
        .limit(_MOST_DUE)
    )
    return [_due(order, kiosk, now) for order, kiosk in rows if _is_due(order, kiosk, now)]


def note_sent(session: Session, orders: Iterable[DueOrder], *, now: datetime) -> None:
    """Remember when, and to which session of the kiosk, orders were sent."""
    for due in orders:
        order = session.get_one(KioskOrder, due.order_id)
        kiosk = session.get_one(Kiosk, order.kiosk_id)
        same_session = (order.sent_boot_id, order.sent_session) == (kiosk.boot_id, kiosk.session)
        order.times_sent = order.times_sent + 1 if same_session else 1
        order.sent_at, order.sent_boot_id, order.sent_session = now, kiosk.boot_id, kiosk.session


def close_expired(session: Session, *, now: datetime) -> None:
    """Close orders whose time is over."""
    session.execute(
        update(KioskOrder)
        .where(KioskOrder.is_open, KioskOrder.expires_at <= now)
        .values(is_open=False, outcome=EXPIRED, settled_at=now)
    )


def _is_due(order: KioskOrder, kiosk: Kiosk, now: datetime) -> bool:
    if order.sent_at is None or (order.sent_boot_id, order.sent_session) != (kiosk.boot_id, kiosk.session):
        return True
    wait = min(_FIRST_RESEND * 2 ** (min(order.times_sent, 20) - 1), _LONGEST_RESEND)
    return not timedelta(0) <= now - order.sent_at < wait


def _due(order: KioskOrder, kiosk: Kiosk, now: datetime) -> DueOrder:
    payload: Command = COMMANDS[order.type].model_validate(order.payload)
    if isinstance(payload, LockSignIn):
        # Said as a remainder, so that the kiosk's clock does not matter.
        payload = payload.model_copy(update={"remaining_s": (order.expires_at - now).total_seconds()})
    envelope = COMMAND_ENVELOPES[order.type](
        message_id=order.id,
        type=order.type,
        site=kiosk.site,
        kiosk=kiosk.name,
        issued_at=now,
        # The remainder says when a lock ends; a kiosk whose clock is ahead must still obey it.
        expires_at=now + LASTING,
        payload=payload,
    )
    return DueOrder(order.id, kiosk.site, kiosk.name, envelope)
