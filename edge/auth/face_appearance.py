"""From a box and five landmarks to what can be said of a face without recognising it: pose, light, sharpness, cover."""

import math
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceObservation

CHIP_PX: Final = 128
"""Side of the upright, aligned face that light, sharpness and cover are judged on, so that they do not depend on how
near the person stands."""
_EYES_PX: Final = 56.0
"""Distance of the outer eye corners in the chip."""
_EYES_TOP_PX: Final = 44.0

_FACE: Final = np.s_[16:, 21:107]
_EYES: Final = np.s_[38:52, 38:56], np.s_[38:52, 72:90]
_CHEEKS: Final = np.s_[60:76, 36:52], np.s_[60:76, 76:92]
_MOUTH: Final = np.s_[88:112, 46:82]
_PLAIN_MOUTH: Final = 0.06
"""Contrast of a mouth by that of the whole face below which something plain lies over it: 0.07 was the least of 96
faces of NUAA, 0.26 of 250 of LFW; under a plain mask it was at most 0.03."""
_DARK_EYES, _PLAIN_EYES = 0.42, 0.36
"""Luma of the eyes by that of the cheeks, and their contrast by the face's, below which both mean dark glasses."""


def observation_of(
    rgb: NDArray[np.uint8],
    *,
    box: tuple[float, float, float, float],
    landmarks: NDArray[np.float64],
    score: float,
) -> FaceObservation:
    """Describe one face; landmarks in the order of `FaceObservation`."""
    left_outer, left_inner, right_outer, right_inner, nose = landmarks
    along = left_outer - right_outer
    eyes = max(float(np.hypot(*along)), 1e-6)
    along = along / eyes
    down = np.array([-along[1], along[0]])
    from_middle = nose - (left_outer + left_inner + right_outer + right_inner) / 4
    left_px = max(float((left_outer - left_inner) @ along), 0.5)
    right_px = max(float((right_inner - right_outer) @ along), 0.5)
    grey = np.asarray(cv2.cvtColor(aligned_chip(rgb, landmarks), cv2.COLOR_RGB2GRAY), np.uint8)
    face = grey[_FACE]
    return FaceObservation(
        box=box,
        landmarks=landmarks,
        score=score,
        yaw=float(from_middle @ along) / eyes,
        pitch=float(from_middle @ down) / eyes,
        roll_degrees=math.degrees(math.atan2(along[1], along[0])),
        eye_ratio=math.log(left_px / right_px),
        brightness=float(face.mean()),
        contrast=float(face.std()),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_32F).var()),
        covered=_covered(grey),
    )


def aligned_chip(rgb: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The face upright, with its eyes at fixed places, RGB [CHIP_PX, CHIP_PX, 3]; black beyond the picture's edge."""
    left_outer, right_outer = landmarks[0], landmarks[2]
    along = left_outer - right_outer
    scale = _EYES_PX / max(float(np.hypot(*along)), 1e-6)
    angle = math.atan2(along[1], along[0])
    turn = scale * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    shift = np.array([CHIP_PX / 2, _EYES_TOP_PX]) - turn @ ((left_outer + right_outer) / 2)
    matrix = np.column_stack([turn, shift])
    chip = cv2.warpAffine(rgb, matrix, (CHIP_PX, CHIP_PX), flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return cast("NDArray[np.uint8]", chip)


def _covered(grey: NDArray[np.uint8]) -> float:
    contrast = max(float(grey[_FACE].std()), 1.0)
    eyes, cheeks = (np.concatenate([grey[place].ravel() for place in places]) for places in (_EYES, _CHEEKS))
    darkness = _DARK_EYES * max(float(np.median(cheeks)), 1.0) / max(float(np.median(eyes)), 1.0)
    plainness = _PLAIN_EYES * contrast / max(float(eyes.std()), 0.1)
    mouth = _PLAIN_MOUTH * contrast / max(float(grey[_MOUTH].std()), 0.1)
    return max(mouth, min(darkness, plainness))
