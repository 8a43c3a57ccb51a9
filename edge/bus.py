"""Typed events inside the kiosk: those who act publish, screens and metrics listen."""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from protocol.events import Tier

log = logging.getLogger(__name__)
E = TypeVar("E")


@dataclass(frozen=True)
class EventSaved:
    """An event is committed and fsynced in the outbox."""

    message_id: UUID
    type: str


@dataclass(frozen=True)
class AnalysisSaved:
    """An analysis is safe on this kiosk. Stage times in milliseconds."""

    analysis_id: UUID
    tier: Tier
    stage_ms: dict[str, float]


@dataclass(frozen=True)
class CaptureWasRefused:
    """The quality gate refused an image."""

    faults: tuple[str, ...]


@dataclass(frozen=True)
class ReceiptArrived:
    """The hub confirmed or rejected messages."""

    stored: int
    rejected: int


@dataclass(frozen=True)
class EventsPublished:
    """Events were handed to the broker, which proves nothing yet."""

    count: int


@dataclass(frozen=True)
class LinkChanged:
    """The broker connection came up or went down."""

    connected: bool


class Bus:
    """Calls each handler of an event's type at once, in the publisher's thread; a failing one never stops the rest."""

    def __init__(self) -> None:
        self._handlers: defaultdict[type, list[Callable[[Any], None]]] = defaultdict(list)
        self.failures = 0

    def subscribe(self, event_type: type[E], handler: Callable[[E], None]) -> None:
        """Have `handler` called for every later event of exactly this type."""
        self._handlers[event_type].append(handler)

    def publish(self, event: object) -> None:
        """Tell all who subscribed to this event's type."""
        for handler in self._handlers[type(event)]:
            try:
                handler(event)
            except Exception:
                self.failures += 1
                log.exception("handler of %s failed", type(event).__name__)
