from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.quality import Fault, assess
from edge.capture.sim_camera import SimCamera

Picture = NDArray[np.uint8]
Decode = Callable[[bytes], Picture]
SMALL = "width=400&height=300"


def faults(rgb: Picture) -> tuple[Fault, ...]:
    return assess(rgb, previous_sha256=None, sha256="").faults


def test_a_good_picture_is_accepted_with_its_measures(picture: Picture) -> None:
    report = assess(picture, previous_sha256="a", sha256="b")
    assert report.accepted
    assert set(report.measures) == {"brightness", "clipped", "white", "structure", "sharpness"}


def test_the_same_bytes_twice_are_a_frozen_camera(picture: Picture) -> None:
    assert assess(picture, previous_sha256="a", sha256="a").faults == (Fault.FROZEN,)


def test_a_blurred_picture_is_blurred(picture: Picture) -> None:
    assert faults(np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.025 * picture.shape[1]))) == (Fault.BLURRED,)


def test_a_round_front_lens_in_focus_hides_no_blur_behind_it(picture: Picture) -> None:
    blurred = cv2.GaussianBlur(picture, (0, 0), 0.025 * picture.shape[1])
    height, width = picture.shape[:2]
    opening = cv2.circle(np.zeros((height, width, 1), np.uint8), (width // 2, height // 2), height // 2, (1,), -1)
    assert faults(blurred * opening) == (Fault.BLURRED,)
    assert faults(picture * opening) == ()


def test_darkness_is_dark_and_says_nothing_of_sharpness(picture: Picture) -> None:
    assert faults((picture // 5).astype(np.uint8)) == (Fault.DARK,)
    assert faults(np.zeros_like(picture)) == (Fault.DARK,)


def test_too_much_light_is_overexposed(picture: Picture) -> None:
    assert faults(np.clip(picture.astype(int) * 3, 0, 255).astype(np.uint8)) == (Fault.OVEREXPOSED,)
    assert faults(np.full_like(picture, 255)) == (Fault.OVEREXPOSED,)


def test_a_white_patch_is_glare(picture: Picture) -> None:
    patched = picture.copy()
    cv2.circle(patched, (320, 240), 60, (255, 255, 255), -1)
    assert faults(patched) == (Fault.GLARE,)


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_an_even_surface_is_blank_with_or_without_noise(noise: float) -> None:
    rng = np.random.default_rng(0)
    surface = np.full((480, 640, 3), 150.0) + rng.normal(0, noise, (480, 640, 3))
    assert faults(surface.astype(np.uint8)) == (Fault.BLANK,)


@pytest.mark.parametrize("shape", [(1, 1, 3), (119, 500, 3), (500, 100, 3)])
def test_a_picture_of_too_few_pixels_is_too_small(shape: tuple[int, ...]) -> None:
    assert faults(np.full(shape, 128, np.uint8)) == (Fault.TOO_SMALL,)


def test_a_very_long_picture_is_judged_without_failing() -> None:
    assert faults(np.full((120, 9000, 3), 128, np.uint8)) == (Fault.BLANK,)


def test_a_picture_is_judged_alike_at_twice_its_size(picture: Picture) -> None:
    large = np.asarray(cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
    small, twice = (assess(rgb, previous_sha256=None, sha256="").measures for rgb in (picture, large))
    assert twice["sharpness"] == pytest.approx(small["sharpness"], rel=0.05)
    assert twice["brightness"] == pytest.approx(small["brightness"], abs=1)


def test_the_simulated_camera_passes_at_its_defaults_on_every_skin(decode: Decode) -> None:
    device = SimCamera.from_uri(f"sim://phantom?seed=20&{SMALL}")
    found = [faults(decode(device.capture().data)) for _ in range(20)]
    assert sum(not each for each in found) >= 19


@pytest.mark.parametrize(
    ("fault", "expected"), [("defocus", Fault.BLURRED), ("dark", Fault.DARK), ("glare", Fault.GLARE)]
)
def test_each_fault_of_the_simulated_camera_is_found(decode: Decode, fault: str, expected: Fault) -> None:
    strikes = ",".join(f"{fault}@{number}" for number in range(1, 11))
    device = SimCamera.from_uri(f"sim://phantom?seed=21&{SMALL}&fault={strikes}")
    assert all(expected in faults(decode(device.capture().data)) for _ in range(10))
