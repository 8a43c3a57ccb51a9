from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.inference.precision import Precision
from edge.inference.precision_choice import WORTHWHILE, choose_precision, fastest

MACHINE = {"package": "a" * 64, "processor": "x86_64 some CPU 4"}
BOTH: tuple[Precision, ...] = ("f32", "int8")


class Measurement:
    """Says what it was made to say, and counts how often it was asked."""

    def __init__(self, latency_ms: dict[Precision, float]) -> None:
        self.latency_ms = latency_ms
        self.asked = 0

    def __call__(self, candidates: Sequence[Precision]) -> Mapping[Precision, float]:
        self.asked += 1
        return {precision: self.latency_ms[precision] for precision in candidates if precision in self.latency_ms}


def test_the_fastest_is_taken_and_measured_once(tmp_path: Path) -> None:
    measure = Measurement({"f32": 10.0, "int8": 4.0})
    for _ in range(3):
        assert choose_precision(BOTH, machine=MACHINE, folder=tmp_path / "new", measure=measure) == "int8"
    assert measure.asked == 1


def test_another_machine_package_or_candidate_is_measured_again(tmp_path: Path) -> None:
    measure = Measurement({"f32": 10.0, "int8": 4.0, "bf16": 3.0})
    choose_precision(BOTH, machine=MACHINE, folder=tmp_path, measure=measure)
    choose_precision(BOTH, machine=MACHINE | {"processor": "aarch64 other 4"}, folder=tmp_path, measure=measure)
    assert measure.asked == 2
    assert choose_precision((*BOTH, "bf16"), machine=MACHINE, folder=tmp_path, measure=measure) == "bf16"
    assert measure.asked == 3


def test_what_was_remembered_and_is_refused_now_is_not_used(tmp_path: Path) -> None:
    measure = Measurement({"f32": 10.0, "int8": 4.0})
    assert choose_precision(BOTH, machine=MACHINE, folder=tmp_path, measure=measure) == "int8"
    assert choose_precision(("f32",), machine=MACHINE, folder=tmp_path, measure=measure) == "f32"


@pytest.mark.parametrize("damage", [b"", b"{", b'{"chosen": "int3", "latency_ms": {}}', b"\xff\x00"])
def test_a_damaged_memory_is_measured_again(tmp_path: Path, damage: bytes) -> None:
    measure = Measurement({"f32": 10.0, "int8": 4.0})
    choose_precision(BOTH, machine=MACHINE, folder=tmp_path, measure=measure)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    assert choose_precision(BOTH, machine=MACHINE, folder=tmp_path, measure=measure) == "int8"
    assert measure.asked == 2
    choose_precision(BOTH, machine=MACHINE, folder=tmp_path, measure=measure)
    assert measure.asked == 2


def test_a_folder_that_cannot_be_written_costs_only_the_measurement(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    measure = Measurement({"f32": 10.0, "int8": 4.0})
    for asked in (1, 2):
        assert choose_precision(BOTH, machine=MACHINE, folder=tmp_path / "folder", measure=measure) == "int8"
        assert measure.asked == asked


def test_a_candidate_that_did_not_work_is_not_taken(tmp_path: Path) -> None:
    measure = Measurement({"f32": 10.0})
    assert choose_precision(BOTH, machine=MACHINE, folder=tmp_path, measure=measure) == "f32"


@given(st.dictionaries(st.sampled_from(["f32", "bf16", "f16", "int8"]), st.floats(0.01, 1e4)))
def test_f32_is_left_only_for_a_clear_gain(latency_ms: dict[Precision, float]) -> None:
    chosen = fastest(latency_ms)
    if "f32" in latency_ms and chosen != "f32":
        assert latency_ms[chosen] <= WORTHWHILE * latency_ms["f32"]
        assert latency_ms[chosen] == min(latency_ms.values())
