import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.auth.account import Account, FaceConsentMissing, FullNameInvalid, UsernameTaken
from edge.auth.accounts import BIRTH_DATE, IDENTITY, MIGRATIONS, Accounts
from edge.auth.password import WeakPassword
from edge.auth.patient_code import parse_patient_code
from edge.auth.username import UsernameInvalid
from edge.store import Store
from protocol.credentials import FaceCredential
from protocol.identity import Consents

Register = Callable[..., Account]
Particulars = Callable[..., dict[str, Any]]

FACE = FaceCredential(algorithm="number/1", transform_version=1, transform_key="a2V5", templates=("RkFDRVRFTVBMQVRF",))


def rows(store: Store) -> int:
    with store.transaction() as connection:
        count: int = connection.execute("SELECT count(*) FROM credentials").fetchone()[0]
    return count


def test_a_registration_that_rolls_back_leaves_nothing(
    accounts: Accounts, store: Store, particulars: Particulars
) -> None:
    new = accounts.prepare(**particulars(face=FACE))
    with pytest.raises(ZeroDivisionError), store.transaction() as connection:
        accounts.register(connection, new)
        _ = 1 / 0
    assert rows(store) == 0
    with store.transaction() as connection:
        accounts.register(connection, new)
    assert rows(store) == 1


def test_registering_commits_nothing_by_itself(
    accounts: Accounts, store: Store, particulars: Particulars, tmp_path: Path
) -> None:
    new = accounts.prepare(**particulars())
    other = sqlite3.connect(tmp_path / "kiosk.db")
    with store.transaction() as connection:
        accounts.register(connection, new)
        assert connection.in_transaction
        assert other.execute("SELECT count(*) FROM credentials").fetchone() == (0,)
    assert other.execute("SELECT count(*) FROM credentials").fetchone() == (1,)
    other.close()


@pytest.mark.parametrize("second", ["rosa.lopez", "Rosa.LOPEZ", "\uff52\uff4f\uff53\uff41.lopez"])
def test_a_name_is_taken_in_every_spelling(register: Register, store: Store, second: str) -> None:
    register()
    with pytest.raises(UsernameTaken):
        register(username=second)
    assert rows(store) == 1


def test_a_patient_has_one_account(register: Register, store: Store) -> None:
    first = register()
    with pytest.raises(ValueError, match="already"):
        register(patient_id=first.patient_id, username="somebody.else")
    assert rows(store) == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"username": "ro"}, UsernameInvalid),
        ({"username": "r\u043esa"}, UsernameInvalid),
        ({"username": "x" * 3_000_000}, UsernameInvalid),
        ({"password": "rosa.lopez"}, WeakPassword),
        ({"password": "short"}, WeakPassword),
        ({"password": "password1"}, WeakPassword),
        ({"password": "x" * 3_000_000}, WeakPassword),
        ({"full_name": " "}, FullNameInvalid),
        ({"full_name": "R\x00sa"}, FullNameInvalid),
        ({"full_name": "R\ud800sa"}, FullNameInvalid),
        ({"full_name": "a" * 3_000_000}, FullNameInvalid),
        ({"consents": Consents()}, FaceConsentMissing),
    ],
)
def test_what_cannot_be_registered_names_what_to_change(
    accounts: Accounts, particulars: Particulars, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        accounts.prepare(**particulars(face=FACE, **changes))


def test_a_user_name_that_reads_as_somebodys_code_is_refused(
    accounts: Accounts, register: Register, particulars: Particulars
) -> None:
    code = register().patient_code
    with pytest.raises(UsernameInvalid):
        accounts.prepare(**particulars(username=code))


def test_nothing_personal_is_in_the_database_file(register: Register, tmp_path: Path, planted_name: str) -> None:
    account = register(face=FACE, password="a long phrase to look for")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("kiosk.db*"))
    assert str(account.patient_id).encode() in stored
    for planted in ("rosa.lopez", planted_name, "a long phrase to look for", "argon2", *FACE.templates):
        assert planted.encode() not in stored
    assert account.patient_code.encode() not in stored


def test_codes_are_correlative_and_a_withdrawn_registration_uses_none_up(
    accounts: Accounts, register: Register, particulars: Particulars, store: Store
) -> None:
    first = register()
    new = accounts.prepare(**particulars(username="never.was"))
    with pytest.raises(ZeroDivisionError), store.transaction() as connection:
        accounts.register(connection, new)
        _ = 1 / 0
    second = register(username="juan.perez")
    numbers = [parse_patient_code(account.patient_code).split("-")[0] for account in (first, second)]
    assert numbers == ["K1P0001", "K1P0002"]


def test_the_codes_suffix_comes_from_the_enrolment_picture_and_survives_the_face(
    accounts: Accounts, store: Store, register: Register
) -> None:
    picture = b"\xff\xd8 a picture \xff\xd9"
    one = register(username="rosa.uno", face=FACE, enrolment_image=picture)
    with store.transaction() as connection:
        accounts.delete(connection, one.patient_id)
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'code_numbers'")
    again = register(username="rosa.dos", face=FACE, enrolment_image=picture)
    assert again.patient_code == one.patient_code
    with store.transaction() as connection:
        accounts.set_face(connection, again.patient_id, None)
        assert accounts.account(connection, again.patient_id).patient_code == one.patient_code
    other = register(username="rosa.tres", enrolment_image=None)
    assert other.patient_code.split("-")[1] != one.patient_code.split("-")[1]


def test_the_migrations_run_once(tmp_path: Path) -> None:
    for _ in range(2):
        store = Store(tmp_path / "again.db", (MIGRATIONS, BIRTH_DATE, IDENTITY))
        assert rows(store) == 0
        store.close()


def test_nothing_secret_shows_when_printed(accounts: Accounts, particulars: Particulars, planted_name: str) -> None:
    new = accounts.prepare(**particulars(face=FACE))
    shown = repr(new) + repr(new.account)
    for secret in (planted_name, "rosa.lopez", "argon2", FACE.templates[0], FACE.transform_key):
        assert secret not in shown
