"""What `python -m edge auth report` measures: photographs encoded, and people and attacks put before the face check.

The attacks are made as it runs, from the photographs of the collection: LFW for faces at large, NUAA for real prints
and for people before a real webcam. Work is spread over processes, each with an encoder of its own.
"""

import csv
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceEncoder, FaceError
from edge.auth.face_appearance import aligned_chip
from edge.auth.face_quality import require_quality
from edge.auth.face_report import SeenFace
from edge.auth.liveness_moire import regularity
from edge.auth.measure import read_rgb
from edge.auth.pad_attempt import Scene, attempt
from edge.auth.pad_report import AttemptRecord
from edge.auth.registry import load_face_encoder
from edge.capture.sim_face_attacks import SPECIES, Playback, Sheet, Victim
from edge.capture.sim_face_head import Head
from edge.capture.sim_face_person import LivePerson

_MAX_REST_YAW: Final = 0.08


@dataclass(frozen=True)
class Photograph:
    """One file of a collection, of one person on one occasion."""

    path: Path
    person: str
    occasion: str


@dataclass(frozen=True)
class EncodedPhotograph:
    """What a photograph gave: a face, or the code of why not."""

    photograph: Photograph
    face: SeenFace | None
    problem: str | None
    straight: bool
    """Whether it passes the quality check and looks straight, as who enrols or signs in must."""
    eyes: tuple[tuple[float, float], tuple[float, float]] | None
    """The outer corners of left and right eye."""
    regularity: float


@dataclass(frozen=True)
class AttemptOrder:
    """One attempt to be made."""

    species: str
    develop: bool
    seed: int
    victim: EncodedPhotograph
    attacker: EncodedPhotograph
    film: tuple[Path, ...] = ()


def lfw_photographs(faces: Path) -> list[Photograph]:
    """Every photograph of `lfw/`; each is an occasion of its own."""
    return [Photograph(path, path.parent.name, path.stem) for path in sorted((faces / "lfw").glob("*/*.jpg"))]


