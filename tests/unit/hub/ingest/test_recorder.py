import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from hub.db.base import Base
from hub.db.engine import Database
from hub.db.tables import Analysis, InboxMessage, Kiosk, Patient, QuarantinedMessage, Refusal, Visit
from hub.ingest.messages import Delivery
from hub.ingest.recorder import Recorder

Build = Callable[..., dict[str, Any]]
Deliver = Callable[..., Delivery]


@pytest.fixture
def recorder(database: Database) -> Recorder:
    return Recorder(database)


@pytest.fixture
def count(database: Database) -> Callable[[type[Base]], int]:
    def rows(table: type[Base]) -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    return rows


def test_every_event_becomes_its_record(
    recorder: Recorder, message: Build, deliver: Deliver, database: Database, now: datetime
) -> None:
    patient, visit = str(uuid4()), str(uuid4())
    same = {"patient_id": patient, "visit_id": visit}
    batch = [
        message("patient-registered", sequence=1, payload={"patient_id": patient}),
        message("analysis-completed", sequence=2, payload=same),
        message("capture-refused", sequence=3, payload=same),
        message("visit-ended", sequence=4, payload=same),
        message("command-answered", sequence=5),
    ]
    recorded = recorder.record([deliver(body) for body in batch], now=now)
    assert [str(fact.envelope.message_id) for fact in recorded.stored] == [body["message_id"] for body in batch]
    with database.reading() as session:
        registered = session.get_one(Patient, UUID(patient))
        assert registered.code == "P000001-" + registered.code[-1]  # type: ignore[index]
        assert registered.full_name == batch[0]["payload"]["full_name"]
        assert session.get_one(Visit, UUID(visit)).ended_by == "patient"
        analysis = session.scalars(select(Analysis)).one()
        assert (analysis.tier, analysis.probabilities) == ("high", {"mel": 0.75, "nv": 0.25})
        assert session.scalars(select(Refusal)).one().faults == batch[2]["payload"]["faults"]
        kiosk = session.scalars(select(Kiosk)).one()
        assert (kiosk.complete_through, kiosk.last_sequence) == (5, 5)


def test_events_may_come_in_reverse(
    recorder: Recorder, message: Build, deliver: Deliver, database: Database, now: datetime
) -> None:
    patient, visit = str(uuid4()), str(uuid4())
    same = {"patient_id": patient, "visit_id": visit}
    for sequence, body in enumerate(
        [
            message("visit-ended", payload=same),
            message("analysis-completed", payload=same),
            message("patient-registered", payload={"patient_id": patient}),
        ]
    ):
        body["sequence"] = 3 - sequence
        assert len(recorder.record([deliver(body)], now=now).stored) == 1
    with database.reading() as session:
        assert session.get_one(Patient, UUID(patient)).code is not None
        assert session.get_one(Visit, UUID(visit)).started_at is not None


def test_a_repeated_message_is_stored_once_and_known_each_time(
    recorder: Recorder, message: Build, deliver: Deliver, count: Callable[[type[Base]], int], now: datetime
) -> None:
    delivery = deliver(message("analysis-completed"))
    first = recorder.record([delivery, delivery], now=now)
    again = recorder.record([delivery], now=now)
    assert (len(first.stored), len(first.duplicates)) == (1, 1)
    assert (len(again.stored), len(again.duplicates)) == (0, 1)
    assert count(Analysis) == count(InboxMessage) == 1
    assert count(QuarantinedMessage) == 0


@pytest.mark.parametrize("batches", [1, 2])
def test_another_message_under_a_known_id_is_set_aside(
    recorder: Recorder,
    message: Build,
    deliver: Deliver,
    count: Callable[[type[Base]], int],
    now: datetime,
    batches: int,
) -> None:
    first = message("analysis-completed")
    second = message("analysis-completed", message_id=first["message_id"], sequence=9)
    batch = [deliver(first), deliver(second)]
    results = (
        [recorder.record(batch, now=now)]
        if batches == 1
        else [recorder.record([delivery], now=now) for delivery in batch]
    )
    assert [refused.code for result in results for refused in result.quarantined] == ["message-id-reused"]
    assert sum(len(result.stored) for result in results) == 1
    assert count(Analysis) == 1


def test_one_poison_message_takes_nobody_with_it(
    recorder: Recorder, message: Build, deliver: Deliver, count: Callable[[type[Base]], int], now: datetime
) -> None:
    good = [message("analysis-completed", sequence=n, payload=_fresh()) for n in range(1, 6)]
    # The analysis is there already, under another message: a contradiction that only the database sees.
    poison = message(
        "analysis-completed", sequence=6, payload=_fresh() | {"analysis_id": good[0]["payload"]["analysis_id"]}
    )
    recorded = recorder.record([deliver(body) for body in (*good[:3], poison, *good[3:])], now=now)
    assert len(recorded.stored) == 5
    assert [(refused.code, str(refused.message_id)) for refused in recorded.quarantined] == [
        ("record-conflict", poison["message_id"])
    ]
    assert count(Analysis) == 5


