"""Face templates by dlib: HOG frontal detector, 5-point alignment, ResNet descriptor. Nothing else imports dlib."""

import threading
from typing import Final, cast

import cv2
import dlib
import face_recognition_models
import numpy as np
from numpy.typing import NDArray

from edge.auth.face import (
    FaceNotFound,
    FaceObservation,
    FaceTemplate,
    FaceTemplateIncompatible,
    FaceTooSmall,
    SeveralFaces,
)
from edge.auth.face_appearance import observation_of

ALGORITHM: Final = "dlib-resnet-5point/1"
"""Detector, alignment and descriptor together; a change of any gives a new version."""

MATCH_THRESHOLD: Final = 0.452
"""Largest distance, in steps of 0.001, whose false match rate is below 1e-4 by the upper end of its 95 % interval.

Measured by `python -m edge auth report --faces DIR --json FILE` on 2,926 photographs of 1,615 people of Labeled Faces
in the Wild (folds 1 to 4), single frames, intervals by bootstrap over people:

- false matches: 171 of 4,275,940 pairs of two people, 4.0e-5 (1.4e-5 to 9.9e-5);
- false non-matches: 1,509 of 3,335 pairs of one person, 45 % (41 % to 49 %);
- 148 photographs were refused: 78 for a second face, 70 for none.

The interval is wide because two men from East Asia, where this network is known to be weak, have part in 78 of these
matches; and among the 15 people of NUAA, students in Nanjing before one webcam, 4.3 % of the pairs of two match (0.9 %
to 11 %). Where patients resemble each other, expect far more than this rate. One person's photographs are years and
cameras apart here; even at 0.476, where the false match rate itself is 1e-4, 33 % of their pairs are refused.
"""

BURST_THRESHOLD: Final = 0.384
"""The same for the distance between the middles of several templates on either side, as a burst is compared.

The middle of several views lies nearer to everybody, so this is lower than for single frames. It was set where that
helps impostors most: two photographs of different days on either side, all pairs of 565 people of the same collection.

- false matches: 7 of 362,895 pairs of two people's bundles, 1.9e-5 (0 to 9.9e-5);
- false non-matches: 62 of 483 pairs of one person's, years and cameras apart, 13 % (10 % to 17 %).

Figures with their intervals, and the group for which they do not hold, are in `docs/explanations/face-check.md`.
"""

MAX_SIDE_PX: Final = 640
"""Frames are shrunk to this: the detector's cost grows with the area, the descriptor sees 150 px of face anyway."""

MIN_DETECTION_SCORE: Final = 0.4
"""Weaker detections count neither as the face nor as a second one. In 31 rotations and 27 sizes of scikit-image's
`astronaut` the face scored at least 0.58, and what was taken for another at most 0.33."""

MIN_FACE_PX: Final = 73
"""Width of the smallest box the detector gives without enlarging the image."""

_LENGTH: Final = 128
_DTYPE: Final = np.dtype("<f4")


class DlibFaceEncoder:
    """Templates of 128 numbers, compared by Euclidean distance."""

    algorithm = ALGORITHM
    threshold = MATCH_THRESHOLD
    burst_threshold = BURST_THRESHOLD

    def __init__(self) -> None:
        # dlib's networks keep state between layers: one call at a time.
        self._lock = threading.Lock()
        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = dlib.shape_predictor(face_recognition_models.pose_predictor_five_point_model_location())
        self._descriptor = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())

    def encode(self, rgb: NDArray[np.uint8]) -> FaceTemplate:
        """Make the template of the one face in RGB [H, W, 3]; see the port."""
        return self.describe(rgb, self.observe(rgb))

    def observe(self, rgb: NDArray[np.uint8]) -> FaceObservation:
        """Find the one face and its landmarks; see the port."""
        image, scale = _shrunk(rgb)
        with self._lock:
            faces = self._faces(image, upsample=0)
            if not faces:
                raise self._why_no_face(image)
            if len(faces) > 1:
                raise SeveralFaces(f"{len(faces)} faces")
            box, score = faces[0]
            points = self._landmarks(image, box).parts()
        return observation_of(
            rgb,
            box=(box.left() / scale, box.top() / scale, box.right() / scale, box.bottom() / scale),
            landmarks=np.array([(point.x, point.y) for point in points]) / scale,
            score=score,
        )

    def describe(self, rgb: NDArray[np.uint8], observation: FaceObservation) -> FaceTemplate:
        """Align the observed face and run the network; see the port."""
        image, scale = _shrunk(rgb)
        box = dlib.rectangle(*(round(edge * scale) for edge in observation.box))
        points = dlib.points()
        for x, y in observation.landmarks * scale:
            points.append(dlib.point(round(x), round(y)))
        with self._lock:
            numbers = self._descriptor.compute_face_descriptor(image, dlib.full_object_detection(box, points))
        return FaceTemplate(algorithm=ALGORITHM, data=np.asarray(numbers, dtype=_DTYPE).tobytes())

    def distance(self, a: FaceTemplate, b: FaceTemplate) -> float:
        """Euclidean distance; see the port."""
        return float(np.linalg.norm(_numbers(a) - _numbers(b)))

    def _faces(self, image: NDArray[np.uint8], *, upsample: int) -> list[tuple[dlib.rectangle, float]]:
        boxes, scores, _ = self._detector.run(image, upsample, 0.0)
        return [(box, score) for box, score in zip(boxes, scores, strict=True) if score >= MIN_DETECTION_SCORE]

    def _why_no_face(self, image: NDArray[np.uint8]) -> FaceNotFound | FaceTooSmall:
        if any(box.width() < MIN_FACE_PX for box, _ in self._faces(image, upsample=1)):
            return FaceTooSmall(f"the face is narrower than {MIN_FACE_PX} px")
        return FaceNotFound("no frontal face")


def _shrunk(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """The picture as dlib sees it, and its scale."""
    height, width = rgb.shape[:2]
    scale = MAX_SIDE_PX / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(rgb), 1.0
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cast("NDArray[np.uint8]", cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)), scale


def _numbers(template: FaceTemplate) -> NDArray[np.float64]:
    if template.algorithm != ALGORITHM:
        raise FaceTemplateIncompatible(f"a template of {template.algorithm}, this encoder makes {ALGORITHM}")
    if len(template.data) != _LENGTH * _DTYPE.itemsize:
        raise FaceTemplateIncompatible(f"a template of {len(template.data)} bytes")
    return np.frombuffer(template.data, dtype=_DTYPE).astype(np.float64)
