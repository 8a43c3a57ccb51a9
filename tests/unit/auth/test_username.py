import pytest

from edge.auth.username import UsernameInvalid, normalise_username, username_key


@pytest.mark.parametrize("name", ["ana", "Rosa.Lopez-2_x", "jos\u00e9.pe\u00f1a", "\u674e\u5c0f\u9f99", "x" * 64])
def test_the_three_languages_names_are_allowed(name: str) -> None:
    assert normalise_username(name) == name


@pytest.mark.parametrize(
    ("one", "other"), [("Rosa", "rOSA"), ("jose\u0301", "jos\u00e9"), ("\uff21na", "ana"), ("fi1", "\ufb011")]
)
def test_spellings_that_look_alike_are_one_name(one: str, other: str) -> None:
    assert username_key(one) == username_key(other)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "x" * 65,
        "x" * 3_000_000,
        "rosa lopez",
        "rosa@home",
        "rosa\x00",
        "rosa\u200b",
        "rosa\u202e",
        "r\u043esa",  # Cyrillic o
        "r\u03bfsa",  # Greek o
        "ros\u0251",  # Latin alpha
        "\u0131na",  # dotless i
        "rosa\u0661",  # Arabic-Indic one
        "x\u0301yz",  # an accent on no letter that has one
        "\ud800\ud800\ud800",
        "\U0001f600\U0001f600\U0001f600",
    ],
)
def test_look_alikes_and_other_signs_are_refused_without_repeating_them(name: str) -> None:
    with pytest.raises(UsernameInvalid) as caught:
        username_key(name)
    assert not name or name not in str(caught.value)
