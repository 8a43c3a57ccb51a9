import sqlite3
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge.auth.accounts import BIRTH_DATE, IDENTITY, MIGRATIONS
from edge.auth.lockout import Charged, Locked, Lockout, LockRules
from edge.auth.steady_time import SteadyTime
from edge.store import Store

ROSA, JUAN = "a" * 64, "b" * 64
NAMES = st.sampled_from([ROSA, JUAN])
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where the state machine keeps its databases: thousands of fsyncs on a disk would show nothing more."""


class Machine:
    """A computer with a power switch: its clocks, its boot id, its disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "kiosk.db"
        self.wall = datetime(2026, 11, 22, 9, tzinfo=UTC)
        self.uptime = 0.0
        self.boots = 0
        self.start()

    def now(self) -> datetime:
        return self.wall

    def monotonic_s(self) -> float:
        return self.uptime

    def start(self) -> None:
        self.store = Store(self._path, (MIGRATIONS, BIRTH_DATE, IDENTITY))
        self.steady = SteadyTime(self.store, self, boot_id=lambda: f"boot-{self.boots}")
        self.lockout = Lockout(LockRules(), self.steady)

    def run_for(self, seconds: float) -> None:
        self.uptime += seconds
        self.wall += timedelta(seconds=seconds)

    def restart_program(self, *, down_s: float) -> None:
        self.store.close()
        self.run_for(down_s)
        self.start()

    def cut_power(self, *, off_s: float) -> None:
        self.store.close()
        self.wall += timedelta(seconds=off_s)
        self.boots += 1
        self.uptime = 3.0
        self.start()

    def charge(self, digest: str) -> Charged | Locked:
        with self.store.transaction() as connection:
            return self.lockout.charge(connection, digest)

    def absolve(self, digest: str) -> None:
        with self.store.transaction() as connection:
            self.lockout.absolve(connection, digest)

    def remaining_s(self, digest: str) -> float:
        with self.store.transaction() as connection:
            return self.lockout.remaining_s(connection, digest)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def lock(machine: Machine, digest: str = ROSA) -> None:
    for number in (1, 2, 3):
        charged = machine.charge(digest)
        assert isinstance(charged, Charged)
        assert charged.failures == number
    assert charged.locked_for_s == 1800


def test_the_third_failure_locks_that_name_alone_for_half_an_hour(machine: Machine) -> None:
    lock(machine)
    assert machine.charge(ROSA) == Locked(1800)
    assert isinstance(machine.charge(JUAN), Charged)
    machine.run_for(1799)
    assert machine.charge(ROSA) == Locked(1)
    machine.run_for(1)
    charged = machine.charge(ROSA)
    assert isinstance(charged, Charged)
    assert charged.failures == 1


def test_failures_further_apart_than_the_window_do_not_lock(machine: Machine) -> None:
    for _ in range(20):
        assert isinstance(machine.charge(ROSA), Charged)
        machine.run_for(451)


def test_success_clears_the_counter_even_on_the_third_try(machine: Machine) -> None:
    lock(machine)
    machine.absolve(ROSA)
    lock(machine)


def test_a_wall_clock_moved_back_a_day_neither_ends_nor_prolongs_a_lock(machine: Machine) -> None:
    lock(machine)
    for days in (-1, 2, -1):
        machine.wall += timedelta(days=days)
        assert machine.remaining_s(ROSA) == 1800
    machine.run_for(1800)
    assert machine.remaining_s(ROSA) == 0


def test_pulling_the_plug_does_not_shorten_a_lock(machine: Machine) -> None:
    lock(machine)
    machine.run_for(600)
    machine.steady.checkpoint()
    machine.cut_power(off_s=86_400)
    assert machine.remaining_s(ROSA) == 1200
    machine.run_for(9)
    machine.cut_power(off_s=0)
    # What passed since the last checkpoint is lost, to the guesser's disadvantage.
    assert machine.remaining_s(ROSA) == 1200
    machine.restart_program(down_s=1200)
    assert machine.remaining_s(ROSA) == 0


