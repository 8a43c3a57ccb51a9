"""A change of credentials as one act: the row, the event that reports it, and the record that the hub is to get."""

import sqlite3
from collections.abc import Callable
from typing import Literal
from uuid import UUID

from edge.auth.accounts import Accounts
from edge.clock import Clock
from edge.storage import Storage
from edge.uplink.credential_queue import CredentialQueue
from protocol.identity import CredentialsChanged

Change = Literal["password-changed", "password-reset", "face-enrolled", "face-deleted", "consents-changed"]


class CredentialChanges:
    """Saves changes and hands them on; `accounts` has changed the row already, in the same transaction."""

    def __init__(self, *, accounts: Accounts, queue: CredentialQueue, storage: Storage, clock: Clock) -> None:
        self._accounts = accounts
        self._queue = queue
        self._storage = storage
        self._clock = clock

    def register(self, connection: sqlite3.Connection, patient_id: UUID) -> None:
        """Queue a new patient's record; the registration's event reports it."""
        record = self._accounts.record(connection, patient_id)
        assert record is not None, "registered in the same transaction"
        self._queue.put(connection, patient_id, record.version)

    def report(self, connection: sqlite3.Connection, patient_id: UUID, change: Change) -> Callable[[], None]:
        """Save the event and queue the record; call what is returned once the transaction has committed."""
        record = self._accounts.record(connection, patient_id)
        assert record is not None, "changed in the same transaction"
        event = CredentialsChanged(
            patient_id=patient_id,
            change=change,
            version=record.version,
            consents=record.consents,
            changed_at=self._clock.now(),
        )
        message_id = self._storage.outbox.put(event, connection=connection)
        self._queue.put(connection, patient_id, record.version)

        def announce() -> None:
            self._storage.outbox.announce(message_id, event)
            self._queue.wake()

        return announce

    def wake(self) -> None:
        """A transaction with a queued record has committed."""
        self._queue.wake()
