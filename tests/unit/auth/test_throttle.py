from typing import Protocol

import argon2
import pytest

from edge.auth.accounts import Accounts
from edge.auth.lockout import Locked
from edge.auth.sign_in_gate import Admitted, SignInGate
from edge.auth.steady_time import SteadyTime
from edge.auth.throttle import Throttle, Throttled, ThrottleRules
from edge.store import Store


class Counting(Protocol):
    verified: list[argon2.Parameters]


class Clock(Protocol):
    def advance(self, seconds: float) -> None: ...


@pytest.fixture
def throttle(steady: SteadyTime) -> Throttle:
    return Throttle(ThrottleRules(), steady)


def charge(store: Store, throttle: Throttle) -> Throttled | None:
    with store.transaction() as connection:
        return throttle.charge(connection)


def test_beyond_the_budget_each_failure_doubles_the_wait_up_to_a_cap(
    store: Store, throttle: Throttle, clock: Clock
) -> None:
    assert [charge(store, throttle) for _ in range(10)] == [None] * 10
    waits = []
    for _ in range(12):
        refused = charge(store, throttle)
        assert refused is not None
        waits.append(round(refused.remaining_s))
        clock.advance(refused.remaining_s)
        assert charge(store, throttle) is None
    assert waits[:3] == [15, 30, 60]
    # The budget comes back at one a minute, so that the waits settle there; a shorter window's cap shows below.
    assert max(waits) <= 120


def test_no_wait_is_longer_than_the_cap(store: Store, steady: SteadyTime, clock: Clock) -> None:
    slow = Throttle(ThrottleRules(budget=1, window_s=10**9, first_wait_s=100, longest_wait_s=900), steady)
    for expected in (100, 200, 400, 800, 900, 900):
        assert charge(store, slow) is None
        assert charge(store, slow) == Throttled(pytest.approx(expected))
        clock.advance(expected)


def test_a_refused_attempt_changes_nothing(store: Store, throttle: Throttle, clock: Clock) -> None:
    for _ in range(10):
        charge(store, throttle)
    for _ in range(1000):
        assert charge(store, throttle) == Throttled(15)
    clock.advance(15)
    assert charge(store, throttle) is None


def test_success_costs_nothing_so_that_a_busy_post_never_waits(store: Store, throttle: Throttle) -> None:
    for _ in range(200):
        assert charge(store, throttle) is None
        with store.transaction() as connection:
            throttle.absolve(connection)
    with store.transaction() as connection:
        assert throttle.remaining_s(connection) == 0


def test_neither_a_restart_nor_a_power_cut_ends_the_wait(store: Store, throttle: Throttle, clock: Clock) -> None:
    for _ in range(10):
        charge(store, throttle)
    rebooted = Throttle(ThrottleRules(), SteadyTime(store, clock, boot_id=lambda: "another boot"))
    assert charge(store, rebooted) == Throttled(15)


@pytest.mark.parametrize("rules", [(0, 600, 15, 900), (10, 0, 15, 900), (10, 600, 0, 900), (10, 600, 900, 15)])
def test_rules_that_brake_nothing_are_refused(rules: tuple[int, float, float, float]) -> None:
    with pytest.raises(ValueError, match="throttle"):
        ThrottleRules(*rules)


def test_ten_thousand_guesses_from_one_kiosk_lock_few_accounts_and_are_refused_unread(
    accounts: Accounts, gate: SignInGate, store: Store, clock: Clock, hasher: Counting
) -> None:
    # Three guesses a name, one a second, for the better part of three hours, on 3,334 names.
    locked = checked = 0
    for guess in range(10_000):
        clock.advance(1)
        with store.transaction() as connection:
            outcome = gate.admit(connection, f"{guess // 3:064x}")
        if isinstance(outcome, Admitted):
            checked += 1
            locked += outcome.charged.locked_for_s > 0
            accounts.spend_verification("a guess")
    assert checked <= 10 + 10_000 / 60 + 5
    assert len(hasher.verified) == checked
    # The budget's first guesses lock three names; a guess a minute on ever new names locks nobody.
    assert locked == 3


def test_who_guesses_for_hours_on_the_same_names_locks_a_few_of_them_at_once(
    gate: SignInGate, store: Store, clock: Clock
) -> None:
    ends: list[float] = []
    most = 0
    guess = 0
    for second in range(3 * 3600):
        clock.advance(1)
        with store.transaction() as connection:
            outcome = gate.admit(connection, f"{guess // 3:064x}")
        if isinstance(outcome, Admitted):
            guess += 1
            if outcome.charged.locked_for_s:
                ends.append(second + outcome.charged.locked_for_s)
        most = max(most, sum(end > second for end in ends))
    # One guess a minute, three a name, half an hour of lock: ten, beside the budget's three.
    assert most <= 13


def test_a_locked_name_counts_for_the_throttle_and_a_throttled_attempt_for_no_name(
    gate: SignInGate, store: Store, clock: Clock
) -> None:
    name, other = "a" * 64, "b" * 64
    with store.transaction() as connection:
        outcomes = [gate.admit(connection, name) for _ in range(11)]
        assert [type(outcome) for outcome in outcomes] == [Admitted] * 3 + [Locked] * 7 + [Throttled]
        assert isinstance(gate.admit(connection, other), Throttled)
        assert connection.execute("SELECT count(*) FROM sign_in_failures WHERE digest = ?", (other,)).fetchone()[0] == 0
