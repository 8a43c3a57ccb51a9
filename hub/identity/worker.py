"""The thread that counts attempts together, carries out deletions, and sends orders to kiosks."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from hub.config import IdentitySettings
from hub.db.engine import Database
from hub.db.identity_tables import Deletion, KioskOrder, SignInAttempt
from hub.errors import HubError
from hub.identity.attempts import LockRules, merge_attempts
from hub.identity.erasure import carry_out_deletions
from hub.identity.hub_keys import HubKeys
from hub.identity.notices import tell_of_lock
from hub.identity.orders import close_expired, due_orders, note_sent
from protocol import codec, topics

_log = logging.getLogger(__name__)
_LOOK_S: Final = 0.2
_TROUBLE_S: Final = 2.0


class Publisher(Protocol):
    """The hub's connection to the broker, as far as it is needed here."""

    def publish(self, topic: str, body: bytes, *, qos: int) -> bool:
        """Hand a message to the broker; False when not connected."""
        ...


class IdentityWorker:
    """Looks for work a few times a second; all that it knows is in the database, so that a restart loses nothing."""

    def __init__(
        self,
        database: Database,
        *,
        keys: HubKeys,
        settings: IdentitySettings,
        publisher: Publisher,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._keys = keys
        self._rules = LockRules(
            failures=settings.lock_failures,
            window=timedelta(seconds=settings.lock_window_s),
            lock=timedelta(seconds=settings.lock_s),
        )
        self._publisher = publisher
        self._clock = clock
        self._stopping = threading.Event()
        self._failing: str | None = None
        self._thread = threading.Thread(target=self._run, name="identity", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the work in hand."""
        self._stopping.set()
        self._thread.join()

    def fault(self) -> str | None:
        """What keeps identity from being looked after, or None."""
        return self._failing if self._thread.is_alive() else "the identity thread is not running"

    def work(self) -> None:
        """Do once all that is to be done.

        Raises:
            DBAPIError, HubError: what was not committed is done the next time.
        """
        now = self._clock()
        if self._has_work(now):
            # One transaction each: attempts that cannot be counted must not hold up a deletion.
            with self._database.writing.begin() as session:
                carry_out_deletions(session, self._keys, now=now)
            with self._database.writing.begin() as session:
                for lock in merge_attempts(session, self._rules, now=now):
                    _log.info("a name was locked everywhere after %d failures", lock.failures)
                    tell_of_lock(session, self._keys, lock, now=now)
                close_expired(session, now=now)
        self._send_orders(now)

    def _has_work(self, now: datetime) -> bool:
        with self._database.reading() as session:
            return any(
                session.scalar(query.limit(1)) is not None
                for query in (
                    select(Deletion.id).where(Deletion.done_at_hub_at.is_(None)),
                    select(SignInAttempt.attempt_id).where(SignInAttempt.merged.is_(False)),
                    select(KioskOrder.id).where(KioskOrder.is_open, KioskOrder.expires_at <= now),
                )
            )

    def _send_orders(self, now: datetime) -> None:
        with self._database.reading() as session:
            due = due_orders(session, now=now)
        row = topics.TOPICS["command"]
        sent = [
            order
            for order in due
            if self._publisher.publish(
                topics.build(row.name, site=order.site, kiosk=order.kiosk, type=order.envelope.type),
                codec.encode(order.envelope),
                qos=row.qos,
            )
        ]
        if sent:
            with self._database.writing.begin() as session:
                note_sent(session, sent, now=now)
            for order in sent:
                _log.info("ordered %s of %s/%s: %s", order.envelope.type, order.site, order.kiosk, order.order_id)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.work()
                self._failing = None
                self._stopping.wait(_LOOK_S)
            except Exception as error:  # noqa: BLE001 the thread must live; the error's text may hold data
                expected = isinstance(error, DBAPIError | HubError)
                self._failing = f"identity {'waits' if expected else 'met a fault'}: {type(error).__name__}"
                _log.warning("%s", self._failing)
                self._stopping.wait(_TROUBLE_S)
