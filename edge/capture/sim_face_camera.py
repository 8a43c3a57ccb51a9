"""A simulated face camera: one photograph as a person who does as asked, or as an attempt to pass for them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np

from edge.capture.camera import (
    PREVIEW_WIDTH_PX,
    CameraClosed,
    CameraSettings,
    CameraUnavailable,
    CameraUriInvalid,
    Frame,
)
from edge.capture.camera_uri import CameraUri
from edge.capture.encoded_image import MAX_BYTES, inspect
from edge.capture.sim_face_attacks import SPECIES, Victim
from edge.capture.sim_face_head import SIDE_PX, Head, Picture
from edge.capture.sim_face_person import FaceScene, LivePerson

JPEG_QUALITY: Final = 92
_CENTRED: Final = "0.5,0.5,0.38"
"""Where the face is unless the address says otherwise: as in Labeled Faces in the Wild, or a passport photograph."""
_FACE_NUMBERS: Final = 3


@dataclass(frozen=True)
class SimFaceOptions:
    """What the address of a simulated face camera says."""

    image: Path
    face: tuple[float, float, float] = (0.5, 0.5, 0.38)
    """Middle of the face, x and y, and its width from temple to temple, as shares of the photograph's sides."""
    attack: str | None = None
    seed: int = 0
    fps: int | None = None
    """Pictures a second of the camera's own time, which then goes on with each picture: how fast the machine is decides
    nothing. None for real time."""


class SimFaceCamera:
    """`sim://face?image=/pictures/face.jpg&face=0.5,0.5,0.38&attack=print&seed=1`.

    It is a `RespondingCamera`: told what the screen shows, the person turns, comes near and is lit by it, as someone
    at a kiosk would, or leaves. Without `respond` they look straight ahead. `attack` puts one of
    `edge.capture.sim_face_attacks.SPECIES` before the camera instead. With `fps` time stands still between pictures.
    """

    name = "sim-face"
    simulated = True

    def __init__(self, options: SimFaceOptions, *, now_s: Callable[[], float] = time.monotonic) -> None:
        """Read the photograph; `now_s` is the time unless the options have the camera count its own.

        Raises:
            CameraUnavailable: it is not there, or no JPEG or PNG.
        """
        photograph = _read(options.image)
        rows, columns = photograph.shape[:2]
        x, y, width = options.face
        head = Head.centred(photograph, centre=(x * columns, y * rows), width=width * columns)
        rng = np.random.default_rng(options.seed)
        self._scene: FaceScene = (
            LivePerson(head, rng) if options.attack is None else SPECIES[options.attack](Victim(head, head), rng)
        )
        self._clock_s = now_s
        self._fps = options.fps
        self._pictures = 0
        self._closed = False

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """Open the camera of an address.

        Raises:
            CameraUriInvalid, CameraUnavailable
        """
        address = CameraUri.parse(uri)
        address.require_known({"image", "face", "attack", "seed", "fps"})
        image = address.options.get("image")
        if not image:
            raise CameraUriInvalid(f"{uri!r} needs the photograph of a face, such as sim://face?image=/pictures/a.jpg")
        attack = address.options.get("attack")
        if attack is not None and attack not in SPECIES:
            raise CameraUriInvalid(f"unknown attack {attack!r}; known: {', '.join(SPECIES)}")
        seed = address.integer("seed", default=0, low=0, high=2**31 - 1)
        face = _shares(address.options.get("face", _CENTRED))
        fps = address.integer("fps", default=0, low=1, high=30) or None
        return cls(SimFaceOptions(image=Path(image), face=face, attack=attack, seed=seed, fps=fps))

    def respond(self, step: str | None, *, flash: str | None = None) -> None:
        """Let the person see the screen; see `RespondingCamera`."""
        self._require_open()
        self._scene.respond(step, flash, self._now_s())

    def capture(self) -> Frame:
        """Take a picture of the person as they stand now.

        Raises:
            CameraClosed
        """
        picture = self._picture()
        return Frame(
            data=_jpeg(picture),
            media_type="image/jpeg",
            width_px=SIDE_PX,
            height_px=SIDE_PX,
            captured_at=datetime.now(UTC),
            camera=self.name,
            simulated=self.simulated,
            settings=CameraSettings(),
            taken_s=self._now_s(),
        )

    def preview(self) -> bytes:
        """The same, at the size of the live view."""
        size = (PREVIEW_WIDTH_PX, PREVIEW_WIDTH_PX)
        return _jpeg(np.asarray(cv2.resize(self._picture(), size, interpolation=cv2.INTER_LINEAR), np.uint8))

    def apply(self, settings: CameraSettings) -> CameraSettings:  # noqa: ARG002 nothing can be set
        """Change nothing: this camera has no controls."""
        self._require_open()
        return CameraSettings()

    def close(self) -> None:
        """Let the simulated device go."""
        self._closed = True

    def _picture(self) -> Picture:
        self._require_open()
        self._pictures += 1
        return self._scene.frame(self._now_s())

    def _now_s(self) -> float:
        return self._clock_s() if self._fps is None else self._pictures / self._fps

    def _require_open(self) -> None:
        if self._closed:
            raise CameraClosed("the simulated face camera is closed")


def _read(path: Path) -> Picture:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        inspect(data)
    except OSError as error:
        raise CameraUnavailable(f"the photograph {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CameraUnavailable(f"the photograph {path} cannot be used: {error}") from error
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


def _shares(text: str) -> tuple[float, float, float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != _FACE_NUMBERS or not all(0 < number <= 1 for number in numbers):
        raise CameraUriInvalid(f"face={text} is not x,y,width as shares of the photograph, such as {_CENTRED}")
    return numbers[0], numbers[1], numbers[2]


def _jpeg(rgb: Picture) -> bytes:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()
