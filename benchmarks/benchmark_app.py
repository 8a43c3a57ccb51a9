"""OpenVINO's own `benchmark_app` on a package's network, as the measure of what its engine can give here."""

import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import say
from edge.inference.classifier import Classifier

MIN_THROUGHPUT_RATIO: Final = 0.90
MAX_LATENCY_RATIO: Final = 1.10
_ROUNDS: Final = 9
_SECONDS: Final = 2
# As the kiosk does, without openvino's report of each start to a service on the internet.
_PROGRAM: Final = (
    "import sys; sys.modules['openvino_telemetry'] = None; from openvino.tools.benchmark.main import main; main()"
)


@dataclass(frozen=True)
class EngineComparison:
    """Medians over the rounds; ratios are ours over theirs, round by round, in f32 and with the same hints."""

    our_throughput: float
    their_throughput: float
    throughput_ratio: float
    our_latency_ms: float
    their_latency_ms: float
    latency_ratio: float
    rounds: int


def compare_with_benchmark_app(
    classifier: Classifier,
    graph: Path,
    pictures: Sequence[NDArray[np.uint8]],
    *,
    folder: Path,
    rounds: int = _ROUNDS,
    seconds: int = _SECONDS,
) -> EngineComparison:
    """Run both in turn, for 2 s each: ours on decoded pictures, preprocessing and result included.

    Args:
        classifier: ours, in f32 on the CPU, as benchmark_app is told to compute.
        graph: the same network's `model.xml`.
        pictures: [H, W, 3], taken again and again.
        folder: for benchmark_app's reports.
        rounds: pairs of each kind.
        seconds: how long each runs.
    """
    classifier.warm_up()
    list(classifier.classify_many(pictures[:8]))
    throughputs, latencies = [], []
    for number in range(1, rounds + 1):
        say(f"benchmark_app, round {number} of {rounds}")
        ours = _throughput(classifier, pictures, seconds)
        throughputs.append((ours, _benchmark_app(graph, "throughput", folder, seconds)["throughput"]))
        ours = _latency_ms(classifier, pictures, seconds)
        latencies.append((ours, _benchmark_app(graph, "latency", folder, seconds)["latency (ms)"]))
    return EngineComparison(
        our_throughput=_median(throughputs, lambda pair: pair[0]),
        their_throughput=_median(throughputs, lambda pair: pair[1]),
        throughput_ratio=_median(throughputs, lambda pair: pair[0] / pair[1]),
        our_latency_ms=_median(latencies, lambda pair: pair[0]),
        their_latency_ms=_median(latencies, lambda pair: pair[1]),
        latency_ratio=_median(latencies, lambda pair: pair[0] / pair[1]),
        rounds=rounds,
    )


def _throughput(classifier: Classifier, pictures: Sequence[NDArray[np.uint8]], seconds: int) -> float:
    started = time.perf_counter()
    source = itertools.takewhile(lambda _: time.perf_counter() - started < seconds, itertools.cycle(pictures))
    count = sum(1 for _ in classifier.classify_many(source))
    return count / (time.perf_counter() - started)


def _latency_ms(classifier: Classifier, pictures: Sequence[NDArray[np.uint8]], seconds: int) -> float:
    took, begun = [], time.perf_counter()
    for picture in itertools.cycle(pictures):
        started = time.perf_counter()
        classifier.classify(picture)
        took.append((time.perf_counter() - started) * 1e3)
        if time.perf_counter() - begun > seconds:
            return statistics.median(took)
    raise ValueError("no picture")


def _benchmark_app(graph: Path, hint: str, folder: Path, seconds: int) -> dict[str, float]:
    """Return its execution results, among them "throughput" a second and the median "latency (ms)"."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["-m", str(graph), "-d", "CPU", "-hint", hint, "-infer_precision", "f32", "-t", str(seconds)]
    kept = ["-json_stats", "-report_type", "no_counters", "-report_folder", str(folder)]
    subprocess.run(  # noqa: S603 our own words
        [sys.executable, "-c", _PROGRAM, *arguments, *kept], check=True, capture_output=True
    )
    results = json.loads((folder / "benchmark_report.json").read_text(encoding="utf-8"))["execution_results"]
    return {name: float(value) for name, value in results.items()}


def _median(pairs: Sequence[tuple[float, float]], of: Callable[[tuple[float, float]], float]) -> float:
    return statistics.median(of(pair) for pair in pairs)
