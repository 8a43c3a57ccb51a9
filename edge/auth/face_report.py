"""How often faces are mistaken and missed: single frames and bursts, all people and groups, with bounds over people.

Single frames: every pair of photographs. Bursts: each person's photographs in bundles of `BUNDLE`, every pair of
bundles compared as `face_burst.match_burst` compares an enrolment with an attempt. Photographs of one bundle are of
different days, which is the least favourable to the false match rate; the frames of one real attempt resemble each
other more, which is the less favourable to the false non-match rate.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceEncoder, FaceTemplate
from edge.auth.measure import TARGET_FMR, PairRates

BUNDLE: Final = 2
_LEAST_PAIRS: Final = 50


@dataclass(frozen=True)
class SeenFace:
    """One photograph that gave a template. `skin_tone` is the individual typology angle, in degrees: dark is low."""

    person: str
    occasion: str
    vector: NDArray[np.float64] = field(repr=False)
    skin_tone: float

    @classmethod
    def of(cls, template: FaceTemplate, *, person: str, occasion: str, skin_tone: float) -> "SeenFace":
        """Read the numbers of a template."""
        vector = np.frombuffer(template.data, dtype="<f4").astype(np.float64)
        return cls(person=person, occasion=occasion, vector=vector, skin_tone=skin_tone)


def recognition_report(encoder: FaceEncoder, faces: Sequence[SeenFace]) -> dict[str, object]:
    """Rates at the thresholds in use; and at those that half of the people would give, on the other half."""
    single, burst = encoder.threshold, encoder.burst_threshold
    return {
        "algorithm": encoder.algorithm,
        "target_fmr": TARGET_FMR,
        "persons": len({face.person for face in faces}),
        "photographs": len(faces),
        "single_frame": _all_and_halves(faces, pairs_of_frames, single),
        "burst": {"photographs_in_a_bundle": BUNDLE, **_all_and_halves(faces, pairs_of_bundles, burst)},
        "single_frame_by_skin_tone": _by_skin_tone(faces, single),
        "one_photograph_a_session_at_burst_threshold": rates_at(pairs_of_frames(faces), burst),
    }


def group_report(encoder: FaceEncoder, faces: Sequence[SeenFace]) -> dict[str, object]:
    """Rates of a collection whose people are one group: frames, and whole sessions as bursts."""
    sessions = defaultdict(list)
    for face in faces:
        sessions[face.person, face.occasion].append(face.vector)
    centres = np.array([np.mean(vectors, axis=0) for vectors in sessions.values()])
    return {
        "persons": len({face.person for face in faces}),
        "photographs": len(faces),
        "sessions": len(sessions),
        "single_frame": rates_at(pairs_of_frames(faces), encoder.threshold),
        "burst_of_a_session": rates_at(
            _pair_rates([person for person, _ in sessions], centres), encoder.burst_threshold
        ),
    }


def pairs_of_frames(faces: Sequence[SeenFace]) -> PairRates:
    """Every pair of photographs."""
    return _pair_rates([face.person for face in faces], np.array([face.vector for face in faces]))


def pairs_of_bundles(faces: Sequence[SeenFace]) -> PairRates:
    """Every pair of the middles of bundles; a person with fewer photographs than a bundle has none."""
    by_person = defaultdict(list)
    for face in faces:
        by_person[face.person].append(face.vector)
    persons, centres = [], []
    for person, vectors in by_person.items():
        for start in range(0, len(vectors) - BUNDLE + 1, BUNDLE):
            persons.append(person)
            centres.append(np.mean(vectors[start : start + BUNDLE], axis=0))
    return _pair_rates(persons, np.array(centres))


def rates_at(rates: PairRates, threshold: float) -> dict[str, object]:
    """Both rates at one threshold."""
    return {
        "threshold": threshold,
        "false_match": asdict(rates.false_match(threshold)),
        "false_non_match": asdict(rates.false_non_match(threshold)),
    }


def _all_and_halves(
    faces: Sequence[SeenFace], pairs: Callable[[Sequence[SeenFace]], PairRates], threshold: float
) -> dict[str, object]:
    rates = pairs(faces)
    persons = sorted({face.person for face in faces})
    chosen = set(random.Random(0).sample(persons, len(persons) // 2))  # noqa: S311 a split, repeatable
    first, second = (pairs([face for face in faces if (face.person in chosen) == part]) for part in (True, False))
    proposed = first.largest_threshold(TARGET_FMR)
    return {
        "in_use": rates_at(rates, threshold),
        "largest_for_target_over_all": rates.largest_threshold(TARGET_FMR),
        "chosen_on_half_of_the_people": rates_at(first, proposed),
        "the_same_on_the_other_half": rates_at(second, proposed),
        "in_use_on_the_other_half": rates_at(second, threshold),
    }


def _by_skin_tone(faces: Sequence[SeenFace], threshold: float) -> dict[str, object]:
    """Thirds of the people by the mean tone of their photographs, whose light was not controlled: a hint, no more."""
    tones = defaultdict(list)
    for face in faces:
        tones[face.person].append(face.skin_tone)
    ordered = sorted(tones, key=lambda person: float(np.mean(tones[person])))
    thirds = np.array_split(np.array(ordered), 3)
    groups: dict[str, object] = {}
    for name, members in zip(("darkest_third", "middle_third", "lightest_third"), thirds, strict=True):
        own = set(members.tolist())
        rates = pairs_of_frames([face for face in faces if face.person in own])
        if rates.pairs_of_one_person >= _LEAST_PAIRS:
            groups[name] = rates_at(rates, threshold)
    return groups


def _pair_rates(persons: Sequence[str], vectors: NDArray[np.float64]) -> PairRates:
    squares = np.einsum("ij,ij->i", vectors, vectors)
    a, b = np.triu_indices(len(vectors), k=1)
    products = vectors @ vectors.T
    return PairRates(persons, np.sqrt(np.maximum(squares[a] + squares[b] - 2 * products[a, b], 0)))
