"""A forgotten password: a code that the hub sends, or that staff read out, and a new password in its place."""

import hashlib
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import uuid4

from pydantic import SecretStr

from edge.auth.account import account_of
from edge.auth.accounts import Accounts
from edge.auth.claim_digest import ClaimDigests
from edge.auth.lockout import Lockout
from edge.auth.password_strength import require_acceptable
from edge.clock import Clock
from edge.identity.credential_changes import CredentialChanges
from edge.identity.hub_records import HubRecords
from edge.identity.sessions import Sessions
from edge.identity.sign_in import visit_of
from edge.storage import Storage
from edge.uplink.hub_identity import Claimed, HubIdentity, ResetCodeWrong
from edge.visit import Visit
from protocol.identity import SignInAttempted

_PROVEN_S: Final = 300.0
"""A code is good once; whoever then chooses a password that is too weak may choose another one for so long."""


@dataclass(frozen=True)
class _Proven:
    digest: str = field(repr=False)
    code_sha256: bytes = field(repr=False)
    claimed: Claimed = field(repr=False)
    until_s: float


class PasswordReset:
    """Orders codes, and sets new passwords. It needs the hub, which alone knows the codes and counts wrong ones."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        digests: ClaimDigests,
        lockout: Lockout,
        hub: HubIdentity,
        hub_records: HubRecords,
        changes: CredentialChanges,
        sessions: Sessions,
        storage: Storage,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._digests = digests
        self._lockout = lockout
        self._hub = hub
        self._hub_records = hub_records
        self._changes = changes
        self._sessions = sessions
        self._storage = storage
        self._clock = clock
        self._lock = threading.Lock()
        self._proven: _Proven | None = None

    def order(self, claim_text: str, channel: Literal["email", "sms"]) -> None:
        """Have a code sent to whoever has this name; it succeeds alike for a name of nobody.

        Raises:
            HubUnreachable, KioskNotConfirmed, ResetThrottled: no code was ordered.
        """
        self._hub.order_reset(self._digests.digest(claim_text), channel)

    def reset(self, claim_text: str, code: SecretStr, new_password: SecretStr) -> Visit:
        """Set the new password, unlock the name, and begin a visit.

        Raises:
            ResetCodeWrong: not the code; the hub counts.
            WeakPassword: nothing was set; the same code is good for another try within minutes.
            HubUnreachable, KioskNotConfirmed, ResetThrottled, RecordUnusable, KioskOccupied, StorageFull: not now.
        """
        self._sessions.require_free()
        # Before the code is spent: what is too weak for anybody of this name.
        require_acceptable(new_password, username=claim_text[:200], full_name="")
        digest = self._digests.digest(claim_text)
        begun_at = self._clock.now()
        try:
            claimed = self._prove(digest, code)
        except ResetCodeWrong:
            event = self._event(digest, None, "failed", begun_at)
            self._storage.outbox.save(event)
            raise
        account = account_of(claimed.record)
        password_hash = self._accounts.hash_new_password(account, new_password)
        self._hub_records.adopt(claimed)
        visit = visit_of(account, "reset-code", self._clock)
        announce: list[Callable[[], None]] = []

        def save(connection: sqlite3.Connection) -> None:
            self._accounts.set_password(connection, account.patient_id, password_hash)
            for known in {digest, *claimed.record.claim_digests}:
                self._lockout.clear(connection, known)
            event = self._event(digest, claimed, "succeeded", begun_at)
            message_id = self._storage.outbox.put(event, connection=connection)
            announce.append(lambda: self._storage.outbox.announce(message_id, event))
            announce.append(self._changes.report(connection, account.patient_id, "password-reset"))

        self._sessions.begin(visit, save)
        self.forget()
        for each in announce:
            each()
        return visit

    def forget(self) -> None:
        """Drop a record that a code was good for."""
        with self._lock:
            self._proven = None

    def forget_if_old(self) -> None:
        """Drop it when its time is over."""
        with self._lock:
            if self._proven is not None and self._clock.monotonic_s() >= self._proven.until_s:
                self._proven = None

    def _prove(self, digest: str, code: SecretStr) -> Claimed:
        code_sha256 = hashlib.sha256(code.get_secret_value().encode("utf-8", "surrogatepass")).digest()
        self.forget_if_old()
        with self._lock:
            proven = self._proven
        if proven is not None and (proven.digest, proven.code_sha256) == (digest, code_sha256):
            return proven.claimed
        claimed = self._hub.prove_reset(digest, code)
        with self._lock:
            self._proven = _Proven(digest, code_sha256, claimed, self._clock.monotonic_s() + _PROVEN_S)
        return claimed

    def _event(
        self, digest: str, claimed: Claimed | None, outcome: Literal["succeeded", "failed"], begun_at: datetime
    ) -> SignInAttempted:
        return SignInAttempted(
            attempt_id=uuid4(),
            claim_digest=digest,
            patient_id=claimed.record.patient_id if claimed else None,
            method="reset-code",
            outcome=outcome,
            reason=None if claimed else ResetCodeWrong.code,
            counted=False,
            failures=0,
            locked_for_s=0.0,
            attempted_at=begun_at,
        )
