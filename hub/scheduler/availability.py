"""From weekly opening hours to bookable slots. Pure: no database, no clock."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True)
class Opening:
    """Opening hours on one weekday, by the clock on the wall.

    Attributes:
        weekday: 0 is Monday.
        opens_minute: minutes since local midnight.
        closes_minute: the same, after `opens_minute`; 1440 is midnight at the end of the day.
    """

    weekday: int
    opens_minute: int
    closes_minute: int

    def __post_init__(self) -> None:
        if not (0 <= self.weekday <= 6 and 0 <= self.opens_minute < self.closes_minute <= _MINUTES_A_DAY):  # noqa: PLR2004 Sunday
            raise ValueError(f"no opening hours: {self}")


@dataclass(frozen=True, order=True)
class Slot:
    """A span of time in UTC, its end not included."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: "Slot") -> bool:
        """Whether the two share any moment."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def bookable_slots(
    *,
    openings: Iterable[Opening],
    time_zone: ZoneInfo,
    duration: timedelta,
    starts: datetime,
    ends: datetime,
    occupied: Iterable[Slot] = (),
) -> list[Slot]:
    """Free slots that begin in [starts, ends), in order; a slot lasts `duration` and ends within the opening hours.

    Where clocks go forward, starts that do not exist on the wall are skipped; where they go back, each time on the wall
    is offered once, the first time it comes. The `openings` of one weekday must not overlap.
    """
    taken = list(occupied)
    slots = _slots(openings=list(openings), zone=time_zone, duration=duration, starts=starts, ends=ends)
    return sorted(
        slot for slot in slots if starts <= slot.starts_at < ends and not any(slot.overlaps(other) for other in taken)
    )


def _slots(
    *, openings: list[Opening], zone: ZoneInfo, duration: timedelta, starts: datetime, ends: datetime
) -> Iterator[Slot]:
    day, last_day = starts.astimezone(zone).date(), ends.astimezone(zone).date()
    while day <= last_day:
        for opening in openings:
            if opening.weekday == day.weekday():
                yield from _slots_of_day(opening, day=day, zone=zone, duration=duration)
        day += timedelta(days=1)


def _slots_of_day(opening: Opening, *, day: date, zone: ZoneInfo, duration: timedelta) -> Iterator[Slot]:
    midnight = datetime.combine(day, time())
    wall, closes = (midnight + timedelta(minutes=m) for m in (opening.opens_minute, opening.closes_minute))
    previous_end: datetime | None = None
    while wall + duration <= closes:
        # fold=0: of an hour that comes twice, the first.
        starts_at = wall.replace(tzinfo=zone).astimezone(UTC)
        slot = Slot(starts_at, starts_at + duration)
        exists = _on_the_wall(slot.starts_at, zone) == wall
        # Its last moment, because the end itself may be where clocks jump.
        fits = _on_the_wall(slot.ends_at - datetime.resolution, zone) < closes
        # Across a gap the wall runs ahead of time, so that the next start may fall into the slot before.
        follows = previous_end is None or slot.starts_at >= previous_end
        if exists and fits and follows:
            previous_end = slot.ends_at
            yield slot
        wall += duration


def _on_the_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
