from datetime import date

import pytest

from edge.auth.password import WeakPassword
from edge.auth.password_strength import PasswordAdvice, assess, require_acceptable

BORN = date(1961, 4, 12)
FULL_NAME = "Rosa Mar\u00eda L\u00f3pez Nu\u00f1ez"


def judge(password: str) -> PasswordAdvice:
    return assess(password, username="rosa.lopez", full_name=FULL_NAME, birth_date=BORN)


def broken(advice: PasswordAdvice) -> set[str]:
    return {rule.id for rule in advice.rules if not rule.satisfied}


@pytest.mark.parametrize(
    "good",
    [
        "four plain words here",
        "caballo bater\u00eda grapa",
        "\u56db\u4e2a\u7b80\u5355\u7684\u8bcd\u8bed\u554a",
        "w8Xk2#pq",
        "a phrase much longer than zxcvbn is shown " * 3,
    ],
)
def test_good_ones_need_no_kinds_of_characters(good: str) -> None:
    advice = judge(good)
    assert advice.acceptable
    assert not broken(advice)
    require_acceptable(good, username="rosa.lopez", full_name="Rosa", birth_date=BORN)


@pytest.mark.parametrize(
    ("weak", "rule"),
    [
        ("", "length"),
        ("7 chars", "length"),
        ("password1", "not-common"),
        ("PASSWORD1", "not-common"),
        ("rosa.lopez", "not-personal"),
        ("Rosa.Lopez and more words", "not-personal"),
        ("lopez y m\u00e1s palabras", "not-personal"),
        ("l\u00f3pez and more words", "not-personal"),
        ("NUNEZ and more words", "not-personal"),
        ("12041961 and more words", "not-personal"),
        ("words and 1961-04-12", "not-personal"),
        ("120461 four plain words", "not-personal"),
        ("aaaaaaaaaa", "strong"),
        ("abcdefghijk", "strong"),
        ("qwertyuiop[]", "strong"),
        ("password" * 16, "strong"),
        ("dermakiosk1", "strong"),
    ],
)
def test_weak_ones_break_the_rule_that_is_shown(weak: str, rule: str) -> None:
    advice = judge(weak)
    assert not advice.acceptable
    assert rule in broken(advice)
    assert advice.suggestions or rule == "length"
    with pytest.raises(WeakPassword) as caught:
        require_acceptable(weak, username="rosa.lopez", full_name=FULL_NAME, birth_date=BORN)
    assert not weak or weak not in str(caught.value)


@pytest.mark.parametrize("odd", ["x" * 3_000_000, "nul\x00 in a long phrase", "\ud800" * 20, "x" * 129])
def test_what_can_be_no_password_gets_an_answer(odd: str) -> None:
    assert not judge(odd).acceptable
    with pytest.raises(WeakPassword):
        require_acceptable(odd, username="rosa.lopez", full_name="Rosa")


def test_huge_and_odd_particulars_are_bounded() -> None:
    advice = assess("four plain words here", username="x" * 3_000_000, full_name="\x00\ud800" * 1_000_000)
    assert advice.acceptable


def test_a_short_chinese_name_is_personal_and_two_latin_letters_are_not() -> None:
    named = assess("\u674e\u5c0f\u9f99 four plain words", username="longlong", full_name="\u674e\u5c0f\u9f99")
    assert "not-personal" in broken(named)
    assert assess("four plain words here", username="bob", full_name="Al Or").acceptable


def test_advice_says_what_to_do() -> None:
    assert judge("password1").suggestions[0] == "avoid-common"
    assert judge("rosa.lopez").suggestions[0] == "avoid-personal"
    assert "avoid-repeats" in judge("aaaaaaaaaa").suggestions
    assert "avoid-sequences" in judge("abcdefghijk").suggestions
    assert "avoid-keyboard-rows" in judge("zxcvbnm,./").suggestions
    assert judge("four plain words here").suggestions == ()


def test_rules_come_in_one_order() -> None:
    assert [rule.id for rule in judge("x").rules] == ["length", "not-common", "not-personal", "strong"]
