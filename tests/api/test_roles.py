"""Every route declares the roles it serves, and keeps to them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from hub.api.deps import RoleGuard

ROLES = {"clinician", "technician", "attendant", "administrator", "kiosk"}
RECORDS = {"clinician", "administrator"}
FLEET = {"technician", "administrator"}
PUBLIC = {("GET", "/healthz"), ("GET", "/metrics"), ("GET", "/login"), ("POST", "/logout")}
PUBLIC |= {("POST", "/sign-in"), ("GET", "/static/{name}")}
# Steps of signing in; each asks for the cookie of a session at that step, or for a code of its own.
PUBLIC |= {
    ("GET", "/sign-in"),
    ("GET", "/sign-in/passkey"),
    ("GET", "/enrol"),
    ("GET", "/welcome"),
    ("POST", "/welcome"),
}
PUBLIC |= {
    ("POST", f"/api/v1/staff/{step}")
    for step in (
        "sign-in/options",
        "sign-in",
        "sign-in/recovery",
        "enrolment/options",
        "enrolment",
        "tokens/refresh",
    )
}
ID = "10000000-0000-4000-8000-000000000005"
SHA = "a" * 64

Headers = Callable[[str], dict[str, str]]


def guards(dependant: Dependant) -> Iterator[RoleGuard]:
    if isinstance(dependant.call, RoleGuard):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from guards(inner)


def routes(app: FastAPI) -> Iterator[tuple[str, str, Any]]:
    for context in iter_route_contexts(app.routes):
        for method in context.methods or {"GET"}:
            yield method, context.path or "", context


def test_every_route_declares_its_roles_or_is_public_by_name(app: FastAPI) -> None:
    found = list(routes(app))
    assert len(found) > 15
    open_to_all = {
        (method, path) for method, path, context in found if not any(guard.roles for guard in guards(context.dependant))
    }
    assert open_to_all == PUBLIC


def test_no_route_names_a_role_that_does_not_exist(app: FastAPI) -> None:
    for _, _, context in routes(app):
        for guard in guards(context.dependant):
            assert guard.roles <= ROLES


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/api/v1/patients", RECORDS),
        (f"/api/v1/patients/{ID}", RECORDS),
        (f"/api/v1/patients/{ID}/lesions", RECORDS),
        ("/api/v1/lesions", RECORDS),
        ("/api/v1/analyses", RECORDS),
        (f"/api/v1/analyses/{ID}", RECORDS),
        ("/api/v1/refusals", RECORDS),
        (f"/api/v1/images/{SHA}", RECORDS),
        ("/api/v1/kiosks", FLEET),
        ("/api/v1/quarantine", FLEET),
        ("/api/v1/openapi.json", ROLES),
        ("/api/v1/staff/members", {"administrator"}),
        ("/api/v1/staff/events", {"administrator"}),
    ],
)
def test_each_reading_route_serves_its_roles_and_no_other(
    client: TestClient, as_role: Headers, path: str, served: set[str]
) -> None:
    for role in ROLES:
        status = client.get(path, headers=as_role(role)).status_code
        assert (status in (200, 404)) if role in served else (status == 403), role
    anonymous = client.get(path)
    assert (anonymous.status_code, anonymous.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("method", ["HEAD", "PATCH"])
def test_only_kiosks_upload(client: TestClient, as_role: Headers, method: str) -> None:
    headers = {"Upload-Offset": "0", "Upload-Length": "3"}
    for role in ROLES - {"kiosk"}:
        response = client.request(method, f"/api/v1/images/{SHA}", headers=as_role(role) | headers)
        assert response.status_code == 403
    assert client.request(method, f"/api/v1/images/{SHA}", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer nobody", "Basic Y2xpbmljaWFuOg==", "clinician", "Bearer \xff"]
)
def test_a_wrong_token_is_nobody(client: TestClient, header: str) -> None:
    response = client.get("/api/v1/patients", headers=[(b"Authorization", header.encode("latin-1"))])  # type: ignore[arg-type]
    assert response.status_code == 401


def test_a_sign_in_link_opens_a_session_and_signing_out_ends_it(client: TestClient) -> None:
    opened = client.get("/login", params={"token": "clinician"}, follow_redirects=False)
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "clinician" not in cookie
    assert client.get("/api/v1/patients").status_code == 200
    assert client.get("/api/v1/kiosks").status_code == 403
    assert client.post("/logout", follow_redirects=False).status_code == 303
    assert client.get("/api/v1/patients").status_code == 401


@pytest.mark.parametrize("token", ["nobody", "", "kiosk", "x" * 201])
def test_a_wrong_sign_in_link_opens_nothing_and_is_not_repeated(client: TestClient, token: str) -> None:
    response = client.get("/login", params={"token": token}, follow_redirects=False)
    assert response.status_code in (401, 422)
    assert "set-cookie" not in response.headers
    assert not token or token not in response.json()["detail"].replace("sign-in", "")
