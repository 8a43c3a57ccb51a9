import re
from typing import Protocol

import pytest

from edge.auth.steady_time import SteadyTime, machine_boot_id
from edge.store import Store


class Clock(Protocol):
    monotonic: float

    def advance(self, seconds: float) -> None: ...


def test_it_counts_the_seconds_of_the_steady_clock(store: Store, clock: Clock) -> None:
    steady = SteadyTime(store, clock, boot_id=lambda: "a")
    assert steady.now_s() == 0
    clock.advance(12.5)
    assert steady.now_s() == 12.5


def test_a_restart_of_the_program_loses_nothing(store: Store, clock: Clock) -> None:
    SteadyTime(store, clock, boot_id=lambda: "a")
    clock.advance(7)
    assert SteadyTime(store, clock, boot_id=lambda: "a").now_s() == 7


def test_a_reboot_goes_on_from_the_last_checkpoint_whatever_the_new_clock_shows(store: Store, clock: Clock) -> None:
    steady = SteadyTime(store, clock, boot_id=lambda: "a")
    clock.advance(10)
    steady.checkpoint()
    clock.advance(9)
    clock.monotonic = 10**6
    steady = SteadyTime(store, clock, boot_id=lambda: "b")
    assert steady.now_s() == 10
    clock.advance(1)
    assert steady.now_s() == 11


def test_a_steady_clock_that_goes_back_nevertheless_takes_nothing_away(store: Store, clock: Clock) -> None:
    steady = SteadyTime(store, clock, boot_id=lambda: "a")
    clock.advance(50)
    assert steady.now_s() == 50
    clock.advance(-40)
    assert steady.now_s() == 50
    steady.checkpoint()
    clock.monotonic = 0
    assert SteadyTime(store, clock, boot_id=lambda: "a").now_s() == 50


def test_a_checkpoint_within_a_transaction_that_rolls_back_does_not_lose_time_in_this_process(
    store: Store, clock: Clock
) -> None:
    steady = SteadyTime(store, clock, boot_id=lambda: "a")
    clock.advance(5)
    with pytest.raises(ZeroDivisionError), store.transaction() as connection:
        steady.checkpoint(connection)
        _ = 1 / 0
    assert steady.now_s() == 5


def test_linux_names_the_boot() -> None:
    assert machine_boot_id() == machine_boot_id()
    assert re.fullmatch(r"[0-9a-f-]{36}", machine_boot_id())