def test_a_charge_that_was_not_committed_does_not_count(machine: Machine) -> None:
    with pytest.raises(ZeroDivisionError), machine.store.transaction() as connection:
        machine.lockout.charge(connection, ROSA)
        _ = 1 / 0
    lock(machine)


def test_a_withdrawn_attempt_takes_its_own_charge_and_lock_back_alone(machine: Machine) -> None:
    machine.charge(ROSA)
    machine.charge(ROSA)
    third = machine.charge(ROSA)
    assert isinstance(third, Charged)
    with machine.store.transaction() as connection:
        machine.lockout.withdraw(connection, third)
        assert machine.lockout.failures(connection, ROSA) == 2
    assert machine.remaining_s(ROSA) == 0
    again = machine.charge(ROSA)
    assert isinstance(again, Charged)
    assert again.locked_for_s == 1800


def test_the_hubs_order_locks_and_the_longer_lock_counts(machine: Machine) -> None:
    with machine.store.transaction() as connection:
        machine.lockout.lock(connection, ROSA, 600)
        machine.lockout.lock(connection, ROSA, 60)
    assert machine.charge(ROSA) == Locked(600)
    machine.absolve(ROSA)
    assert machine.remaining_s(ROSA) == 600
    with machine.store.transaction() as connection:
        machine.lockout.lock(connection, ROSA, 10**9)
    assert machine.remaining_s(ROSA) == 86_400
    with machine.store.transaction() as connection:
        machine.lockout.clear(connection, ROSA)
    lock(machine)


@pytest.mark.parametrize("rules", [(0, 900, 1800), (3, 0, 1800), (3, 900, 0), (3, 900, 86_401)])
def test_rules_that_lock_nothing_are_refused(rules: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="lock"):
        LockRules(*rules)


