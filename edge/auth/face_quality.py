"""Whether an observed face is good enough to be enrolled or compared.

The limits were set on 250 photographs of LFW and 96 frames of NUAA, against the same made dark, blurred, masked or
behind dark glasses; `docs/explanations/face-check.md` has the figures.
"""

from typing import Final

from edge.auth.face import FaceBlurred, FaceCovered, FaceObservation, FaceTooDark, FaceTurned

MIN_BRIGHTNESS: Final = 42.0
MIN_CONTRAST: Final = 15.0
MAX_YAW: Final = 0.13
"""About 20 degrees."""
PITCH_RANGE: Final = (0.36, 0.74)
MAX_ROLL_DEGREES: Final = 20.0
MIN_SHARPNESS: Final = 22.0
MAX_COVERED: Final = 1.0


def require_quality(observation: FaceObservation) -> None:
    """Accept a face that can be read well.

    Raises:
        FaceTooDark, FaceTurned, FaceCovered, FaceBlurred: the first fault that the person can put right.
    """
    if observation.brightness < MIN_BRIGHTNESS or observation.contrast < MIN_CONTRAST:
        raise FaceTooDark(f"brightness {observation.brightness:.0f}, contrast {observation.contrast:.0f} of 255")
    if (
        abs(observation.yaw) > MAX_YAW
        or not PITCH_RANGE[0] <= observation.pitch <= PITCH_RANGE[1]
        or abs(observation.roll_degrees) > MAX_ROLL_DEGREES
    ):
        raise FaceTurned(
            f"yaw {observation.yaw:.2f}, pitch {observation.pitch:.2f}, roll {observation.roll_degrees:.0f} degrees"
        )
    if observation.covered > MAX_COVERED:
        raise FaceCovered("mouth or eyes are plain or dark")
    if observation.sharpness < MIN_SHARPNESS:
        raise FaceBlurred(f"sharpness {observation.sharpness:.0f}")
