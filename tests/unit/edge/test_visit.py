from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import EdgeError
from edge.visit import Journey, KioskOccupied, NobodySignedIn, StepNotPossible, Visit, VisitState
from protocol.events import Language


class SetClock:
    def __init__(self) -> None:
        self.steady_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC)

    def monotonic_s(self) -> float:
        return self.steady_s


def visit() -> Visit:
    return Visit(
        patient_id=uuid4(),
        full_name="Somebody",
        language=Language.EN,
        patient_code="K1-0001-X",
        signed_in_by="password",
        started_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def journey(clock: SetClock) -> Journey:
    return Journey(clock=clock, idle_s=60)


def test_a_kiosk_serves_one_patient_at_a_time(journey: Journey) -> None:
    journey.begin(visit())
    with pytest.raises(KioskOccupied):
        journey.begin(visit())


def test_nothing_can_be_done_before_sign_in(journey: Journey) -> None:
    with pytest.raises(NobodySignedIn):
        journey.move(VisitState.CAPTURING)
    with pytest.raises(NobodySignedIn):
        journey.end()


def test_a_second_capture_waits_for_the_first(journey: Journey) -> None:
    journey.begin(visit())
    journey.move(VisitState.CAPTURING)
    with pytest.raises(StepNotPossible):
        journey.move(VisitState.CAPTURING)
    with pytest.raises(StepNotPossible):
        journey.end()


def test_an_untouched_visit_runs_out_and_a_touch_renews_it(journey: Journey, clock: SetClock) -> None:
    journey.begin(visit())
    clock.steady_s = 59
    assert journey.remaining_s() == 1
    journey.touch()
    assert journey.remaining_s() == 60
    clock.steady_s = 1000
    assert journey.remaining_s() == 0


def test_a_running_capture_does_not_run_out(journey: Journey, clock: SetClock) -> None:
    journey.begin(visit())
    journey.move(VisitState.CAPTURING)
    clock.steady_s = 1000
    assert journey.remaining_s() == 60
    journey.move(VisitState.SAVED)
    assert journey.remaining_s() == 60


@given(st.lists(st.sampled_from([*VisitState, "begin", "end"]), max_size=30))
def test_whatever_is_asked_a_visit_is_there_exactly_when_the_kiosk_is_not_idle(steps: list[VisitState | str]) -> None:
    journey = Journey(clock=SetClock(), idle_s=60)
    for step in steps:
        try:
            if step == "begin":
                journey.begin(visit())
            elif step == "end":
                journey.end()
            elif step is not VisitState.IDLE:
                journey.move(VisitState(step))
        except EdgeError:
            pass
        if journey.state is VisitState.IDLE:
            with pytest.raises(NobodySignedIn):
                _ = journey.visit
        else:
            assert journey.visit
