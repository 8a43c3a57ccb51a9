"""Any order of sign-ins, touches, captures, waits, ends and power cuts: one visit at a time, each reported once."""

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from uuid import uuid4

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge import visit_rows
from edge.bus import Bus
from edge.identity.sessions import Sessions
from edge.storage import Storage
from edge.store import Store
from edge.uplink import outbox as outbox_module
from edge.uplink.image_spool import ImageSpool
from edge.uplink.outbox import Outbox
from edge.visit import Journey, KioskOccupied, NobodySignedIn, Visit, VisitState
from protocol import codec
from protocol.events import BodySite, Language, VisitEnded

IDLE_S = 60.0


class SteppedClock:
    def __init__(self) -> None:
        self.steady_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 25, tzinfo=UTC)

    def monotonic_s(self) -> float:
        return self.steady_s


class SessionMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = SteppedClock()
        self.begun: list[Visit] = []
        self.wiped = 0
        self.untouched_s = 0.0
        self.expected_wipes = 0
        self._start()

    def _start(self) -> None:
        self.store = Store(self.folder / "kiosk.db", (outbox_module.MIGRATIONS + visit_rows.MIGRATIONS,))
        spool = ImageSpool(self.folder / "images")
        outbox = Outbox(store=self.store, spool=spool, clock=self.clock, bus=Bus(), site="village", kiosk="k1")
        self.journey = Journey(clock=self.clock, idle_s=IDLE_S)
        storage = Storage(self.store, spool, outbox, self.folder, 0)
        self.sessions = Sessions(journey=self.journey, lock=RLock(), storage=storage, clock=self.clock)
        self.sessions.on_end(self._wipe)
        self.outbox = outbox

    def _wipe(self) -> None:
        self.wiped += 1

    @property
    def capturing(self) -> bool:
        return self.journey.state is VisitState.CAPTURING

    @rule()
    def sign_in(self) -> None:
        visit = Visit(
            patient_id=uuid4(),
            full_name="Ana Torres",
            language=Language.EN,
            patient_code="K1P0001-7M2F-8",
            signed_in_by="password",
            started_at=self.clock.now(),
        )
        if self.journey.under_way:
            try:
                self.sessions.begin(visit, lambda _: None)
            except KioskOccupied:
                return
            raise AssertionError("two visits at once")
        self.sessions.begin(visit, lambda _: None)
        self.begun.append(visit)
        self.untouched_s = 0.0

    @rule()
    def touch(self) -> None:
        self.journey.touch()
        self.untouched_s = 0.0

    @rule(seconds=st.floats(0.1, 40.0))
    def wait(self, seconds: float) -> None:
        self.clock.steady_s += seconds
        self.untouched_s += seconds

    @precondition(lambda self: self.journey.under_way and not self.capturing)
    @rule()
    def begin_capture(self) -> None:
        self.journey.move(VisitState.CAPTURING)
        self.untouched_s = 0.0

    @precondition(lambda self: self.capturing)
    @rule(state=st.sampled_from([VisitState.SAVED, VisitState.REFUSED, VisitState.READY]))
    def end_capture(self, state: VisitState) -> None:
        self.journey.move(state)
        self.untouched_s = 0.0

    @precondition(lambda self: self.journey.under_way)
    @rule(site=st.sampled_from(list(BodySite)))
    def point(self, site: BodySite) -> None:
        self.journey.visit.pointed_at = site

    @rule()
    def watch(self) -> None:
        due = self.journey.under_way and not self.capturing and self.journey.remaining_s() <= 0
        self.sessions.end_if("idle", lambda: self.journey.remaining_s() <= 0)
        self.expected_wipes += due
        assert not (due and self.journey.under_way)

    @precondition(lambda self: not self.capturing)
    @rule()
    def finish(self) -> None:
        try:
            self.sessions.end("patient")
        except NobodySignedIn:
            return
        self.expected_wipes += 1

    @rule()
    def lose_power(self) -> None:
        self.store.close()
        self._start()

    @invariant()
    def every_visit_is_reported_once_when_it_is_over(self) -> None:
        events = [codec.decode_event(message.body).payload for message in self.outbox.pending(limit=1000)]
        ended = [event.visit_id for event in events if isinstance(event, VisitEnded)]
        under_way = [self.journey.visit.visit_id] if self.journey.under_way else []
        assert sorted(ended + under_way) == sorted(visit.visit_id for visit in self.begun)

    @invariant()
    def the_idle_time_counts_from_the_last_touch(self) -> None:
        if self.journey.under_way and not self.capturing:
            assert abs(self.journey.remaining_s() - max(0.0, IDLE_S - self.untouched_s)) < 1e-6
        else:
            assert self.journey.remaining_s() == IDLE_S

    @invariant()
    def each_end_wipes_once_and_names_go(self) -> None:
        assert self.wiped == self.expected_wipes

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


SessionMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestSessions = SessionMachine.TestCase
