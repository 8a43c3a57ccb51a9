"""Orders are sent until they are settled, and again at every birth of their kiosk."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from hub.db.engine import Database
from hub.db.identity_tables import KioskOrder
from hub.db.tables import Kiosk
from hub.identity.orders import give_order, note_answer
from hub.identity.worker import IdentityWorker
from protocol import codec
from protocol.commands import Command, DeleteIdentity, RevokeCredentials

PATIENT = UUID(int=9)


@pytest.fixture
def give(database: Database, kiosks: list[int], clock: Any) -> Callable[..., UUID]:
    def order(command: Command | None = None, *, kiosk: int = 0) -> UUID:
        with database.writing.begin() as session:
            chosen = command or RevokeCredentials(patient_id=PATIENT)
            return give_order(session, chosen, kiosk_id=kiosks[kiosk], subject=PATIENT, now=clock())

    return order


def sent(publisher: Any) -> list[UUID]:
    return [codec.decode_command(body).message_id for _, body in publisher.published]


def test_an_order_goes_once_a_session_and_again_at_the_next_birth(
    give: Any, worker: IdentityWorker, publisher: Any, database: Database, kiosks: list[int]
) -> None:
    order_id = give()
    worker.work()
    worker.work()
    assert sent(publisher) == [order_id]
    assert publisher.published[0][0] == "derma/v1/village/k1/command/revoke-credentials"
    with database.writing.begin() as session:
        session.get_one(Kiosk, kiosks[0]).session = 2
    worker.work()
    assert sent(publisher) == [order_id] * 2


def test_an_order_without_an_answer_is_repeated_ever_less_often(
    give: Any, worker: IdentityWorker, publisher: Any, clock: Any
) -> None:
    give()
    counts = []
    for minutes in (0, 1, 1, 1, 4):
        clock.advance(minutes=minutes)
        worker.work()
        counts.append(len(publisher.published))
    assert counts == [1, 2, 2, 3, 4]


def test_a_kiosk_that_is_away_gets_its_orders_when_it_comes(
    give: Any, worker: IdentityWorker, publisher: Any, database: Database, kiosks: list[int]
) -> None:
    with database.writing.begin() as session:
        session.get_one(Kiosk, kiosks[0]).online = False
    order_id = give()
    worker.work()
    assert sent(publisher) == []
    with database.writing.begin() as session:
        session.get_one(Kiosk, kiosks[0]).online = True
    publisher.connected = False
    worker.work()
    publisher.connected = True
    worker.work()
    assert sent(publisher) == [order_id]


def test_only_the_ordered_kiosks_answer_settles_and_never_a_deletion(
    give: Any, database: Database, kiosks: list[int], clock: Any
) -> None:
    revocation = give()
    deletion = give(DeleteIdentity(order_id=uuid4(), patient_id=PATIENT, scope="account"))
    with database.writing.begin() as session:
        for order_id, kiosk_id in ((revocation, kiosks[1]), (deletion, kiosks[0])):
            note_answer(session, order_id=order_id, kiosk_id=kiosk_id, outcome="done", now=clock())
        assert session.get_one(KioskOrder, revocation).is_open
        assert session.get_one(KioskOrder, deletion).is_open
        note_answer(session, order_id=revocation, kiosk_id=kiosks[0], outcome="done", now=clock())
    with database.reading() as session:
        assert session.get_one(KioskOrder, revocation).outcome == "done"


def test_a_newer_order_about_the_same_replaces_an_open_one_but_not_a_deletion(give: Any, open_orders: Any) -> None:
    give()
    latest = give()
    assert [order.id for order in open_orders("revoke-credentials")] == [latest]
    for _ in range(2):
        give(DeleteIdentity(order_id=uuid4(), patient_id=PATIENT, scope="face"))
    assert len(open_orders("delete-identity")) == 2


def test_a_clock_set_back_holds_no_order_up(give: Any, worker: IdentityWorker, publisher: Any, clock: Any) -> None:
    give()
    worker.work()
    clock.advance(days=-1)
    worker.work()
    assert len(sent(publisher)) == 2
