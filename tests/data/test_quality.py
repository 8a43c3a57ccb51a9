"""The quality gate on real dermoscopic pictures that its thresholds were not chosen on."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.measure import COPIES, fault_rates, ham10000_files
from edge.capture.quality import Fault, assess

EVERY = 8


@pytest.fixture(scope="module", params=["file", "file_224"])
def pictures(request: pytest.FixtureRequest, data_root: Path) -> list[Path]:
    return list(ham10000_files(data_root / "melanoma" / "manifest.csv", split="val", column=request.param))[::EVERY]


def test_real_pictures_pass(pictures: list[Path]) -> None:
    assert fault_rates(pictures, spoil=COPIES["as it is"])["refused"] <= 0.02


@pytest.mark.parametrize(
    ("copy", "fault"),
    [
        ("blurred, sigma 2.5 % of the width", Fault.BLURRED),
        ("EV -3", Fault.DARK),
        ("EV +2", Fault.OVEREXPOSED),
    ],
)
def test_spoilt_pictures_are_refused_by_the_right_name(pictures: list[Path], copy: str, fault: Fault) -> None:
    rates = fault_rates(pictures, spoil=COPIES[copy])
    assert rates["refused"] >= 0.92
    assert rates[fault] >= 0.92


def test_scalp_pictures_are_mostly_usable(data_root: Path) -> None:
    """Bright scale and wet skin do mirror the light in every fifth of them; nothing else is held against them."""
    paths = sorted((data_root / "scalp_camera" / "images").glob("*.jpg"))[::3]
    rates = fault_rates(paths, spoil=COPIES["as it is"])
    assert rates["refused"] <= 0.3
    assert rates["refused"] - rates[Fault.GLARE] <= 0.05


def test_the_gate_judges_a_real_picture_alike_when_it_is_enlarged(pictures: list[Path]) -> None:
    """Enlarging adds no detail, and must not make a picture pass or fail."""
    for path in pictures[:20]:
        rgb = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)
        large = np.asarray(cv2.resize(rgb, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC), np.uint8)
        small, enlarged = (assess(each, previous_sha256=None, sha256="") for each in (rgb, large))
        assert small.faults == enlarged.faults
