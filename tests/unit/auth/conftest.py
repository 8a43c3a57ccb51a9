import contextlib
import math
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import argon2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import SecretStr

from edge.auth.account import Account, PatientId
from edge.auth.accounts import BIRTH_DATE, IDENTITY, MIGRATIONS, Accounts
from edge.auth.claim_digest import ClaimDigests
from edge.auth.face import FaceTemplate, FaceTemplateIncompatible
from edge.auth.lockout import Lockout, LockRules
from edge.auth.password import Argon2PasswordHasher
from edge.auth.sign_in_gate import SignInGate
from edge.auth.steady_time import SteadyTime
from edge.auth.throttle import Throttle, ThrottleRules
from edge.auth.vault import Vault, create_key_file
from edge.store import Store
from protocol.events import Language, Sex
from protocol.identity import Consents

Register = Callable[..., Account]


class NumberFaces:
    """Faces that are single numbers: the mean brightness of the picture."""

    algorithm = "number/1"
    threshold = 1.0

    def encode(self, rgb: NDArray[np.uint8]) -> FaceTemplate:
        return number_face(float(rgb.mean()))

    def distance(self, a: FaceTemplate, b: FaceTemplate) -> float:
        if (a.algorithm, b.algorithm) != (self.algorithm, self.algorithm):
            raise FaceTemplateIncompatible("other algorithm")
        return math.fabs(struct.unpack("<d", a.data)[0] - struct.unpack("<d", b.data)[0])


class CountingHasher(Argon2PasswordHasher):
    """Writes down the parameters of every hash that a password was verified against."""

    def __init__(self) -> None:
        super().__init__(argon2.profiles.CHEAPEST)
        self.verified: list[argon2.Parameters] = []

    def verify_password(self, password_hash: str, password: SecretStr | str) -> bool:
        with contextlib.suppress(argon2.exceptions.InvalidHashError):
            self.verified.append(argon2.extract_parameters(password_hash))
        return super().verify_password(password_hash, password)


def number_face(number: float, algorithm: str = NumberFaces.algorithm) -> FaceTemplate:
    return FaceTemplate(algorithm=algorithm, data=struct.pack("<d", number))


@pytest.fixture
def face() -> Callable[..., FaceTemplate]:
    return number_face


@pytest.fixture
def encoder() -> NumberFaces:
    return NumberFaces()


@pytest.fixture
def hasher() -> CountingHasher:
    return CountingHasher()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "vault.key"
    create_key_file(path)
    return path


@pytest.fixture
def vault(key_file: Path) -> Vault:
    return Vault.open_file(key_file)


class ManualClock:
    """Time that passes when told; the wall clock can be set back on its own."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 11, 22, 9, tzinfo=UTC)
        self.monotonic = 100.0

    def now(self) -> datetime:
        return self.wall

    def monotonic_s(self) -> float:
        return self.monotonic

    def advance(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "kiosk.db", (MIGRATIONS, BIRTH_DATE, IDENTITY))
    yield store
    store.close()


@pytest.fixture
def steady(store: Store, clock: ManualClock) -> SteadyTime:
    return SteadyTime(store, clock, boot_id=lambda: "boot")


@pytest.fixture
def digests(store: Store, vault: Vault) -> ClaimDigests:
    return ClaimDigests(store, vault)


@pytest.fixture
def lockout(steady: SteadyTime) -> Lockout:
    return Lockout(LockRules(), steady)


@pytest.fixture
def gate(lockout: Lockout, steady: SteadyTime, clock: ManualClock) -> SignInGate:
    return SignInGate(lockout=lockout, throttle=Throttle(ThrottleRules(), steady), steady=steady, clock=clock)


@pytest.fixture
def accounts(
    hasher: CountingHasher,
    vault: Vault,
    digests: ClaimDigests,
    lockout: Lockout,
    steady: SteadyTime,
    clock: ManualClock,
) -> Accounts:
    return Accounts(
        hasher=hasher, vault=vault, digests=digests, lockout=lockout, steady=steady, clock=clock, kiosk="k1"
    )


@pytest.fixture
def particulars(planted_name: str) -> Callable[..., dict[str, Any]]:
    def make(**changes: Any) -> dict[str, Any]:
        return {
            "patient_id": PatientId(uuid4()),
            "username": "rosa.lopez",
            "password": SecretStr("four plain words here"),
            "full_name": planted_name,
            "birth_date": date(1961, 4, 12),
            "sex": Sex.FEMALE,
            "language": Language.ES,
            "consents": Consents(face=True),
        } | changes

    return make


@pytest.fixture
def register(accounts: Accounts, store: Store, particulars: Callable[..., dict[str, Any]]) -> Register:
    def store_account(**changes: Any) -> Account:
        new = accounts.prepare(**particulars(**changes))
        with store.transaction() as connection:
            return accounts.register(connection, new)

    return store_account
