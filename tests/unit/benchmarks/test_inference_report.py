"""What `./run bench` prints and keeps of the inference measurement."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.assessment import compare_assessment
from benchmarks.benchmark_app import EngineComparison, compare_with_benchmark_app
from benchmarks.inference import report
from benchmarks.table1 import measure_table1, phantom_pictures, table_lines
from benchmarks.timing import Comparison
from edge import assessment
from edge.inference.model_package import ModelPackage, load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from tests.unit.inference.networks import SCALP

ENGINE = EngineComparison(
    our_throughput=95.0, their_throughput=100.0, throughput_ratio=0.95,
    our_latency_ms=10.5, their_latency_ms=10.0, latency_ratio=1.05, rounds=9,
)  # fmt: skip
ASSESSMENT = Comparison(ours_ms=15.0, base_ms=10.0, ratio=1.5, ratio_low=1.4, ratio_high=1.6, pairs=30)
TIMES = {"one_image_ms": {"mean": 10.0, "sd": 1.0}, "images_136_s": {"mean": 1.25, "sd": 0.125}}
ABSENT = {"one_image_ms": None, "images_136_s": None, "reason": "PyTorch sees no CUDA GPU here"}


@pytest.fixture
def table() -> dict[str, Any]:
    row: dict[str, Any] = dict(TIMES)
    return row | {
        "precision": "int8",
        "f32": TIMES,
        "onnxruntime": TIMES | {"version": "1"},
        "pytorch": TIMES | {"version": "2"},
        "pytorch_gpu": ABSENT,
        "seed": {"cpu": TIMES, "gpu": TIMES},
        "runs": 30,
        "images": 136,
    }


@pytest.fixture(scope="module")
def package() -> ModelPackage:
    return load_model_package(SCALP)  # the smaller one


@pytest.fixture(scope="module")
def classifier(package: ModelPackage) -> Iterator[OpenVinoClassifier]:
    made = OpenVinoClassifier(package, threads=1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def pictures() -> list[NDArray[np.uint8]]:
    return phantom_pictures(6)


def _times(row: dict[str, Any]) -> bool:
    return all(set(row[name]) == {"mean", "sd"} and row[name]["mean"] > 0 for name in ("one_image_ms", "images_136_s"))


def test_the_file_holds_what_others_read_from_it(table: dict[str, Any]) -> None:
    figures = json.loads(json.dumps(report("a" * 64, engine=ENGINE, table=table, assessment=ASSESSMENT).figures))
    assert figures["package_sha256"] == "a" * 64
    assert (figures["throughput_ratio"], figures["latency_ratio"]) == (0.95, 1.05)
    assert figures["limits"] == {"throughput_ratio": 0.90, "latency_ratio": 1.10}
    for row in (figures["table1"], *(figures["table1"][name] for name in ("f32", "onnxruntime", "pytorch"))):
        assert _times(row)
    assert figures["table1"]["pytorch_gpu"] == ABSENT
    assert figures["assessment"]["ratio"] == 1.5


def test_every_limit_that_is_exceeded_is_named(table: dict[str, Any]) -> None:
    assert report("a", engine=ENGINE, table=table, assessment=ASSESSMENT).exceeded == ()
    slow = replace(ENGINE, throughput_ratio=0.89, latency_ratio=1.11)
    exceeded = report("a", engine=slow, table=table, assessment=replace(ASSESSMENT, ratio=2.1)).exceeded
    assert len(exceeded) == 3
    assert all(any(word in line for line in exceeded) for word in ("throughput", "latency", "whole assessment"))


def test_the_table_has_a_row_for_each_engine_and_says_why_one_is_empty(table: dict[str, Any]) -> None:
    heading, *rows = table_lines(table)
    assert heading.split() == ["Table", "1,", "30", "runs", "1", "image,", "ms", "136", "images,", "s"]
    for name in ("this kiosk (int8)", "this kiosk (f32)", "onnxruntime (f32)", "PyTorch CPU (f32)"):
        (row,) = (row for row in rows if name in row)
        assert "10.00 ± 1.00" in row
        assert "1.250 ± 0.125" in row
    (gpu,) = (row for row in rows if "PyTorch CUDA" in row)
    assert gpu.endswith("-  PyTorch sees no CUDA GPU here")
    assert [row.split("  ")[1] for row in rows[-3:-1]] == ["seed, i3-8100", "seed, RTX 3070"]
    assert "GoogLeNet" in rows[-1]


def test_without_torch_the_rows_say_what_to_run_first(
    package: ModelPackage,
    classifier: OpenVinoClassifier,
    pictures: list[NDArray[np.uint8]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # What an earlier run with torch left does not stand in for it.
    (tmp_path / f"{package.sha256[:16]}.onnx").write_bytes(b"old")
    table = measure_table1(
        classifier, classifier, package, pictures, folder=tmp_path, runs=2, peer=tmp_path / "no" / "python"
    )
    assert _times(table)
    assert _times(table["f32"])
    for name in ("pytorch", "pytorch_gpu", "onnxruntime"):
        row = table[name]
        assert (row["one_image_ms"], row["images_136_s"]) == (None, None)
        assert "./run setup-training" in row["reason"]
    assert (table["runs"], table["images"], table["precision"]) == (2, 6, "f32")
    printed = "\n".join(table_lines(table))
    assert printed.count("./run setup-training") == 3
    # Whoever waits is told what for, and standard output stays the report's.
    waited = capsys.readouterr()
    assert "Table 1, onnxruntime: 2 runs of 6 pictures" in waited.err
    assert waited.out == ""


def test_a_peer_that_fails_is_named_with_its_last_words(
    package: ModelPackage, classifier: OpenVinoClassifier, pictures: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no module named torch' >&2\nexit 1\n")
    broken.chmod(0o755)
    table = measure_table1(classifier, classifier, package, pictures, folder=tmp_path, runs=2, peer=broken)
    assert "no module named torch" in table["pytorch"]["reason"]
    assert table["pytorch_gpu"]["one_image_ms"] is None


def test_the_assessment_that_is_timed_is_the_kiosks(
    classifier: OpenVinoClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[tuple[int, ...]] = []
    decode: Callable[..., NDArray[np.uint8]] = assessment.decode_for_analysis

    def recorded(data: bytes, *, input_px: int) -> NDArray[np.uint8]:
        rgb = decode(data, input_px=input_px)
        decoded.append(rgb.shape)
        return rgb

    monkeypatch.setattr(assessment, "decode_for_analysis", recorded)
    compared = compare_assessment(classifier, pairs=2)
    assert compared.pairs == 2
    assert set(decoded) == {(972, 1296, 3)}


def test_a_picture_that_the_gate_refuses_is_no_measurement(classifier: OpenVinoClassifier) -> None:
    with pytest.raises(ValueError, match="not assessed"):
        compare_assessment(classifier, pairs=1, camera_uri="sim://phantom?seed=1&fault=defocus@1")


@pytest.mark.timeout(180)
def test_benchmark_app_runs_the_very_network(
    package: ModelPackage, pictures: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    (tmp_path / "model.xml").write_bytes(package.graph)
    (tmp_path / "model.bin").write_bytes(package.weights)
    ours = OpenVinoClassifier(package)
    found = compare_with_benchmark_app(
        ours, tmp_path / "model.xml", pictures, folder=tmp_path / "app", rounds=1, seconds=1
    )
    ours.close()
    assert found.rounds == 1
    assert found.throughput_ratio == found.our_throughput / found.their_throughput
    assert found.latency_ratio == found.our_latency_ms / found.their_latency_ms
    assert min(found.their_throughput, found.their_latency_ms) > 0
