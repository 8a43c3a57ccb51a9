"""Who is at the kiosk, asked through its screen's interface: registration, both ways of sign-in, locks, the account."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import segno

from edge.identity.registration import Registration
from edge.kiosk import Kiosk
from protocol import codec
from protocol.events import PatientRegistered
from protocol.identity import CredentialsChanged, DeletionRequested, SignInAttempted

OpenKiosk = Callable[..., Kiosk]
Register = Callable[..., Registration]
PASSWORD = "horse-battery-staple-7"
EVERYTHING = {
    "contact": {"email": "z@example.org", "phone": "+593991234567"},
    "history": {"allergies": ["penicillin"], "conditions": [], "medications": ["none known"], "earlier_lesions": []},
    "consents": {"care": True, "face": False, "messages": True, "research": False},
    "attendant": "Ana Mora",
}


def waiting(kiosk: Kiosk) -> list[Any]:
    return [codec.decode_event(message.body).payload for message in kiosk.outbox.pending(limit=1000)]


def of_kind(kiosk: Kiosk, kind: type) -> list[Any]:
    return [event for event in waiting(kiosk) if isinstance(event, kind)]


def sign_in(page: Any, claim: str = "zebulon", password: str = PASSWORD) -> Any:
    return page.ask("POST", "/api/sign-in/password", {"claim": claim, "password": password})


def test_a_registration_with_every_field_reaches_the_outbox_and_welcomes(
    open_kiosk: OpenKiosk, screen: Any, registration: Register
) -> None:
    kiosk = open_kiosk()
    answer = screen(kiosk).register(registration(**EVERYTHING))
    assert answer.status_code == 201
    welcome = answer.json()["welcome"]
    (event,) = of_kind(kiosk, PatientRegistered)
    assert welcome == {"patient_code": event.provisional_code, "provisional": True}
    assert event.code_suffix == event.provisional_code.split("-")[1]
    assert event.contact.phone == "+593991234567"
    assert event.history.allergies == ("penicillin",)
    assert event.consents.messages
    assert event.attendant == "Ana Mora"
    card = screen(kiosk).ask("GET", "/api/card.svg")
    assert card.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in card.content


def test_a_minor_needs_a_guardian(open_kiosk: OpenKiosk, screen: Any, registration: Register) -> None:
    page = screen(open_kiosk())
    child = registration(birth_date=datetime.now(UTC).date().replace(day=1).isoformat())
    refused = page.register(child)
    assert (refused.status_code, refused.json()["code"]) == (422, "guardian-missing")
    assert waiting(page.kiosk) == []
    accepted = page.register(child, guardian={"full_name": "Ada Torres", "relation": "parent"})
    assert accepted.status_code == 201
    assert of_kind(page.kiosk, PatientRegistered)[0].guardian.full_name == "Ada Torres"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"password": "password1"}, "password-weak"),
        ({"username": "Ζebulon"}, "username-invalid"),
        ({"username": "ze\x00bulon"}, "username-invalid"),
        ({"username": "z" * 3_000_000}, "input-invalid"),
        ({"consents": {"care": False}}, "input-invalid"),
        ({"enrolment_id": "7d7e8c5e-0d5c-4f0e-9d3f-1c7c56a3c7b1"}, "face-consent-missing"),
    ],
)
def test_a_registration_that_cannot_be_is_refused_by_name_and_nothing_is_saved(
    open_kiosk: OpenKiosk, screen: Any, registration: Register, changes: dict[str, Any], code: str
) -> None:
    page = screen(open_kiosk())
    answer = page.register(registration(), **changes)
    assert answer.json()["code"] == code
    assert waiting(page.kiosk) == []
    assert page.ask("GET", "/api/visit").json()["state"] == "idle"


def test_known_and_unknown_names_count_lock_and_answer_alike(
    open_kiosk: OpenKiosk, screen: Any, registration: Register
) -> None:
    page = screen(open_kiosk())
    page.register(registration())
    page.ask("POST", "/api/end")
    told = {
        claim: [sign_in(page, claim, "wrong and wrong").content for _ in range(2)] for claim in ("zebulon", "nobody")
    }
    assert told["zebulon"] == told["nobody"]
    for claim in told:
        locked = sign_in(page, claim, "wrong and wrong")
        assert (locked.status_code, locked.json()["code"]) == (423, "sign-in-locked")
        assert 1790 <= locked.json()["remaining_s"] <= 1800
    assert sign_in(page).json()["code"] == "sign-in-locked"
    attempts = of_kind(page.kiosk, SignInAttempted)
    counts = [(a.outcome, a.failures, a.counted, a.reason) for a in attempts]
    one = [("failed", 1, True, None), ("failed", 2, True, None)]
    third = ("failed", 3, True, None)
    assert counts == [*one, *one, third, third, ("locked", 0, False, None)]
    assert len({a.claim_digest for a in attempts}) == 2


def test_a_lock_outlives_a_restart(kiosk_settings: Callable[..., Any], screen: Any, registration: Register) -> None:
    first = Kiosk(kiosk_settings())
    try:
        page = screen(first)
        page.register(registration())
        page.ask("POST", "/api/end")
        for _ in range(3):
            sign_in(page, password="wrong and wrong")
    finally:
        first._store.close()
    again = Kiosk(kiosk_settings())
    try:
        assert sign_in(screen(again)).json()["code"] == "sign-in-locked"
    finally:
        again._store.close()


def test_an_attempt_that_a_power_cut_ended_stays_counted_and_is_reported(
    kiosk_settings: Callable[..., Any], registration: Register, screen: Any
) -> None:
    first = Kiosk(kiosk_settings())
    try:
        first.reception._sign_in._attempts.begin("zebulon", "password")
    finally:
        first._store.close()
    again = Kiosk(kiosk_settings())
    try:
        (attempt,) = of_kind(again, SignInAttempted)
        assert (attempt.outcome, attempt.reason, attempt.failures) == ("failed", "interrupted", 1)
        page = screen(again)
        assert sign_in(page, password="wrong and wrong").status_code == 401
        assert sign_in(page, password="wrong and wrong").status_code == 423
    finally:
        again._store.close()


def test_guessing_over_all_names_is_slowed_down_at_this_kiosk(open_kiosk: OpenKiosk, screen: Any) -> None:
    page = screen(open_kiosk(identity={"throttle_failures": 3}))
    answers = [sign_in(page, f"guess{number}", "wrong and wrong") for number in range(5)]
    assert [answer.json()["code"] for answer in answers][-1] == "sign-in-throttled"
    assert answers[-1].status_code == 429
    assert answers[-1].json()["remaining_s"] > 0
    assert of_kind(page.kiosk, SignInAttempted)[-1].outcome == "throttled"


def test_a_patient_signs_in_by_code_and_is_told_of_failed_attempts(
    open_kiosk: OpenKiosk, screen: Any, registration: Register
) -> None:
    page = screen(open_kiosk())
    code = page.register(registration()).json()["patient_code"]
    page.ask("POST", "/api/end")
    sign_in(page, password="wrong and wrong")
    assert sign_in(page, code.lower().replace("-", " ")).status_code == 200
    account = page.ask("GET", "/api/account").json()
    assert (account["failed_attempts"], account["patient_code"], account["face_enrolled"]) == (1, code, False)


@pytest.mark.timeout(180)
def test_a_face_is_enrolled_looked_at_and_signs_in(
    open_kiosk: OpenKiosk, screen: Any, registration: Register, astronaut: str
) -> None:
    page = screen(open_kiosk(capture={"dermoscope": "sim://phantom?seed=3", "face_camera": astronaut}))
    enrolled = page.face_check("/api/face-enrolments")
    assert (enrolled["state"], enrolled["problem"]) == ("matched", None)
    picture = page.ask("GET", f"/api/face-enrolments/{enrolled['attempt_id']}/picture").content
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR) is not None
    answer = page.register(registration(consents={"care": True, "face": True}, enrolment_id=enrolled["attempt_id"]))
    assert answer.status_code == 201
    assert of_kind(page.kiosk, PatientRegistered)[0].face_enrolled
    assert page.ask("GET", f"/api/face-enrolments/{enrolled['attempt_id']}/picture").status_code == 404
    page.ask("POST", "/api/end")
    matched = page.face_check("/api/sign-in/face", {"claim": "zebulon"})
    assert matched["state"] == "matched", matched
    assert page.ask("GET", "/api/visit").json()["signed_in_by"] == "face"

    assert not page.ask("DELETE", "/api/account/face").json()["face_enrolled"]
    (deletion,) = of_kind(page.kiosk, DeletionRequested)
    assert deletion.scope == "face"
    page.ask("POST", "/api/end")
    refused = page.face_check("/api/sign-in/face", {"claim": "zebulon"})
    assert refused["problem"] == "sign-in-refused"


@pytest.mark.timeout(180)
def test_a_printed_photograph_is_refused_and_counts_while_nobody_before_the_camera_does_not(
    open_kiosk: OpenKiosk, screen: Any, astronaut: str
) -> None:
    page = screen(open_kiosk(capture={"face_camera": f"{astronaut}&attack=print"}))
    refused = page.face_check("/api/sign-in/face", {"claim": "zebulon"})
    assert refused["state"] == "failed"
    attempts = of_kind(page.kiosk, SignInAttempted)
    assert (attempts[-1].outcome, attempts[-1].method) == ("failed", "face")
    given_up = page.ask("POST", "/api/sign-in/face", {"claim": "zebulon"}).json()["attempt_id"]
    assert page.ask("DELETE", f"/api/face-attempts/{given_up}").status_code == 204
    assert page.ask("GET", f"/api/face-attempts/{given_up}").json()["problem"] == "face-check-given-up"
    last = of_kind(page.kiosk, SignInAttempted)[-1]
    assert (last.reason, last.counted) == ("face-check-given-up", False)


@pytest.mark.timeout(180)
def test_a_kiosk_too_busy_to_look_blames_itself_and_counts_nothing(
    open_kiosk: OpenKiosk, screen: Any, astronaut: str
) -> None:
    page = screen(open_kiosk(capture={"face_camera": astronaut.replace("fps=8", "fps=1")}))
    refused = page.face_check("/api/sign-in/face", {"claim": "zebulon"})
    assert (refused["state"], refused["problem"]) == ("failed", "face-frames-missing")
    (attempt,) = of_kind(page.kiosk, SignInAttempted)
    assert (attempt.reason, attempt.counted) == ("face-frames-missing", False)


def test_a_card_before_the_camera_is_read(
    open_kiosk: OpenKiosk, screen: Any, registration: Register, tmp_path: Path
) -> None:
    page = screen(open_kiosk())
    code = page.register(registration()).json()["patient_code"]
    folder = tmp_path / "cards"
    folder.mkdir()
    segno.make(code, error="q", micro=False).save(str(folder / "1.png"), scale=8, border=8)
    other = screen(open_kiosk(data_dir=tmp_path / "other", capture={"face_camera": f"folder://{folder}"},
                              identity={"face_encoder": "none"}))  # fmt: skip
    view = other.ask("GET", "/api/visit").json()
    assert (view["offers_face"], view["offers_scan"]) == (False, True)
    assert other.ask("POST", "/api/claims/scan").json() == {"claim": code}


def test_the_account_changes_consents_and_password_and_deletes_itself(
    open_kiosk: OpenKiosk, screen: Any, registration: Register
) -> None:
    page = screen(open_kiosk())
    page.register(registration())
    told = page.ask("POST", "/api/account/consents", {"care": True, "messages": True, "research": True}).json()
    assert told["consents"]["research"]
    new = "seven slow purple trains"
    wrong = page.ask("POST", "/api/account/password", {"password": "wrong and wrong", "new_password": new})
    assert wrong.json()["code"] == "sign-in-refused"
    right = page.ask("POST", "/api/account/password", {"password": PASSWORD, "new_password": new})
    assert right.status_code == 200
    changes = of_kind(page.kiosk, CredentialsChanged)
    assert [c.change for c in changes] == ["consents-changed", "password-changed"]
    assert [c.version for c in changes] == [2, 3]
    page.ask("POST", "/api/end")
    assert sign_in(page).status_code == 401
    assert sign_in(page, password=new).status_code == 200
    assert page.ask("POST", "/api/account/deletion", {"password": new}).json()["state"] == "idle"
    assert of_kind(page.kiosk, DeletionRequested)[0].scope == "account"
    assert sign_in(page, password=new).status_code == 401


def test_a_reset_without_the_hub_says_so(open_kiosk: OpenKiosk, screen: Any) -> None:
    page = screen(open_kiosk())
    order = page.ask("POST", "/api/password-reset/order", {"claim": "zebulon", "channel": "email"})
    assert (order.status_code, order.json()["code"]) == (503, "hub-unreachable")
    body = {"claim": "zebulon", "code": "123456", "new_password": "seven slow purple trains"}
    assert page.ask("POST", "/api/password-reset", body).json()["code"] == "hub-unreachable"


def test_password_advice_never_repeats_the_password(open_kiosk: OpenKiosk, screen: Any) -> None:
    page = screen(open_kiosk())
    weak = page.ask("POST", "/api/password-strength", {"password": "zebulon1961", "username": "zebulon"})
    assert not weak.json()["acceptable"]
    assert "zebulon1961" not in weak.text
    strong = page.ask("POST", "/api/password-strength", {"password": "seven slow purple trains"})
    assert strong.json()["acceptable"]
