"""The fastest permitted precision of this very machine, measured once and remembered."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from edge.inference.precision import FULL, Precision

log = logging.getLogger(__name__)

WORTHWHILE: Final = 0.9
"""A reduced precision is taken below this share of the time of f32: for less, the same score on every kiosk is worth
more than the time."""

Measure = Callable[[Sequence[Precision]], Mapping[Precision, float]]


class _Remembered(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    chosen: Precision
    latency_ms: dict[Precision, float]


def choose_precision(
    candidates: Sequence[Precision], *, machine: Mapping[str, str], folder: Path, measure: Measure
) -> Precision:
    """Return the fastest candidate, or f32 where none is clearly faster.

    Args:
        candidates: what may be used here; f32 is among them.
        machine: whatever the choice depends on: package, processor, version of the engine. Another value of any of
            them measures again.
        folder: where choices are remembered; one that cannot be written only costs the measurement at each start.
        measure: gives the latency of each candidate in milliseconds; one that it leaves out did not work.
    """
    if len(candidates) == 1:
        return candidates[0]
    key = hashlib.sha256(json.dumps([sorted(machine.items()), sorted(candidates)]).encode()).hexdigest()[:32]
    path = folder / f"precision-{key}.json"
    remembered = _read(path)
    if remembered is not None and remembered.chosen in candidates:
        return remembered.chosen
    latency_ms = dict(measure(candidates))
    chosen = fastest(latency_ms)
    log.info("precision %s is used here; milliseconds a picture: %s", chosen, latency_ms)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(_Remembered(chosen=chosen, latency_ms=latency_ms).model_dump_json(), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        log.warning("the choice of precision cannot be remembered: %s", error.strerror)
    return chosen


def fastest(latency_ms: Mapping[Precision, float]) -> Precision:
    """The precision of least latency, if that is worth leaving f32 for."""
    quickest = min(latency_ms, key=lambda precision: latency_ms[precision], default=FULL)
    if FULL in latency_ms and latency_ms[quickest] > WORTHWHILE * latency_ms[FULL]:
        return FULL
    return quickest


def _read(path: Path) -> _Remembered | None:
    try:
        return _Remembered.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        log.warning("the remembered choice of precision cannot be read; it is measured again")
        return None
