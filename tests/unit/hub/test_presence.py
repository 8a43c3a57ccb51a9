from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from hub.db.tables import Kiosk
from hub.devices.presence import apply_heartbeat, apply_state, presence
from protocol.envelope import Heartbeat, KioskState

FIRST, SECOND = str(uuid4()), str(uuid4())


@pytest.fixture
def kiosk(now: datetime) -> Kiosk:
    return Kiosk(
        site="village",
        name="k1",
        first_seen_at=now,
        online=False,
        oldest_sequence=0,
        last_sequence=0,
        complete_through=0,
    )


@pytest.fixture
def state(message: Callable[..., dict[str, Any]]) -> Callable[..., KioskState]:
    return lambda **fields: KioskState.model_validate(message("state", **fields))


@pytest.fixture
def beat(message: Callable[..., dict[str, Any]]) -> Callable[..., Heartbeat]:
    return lambda **fields: Heartbeat.model_validate(message("heartbeat", **fields))


def birth(boot_id: str, session: int) -> dict[str, Any]:
    return {"boot_id": boot_id, "session": session, "online": True, "reason": "birth"}


def death(boot_id: str, session: int) -> dict[str, Any]:
    return {"boot_id": boot_id, "session": session, "online": False, "reason": "lost"}


@pytest.mark.parametrize(
    ("story", "online"),
    [
        ([birth(FIRST, 1)], True),
        ([birth(FIRST, 1), death(FIRST, 1)], False),
        ([birth(FIRST, 1), birth(FIRST, 2), death(FIRST, 1)], True),
        ([birth(FIRST, 1), birth(SECOND, 1), death(FIRST, 1)], True),
        ([birth(FIRST, 2), birth(FIRST, 1)], True),
        ([birth(FIRST, 1), death(FIRST, 1), birth(FIRST, 2)], True),
        ([birth(FIRST, 2), death(FIRST, 2), birth(FIRST, 1)], False),
        ([death(FIRST, 3)], False),
        ([death(FIRST, 3), birth(SECOND, 1)], True),
    ],
)
def test_only_the_death_of_the_latest_birth_counts(
    kiosk: Kiosk, state: Callable[..., KioskState], now: datetime, story: list[dict[str, Any]], online: object
) -> None:
    for chapter in story:
        apply_state(kiosk, state(**chapter), now=now)
    assert kiosk.online is online


def test_a_kiosk_that_missed_three_beats_is_silent(
    kiosk: Kiosk, state: Callable[..., KioskState], beat: Callable[..., Heartbeat], now: datetime
) -> None:
    apply_state(kiosk, state(**birth(FIRST, 1)), now=now)
    apply_heartbeat(kiosk, beat(boot_id=FIRST, pending_events=4), now=now + timedelta(seconds=10))
    assert kiosk.pending_events == 4

    def at(seconds: float) -> str:
        return presence(kiosk, now=now + timedelta(seconds=seconds), heartbeat_interval_s=10)

    assert (at(10), at(40), at(40.1)) == ("online", "online", "silent")
    apply_state(kiosk, state(**death(FIRST, 1)), now=now)
    assert at(10) == "offline"


def test_a_beat_of_an_earlier_boot_is_no_sign_of_life(
    kiosk: Kiosk, state: Callable[..., KioskState], beat: Callable[..., Heartbeat], now: datetime
) -> None:
    apply_state(kiosk, state(**birth(SECOND, 1)), now=now)
    apply_heartbeat(kiosk, beat(boot_id=FIRST), now=now + timedelta(hours=1))
    assert kiosk.last_seen_at == now


def test_a_beat_before_any_birth_shows_that_something_is_there(
    kiosk: Kiosk, beat: Callable[..., Heartbeat], now: datetime
) -> None:
    apply_heartbeat(kiosk, beat(), now=now)
    assert kiosk.last_seen_at == now
    assert presence(kiosk, now=now, heartbeat_interval_s=10) == "offline"
