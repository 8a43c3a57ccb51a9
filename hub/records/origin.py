"""Where a record came from: the message, and the kiosk that sent it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Origin:
    """The message behind a record."""

    message_id: UUID
    site: str
    kiosk: str
    sequence: int
    received_at: datetime
