"""My account: the card, what was agreed to, the face, the password, and deleting all of it."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from protocol import codec


def events(kiosk: Any, kind: str) -> list[Any]:
    found = [codec.decode_event(message.body).payload for message in kiosk.kiosk.outbox.pending(limit=100)]
    return [event for event in found if type(event).__name__ == kind]


def opens_account(patient: Any) -> None:
    patient.press("account")
    expect(patient.page.locator(".tile").first).to_be_visible()


def opens(patient: Any, tile: str) -> None:
    patient.page.locator(f"[data-tile='{tile}']").click()


def test_the_card_shows_the_code(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    opens_account(patient)
    expect(patient.page.locator(".account-person")).to_contain_text("Ana Torres")
    opens(patient, "card")

    expect(patient.page.locator(".card-qr")).not_to_have_js_property("naturalWidth", 0)
    expect(patient.page.locator(".code")).to_have_text(kiosk.kiosk.journey.visit.patient_code)
    patient.press("back")
    patient.press("back")
    patient.sees("body-site")


def test_an_agreement_can_be_given_and_taken_back(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page
    for agreed in (True, False):
        opens_account(patient)
        opens(patient, "consents")
        page.locator("#research").set_checked(agreed)
        patient.goes_on()
        expect(page.locator(".saved-note")).to_contain_text("saved")
        patient.press("back")

    changes = [event.consents.research for event in events(kiosk, "CredentialsChanged")]
    assert changes == [True, False]


def test_a_new_password_counts_from_the_next_sign_in(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page
    opens_account(patient)
    opens(patient, "password")
    patient.types("password", "not my password")
    patient.types("new_password", "five loud yellow trains")
    patient.goes_on()
    expect(page.locator("[data-code='sign-in-refused']")).to_contain_text("not your password")
    patient.types("password", "four quiet green boats")
    patient.goes_on()
    expect(page.locator(".saved-note")).to_contain_text("new password")
    patient.leaves()

    patient.signs_in(password="five loud yellow trains")
    patient.sees("body-site")


def test_a_face_is_added_and_deleted(start_kiosk: Callable[..., Any], approach: Any, living_face: str) -> None:
    kiosk = start_kiosk(face_camera=living_face)
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page
    opens_account(patient)
    opens(patient, "face")
    patient.shows_face()
    expect(page.locator(".saved-note")).to_contain_text("with your face")
    opens(patient, "face")
    patient.press("delete")
    patient.sees("account-face-delete")
    patient.press("delete-sure")

    expect(page.locator(".saved-note")).to_contain_text("deleted")
    expect(page.locator("[data-tile='face']")).to_contain_text("Not used")
    assert [event.scope for event in events(kiosk, "DeletionRequested")] == ["face"]


def test_an_account_is_deleted_only_by_its_owner_and_for_good(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient(name="Maximiliana Torres")
    patient = approach(kiosk)
    page = patient.page
    opens_account(patient)
    opens(patient, "delete")
    patient.press("back")
    expect(page.locator(".tile").first).to_be_visible()
    opens(patient, "delete")
    patient.press("delete")
    patient.types("password", "not my password")
    patient.press("delete-sure")
    expect(page.locator("[data-code='sign-in-refused']")).to_be_visible()
    patient.types("password", "four quiet green boats")
    patient.press("delete-sure")

    patient.sees("ended-deletion")
    assert "Maximiliana" not in page.content()
    assert [event.scope for event in events(kiosk, "DeletionRequested")] == ["account"]
    patient.press("home")
    patient.signs_in()
    expect(page.locator("[data-code='sign-in-refused']")).to_be_visible()


def test_a_slow_answer_to_a_deletion_is_not_taken_for_absence(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page
    answers: list[tuple[Any, Any]] = []
    page.route("**/api/account/deletion", lambda route: answers.append((route, route.fetch())))
    opens_account(patient)
    opens(patient, "delete")
    patient.press("delete")
    patient.types("password", "four quiet green boats")

    # The page goes on asking about its visit; when it asks again, it has seen that the visit is over.
    def over(response: Any) -> bool:
        return bool(response.url.endswith("/api/visit") and response.json()["state"] == "idle")

    with page.expect_response(over):
        patient.press("delete-sure")
    with page.expect_response(over):
        pass
    for route, answer in answers:
        route.fulfill(response=answer)

    patient.sees("ended-deletion")


def test_whoever_walks_away_is_told_that_the_visit_ends(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page

    def as_if_gone(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"face_watch": "missing"})

    page.route("**/api/visit", as_if_gone)
    expect(page.locator("#away")).to_contain_text("does not see you")
    page.unroute("**/api/visit")
    expect(page.locator("#away")).not_to_be_visible()
