import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.auth.patient_code import (
    PatientCodeInvalid,
    enrolment_salt,
    kiosk_series,
    make_patient_code,
    parse_patient_code,
)

KEY = b"k" * 32


@given(number=st.integers(1, 999_999_999), enrolment=st.binary(max_size=64))
def test_every_code_reads_back_however_it_is_typed(number: int, enrolment: bytes) -> None:
    code = make_patient_code("K1P", number, key=KEY, enrolment=enrolment)
    assert not set(code) & set("OI")
    for typed in (code, code.lower(), code.replace("-", ""), code.replace("-", " \u2013 "), f" {code}\n"):
        assert parse_patient_code(typed) == code
    assert parse_patient_code(code.replace("0", "O").replace("1", "i")) == code


@given(number=st.integers(1, 99_999), enrolment=st.binary(min_size=1, max_size=8), data=st.data())
def test_one_wrong_character_is_always_found(number: int, enrolment: bytes, data: st.DataObject) -> None:
    code = make_patient_code("H", number, key=KEY, enrolment=enrolment)
    places = [place for place, character in enumerate(code) if character != "-"]
    place = data.draw(st.sampled_from(places))
    wrong = data.draw(st.sampled_from(sorted(set("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ") - {code[place]})))
    with pytest.raises(PatientCodeInvalid):
        parse_patient_code(code[:place] + wrong + code[place + 1 :])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "characters"),
        ("x" * 3_000_000, "characters"),
        ("K1P0001\x007M2F8", "characters"),
        ("\u041a1P0001-7M2F-8", "characters"),
        ("rosa.lopez", "characters"),
        ("K1P00-7M2F-8", "number"),
        ("0001-7M2F-8", "number"),
        ("K1P0001", "suffix"),
        ("K1P0001-7M2F-9", "check"),
    ],
)
def test_what_is_no_code_says_which_part_is_wrong(text: str, part: str) -> None:
    with pytest.raises(PatientCodeInvalid) as caught:
        parse_patient_code(text)
    assert caught.value.part == part
    assert not text or text not in str(caught.value)


def test_the_suffix_is_the_enrolments_under_the_key_and_tells_nothing_of_it() -> None:
    suffix = make_patient_code("K1P", 1, key=KEY, enrolment=b"picture").split("-")[1]
    assert make_patient_code("K1P", 1, key=KEY, enrolment=b"picture").split("-")[1] == suffix
    assert make_patient_code("K1P", 1, key=b"another key", enrolment=b"picture").split("-")[1] != suffix
    assert make_patient_code("K1P", 1, key=KEY, enrolment=b"pictures").split("-")[1] != suffix
    assert enrolment_salt() != enrolment_salt()


@pytest.mark.parametrize(
    ("kiosk", "series"), [("k1", "K1P"), ("post-io-2", "P0ST102P"), ("a-very-long-kiosk-name", "AVERYL0NGP")]
)
def test_a_kiosks_series_ends_in_a_letter_and_has_no_look_alikes(kiosk: str, series: str) -> None:
    assert kiosk_series(kiosk) == series
    assert parse_patient_code(make_patient_code(series, 1, key=KEY, enrolment=b"x")).startswith(f"{series}0001-")


@pytest.mark.parametrize("series", ["", "K1", "KO", "K-", "k1p", "X" * 11])
def test_a_series_that_would_not_read_back_is_refused(series: str) -> None:
    with pytest.raises(ValueError, match="stem"):
        make_patient_code(series, 1, key=KEY, enrolment=b"x")
