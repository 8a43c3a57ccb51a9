from collections.abc import Callable
from typing import Protocol

import pytest

from edge.auth.account import Account
from edge.auth.accounts import Accounts
from edge.auth.lockout import Locked
from edge.auth.sign_in_gate import Admitted, SignInGate
from edge.auth.sign_in_notices import SignInNotice
from edge.store import Store

Register = Callable[..., Account]


class Clock(Protocol):
    def advance(self, seconds: float) -> None: ...


def attempt(accounts: Accounts, gate: SignInGate, store: Store, text: str) -> Admitted | Locked:
    with store.transaction() as connection:
        outcome = gate.admit(connection, accounts.claim(connection, text).digest)
    assert isinstance(outcome, Admitted | Locked)
    return outcome


def succeed(gate: SignInGate, store: Store, admitted: Admitted | Locked) -> None:
    assert isinstance(admitted, Admitted)
    with store.transaction() as connection:
        gate.succeed(connection, admitted)


def test_name_and_code_are_one_counter(accounts: Accounts, gate: SignInGate, store: Store, register: Register) -> None:
    code = register().patient_code
    for text in ("rosa.lopez", code, "ROSA.LOPEZ"):
        assert isinstance(attempt(accounts, gate, store, text), Admitted)
    assert attempt(accounts, gate, store, code) == Locked(1800)
    assert attempt(accounts, gate, store, "rosa.lopez") == Locked(1800)


@pytest.mark.parametrize("text", ["rosa.lopez", "nobody.here", "x" * 3_000_000, "a\x00b", "r\u043esa.lopez"])
def test_known_unknown_and_impossible_names_count_and_lock_alike(
    accounts: Accounts, gate: SignInGate, store: Store, register: Register, text: str
) -> None:
    register()
    seen = [attempt(accounts, gate, store, text) for _ in range(4)]
    counted = [(o.charged.failures, o.charged.locked_for_s) for o in seen if isinstance(o, Admitted)]
    assert counted == [(1, 0), (2, 0), (3, 1800)]
    assert seen[3] == Locked(1800)


def test_the_patient_is_told_of_failed_attempts_and_of_the_sign_in_before(
    accounts: Accounts, gate: SignInGate, store: Store, register: Register, clock: Clock
) -> None:
    patient = register().patient_id

    def told() -> SignInNotice:
        with store.transaction() as connection:
            return accounts.notice(connection, patient)

    assert told() == SignInNotice(0, None)
    succeed(gate, store, attempt(accounts, gate, store, "rosa.lopez"))
    assert told() == SignInNotice(0, None)
    first_at = clock.now()  # type: ignore[attr-defined]
    clock.advance(3600)
    attempt(accounts, gate, store, "rosa.lopez")
    attempt(accounts, gate, store, "rosa.lopez")
    succeed(gate, store, attempt(accounts, gate, store, "rosa.lopez"))
    assert told() == SignInNotice(2, first_at)
    clock.advance(3600)
    succeed(gate, store, attempt(accounts, gate, store, "rosa.lopez"))
    assert told().failed_attempts == 0
    with store.transaction() as connection:
        assert accounts.failures_since_last_success(connection, patient) == 0


def test_an_attempt_that_compared_nothing_counts_nowhere(
    accounts: Accounts, gate: SignInGate, store: Store, register: Register
) -> None:
    patient = register().patient_id
    for _ in range(50):
        admitted = attempt(accounts, gate, store, "rosa.lopez")
        assert isinstance(admitted, Admitted)
        with store.transaction() as connection:
            gate.withdraw(connection, admitted)
    with store.transaction() as connection:
        assert accounts.failures_since_last_success(connection, patient) == 0
