from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from edge.auth.face import FaceBlurred, FaceCovered, FaceEncoder, FaceError, FaceTooDark, FaceTurned
from edge.auth.face_appearance import CHIP_PX, aligned_chip, observation_of
from edge.auth.face_quality import require_quality
from edge.auth.registry import load_face_encoder

Image = NDArray[np.uint8]
ASTRONAUT: Image = skimage.data.astronaut()[:300, 72:372].copy()


@pytest.fixture(scope="module")
def dlib() -> FaceEncoder:
    encoder = load_face_encoder("dlib")
    assert encoder is not None
    return encoder


@pytest.fixture(scope="module")
def landmarks(dlib: FaceEncoder) -> NDArray[np.float64]:
    return dlib.observe(ASTRONAUT).landmarks


def with_glasses(rgb: Image, landmarks: NDArray[np.float64]) -> Image:
    covered = rgb.copy()
    eyes = float(np.hypot(*(landmarks[0] - landmarks[2])))
    for pair in (landmarks[:2], landmarks[2:4]):
        x, y = pair.mean(axis=0)
        cv2.ellipse(covered, (round(x), round(y)), (round(0.27 * eyes), round(0.2 * eyes)), 0, 0, 360, (25, 25, 28), -1)
    return covered


def with_mask(rgb: Image, landmarks: NDArray[np.float64]) -> Image:
    covered = rgb.copy()
    eyes = float(np.hypot(*(landmarks[0] - landmarks[2])))
    x, y = landmarks[:4].mean(axis=0)
    corner, opposite = (round(x - 0.6 * eyes), round(y + 0.6 * eyes)), (round(x + 0.6 * eyes), round(y + 1.3 * eyes))
    cv2.rectangle(covered, corner, opposite, (150, 185, 215), -1)
    return covered


def test_a_good_face_is_accepted(dlib: FaceEncoder) -> None:
    require_quality(dlib.observe(ASTRONAUT))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        pytest.param(lambda rgb, _: (rgb * 0.2).astype(np.uint8), FaceTooDark, id="dark"),
        pytest.param(lambda rgb, _: cv2.GaussianBlur(rgb, (0, 0), 4), FaceBlurred, id="blurred"),
        pytest.param(with_glasses, FaceCovered, id="dark-glasses"),
        pytest.param(with_mask, FaceCovered, id="mask"),
    ],
)
def test_a_spoilt_face_is_refused_by_its_fault(
    landmarks: NDArray[np.float64], spoil: Callable[[Image, NDArray[np.float64]], Image], fault: type[FaceError]
) -> None:
    observation = observation_of(
        np.asarray(spoil(ASTRONAUT, landmarks), np.uint8), box=(0, 0, 100, 100), landmarks=landmarks, score=1.0
    )
    with pytest.raises(fault):
        require_quality(observation)


@pytest.mark.parametrize(
    "moved",
    [
        pytest.param({"nose": (20, 0)}, id="turned-left"),
        pytest.param({"nose": (-20, 0)}, id="turned-right"),
        pytest.param({"nose": (0, 30)}, id="looking-down"),
        pytest.param({"nose": (0, -30)}, id="looking-up"),
        pytest.param({"roll": 30}, id="tilted"),
    ],
)
def test_a_turned_face_is_refused(landmarks: NDArray[np.float64], moved: dict[str, Any]) -> None:
    points = landmarks.copy()
    points[4] += moved.get("nose", (0, 0))
    turn = cv2.getRotationMatrix2D((150, 130), -moved.get("roll", 0), 1)
    points = points @ turn[:, :2].T + turn[:, 2]
    rgb = np.asarray(cv2.warpAffine(ASTRONAUT, turn, (300, 300)), np.uint8)
    with pytest.raises(FaceTurned):
        require_quality(observation_of(rgb, box=(0, 0, 100, 100), landmarks=points, score=1.0))


def test_signs_follow_the_picture(landmarks: NDArray[np.float64]) -> None:
    points = landmarks.copy()
    points[4] += (10, 0)
    straight, turned = (
        observation_of(ASTRONAUT, box=(0, 0, 100, 100), landmarks=each, score=1.0) for each in (landmarks, points)
    )
    assert turned.yaw > straight.yaw
    assert landmarks[0][0] > landmarks[2][0]  # the person's left eye is to the right in the picture


def test_landmarks_that_fall_together_or_outside_are_described_without_a_fault() -> None:
    for points in (np.zeros((5, 2)), np.full((5, 2), 1e5), np.full((5, 2), -1e5)):
        observation = observation_of(ASTRONAUT, box=(0, 0, 1, 1), landmarks=points, score=0.0)
        assert np.isfinite([observation.yaw, observation.pitch, observation.eye_ratio, observation.covered]).all()
        assert aligned_chip(ASTRONAUT, points).shape == (CHIP_PX, CHIP_PX, 3)
        with pytest.raises(FaceError):
            require_quality(observation)
