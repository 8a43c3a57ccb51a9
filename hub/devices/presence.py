"""Births, deaths and heartbeats. A death counts only against the birth that it belongs to."""

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db.tables import Kiosk
from protocol.envelope import Heartbeat, KioskState

MISSED_BEATS = 3
Presence = Literal["online", "silent", "offline"]


def find_kiosk(session: Session, *, site: str, kiosk: str) -> Kiosk | None:
    """The kiosk's row, if it ever sent something."""
    return session.scalar(select(Kiosk).where(Kiosk.site == site, Kiosk.name == kiosk))


def add_kiosk(session: Session, *, site: str, kiosk: str, now: datetime) -> Kiosk:
    """A row for a new kiosk."""
    row = Kiosk(
        site=site, name=kiosk, first_seen_at=now, online=False, oldest_sequence=0, last_sequence=0, complete_through=0
    )
    session.add(row)
    session.flush()
    return row


def apply_state(row: Kiosk, state: KioskState, *, now: datetime) -> bool:
    """Take over a birth or a death; says whether it counted."""
    if row.boot_id == state.boot_id and row.session is not None and state.session < row.session:
        return False
    if not state.online and row.boot_id is not None and (row.boot_id, row.session) != (state.boot_id, state.session):
        return False
    row.online = state.online
    row.reason = state.reason
    row.state_at = state.as_of
    row.boot_id = state.boot_id
    row.session = state.session
    row.software_version = state.software_version
    row.model_sha256 = state.model_sha256
    row.simulated = state.simulated
    if state.online:
        row.last_seen_at = now
        row.oldest_sequence = state.oldest_sequence
        row.last_sequence = max(row.last_sequence, state.last_sequence)
        # What the kiosk no longer keeps cannot be asked for.
        gone = state.oldest_sequence - 1 if state.oldest_sequence else state.last_sequence
        row.complete_through = max(row.complete_through, gone)
    return True


def apply_heartbeat(row: Kiosk, beat: Heartbeat, *, now: datetime) -> None:
    """Note a sign of life of the current boot."""
    if row.boot_id is not None and row.boot_id != beat.boot_id:
        return
    row.last_seen_at = now
    row.pending_events = beat.pending_events
    row.pending_images = beat.pending_images
    row.free_disk_bytes = beat.free_disk_bytes


def presence(row: Kiosk, *, now: datetime, heartbeat_interval_s: float) -> Presence:
    """Whether the kiosk is there, judged when asked: a broker may hold a dead kiosk for alive."""
    if not row.online or row.last_seen_at is None:
        return "offline"
    silence = timedelta(seconds=MISSED_BEATS * heartbeat_interval_s)
    return "silent" if now - row.last_seen_at > silence else "online"
