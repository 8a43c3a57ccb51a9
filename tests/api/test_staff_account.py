"""One's own account, step-up, tokens for programs, and what administrators do to accounts."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.api.conftest import Parts
from tests.api.soft_key import SoftKey
from tests.api.staff_person import API, Clock, Person

STEP_UP = "urn:dermakiosk:problem:step-up-required"


@pytest.fixture
def clock(parts: Parts) -> Clock:
    parts.clock = clock = Clock()
    return clock


@pytest.fixture
def join(app: FastAPI, clock: Clock, client: TestClient) -> Callable[..., Person]:
    return lambda name, role: Person(app, name).join(role)


@pytest.fixture
def ana(join: Callable[..., Person]) -> Person:
    return join("ana", "clinician")


@pytest.fixture
def root(join: Callable[..., Person]) -> Person:
    return join("root", "administrator")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def staff_id(root: Person, name: str) -> str:
    found: str = next(one["id"] for one in root.get(f"{API}/members").json() if one["username"] == name)
    return found


def test_a_passkey_is_fresh_for_five_minutes_and_then_asked_for_again(ana: Person, clock: Clock) -> None:
    clock.pass_s(299)
    assert ana.post("/me/recovery-codes").status_code == 201
    clock.pass_s(1)
    refused = ana.post("/me/recovery-codes")
    assert (refused.status_code, refused.json()["type"]) == (401, STEP_UP)
    assert "insufficient_user_authentication" in refused.headers["www-authenticate"]
    assert ana.get("/api/v1/patients").status_code == 200
    assert ana.show_key("/step-up").json() == {"valid_s": 300}
    assert ana.post("/me/recovery-codes").status_code == 201
    assert ana.kinds()[-2:] == ["stepped-up", "recovery-codes-made"]


def test_a_clock_put_back_does_not_keep_a_passkey_fresh(ana: Person, clock: Clock) -> None:
    clock.pass_s(-86_400)
    assert ana.post("/me/recovery-codes").status_code == 401


def test_a_wrong_passkey_steps_nobody_up(ana: Person, join: Callable[..., Person], clock: Clock) -> None:
    eve = join("eve", "clinician")
    clock.pass_s(600)
    assert ana.show_key("/step-up", key=eve.key).status_code == 403
    assert ana.kinds()[-1] == "passkey-refused"
    answer = ana.key.get(ana.post("/step-up/options").json())
    assert ana.post("/step-up", credential=answer).status_code == 200
    assert ana.post("/step-up", credential=answer).status_code == 403
    assert eve.post("/me/recovery-codes").status_code == 401


def test_step_up_is_of_one_session_only(ana: Person, clock: Clock) -> None:
    other = ana.elsewhere().sign_in()
    clock.pass_s(400)
    other.show_key("/step-up")
    assert other.post("/me/recovery-codes").status_code == 201
    assert ana.post("/me/recovery-codes").status_code == 401


def test_passkeys_are_added_and_removed_but_not_the_last(ana: Person) -> None:
    (first,) = ana.get(f"{API}/me/passkeys").json()
    second = SoftKey()
    made = ana.post("/me/passkeys", credential=second.create(ana.post("/me/passkeys/options").json()), label=" Spare ")
    assert (made.status_code, made.json()["label"]) == (201, "Spare")
    twice = ana.post("/me/passkeys", credential=second.create(ana.post("/me/passkeys/options").json()), label="Again")
    assert twice.status_code == 403
    assert ana.browser.delete(f"{API}/me/passkeys/{first['id']}").status_code == 204
    assert ana.browser.delete(f"{API}/me/passkeys/{made.json()['id']}").status_code == 409
    again = ana.elsewhere()
    again.password()
    assert again.show_key().status_code == 403
    again.key = second
    assert again.show_key().status_code == 200


def test_sessions_are_listed_and_ended_at_once(ana: Person) -> None:
    other = ana.elsewhere().sign_in()
    listed = ana.get(f"{API}/me/sessions").json()
    assert [session["current"] for session in listed].count(True) == 1
    (far,) = (session["id"] for session in listed if not session["current"])
    assert ana.browser.delete(f"{API}/me/sessions/{far}").status_code == 204
    assert other.get("/api/v1/patients").status_code == 401
    assert ana.get("/api/v1/patients").status_code == 200
    assert ana.browser.delete(f"{API}/me/sessions/{far}").status_code == 404
    assert ana.kinds()[-1] == "session-revoked"


def test_nobody_ends_another_s_session_as_their_own(ana: Person, join: Callable[..., Person]) -> None:
    eve = join("eve", "clinician")
    (session,) = ana.get(f"{API}/me/sessions").json()
    assert eve.browser.delete(f"{API}/me/sessions/{session['id']}").status_code == 404
    assert ana.get("/account").status_code == 200


def test_a_session_ends_when_idle_and_after_its_longest(ana: Person, clock: Clock) -> None:
    for _ in range(20):
        clock.pass_s(1_700)
        assert ana.get("/api/v1/patients").status_code == 200
    clock.pass_s(1_800)
    assert ana.get("/api/v1/patients").status_code == 401
    ana.sign_in()
    for _ in range(25):
        clock.pass_s(1_700)
        ana.get("/api/v1/patients")
    clock.pass_s(12 * 3_600 - 25 * 1_700)
    assert ana.get("/api/v1/patients").status_code == 401


def test_signing_out_ends_the_session_at_the_hub(ana: Person) -> None:
    cookies = dict(ana.browser.cookies)
    ana.form("/logout")
    thief = ana.elsewhere()
    thief.browser.cookies.update(cookies)
    assert thief.get("/api/v1/patients").status_code == 401


def test_a_program_s_tokens_are_short_and_rotate(ana: Person, client: TestClient, clock: Clock) -> None:
    first = ana.post("/me/tokens", label="Report").json()
    assert client.get("/api/v1/patients", headers=bearer(first["access_token"])).status_code == 200
    assert client.post(f"{API}/me/recovery-codes", headers=bearer(first["access_token"])).json()["type"] == STEP_UP
    second = client.post(f"{API}/tokens/refresh", json={"refresh_token": first["refresh_token"]}).json()
    assert client.get("/api/v1/patients", headers=bearer(first["access_token"])).status_code == 401
    assert client.get("/api/v1/patients", headers=bearer(second["access_token"])).status_code == 200
    clock.pass_s(600)
    assert client.get("/api/v1/patients", headers=bearer(second["access_token"])).status_code == 401
    assert client.get("/api/v1/patients", headers=bearer(second["refresh_token"])).status_code == 401


def test_a_refresh_token_shown_twice_ends_its_whole_family(ana: Person, client: TestClient) -> None:
    first = ana.post("/me/tokens", label="Report").json()
    second = client.post(f"{API}/tokens/refresh", json={"refresh_token": first["refresh_token"]}).json()
    assert client.post(f"{API}/tokens/refresh", json={"refresh_token": first["refresh_token"]}).status_code == 401
    assert client.get("/api/v1/patients", headers=bearer(second["access_token"])).status_code == 401
    assert client.post(f"{API}/tokens/refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401
    assert ana.get("/api/v1/patients").status_code == 200
    assert ana.kinds()[-1] == "token-reused"


@pytest.mark.parametrize("token", ["", "x", "dkr_unknown", "\x00", "x" * 10_000, None, 7])
def test_what_is_no_refresh_token_is_refused(client: TestClient, token: Any) -> None:
    assert client.post(f"{API}/tokens/refresh", json={"refresh_token": token}).status_code in (401, 422)


def test_an_administrator_invites_locks_out_and_lets_in(root: Person, client: TestClient, app: FastAPI) -> None:
    new = {"username": "Ana.M", "full_name": "Ana  Martín", "role": "attendant"}
    invitation = root.post("/members", **new).json()
    assert invitation["link"] == f"http://localhost:8080/welcome#{invitation['code']}"
    assert root.post("/members", **new).status_code == 409
    ana = Person(app, "ana.m")
    ana.accept(invitation["code"])
    ana.enrol()
    assert ana.get("/account").status_code == 200
    assert ana.get("/api/v1/patients").status_code == 403
    where = f"/members/{invitation['staff_id']}"

    assert root.post(f"{where}/role", role="clinician").status_code == 204
    assert ana.get("/api/v1/patients").status_code == 200
    assert root.post(f"{where}/disable").status_code == 204
    assert ana.get("/api/v1/patients").status_code == 401
    assert ana.password().status_code == 401
    assert root.post(f"{where}/enable").status_code == 204
    assert ana.sign_in().get("/api/v1/patients").status_code == 200
    assert root.browser.delete(f"{API}{where}/sessions").status_code == 204
    assert ana.get("/api/v1/patients").status_code == 401
    again = root.post(f"{where}/reset").json()
    assert ana.password().status_code == 401
    ana.key = SoftKey()
    ana.accept(again["code"])
    assert ana.enrol().status_code == 200


def test_an_administrator_lifts_a_lock(root: Person, ana: Person) -> None:
    again = ana.elsewhere()
    for _ in range(5):
        again.password("wrong")
    (locked,) = (one for one in root.get(f"{API}/members").json() if one["username"] == "ana")
    assert locked["locked_until"] is not None
    assert root.post(f"/members/{locked['id']}/unlock").status_code == 204
    assert again.sign_in().get("/account").status_code == 200


def test_tokens_of_a_shut_account_open_nothing(root: Person, ana: Person, client: TestClient) -> None:
    tokens = ana.post("/me/tokens", label="Report").json()
    root.post(f"/members/{staff_id(root, 'ana')}/disable")
    assert client.get("/api/v1/patients", headers=bearer(tokens["access_token"])).status_code == 401
    assert client.post(f"{API}/tokens/refresh", json={"refresh_token": tokens["refresh_token"]}).status_code == 401


def test_the_last_administrator_stays(root: Person, join: Callable[..., Person]) -> None:
    where = f"/members/{staff_id(root, 'root')}"
    assert root.post(f"{where}/disable").status_code == 409
    assert root.post(f"{where}/role", role="clinician").status_code == 409
    join("second", "administrator")
    assert root.post(f"{where}/disable").status_code == 204


def test_what_an_administrator_does_needs_a_fresh_passkey(root: Person, ana: Person, clock: Clock) -> None:
    where = f"/members/{staff_id(root, 'ana')}"
    clock.pass_s(300)
    for act in ("reset", "unlock", "disable", "enable"):
        assert root.post(f"{where}/{act}").json()["type"] == STEP_UP
    assert root.browser.delete(f"{API}{where}/sessions").status_code == 401
    assert ana.post("/members", username="x", full_name="X", role="administrator").status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "a b"},
        {"username": "é"},
        {"username": ""},
        {"username": "x" * 65},
        {"full_name": " "},
        {"full_name": "x\x00"},
        {"role": "kiosk"},
        {"role": "patient"},
    ],
)
def test_names_that_cannot_be_used_are_refused(root: Person, wrong: dict[str, str]) -> None:
    new = {"username": "ana", "full_name": "Ana", "role": "clinician"} | wrong
    assert root.post("/members", **new).status_code == 422


def test_events_name_who_and_by_whom_and_nothing_that_was_typed(root: Person, ana: Person) -> None:
    ana.elsewhere().password("typed by mistake")
    rows = root.get(f"{API}/events?limit=200")
    assert "typed" not in rows.text
    newest = rows.json()[0]
    assert (newest["kind"], newest["staff_id"]) == ("sign-in-refused", staff_id(root, "ana"))
    older = root.get(f"{API}/events?before={newest['id']}&limit=1").json()
    assert older[0]["id"] == newest["id"] - 1
