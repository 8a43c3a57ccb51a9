"""A data set of simulated scalp pictures: psoriasis and seborrheic dermatitis, where no real ones may be had.

What is measured on it holds for the simulation alone. Rows say so: data set `scalp-phantom`, dx_type `simulated`.
"""

import csv
import math
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Final, TypeVar

import cv2
import numpy as np

from edge.capture.phantom_scalp import ScalpScene, draw_patient, draw_scene, render_scalp_radiance
from edge.capture.phantom_scalp_signs import DIAGNOSES, PSORIASIS_SHARE, Diagnosis
from edge.capture.sim_optics import BEST_FOCUS, Optics, expose
from training.data import DataError

_T = TypeVar("_T")

DATASET: Final = "scalp-phantom"
MANIFEST: Final = "manifest.csv"
SIGNS: Final = "signs.csv"
"""What each picture was drawn from, to find out which pictures a model gets wrong; never an input of a model."""

SPLITS: Final = ("train", "val", "test")
_PICTURES_A_PATIENT: Final = (1, 2, 2, 3, 3)
"""Drawn alike; 2.2 on average, as in the paper (1,358 pictures of 617 patients)."""
_HELD_OUT_SHARE: Final = 0.1
"""Of the patients, for val and again for test."""
_JPEG_QUALITY: Final = (60, 97)
_ORDER_STREAM, _COUNT_STREAM, _PATIENT_STREAM = range(3)


@dataclass(frozen=True)
class SimulatedPatient:
    """One simulated patient of the data set."""

    number: int
    diagnosis: Diagnosis
    split: str
    pictures: int

    @property
    def name(self) -> str:
        """The patient in the manifest."""
        return f"scalp-{self.number:05d}"


def render_dataset(
    out: Path, *, count: int, seed: int, size_px: int = 224, workers: int = 1, splits: Collection[str] = SPLITS
) -> Path:
    """Render `count` square pictures and their manifest into a new folder, and return the manifest's path.

    Patients, not pictures, are dealt out 80/10/10 over train, val and test, each diagnosis by itself. The same
    arguments give the same bytes, whatever the number of `workers`; with some of the `splits` only theirs are drawn.

    Raises:
        DataError: fewer pictures than give each split both diagnoses, a picture too small to show a vessel, or the
            folder already holds a manifest.
    """
    if count < _FEWEST_PICTURES or size_px < _SMALLEST_PX:
        raise DataError(f"a scalp data set needs at least {_FEWEST_PICTURES} pictures of {_SMALLEST_PX} px")
    manifest = out / MANIFEST
    if manifest.exists():
        raise DataError(f"{manifest} exists; choose another folder or delete it")
    (out / "images").mkdir(parents=True, exist_ok=True)
    patients = [patient for patient in deal_patients(count, seed=seed) if patient.split in splits]
    render = partial(_render_patient, out=out, seed=seed, size_px=size_px)
    if workers == 1:
        rows = list(chain.from_iterable(_with_progress(map(render, patients), total=len(patients))))
    else:
        # Spawned, for a forked child may hang in the locks of OpenCV's threads.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            rendered = pool.map(render, patients, chunksize=8)
            rows = list(chain.from_iterable(_with_progress(rendered, total=len(patients))))
    _write(out / SIGNS, [signs for _, signs in rows])
    # Last, so that a folder with a manifest is a whole data set.
    _write(manifest, [row for row, _ in rows])
    return manifest


_FEWEST_PICTURES: Final = 40
_SMALLEST_PX: Final = 64


def deal_patients(count: int, *, seed: int) -> list[SimulatedPatient]:
    """As many patients as have `count` pictures together, each with a diagnosis and a split."""
    rng = np.random.default_rng([seed, _COUNT_STREAM])
    pictures: list[int] = []
    while sum(pictures) < count:
        pictures.append(min(int(rng.choice(_PICTURES_A_PATIENT)), count - sum(pictures)))
    order = np.random.default_rng([seed, _ORDER_STREAM]).permutation(len(pictures)).tolist()
    psoriatic = round(PSORIASIS_SHARE * len(order))
    patients = []
    for diagnosis, numbers in zip(DIAGNOSES, (order[:psoriatic], order[psoriatic:]), strict=True):
        held_out = max(1, math.ceil(_HELD_OUT_SHARE * len(numbers)))
        for place, number in enumerate(numbers):
            split = "val" if place < held_out else "test" if place < 2 * held_out else "train"
            patients.append(SimulatedPatient(number, diagnosis, split, pictures[number]))
    return sorted(patients, key=lambda patient: patient.number)


Row = dict[str, str | int | float]


def _render_patient(patient: SimulatedPatient, *, out: Path, seed: int, size_px: int) -> list[tuple[Row, Row]]:
    """Render one patient's pictures; their rows of the manifest and of the signs."""
    rng = np.random.default_rng([seed, _PATIENT_STREAM, patient.number])
    tendencies = draw_patient(rng, patient.diagnosis)
    age, sex = int(np.clip(rng.normal(42, 15), 18, 90)), str(rng.choice(["female", "male"]))
    rows: list[tuple[Row, Row]] = []
    for picture in range(1, patient.pictures + 1):
        scene = draw_scene(rng, tendencies)
        file = f"images/{patient.name}-{picture}.jpg"
        (out / file).write_bytes(_photograph(rng, scene, size_px=size_px))
        row: Row = {
            "file": file,
            "dataset": DATASET,
            "split": patient.split,
            "dx": patient.diagnosis,
            "lesion_id": patient.name,
            "group": patient.name,
            "file_224": "",
            "dx_type": "simulated",
            "age": age,
            "sex": sex,
            "localization": "scalp",
            "width": size_px,
            "height": size_px,
            "source_id": f"{DATASET}-{seed}-{patient.number}-{picture}",
            "patient_id": patient.name,
        }
        rows.append((row, {"file": file, **_drawn(scene)}))
    return rows


def _photograph(rng: np.random.Generator, scene: ScalpScene, *, size_px: int) -> bytes:
    """One JPEG with everyday faults: a little out of focus, over- or underexposed, with glare, compressed."""
    optics = Optics(
        focus=float(np.clip(BEST_FOCUS + rng.normal(0, 0.045), 0, 1)),
        exposure_ev=float(rng.normal(0, 0.3)),
        polarised=bool(rng.random() > _UNPOLARISED_SHARE),
        illumination=float(rng.uniform(0.8, 1.0)),
    )
    rgb = expose(rng, render_scalp_radiance(scene, width_px=size_px, height_px=size_px), optics)
    quality = int(rng.integers(*_JPEG_QUALITY))
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()


_UNPOLARISED_SHARE: Final = 0.08


def _drawn(scene: ScalpScene) -> Row:
    signs = asdict(scene.signs)
    forms = signs.pop("forms")
    others = {
        "zoom": scene.zoom,
        "ita_deg": scene.skin.ita_deg,
        "follicles_per_mm2": scene.hair.follicles_per_mm2,
        "hair_length_mm": scene.hair.length_mm,
    }
    return {name: round(value, 4) for name, value in {**signs, **forms, **others}.items()}


def _with_progress(items: Iterable[_T], *, total: int) -> Iterator[_T]:
    for done, item in enumerate(items, start=1):
        if done % _PROGRESS_EVERY == 0 or done == total:
            print(f"{done} of {total} simulated patients rendered", flush=True)
        yield item


_PROGRESS_EVERY: Final = 100


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
