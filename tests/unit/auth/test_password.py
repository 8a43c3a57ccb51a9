import argon2
import pytest
from pydantic import SecretStr

from edge.auth.password import (
    PARAMETERS,
    Argon2PasswordHasher,
    PasswordUnverifiable,
    WeakPassword,
    is_usable_hash,
)

CHEAP = Argon2PasswordHasher(argon2.profiles.CHEAPEST)
COMPOSED, DECOMPOSED = "contrase\u00f1a larga", "contrasen\u0303a larga"


def test_new_hashes_are_argon2id_with_the_low_memory_parameters_of_rfc_9106() -> None:
    hasher = Argon2PasswordHasher()
    stored = hasher.hash_password(SecretStr("correct horse"))
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert argon2.extract_parameters(stored) == PARAMETERS
    assert hasher.verify_password(stored, "correct horse")


def test_the_same_password_never_gives_the_same_hash() -> None:
    assert CHEAP.hash_password("correct horse") != CHEAP.hash_password("correct horse")


@pytest.mark.parametrize("other", ["Correct horse", "correct horse ", "correct hors", ""])
def test_another_password_is_wrong(other: str) -> None:
    assert not CHEAP.verify_password(CHEAP.hash_password("correct horse"), other)


def test_two_keyboards_forms_of_a_letter_are_one_password() -> None:
    assert COMPOSED != DECOMPOSED
    assert CHEAP.verify_password(CHEAP.hash_password(COMPOSED), DECOMPOSED)


@pytest.mark.parametrize("unusable", ["correct\x00horse", "correct\nhorse", "\ud800" * 8, "x" * 129, "x" * 3_000_000])
def test_unusable_text_is_refused_before_hashing(unusable: str) -> None:
    with pytest.raises(WeakPassword):
        CHEAP.hash_password(unusable)
    assert not CHEAP.verify_password(CHEAP.hash_password("correct horse"), unusable)


def test_text_that_grows_in_normalisation_is_measured_as_it_is_hashed() -> None:
    with pytest.raises(WeakPassword):
        CHEAP.hash_password("\ufdfa" * 128)


@pytest.mark.parametrize("stored", ["", "plain text", "$argon2id$v=19$m=8,t=1,p=1$c2FsdA"])
def test_a_damaged_hash_is_no_wrong_password(stored: str) -> None:
    with pytest.raises(PasswordUnverifiable):
        CHEAP.verify_password(stored, "correct horse")


@pytest.mark.parametrize(
    ("stored", "usable"),
    [
        pytest.param(CHEAP.hash_password("correct horse"), True, id="cheap"),
        pytest.param(Argon2PasswordHasher().hash_password("correct horse"), True, id="usual"),
        ("", False),
        ("plain", False),
        ("$argon2i$v=19$m=8,t=1,p=1$MTIzNDU2Nzg$MTIzNDU2Nzg", False),
        ("$argon2id$v=19$m=4194304,t=3,p=4$MTIzNDU2Nzg$MTIzNDU2Nzg", False),
        ("$argon2id$v=19$m=65536,t=4000,p=4$MTIzNDU2Nzg$MTIzNDU2Nzg", False),
    ],
)
def test_a_hash_from_elsewhere_must_be_one_that_the_kiosk_can_bear(stored: str, *, usable: bool) -> None:
    assert is_usable_hash(stored) is usable
