from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import argon2
import pytest
from pydantic import SecretStr

from edge.auth.account import Account, SignInRefused
from edge.auth.accounts import Accounts, Claim
from edge.auth.claim_digest import ClaimDigests
from edge.auth.lockout import Lockout
from edge.auth.password import PasswordHasher
from edge.auth.steady_time import SteadyTime
from edge.auth.vault import Vault, VaultKeyMissing, create_key_file
from edge.clock import Clock
from edge.store import Store
from protocol.credentials import FaceCredential
from protocol.events import Language
from protocol.identity import Consents

Register = Callable[..., Account]
RIGHT = SecretStr("four plain words here")
WRONG = "four other words here"
FACE = FaceCredential(algorithm="number/1", transform_version=1, transform_key="a2V5", templates=("dGVtcGxhdGU=",))
ODD_NAMES = ["nobody.here", "", " ", "a\x00b", "\ud800\ud800\ud800", "r\u043esa.lopez", "x" * 3_000_000, "' OR 1=1 --"]


class Counting(PasswordHasher, Protocol):
    verified: list[argon2.Parameters]


def claim(accounts: Accounts, store: Store, text: str) -> Claim:
    with store.transaction() as connection:
        return accounts.claim(connection, text)


def refusal(action: Callable[[], object]) -> tuple[object, ...]:
    with pytest.raises(SignInRefused) as caught:
        action()
    error = caught.value
    return type(error), str(error), error.code, error.remedy, error.args, error.__cause__, error.__suppress_context__


@pytest.mark.parametrize("text", ["ROSA.lopez", " rosa.lopez ", "\uff52\uff4f\uff53\uff41.lopez"])
def test_the_right_password_signs_in_and_greets(
    accounts: Accounts, store: Store, register: Register, text: str
) -> None:
    account = register()
    signed_in = accounts.authenticate_password(claim(accounts, store, text), RIGHT)
    assert signed_in == account
    assert (signed_in.username, signed_in.language) == ("rosa.lopez", Language.ES)


def test_the_patient_code_claims_the_same_account_however_it_is_typed(
    accounts: Accounts, store: Store, register: Register
) -> None:
    account = register()
    code = account.patient_code
    for text in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} ", code.replace("0", "o")):
        assert accounts.authenticate_password(claim(accounts, store, text), RIGHT) == account


def test_unknown_name_and_wrong_password_are_refused_alike(
    accounts: Accounts, store: Store, register: Register
) -> None:
    register()
    known = refusal(lambda: accounts.authenticate_password(claim(accounts, store, "rosa.lopez"), WRONG))
    for text in ODD_NAMES:
        unknown = claim(accounts, store, text)
        assert refusal(lambda unknown=unknown: accounts.authenticate_password(unknown, WRONG)) == known
        assert len(unknown.digest) == 64


@pytest.mark.parametrize("text", ["rosa.lopez", *ODD_NAMES])
def test_every_name_costs_exactly_one_verification_of_equal_cost(
    accounts: Accounts, store: Store, register: Register, hasher: Counting, text: str
) -> None:
    register()
    refusal(lambda: accounts.authenticate_password(claim(accounts, store, text), WRONG))
    assert hasher.verified == [argon2.profiles.CHEAPEST]
    accounts.spend_verification(WRONG)
    assert hasher.verified == [argon2.profiles.CHEAPEST] * 2


@pytest.mark.parametrize("text", ["rosa.lopez", "nobody.here"])
@pytest.mark.parametrize("password", ["", "four plain words\x00here", "\ud800" * 8, "x" * 3_000_000])
def test_what_can_be_no_password_is_refused(
    accounts: Accounts, store: Store, register: Register, text: str, password: str
) -> None:
    register()
    refusal(lambda: accounts.authenticate_password(claim(accounts, store, text), password))


