import argon2
import pytest

from hub.staff.errors import PasswordRefused
from hub.staff.passwords import StaffPasswords

GOOD = "four unrelated words: otter basalt"


class Counting(argon2.PasswordHasher):
    verified: int = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 the library's name
        self.verified += 1
        return super().verify(hash, password)


@pytest.fixture
def passwords() -> StaffPasswords:
    made = StaffPasswords(argon2.profiles.CHEAPEST)
    made._argon2 = Counting.from_parameters(argon2.profiles.CHEAPEST)
    return made


def test_a_password_fits_its_hash_in_every_form_of_its_letters(passwords: StaffPasswords) -> None:
    kept = passwords.hash("naïve otter basalt quartz", context=())
    assert passwords.verify(kept, "nai\u0308ve otter basalt quartz")
    assert not passwords.verify(kept, "naive otter basalt quartz")


@pytest.mark.parametrize("typed", [GOOD, "", "x" * 1_000_000, "\x00", "\ud800", "\ufffd" * 10])
@pytest.mark.parametrize("known", [True, False])
def test_every_attempt_is_one_verification(passwords: StaffPasswords, typed: str, known: bool) -> None:  # noqa: FBT001
    kept = passwords.hash(GOOD, context=()) if known else None
    assert passwords.verify(kept, typed) is (known and typed == GOOD)
    assert isinstance(passwords._argon2, Counting)
    assert passwords._argon2.verified == 1


def test_the_work_for_a_name_that_nobody_has_is_that_for_a_known_one(passwords: StaffPasswords) -> None:
    kept = passwords.hash(GOOD, context=())
    assert argon2.extract_parameters(passwords._decoy) == argon2.extract_parameters(kept)


def test_a_damaged_hash_fits_nothing(passwords: StaffPasswords) -> None:
    assert not passwords.verify("$argon2id$damaged", GOOD)


@pytest.mark.parametrize(
    "weak", ["", "short", "1234567890", "password password", "x" * 129, "ab\x00" * 10, "\ud800" * 10]
)
def test_a_weak_password_is_refused(passwords: StaffPasswords, weak: str) -> None:
    with pytest.raises(PasswordRefused):
        passwords.hash(weak, context=())


def test_a_password_of_the_person_s_own_names_is_refused(passwords: StaffPasswords) -> None:
    with pytest.raises(PasswordRefused, match="guessed"):
        passwords.hash("AnaMartindale", context=("amartindale", "Ana", "Martindale"))
