"""The port through which messages leave, and what can become of one."""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Message:
    """One message, ready to be sent. SMS leave their subject out."""

    id: UUID
    recipient: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)


class NotNow(Exception):
    """Certainly not sent; may be tried again. The text is short, for the log, and names nobody."""


class NotEver(Exception):
    """Certainly not sent, and would not be the next time. The text is as above."""


class Unclear(Exception):
    """The connection broke after the message had left: nobody knows. Never tried again."""


class Channel(Protocol):
    """Sends one message at a time."""

    def send(self, message: Message) -> None:
        """Hand the message over.

        Raises:
            NotNow, NotEver, Unclear: it was not, or may not have been, taken.
        """
        ...
