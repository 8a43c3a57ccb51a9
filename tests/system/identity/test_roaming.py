"""A patient of one kiosk signs in at another; what changes at one counts at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from edge.auth.account import SignInRefused
from edge.identity.attempts import SignInLocked
from edge.identity.registration import Registration
from edge.kiosk import Kiosk
from hub.db.identity_tables import CredentialHolder, KioskKey, KioskOrder, SignInName, StoredCredential
from hub.db.tables import Patient

pytestmark = pytest.mark.timeout(240)  # each starts a hub and several kiosks
PASSWORD = SecretStr("horse-battery-staple-7")
Wait = Callable[..., None]


def rows(hub: Any, table: Any) -> list[Any]:
    with hub.services.database.reading() as session:
        return list(session.scalars(select(table)))


def counted(hub: Any, table: Any) -> int:
    with hub.services.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def registered(kiosk: Kiosk, registration: Callable[..., Registration], hub: Any, wait: Wait) -> Any:
    """Register, leave, and wait until the hub has the record under the lasting code."""
    patient_id = kiosk.reception.register(registration()).patient_id
    kiosk.reception.end("patient")
    wait(lambda: counted(hub, StoredCredential) == 1 and _code_is_lasting(kiosk, patient_id, hub), what="record")
    return patient_id


def _code_is_lasting(kiosk: Kiosk, patient_id: Any, hub: Any) -> bool:
    (patient,) = rows(hub, Patient)
    with kiosk.storage.store.transaction() as connection:
        record = kiosk._identity.accounts.record(connection, patient_id)
    stored = rows(hub, StoredCredential)
    return record is not None and record.patient_code == patient.code and stored[0].version == record.version


def enrolled(wait: Wait, *kiosks: Kiosk) -> None:
    wait(lambda: all(kiosk._identity.queue.enrolled for kiosk in kiosks), what="the kiosks' keys")


def sign_in(kiosk: Kiosk, claim: str = "zebulon", password: SecretStr = PASSWORD) -> str:
    name = kiosk.reception.sign_in_with_password(claim, password).full_name
    kiosk.reception.end("patient")  # which forgets the name
    return name


def knows(kiosk: Kiosk, patient_id: Any) -> bool:
    with kiosk.storage.store.transaction() as connection:
        return kiosk._identity.accounts.record(connection, patient_id) is not None


def test_a_patient_signs_in_elsewhere_by_name_and_by_lasting_code(
    hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait, planted_name: str
) -> None:
    a, b = kiosk("k1"), kiosk("k2")
    enrolled(wait, a, b)
    registered(a, registration, hub, wait)
    assert sign_in(b) == planted_name
    (patient,) = rows(hub, Patient)
    assert sign_in(b, patient.code) == planted_name
    assert {holder.kiosk_id for holder in rows(hub, CredentialHolder)} == {1, 2}
    # What is at rest at the hub says nothing without its key file.
    data = b"".join(path.read_bytes() for path in hub.settings.data_dir.glob("hub.sqlite3*"))
    assert b"$argon2" not in data


def test_a_cached_patient_signs_in_while_the_hub_is_away_and_an_unknown_one_does_not(
    hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait, planted_name: str
) -> None:
    a, b, c = kiosk("k1"), kiosk("k2"), kiosk("k3")
    enrolled(wait, a, b, c)
    registered(a, registration, hub, wait)
    assert sign_in(b) == planted_name
    hub.stop()
    assert sign_in(b) == planted_name
    with pytest.raises(SignInRefused):
        sign_in(c)


def test_a_new_password_revokes_the_old_one_everywhere(
    hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait, planted_name: str
) -> None:
    a, b = kiosk("k1"), kiosk("k2")
    enrolled(wait, a, b)
    patient_id = registered(a, registration, hub, wait)
    sign_in(b)
    new = SecretStr("purple-lantern-harbour-9")
    b.reception.sign_in_with_password("zebulon", PASSWORD)
    b.reception.account.change_password(PASSWORD, new)
    b.reception.end("patient")
    wait(lambda: not knows(a, patient_id), what="the revocation at the first kiosk")
    with pytest.raises(SignInRefused):
        sign_in(a)
    assert sign_in(a, password=new) == planted_name


def test_a_record_is_revoked_everywhere_at_once_by_an_administrator(
    hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait, planted_name: str
) -> None:
    a, b = kiosk("k1"), kiosk("k2")
    enrolled(wait, a, b)
    patient_id = registered(a, registration, hub, wait)
    sign_in(b)
    answer = hub.request("POST", f"/patients/{patient_id}/credential-revocations", role="administrator")
    assert (answer.status_code, answer.json()) == (202, {"count": 2})
    wait(lambda: not knows(a, patient_id) and not knows(b, patient_id), what="both to forget")
    assert sign_in(b) == planted_name


def test_failures_at_two_kiosks_lock_the_name_at_all_and_a_code_from_staff_unlocks_it(
    hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait, planted_name: str
) -> None:
    a, b = kiosk("k1"), kiosk("k2")
    enrolled(wait, a, b)
    patient_id = registered(a, registration, hub, wait)
    for at in (a, a, b):
        with pytest.raises(SignInRefused):
            sign_in(at, password=SecretStr("not-the-password-1"))

    def locked(at: Kiosk) -> bool:
        with at.storage.store.transaction() as connection:
            digest = at._identity.accounts._digests.digest("zebulon")
            return at._identity.accounts._lockout.remaining_s(connection, digest) > 0

    wait(lambda: locked(a) and locked(b), what="the lock at both")
    with pytest.raises(SignInLocked):
        sign_in(a)
    assert [name.locked_until is not None for name in rows(hub, SignInName)] == [True]

    code = hub.request("POST", f"/patients/{patient_id}/reset-codes", role="clinician").json()["code"]
    new = SecretStr("purple-lantern-harbour-9")
    assert b.reception.reset_password("zebulon", SecretStr(code), new).full_name == planted_name
    b.reception.end("patient")
    wait(lambda: not locked(a), what="the unlocking at the other kiosk")
    wait(lambda: not knows(a, patient_id), what="the old password to go")
    assert sign_in(a, password=new) == planted_name


def test_a_hub_that_restarts_goes_on_with_its_orders(
    hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait, planted_name: str
) -> None:
    a = kiosk("k1")
    enrolled(wait, a)
    patient_id = registered(a, registration, hub, wait)
    kiosk.stop("k1")
    hub.request("POST", f"/patients/{patient_id}/credential-revocations", role="administrator")
    hub.stop()
    hub.start()
    a = kiosk("k1")
    wait(lambda: not knows(a, patient_id), what="the revocation after both restarts")
    wait(lambda: {order.outcome for order in rows(hub, KioskOrder)} <= {"done", "overtaken"}, what="the answers")
    assert sign_in(a) == planted_name


def test_a_kiosk_that_registers_offline_is_known_everywhere_once_it_reaches_the_hub(
    hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait, planted_name: str
) -> None:
    hub.stop()
    a = kiosk("k1")
    visit = a.reception.register(registration())
    patient_id, provisional = visit.patient_id, visit.patient_code
    a.reception.end("patient")
    hub.start()
    b = kiosk("k2")
    enrolled(wait, a, b)
    wait(lambda: counted(hub, StoredCredential) == 1, what="the record")
    wait(lambda: _code_is_lasting(a, patient_id, hub), what="the lasting code")
    assert sign_in(b) == planted_name
    # The card that was printed before still works, at both.
    assert sign_in(b, provisional) == planted_name
    assert sign_in(a, provisional) == planted_name


def test_a_kiosk_with_other_keys_gets_nothing_until_an_administrator_confirms_them(
    hub: Any, kiosk: Any, registration: Callable[..., Registration], wait: Wait, planted_name: str, tmp_path: Path
) -> None:
    a, b = kiosk("k1"), kiosk("k2")
    enrolled(wait, a, b)
    registered(a, registration, hub, wait)
    kiosk.stop("k2")
    (tmp_path / "k2" / "kiosk.keys").unlink()
    b = kiosk("k2")
    wait(lambda: any(key.proposed_at for key in rows(hub, KioskKey)), what="the new keys")
    with pytest.raises(SignInRefused):
        sign_in(b)
    (waiting,) = [key for key in hub.get("/kiosk-keys") if key["proposed_at"]]
    answer = hub.request(
        "POST",
        "/kiosk-keys/village/k2/confirmation",
        role="administrator",
        json={"signing_key": waiting["proposed_signing_key"]},
    )
    assert answer.status_code == 204
    b = kiosk("k2")
    enrolled(wait, b)
    assert sign_in(b) == planted_name
