"""How often the quality gate refuses real dermoscopic pictures, as they are and spoilt on purpose.

    python -m edge.capture.measure --manifest DATA/melanoma/manifest.csv --split train

Spoilt copies are encoded as JPEG again, as a camera would.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture import srgb
from edge.capture.quality import Fault, assess

Picture = NDArray[np.uint8]

BLUR_SIGMA_OF_WIDTH: Final = 0.025
_COPY_JPEG_QUALITY: Final = 85


def _unspoilt(rgb: Picture) -> Picture:
    return rgb


def blurred(rgb: Picture) -> Picture:
    """Gaussian blur of BLUR_SIGMA_OF_WIDTH."""
    return _encoded_again(np.asarray(cv2.GaussianBlur(rgb, (0, 0), BLUR_SIGMA_OF_WIDTH * rgb.shape[1]), np.uint8))


def slightly_blurred(rgb: Picture) -> Picture:
    """Half of the blur."""
    sigma = BLUR_SIGMA_OF_WIDTH / 2 * rgb.shape[1]
    return _encoded_again(np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.uint8))


def exposed(rgb: Picture, *, stops: float) -> Picture:
    """The picture with its light, by the sRGB curve, doubled `stops` times."""
    encoded = srgb.encode(srgb.decode(np.arange(256) / 255) * 2**stops)
    curve = np.clip(np.round(encoded * 255), 0, 255).astype(np.uint8)
    return _encoded_again(np.take(curve, rgb))


def _encoded_again(rgb: Picture) -> Picture:
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _COPY_JPEG_QUALITY])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.uint8)


COPIES: Final[dict[str, Callable[[Picture], Picture]]] = {
    "as it is": _unspoilt,
    "blurred, sigma 2.5 % of the width": blurred,
    "blurred, sigma 1.25 % of the width": slightly_blurred,
    "EV -3": lambda rgb: exposed(rgb, stops=-3),
    "EV +2": lambda rgb: exposed(rgb, stops=2),
}


def ham10000_files(manifest: Path, *, split: str, column: str) -> Iterator[Path]:
    """Pictures of one split of HAM10000, by the manifest's column `file` or `file_224`."""
    with manifest.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if row["dataset"] == "ham10000" and row["split"] == split and row[column]:
                yield manifest.parent / row[column]


def fault_rates(paths: Iterable[Path], *, spoil: Callable[[Picture], Picture]) -> dict[str, float]:
    """Share of pictures with each fault, and refused for any of them under `refused`."""
    counts: Counter[str] = Counter(dict.fromkeys(("refused", *Fault), 0))
    total = 0
    for path in paths:
        rgb = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if rgb is None:
            raise ValueError(f"{path} is no picture")
        report = assess(spoil(np.asarray(rgb, np.uint8)), previous_sha256=None, sha256="")
        counts.update(report.faults)
        counts["refused"] += not report.accepted
        total += 1
    if not total:
        raise ValueError("no pictures to measure")
    return {name: count / total for name, count in counts.items()}


def main() -> None:
    """Print the rates for both sizes of the pictures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m edge.capture.measure", description=__doc__)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--split", default="train")
    parser.add_argument("--every", type=int, default=1, help="take each Nth picture only")
    arguments = parser.parse_args()
    rates = {
        column: {
            copy: fault_rates(
                islice(
                    ham10000_files(arguments.manifest, split=arguments.split, column=column), 0, None, arguments.every
                ),
                spoil=spoil,
            )
            for copy, spoil in COPIES.items()
        }
        for column in ("file", "file_224")
    }
    json.dump(rates, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
