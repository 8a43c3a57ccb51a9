"""The timing of the seed's Table 1: one image and all images, mean and standard deviation over the runs."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

Spread = dict[str, float]


def repeat(
    one: Callable[[Any], object],
    pictures: Sequence[Any],
    *,
    runs: int,
    many: Callable[[Sequence[Any]], object] | None = None,
) -> dict[str, Spread]:
    """Time one picture and all of them; `many` is used for all where an engine has a way of its own."""

    def loop(all_pictures: Sequence[Any]) -> None:
        for picture in all_pictures:
            one(picture)

    every = many or loop
    for picture in pictures[:5]:
        one(picture)
    every(pictures[:5])
    singles = [_seconds(lambda number=number: one(pictures[number % len(pictures)])) for number in range(runs)]
    totals = [_seconds(lambda: every(pictures)) for _ in range(runs)]
    return {"one_image_ms": spread([each * 1e3 for each in singles]), "images_136_s": spread(totals)}


def spread(values: Sequence[float]) -> Spread:
    """Mean and sample standard deviation."""
    return {"mean": statistics.mean(values), "sd": statistics.stdev(values)}


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
