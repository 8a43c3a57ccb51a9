"""Finds events that a kiosk sent and that are not here, and asks for them again, sparingly."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, literal, select, union
from sqlalchemy.orm import Session

from hub.config import IngestSettings
from hub.db.engine import Database
from hub.db.tables import InboxMessage, Kiosk, QuarantinedMessage
from hub.devices.presence import find_kiosk
from hub.ingest.messages import KioskName
from protocol.commands import COMMAND_NAMES, ReplayEvents
from protocol.envelope import CommandEnvelope

MOST_RANGES = 20
LONGEST_INTERVAL = timedelta(hours=1)
COMMAND_LIFE = timedelta(minutes=10)


@dataclass(frozen=True)
class Range:
    """Sequences from first to last, both included."""

    first: int
    last: int


@dataclass(frozen=True)
class Gaps:
    """What is missing of a kiosk's events, and up to where nothing is."""

    ranges: list[Range]
    complete_through: int


@dataclass
class _Watch:
    """A kiosk that may miss something here. A gap is asked for once it has outlasted the grace period unchanged."""

    due_at: datetime
    seen: Range | None = None
    asked: Range | None = None
    asked_at: datetime | None = None
    times_asked: int = 0


class GapWatch:
    """Looks at suspicious kiosks when due; used by the ingest thread only."""

    def __init__(
        self, database: Database, settings: IngestSettings, *, send: Callable[[CommandEnvelope[ReplayEvents]], None]
    ) -> None:
        self._database = database
        self._grace = timedelta(seconds=settings.replay_grace_s)
        self._interval = timedelta(seconds=settings.replay_interval_s)
        self._send = send
        self._watched: dict[KioskName, _Watch] = {}

    def suspect(self, kiosks: Iterable[KioskName], *, now: datetime) -> None:
        """Look at these kiosks after the grace period."""
        for name in kiosks:
            self._watched.setdefault(name, _Watch(due_at=now + self._grace))

    def greet(self, kiosks: Iterable[KioskName], *, now: datetime) -> None:
        """The same for kiosks that just arrived: they may now have what they could not send before."""
        for name in kiosks:
            watch = self._watched.setdefault(name, _Watch(due_at=now + self._grace))
            earliest = now if watch.asked_at is None else watch.asked_at + self._interval
            watch.due_at = min(watch.due_at, max(now + self._grace, earliest))

    def run_due(self, *, now: datetime) -> None:
        """Look at the kiosks whose time has come, and ask for what has been missing for long enough."""
        for name in [name for name, watch in self._watched.items() if watch.due_at <= now]:
            gaps = settle(self._database, name)
            if gaps.ranges:
                self._judge(name, self._watched[name], gaps.ranges, now=now)
            else:
                del self._watched[name]

    def _judge(self, name: KioskName, watch: _Watch, missing: list[Range], *, now: datetime) -> None:
        if watch.seen != missing[0]:
            watch.seen = missing[0]
            watch.due_at = now + self._grace
            return
        watch.times_asked = watch.times_asked + 1 if watch.asked == missing[0] else 1
        watch.asked = missing[0]
        watch.asked_at = now
        # What a kiosk could not send the last time it can hardly send in a minute: ask ever less often.
        watch.due_at = now + min(self._interval * 2 ** (min(watch.times_asked, 20) - 1), LONGEST_INTERVAL)
        for gap in missing:
            self._send(
                CommandEnvelope[ReplayEvents](
                    message_id=uuid4(),
                    type=COMMAND_NAMES[ReplayEvents],
                    site=name.site,
                    kiosk=name.kiosk,
                    issued_at=now,
                    expires_at=now + COMMAND_LIFE,
                    payload=ReplayEvents(from_sequence=gap.first, to_sequence=gap.last),
                )
            )


def settle(database: Database, name: KioskName) -> Gaps:
    """Find what is missing of a kiosk's events, and move its mark up to there."""
    with database.reading() as session:
        row = find_kiosk(session, site=name.site, kiosk=name.kiosk)
        if row is None:
            return Gaps([], 0)
        gaps = find_gaps(session, row)
    if gaps.complete_through > row.complete_through:
        with database.writing.begin() as session:
            session.get_one(Kiosk, row.id).complete_through = gaps.complete_through
    return gaps


def find_gaps(session: Session, kiosk: Kiosk) -> Gaps:
    """The first ranges of a kiosk's sequence that are neither stored nor in quarantine."""
    start = kiosk.complete_through
    known = union(
        *(
            select(table.sequence).where(table.kiosk_id == kiosk.id, table.sequence > start)
            for table in (InboxMessage, QuarantinedMessage)
        )
    ).subquery()
    previous = func.lag(known.c.sequence, 1, literal(start)).over(order_by=known.c.sequence)
    ordered = select(known.c.sequence, previous.label("previous")).subquery()
    holes = session.execute(
        select((ordered.c.previous + 1).label("first"), (ordered.c.sequence - 1).label("last"))
        .where(ordered.c.sequence > ordered.c.previous + 1)
        .order_by(ordered.c.sequence)
        .limit(MOST_RANGES)
    )
    ranges = [Range(hole.first, hole.last) for hole in holes]
    highest = session.scalar(select(func.max(known.c.sequence))) or start
    complete_through = ranges[0].first - 1 if ranges else highest
    if len(ranges) < MOST_RANGES and kiosk.last_sequence > highest:
        ranges.append(Range(highest + 1, kiosk.last_sequence))
    return Gaps(ranges, complete_through)
