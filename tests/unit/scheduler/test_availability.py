from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.scheduler.availability import Opening, Slot, bookable_slots

BERLIN = ZoneInfo("Europe/Berlin")
HALF_HOUR = timedelta(minutes=30)
EVERY_DAY = range(7)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Among them clocks that move by half an hour, at midnight, twice around Ramadan, and over a whole day in 2011.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/Havana",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "UTC",
    )
]


def _at(day: date, clock: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), zone).replace(fold=fold).astimezone(UTC)


def _walls(slots: Iterable[Slot], zone: ZoneInfo = BERLIN) -> list[str]:
    return [slot.starts_at.astimezone(zone).strftime("%H:%M") for slot in slots]


def _on(day: date, *openings: tuple[int, int], duration: timedelta = HALF_HOUR) -> list[Slot]:
    return bookable_slots(
        openings=[Opening(day.weekday(), opens * 60, closes * 60) for opens, closes in openings],
        time_zone=BERLIN,
        duration=duration,
        starts=_at(day, "00:00"),
        ends=_at(day + timedelta(days=1), "00:00"),
    )


def test_a_morning_has_a_slot_every_half_hour_and_none_that_ends_late() -> None:
    assert _walls(_on(date(2026, 11, 23), (9, 11))) == ["09:00", "09:30", "10:00", "10:30"]
    assert _walls(_on(date(2026, 11, 23), (9, 11), duration=timedelta(minutes=50))) == ["09:00", "09:50"]


def test_a_break_at_noon_is_two_openings() -> None:
    assert _walls(_on(date(2026, 11, 23), (14, 15), (11, 12))) == ["11:00", "11:30", "14:00", "14:30"]


def test_the_hour_that_spring_skips_is_not_offered() -> None:
    slots = _on(date(2026, 3, 29), (1, 5))

    assert _walls(slots) == ["01:00", "01:30", "03:00", "03:30", "04:00", "04:30"]
    assert slots[1].ends_at == slots[2].starts_at


def test_closing_at_the_moment_when_clocks_jump_keeps_the_last_slot() -> None:
    assert _walls(_on(date(2026, 3, 29), (1, 2))) == ["01:00", "01:30"]


def test_a_long_slot_before_the_skipped_hour_hides_the_start_that_falls_into_it() -> None:
    assert _walls(_on(date(2026, 3, 29), (0, 6), duration=timedelta(minutes=90))) == ["00:00", "01:30", "04:30"]


def test_the_hour_that_autumn_repeats_is_offered_once_the_first_time() -> None:
    slots = _on(date(2026, 10, 25), (1, 4))

    assert _walls(slots) == ["01:00", "01:30", "02:00", "02:30", "03:00", "03:30"]
    assert [slot.starts_at for slot in slots[2:4]] == [
        _at(date(2026, 10, 25), "02:00"),
        _at(date(2026, 10, 25), "02:30"),
    ]
    assert slots[4].starts_at - slots[3].starts_at == timedelta(minutes=90)


def test_opening_hours_follow_the_wall_across_the_change_of_clocks() -> None:
    before, after = (_on(day, (9, 10))[0].starts_at for day in (date(2026, 10, 24), date(2026, 10, 26)))

    assert (before.hour, after.hour) == (7, 8)


def test_what_is_occupied_is_not_offered_even_when_it_only_touches_part_of_a_slot() -> None:
    day = date(2026, 11, 23)
    occupied = [Slot(_at(day, "09:10"), _at(day, "09:20")), Slot(_at(day, "10:00"), _at(day, "10:30"))]

    slots = bookable_slots(
        openings=[Opening(0, 9 * 60, 11 * 60)],
        time_zone=BERLIN,
        duration=HALF_HOUR,
        starts=_at(day, "00:00"),
        ends=_at(day, "23:00"),
        occupied=occupied,
    )

    assert _walls(slots) == ["09:30", "10:30"]


def test_the_window_counts_starts_and_excludes_its_end() -> None:
    day = date(2026, 11, 23)

    slots = bookable_slots(
        openings=[Opening(0, 9 * 60, 17 * 60)],
        time_zone=BERLIN,
        duration=HALF_HOUR,
        starts=_at(day, "09:15"),
        ends=_at(day, "10:30"),
    )

    assert _walls(slots) == ["09:30", "10:00"]


