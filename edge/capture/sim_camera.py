"""A simulated dermoscope over a phantom, skin or scalp: it focuses, exposes, glares, comes unplugged and freezes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal, Self, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.camera import (
    PREVIEW_WIDTH_PX,
    CameraClosed,
    CameraSettings,
    CameraUnplugged,
    CameraUriInvalid,
    Frame,
)
from edge.capture.camera_uri import CameraUri
from edge.capture.phantom import DEFAULT_HEIGHT_PX, DEFAULT_WIDTH_PX, render_radiance, scene_for
from edge.capture.phantom_field import Field
from edge.capture.phantom_scalp import render_scalp_radiance, scalp_scene_for
from edge.capture.sim_faults import SimFault, parse_faults
from edge.capture.sim_optics import BEST_FOCUS, Optics, expose

JPEG_QUALITY: Final = 92
_DEFAULTS: Final = Optics(focus=BEST_FOCUS, exposure_ev=0.0, polarised=True, illumination=1.0)
_STEPS_PER_EV: Final = 3
_FOCUS_STEPS: Final = 100
_FAULTY_FOCUS: Final = 0.0
_FAULTY_EV: Final = -4.0

_unplugged_at: dict[str, int] = {}
"""Where the cable was pulled, by address: opening the camera again goes on with the capture after it."""


Subject = Literal["phantom", "scalp"]
_SUBJECTS: Final = get_args(Subject)


@dataclass(frozen=True)
class SimOptions:
    """What the address of a simulated camera says."""

    subject: Subject = "phantom"
    seed: int = 0
    start: int = 1
    """Number of the first capture, so that a restarted kiosk need not see the same scenes again."""
    width_px: int = DEFAULT_WIDTH_PX
    height_px: int = DEFAULT_HEIGHT_PX
    faults: Mapping[int, frozenset[SimFault]] | None = None


class SimCamera:
    """`sim://phantom?seed=7&start=1&width=1296&height=972&fault=defocus@5,unplug@9`, or `sim://scalp` alike.

    The phantom is a lesion on skin; the scalp one with psoriasis or seborrheic dermatitis at 20 to 40 times. Capture
    number N, counted from 1, always shows scene N of the seed. The same address, settings and number give the same
    bytes.
    """

    name = "sim"
    simulated = True

    def __init__(self, options: SimOptions, *, uri: str = "sim://phantom") -> None:
        self._options = options
        self._uri = uri
        self._number = options.start
        self._optics = _DEFAULTS
        self._last: Frame | None = None
        self._unplugged = False
        self._closed = False

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """Open the camera of an address.

        Raises:
            CameraUriInvalid: unknown phantom, option or fault.
        """
        address = CameraUri.parse(uri)
        address.require_known({"seed", "start", "width", "height", "fault"})
        subject = next((known for known in _SUBJECTS if known == address.target), None)
        if subject is None:
            known_text = ", ".join(_SUBJECTS)
            raise CameraUriInvalid(f"there is no simulated camera {address.target!r}; known: {known_text}")
        fault_text = address.options.get("fault")
        options = SimOptions(
            subject=subject,
            seed=address.integer("seed", default=0, low=0, high=2**31 - 1),
            start=address.integer("start", default=1, low=1, high=10**9),
            width_px=address.integer("width", default=DEFAULT_WIDTH_PX, low=64, high=4096),
            height_px=address.integer("height", default=DEFAULT_HEIGHT_PX, low=64, high=4096),
            faults=None if fault_text is None else parse_faults(fault_text),
        )
        return cls(replace(options, start=_unplugged_at.pop(uri, options.start - 1) + 1), uri=uri)

    def capture(self) -> Frame:
        """Render, expose and encode the next scene.

        Raises:
            CameraClosed, CameraUnplugged
        """
        self._require_open()
        faults = self._faults()
        if SimFault.UNPLUG in faults:
            self._unplugged = True
            _unplugged_at[self._uri] = self._number
            self._require_open()
        if SimFault.FREEZE in faults and self._last is not None:
            frame = replace(self._last, captured_at=datetime.now(UTC))
        else:
            width, height = self._options.width_px, self._options.height_px
            frame = Frame(
                data=_jpeg(self._expose(width_px=width, height_px=height)),
                media_type="image/jpeg",
                width_px=width,
                height_px=height,
                captured_at=datetime.now(UTC),
                camera=self.name,
                simulated=self.simulated,
                settings=self._read_back(),
            )
        self._last = frame
        self._number += 1
        return frame

    def preview(self) -> bytes:
        """The scene that the next capture takes, as it looks now."""
        self._require_open()
        height_px = max(2, round(PREVIEW_WIDTH_PX * self._options.height_px / self._options.width_px))
        return _jpeg(self._expose(width_px=PREVIEW_WIDTH_PX, height_px=height_px))

    def apply(self, settings: CameraSettings) -> CameraSettings:
        """Set what is given, in the device's steps."""
        self._require_open()
        wanted = replace(self._optics, **settings.model_dump(exclude_none=True))
        self._optics = replace(
            wanted,
            focus=round(wanted.focus * _FOCUS_STEPS) / _FOCUS_STEPS,
            exposure_ev=round(wanted.exposure_ev * _STEPS_PER_EV) / _STEPS_PER_EV,
        )
        return self._read_back()

    def close(self) -> None:
        """Let the simulated device go."""
        self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise CameraClosed("the simulated camera is closed")
        if self._unplugged:
            raise CameraUnplugged("the simulated camera was unplugged")

    def _faults(self) -> frozenset[SimFault]:
        return (self._options.faults or {}).get(self._number, frozenset())

    def _read_back(self) -> CameraSettings:
        return CameraSettings(**asdict(self._optics))

    def _expose(self, *, width_px: int, height_px: int) -> NDArray[np.uint8]:
        seed, radiance = self._radiance(width_px=width_px, height_px=height_px)
        optics, faults = self._optics, self._faults()
        if SimFault.DEFOCUS in faults:
            optics = replace(optics, focus=_FAULTY_FOCUS)
        if SimFault.DARK in faults:
            optics = replace(optics, exposure_ev=_FAULTY_EV)
        if SimFault.GLARE in faults:
            optics = replace(optics, polarised=False)
        return expose(np.random.default_rng([seed, self._number]), radiance, optics)

    def _radiance(self, *, width_px: int, height_px: int) -> tuple[int, Field]:
        """Seed and light of the scene that the next capture shows."""
        if self._options.subject == "scalp":
            scalp = scalp_scene_for(seed=self._options.seed, index=self._number)
            return scalp.seed, render_scalp_radiance(scalp, width_px=width_px, height_px=height_px)
        scene = scene_for(seed=self._options.seed, index=self._number)
        return scene.seed, render_radiance(scene, width_px=width_px, height_px=height_px)


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()
