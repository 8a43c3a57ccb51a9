import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.scheduler.codes import appointment_code, is_appointment_code


def test_a_code_is_its_number_with_a_check_character() -> None:
    assert appointment_code(42)[:-1] == "A000042-"
    assert is_appointment_code(appointment_code(42))


def test_case_and_blanks_around_a_typed_code_do_not_matter() -> None:
    assert is_appointment_code(f" {appointment_code(42).lower()} ")


@settings(deadline=None)
@given(number=st.integers(1, 10**9), place=st.integers(1, 6), other=st.sampled_from("0123456789"))
def test_one_wrong_digit_is_noticed(number: int, place: int, other: str) -> None:
    code = appointment_code(number)
    typed = code[:place] + other + code[place + 1 :]

    assert is_appointment_code(typed) == (typed == code)


def test_nearly_all_swaps_of_neighbouring_digits_are_noticed() -> None:
    """ISO 7064 MOD 37,36 promises all single wrong characters, and nearly all swaps."""
    swapped = noticed = 0
    for number in range(1, 1000):
        code = appointment_code(number)
        for place in range(1, 6):
            typed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
            if typed != code:
                swapped += 1
                noticed += not is_appointment_code(typed)
    assert noticed / swapped > 0.99


@pytest.mark.parametrize(
    "typed", ["", "-", "A-", "A000042", "B000042-7", "A00004x-7", "000042-7", "A٤٢-1", "A000042-77"]
)  # noqa: RUF100
def test_what_is_no_code_is_not_mistaken_for_one(typed: str) -> None:
    assert not is_appointment_code(typed)