@pytest.mark.parametrize(
    ("weekday", "opens", "closes"), [(7, 0, 60), (-1, 0, 60), (0, 60, 60), (0, 0, 1441), (0, -1, 5)]
)
def test_impossible_opening_hours_are_refused(weekday: int, opens: int, closes: int) -> None:
    with pytest.raises(ValueError, match="no opening hours"):
        Opening(weekday, opens, closes)


@st.composite
def _weeks(draw: st.DrawFn) -> list[Opening]:
    openings = []
    for weekday in EVERY_DAY:
        minutes = draw(st.lists(st.integers(0, 96), max_size=6, unique=True).map(sorted))
        openings += [
            Opening(weekday, opens * 15, closes * 15)
            for opens, closes in zip(minutes[::2], minutes[1::2], strict=False)
        ]
    return openings


_moments = st.datetimes(
    min_value=datetime(2009, 1, 1),  # noqa: DTZ001 the strategy wants it naive
    max_value=datetime(2030, 1, 1),  # noqa: DTZ001 the strategy wants it naive
    timezones=st.just(UTC),
)
_durations = st.integers(1, 16).map(lambda quarters: timedelta(minutes=15 * quarters))


@unhurried
@given(
    openings=_weeks(),
    zone=st.sampled_from(ZONES),
    duration=_durations,
    starts=_moments,
    days=st.integers(0, 12),
    occupied=st.lists(st.tuples(st.integers(0, 12 * 96), st.integers(1, 20)), max_size=8),
)
def test_whatever_the_hours_every_offered_slot_can_be_kept(
    openings: list[Opening],
    zone: ZoneInfo,
    duration: timedelta,
    starts: datetime,
    days: int,
    occupied: list[tuple[int, int]],
) -> None:
    quarter = timedelta(minutes=15)
    taken = [Slot(starts + after * quarter, starts + (after + long) * quarter) for after, long in occupied]
    ends = starts + timedelta(days=days)

    slots = bookable_slots(
        openings=openings, time_zone=zone, duration=duration, starts=starts, ends=ends, occupied=taken
    )

    assert all(earlier.ends_at <= later.starts_at for earlier, later in pairwise(slots))
    walls = [slot.starts_at.astimezone(zone).replace(tzinfo=None) for slot in slots]
    assert len(set(walls)) == len(walls)
    for slot, wall in zip(slots, walls, strict=True):
        assert starts <= slot.starts_at < ends
        assert slot.ends_at - slot.starts_at == duration
        assert slot.starts_at.tzinfo is UTC
        assert not any(slot.overlaps(other) for other in taken)
        last = (slot.ends_at - datetime.resolution).astimezone(zone).replace(tzinfo=None)
        midnight = datetime.combine(wall.date(), time())
        assert any(
            opening.weekday == wall.weekday()
            and midnight + timedelta(minutes=opening.opens_minute) <= wall
            and last < midnight + timedelta(minutes=opening.closes_minute)
            for opening in openings
        )


@unhurried
@given(openings=_weeks(), duration=_durations, starts=_moments)
def test_without_changes_of_clocks_no_time_is_wasted(
    openings: list[Opening], duration: timedelta, starts: datetime
) -> None:
    monday = datetime.combine(starts.date() - timedelta(days=starts.weekday()), time(), UTC)

    slots = bookable_slots(
        openings=openings,
        time_zone=ZoneInfo("Asia/Kathmandu"),
        duration=duration,
        starts=monday - timedelta(minutes=345),
        ends=monday - timedelta(minutes=345) + timedelta(days=7),
    )

    assert len(slots) == sum(
        timedelta(minutes=opening.closes_minute - opening.opens_minute) // duration for opening in openings
    )


@unhurried
@given(openings=_weeks(), zone=st.sampled_from(ZONES), duration=_durations, starts=_moments, cut=st.integers(0, 96))
def test_two_adjoining_windows_offer_what_one_does(
    openings: list[Opening], zone: ZoneInfo, duration: timedelta, starts: datetime, cut: int
) -> None:
    def between(a: datetime, b: datetime) -> list[Slot]:
        return bookable_slots(openings=openings, time_zone=zone, duration=duration, starts=a, ends=b)

    middle, ends = starts + cut * timedelta(minutes=15), starts + timedelta(days=1)

    assert between(starts, middle) + between(middle, ends) == between(starts, ends)
