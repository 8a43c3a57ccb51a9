"""One batch, one transaction: everything in it is committed together, and nothing of it otherwise."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from hub.db.engine import Database
from hub.db.tables import InboxMessage, Kiosk
from hub.devices.presence import add_kiosk, apply_heartbeat, apply_state, find_kiosk
from hub.errors import HubError
from hub.ingest.handlers import HANDLERS
from hub.ingest.inbox import inbox_row, sort_facts
from hub.ingest.messages import Delivery, Fact, KioskName, Refused, refuse, understand
from hub.ingest.quarantine import quarantine
from hub.ingest.writes import Writes
from protocol.envelope import Heartbeat, KioskState

_log = logging.getLogger(__name__)
CONFLICTING = "record-conflict"
FAILED = "handler-failed"


@dataclass
class Recorded:
    """What a committed batch came to."""

    stored: list[Fact] = field(default_factory=list)
    duplicates: list[Fact] = field(default_factory=list)
    quarantined: list[Refused] = field(default_factory=list)
    born: set[KioskName] = field(default_factory=set)
    """Kiosks that reported for duty."""
    suspicious: set[KioskName] = field(default_factory=set)
    """Kiosks that have sent events out of sequence."""


class Recorder:
    """Turns deliveries into rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, deliveries: Sequence[Delivery], *, now: datetime) -> Recorded:
        """Commit all that is usable, and the rest to quarantine.

        Raises:
            DBAPIError: the database failed; nothing is committed, and the same call may be repeated.
        """
        understood = [understand(delivery) for delivery in deliveries]
        with self._database.writing.begin() as session:
            batch = _Batch(session, now)
            batch.quarantine([item for item in understood if isinstance(item, Refused)])
            batch.store([item for item in understood if isinstance(item, Fact)])
            for item in understood:
                if isinstance(item, KioskState):
                    batch.note_state(item)
                elif isinstance(item, Heartbeat):
                    apply_heartbeat(batch.kiosk(KioskName(item.site, item.kiosk)), item, now=now)
            batch.advance()
        return batch.recorded


class _Batch:
    """The work of one transaction."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.recorded = Recorded()
        self._session = session
        self._now = now
        self._kiosks: dict[KioskName, Kiosk] = {}
        self._settled: defaultdict[KioskName, set[int]] = defaultdict(set)

    def kiosk(self, name: KioskName) -> Kiosk:
        """Row of a kiosk that sent something usable."""
        row = self._kiosks.get(name) or find_kiosk(self._session, site=name.site, kiosk=name.kiosk)
        if row is None:
            row = add_kiosk(self._session, site=name.site, kiosk=name.kiosk, now=self._now)
        self._kiosks[name] = row
        return row

    def quarantine(self, refused: Sequence[Refused]) -> None:
        """Keep what is not usable. Garbage adds no kiosks."""
        for item in refused:
            known = item.kiosk and find_kiosk(self._session, site=item.kiosk.site, kiosk=item.kiosk.kiosk)
            quarantine(self._session, item, kiosk_id=known.id if known else None, now=self._now)
            if known and item.kiosk and item.sequence is not None:
                self._settled[item.kiosk].add(item.sequence)
            self.recorded.quarantined.append(item)

    def store(self, facts: Sequence[Fact]) -> None:
        """Store what is new: all at once, or one by one when something does not fit."""
        if not facts:
            return
        found = sort_facts(self._session, facts)
        set_aside = set()
        misfit = self._write(found.fresh)
        if misfit is not None:
            _log.info("storing %d messages one by one: %s", len(found.fresh), type(misfit).__name__)
            for fact in found.fresh:
                misfit = self._write([fact])
                if misfit is not None:
                    set_aside.add(fact.envelope.message_id)
                    self.quarantine([refuse(fact.delivery, code=_code(misfit), detail=type(misfit).__name__)])
        # A repetition of what was just set aside is not stored either; its rejection is told already.
        self.recorded.duplicates += [fact for fact in found.duplicates if fact.envelope.message_id not in set_aside]
        self.quarantine(found.reused)

    def note_state(self, state: KioskState) -> None:
        """Take over a birth or a death."""
        name = KioskName(state.site, state.kiosk)
        row = self.kiosk(name)
        known = row.last_sequence
        if apply_state(row, state, now=self._now) and state.online:
            self.recorded.born.add(name)
            if state.last_sequence < known:
                _log.warning("%s starts its sequence anew: gaps below %d go unseen", "/".join(name), known)

    def advance(self) -> None:
        """Move each kiosk's mark up to which everything is settled."""
        for name, sequences in self._settled.items():
            row = self.kiosk(name)
            row.last_sequence = max(row.last_sequence, *sequences)
            later = sorted(sequence for sequence in sequences if sequence > row.complete_through)
            for sequence in later:
                if sequence != row.complete_through + 1:
                    self.recorded.suspicious.add(name)
                    break
                row.complete_through = sequence

    def _write(self, facts: Sequence[Fact]) -> Exception | None:
        """Write the facts' rows, all or none; returns why they do not fit."""
        kiosk_ids = [self.kiosk(fact.kiosk).id for fact in facts]
        try:
            with self._session.begin_nested():
                writes = Writes()
                for fact, kiosk_id in zip(facts, kiosk_ids, strict=True):
                    writes.add(InboxMessage, inbox_row(fact, kiosk_id))
                    HANDLERS[type(fact.envelope.payload)](fact, kiosk_id, writes)
                writes.flush(self._session)
        except Exception as error:
            if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError | DataError):
                raise  # the database failed, not the message
            return error
        for fact in facts:
            self._settled[fact.kiosk].add(fact.envelope.sequence)
        self.recorded.stored += facts
        return None


def _code(misfit: Exception) -> str:
    if isinstance(misfit, HubError):
        return misfit.code
    return CONFLICTING if isinstance(misfit, IntegrityError) else FAILED
