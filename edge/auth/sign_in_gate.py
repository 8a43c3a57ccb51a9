"""The gate before every check of a password or a face: throttle, lock and charge in one transaction.

Order of one attempt: `admit`, commit, exactly one check, then `succeed` or nothing, commit, and only then the answer.
An attempt that was admitted and never came back counts as a failure.
"""

import sqlite3
from dataclasses import dataclass

from edge.auth import sign_in_notices
from edge.auth.lockout import Charged, Locked, Lockout
from edge.auth.steady_time import SteadyTime
from edge.auth.throttle import Throttle, Throttled
from edge.clock import Clock


@dataclass(frozen=True)
class Admitted:
    """One check may be made; it stands as a failure until `succeed` or `withdraw`."""

    charged: Charged


class SignInGate:
    """Throttle and lockout together. All methods work in the caller's transaction."""

    def __init__(self, *, lockout: Lockout, throttle: Throttle, steady: SteadyTime, clock: Clock) -> None:
        self._lockout = lockout
        self._throttle = throttle
        self._steady = steady
        self._clock = clock

    def admit(self, connection: sqlite3.Connection, digest: str) -> Admitted | Locked | Throttled:
        """Charge an attempt on a claimed name, `Claim.digest`.

        A locked name's attempt counts for the throttle, since it is a guess; a throttled one counts nowhere.
        """
        throttled = self._throttle.charge(connection)
        if throttled is not None:
            return throttled
        charged = self._lockout.charge(connection, digest)
        if isinstance(charged, Locked):
            return charged
        sign_in_notices.note_failure(connection, charged.digest, now_s=self._steady.now_s())
        return Admitted(charged)

    def succeed(self, connection: sqlite3.Connection, admitted: Admitted) -> None:
        """The check proved the claim: clear the name's counter, and have its owner told of what failed before."""
        digest = admitted.charged.digest
        self._throttle.absolve(connection)
        self._lockout.absolve(connection, digest)
        sign_in_notices.note_withdrawal(connection, digest)
        now_s = self._steady.now_s()
        sign_in_notices.note_success(connection, digest, now_s=now_s, at=self._clock.now())

    def withdraw(self, connection: sqlite3.Connection, admitted: Admitted) -> None:
        """Nothing was compared, as when no face came before the camera: the attempt does not count."""
        self._throttle.absolve(connection)
        self._lockout.withdraw(connection, admitted.charged)
        sign_in_notices.note_withdrawal(connection, admitted.charged.digest)
