"""Correlative patient codes: `<series><number>-<suffix>-<check>`, such as `K1P0042-7M2F-8`.

The series ends in a letter, so that the number's beginning is clear. The suffix comes from the enrolment image, or from
a random salt for a patient without one, by HMAC under a secret key: it says nothing of either, and stays when the face
is deleted. The check character is ISO 7064 MOD 37,36 over all before it: it finds every single wrong character, and
nearly every swap of two neighbours. O and I, which look like 0 and 1, appear nowhere.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from typing import ClassVar, Final, Literal

from stdnum.iso7064 import mod_37_36

from edge.errors import EdgeError

SALT_BYTES: Final = 32
_SUFFIX_LENGTH: Final = 4
_MAX_TEXT: Final = 64
_MAX_SERIES: Final = 10
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FOLD: Final = str.maketrans("OI", "01")
_SERIES: Final = re.compile(rf"[0-9A-Z]{{0,{_MAX_SERIES - 1}}}[A-Z]")
_STEM: Final = re.compile(rf"{_SERIES.pattern}[0-9]{{4,9}}")

CodePart = Literal["characters", "number", "suffix", "check"]


class PatientCodeInvalid(EdgeError):
    """The text is no patient code; `part` says where it goes wrong."""

    code = "patient-code-invalid"
    remedy: ClassVar[str] = "Compare the code with the card, sign by sign, or scan the card."

    def __init__(self, message: str, *, part: CodePart) -> None:
        super().__init__(message)
        self.part: CodePart = part


def enrolment_salt() -> bytes:
    """What stands in for the enrolment image of a patient without a face."""
    return secrets.token_bytes(SALT_BYTES)


def kiosk_series(kiosk: str) -> str:
    """The series of a kiosk's provisional codes, from its slug: `k1` gives `K1P`."""
    letters = "".join(character for character in kiosk.upper() if character.isascii() and character.isalnum())
    return f"{letters[: _MAX_SERIES - 1].translate(_FOLD)}P"


def make_patient_code(series: str, number: int, *, key: bytes, enrolment: bytes) -> str:
    """Make the code of one patient.

    The suffix is the first four base-36 characters of HMAC-SHA-256(key, enrolment) other than O and I; where the check
    character would be O or I, those from the second character on are taken, and so forth.

    Args:
        series: of the kiosk or hub; letters and digits, a letter last, without O and I.
        number: correlative within the series, from 1.
        key: secret of the kiosk or hub.
        enrolment: bytes of the enrolment image, or an `enrolment_salt`.
    """
    stem = f"{series}{number:04d}"
    if not _SERIES.fullmatch(series) or not _STEM.fullmatch(stem) or stem != stem.translate(_FOLD):
        raise ValueError("not the stem of a patient code")
    characters = _base36(hmac.new(key, enrolment, hashlib.sha256).digest())
    while True:
        for start in range(len(characters) - _SUFFIX_LENGTH + 1):
            suffix = characters[start : start + _SUFFIX_LENGTH]
            check = mod_37_36.calc_check_digit(stem + suffix)
            if check not in "OI":
                return f"{stem}-{suffix}-{check}"
        characters = _base36(hashlib.sha256(characters.encode()).digest())


def parse_patient_code(text: str) -> str:
    """Return the code as it is written on the card, whatever the case, the spaces and the dashes; O and I are 0 and 1.

    Raises:
        PatientCodeInvalid: `part` says what is wrong: characters that no code has, the number with its series, the
            suffix, or the check character, which tells that some character before it is wrong.
    """
    if len(text) > _MAX_TEXT:
        raise PatientCodeInvalid("the text is longer than any code", part="characters")
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKC", text)
        if not character.isspace() and unicodedata.category(character) != "Pd"
    ).upper()
    if not plain or not (plain.isascii() and plain.isalnum()):
        raise PatientCodeInvalid("a code has letters, digits and dashes only", part="characters")
    plain = plain.translate(_FOLD)
    stem, suffix, check = plain[: -_SUFFIX_LENGTH - 1], plain[-_SUFFIX_LENGTH - 1 : -1], plain[-1]
    if not _STEM.fullmatch(stem):
        part: CodePart = "suffix" if _STEM.fullmatch(plain[:-1]) or _STEM.fullmatch(plain) else "number"
        raise PatientCodeInvalid("the code is cut off, or its number is not one", part=part)
    if mod_37_36.calc_check_digit(stem + suffix) != check:
        raise PatientCodeInvalid("the check character does not fit: some character is wrong", part="check")
    return f"{stem}-{suffix}-{check}"


def _base36(digest: bytes) -> str:
    value, characters = int.from_bytes(digest, "big"), ""
    while value:
        value, digit = divmod(value, 36)
        characters = _DIGITS[digit] + characters
    return "".join(character for character in characters if character not in "OI")
