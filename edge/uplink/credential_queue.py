"""Hands changed credential records to the hub, each until it is accepted; the queue survives power cuts.

It keeps patient ids alone: the record is read, and sealed, when it is sent, so that no secret lies in the queue and the
hub gets the newest.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

from edge.bus import Bus, LinkChanged
from edge.clock import Clock
from edge.errors import EdgeError
from edge.store import Store
from edge.uplink.backoff import Backoff
from edge.uplink.hub_identity import HubIdentity, IdentityDeleted, RecordOutdated, RecordRefused
from protocol.credentials import CredentialRecord

log = logging.getLogger(__name__)

MIGRATIONS: Final[tuple[str, ...]] = (
    """CREATE TABLE credential_queue (
        patient_id TEXT PRIMARY KEY NOT NULL,
        version INTEGER NOT NULL,
        queued_at TEXT NOT NULL,
        refused_code TEXT
    ) STRICT""",
)

_ENROL_AGAIN_S: Final = 3600.0
_IDLE_S: Final = 30.0


class CredentialRecords(Protocol):
    """Where this kiosk keeps credential records."""

    def record(self, connection: sqlite3.Connection, patient_id: UUID) -> CredentialRecord | None:
        """The patient's record as it is now; None when this kiosk has none."""
        ...

    def revoke(self, connection: sqlite3.Connection, patient_id: UUID) -> object:
        """Forget the patient's record: the hub has a newer one, or none any more."""
        ...


class CredentialQueue:
    """One thread: enrols this kiosk's keys, fetches the pepper, then sends what is queued.

    Args:
        store: the kiosk's database, migrated with `MIGRATIONS`.
        records: read when a record is sent.
        hub: takes them.
        clock: dates entries.
        bus: a link that came up is a reason to try at once.
        on_pepper: is given the fleet's pepper after each enrolment, before any record is sent.
    """

    def __init__(
        self,
        *,
        store: Store,
        records: CredentialRecords,
        hub: HubIdentity,
        clock: Clock,
        bus: Bus,
        on_pepper: Callable[[bytes], None],
    ) -> None:
        self._store = store
        self._records = records
        self._hub = hub
        self._clock = clock
        self._on_pepper = on_pepper
        self._enrolled_at_s: float | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._backoff = Backoff(base_s=1.0, cap_s=300.0)
        self._thread = threading.Thread(target=self._run, name="credential-queue", daemon=True)
        bus.subscribe(LinkChanged, lambda change: self.wake() if change.connected else None)

    def put(self, connection: sqlite3.Connection, patient_id: UUID, version: int) -> None:
        """Queue a patient's record in the caller's transaction; call `wake` once it has committed."""
        connection.execute(
            "INSERT INTO credential_queue (patient_id, version, queued_at) VALUES (?, ?, ?)"
            " ON CONFLICT (patient_id) DO UPDATE SET version = excluded.version, queued_at = excluded.queued_at,"
            " refused_code = NULL",
            (str(patient_id), version, self._clock.now().isoformat()),
        )

    def forget(self, connection: sqlite3.Connection, patient_id: UUID) -> None:
        """Send nothing of this patient any more."""
        connection.execute("DELETE FROM credential_queue WHERE patient_id = ?", (str(patient_id),))

    def waiting(self) -> list[UUID]:
        """Patients whose record is still to be sent, oldest first."""
        with self._store.transaction() as connection:
            rows = connection.execute(
                "SELECT patient_id FROM credential_queue WHERE refused_code IS NULL ORDER BY queued_at, patient_id"
            ).fetchall()
        return [UUID(row["patient_id"]) for row in rows]

    @property
    def enrolled(self) -> bool:
        """Whether the hub knows this kiosk's keys, and this kiosk the fleet's pepper."""
        return self._enrolled_at_s is not None

    def start(self) -> None:
        """Begin; the hub may be away."""
        self._thread.start()

    def stop(self) -> None:
        """End after the record in hand; what is not accepted stays queued."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """Look at the queue now."""
        self._wake.set()

    def enrol(self) -> None:
        """Make this kiosk known to the hub and take over the pepper.

        Raises:
            HubUnreachable, KioskNotConfirmed, EnvelopeAltered: not now.
        """
        self._on_pepper(self._hub.enrol())
        self._enrolled_at_s = self._clock.monotonic_s()

    def send_waiting(self) -> None:
        """Send every queued record once.

        Raises:
            EdgeError: the hub did not take one for now; it and the rest stay queued.
        """
        for patient_id in self.waiting():
            if self._stopping.is_set():
                return
            self._send(patient_id)

    def _send(self, patient_id: UUID) -> None:
        with self._store.transaction() as connection:
            record = self._records.record(connection, patient_id)
            if record is None:
                self.forget(connection, patient_id)
                return
        try:
            self._hub.put(record)
        except (RecordOutdated, IdentityDeleted) as error:
            log.warning("the hub did not take the record of patient %s: %s", patient_id, error.code)
            with self._store.transaction() as connection:
                self._records.revoke(connection, patient_id)
                self.forget(connection, patient_id)
            return
        except RecordRefused as error:
            log.warning("the hub refused the record of patient %s: %s", patient_id, error)
            with self._store.transaction() as connection:
                connection.execute(
                    "UPDATE credential_queue SET refused_code = ? WHERE patient_id = ? AND version <= ?",
                    (error.code, str(patient_id), record.version),
                )
            return
        with self._store.transaction() as connection:
            # One that changed meanwhile is queued with a higher version, and stays.
            connection.execute(
                "DELETE FROM credential_queue WHERE patient_id = ? AND version <= ?", (str(patient_id), record.version)
            )

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                if self._must_enrol():
                    self.enrol()
                self.send_waiting()
                self._backoff.reset()
                self._wake.wait(_IDLE_S)
            except EdgeError as error:
                log.info("credential records wait for the hub: %s", error.code)
                self._wake.wait(self._backoff.next_s())
            except Exception:
                # Whatever fails here, queued records must go on leaving the kiosk.
                log.exception("the credential queue stumbled and goes on")
                self._stopping.wait(self._backoff.next_s())

    def _must_enrol(self) -> bool:
        if self._enrolled_at_s is None:
            return True
        return self._clock.monotonic_s() - self._enrolled_at_s >= _ENROL_AGAIN_S