def nuaa_photographs(faces: Path, label: Literal["live", "print"]) -> list[Photograph]:
    """The frames of `nuaa/` that show people, or prints of them."""
    with (faces / "nuaa_manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == label]
    return [Photograph(faces / row["file"], row["subject"], row["session"]) for row in rows]


_encoder: FaceEncoder | None = None


def start_worker(encoder_name: str) -> None:
    """Load this process's encoder."""
    global _encoder  # noqa: PLW0603 one for each process of the pool
    cv2.setNumThreads(1)
    _encoder = load_face_encoder(encoder_name)


def encode(photograph: Photograph) -> EncodedPhotograph:
    """Encode one photograph, in a worker."""
    assert _encoder is not None
    rgb = read_rgb(photograph.path)
    try:
        observation = _encoder.observe(rgb)
    except FaceError as error:
        return EncodedPhotograph(photograph, None, error.code, straight=False, eyes=None, regularity=math.nan)
    problem = None
    try:
        require_quality(observation)
    except FaceError as error:
        problem = error.code
    face = SeenFace.of(
        _encoder.describe(rgb, observation),
        person=photograph.person,
        occasion=photograph.occasion,
        skin_tone=_skin_tone(aligned_chip(rgb, observation.landmarks)),
    )
    left, right = observation.landmarks[0], observation.landmarks[2]
    return EncodedPhotograph(
        photograph,
        face,
        problem,
        straight=problem is None and abs(observation.yaw) <= _MAX_REST_YAW,
        eyes=((float(left[0]), float(left[1])), (float(right[0]), float(right[1]))),
        regularity=regularity(rgb, observation),
    )


def orders(
    lfw: Sequence[EncodedPhotograph],
    live: Sequence[EncodedPhotograph],
    prints: Sequence[EncodedPhotograph],
    *,
    people: int,
    attacks: int,
) -> list[AttemptOrder]:
    """Draw who attempts what: `people` of LFW and `attacks` of each species, a quarter of them for developing."""
    straight = {entry.photograph.person: entry for entry in lfw if entry.straight}
    names = sorted(straight)
    rng = random.Random(1)  # noqa: S311 a repeatable draw
    rng.shuffle(names)
    drawn = [straight[name] for name in names]
    develop, test = drawn[: len(drawn) // 4], drawn[len(drawn) // 4 :]
    made: list[AttemptOrder] = []
    for part, own in ((True, develop), (False, test)):
        share = 0.25 if part else 0.75
        pool = _endless(own)
        for species, count in (("genuine", people), *((name, attacks) for name in SPECIES)):
            for _ in range(max(1, round(count * share))):
                made.append(AttemptOrder(species, part, len(made), next(pool), next(pool)))
    made += _nuaa_orders(live, prints, attackers=drawn, first_seed=len(made))
    return made


def _nuaa_orders(
    live: Sequence[EncodedPhotograph],
    prints: Sequence[EncodedPhotograph],
    *,
    attackers: Sequence[EncodedPhotograph],
    first_seed: int,
) -> list[AttemptOrder]:
    """One attempt for each session: people, their real prints held up, and films of the prints as they were held."""
    made: list[AttemptOrder] = []
    for species, entries in (("genuine-nuaa", live), ("print-nuaa", prints), ("print-nuaa-film", prints)):
        sessions: dict[tuple[str, str], list[EncodedPhotograph]] = {}
        for entry in entries:
            if entry.eyes is not None and (entry.straight or species == "print-nuaa-film"):
                sessions.setdefault((entry.photograph.person, entry.photograph.occasion), []).append(entry)
        for (person, _), frames in sorted(sessions.items()):
            film = tuple(frame.photograph.path for frame in frames) if species == "print-nuaa-film" else ()
            seed = first_seed + len(made)
            made.append(
                # The first people's sessions are for developing, as many as a quarter.
                AttemptOrder(species, person <= "0004", seed, frames[0], attackers[seed % len(attackers)], film)
            )
    return made


def make_attempt(order: AttemptOrder) -> AttemptRecord:
    """Run one attempt, in a worker."""
    assert _encoder is not None
    result = attempt(_encoder, _scene(order), seed=order.seed)
    return AttemptRecord(
        species=order.species,
        develop=order.develop,
        readable=result.best_frame is not None,
        challenge_met=result.live.challenge_met,
        passed=result.usable,
        scores={cue.name: cue.score for cue in result.live.cues},
    )


def problems(entries: Sequence[EncodedPhotograph]) -> dict[str, int]:
    """How many photographs were refused, by code, whether for having no one face or for their quality."""
    return dict(Counter(entry.problem for entry in entries if entry.problem is not None))


def _scene(order: AttemptOrder) -> Scene:
    rng = np.random.default_rng(order.seed)
    victim = Victim(_head(order.victim), _head(order.attacker))
    if order.species in ("genuine", "genuine-nuaa"):
        return LivePerson(victim.head, rng)
    if order.species == "print-nuaa":
        return Sheet(victim, rng, is_print=True)
    if order.species == "print-nuaa-film":
        frames = [_framed(path) for path in order.film]
        return Playback(lambda at_s: frames[int(at_s / 0.5) % len(frames)])
    return SPECIES[order.species](victim, rng)


def _head(entry: EncodedPhotograph) -> Head:
    assert entry.eyes is not None
    return Head(read_rgb(entry.photograph.path), left_eye=entry.eyes[0], right_eye=entry.eyes[1])


def _framed(path: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(read_rgb(path), (480, 360), interpolation=cv2.INTER_AREA), np.uint8)


def _skin_tone(chip: NDArray[np.uint8]) -> float:
    """Individual typology angle of the cheeks, in degrees."""
    lab = cv2.cvtColor(chip.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    cheeks = np.concatenate([lab[60:76, 36:52].reshape(-1, 3), lab[60:76, 76:92].reshape(-1, 3)])
    lightness, _, yellow = np.median(cheeks, axis=0)
    return math.degrees(math.atan2(float(lightness) - 50, max(float(yellow), 0.1)))


def _endless(entries: Sequence[EncodedPhotograph]) -> Iterator[EncodedPhotograph]:
    while True:
        yield from entries
