"""What the demo's cameras see: a folder of yours, or the phantom dermoscope; and one real face."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from deploy.demo.installation import DemoFailed

_SUFFIXES = {".jpg", ".jpeg", ".png"}
_BLUR_SHARE = 0.04
_FACE = "0.43,0.24,0.22"
"""Middle and width of the face in that photograph, as shares of its sides."""


@dataclass(frozen=True)
class Dermoscopes:
    """Camera addresses before and after the kiosk's restart: between them all frames are distinct."""

    before: str
    after: str
    name: str


def dermoscopes(folder: Path, *, refused_at: int, first: int, second: int) -> Dermoscopes:
    """Cameras for `first` and then `second` frames; frame number `refused_at` is out of focus.

    With DERMAKIOSK_IMAGES=FOLDER they show copies of its pictures, else the phantom.

    Raises:
        DemoFailed: the folder is missing or holds too few distinct pictures.
    """
    source = os.environ.get("DERMAKIOSK_IMAGES")
    if source is None:
        return Dermoscopes(
            f"sim://phantom?seed=11&fault=defocus@{refused_at}", "sim://phantom?seed=12", "sim (simulated)"
        )
    pictures = _distinct_pictures(Path(source))
    # Some of your pictures may be refused too, so give each half some to spare, if there are.
    if len(pictures) < first + second - 1:
        raise DemoFailed(
            f"DERMAKIOSK_IMAGES={source} has {len(pictures)} distinct JPEG or PNG pictures;"
            f" {first + second - 1} are needed. Add pictures, or unset it to use the simulated dermoscope."
        )
    middle = len(pictures) * first // (first + second)
    halves = (folder / "before", folder / "after")
    for half, part in zip(halves, (pictures[:middle], pictures[middle:]), strict=True):
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        for number, path in enumerate(part[:100], start=1):
            shutil.copyfile(path, half / f"{number:03d}{path.suffix.lower()}")
    _defocus(pictures[-1], halves[0] / f"{refused_at - 1:03d}z.png")
    return Dermoscopes(f"folder://{halves[0]}", f"folder://{halves[1]}", "folder")


def face_camera(folder: Path) -> str:
    """Address of a simulated person with one real face: scikit-image's photograph of Eileen Collins."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "face.png"
    cv2.imwrite(str(path), cv2.cvtColor(_astronaut(), cv2.COLOR_RGB2BGR))
    return f"sim://face?image={path}&face={_FACE}&fps=8"


def _astronaut() -> NDArray[np.uint8]:
    return np.asarray(skimage.data.astronaut(), dtype=np.uint8)  # type: ignore[no-untyped-call]  # no annotations there


def _distinct_pictures(source: Path) -> list[Path]:
    if not source.is_dir():
        raise DemoFailed(f"DERMAKIOSK_IMAGES={source} is no folder")
    seen: dict[str, Path] = {}
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix.lower() in _SUFFIXES:
            seen.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
        if len(seen) >= 200:  # noqa: PLR2004 more than any demo shows
            break
    return list(seen.values())


def _defocus(source: Path, target: Path) -> None:
    picture = cv2.imread(str(source))
    if picture is None:
        raise DemoFailed(f"{source} cannot be read as a picture")
    cv2.imwrite(str(target), cv2.GaussianBlur(picture, (0, 0), picture.shape[1] * _BLUR_SHARE))
