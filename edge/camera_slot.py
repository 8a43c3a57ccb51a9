"""The kiosk's hold on one camera: opens it when first needed, again after it was unplugged, one user at a time."""

import threading
from collections.abc import Callable
from typing import TypeVar

from edge.capture.camera import BufferingCamera, Camera, CameraUnavailable, CameraUnplugged, Frame, RespondingCamera

T = TypeVar("T")


class CameraSlot:
    """A camera that may come and go while the kiosk runs."""

    def __init__(self, opener: Callable[[], Camera]) -> None:
        self._open = opener
        self._lock = threading.Lock()
        self._camera: Camera | None = None

    def capture(self) -> Frame:
        """Take one picture.

        Raises:
            CameraError: none was taken; after CameraUnplugged the next call opens the camera anew.
        """
        return self._use(lambda camera: camera.capture())

    def preview(self) -> bytes:
        """A small JPEG for the live view; the same errors as `capture`."""
        return self._use(lambda camera: camera.preview())

    def respond(self, step: str | None, *, flash: str | None = None) -> None:
        """Let a simulated person see what the screen shows; nothing happens with a real camera, or with none."""
        with self._lock:
            if isinstance(self._camera, RespondingCamera):
                self._camera.respond(step, flash=flash)

    def is_simulated(self) -> bool:
        """Whether its pictures come from no patient; False when it cannot be opened now."""
        try:
            return self._use(lambda camera: camera.simulated)
        except CameraUnavailable:
            return False

    def forget(self) -> None:
        """Have pictures of a past visit leave the driver's buffers: the device is let go, and opened when needed."""
        with self._lock:
            if isinstance(self._camera, BufferingCamera) and self._camera.buffers_pictures:
                self._close()

    def close(self) -> None:
        """Let the device go; idempotent."""
        with self._lock:
            self._close()

    def _use(self, action: Callable[[Camera], T]) -> T:
        with self._lock:
            if self._camera is None:
                self._camera = self._open()
            try:
                return action(self._camera)
            except CameraUnplugged:
                self._close()
                raise

    def _close(self) -> None:
        if self._camera is not None:
            self._camera.close()
            self._camera = None
