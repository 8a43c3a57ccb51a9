"""What a measurement hands to `./run bench`: lines to print, figures to keep, and which limits were exceeded."""

import sys
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.timing import Comparison


@dataclass(frozen=True)
class Report:
    """One measurement; `exceeded` says in words which limits were."""

    lines: tuple[str, ...]
    figures: dict[str, Any]
    exceeded: tuple[str, ...] = field(default=())


def report_of(what: str, comparison: Comparison, *, limit: float) -> Report:
    """Report a comparison whose ratio has an upper limit."""
    line = (
        f"{what}\n  {comparison.ours_ms:.1f} ms / {comparison.base_ms:.1f} ms; ratio {comparison.ratio:.2f}"
        f" (pairs {comparison.ratio_low:.2f} to {comparison.ratio_high:.2f}, n={comparison.pairs}); limit {limit}"
    )
    over = (f"{what}: {comparison.ratio:.2f} > {limit}",) if comparison.ratio > limit else ()
    return Report((line,), asdict(comparison) | {"limit": limit}, over)


def say(progress: str) -> None:
    """Tell whoever waits what is being measured; on standard error, as the report is on standard output."""
    print(progress, file=sys.stderr, flush=True)
