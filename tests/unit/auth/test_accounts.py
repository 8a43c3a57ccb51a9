import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from edge.auth.accounts import (
    BIRTH_DATE,
    MIGRATIONS,
    Account,
    Accounts,
    FaceConsentMissing,
    FullNameInvalid,
    UsernameTaken,
)
from edge.auth.face import FaceTemplate
from edge.auth.password import WeakPassword
from edge.auth.username import UsernameInvalid
from edge.store import Store

Register = Callable[..., Account]
Particulars = Callable[..., dict[str, Any]]
Face = Callable[..., FaceTemplate]


def rows(store: Store) -> int:
    with store.transaction() as connection:
        count: int = connection.execute("SELECT count(*) FROM accounts").fetchone()[0]
    return count


def test_a_registration_that_rolls_back_leaves_nothing(
    accounts: Accounts, store: Store, particulars: Particulars, face: Face
) -> None:
    new = accounts.prepare(**particulars(face=face(3.0)))
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
        assert other.execute("SELECT count(*) FROM accounts").fetchone() == (0,)
    assert other.execute("SELECT count(*) FROM accounts").fetchone() == (1,)
    other.close()


@pytest.mark.parametrize("second", ["rosa.lopez", "Rosa.LOPEZ", "\uff52\uff4f\uff53\uff41.lopez"])
def test_a_name_is_taken_in_every_spelling(register: Register, store: Store, second: str) -> None:
    register()
    with pytest.raises(UsernameTaken):
        register(username=second)
    assert rows(store) == 1


def test_a_patient_has_one_account(register: Register) -> None:
    first = register()
    with pytest.raises(sqlite3.IntegrityError):
        register(patient_id=first.patient_id, username="somebody.else")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"username": "ro"}, UsernameInvalid),
        ({"username": "r\u043esa"}, UsernameInvalid),
        ({"password": "rosa.lopez"}, WeakPassword),
        ({"password": "short"}, WeakPassword),
        ({"full_name": " "}, FullNameInvalid),
        ({"full_name": "R\x00sa"}, FullNameInvalid),
        ({"full_name": "R\ud800sa"}, FullNameInvalid),
        ({"full_name": "a" * 3_000_000}, FullNameInvalid),
        ({"consent_face": False}, FaceConsentMissing),
    ],
)
def test_what_cannot_be_registered_names_what_to_change(
    accounts: Accounts, particulars: Particulars, face: Face, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        accounts.prepare(**particulars(face=face(3.0), **changes))


def test_passwords_and_faces_are_not_in_the_database_file(register: Register, tmp_path: Path, face: Face) -> None:
    template = face(12345.678)
    register(face=template, password="a password to look for")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("kiosk.db*"))
    assert b"rosa.lopez" in stored
    assert b"a password to look for" not in stored
    assert template.data not in stored


def test_the_database_refuses_a_face_without_consent(register: Register, store: Store, face: Face) -> None:
    register(face=face(3.0))
    with pytest.raises(sqlite3.IntegrityError), store.transaction() as connection:
        connection.execute("UPDATE accounts SET consent_face = 0")


def test_the_migrations_run_once(tmp_path: Path) -> None:
    for _ in range(2):
        store = Store(tmp_path / "again.db", (MIGRATIONS, BIRTH_DATE))
        assert rows(store) == 0
        store.close()


def test_a_birth_date_is_kept_and_an_account_from_before_has_none(
    accounts: Accounts, register: Register, store: Store, tmp_path: Path
) -> None:
    born = date(1961, 4, 12)
    register(birth_date=born)
    before = Store(tmp_path / "before.db", (MIGRATIONS,))
    with before.transaction() as connection:
        connection.execute(
            "INSERT INTO accounts VALUES (?, 'rosa.lopez', 'rosa.lopez', '', 'R', 'es', 0, NULL, '2026-11-22')",
            (str(uuid4()),),
        )
    before.close()
    updated = Store(tmp_path / "before.db", (MIGRATIONS, BIRTH_DATE))
    for opened, expected in ((store, born), (updated, None)):
        with opened.transaction() as connection:
            account = accounts.claim(connection, "rosa.lopez").account
        assert account is not None
        assert account.birth_date == expected
    updated.close()


def test_nothing_secret_shows_when_printed(
    accounts: Accounts, particulars: Particulars, face: Face, planted_name: str
) -> None:
    new = accounts.prepare(**particulars(face=face(3.0)))
    shown = repr(new) + repr(new.account) + repr(face(3.0))
    assert planted_name not in shown
    assert "argon2" not in shown
    assert repr(new.face_blob) not in shown
