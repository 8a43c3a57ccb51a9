from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import argon2
import pytest
from pydantic import SecretStr

from edge.auth.accounts import Account, Accounts, Claim, SignInRefused
from edge.auth.face import FaceEncoder, FaceTemplate
from edge.auth.password import Argon2PasswordHasher, PasswordHasher
from edge.auth.vault import Vault, create_key_file
from edge.store import Store
from protocol.events import Language

Register = Callable[..., Account]
Face = Callable[..., FaceTemplate]
RIGHT = SecretStr("four plain words here")
WRONG = "four other words here"


class Counting(PasswordHasher, Protocol):
    verified: list[argon2.Parameters]


def claim(accounts: Accounts, store: Store, username: str) -> Claim:
    with store.transaction() as connection:
        return accounts.claim(connection, username)


def spoil(store: Store, column: str, value: Any) -> None:
    with store.transaction() as connection:
        connection.execute(f"UPDATE accounts SET {column} = ?", (value,))


def refusal(action: Callable[[], object]) -> tuple[object, ...]:
    with pytest.raises(SignInRefused) as caught:
        action()
    error = caught.value
    return type(error), str(error), error.code, error.remedy, error.args, error.__cause__, error.__suppress_context__


def test_the_right_password_signs_in_and_greets(accounts: Accounts, store: Store, register: Register) -> None:
    account = register()
    signed_in = accounts.authenticate_password(claim(accounts, store, "ROSA.lopez"), RIGHT)
    assert signed_in == account
    assert (signed_in.username, signed_in.language) == ("rosa.lopez", Language.ES)


def test_unknown_name_and_wrong_password_are_refused_alike(
    accounts: Accounts, store: Store, register: Register
) -> None:
    register()
    known = refusal(lambda: accounts.authenticate_password(claim(accounts, store, "rosa.lopez"), WRONG))
    unknown = refusal(lambda: accounts.authenticate_password(claim(accounts, store, "nobody.here"), WRONG))
    assert known == unknown


@pytest.mark.parametrize(
    "username", ["rosa.lopez", "nobody.here", "", "a\x00b", "\ud800\ud800\ud800", "x" * 3_000_000, "' OR 1=1 --"]
)
def test_every_name_costs_exactly_one_verification_of_equal_cost(
    accounts: Accounts, store: Store, register: Register, hasher: Counting, username: str
) -> None:
    register()
    refusal(lambda: accounts.authenticate_password(claim(accounts, store, username), WRONG))
    assert hasher.verified == [argon2.profiles.CHEAPEST]


@pytest.mark.parametrize("username", ["rosa.lopez", "nobody.here"])
@pytest.mark.parametrize("password", ["", "four plain words\x00here", "\ud800" * 8, "x" * 3_000_000])
def test_what_can_be_no_password_is_refused(
    accounts: Accounts, store: Store, register: Register, username: str, password: str
) -> None:
    register()
    refusal(lambda: accounts.authenticate_password(claim(accounts, store, username), password))


def test_the_password_of_the_decoy_signs_nobody_in(accounts: Accounts, store: Store) -> None:
    refusal(lambda: accounts.authenticate_password(claim(accounts, store, "nobody.here"), "nobody's password"))


def test_the_claimed_patients_face_signs_in(accounts: Accounts, store: Store, register: Register, face: Face) -> None:
    account = register(face=face(3.0))
    assert accounts.authenticate_face(claim(accounts, store, "rosa.lopez"), face(3.9)) == account


def test_a_face_proves_the_claimed_name_only(accounts: Accounts, store: Store, register: Register, face: Face) -> None:
    register(face=face(3.0))
    register(username="juan.perez", face=face(90.0))
    refusal(lambda: accounts.authenticate_face(claim(accounts, store, "juan.perez"), face(3.0)))


def test_unknown_name_wrong_face_and_no_face_are_refused_alike(
    accounts: Accounts, store: Store, register: Register, face: Face
) -> None:
    register(face=face(3.0))
    register(username="without.face", consent_face=False)
    names = ("rosa.lopez", "without.face", "nobody.here")
    assert (
        len({refusal(lambda n=n: accounts.authenticate_face(claim(accounts, store, n), face(8.0))) for n in names}) == 1
    )


def test_a_distance_that_is_no_number_never_matches(
    accounts: Accounts, store: Store, register: Register, face: Face
) -> None:
    register(face=face(3.0))
    refusal(lambda: accounts.authenticate_face(claim(accounts, store, "rosa.lopez"), face(float("nan"))))


def test_a_kiosk_without_faces_refuses_every_face(
    vault: Vault, hasher: Counting, store: Store, register: Register, accounts: Accounts, face: Face
) -> None:
    register(face=face(3.0))
    blind = Accounts(hasher=hasher, vault=vault, encoder=None)
    refusal(lambda: blind.authenticate_face(claim(accounts, store, "rosa.lopez"), face(3.0)))


def test_a_face_blob_moved_to_another_patient_signs_nobody_in(
    accounts: Accounts, store: Store, register: Register, face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    register(username="intruder", face=face(50.0))
    intruders = claim(accounts, store, "intruder").face_blob
    victim = register(face=face(3.0))
    spoil(store, "face_blob", intruders)
    refusal(lambda: accounts.authenticate_face(claim(accounts, store, "rosa.lopez"), face(50.0)))
    assert f"patient {victim.patient_id} hit a fault: vault-blob-altered" in caplog.text


def test_a_template_of_a_replaced_encoder_refuses_and_tells_the_technician(
    accounts: Accounts, store: Store, register: Register, face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    register(face=face(3.0, algorithm="number/0"))
    refusal(lambda: accounts.authenticate_face(claim(accounts, store, "rosa.lopez"), face(3.0)))
    assert "face-template-incompatible" in caplog.text


def test_a_face_sealed_with_a_lost_key_refuses_and_tells_the_technician(
    hasher: Counting,
    encoder: FaceEncoder,
    store: Store,
    register: Register,
    face: Face,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    register(face=face(3.0))
    create_key_file(tmp_path / "new.key")
    restored = Accounts(hasher=hasher, vault=Vault.open_file(tmp_path / "new.key"), encoder=encoder)
    refusal(lambda: restored.authenticate_face(claim(restored, store, "rosa.lopez"), face(3.0)))
    assert "vault-key-missing" in caplog.text
    assert restored.authenticate_password(claim(restored, store, "rosa.lopez"), RIGHT)


@pytest.mark.parametrize("damaged", ["", "plain", "$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$v=19$m=8,t=1,p=1$!!$!!"])
def test_a_damaged_hash_refuses_and_tells_the_technician(
    vault: Vault, store: Store, register: Register, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    register()
    spoil(store, "password_hash", damaged)
    accounts = Accounts(hasher=Argon2PasswordHasher(argon2.profiles.CHEAPEST), vault=vault, encoder=None)
    refusal(lambda: accounts.authenticate_password(claim(accounts, store, "rosa.lopez"), RIGHT))
    assert "password-unverifiable" in caplog.text
