"""The thread that sends what is queued."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.exc import DBAPIError

from hub.db.engine import Database
from hub.db.identity_tables import OutgoingMessage
from hub.errors import HubError
from hub.messages.channel import Channel, NotEver, NotNow, Unclear
from hub.messages.outbox import (
    Sealer,
    State,
    expire_messages,
    next_message,
    read_message,
    settle_interrupted,
    settle_message,
    try_again,
)

_log = logging.getLogger(__name__)
_LOOK_S: Final = 0.5
_TROUBLE_S: Final = 5.0


class Postman:
    """Sends one message after the other until stopped."""

    def __init__(
        self, database: Database, *, sealer: Sealer, channels: Mapping[str, Channel], clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._channels = channels
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def start(self) -> None:
        """Begin. What was leaving when the hub died last is called uncertain."""
        with self._database.writing.begin() as session:
            settle_interrupted(session, now=self._clock())
        self._thread.start()

    def stop(self) -> None:
        """End after the message in hand."""
        self._stopping.set()
        self._thread.join()

    def send_next(self) -> bool:
        """Send the message whose turn it is; False when there is none.

        Raises:
            DBAPIError: the database failed; if the message had left, it is uncertain from the next start on.
        """
        now = self._clock()
        with self._database.writing.begin() as session:
            expire_messages(session, now=now)
            row = next_message(session, now=now)
        if row is None:
            return False
        state, detail = self._send(row)
        with self._database.writing.begin() as session:
            if state is None:
                try_again(session, row, now=self._clock(), detail=detail)
            else:
                settle_message(session, row.id, state, now=self._clock(), detail=detail)
        _log.info("message %s (%s by %s): %s %s", row.id, row.purpose, row.channel, state or "again", detail or "")
        return True

    def _send(self, row: OutgoingMessage) -> tuple[State | None, str | None]:
        """What became of it; no state when it is to be tried again."""
        outcome: tuple[State | None, str | None] = ("sent", None)
        channel = self._channels.get(row.channel)
        if channel is None:
            return "failed", "channel-not-configured"
        try:
            channel.send(read_message(row, self._sealer))
        except NotNow as error:
            outcome = (None, str(error))
        except NotEver as error:
            outcome = ("failed", str(error))
        except HubError as error:
            outcome = ("failed", error.code)
        except Unclear as error:
            outcome = ("uncertain", str(error))
        except Exception as error:  # noqa: BLE001 a fault of ours: its text may hold an address, and it may have left
            outcome = ("uncertain", type(error).__name__)
        return outcome

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if not self.send_next():
                    self._stopping.wait(_LOOK_S)
            except DBAPIError as error:
                _log.warning("messages wait for the database: %s", type(error.orig).__name__)
                self._stopping.wait(_TROUBLE_S)
