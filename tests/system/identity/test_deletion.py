"""A wish to be forgotten reaches the hub and every kiosk, one that was away too, and each signs that it obeyed."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from edge.auth.account import SignInRefused
from edge.identity.registration import Registration
from edge.kiosk import Kiosk
from hub.db.identity_tables import CredentialDigest, DeletionOrder, KioskOrder, OutgoingMessage, StoredCredential
from hub.db.tables import Patient

pytestmark = pytest.mark.timeout(240)  # each starts a hub and several kiosks
PASSWORD = SecretStr("horse-battery-staple-7")
Wait = Callable[..., None]


def counted(hub: Any, table: Any) -> int:
    with hub.services.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def knows(kiosk: Kiosk, patient_id: Any) -> bool:
    with kiosk.storage.store.transaction() as connection:
        return kiosk._identity.accounts.record(connection, patient_id) is not None


def roam(hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait) -> tuple[Any, Kiosk, Kiosk]:
    """A patient who registered at the first kiosk and is known at the second; a third has never heard of them."""
    a, b, c = kiosk("k1"), kiosk("k2"), kiosk("k3")
    wait(lambda: all(each._identity.queue.enrolled for each in (a, b, c)), what="the kiosks' keys")
    wait(lambda: len(hub.get("/kiosks")["items"]) == 3, what="the kiosks")
    patient_id = a.reception.register(registration(contact={"email": "z@example.org"})).patient_id
    a.reception.end("patient")
    wait(lambda: has_lasting_code(hub, patient_id), what="the record under the lasting code")
    assert signs_in(b)
    return patient_id, a, b


def has_lasting_code(hub: Any, patient_id: Any) -> bool:
    """Whether the first kiosk has handed in the record anew after it got the code: then nothing more will change."""
    with hub.services.database.reading() as session:
        record = session.get(StoredCredential, patient_id)
        assigned = session.scalar(select(KioskOrder.outcome).where(KioskOrder.type == "assign-patient-code"))
        return record is not None and assigned == "done" and record.version > 1


def signs_in(kiosk: Kiosk) -> bool:
    try:
        kiosk.reception.sign_in_with_password("zebulon", PASSWORD)
    except SignInRefused:
        return False
    kiosk.reception.end("patient")
    return True


def only_deletion(hub: Any) -> dict[str, Any]:
    (deletion,) = hub.get("/deletions", role="technician")["items"]
    found: dict[str, Any] = deletion
    return found


def test_an_account_deleted_at_one_kiosk_goes_everywhere_with_signed_receipts(
    hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait
) -> None:
    patient_id, a, b = roam(hub, kiosk, registration, wait)
    a.reception.sign_in_with_password("zebulon", PASSWORD)
    a.reception.account.delete(PASSWORD)
    wait(lambda: bool(hub.get("/deletions")["items"]) and only_deletion(hub)["complete"], what="all receipts")
    receipts = {row["kiosk"]: row for row in only_deletion(hub)["kiosks"]}
    assert {name: row["state"] for name, row in receipts.items()} == dict.fromkeys(("k1", "k2", "k3"), "receipted")
    assert receipts["k2"]["removed"] == ["account"]
    assert receipts["k3"]["removed"] == []
    assert not knows(a, patient_id)
    assert not knows(b, patient_id)
    assert not signs_in(b)
    assert (counted(hub, StoredCredential), counted(hub, CredentialDigest), counted(hub, OutgoingMessage)) == (0, 0, 0)
    with hub.services.database.reading() as session:
        patient = session.get_one(Patient, patient_id)
        assert (patient.username, patient.email) == (None, None)
        assert patient.code is not None
        assert all(order.signature for order in session.scalars(select(DeletionOrder)))


def test_a_kiosk_that_was_away_deletes_when_it_comes_back_even_after_the_hub_restarted(
    hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait
) -> None:
    patient_id, _, _ = roam(hub, kiosk, registration, wait)
    kiosk.stop("k2")
    hub.request("POST", f"/patients/{patient_id}/deletions", role="administrator", json={"scope": "account"})

    def states() -> dict[str, str]:
        return {row["kiosk"]: row["state"] for row in only_deletion(hub)["kiosks"]}

    wait(lambda: states() == {"k1": "receipted", "k2": "ordered", "k3": "receipted"}, what="those that are there")
    assert not only_deletion(hub)["complete"]
    hub.stop()
    hub.start()
    b = kiosk("k2")
    wait(lambda: only_deletion(hub)["complete"], what="the last receipt")
    assert not knows(b, patient_id)
    assert not signs_in(b)