def test_a_repetition_of_a_poison_message_in_its_batch_is_not_called_stored(
    recorder: Recorder, message: Build, deliver: Deliver, now: datetime
) -> None:
    first = message("analysis-completed", payload=_fresh())
    recorder.record([deliver(first)], now=now)
    poison = deliver(message("analysis-completed", payload=_fresh() | {"analysis_id": first["payload"]["analysis_id"]}))
    recorded = recorder.record([poison, poison], now=now)
    assert recorded.stored == recorded.duplicates == []
    assert len(recorded.quarantined) == 1


def test_an_analysis_never_joins_one_patients_lesion_to_another_patient(
    recorder: Recorder, message: Build, deliver: Deliver, now: datetime
) -> None:
    first = message("analysis-completed", payload=_fresh())
    other = message("analysis-completed", payload=_fresh() | {"lesion": first["payload"]["lesion"]})
    recorded = recorder.record([deliver(first), deliver(other)], now=now)
    assert len(recorded.stored) == 1
    assert [refused.code for refused in recorded.quarantined] == ["record-conflict"]


@pytest.mark.parametrize(("kind", "shared"), [("patient-registered", "patient_id"), ("visit-ended", "visit_id")])
def test_a_second_registration_or_end_contradicts_the_first(
    recorder: Recorder, message: Build, deliver: Deliver, now: datetime, kind: str, shared: str
) -> None:
    first, second = message(kind), message(kind)
    assert first["payload"][shared] == second["payload"][shared]
    recorded = recorder.record([deliver(first), deliver(second)], now=now)
    assert len(recorded.stored) == 1
    assert [refused.code for refused in recorded.quarantined] == ["conflict"]


def test_patients_get_consecutive_codes(
    recorder: Recorder, message: Build, deliver: Deliver, database: Database, now: datetime
) -> None:
    batch = [message("patient-registered", payload={"patient_id": str(uuid4())}) for _ in range(20)]
    recorder.record([deliver(body) for body in batch[:10]], now=now)
    recorder.record([deliver(body) for body in batch[10:]], now=now)
    with database.reading() as session:
        codes = sorted(session.scalars(select(Patient.code)))
    assert [code[:7] for code in codes] == [f"P{number:06d}" for number in range(1, 21)]  # type: ignore[index]


def test_quarantine_keeps_the_message_once_and_counts_it(
    recorder: Recorder, deliver: Deliver, database: Database, now: datetime
) -> None:
    for _ in range(3):
        recorder.record([deliver(b"\x00garbage")], now=now)
    with database.reading() as session:
        kept = session.scalars(select(QuarantinedMessage)).one()
        assert (kept.body, kept.times, kept.code) == (b"\x00garbage", 3, "message-malformed")
        assert session.scalars(select(Kiosk)).all() == []


def test_of_a_huge_message_a_part_is_kept(
    recorder: Recorder, deliver: Deliver, database: Database, now: datetime
) -> None:
    recorder.record([deliver(b"x" * 300_000)], now=now)
    with database.reading() as session:
        kept = session.scalars(select(QuarantinedMessage)).one()
        assert (len(kept.body), kept.truncated, kept.size_bytes) == (256 * 1024, True, 300_000)


def test_a_full_disk_stores_nothing_of_the_batch_and_all_of_it_later(
    recorder: Recorder, message: Build, deliver: Deliver, database: Database, now: datetime, count: Any
) -> None:
    batch = [deliver(message("analysis-completed", sequence=n, payload=_fresh())) for n in range(1, 201)]
    with database.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
        connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
    with pytest.raises(OperationalError):
        recorder.record(batch, now=now)
    assert count(InboxMessage) == count(Analysis) == 0
    with database.engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 1000000"))
    assert len(recorder.record(batch, now=now).stored) == 200


def test_all_text_of_an_event_survives(
    recorder: Recorder, message: Build, deliver: Deliver, database: Database, now: datetime
) -> None:
    name = "李 小龙 O'Brien; DROP TABLE patients; -- 🩺"
    body = message("patient-registered", payload={"full_name": name})
    recorder.record([deliver(json.dumps(body).encode(), topic="derma/v1/village/k1/event/patient-registered")], now=now)
    with database.reading() as session:
        assert session.scalars(select(Patient.full_name)).one() == name


def _fresh() -> dict[str, Any]:
    """Ids of a patient, visit, lesion and analysis of their own."""
    return {
        "analysis_id": str(uuid4()),
        "visit_id": str(uuid4()),
        "patient_id": str(uuid4()),
        "lesion": {"lesion_id": str(uuid4()), "body_site": "arm"},
    }
