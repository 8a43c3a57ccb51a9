import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from stdnum.iso7064 import mod_37_36

from hub.db.engine import Database
from hub.db.tables import Patient
from hub.ingest.messages import Delivery
from hub.ingest.recorder import Recorder
from hub.records.patients import patient_code


@given(st.integers(1, 10**9))
def test_every_code_carries_a_valid_check_character(number: int) -> None:
    stem, check = patient_code(number).split("-")
    assert mod_37_36.is_valid(stem + check)
    assert int(stem[1:]) == number


@pytest.mark.parametrize("wrong", ["P000071", "P000016", "P00017", "B000017"])
def test_a_mistyped_code_does_not_fit_its_check_character(wrong: str) -> None:
    _, check = patient_code(17).split("-")
    assert not mod_37_36.is_valid(wrong + check)


def test_registrations_at_the_same_moment_get_different_codes(
    database: Database, message: Callable[..., dict[str, Any]], deliver: Callable[..., Delivery], now: datetime
) -> None:
    def register(start: threading.Barrier, deliveries: list[Delivery]) -> None:
        recorder = Recorder(database)
        start.wait()
        for delivery in deliveries:
            recorder.record([delivery], now=now)

    barrier = threading.Barrier(4)
    threads = [
        threading.Thread(
            target=register,
            args=(
                barrier,
                [
                    deliver(message("patient-registered", kiosk=f"k{n}", payload={"patient_id": str(uuid4())}))
                    for _ in range(5)
                ],
            ),
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        codes = list(session.scalars(select(Patient.code)))
    assert sorted(code[:7] for code in codes if code) == [f"P{number:06d}" for number in range(1, 21)]
