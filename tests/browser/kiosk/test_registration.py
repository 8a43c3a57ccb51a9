"""A new account: step by step, nothing lost, nothing asked twice, and what of it reaches the hub."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from protocol import codec
from protocol.events import PatientRegistered

FACE_PATIENCE_S = 90


def registered(kiosk: Any) -> PatientRegistered:
    events = [codec.decode_event(message.body).payload for message in kiosk.kiosk.outbox.pending(limit=100)]
    [event] = [event for event in events if isinstance(event, PatientRegistered)]
    return event


def test_all_that_a_patient_tells_is_in_their_registration(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    patient = approach(kiosk)
    page = patient.page
    patient.tells_who("Ana Torres")
    patient.chooses("care", "yes")
    patient.goes_on()
    patient.types("password", "four quiet green boats")
    expect(page.locator(".rules [data-state='met']")).to_have_count(4)
    patient.goes_on()
    patient.types("email", "ana@example.org")
    patient.types("phone", "+34 600 123-456")
    patient.goes_on()
    patient.chooses("messages", "yes")
    page.locator(".chip input[value='latex']").check()
    patient.types("allergies-own", "Nickel")
    patient.press("add")
    expect(page.locator(".chip input[value='Nickel']")).to_be_checked()
    # What is typed and not added is meant too.
    patient.types("allergies-own", "Perfume")
    patient.goes_on()
    page.locator(".chip input[value='none']").check()
    patient.goes_on()
    patient.press("skip")
    page.locator(".chip input[value='removed']").check()
    patient.goes_on()
    patient.chooses("research", "yes")
    page.locator("input[name=helped][value=yes]").check()
    patient.types("attendant", "Luis Vega")
    patient.goes_on()
    patient.sees("register-review")
    for words in ("Ana Torres", "April 12, 1961", "anatorres", "ana@example.org", "Nickel", "Messages", "Luis Vega"):
        expect(page.locator(".review")).to_contain_text(words)
    patient.press("create")
    patient.sees("registered")

    event = registered(kiosk)
    assert event.username == "anatorres"
    assert (event.contact.email, event.contact.phone) == ("ana@example.org", "+34600123456")
    assert event.history is not None
    assert event.history.allergies == ("Latex gloves", "Nickel", "Perfume")
    assert event.history.conditions == ()
    # A question passed over beside answered ones must not read as "none".
    assert event.history.medications == ("Not said",)
    assert event.history.earlier_lesions == ("A mole removed",)
    assert event.consents is not None
    assert event.consents.model_dump() == {"care": True, "face": False, "messages": True, "research": True}
    assert (event.attendant, event.guardian, event.face_enrolled) == ("Luis Vega", None, False)
    code = page.locator(".code").inner_text()
    assert code == event.provisional_code
    expect(page.locator(".card-qr")).not_to_have_js_property("naturalWidth", 0)
    expect(page.locator(".card-words")).to_contain_text("for the time being")


def test_whoever_passes_all_of_it_over_was_not_asked(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    approach(kiosk).registers()

    event = registered(kiosk)
    assert event.history is None
    assert (event.contact.email, event.contact.phone) == (None, None)
    assert event.consents is not None
    assert not event.consents.research


def test_nothing_is_lost_on_the_way_back(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    patient.tells_who("Ana Torres")
    patient.chooses("care", "yes")
    patient.types("username", "my-own-name")
    patient.goes_on()
    patient.types("password", "four quiet green boats")
    patient.goes_on()
    patient.types("email", "ana@example.org")
    patient.goes_on()
    patient.chooses("messages", "no")
    page.locator(".chip input[value='food']").check()
    for _ in range(3):
        patient.press("back")

    expect(page.locator("#password")).to_have_value("four quiet green boats")
    patient.press("back")
    expect(page.locator("#username")).to_have_value("my-own-name")
    patient.press("back")
    expect(page.locator("input[name=care][value=yes]")).to_be_checked()
    patient.press("back")
    expect(page.locator("#birth_date-year")).to_have_value("1961")
    patient.press("back")
    expect(page.locator("#full_name")).to_have_value("Ana Torres")
    for _ in range(6):
        patient.goes_on()
    expect(page.locator("input[name=messages][value=no]")).to_be_checked()
    patient.goes_on()
    expect(page.locator(".chip input[value='food']")).to_be_checked()


def test_mistakes_are_told_beside_their_fields(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    page.locator("[data-way='new']").click()
    patient.goes_on()
    expect(page.locator("#full_name-error")).not_to_be_empty()
    patient.types("full_name", "Ana Torres")
    patient.goes_on()
    patient.types("birth_date-day", "31")
    page.locator("#birth_date-month").select_option("2")
    patient.types("birth_date-year", "1961")
    patient.goes_on()
    expect(page.locator("#birth_date-error")).not_to_be_empty()
    expect(page.locator("#sex-error")).not_to_be_empty()
    patient.types("birth_date-day", "28")
    page.locator("input[value=unknown]").check()
    patient.goes_on()
    patient.goes_on()
    expect(page.locator("#care-error")).to_contain_text("talk to the staff")
    patient.chooses("care", "no")
    expect(page.locator("#care-error")).to_contain_text("cannot take pictures")
    patient.chooses("care", "yes")
    patient.types("username", "a")
    patient.goes_on()
    expect(page.locator("#username-error")).to_contain_text("3 to 64")
    patient.types("username", "ana")
    patient.goes_on()
    patient.types("password", "short")
    patient.goes_on()
    expect(page.locator("#password-error")).to_contain_text("8 to 128")
    patient.types("password", "torres1961")
    expect(page.locator("[data-rule='not-personal']")).to_have_attribute("data-state", "unmet")
    patient.goes_on()
    expect(page.locator("#password-error")).to_contain_text("too easy")
    expect(page.locator("#password")).to_have_attribute("type", "password")
    page.locator(".toggle").click()
    expect(page.locator("#password")).to_have_attribute("type", "text")


def test_mistakes_in_what_may_be_skipped_are_told_too(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    patient.tells_who("Ana Torres")
    patient.chooses("care", "yes")
    patient.types("username", "ana with spaces")
    patient.goes_on()
    patient.types("password", "four quiet green boats")
    patient.goes_on()
    patient.types("email", "nobody")
    patient.types("phone", "12")
    patient.goes_on()
    expect(page.locator("#email-error")).not_to_be_empty()
    expect(page.locator("#phone-error")).not_to_be_empty()
    patient.press("skip")
    patient.sees("register-allergies")
    patient.goes_on()
    expect(page.locator("#allergies-error")).to_contain_text("skip")
    for _ in range(4):
        patient.press("skip")
    patient.goes_on()
    expect(page.locator("#research-error")).not_to_be_empty()
    patient.chooses("research", "no")
    page.locator("input[name=helped][value=yes]").check()
    patient.goes_on()
    expect(page.locator("#attendant-error")).not_to_be_empty()
    patient.chooses("helped", "no")

    # What only the server knows brings back the one step that it is about, and then all of it is there again.
    patient.press("create")
    patient.sees("register-username")
    expect(page.locator("#username-error")).to_contain_text("cannot be a user name")
    patient.types("username", "ana")
    patient.goes_on()
    patient.sees("register-review")
    patient.press("create")
    patient.sees("registered")


def test_a_taken_name_can_be_replaced(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.leaves()

    patient.fills_in_registration(username="ANA")
    patient.press("create")

    patient.sees("register-username")
    expect(patient.page.locator("#username-error")).to_contain_text("already")


def test_a_minor_registers_with_a_guardian_or_not_at_all(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    patient = approach(kiosk)
    page = patient.page
    patient.tells_who("Eva Torres", born=2015)
    patient.sees("register-guardian")
    patient.goes_on()
    expect(page.locator("#guardian-full_name-error")).to_contain_text("talk to the staff")
    patient.types("guardian-full_name", "Ana Torres")
    page.locator("input[name=relation][value=parent]").check()
    patient.goes_on()
    patient.chooses("care", "yes")
    patient.goes_on()
    patient.types("password", "four quiet green boats")
    patient.goes_on()
    patient.tells_the_rest()
    expect(page.locator(".review")).to_contain_text("Ana Torres")
    patient.press("create")
    patient.sees("registered")

    guardian = registered(kiosk).guardian
    assert guardian is not None
    assert (guardian.full_name, guardian.relation) == ("Ana Torres", "parent")


def test_a_step_can_be_changed_from_the_look_over_all_of_it(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    patient.fills_in_registration()

    page.locator("[data-change='contact']").click()
    patient.types("email", "ana@example.org")
    patient.goes_on()
    # Who can be reached now is asked whether they want to be.
    patient.sees("register-consent_messages")
    patient.chooses("messages", "yes")
    patient.sees("register-review")
    expect(page.locator(".review")).to_contain_text("Messages")
    page.locator("[data-change='full_name']").click()
    patient.press("back")
    patient.sees("register-review")


@pytest.mark.parametrize("face", [True, False])
def test_a_face_is_asked_for_and_may_be_left_out(
    start_kiosk: Callable[..., Any],
    approach: Any,
    living_face: str,
    face: bool,  # noqa: FBT001 a parameter of the test
) -> None:
    kiosk = start_kiosk(face_camera=living_face)
    patient = approach(kiosk)

    patient.registers(face=face)

    event = registered(kiosk)
    assert event.face_enrolled is face
    assert event.consents is not None
    assert event.consents.face is face


def test_a_face_that_cannot_be_read_is_told_and_done_without(
    start_kiosk: Callable[..., Any], approach: Any, faceless_camera: str
) -> None:
    patient = approach(start_kiosk(face_camera=faceless_camera, face_burst_s=2))
    patient.fills_in_until_face()
    patient.press("face-start")

    expect(patient.page.locator("[data-code='face-not-found']")).to_contain_text("does not see a face")
    expect(patient.page.locator("[data-do='face-start']")).to_contain_text("Try again")
    patient.press("without")
    patient.press("create")
    patient.sees("registered")


def test_a_printed_face_is_no_person(start_kiosk: Callable[..., Any], approach: Any, printed_face: str) -> None:
    patient = approach(start_kiosk(face_camera=printed_face))
    patient.fills_in_until_face()
    patient.press("face-start")

    expect(patient.page.locator(".guide .problem")).to_be_visible(timeout=FACE_PATIENCE_S * 1000)
    expect(patient.page.locator(".face-picture")).to_have_count(0)


def test_a_kiosk_too_busy_to_look_says_so(start_kiosk: Callable[..., Any], approach: Any, living_face: str) -> None:
    patient = approach(start_kiosk(face_camera=living_face.replace("fps=8", "fps=1")))
    patient.fills_in_until_face()
    patient.press("face-start")

    expect(patient.page.locator(".guide .problem")).to_contain_text("busy", timeout=FACE_PATIENCE_S * 1000)
    expect(patient.page.locator("[data-do='face-start']")).to_contain_text("Try again")


def test_a_face_that_was_taken_is_forgotten_with_the_form(
    start_kiosk: Callable[..., Any], approach: Any, living_face: str
) -> None:
    patient = approach(start_kiosk(face_camera=living_face))
    page = patient.page
    patient.fills_in_until_face()
    patient.press("face-start")
    patient.sees("face-picture", within_s=FACE_PATIENCE_S)
    picture = page.locator(".face-picture img").get_attribute("src")
    with page.expect_response(lambda answer: answer.request.method == "DELETE" and answer.status == 204):
        patient.press("cancel")
    patient.sees("welcome")

    assert page.request.get(f"{page.url.rstrip('/')}{picture}").status >= 400