def test_the_password_of_the_decoy_signs_nobody_in(accounts: Accounts, store: Store) -> None:
    refusal(lambda: accounts.authenticate_password(claim(accounts, store, "nobody.here"), "nobody's password"))


def test_only_a_known_patient_who_consents_has_a_face(accounts: Accounts, store: Store, register: Register) -> None:
    register(face=FACE)
    register(username="juan.perez", consents=Consents())
    assert accounts.face_of(claim(accounts, store, "rosa.lopez")) == FACE
    assert accounts.face_of(claim(accounts, store, "juan.perez")) is None
    assert accounts.face_of(claim(accounts, store, "nobody.here")) is None


def spoil(store: Store, statement: str, *values: Any) -> None:
    with store.transaction() as connection:
        connection.execute(statement, values)


def test_an_altered_record_is_refused_like_an_unknown_name_and_reported(
    accounts: Accounts, store: Store, register: Register, caplog: pytest.LogCaptureFixture
) -> None:
    account = register(face=FACE)
    with store.transaction() as connection:
        sealed: bytes = connection.execute("SELECT sealed_record FROM credentials").fetchone()[0]
    for altered in (sealed[:-1] + bytes((sealed[-1] ^ 1,)), sealed[:-1], b"", b"x" * 3_000_000):
        spoil(store, "UPDATE credentials SET sealed_record = ?", altered)
        claimed = claim(accounts, store, "rosa.lopez")
        assert accounts.face_of(claimed) is None
        refusal(lambda claimed=claimed: accounts.authenticate_password(claimed, RIGHT))
        with store.transaction() as connection:
            assert accounts.record(connection, account.patient_id) is None
    assert f"patient {account.patient_id} is at fault: vault-blob-altered" in caplog.text


def test_a_record_moved_to_another_patient_signs_nobody_in(
    accounts: Accounts, store: Store, register: Register, caplog: pytest.LogCaptureFixture
) -> None:
    intruder = register(username="intruder", password="four stolen plain words")
    victim = register()
    spoil(
        store,
        "UPDATE credentials SET (version, sealed_key, sealed_record) ="
        " (SELECT version, sealed_key, sealed_record FROM credentials WHERE patient_id = ?) WHERE patient_id = ?",
        str(intruder.patient_id),
        str(victim.patient_id),
    )
    claimed = claim(accounts, store, "rosa.lopez")
    refusal(lambda: accounts.authenticate_password(claimed, "four stolen plain words"))
    assert "vault-blob-altered" in caplog.text


def test_an_older_record_put_back_beside_the_present_version_is_refused(
    accounts: Accounts, store: Store, register: Register
) -> None:
    account = register(face=FACE)
    with store.transaction() as connection:
        old = connection.execute("SELECT sealed_key, sealed_record FROM credentials").fetchone()
        accounts.set_face(connection, account.patient_id, None)
    spoil(store, "UPDATE credentials SET sealed_key = ?, sealed_record = ?", old["sealed_key"], old["sealed_record"])
    assert not claim(accounts, store, "rosa.lopez").known


def test_another_vault_key_stops_at_the_start(
    store: Store, register: Register, tmp_path: Path, lockout: Lockout, steady: SteadyTime, clock: Clock
) -> None:
    register(face=FACE)
    create_key_file(tmp_path / "new.key")
    with pytest.raises(VaultKeyMissing):
        ClaimDigests(store, Vault.open_file(tmp_path / "new.key"))


@pytest.mark.parametrize("damaged", ["", "plain", "$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$v=19$m=8,t=1,p=1$!!$!!"])
def test_a_damaged_hash_refuses_and_tells_the_technician(
    accounts: Accounts, store: Store, register: Register, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    account = register()
    with store.transaction() as connection:
        accounts.set_password(connection, account.patient_id, damaged)
    claimed = claim(accounts, store, "rosa.lopez")
    refusal(lambda: accounts.authenticate_password(claimed, RIGHT))
    assert "password-unverifiable" in caplog.text
