"""Coming back: by name, code or card; by password or face; what a lock says; and a forgotten password."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import segno
from playwright.sync_api import APIResponse, Request, Route, expect

FACE_PATIENCE_S = 90


def gives_up_a_face_check(asked: Request) -> bool:
    return asked.method == "DELETE" and "/api/face-attempts/" in asked.url


def test_a_wrong_password_is_refused_without_saying_what_was_wrong(
    start_kiosk: Callable[..., Any], approach: Any
) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.leaves()

    patient.signs_in(password="not my password")
    wrong_password = patient.page.locator(".problem").inner_text()
    expect(patient.page.locator("#password")).to_have_value("")
    patient.press("cancel")
    patient.signs_in(claim="nobody-here")
    assert patient.page.locator(".problem").inner_text() == wrong_password

    patient.press("cancel")
    patient.signs_in()
    # The rightful patient is told of the tries.
    patient.sees("attempts")
    expect(patient.page.locator("h1")).to_contain_text("1")
    patient.press("go-on")
    patient.sees("body-site")


def test_a_lock_counts_down_and_says_what_to_do_instead(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page
    patient.leaves()
    shown = []
    for claim in ("ana", "nobody-here"):
        patient.claims(claim)
        for _ in range(3):
            expect(page.locator(".actions button[type=submit]")).to_be_enabled()
            patient.types("password", "not my password")
            with page.expect_response("**/api/sign-in/password"):
                patient.goes_on()
        patient.sees("locked")
        expect(page.locator(".countdown")).to_contain_text(":")
        expect(page.locator("[data-do='again']")).to_be_disabled()
        shown.append(page.locator(".locked-words").inner_text())
        assert claim not in page.locator("main").inner_text()
        patient.press("home")
    assert shown[0] == shown[1]

    patient.claims("ana")
    patient.types("password", "four quiet green boats")
    patient.goes_on()
    patient.sees("locked")
    patient.press("home")
    kiosk.clock.step(1801)
    patient.signs_in()
    patient.sees("attempts")


def test_the_countdown_opens_the_next_try(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    page.clock.install()
    page.route(
        "**/api/sign-in/password",
        lambda route: route.fulfill(status=429, json={"code": "sign-in-throttled", "remaining_s": 20}),
    )
    patient.signs_in()
    patient.sees("locked")
    expect(page.locator("[data-do='reset']")).to_have_count(0)

    page.clock.run_for(21_000)

    expect(page.locator(".countdown")).to_have_text("0:00")
    page.locator("[data-do='again']").click()
    patient.sees("sign-in-proof")


def test_a_face_signs_in_where_it_is_offered(start_kiosk: Callable[..., Any], approach: Any, living_face: str) -> None:
    patient = approach(start_kiosk(face_camera=living_face))
    patient.registers(face=True)
    patient.leaves()

    patient.claims("ana")
    patient.press("face")
    patient.press("face-start")

    patient.sees("body-site", within_s=FACE_PATIENCE_S)


def test_another_name_is_not_opened_by_a_face(start_kiosk: Callable[..., Any], approach: Any, living_face: str) -> None:
    patient = approach(start_kiosk(face_camera=living_face))
    patient.claims("nobody-here")
    patient.press("face")
    patient.press("face-start")

    told = patient.page.locator("[data-code='sign-in-refused']")
    expect(told).to_contain_text("did not match", timeout=FACE_PATIENCE_S * 1000)
    patient.press("use-password")
    patient.sees("sign-in-proof")


def test_a_face_check_can_be_left_at_any_time(start_kiosk: Callable[..., Any], approach: Any, living_face: str) -> None:
    kiosk = start_kiosk(face_camera=living_face)
    patient = approach(kiosk)
    page = patient.page
    patient.claims("ana")
    patient.press("face")
    patient.press("face-start")
    expect(page.locator(".face-check[data-running]")).to_be_visible()
    with page.expect_request(gives_up_a_face_check):
        patient.press("cancel")

    patient.sees("welcome")
    assert kiosk.kiosk.journey.state == "idle"


def test_a_face_check_left_while_it_begins_is_given_up(
    start_kiosk: Callable[..., Any], approach: Any, living_face: str
) -> None:
    """Else the camera would go on reading whoever stands there after the patient has gone."""
    patient = approach(start_kiosk(face_camera=living_face))
    page = patient.page
    begun: list[tuple[Route, APIResponse]] = []
    page.route("**/api/sign-in/face", lambda route: begun.append((route, route.fetch())))
    patient.claims("ana")
    patient.press("face")
    with page.expect_request("**/api/sign-in/face"):
        patient.press("face-start")
    patient.press("cancel")
    patient.sees("welcome")
    ((held, answer),) = begun

    with page.expect_request(gives_up_a_face_check) as given_up:
        held.fulfill(response=answer)

    assert given_up.value.url.endswith(answer.json()["attempt_id"])


def test_no_face_and_no_card_are_asked_for_without_a_face_camera(
    start_kiosk: Callable[..., Any], approach: Any
) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    page.locator("[data-way='known']").click()
    expect(page.locator("#claim")).to_be_visible()
    expect(page.locator("[data-do='card']")).to_have_count(0)
    patient.types("claim", "ana")
    patient.goes_on()
    patient.sees("sign-in-proof")
    expect(page.locator("[data-do='face']")).to_have_count(0)


def test_the_code_signs_in_like_the_name(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    code = kiosk.kiosk.journey.visit.patient_code
    patient = approach(kiosk)
    patient.leaves()

    patient.signs_in(claim=code.lower())

    patient.sees("body-site")


def test_a_card_is_read_and_leads_to_the_proof(start_kiosk: Callable[..., Any], approach: Any, tmp_path: Path) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    picture = folder / "seen.png"
    cv2.imwrite(str(picture), np.full((480, 640, 3), 200, np.uint8))
    kiosk = start_kiosk(face_camera=f"folder://{folder}")
    kiosk.sign_in_new_patient()
    code = kiosk.kiosk.journey.visit.patient_code
    patient = approach(kiosk)
    patient.leaves()
    patient.page.locator("[data-way='known']").click()
    patient.press("card")
    patient.sees("sign-in-card")
    segno.make(code, error="q", micro=False).save(str(picture), scale=12, border=6)

    patient.sees("sign-in-proof")
    expect(patient.page.locator(".claimed")).to_contain_text(code)
    patient.types("password", "four quiet green boats")
    patient.goes_on()
    patient.sees("body-site")


def test_a_forgotten_password_needs_the_clinic(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page
    patient.leaves()
    patient.claims("ana")
    patient.press("forgot")
    page.locator("[data-way='email']").click()
    expect(page.locator("[data-code='hub-unreachable']")).to_contain_text("ask the staff")

    page.locator("[data-way='staff']").click()
    patient.goes_on()
    expect(page.locator("#code-error")).not_to_be_empty()
    patient.types("code", "123 456")
    patient.goes_on()
    patient.types("new_password", "short")
    patient.goes_on()
    expect(page.locator("#new_password-error")).to_contain_text("8 to 128")
    patient.types("new_password", "five loud yellow trains")
    expect(page.locator(".rules [data-state='met']")).to_have_count(4)
    patient.goes_on()
    expect(page.locator("[data-code='hub-unreachable']")).to_be_visible()


def test_a_wrong_reset_code_is_asked_for_again(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    page.route("**/api/password-reset", lambda route: route.fulfill(status=422, json={"code": "reset-code-wrong"}))
    page.route("**/api/password-reset/order", lambda route: route.fulfill(status=202, json=None))
    patient.claims("ana")
    patient.press("forgot")
    page.locator("[data-way='sms']").click()
    patient.sees("reset-code")
    patient.types("code", "123456")
    patient.goes_on()
    patient.types("new_password", "five loud yellow trains")
    patient.goes_on()

    patient.sees("reset-code")
    expect(page.locator("#code-error")).to_contain_text("wrong")
