"""The network on our engine: against OpenVINO's own benchmark, other engines, and the work around it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.assessment import compare_assessment
from benchmarks.benchmark_app import (
    MAX_LATENCY_RATIO,
    MIN_THROUGHPUT_RATIO,
    EngineComparison,
    compare_with_benchmark_app,
)
from benchmarks.full_precision import save_in_full
from benchmarks.report import Report, report_of
from benchmarks.table1 import measure_table1, phantom_pictures, table_lines
from benchmarks.timing import Comparison
from edge.config import Inference
from edge.inference.model_package import load_model_package
from edge.inference.registry import open_classifier

LIMIT = 2.0
_PACKAGE = Path("models/melanoma")


def measure(folder: Path, *, pairs: int) -> Report:
    """Measure all three on the committed melanoma package; the comparisons in f32 are all on the CPU."""
    package = load_model_package(_PACKAGE)
    cache = folder / "model-cache"
    kiosk = open_classifier(package, Inference(), cache_dir=cache)
    full = open_classifier(package, Inference(precision="f32", device="CPU"), cache_dir=cache)
    try:
        pictures = phantom_pictures()
        return report(
            package.sha256,
            engine=compare_with_benchmark_app(
                full, save_in_full(package, folder / "full"), pictures, folder=folder / "benchmark_app"
            ),
            table=measure_table1(kiosk, full, package, pictures, folder=folder / "table1"),
            assessment=compare_assessment(kiosk, pairs=pairs),
        )
    finally:
        kiosk.close()
        full.close()


def report(package_sha256: str, *, engine: EngineComparison, table: dict[str, Any], assessment: Comparison) -> Report:
    """Put the figures together: lines to print, what build/bench/inference.json holds, and the limits exceeded."""
    whole = report_of("whole assessment of a 2592x1944 JPEG / decode and network alone", assessment, limit=LIMIT)
    exceeded = list(whole.exceeded)
    if engine.throughput_ratio < MIN_THROUGHPUT_RATIO:
        exceeded.append(f"throughput {engine.throughput_ratio:.2f} of benchmark_app's < {MIN_THROUGHPUT_RATIO}")
    if engine.latency_ratio > MAX_LATENCY_RATIO:
        exceeded.append(f"latency {engine.latency_ratio:.2f} of benchmark_app's > {MAX_LATENCY_RATIO}")
    return Report(
        lines=(
            (
                f"throughput {engine.our_throughput:.1f}/s, benchmark_app {engine.their_throughput:.1f}/s; "
                f"ratio {engine.throughput_ratio:.3f}, at least {MIN_THROUGHPUT_RATIO}"
            ),
            (
                f"latency {engine.our_latency_ms:.2f} ms, benchmark_app {engine.their_latency_ms:.2f} ms; "
                f"ratio {engine.latency_ratio:.3f}, at most {MAX_LATENCY_RATIO}"
            ),
            *table_lines(table),
            *whole.lines,
        ),
        figures={
            "package_sha256": package_sha256,
            **asdict(engine),
            "limits": {"throughput_ratio": MIN_THROUGHPUT_RATIO, "latency_ratio": MAX_LATENCY_RATIO},
            "table1": table,
            "assessment": whole.figures,
        },
        exceeded=tuple(exceeded),
    )
