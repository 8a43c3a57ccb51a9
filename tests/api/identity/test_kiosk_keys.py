"""Keys of kiosks: the first are pinned, others wait."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from starlette.testclient import TestClient

from hub.api.deps import Services

PATIENT = UUID(int=77)
NAME = "a" * 64
CODE = "b" * 64
Headers = Callable[[str], dict[str, str]]


FakeKiosk = Any


def test_the_pepper_is_one_for_all_kiosks_and_opens_with_their_keys_only(
    kiosk: FakeKiosk, other: FakeKiosk, services: Services
) -> None:
    assert kiosk.enrol() == other.enrol() == services.identity_keys.pepper


def test_other_keys_than_the_first_wait_for_an_administrator(
    kiosk: FakeKiosk, client: TestClient, as_role: Headers, problem: Any
) -> None:
    pinned = kiosk.keys()["signing_key"]
    kiosk.private, kiosk.signing = X25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    again = client.put("/api/v1/kiosk/keys", json=kiosk.keys(), headers=kiosk.headers)
    assert problem(again) == (409, "kiosk-keys-changed")
    (shown,) = client.get("/api/v1/kiosk-keys", headers=as_role("technician")).json()
    assert (shown["signing_key"], shown["proposed_signing_key"]) == (pinned, kiosk.keys()["signing_key"])
    address = "/api/v1/kiosk-keys/village/k1/confirmation"
    for role, key, status in (
        ("technician", shown["proposed_signing_key"], 403),
        ("administrator", pinned, 409),
        ("administrator", shown["proposed_signing_key"], 204),
        ("administrator", shown["proposed_signing_key"], 404),
    ):
        assert client.post(address, json={"signing_key": key}, headers=as_role(role)).status_code == status
    assert kiosk.enrol()


@pytest.mark.parametrize("key", ["", "AAAA", "A" * 43 + "=", "A" * 44, "=" * 44])
def test_what_is_no_key_is_refused(
    client: TestClient, services: Services, as_role: Headers, key: str, fake_kiosk: Any
) -> None:
    good = fake_kiosk("kiosk").keys()
    answer = client.put("/api/v1/kiosk/keys", json=good | {"encryption_key": key}, headers=as_role("kiosk"))
    assert answer.status_code == 422


def test_nothing_is_sealed_to_a_kiosk_without_keys(
    client: TestClient, services: Services, as_role: Headers, problem: Any, fake_kiosk: Any
) -> None:
    assert problem(client.get("/api/v1/kiosk/identity", headers=as_role("kiosk"))) == (409, "kiosk-keys-missing")
    assert problem(fake_kiosk("kiosk").claim()) == (409, "kiosk-keys-missing")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/kiosk/keys"),
        ("GET", "/kiosk/identity"),
        ("PUT", f"/credentials/{PATIENT}"),
        ("POST", "/credentials/claims"),
        ("POST", "/password-resets"),
        ("POST", "/password-resets/verify"),
    ],
)
def test_identity_is_for_kiosks_only(client: TestClient, as_role: Headers, method: str, path: str) -> None:
    for role in ("clinician", "technician", "administrator"):
        assert client.request(method, f"/api/v1{path}", headers=as_role(role)).status_code == 403
    assert client.request(method, f"/api/v1{path}").status_code == 401
