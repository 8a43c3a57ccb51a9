"""When a patient's session begins and ends, and that nothing of it stays behind in the kiosk's memory."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from threading import RLock

from edge import visit_rows
from edge.clock import Clock
from edge.errors import EdgeError
from edge.storage import Storage
from edge.store import StorageFailed, StorageFull
from edge.visit import EndedBy, Journey, NobodySignedIn, Visit
from protocol.events import VisitEnded

log = logging.getLogger(__name__)


class Sessions:
    """Begins and ends visits; each step is saved before it is shown.

    The kiosk itself, its links and its model go on from one patient to the next; what belongs to a patient is dropped
    by the callables given to `on_end`, which must not fail and are called without the kiosk's lock.
    """

    def __init__(self, *, journey: Journey, lock: RLock, storage: Storage, clock: Clock) -> None:
        self._journey = journey
        self._lock = lock
        self._storage = storage
        self._clock = clock
        self._wipes: list[Callable[[], None]] = []
        self._close_interrupted_visits()

    def on_end(self, wipe: Callable[[], None]) -> None:
        """Have `wipe` called whenever a visit has ended, in the order of these calls."""
        self._wipes.append(wipe)

    @property
    def current(self) -> Visit:
        """The visit under way.

        Raises:
            NobodySignedIn: there is none.
        """
        with self._lock:
            return self._journey.visit

    def require_free(self) -> None:
        """Raise KioskOccupied while a visit is under way, StorageFull when there is too little room for one."""
        with self._lock:
            self._journey.require_idle()
        self._storage.require_room()

    def begin(self, visit: Visit, save: Callable[[sqlite3.Connection], None]) -> None:
        """Begin the visit, in one transaction with what `save` writes.

        Raises:
            KioskOccupied and what `save` raises: nothing was saved, no visit began.
        """
        with self._lock:
            self._journey.require_idle()
            with self._storage.store.transaction() as connection:
                save(connection)
                visit_rows.add_visit(connection, visit)
            self._journey.begin(visit)

    def end(self, ended_by: EndedBy) -> None:
        """End the visit; idle screens show nothing of it.

        Raises:
            NobodySignedIn: there is none.
        """
        with self._lock:
            visit = self._journey.end()
        self._close(visit, ended_by)

    def end_if(self, ended_by: EndedBy, due: Callable[[], bool]) -> None:
        """End the visit, if there is one and `due`, asked with the kiosk's lock held, says so."""
        with self._lock:
            try:
                self._journey.visit  # noqa: B018 raises when nobody is signed in
            except NobodySignedIn:
                return
            if not due():
                return
            visit = self._journey.end()
        self._close(visit, ended_by)

    def _close(self, visit: Visit, ended_by: EndedBy) -> None:
        try:
            self._save_end(
                VisitEnded(
                    visit_id=visit.visit_id,
                    patient_id=visit.patient_id,
                    started_at=visit.started_at,
                    ended_at=max(self._clock.now(), visit.started_at),
                    signed_in_by=visit.signed_in_by,
                    ended_by=ended_by,
                    analyses=visit.analyses,
                    refusals=visit.refusals,
                )
            )
        finally:
            # Whether or not the end could be saved, the next patient must find nothing.
            visit.forget()
            for wipe in self._wipes:
                try:
                    wipe()
                except EdgeError as error:
                    log.exception("something of a visit was not wiped: %s", error.code)
            with suppress(StorageFull, StorageFailed):
                self._storage.store.forget()

    def _close_interrupted_visits(self) -> None:
        """A power cut or kill left these open; nobody is signed in after a start."""
        now: datetime = self._clock.now()
        with self._storage.store.transaction() as connection:
            left_open = visit_rows.open_visits(connection, ended_at=now)
        for event in left_open:
            self._save_end(event)

    def _save_end(self, event: VisitEnded) -> None:
        with self._storage.store.transaction() as connection:
            message_id = self._storage.outbox.put(event, connection=connection)
            visit_rows.close_visit(connection, event.visit_id, ended_at=event.ended_at)
        self._storage.outbox.announce(message_id, event)
