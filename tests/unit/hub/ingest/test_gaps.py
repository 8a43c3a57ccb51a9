from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from hub.config import IngestSettings
from hub.db.engine import Database
from hub.ingest.gaps import GapWatch, settle
from hub.ingest.messages import Delivery, KioskName
from hub.ingest.recorder import Recorder

K1 = KioskName("village", "k1")
Sent = list[tuple[int, int]]


class Kiosk:
    """One kiosk's events, recorded by the hub; and what the hub asks of it."""

    def __init__(
        self,
        database: Database,
        settings: IngestSettings,
        *,
        message: Callable[..., dict[str, Any]],
        deliver: Callable[..., Delivery],
        now: datetime,
    ) -> None:
        self.now = now
        self.asked: Sent = []
        self.expires: list[timedelta] = []
        self.watch = GapWatch(database, settings, send=self._hear)
        self._database = database
        self._recorder = Recorder(database)
        self._message = message
        self._deliver = deliver

    def send(self, *sequences: int, **fields: Any) -> None:
        self._record(
            [
                self._message(
                    "visit-ended",
                    sequence=sequence,
                    payload={"visit_id": str(uuid4()), "patient_id": str(uuid4())},
                    **fields,
                )
                for sequence in sequences
            ]
        )

    def wake(self, *, oldest: int, last: int) -> None:
        self._record([self._message("state", boot_id=str(uuid4()), oldest_sequence=oldest, last_sequence=last)])

    def wait(self, seconds: float) -> Sent:
        """Let time pass, looking every second; what was asked meanwhile."""
        self.asked = []
        for _ in range(int(seconds)):
            self.now += timedelta(seconds=1)
            self.watch.run_due(now=self.now)
        return self.asked

    @property
    def complete_through(self) -> int:
        return settle(self._database, K1).complete_through

    def _record(self, bodies: list[dict[str, Any]]) -> None:
        recorded = self._recorder.record([self._deliver(body) for body in bodies], now=self.now)
        self.watch.greet(recorded.born, now=self.now)
        self.watch.suspect(recorded.suspicious, now=self.now)

    def _hear(self, command: Any) -> None:
        self.asked.append((command.payload.from_sequence, command.payload.to_sequence))
        self.expires.append(command.expires_at - command.issued_at)


@pytest.fixture
def kiosk(
    database: Database,
    ingest_settings: IngestSettings,
    message: Callable[..., dict[str, Any]],
    deliver: Callable[..., Delivery],
    now: datetime,
) -> Kiosk:
    return Kiosk(database, ingest_settings, message=message, deliver=deliver, now=now)


def test_nothing_is_asked_while_nothing_is_missing(kiosk: Kiosk) -> None:
    kiosk.wake(oldest=0, last=0)
    kiosk.send(1, 2, 3)
    kiosk.send(5, 4)
    assert kiosk.wait(300) == []
    assert kiosk.complete_through == 5


def test_a_gap_that_lasts_is_asked_for(kiosk: Kiosk) -> None:
    kiosk.send(1, 2, 5, 6, 9)
    assert kiosk.wait(19) == []
    assert kiosk.wait(2) == [(3, 4), (7, 8)]
    assert kiosk.expires == [timedelta(minutes=10)] * 2
    assert kiosk.complete_through == 2


def test_a_gap_that_closes_in_time_is_not_asked_for(kiosk: Kiosk) -> None:
    kiosk.send(1, 3)
    kiosk.wait(12)
    kiosk.send(2)
    assert kiosk.wait(300) == []
    assert kiosk.complete_through == 3


def test_a_restored_hub_asks_for_the_end_that_it_lost(kiosk: Kiosk) -> None:
    kiosk.send(1, 2)
    kiosk.wake(oldest=1, last=9)
    assert kiosk.wait(30) == [(3, 9)]


def test_a_backlog_that_is_coming_in_is_not_asked_for(kiosk: Kiosk) -> None:
    kiosk.wake(oldest=1, last=60)
    for sequence in range(1, 61):
        kiosk.send(sequence)
        assert kiosk.wait(1) == []
    assert kiosk.wait(60) == []


def test_what_the_kiosk_no_longer_keeps_is_not_asked_for(kiosk: Kiosk) -> None:
    kiosk.send(1, 2)
    kiosk.wake(oldest=6, last=7)
    assert kiosk.wait(30) == [(6, 7)]
    kiosk.send(6, 7)
    kiosk.wake(oldest=0, last=20)
    assert kiosk.wait(300) == []
    assert kiosk.complete_through == 20


def test_a_quarantined_message_is_not_asked_for(kiosk: Kiosk) -> None:
    kiosk.send(1)
    kiosk.send(2, version="9.0")
    kiosk.send(3)
    assert kiosk.wait(300) == []
    assert kiosk.complete_through == 3


def test_an_unanswered_request_is_repeated_ever_less_often(kiosk: Kiosk) -> None:
    kiosk.send(1, 3)
    times = [minute for minute in range(600) if kiosk.wait(60)]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert set(waits[6:]) == {60}


def test_new_events_do_not_hurry_a_request_that_waits(kiosk: Kiosk) -> None:
    kiosk.send(1, 3)
    asked = 0
    for sequence in range(4, 64):
        kiosk.send(sequence)
        asked += len(kiosk.wait(60))
    assert asked <= 8


def test_a_kiosk_that_comes_back_is_asked_soon_but_never_twice_a_minute(kiosk: Kiosk) -> None:
    kiosk.send(1, 3)
    kiosk.wait(400)
    kiosk.wake(oldest=1, last=3)
    assert kiosk.wait(15) == [(2, 2)]
    kiosk.wake(oldest=1, last=3)
    assert kiosk.wait(50) == []
    assert kiosk.wait(15) == [(2, 2)]


def test_two_hundred_gaps_are_asked_for_in_parts(kiosk: Kiosk) -> None:
    kiosk.send(*range(2, 402, 2))
    first = kiosk.wait(30)
    assert first == [(n, n) for n in range(1, 41, 2)]
    kiosk.send(*range(1, 41, 2))
    assert kiosk.wait(90) == [(n, n) for n in range(41, 81, 2)]
