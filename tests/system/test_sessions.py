"""When a session ends: untouched, left, or its account gone; and what of it is still in the kiosk's memory."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from edge.identity.registration import Registration
from edge.kiosk import Kiosk
from protocol import codec
from protocol.events import BodySite, VisitEnded

Register = Callable[..., Registration]


class SteppedClock:
    """The steady count moves only when told."""

    def __init__(self) -> None:
        self.steady_s = 1000.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return self.steady_s


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def still_kiosk(
    kiosk_settings: Callable[..., Any], clock: SteppedClock, astronaut: str
) -> Iterator[Callable[..., Kiosk]]:
    """A kiosk with a simulated person before its face camera, whose watch looks only when told; nothing runs."""
    made = []

    def make(**sections: Any) -> Kiosk:
        capture = {"dermoscope": "sim://phantom?seed=3", "face_camera": astronaut}
        kiosk = Kiosk(kiosk_settings(**({"capture": capture} | sections)), clock=clock)
        made.append(kiosk)
        return kiosk

    yield make
    for kiosk in made:
        kiosk.reception.forget()
        kiosk._store.close()


def ended_by(kiosk: Kiosk) -> list[str]:
    events = [codec.decode_event(message.body).payload for message in kiosk.outbox.pending(limit=100)]
    return [event.ended_by for event in events if isinstance(event, VisitEnded)]


def look(kiosk: Kiosk) -> None:
    assert kiosk.session_watch._presence is not None
    kiosk.session_watch._presence.look()
    kiosk.session_watch.check()


def leaves(kiosk: Kiosk) -> None:
    assert kiosk.reception._face is not None
    kiosk.reception._face.camera.respond("away")


def test_an_untouched_visit_ends_after_a_minute_and_a_touch_keeps_it(
    still_kiosk: Callable[..., Kiosk], registration: Register, clock: SteppedClock
) -> None:
    kiosk = still_kiosk()
    kiosk.reception.register(registration())
    clock.steady_s += 59
    kiosk.session_watch.check()
    kiosk.journey.touch()
    clock.steady_s += 59
    kiosk.session_watch.check()
    assert ended_by(kiosk) == []
    clock.steady_s += 1
    kiosk.session_watch.check()
    assert ended_by(kiosk) == ["idle"]


def test_a_visit_ends_when_the_face_has_been_away_for_the_set_time(
    still_kiosk: Callable[..., Kiosk], registration: Register, clock: SteppedClock
) -> None:
    kiosk = still_kiosk(identity={"face_left_s": 10})
    kiosk.reception.register(registration())
    look(kiosk)
    assert kiosk.session_watch.face_state == "present"
    leaves(kiosk)
    clock.steady_s += 9
    look(kiosk)
    assert (kiosk.session_watch.face_state, ended_by(kiosk)) == ("missing", [])
    clock.steady_s += 2
    look(kiosk)
    assert ended_by(kiosk) == ["left"]


def test_a_face_that_was_never_seen_is_not_missed(
    still_kiosk: Callable[..., Kiosk], registration: Register, clock: SteppedClock
) -> None:
    kiosk = still_kiosk(identity={"face_left_s": 10})
    kiosk.reception.register(registration())
    assert kiosk.reception._face is not None
    kiosk.reception._face.camera.preview()
    leaves(kiosk)
    look(kiosk)
    clock.steady_s += 30
    look(kiosk)
    assert (kiosk.session_watch.face_state, ended_by(kiosk)) == ("waiting", [])


@pytest.mark.parametrize("site", [BodySite.BACK, BodySite.SCALP])
def test_the_watch_is_suspended_at_a_back_and_a_scalp(
    still_kiosk: Callable[..., Kiosk], registration: Register, clock: SteppedClock, site: BodySite
) -> None:
    kiosk = still_kiosk(identity={"face_left_s": 10})
    kiosk.reception.register(registration())
    look(kiosk)
    kiosk.examination.questions(body_site=site)
    leaves(kiosk)
    clock.steady_s += 30
    look(kiosk)
    assert (kiosk.session_watch.face_state, ended_by(kiosk)) == ("suspended", [])
    kiosk.examination.questions(body_site=BodySite.ARM)
    clock.steady_s += 11
    look(kiosk)
    assert ended_by(kiosk) == ["left"]


def test_the_watch_is_suspended_while_the_dermoscope_is_looked_through(
    still_kiosk: Callable[..., Kiosk], registration: Register, clock: SteppedClock
) -> None:
    kiosk = still_kiosk(identity={"face_left_s": 10})
    kiosk.reception.register(registration())
    look(kiosk)
    leaves(kiosk)
    for _ in range(5):
        clock.steady_s += 4
        kiosk.examination.preview()
        look(kiosk)
    assert (kiosk.session_watch.face_state, ended_by(kiosk)) == ("suspended", [])


def test_a_visit_ends_when_its_account_is_withdrawn(still_kiosk: Callable[..., Kiosk], registration: Register) -> None:
    kiosk = still_kiosk()
    visit = kiosk.reception.register(registration())
    kiosk.journey.revoke(visit.patient_id)
    kiosk.session_watch.check()
    assert ended_by(kiosk) == ["interrupted"]


@pytest.mark.timeout(120)
def test_nothing_of_a_face_or_a_name_is_held_after_the_end(
    still_kiosk: Callable[..., Kiosk], registration: Register, screen: Any
) -> None:
    kiosk = still_kiosk()
    page = screen(kiosk)
    enrolled = page.face_check("/api/face-enrolments")
    assert kiosk.reception._face is not None
    pixels = kiosk.reception._face.enrolments._held.pixels
    assert pixels.any()
    page.register(registration(consents={"care": True, "face": True}, enrolment_id=enrolled["attempt_id"]))
    visit = kiosk.journey.visit
    page.ask("POST", "/api/end")
    assert not pixels.any()
    assert (visit.full_name, visit.birth_date, visit.patient_code) == ("", None, "")
    assert kiosk.reception._face.checks._check is None
    assert not any(thread.name == "face-check" for thread in threading.enumerate())


def test_the_screen_is_told_when_to_ask(still_kiosk: Callable[..., Kiosk], screen: Any) -> None:
    view = screen(still_kiosk()).ask("GET", "/api/visit").json()
    assert (view["warn_s"], view["idle_s"]) == (35, 60)
    short = screen(still_kiosk(screen={"idle_s": 5.0})).ask("GET", "/api/visit").json()
    assert (short["warn_s"], short["idle_s"]) == (5, 5)
