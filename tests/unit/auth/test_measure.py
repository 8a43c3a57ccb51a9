import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edge.auth.face import FaceEncoder, FaceNotFound, FaceTemplate
from edge.auth.measure import PairRates, report


def rates_of(people: dict[str, list[float]]) -> PairRates:
    photographs = [(person, value) for person, values in people.items() for value in values]
    pairs = itertools.combinations((value for _, value in photographs), 2)
    return PairRates([person for person, _ in photographs], np.array([abs(a - b) for a, b in pairs]))


PEOPLE = {"a": [0.0, 0.2, 0.9], "b": [1.0, 1.1], "c": [5.0], "d": [9.0]}


@pytest.mark.parametrize(
    ("threshold", "false_matches", "false_non_matches"), [(0.05, 0, 4), (0.15, 1, 3), (0.25, 2, 2), (0.95, 4, 0)]
)
def test_false_matches_and_non_matches_are_counted_over_all_pairs(
    threshold: float, false_matches: int, false_non_matches: int
) -> None:
    rates = rates_of(PEOPLE)
    match, non_match = rates.false_match(threshold), rates.false_non_match(threshold)
    assert (match.events, match.trials) == (false_matches, 17)
    assert (non_match.events, non_match.trials) == (false_non_matches, 4)
    assert match.rate == pytest.approx(false_matches / 17)


def test_one_person_who_looks_like_many_widens_the_interval() -> None:
    people = {f"p{i}": [float(100 * i)] for i in range(60)}
    spread = people | {f"twin{i}": [100.0 * i + 0.1] for i in range(20)}
    hub = people | {"everyman": [float(100 * i) + 0.1 for i in range(20)]}
    wide, narrow = rates_of(hub).false_match(0.2), rates_of(spread).false_match(0.2)
    assert wide.events == narrow.events == 20
    assert wide.low == 0
    assert (wide.high - wide.low) / wide.rate > (narrow.high - narrow.low) / narrow.rate


def test_the_largest_threshold_holds_the_rate_by_its_upper_bound() -> None:
    rng = np.random.default_rng(2)
    people = {f"p{i}": list(rng.normal(rng.uniform(0, 100), 0.1, size=2)) for i in range(40)}
    rates = rates_of(people)
    threshold = rates.largest_threshold(0.02)
    assert rates.false_match(threshold).high <= 0.02 < rates.false_match(threshold + 0.001).high


class RefusingDark:
    """Another encoder, which sees nobody in the dark."""

    def __init__(self, bright: FaceEncoder) -> None:
        self._bright = bright
        self.algorithm, self.threshold = bright.algorithm, bright.threshold

    def encode(self, rgb: NDArray[np.uint8]) -> FaceTemplate:
        if rgb.mean() < 10:
            raise FaceNotFound("dark")
        return self._bright.encode(rgb)

    def distance(self, a: FaceTemplate, b: FaceTemplate) -> float:
        return self._bright.distance(a, b)


def test_a_folder_is_measured_and_what_is_refused_is_counted(tmp_path: Path, encoder: FaceEncoder) -> None:
    for person, shades in {"a": (50, 90), "b": (150, 151, 0), "c": (230,)}.items():
        (tmp_path / person).mkdir()
        for shade in shades:
            Image.new("RGB", (64, 64), (shade, shade, shade)).save(tmp_path / person / f"{shade}.jpg")
    measured = report(RefusingDark(encoder), tmp_path)
    assert (measured["persons"], measured["photographs"]) == (3, 5)
    assert measured["refused"] == {"face-not-found": 1}
    in_use = measured["in_use"]
    assert isinstance(in_use, dict)
    assert in_use["false_match"]["events"] == 0
    assert (in_use["false_non_match"]["events"], in_use["false_non_match"]["trials"]) == (1, 2)
