"""Credential records at this kiosk: of patients who registered here, and of those whom the hub handed over for a while.

The caller owns connections and transactions: a change commits together with the event that reports it. Every change
raises the record's version.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from edge.auth import account_rows, sign_in_notices
from edge.auth.account import Account, AccountUnknown, FaceConsentMissing, RecordUnusable, account_of
from edge.auth.account_rows import MAX_DIGESTS, AccountRows, Row
from edge.auth.claim_digest import ClaimDigests
from edge.auth.lockout import Lockout
from edge.auth.password import is_usable_hash
from edge.auth.sign_in_notices import SignInNotice
from edge.auth.vault import Vault, VaultError
from edge.clock import Clock
from edge.errors import EdgeError
from protocol.credentials import CredentialRecord, FaceCredential
from protocol.identity import Consents

log = logging.getLogger(__name__)


class CredentialRecords:
    """Keeps records, each sealed under a key of its patient.

    Args:
        vault: seals the patients' keys.
        digests: of claims.
        lockout: told when several digests turn out to be one account's.
        clock: dates changes.
    """

    def __init__(self, *, vault: Vault, digests: ClaimDigests, lockout: Lockout, clock: Clock) -> None:
        self._rows = AccountRows(vault)
        self._digests = digests
        self._lockout = lockout
        self._clock = clock

    def set_password(self, connection: sqlite3.Connection, patient_id: UUID, password_hash: str) -> CredentialRecord:
        """Replace the password by one from `hash_new_password`.

        Raises:
            AccountUnknown: there is no record here.
        """
        return self._change(connection, patient_id, password_hash=password_hash)

    def set_face(
        self, connection: sqlite3.Connection, patient_id: UUID, face: FaceCredential | None
    ) -> CredentialRecord:
        """Replace or delete the face templates.

        Raises:
            AccountUnknown: there is no record here.
            FaceConsentMissing: a face, and no consent to keep it.
        """
        require_consent(face, self._require(connection, patient_id).consents)
        return self._change(connection, patient_id, face=face)

    def set_consents(self, connection: sqlite3.Connection, patient_id: UUID, consents: Consents) -> CredentialRecord:
        """Replace what the patient agreed to; the face goes with the consent to keep it.

        Raises:
            AccountUnknown: there is no record here.
        """
        changes: dict[str, Any] = {"consents": consents} | ({} if consents.face else {"face": None})
        return self._change(connection, patient_id, **changes)

    def set_code(self, connection: sqlite3.Connection, patient_id: UUID, code: str) -> CredentialRecord:
        """Put the hub's lasting code in place; a card with the provisional one keeps working.

        Raises:
            AccountUnknown: there is no record here.
        """
        name, *codes = self._require(connection, patient_id).claim_digests
        digests = tuple(dict.fromkeys((name, self._digests.digest(code), *codes)))[:MAX_DIGESTS]
        return self._change(connection, patient_id, patient_code=code, claim_digests=digests)

    def adopt(self, connection: sqlite3.Connection, record: CredentialRecord, cached_until_s: float) -> None:
        """Keep a record that the hub handed over until this steady time; one of a version known here changes nothing.

        Raises:
            RecordUnusable: it cannot be used here; nothing was stored.
        """
        if not is_usable_hash(record.password_hash):
            raise RecordUnusable("the record's password hash is of another kind or cost")
        if all(account_rows.owner(connection, d) not in (None, record.patient_id) for d in record.claim_digests):
            raise RecordUnusable("other patients of this kiosk have all names of the record")
        known = self._rows.find(connection, record.patient_id)
        if known is not None and known.version >= record.version and self._opened(known) is not None:
            self._rows.keep_until(connection, record.patient_id, cached_until_s)
            return
        registered_here = known is not None and known.cached_until_s is None
        self._store(connection, record, cached_until_s=None if registered_here else cached_until_s)

    def revoke(self, connection: sqlite3.Connection, patient_id: UUID) -> None:
        """Forget the record, and destroy its key; the next sign-in asks the hub. Counters and locks stay."""
        self._rows.remove(connection, patient_id)

    def delete(self, connection: sqlite3.Connection, patient_id: UUID) -> None:
        """Delete the account: record, key, number and notices. A lock that is on stays until its time is over."""
        digest = account_rows.counter(connection, patient_id)
        if digest is not None:
            sign_in_notices.forget(connection, digest)
        self._rows.remove(connection, patient_id)
        connection.execute("DELETE FROM code_numbers WHERE patient_id = ?", (str(patient_id),))

    def set_fleet_pepper(
        self, pepper: bytes, *, changed: Callable[[sqlite3.Connection, UUID, int], object] = lambda *_: None
    ) -> bool:
        """Take over the fleet's pepper: all records get new claim digests, in one transaction of its own.

        Args:
            pepper: from the hub.
            changed: told of each record and its new version in that transaction; `CredentialQueue.put`.

        Returns:
            Whether it was another pepper than before.
        """
        return self._digests.set_fleet_pepper(pepper, follow=lambda connection: self._redigest(connection, changed))

    def record(self, connection: sqlite3.Connection, patient_id: UUID) -> CredentialRecord | None:
        """The patient's record as it is now; None when this kiosk has none that can be read."""
        return self._readable(connection, patient_id)

    def account(self, connection: sqlite3.Connection, patient_id: UUID) -> Account:
        """The patient's account as it is now.

        Raises:
            AccountUnknown: there is no record here.
        """
        return account_of(self._require(connection, patient_id))

    def registered_here(self, connection: sqlite3.Connection, patient_id: UUID) -> bool:
        """Whether the patient's record is kept here for good, and not only for a while."""
        row = self._rows.find(connection, patient_id)
        return row is not None and row.cached_until_s is None

    def notice(self, connection: sqlite3.Connection, patient_id: UUID) -> SignInNotice:
        """What to tell the patient who signed in: failed attempts on their name, and when they were here before."""
        digest = account_rows.counter(connection, patient_id)
        return SignInNotice(0, None) if digest is None else sign_in_notices.notice(connection, digest)

    def failures_since_last_success(self, connection: sqlite3.Connection, patient_id: UUID) -> int:
        """Failed attempts on the patient's name at this kiosk between their last two sign-ins, and since."""
        return self.notice(connection, patient_id).failed_attempts

    def _change(self, connection: sqlite3.Connection, patient_id: UUID, **changes: Any) -> CredentialRecord:
        record = self._require(connection, patient_id)
        row = self._rows.find(connection, patient_id)
        assert row is not None
        changed = record.model_copy(
            update={"version": record.version + 1, "issued_at": self._clock.now(), **changes},
        )
        self._store(connection, changed, cached_until_s=row.cached_until_s)
        return changed

    def _store(self, connection: sqlite3.Connection, record: CredentialRecord, *, cached_until_s: float | None) -> None:
        self._rows.put(connection, record, cached_until_s=cached_until_s)
        digest = account_rows.counter(connection, record.patient_id)
        assert digest is not None
        owned = [d for d in record.claim_digests if account_rows.owner(connection, d) == record.patient_id]
        self._carry(connection, digest, owned)

    def _carry(self, connection: sqlite3.Connection, digest: str, others: Iterable[str]) -> None:
        others = tuple(others)
        self._lockout.merge(connection, digest, others)
        for other in others:
            sign_in_notices.carry(connection, digest, other)

    def _redigest(
        self, connection: sqlite3.Connection, changed: Callable[[sqlite3.Connection, UUID, int], object]
    ) -> None:
        for patient_id in self._rows.patients(connection):
            record = self._readable(connection, patient_id)
            if record is None:
                continue
            before = account_rows.counter(connection, patient_id)
            digests = (self._digests.digest(record.username), self._digests.digest(record.patient_code))
            if record.claim_digests[: len(digests)] == digests:
                continue
            after = self._change(connection, patient_id, claim_digests=digests)
            if before is not None:
                self._carry(connection, digests[0], (before,))
            changed(connection, patient_id, after.version)

    def _require(self, connection: sqlite3.Connection, patient_id: UUID) -> CredentialRecord:
        record = self._readable(connection, patient_id)
        if record is None:
            raise AccountUnknown("there is no record of this patient here")
        return record

    def _readable(self, connection: sqlite3.Connection, patient_id: UUID) -> CredentialRecord | None:
        row = self._rows.find(connection, patient_id)
        return None if row is None else self._opened(row)

    def _opened(self, row: Row) -> CredentialRecord | None:
        try:
            return self._rows.open(row)
        except VaultError as error:
            log_fault(row.patient_id, error)
            return None


def require_consent(face: FaceCredential | None, consents: Consents) -> None:
    """Raise FaceConsentMissing for a face that may not be kept."""
    if face is not None and not consents.face:
        raise FaceConsentMissing("a face was given without consent to keep it")


def log_fault(patient_id: UUID | None, error: EdgeError) -> None:
    """Tell the technician of a record that cannot be read or checked."""
    # The screen refuses as always; that the record is at fault is for the technician alone.
    log.error("the record of patient %s is at fault: %s", patient_id, error.code)
