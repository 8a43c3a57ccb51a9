"""Whether an observed face is good enough to be enrolled or compared."""

from edge.auth.face import FaceObservation


def require_quality(observation: FaceObservation) -> None:
    """Accept a face that can be read well.

    Raises:
        FaceTooDark, FaceTurned, FaceCovered, FaceBlurred: the first fault that the person can put right.
    """
