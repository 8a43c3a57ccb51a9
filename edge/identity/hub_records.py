"""Patients of other kiosks: their credential records are asked of the hub when they claim to stand here."""

import logging
import threading
from typing import Final

from edge.auth.accounts import Accounts
from edge.auth.steady_time import SteadyTime
from edge.bus import Bus, LinkChanged
from edge.clock import Clock
from edge.errors import EdgeError
from edge.store import Store
from edge.uplink.hub_identity import Claimed, HubIdentity, HubUnreachable

log = logging.getLogger(__name__)

_VISIT_S: Final = 600.0
"""For so long a record is kept in any case: the patient who stands here needs it."""
_REST_S: Final = 30.0
"""After the hub did not answer, nobody waits for it again for so long, or until the link to it comes up."""


class HubRecords:
    """Fetches the record behind a claimed name before its proof is judged.

    The hub is asked for every name, known here or not: so both take the same time, and a record that was changed at
    another kiosk is up to date here before it counts.

    Args:
        hub: is asked.
        accounts: takes what it answers.
        store: of the accounts.
        steady: counts how long a record is kept.
        clock: times the rest after a failure.
        bus: tells of a link that came up.
        cache_s: longest time that a record is kept, whatever the hub allows; at least for the visit that it is for.
    """

    def __init__(
        self,
        *,
        hub: HubIdentity,
        accounts: Accounts,
        store: Store,
        steady: SteadyTime,
        clock: Clock,
        bus: Bus,
        cache_s: float,
    ) -> None:
        self._hub = hub
        self._accounts = accounts
        self._store = store
        self._steady = steady
        self._clock = clock
        self._cache_s = cache_s
        self._lock = threading.Lock()
        self._rests_until_s: float | None = None
        bus.subscribe(LinkChanged, lambda change: self._wake() if change.connected else None)

    def fetch(self, digest: str) -> None:
        """Bring the record of this name up to date if the hub answers; whatever happens, sign-in goes on."""
        if self._resting():
            return
        try:
            claimed = self._hub.claim(digest)
            if claimed is not None:
                self.adopt(claimed)
        except HubUnreachable:
            self._rest()
        except EdgeError as error:
            log.warning("the hub's answer to a claim was not used: %s", error.code)

    def adopt(self, claimed: Claimed) -> None:
        """Keep a record that the hub handed over, unless this kiosk has a later one, which is on its way there.

        Raises:
            RecordUnusable: it cannot be used here.
        """
        keep_s = max(_VISIT_S, min(float(claimed.cache_s), self._cache_s))
        with self._store.transaction() as connection:
            self._accounts.adopt(connection, claimed.record, self._steady.now_s() + keep_s)

    def _resting(self) -> bool:
        with self._lock:
            return self._rests_until_s is not None and self._clock.monotonic_s() < self._rests_until_s

    def _rest(self) -> None:
        with self._lock:
            self._rests_until_s = self._clock.monotonic_s() + _REST_S

    def _wake(self) -> None:
        with self._lock:
            self._rests_until_s = None
