import math
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import argon2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import SecretStr

from edge.auth.accounts import BIRTH_DATE, MIGRATIONS, Account, Accounts, PatientId
from edge.auth.face import FaceTemplate, FaceTemplateIncompatible
from edge.auth.password import Argon2PasswordHasher
from edge.auth.vault import Vault, create_key_file
from edge.store import Store
from protocol.events import Language

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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "kiosk.db", (MIGRATIONS, BIRTH_DATE))
    yield store
    store.close()


@pytest.fixture
def accounts(hasher: CountingHasher, vault: Vault, encoder: NumberFaces) -> Accounts:
    return Accounts(hasher=hasher, vault=vault, encoder=encoder)


@pytest.fixture
def particulars(planted_name: str) -> Callable[..., dict[str, Any]]:
    def make(**changes: Any) -> dict[str, Any]:
        return {
            "patient_id": PatientId(uuid4()),
            "username": "rosa.lopez",
            "password": SecretStr("four plain words here"),
            "full_name": planted_name,
            "language": Language.ES,
            "consent_face": True,
            "face": None,
            "created_at": datetime(2026, 11, 22, 9, tzinfo=UTC),
        } | changes

    return make


@pytest.fixture
def register(accounts: Accounts, store: Store, particulars: Callable[..., dict[str, Any]]) -> Register:
    def store_account(**changes: Any) -> Account:
        new = accounts.prepare(**particulars(**changes))
        with store.transaction() as connection:
            accounts.register(connection, new)
        return new.account

    return store_account
