"""`python -m edge auth report`: how well faces are told apart here, and what the liveness check lets pass."""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from edge.auth.face_report import group_report, recognition_report
from edge.auth.liveness_verdict import THRESHOLDS
from edge.auth.pad_report import pad_report, share
from edge.auth.registry import FACE_ENCODERS, load_face_encoder
from edge.auth_measurement import (
    EncodedPhotograph,
    encode,
    lfw_photographs,
    make_attempt,
    nuaa_photographs,
    orders,
    problems,
    start_worker,
)
from edge.errors import EdgeError
from edge.model_command import Answer

S = TypeVar("S")
T = TypeVar("T")

DATA_VARIABLE: Final = "DERMAKIOSK_DATA"
DATA_PACK: Final = Path("../shared/data")
"""Where the data pack is unless the variable says otherwise, as for the tests that need it."""
PEOPLE: Final = 160
ATTACKS: Final = 56
_SHOW_EVERY_S: Final = 10.0
_CHUNK: Final = 4


class FacesMissing(EdgeError):
    """The collections that the report measures on are not there."""

    code = "faces-missing"
    remedy = f"Give --faces a folder with lfw/, nuaa/ and nuaa_manifest.csv, or set {DATA_VARIABLE} to the data pack."


def add_auth_commands(parser: argparse.ArgumentParser) -> None:
    """Declare `report`; it sets `act`, from the arguments to an `Answer`."""
    commands = parser.add_subparsers(dest="auth_command", required=True)
    report = commands.add_parser("report", help="measure the face check; about ten minutes on two cores")
    report.add_argument("--json", type=Path, required=True, help="file to write")
    report.add_argument(
        "--faces", type=Path, help=f"folder of the collections; {DATA_VARIABLE}/faces or {DATA_PACK}/faces without it"
    )
    report.add_argument("--people", type=int, default=PEOPLE, help="simulated people before the face check")
    report.add_argument("--attacks", type=int, default=ATTACKS, help="attacks of each species")
    report.add_argument("--encoder", choices=tuple(FACE_ENCODERS), default="dlib")
    report.set_defaults(act=_report)


def _report(arguments: argparse.Namespace) -> Answer:
    faces = _faces(arguments.faces)
    with _workers(arguments.encoder) as run:
        collections = [
            run(name, encode, photographs)
            for name, photographs in (
                ("LFW", lfw_photographs(faces)),
                ("NUAA, people", nuaa_photographs(faces, "live")),
                ("NUAA, prints", nuaa_photographs(faces, "print")),
            )
        ]
        lfw, live, prints = collections
        ordered = orders(lfw, live, prints, people=arguments.people, attacks=arguments.attacks)
        attempts = run("attempts", make_attempt, ordered)
    report = measured(arguments.encoder, lfw, live, prints) | {"presentation_attacks": pad_report(attempts)}
    arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    return Answer(as_text(report), 0)


def measured(
    encoder_name: str,
    lfw: Sequence[EncodedPhotograph],
    live: Sequence[EncodedPhotograph],
    prints: Sequence[EncodedPhotograph],
) -> dict[str, Any]:
    """All that the photographs alone tell."""
    encoder = load_face_encoder(encoder_name)
    assert encoder is not None
    patterns = {"lfw": lfw, "nuaa_people": live, "nuaa_prints": prints}
    limit = -THRESHOLDS["no-pattern"]
    return {
        "recognition": recognition_report(encoder, [entry.face for entry in lfw if entry.face is not None]),
        "recognition_nuaa": group_report(encoder, [entry.face for entry in live if entry.face is not None]),
        "refused_photographs": {name: problems(entries) for name, entries in patterns.items()},
        "pattern_seen_in_single_photographs": {
            name: share(sum(entry.regularity > limit for entry in seen), len(seen))
            for name, entries in patterns.items()
            for seen in [[entry for entry in entries if np.isfinite(entry.regularity)]]
        },
    }


def as_text(report: dict[str, Any]) -> str:
    """The figures that matter, one a line."""
    recognition, nuaa, attacks = report["recognition"], report["recognition_nuaa"], report["presentation_attacks"]
    lines = [f"{recognition['algorithm']}: {recognition['photographs']} photographs of {recognition['persons']} people"]
    for name in ("single_frame", "burst"):
        lines += _rate_lines(f"LFW, {name.replace('_', ' ')}", recognition[name]["in_use"])
    for name, rates in recognition["single_frame_by_skin_tone"].items():
        lines += _rate_lines(f"LFW, {name.replace('_', ' ')}", rates)
    lines += _rate_lines("NUAA, single frame", nuaa["single_frame"])
    lines += _rate_lines("NUAA, burst of a session", nuaa["burst_of_a_session"])
    for name, row in attacks["species"].items():
        kind = "bpcer" if "bpcer" in row else "apcer"
        lines.append(f"{name:<24} {kind.upper()} {_of(row[kind])}")
    return "\n".join(lines)


def _rate_lines(name: str, rates: dict[str, Any]) -> list[str]:
    return [
        f"{name:<28} at {rates['threshold']:.3f}: FMR {_of(rates['false_match'])}",
        f"{'':<28}           FNMR {_of(rates['false_non_match'])}",
    ]


def _of(rate: dict[str, Any]) -> str:
    value = "-" if rate["rate"] is None else f"{rate['rate']:.3g}"
    return f"{value} ({rate['low']:.2g} to {rate['high']:.2g}; {rate['events']} of {rate['trials']})"


def _faces(given: Path | None) -> Path:
    faces = given or Path(os.environ.get(DATA_VARIABLE, DATA_PACK)) / "faces"
    if not (faces / "lfw").is_dir() or not (faces / "nuaa_manifest.csv").is_file():
        raise FacesMissing(f"the face collections are not in {faces}")
    return faces


@contextmanager
def _workers(encoder_name: str) -> Iterator[Callable[[str, Callable[[S], T], Sequence[S]], list[T]]]:
    """A pool that maps a function over things, in order, and says on standard error how far it is."""
    # Fresh processes: those forked beside the libraries' threads could hang.
    context = multiprocessing.get_context("spawn")
    processes = max(1, os.cpu_count() or 1)
    with ProcessPoolExecutor(processes, context, initializer=start_worker, initargs=(encoder_name,)) as pool:

        def run(name: str, function: Callable[[S], T], things: Sequence[S]) -> list[T]:
            done: list[T] = []
            shown_s = time.monotonic()
            for result in pool.map(function, things, chunksize=_CHUNK):
                done.append(result)
                if time.monotonic() - shown_s > _SHOW_EVERY_S:
                    shown_s = time.monotonic()
                    sys.stderr.write(f"{name}: {len(done)} of {len(things)}\n")
            return done

        yield run
