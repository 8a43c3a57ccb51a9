"""Deletions and their signed receipts."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from starlette.testclient import TestClient

from hub.db.engine import Database

PATIENT = UUID(int=77)
NAME = "a" * 64
CODE = "b" * 64
Headers = Callable[[str], dict[str, str]]


FakeKiosk = Any


def test_only_the_kiosks_own_signature_settles_its_deletion(
    client: TestClient, as_role: Headers, kiosk: FakeKiosk, other: FakeKiosk, wished: Any,
    report: Callable[..., Any], database: Database, orders: Any) -> None:  # fmt: skip
    order = wished()
    for forged in (
        kiosk.receipt(order["k1"], key=other.signing),
        kiosk.receipt(order["k1"], scope="face"),
        kiosk.receipt(order["k2"]),
        kiosk.receipt(uuid4()),
    ):
        (refused,) = report(forged).quarantined
        assert refused.code == "receipt-unverified"
    assert len(orders(database, "delete-identity")) == 2
    for made, name in ((kiosk, "k1"), (kiosk, "k1"), (other, "k2")):
        assert len(report(made.receipt(order[name]), kiosk=name).stored) == 1
    (shown,) = client.get("/api/v1/deletions", headers=as_role("technician")).json()["items"]
    assert shown["complete"]
    assert [row["state"] for row in shown["kiosks"]] == ["receipted", "receipted"]
    assert client.get("/api/v1/deletions", headers=as_role("clinician")).status_code == 403


def test_a_deleted_account_does_not_come_back(
    kiosk: FakeKiosk, wished: Any, database: Database, orders: Any, problem: Any, record: Any
) -> None:
    wished()
    assert problem(kiosk.put(record(9))) == (410, "identity-deleted")
    assert problem(kiosk.claim()) == (404, "claim-unknown")
    assert len(orders(database, "delete-identity")) == 2


def test_a_kiosk_that_brings_a_deleted_account_after_its_receipt_is_ordered_again(
    kiosk: FakeKiosk, wished: Any, report: Callable[..., Any], database: Database, orders: Any, record: Any
) -> None:
    order = wished()
    report(kiosk.receipt(order["k1"]))
    assert kiosk.put(record(9)).status_code == 410
    assert {f"k{row.kiosk_id}" for row in orders(database, "delete-identity")} == {"k1", "k2"}


def test_a_deleted_face_leaves_the_account_and_does_not_return_from_a_kiosk_that_has_not_heard(
    kiosk: FakeKiosk, wished: Any, report: Callable[..., Any], record: Any
) -> None:
    order = wished("face")
    assert kiosk.opened(kiosk.claim()).face is None
    assert kiosk.put(record(2)).status_code == 204
    assert kiosk.opened(kiosk.claim()).face is None
    report(kiosk.receipt(order["k1"], scope="face"))
    # Enrolling anew after the deletion is the patient's right.
    assert kiosk.put(record(3)).status_code == 204
    assert kiosk.opened(kiosk.claim()).face is not None
