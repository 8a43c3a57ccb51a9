"""The camera port: what the kiosk asks of any dermoscope, webcam, folder or simulator."""

import hashlib
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from edge.errors import EdgeError

PREVIEW_WIDTH_PX = 432
"""Width of a live-view picture: half of the smallest kiosk screen, and small enough for ten a second."""


class CameraSettings(BaseModel):
    """What a camera can be told; None where it has no such control, or when the control shall stay as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    focus: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, title="Focus", description="Position of the lens, from far (0) to near (1)."
    )
    exposure_ev: Annotated[float, Field(ge=-3, le=3)] | None = Field(
        default=None, title="Exposure", description="Exposure compensation in stops."
    )
    polarised: bool | None = Field(
        default=None, title="Polarised", description="Whether crossed polarisers suppress reflections."
    )
    illumination: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, title="Illumination", description="Brightness of the ring light."
    )

    def changed_by(self, other: Self) -> Self:
        """These settings with each value that `other` gives."""
        return self.model_copy(update=other.model_dump(exclude_none=True))


@dataclass(frozen=True)
class Frame:
    """One captured picture: the original encoded bytes, never altered afterwards."""

    data: bytes
    media_type: str
    width_px: int
    height_px: int
    captured_at: datetime
    camera: str
    simulated: bool
    settings: CameraSettings
    taken_s: float = field(default_factory=time.monotonic, compare=False)
    """Steady seconds, to tell how long after another picture it came; a simulated camera may count its own."""

    @property
    def sha256(self) -> str:
        """Hex digest of the original bytes, the picture's name everywhere."""
        return hashlib.sha256(self.data).hexdigest()


class CameraError(EdgeError):
    """A camera that gave no picture; the subclass says why."""

    code = "camera"
    remedy = "Check the camera's cable and restart the kiosk."


class CameraUriInvalid(CameraError):
    """The configured camera address cannot be understood."""

    code = "camera-uri-invalid"
    remedy = "Correct the camera's address in the kiosk's settings."


class CameraUnavailable(CameraError):
    """The camera, or the library that drives it, is not there."""

    code = "camera-unavailable"
    remedy = "Connect the camera, and install the driver library named in the message."


class CameraUnplugged(CameraError):
    """The camera was there and is gone: nothing comes from this handle any more."""

    code = "camera-unplugged"
    remedy = "Plug the camera in again; the kiosk then opens it anew."


class CameraClosed(CameraError):
    """A capture was asked of a camera that was closed."""

    code = "camera-closed"
    remedy = "Open the camera again."


class CameraEmpty(CameraError):
    """A folder that stands in for a camera holds no picture."""

    code = "camera-empty"
    remedy = "Put JPEG or PNG pictures into the folder."


class CameraFrameInvalid(CameraError):
    """What the camera gave is no usable picture; the next capture may be."""

    code = "camera-frame-invalid"
    remedy = "Take the photograph again; if it came from a file, choose another."


class Camera(Protocol):
    """A source of pictures, used by one thread at a time.

    An adapter is made by its class method `from_uri`, and registered in `edge.capture.registry`.
    """

    @property
    def name(self) -> str:
        """The adapter's name, saved with every picture."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether the pictures come from no patient; a clinic refuses such a camera."""
        ...

    def capture(self) -> Frame:
        """Take one picture.

        Raises:
            CameraError: no picture; the subclass carries the remedy.
        """
        ...

    def preview(self) -> bytes:
        """A small JPEG for the live view; it takes no picture away from `capture`."""
        ...

    def apply(self, settings: CameraSettings) -> CameraSettings:
        """Set what is not None, and return what took effect as the camera reports it."""
        ...

    def close(self) -> None:
        """Let the device go; safe to repeat."""
        ...


@runtime_checkable
class RespondingCamera(Camera, Protocol):
    """A camera with, besides, a simulated person before it who does as the screen asks."""

    def respond(self, step: str | None, *, flash: str | None = None) -> None:
        """Show the simulated person what the screen shows: a step of the face check, and the colour of its light.

        Steps are the values of `edge.auth.liveness.Step`, `away` (leave) and None (stand at ease); `flash` is `#rrggbb`
        or None. Real cameras lack this method: the person sees the screen themselves.
        """
        ...


@runtime_checkable
class BufferingCamera(Camera, Protocol):
    """A camera whose driver may hold its last pictures until it is closed."""

    @property
    def buffers_pictures(self) -> bool:
        """Whether it does."""
        ...
