"""In-process announcements, after commit, to whoever watches: any thread publishes, coroutines listen."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import UUID

_QUEUE_LENGTH = 256


@dataclass(frozen=True)
class AnalysisStored:
    """An analysis was committed."""

    analysis_id: UUID
    patient_id: UUID
    site: str
    kiosk: str
    tier: str


@dataclass(frozen=True)
class ImageStored:
    """An image arrived whole; analyses that wait for it may be complete now."""

    sha256: str


@dataclass(frozen=True)
class Missed:
    """The listener was too slow and lost announcements: read the current state again."""


HubEvent = AnalysisStored | ImageStored | Missed


class BusClosed(Exception):
    """The hub is stopping; no more will be announced."""


class Subscription:
    """One listener's bounded queue; a context manager that lives in an event loop."""

    def __init__(self, bus: "Bus") -> None:
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[HubEvent] = deque()
        self._woken = asyncio.Event()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bus.unsubscribe(self)

    async def next(self, timeout_s: float | None = None) -> HubEvent | None:
        """The next announcement, or None when none came in time.

        Raises:
            BusClosed: the hub is stopping.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not self._waiting and not self._closed:
                    self._woken.clear()
                    await self._woken.wait()
        except TimeoutError:
            return None
        if self._waiting:
            return self._waiting.popleft()
        raise BusClosed

    def post(self, event: HubEvent) -> None:
        """Queue an event; from any thread."""
        self._in_loop(lambda: self._append(event))

    def close(self) -> None:
        """Wake the listener for the last time; from any thread."""
        self._in_loop(self._end)

    def _append(self, event: HubEvent) -> None:
        if len(self._waiting) >= _QUEUE_LENGTH:
            self._waiting.clear()
            event = Missed()
        self._waiting.append(event)
        self._woken.set()

    def _end(self) -> None:
        self._closed = True
        self._woken.set()

    def _in_loop(self, call: Callable[[], None]) -> None:
        # The listener's loop may have ended without leaving the subscription.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)


class Bus:
    """Hands every announcement to every listener and waits for none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[Subscription] = set()
        self._closed = False

    def publish(self, event: HubEvent) -> None:
        """Announce, from any thread."""
        with self._lock:
            for listener in self._listeners:
                listener.post(event)

    def subscribe(self) -> Subscription:
        """Listen from now on; call it in the event loop that will wait."""
        subscription = Subscription(self)
        with self._lock:
            self._listeners.add(subscription)
            if self._closed:
                subscription.close()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop listening."""
        with self._lock:
            self._listeners.discard(subscription)

    def close(self) -> None:
        """Tell every listener that nothing more will come."""
        with self._lock:
            self._closed = True
            for listener in self._listeners:
                listener.close()
