"""Getting in: invitation, password, passkey, recovery code, lock."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from starlette.testclient import TestClient

from hub.api.deps import SESSION_COOKIE
from hub.app import create_app
from hub.config import HubSettings
from hub.db.engine import Database
from tests.api.conftest import Parts
from tests.api.soft_key import PRESENT, SoftKey
from tests.api.staff_person import PASSWORD, Clock, Person


@pytest.fixture
def clock(parts: Parts) -> Clock:
    parts.clock = clock = Clock()
    return clock


@pytest.fixture
def somebody(app: FastAPI, clock: Clock, client: TestClient) -> Callable[..., Person]:
    return lambda name="ana": Person(app, name)


@pytest.fixture
def ana(somebody: Callable[..., Person]) -> Person:
    joined: Person = somebody().join()
    return joined


def test_an_invitation_leads_to_a_password_a_passkey_and_recovery_codes(somebody: Callable[..., Person]) -> None:
    ana = somebody()
    code = ana.invite()

    assert ana.accept(code).headers["location"] == "/enrol"
    assert ana.get("/api/v1/patients").status_code == 401
    assert ana.enrol().status_code == 200
    assert ana.get("/api/v1/patients").status_code == 200
    assert len(set(ana.codes)) == 10
    assert ana.kinds() == ["invited", "invitation-accepted", "passkey-added", "recovery-codes-made", "signed-in"]
    assert somebody().accept(code).status_code == 403


@pytest.mark.parametrize("code", ["", "unknown", "\x00", "\ud83d", "x" * 3_000])
def test_what_is_no_invitation_opens_nothing(somebody: Callable[..., Person], code: str) -> None:
    answer = somebody().form("/welcome", code=code.encode("utf-8", "replace").decode(), password=PASSWORD)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_an_invitation_ends_in_time(somebody: Callable[..., Person], clock: Clock) -> None:
    ana = somebody()
    code = ana.invite()
    clock.pass_s(86_400)
    assert ana.accept(code).status_code == 403


@pytest.mark.parametrize("password", ["short", "password123", "ana-ana-ana", "x" * 129, "nul\x00 in four words basalt"])
def test_a_weak_password_is_refused_and_the_invitation_stays(somebody: Callable[..., Person], password: str) -> None:
    ana = somebody()
    code = ana.invite()
    refused = ana.accept(code, password)
    assert refused.status_code == 422
    assert password not in refused.text
    assert ana.accept(code).status_code == 303


def test_password_then_passkey_opens_a_session_under_a_new_cookie(ana: Person) -> None:
    again = ana.elsewhere()
    assert again.password().headers["location"] == "/sign-in/passkey"
    waiting = again.browser.cookies[SESSION_COOKIE]
    assert again.get("/api/v1/patients").status_code == 401
    assert again.show_key().json() == {"signed_in": True}
    assert again.browser.cookies[SESSION_COOKIE] != waiting
    assert again.get("/api/v1/patients").status_code == 200
    assert again.get("/api/v1/kiosks").status_code == 403


@pytest.mark.parametrize(
    "falsify",
    [
        {"origin": "http://localhost:9999"},
        {"origin": "https://evil.example"},
        {"party": "evil.example"},
        {"flags": PRESENT},
        {"flags": 0x04},
        {"credential_id": b"another credential"},
        {"key": SoftKey().key},
        {"count": -1},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_answer_that_is_not_quite_right_opens_nothing(ana: Person, falsify: dict[str, Any]) -> None:
    ana.sign_in()
    again = ana.elsewhere()
    again.password()
    forged = SoftKey(**({"credential_id": ana.key.credential_id, "key": ana.key.key, "count": 50} | falsify))
    assert again.show_key(key=forged).status_code == 403
    assert again.get("/api/v1/patients").status_code == 401
    assert again.kinds()[-1] == "passkey-refused"


@pytest.mark.parametrize(
    "credential", [{}, {"id": 7}, {"id": "\ud800"}, {"response": []}, {"id": "x", "rawId": None, "response": {}}]
)
def test_an_answer_that_is_none_is_refused(ana: Person, credential: dict[str, Any]) -> None:
    again = ana.elsewhere()
    again.password()
    again.post("/sign-in/options")
    body = json.dumps({"credential": credential})
    answer = again.browser.post("/api/v1/staff/sign-in", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (403, 422)


def test_a_replayed_answer_opens_nothing(ana: Person) -> None:
    again = ana.elsewhere()
    again.password()
    answer = ana.key.get(again.post("/sign-in/options").json())
    assert again.post("/sign-in", credential=answer).status_code == 200
    third = ana.elsewhere()
    third.password()
    third.post("/sign-in/options")
    assert third.post("/sign-in", credential=answer).status_code == 403
    assert third.post("/sign-in", credential=answer).status_code == 403


def test_a_challenge_ends_in_time(ana: Person, clock: Clock) -> None:
    again = ana.elsewhere()
    again.password()
    answer = ana.key.get(again.post("/sign-in/options").json())
    clock.pass_s(300)
    assert again.post("/sign-in", credential=answer).status_code == 403


def test_another_person_s_passkey_does_not_fit(ana: Person, somebody: Callable[..., Person]) -> None:
    eve = somebody("eve").join()
    again = ana.elsewhere()
    again.password()
    assert again.show_key(key=eve.key).status_code == 403


@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_known_and_unknown_names_lock_alike(somebody: Callable[..., Person], name: str, clock: Clock) -> None:
    somebody().join()
    guesser = somebody(name)
    answers = [guesser.password("wrong") for _ in range(7)]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].text == somebody("somebody-else").password("wrong").text
    assert guesser.kinds().count("locked") == 1
    assert guesser.password().status_code == 401
    clock.pass_s(1_800)
    assert guesser.password().status_code == (303 if name == "ana" else 401)


def test_a_right_password_forgets_the_failures(ana: Person) -> None:
    again = ana.elsewhere()
    for _ in range(3):
        for _ in range(4):
            assert again.password("wrong").status_code == 401
        assert again.password().status_code == 303


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "ana", "password": ""},
        {"username": "", "password": ""},
        {"username": "ana\x00", "password": PASSWORD},
        {"username": "аna", "password": PASSWORD},
        {"username": "x" * 4_000, "password": PASSWORD},
        {"username": "ana", "password": "x" * 4_000},
        {"username": "ana", "password": "\x00" * 20},
        {},
    ],
)
def test_odd_forms_open_nothing(ana: Person, fields: dict[str, str]) -> None:
    answer = ana.elsewhere().form("/sign-in", **fields)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_a_recovery_code_works_once_and_asks_for_a_new_passkey(ana: Person) -> None:
    again = ana.elsewhere()
    again.key = SoftKey()
    again.password()
    code = ana.codes[3].lower().replace("-", " ")
    assert again.post("/sign-in/recovery", code=code).json() == {"next": "enrol"}
    assert again.get("/api/v1/patients").status_code == 401
    assert again.enrol().status_code == 200
    assert again.get("/api/v1/patients").status_code == 200
    assert not set(again.codes) & set(ana.codes)
    third = ana.elsewhere()
    third.password()
    assert third.post("/sign-in/recovery", code=ana.codes[3]).status_code == 401
    assert third.post("/sign-in/recovery", code=ana.codes[4]).status_code == 401
    assert again.elsewhere().sign_in().get("/api/v1/patients").status_code == 200


def test_guessed_recovery_codes_lock_the_name(ana: Person) -> None:
    again = ana.elsewhere()
    again.password()
    for _ in range(5):
        assert again.post("/sign-in/recovery", code="AAAA-AAAA-AAAA-AAAA").status_code == 401
    assert again.post("/sign-in/recovery", code=ana.codes[0]).status_code == 401
    assert ana.elsewhere().password().status_code == 401


def test_steps_cannot_be_skipped(ana: Person, somebody: Callable[..., Person]) -> None:
    stranger = somebody("stranger")
    for path in ("/sign-in", "/enrolment", "/sign-in/recovery"):
        body = {"credential": {}, "label": "x"} if path == "/enrolment" else {"credential": {}}
        body = {"code": "x"} if path.endswith("recovery") else body
        assert stranger.post(path, **body).status_code == 401
    again = ana.elsewhere()
    again.password()
    assert again.post("/enrolment/options").status_code == 401
    assert ana.post("/sign-in/options").status_code == 401


def test_another_site_s_page_cannot_act(ana: Person) -> None:
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site}
        assert ana.browser.post("/api/v1/staff/step-up/options", headers=headers).status_code == 401
        form = ana.browser.post("/sign-in", data={"username": "ana", "password": PASSWORD}, headers=headers)
        assert form.status_code == 403
        assert ana.browser.post("/logout", headers=headers, follow_redirects=False).status_code == 403
    assert ana.get("/account").status_code == 200


def test_a_body_without_end_is_not_read(ana: Person) -> None:
    again = ana.elsewhere()
    again.password()
    body = b'{"credential": {"id": "' + b"x" * 3_000_000
    answer = again.browser.post("/api/v1/staff/sign-in", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_in_a_clinic_no_token_signs_a_browser_in(settings: HubSettings, parts: Parts) -> None:
    clinic = settings.model_copy(update={"environment": "clinic"})
    with TestClient(create_app(clinic, parts=parts)) as browser:
        assert browser.get("/login?token=clinician", follow_redirects=False).status_code == 401
        assert browser.post("/sign-in", data={"token": "clinician"}).status_code == 401
        assert "Access token" not in browser.get("/sign-in?with=token").text
        bearer = {"Authorization": "Bearer clinician"}
        assert browser.get("/api/v1/patients", headers=bearer).status_code == 200
        administrator = {"Authorization": "Bearer administrator"}
        new = {"username": "eve", "full_name": "Eve", "role": "administrator"}
        refused = browser.post("/api/v1/staff/members", json=new, headers=administrator)
        assert refused.json()["type"] == "urn:dermakiosk:problem:step-up-required"


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize("act", ["UPDATE staff_events SET kind = 'x'", "DELETE FROM staff_events"])
def test_the_record_of_events_cannot_be_changed(database: Database, act: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), database.writing.begin() as session:
        session.execute(text(act))
