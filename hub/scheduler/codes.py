"""Appointment codes: a correlative number that a patient can read aloud and type back."""

from stdnum.iso7064 import mod_37_36

_SERIES = "A"


def appointment_code(number: int) -> str:
    """Code of the number-th appointment, such as `A000042-7`: its last character tells a mistyped code."""
    body = f"{_SERIES}{number:06d}"
    return f"{body}-{mod_37_36.calc_check_digit(body)}"


def is_appointment_code(text: str) -> bool:
    """Whether the text can be an appointment code: right form, right check character."""
    body, hyphen, check = text.strip().upper().rpartition("-")
    digits = body.removeprefix(_SERIES)
    return (
        bool(hyphen)
        and body.startswith(_SERIES)
        and digits.isascii()
        and digits.isdigit()
        and bool(mod_37_36.is_valid(body + check))
    )
