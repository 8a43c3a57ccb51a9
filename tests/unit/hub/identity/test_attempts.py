"""Failures of one name at all kiosks are counted together."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from hub.db.engine import Database
from hub.db.identity_tables import CredentialDigest, OutgoingMessage, SignInName
from hub.db.tables import Patient
from hub.identity.attempts import clear_lock, order_known_lock
from hub.identity.hub_keys import HubKeys
from hub.identity.worker import IdentityWorker
from hub.messages.outbox import read_message
from protocol import codec

NAME = "a" * 64


def locked_until(database: Database) -> Any:
    with database.reading() as session:
        name = session.get(SignInName, NAME)
        return name and name.locked_until


def test_the_third_failure_within_the_window_locks_at_every_kiosk(
    attempted: Any, worker: IdentityWorker, open_orders: Any, clock: Any, database: Database, publisher: Any
) -> None:
    attempted(0)
    attempted(1)
    worker.work()
    assert open_orders("lock-sign-in") == []
    clock.advance(minutes=14)
    attempted(2)
    worker.work()
    assert locked_until(database) == clock() + timedelta(minutes=30)
    assert len(open_orders("lock-sign-in")) == 3
    sent = [codec.decode_command(body).payload for _, body in publisher.published]
    assert [order.remaining_s for order in sent] == [1800.0] * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"ago_s": 901},
        {"counted": False},
        {"outcome": "throttled", "counted": False},
        {"claim_digest": "b" * 64},
    ],
)
def test_what_is_too_old_or_does_not_count_or_is_another_name_locks_nothing(
    attempted: Any, worker: IdentityWorker, database: Database, changes: dict[str, Any]
) -> None:
    attempted(0)
    attempted(1)
    attempted(2, **changes)
    worker.work()
    assert locked_until(database) is None


def test_a_success_forgives_what_was_before_it_and_not_what_comes_after(
    attempted: Any, worker: IdentityWorker, database: Database, clock: Any
) -> None:
    attempted(0)
    attempted(0)
    clock.advance(seconds=1)
    attempted(1, outcome="succeeded", counted=False)
    clock.advance(seconds=1)
    attempted(2)
    attempted(2)
    worker.work()
    assert locked_until(database) is None
    attempted(2)
    worker.work()
    assert locked_until(database) is not None


def test_a_kiosks_own_lock_is_told_to_the_others_for_what_is_left_of_it(
    attempted: Any, worker: IdentityWorker, database: Database, clock: Any
) -> None:
    attempted(0, ago_s=600, failures=3, locked_for_s=1800)
    worker.work()
    assert locked_until(database) == clock() + timedelta(minutes=20)


def test_old_failures_of_a_kiosk_that_was_away_lock_nobody_now(
    attempted: Any, worker: IdentityWorker, database: Database, open_orders: Any
) -> None:
    for _ in range(3):
        attempted(0, ago_s=7200)
    attempted(0, ago_s=7200, failures=3, locked_for_s=1800)
    worker.work()
    assert locked_until(database) is None
    assert open_orders("lock-sign-in") == []


def test_a_kiosk_whose_clock_is_ahead_cannot_lock_for_longer(
    attempted: Any, worker: IdentityWorker, database: Database, clock: Any
) -> None:
    for _ in range(3):
        attempted(0, ago_s=-90_000)
    worker.work()
    assert locked_until(database) == clock() + timedelta(minutes=30)


def test_a_code_that_proved_the_patient_clears_the_lock_everywhere(
    attempted: Any, worker: IdentityWorker, database: Database, open_orders: Any, clock: Any
) -> None:
    for kiosk in range(3):
        attempted(kiosk)
    worker.work()
    clock.advance(seconds=5)
    attempted(1, outcome="succeeded", method="reset-code", counted=False)
    worker.work()
    assert locked_until(database) is None
    assert open_orders("lock-sign-in") == []
    assert len(open_orders("clear-sign-in-lock")) == 3


def test_a_lock_that_ran_out_is_ordered_no_more(
    attempted: Any, worker: IdentityWorker, open_orders: Any, clock: Any, publisher: Any
) -> None:
    publisher.connected = False
    for kiosk in range(3):
        attempted(kiosk)
    worker.work()
    clock.advance(minutes=31)
    publisher.connected = True
    worker.work()
    assert open_orders("lock-sign-in") == []
    assert publisher.published == []


def test_a_kiosk_that_came_later_hears_of_a_lock_when_it_asks_for_the_name(
    attempted: Any, worker: IdentityWorker, database: Database, kiosks: list[int], open_orders: Any, clock: Any
) -> None:
    for kiosk in range(3):
        attempted(kiosk)
    worker.work()
    with database.writing.begin() as session:
        order_known_lock(session, NAME, kiosk_id=kiosks[0], now=clock())
        order_known_lock(session, "c" * 64, kiosk_id=kiosks[0], now=clock())
    assert len(open_orders("lock-sign-in")) == 3
    with database.writing.begin() as session:
        clear_lock(session, NAME, now=clock())
        order_known_lock(session, NAME, kiosk_id=kiosks[0], now=clock())
    assert open_orders("lock-sign-in") == []


@pytest.mark.parametrize("messages", [1, 0])
def test_a_patient_who_agreed_to_messages_is_told_of_a_lock_once(
    attempted: Any, worker: IdentityWorker, database: Database, keys: HubKeys, clock: Any, messages: int
) -> None:
    with database.writing.begin() as session:
        session.add(
            Patient(
                id=UUID(int=1), stored_at=clock(), email="z@example.org", language="zh", consent_messages=messages > 0
            )
        )
        session.flush()
        session.add(CredentialDigest(claim_digest=NAME, patient_id=UUID(int=1)))
    for kiosk in (0, 1, 2, 0):
        attempted(kiosk)
    worker.work()
    attempted(1)
    worker.work()
    with database.reading() as session:
        rows = list(session.scalars(select(OutgoingMessage)))
        assert len(rows) == messages
        assert all("自助机" in read_message(row, keys).text for row in rows)
