"""Measure a face encoder: false matches and false non-matches over every pair of a folder of people's photographs.

    python -m edge.auth.measure --faces DIR --json FILE

DIR holds one folder a person, with at least two people and one person of several photographs.
"""

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge.auth.face import FaceEncoder, FaceError, FaceTemplate
from edge.auth.registry import FACE_ENCODERS, load_face_encoder

TARGET_FMR: Final = 1e-4
REPLICATES: Final = 2000
_STEP: Final = 0.001


@dataclass(frozen=True)
class Photograph:
    """One photograph that gave a template."""

    person: str
    template: FaceTemplate


@dataclass(frozen=True)
class Rate:
    """Events among trials, with a 95 % interval by bootstrap over people."""

    events: int
    trials: int
    rate: float
    low: float
    high: float


class PairRates:
    """Rates of all pairs at any threshold. The interval draws people anew, since pairs that share one are not apart."""

    def __init__(self, persons: Sequence[str], distances: NDArray[np.float64]) -> None:
        """Take each photograph's person, and the distances in the order of `itertools.combinations`."""
        names, index, photographs = np.unique(np.asarray(persons), return_inverse=True, return_counts=True)
        a, b = np.triu_indices(len(persons), k=1)
        self._a, self._b, self._distances = index[a], index[b], distances
        self._same = self._a == self._b
        rng = np.random.default_rng(0)
        draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=REPLICATES)
        self._weights = draws.astype(np.float64)
        self._photographs = photographs.astype(np.float64)

    @property
    def pairs_of_one_person(self) -> int:
        """How many pairs of photographs show one person."""
        return int(self._same.sum())

    def false_match(self, threshold: float) -> Rate:
        """Pairs of two people within the threshold."""
        events = ~self._same & (self._distances <= threshold)
        counted = np.zeros(REPLICATES)
        for a, b in zip(self._a[events], self._b[events], strict=True):
            counted += self._weights[:, a] * self._weights[:, b]
        drawn = self._weights * self._photographs
        trials = (drawn.sum(axis=1) ** 2 - (drawn**2).sum(axis=1)) / 2
        return _rate(int(events.sum()), int((~self._same).sum()), counted, trials)

    def false_non_match(self, threshold: float) -> Rate:
        """Pairs of one person's photographs beyond the threshold."""
        events = self._same & (self._distances > threshold)
        people = len(self._photographs)
        missed = np.bincount(self._a[events], minlength=people)
        all_pairs = np.bincount(self._a[self._same], minlength=people)
        return _rate(int(events.sum()), int(self._same.sum()), self._weights @ missed, self._weights @ all_pairs)

    def largest_threshold(self, fmr: float) -> float:
        """Find the largest threshold, in steps of 0.001, whose false match rate lies below `fmr` by its upper bound."""
        step = int(np.quantile(self._distances[~self._same], fmr) / _STEP)
        while step > 0 and self.false_match(step * _STEP).high > fmr:
            step -= 1
        return round(step * _STEP, 3)


def encode_folder(encoder: FaceEncoder, folder: Path) -> tuple[list[Photograph], Counter[str]]:
    """Encode every JPEG below `folder`; also count the refused ones by error code."""
    photographs: list[Photograph] = []
    refused: Counter[str] = Counter()
    for path in sorted(folder.glob("*/*.jpg")):
        try:
            template = encoder.encode(read_rgb(path))
        except FaceError as error:
            refused[error.code] += 1
        else:
            photographs.append(Photograph(person=path.parent.name, template=template))
    return photographs, refused


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Decode a photograph of a trusted collection to RGB [H, W, 3]."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.uint8)


def all_distances(encoder: FaceEncoder, templates: Sequence[FaceTemplate]) -> NDArray[np.float64]:
    """Distances of every pair, in the order of `itertools.combinations`."""
    pairs = itertools.combinations(templates, 2)
    return np.fromiter((encoder.distance(a, b) for a, b in pairs), dtype=np.float64)


def report(encoder: FaceEncoder, folder: Path) -> dict[str, object]:
    """Measure one folder at the encoder's own threshold, and say which threshold its pairs would allow."""
    photographs, refused = encode_folder(encoder, folder)
    persons = [photograph.person for photograph in photographs]
    rates = PairRates(persons, all_distances(encoder, [photograph.template for photograph in photographs]))
    return {
        "algorithm": encoder.algorithm,
        "persons": len(set(persons)),
        "photographs": len(photographs),
        "refused": dict(refused),
        "target_fmr": TARGET_FMR,
        "in_use": _rates_at(encoder.threshold, rates),
        "largest_for_target": _rates_at(rates.largest_threshold(TARGET_FMR), rates),
    }


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m edge.auth.measure", description="Measure a face encoder.")
    parser.add_argument("--faces", type=Path, required=True, help="folder with one folder of JPEG files a person")
    parser.add_argument("--json", type=Path, required=True, help="file to write")
    parser.add_argument("--encoder", choices=tuple(FACE_ENCODERS), default="dlib")
    arguments = parser.parse_args()
    encoder = load_face_encoder(arguments.encoder)
    assert encoder is not None
    arguments.json.write_text(json.dumps(report(encoder, arguments.faces), indent=2) + "\n")


def _rates_at(threshold: float, rates: PairRates) -> dict[str, object]:
    return {
        "threshold": threshold,
        "false_match": asdict(rates.false_match(threshold)),
        "false_non_match": asdict(rates.false_non_match(threshold)),
    }


def _rate(events: int, trials: int, drawn_events: NDArray[np.float64], drawn_trials: NDArray[np.float64]) -> Rate:
    # With few people a draw can hold no pair at all; it then says nothing about the rate.
    some = drawn_trials > 0
    if not trials or not some.any():
        return Rate(events=events, trials=trials, rate=0.0, low=0.0, high=1.0)
    low, high = np.quantile(drawn_events[some] / drawn_trials[some], (0.025, 0.975))
    return Rate(events=events, trials=trials, rate=events / trials, low=float(low), high=float(high))


if __name__ == "__main__":
    main()
