"""The face port: a photograph becomes a template; templates are compared with one claimed person's, never searched."""

from dataclasses import dataclass, field
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError

_SERIAL_VERSION: Final = 1
_MAX_ALGORITHM_LENGTH: Final = 255


class FaceError(EdgeError):
    """A face could not be used; the subclass says why."""

    code = "face"
    remedy = "Sign in with the password."


class FaceNotFound(FaceError):
    """No frontal face in the photograph."""

    code = "face-not-found"
    remedy = "Look straight into the camera, with the light in front of you and the face uncovered."


class SeveralFaces(FaceError):
    """More than one face, so whose template it would be is open."""

    code = "face-several"
    remedy = "Stand alone before the camera."


class FaceTooSmall(FaceError):
    """A face is there, with too few pixels to tell people apart."""

    code = "face-too-small"
    remedy = "Come closer to the camera."


class FaceTooDark(FaceError):
    """A face is there, too dark to be read."""

    code = "face-too-dark"
    remedy = "Turn the light on, or face it; let no window or lamp shine from behind you."


class FaceTurned(FaceError):
    """A face is there, turned or tilted away from the camera."""

    code = "face-turned"
    remedy = "Look straight into the camera and hold your head upright."


class FaceCovered(FaceError):
    """A face is there, with eyes, nose or mouth covered."""

    code = "face-covered"
    remedy = "Take off mask and dark glasses, and keep hands and hair off the face."


class FaceBlurred(FaceError):
    """A face is there, moving or out of focus."""

    code = "face-blurred"
    remedy = "Hold still for a moment; if it stays, wipe the camera's lens."


class FaceNotLive(FaceError):
    """The person did not do what was asked, or not every sign of a person being there was seen."""

    code = "face-not-live"
    remedy = "Try again and follow the pictures, with no other screen or picture in view; or use the password."


class FaceFramesMissing(FaceError):
    """Pictures came too far apart to tell whether a person is there: the kiosk had too much else to do."""

    code = "face-frames-missing"
    remedy = "Wait a moment and try again, or use the password; if it returns, restart the kiosk."


class FaceTemplateIncompatible(FaceError):
    """A template of another algorithm, another version, or damaged: no distance means anything."""

    code = "face-template-incompatible"
    remedy = "Sign in with the password and enrol the face again."


@dataclass(frozen=True)
class FaceTemplate:
    """What an encoder keeps of a face. Only encoders of the same `algorithm`, which names its version, read `data`."""

    algorithm: str
    data: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """Serialise: version byte, length byte, algorithm in ASCII, data."""
        name = self.algorithm.encode("ascii")
        if not 0 < len(name) <= _MAX_ALGORITHM_LENGTH:
            raise ValueError("an algorithm's name has 1 to 255 characters")
        return bytes((_SERIAL_VERSION, len(name))) + name + self.data

    @classmethod
    def from_bytes(cls, serialised: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            FaceTemplateIncompatible: written by another version, or not a template.
        """
        if len(serialised) < 2 or serialised[0] != _SERIAL_VERSION:  # noqa: PLR2004 - version and length byte
            raise FaceTemplateIncompatible("the bytes are no template of this version")
        end = 2 + serialised[1]
        name, data = serialised[2:end], serialised[end:]
        if not name or not name.isascii() or not data:
            raise FaceTemplateIncompatible("the bytes are no whole template")
        return cls(algorithm=name.decode("ascii"), data=data)


@dataclass(frozen=True)
class FaceObservation:
    """Where the one face in a picture is and how it looks: cheap, and without its template. Lengths are in pixels.

    Signs follow the picture as the camera gives it, not mirrored: `yaw` grows as the person turns to their own left,
    which moves the nose to the right in the picture.
    """

    box: tuple[float, float, float, float]
    """Left, top, right, bottom of the detector's box, within or beyond the picture's edge."""
    landmarks: NDArray[np.float64] = field(repr=False)
    """[5, 2], x and y: the person's left eye, outer and inner corner; right eye, outer and inner; base of the nose."""
    score: float
    """The detector's confidence; higher is surer."""
    yaw: float
    """How far the nose stands beside the middle of the eyes along their line, by the distance of the outer corners."""
    pitch: float
    """How far the nose stands below the line of the eyes, by the same distance."""
    roll_degrees: float
    """Slope of the line of the eyes; positive clockwise in the picture."""
    eye_ratio: float
    """Natural logarithm of the left eye's width by the right eye's: no flat picture of a face can change it by being
    turned or sheared."""
    brightness: float
    """Mean luma of the face, 0 to 255."""
    contrast: float
    """Standard deviation of the face's luma."""
    sharpness: float
    """Variance of the Laplacian of the face at a fixed size."""
    covered: float
    """How plain the mouth, or how dark and plain the eyes are; above 1 something plain covers them."""

    @property
    def width_px(self) -> float:
        """Width of the box."""
        return self.box[2] - self.box[0]


class FaceEncoder(Protocol):
    """Turns photographs into templates, all of one algorithm. Safe to call from several threads."""

    @property
    def algorithm(self) -> str:
        """Name and version of what makes the templates; templates of another one are not comparable."""
        ...

    @property
    def threshold(self) -> float:
        """Largest distance at which two templates count as one person's."""
        ...

    @property
    def burst_threshold(self) -> float:
        """Largest distance, as `face_burst.match_burst` computes it, at which a burst is the enrolled person's."""
        ...

    def observe(self, rgb: NDArray[np.uint8]) -> FaceObservation:
        """Find and describe the one face in RGB [H, W, 3], turned ones included, without making its template.

        Raises:
            FaceNotFound, SeveralFaces, FaceTooSmall: as for `encode`; `face_quality.require_quality` judges the rest.
        """
        ...

    def describe(self, rgb: NDArray[np.uint8], observation: FaceObservation) -> FaceTemplate:
        """Make the template of a face that `observe` found in the same picture; the slow part of `encode`."""
        ...

    def encode(self, rgb: NDArray[np.uint8]) -> FaceTemplate:
        """Make the template of the one face in RGB [H, W, 3].

        Raises:
            FaceNotFound: nobody looks into the camera.
            SeveralFaces: more than one does.
            FaceTooSmall: someone does from too far away.
        """
        ...

    def distance(self, a: FaceTemplate, b: FaceTemplate) -> float:
        """How unlike two templates are: 0 for equal ones.

        Raises:
            FaceTemplateIncompatible: one is not of this encoder's algorithm, or damaged.
        """
        ...


@dataclass(frozen=True)
class FaceMatch:
    """Outcome of one comparison."""

    matched: bool
    distance: float
    threshold: float


def verify(encoder: FaceEncoder, *, claimed: FaceTemplate, probe: FaceTemplate) -> FaceMatch:
    """Compare a probe with the template of the person it claims to be.

    Raises:
        FaceTemplateIncompatible: the two are not comparable.
    """
    distance = encoder.distance(claimed, probe)
    # A distance that is not a number compares false, so it never matches.
    return FaceMatch(matched=distance <= encoder.threshold, distance=distance, threshold=encoder.threshold)
