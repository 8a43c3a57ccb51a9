from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import argon2
import pytest

from hub.config import StaffSettings
from hub.db.engine import Database
from hub.staff.errors import StaffSignInRefused
from hub.staff.lockout import absolve, charge
from hub.staff.members import add_member, find_by_name
from hub.staff.passkeys import RelyingParty
from hub.staff.passwords import StaffPasswords
from hub.staff.sign_in import SignIn

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
SETTINGS = StaffSettings()


def charge_at(database: Database, seconds: float, name: str = "ana") -> bool:
    with database.writing.begin() as session:
        return charge(session, name, settings=SETTINGS, now=NOW + timedelta(seconds=seconds))


def test_five_failures_within_the_window_lock_for_half_an_hour(database: Database) -> None:
    assert [charge_at(database, second) for second in range(6)] == [True] * 5 + [False]
    assert not charge_at(database, 4 + 1_799)
    assert charge_at(database, 4 + 1_800)


def test_failures_outside_the_window_are_forgotten(database: Database) -> None:
    assert all(charge_at(database, 300 * number) for number in range(20))


def test_names_do_not_lock_each_other(database: Database) -> None:
    for second in range(6):
        charge_at(database, second)
    assert charge_at(database, 7, "eve")
    with database.writing.begin() as session:
        absolve(session, "ana")
    assert charge_at(database, 8)


def test_guesses_at_the_same_time_share_one_count(database: Database) -> None:
    class Watched(StaffPasswords):
        looked_at = 0

        def verify(self, password_hash: str | None, password: str) -> bool:
            self.looked_at += password_hash is not None
            return super().verify(password_hash, password)

    passwords = Watched(argon2.profiles.CHEAPEST)
    with database.writing.begin() as session:
        add_member(session, username="ana", full_name="Ana", role="clinician", now=NOW)
        member = find_by_name(session, "ana")
        assert member is not None
        member.password_hash = passwords.hash("four unrelated words: otter basalt", context=())
    sign_in = SignIn(database, passwords, SETTINGS, RelyingParty("localhost", "http://localhost:8080"))

    def guess(number: int) -> None:
        with pytest.raises(StaffSignInRefused):
            sign_in.password("ana", f"guess {number}", label="test", now=NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(guess, range(24)))
    assert passwords.looked_at == SETTINGS.lock_failures