class LockMachine(RuleBasedStateMachine):
    """Against a model that keeps what happened in plain lists of powered-on seconds."""

    @initialize()
    def switch_on(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=IN_MEMORY)
        self.machine = Machine(Path(self.folder.name))
        self.powered = 0.0  # as a guesser's stopwatch shows: never less than steady time
        self.lost = 0.0  # what power cuts took from steady time, to the guesser's disadvantage
        self.since_checkpoint = 0.0
        self.failures: dict[str, list[float]] = {ROSA: [], JUAN: []}
        self.locked_until: dict[str, float] = {ROSA: 0.0, JUAN: 0.0}
        self.ordered_until: dict[str, float] = {ROSA: 0.0, JUAN: 0.0}

    def teardown(self) -> None:
        if hasattr(self, "machine"):
            self.machine.store.close()
            self.folder.cleanup()

    @property
    def steady_s(self) -> float:
        return self.powered - self.lost

    def until(self, name: str) -> float:
        return max(self.locked_until[name], self.ordered_until[name])

    def settle(self, name: str) -> None:
        """What a write does beside its own: time is persisted, what is over is dropped."""
        self.since_checkpoint = 0.0
        for each in (ROSA, JUAN):
            if 0 < self.until(each) <= self.steady_s:
                self.failures[each] = []
                self.locked_until[each] = self.ordered_until[each] = 0.0
            self.failures[each] = [at for at in self.failures[each] if at > self.steady_s - 900]

    @rule(name=NAMES)
    def try_and_fail(self, name: str) -> None:
        self.settle(name)
        outcome = self.machine.charge(name)
        if self.until(name) > self.steady_s:
            assert outcome == Locked(pytest.approx(self.until(name) - self.steady_s))
            return
        assert isinstance(outcome, Charged)
        self.failures[name].append(self.steady_s)
        assert outcome.failures == len(self.failures[name])
        assert (outcome.locked_for_s > 0) == (outcome.failures >= 3)
        if outcome.failures >= 3:
            self.locked_until[name] = self.steady_s + 1800

    @rule(name=NAMES)
    def try_and_succeed(self, name: str) -> None:
        self.settle(name)
        if isinstance(self.machine.charge(name), Locked):
            assert self.until(name) > self.steady_s
            return
        self.machine.absolve(name)
        self.failures[name] = []
        self.locked_until[name] = 0.0

    @rule(name=NAMES)
    def try_and_lose_the_process_before_the_answer(self, name: str) -> None:
        self.try_and_fail(name)
        self.restart(0.5)

    @rule(name=NAMES)
    def try_and_lose_the_power_before_the_answer(self, name: str) -> None:
        self.try_and_fail(name)
        self.cut_power(60.0)

    @rule(seconds=st.sampled_from([0.25, 5.0, 60.0, 449.5, 900.0, 1799.0, 1800.0]))
    def time_passes(self, seconds: float) -> None:
        self.machine.run_for(seconds)
        self.powered += seconds
        self.since_checkpoint += seconds

    @rule(days=st.sampled_from([-1, 1, -400]))
    def somebody_sets_the_wall_clock(self, days: int) -> None:
        self.machine.wall += timedelta(days=days)

    @rule()
    def checkpoint(self) -> None:
        self.machine.steady.checkpoint()
        self.since_checkpoint = 0.0

    @rule(down_s=st.sampled_from([0.0, 30.0, 2000.0]))
    def restart(self, down_s: float) -> None:
        self.machine.restart_program(down_s=down_s)
        self.powered += down_s
        self.since_checkpoint = 0.0

    @rule(off_s=st.sampled_from([0.0, 60.0, 86_400.0]))
    def cut_power(self, off_s: float) -> None:
        self.machine.cut_power(off_s=off_s)
        self.lost += self.since_checkpoint
        self.since_checkpoint = 0.0

    @rule(name=NAMES, remaining_s=st.sampled_from([1.0, 600.0, 7200.0]))
    def the_hub_orders_a_lock(self, name: str, remaining_s: float) -> None:
        self.settle(name)
        with self.machine.store.transaction() as connection:
            self.machine.lockout.lock(connection, name, remaining_s)
        self.ordered_until[name] = max(self.ordered_until[name], self.steady_s + remaining_s)

    @rule(name=NAMES)
    def the_hub_clears(self, name: str) -> None:
        self.settle(name)
        with self.machine.store.transaction() as connection:
            self.machine.lockout.clear(connection, name)
        self.failures[name] = []
        self.locked_until[name] = self.ordered_until[name] = 0.0

    @invariant()
    def locks_are_as_the_model_says(self) -> None:
        if not hasattr(self, "machine"):
            return
        assert self.machine.steady.now_s() == pytest.approx(self.steady_s)
        for name in (ROSA, JUAN):
            left = max(0.0, self.until(name) - self.steady_s)
            assert self.machine.remaining_s(name) == pytest.approx(left)


LockMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLockMachine = LockMachine.TestCase


def test_merged_digests_of_one_account_count_together(machine: Machine) -> None:
    machine.charge(ROSA)
    machine.charge(ROSA)
    machine.charge(JUAN)
    with machine.store.transaction() as connection:
        machine.lockout.merge(connection, ROSA, (ROSA, JUAN))
        assert machine.lockout.failures(connection, JUAN) == 0
    assert machine.charge(ROSA) == Locked(1800)


def test_the_file_stays_small_however_many_names_are_guessed(machine: Machine) -> None:
    for number in range(300):
        machine.charge(f"{number:064x}")
        machine.run_for(10)
    with machine.store.transaction() as connection:
        kept = connection.execute("SELECT count(*) FROM sign_in_failures").fetchone()[0]
    assert kept <= 91


def test_what_is_written_is_on_the_disk_before_anybody_hears_of_it(machine: Machine, tmp_path: Path) -> None:
    machine.charge(ROSA)
    other = sqlite3.connect(tmp_path / "kiosk.db")
    assert other.execute("SELECT count(*) FROM sign_in_failures").fetchone() == (1,)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    with machine.store.transaction() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
