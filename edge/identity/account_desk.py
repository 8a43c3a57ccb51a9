"""The account of the signed-in patient: what they see of it, change and delete."""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from pydantic import SecretStr

from edge.auth.account import Account
from edge.auth.accounts import Accounts
from edge.clock import Clock
from edge.identity.card import card_svg
from edge.identity.credential_changes import Change, CredentialChanges
from edge.identity.enrolment import Enrolments, EnrolmentUnknown
from edge.identity.sessions import Sessions
from edge.identity.sign_in import SignIn
from edge.storage import Storage
from edge.uplink.credential_queue import CredentialQueue
from edge.visit import Visit
from protocol.identity import Consents, DeletionRequested, DeletionScope

_PROVISIONAL: Final = re.compile(r"[0-9A-Z]+P[0-9]+-")
"""A kiosk's series is its name and P, see `patient_code.kiosk_series`; the hub's is one letter."""


@dataclass(frozen=True)
class AccountSummary:
    """The account as its owner sees it. Times are wall time."""

    full_name: str = field(repr=False)
    patient_code: str
    provisional: bool
    consents: Consents
    face_enrolled: bool
    failed_attempts: int
    """On this name at this kiosk since the sign-in before the present one."""
    last_sign_in_at: datetime | None
    """Of the sign-in before the present one."""


class AccountDesk:
    """Serves the patient of the current visit; every method raises NobodySignedIn when there is none.

    Any of them raises AccountUnknown when the account was deleted or withdrawn meanwhile.
    """

    def __init__(
        self,
        *,
        accounts: Accounts,
        sign_in: SignIn,
        changes: CredentialChanges,
        queue: CredentialQueue,
        enrolments: Enrolments | None,
        sessions: Sessions,
        storage: Storage,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._sign_in = sign_in
        self._changes = changes
        self._queue = queue
        self._enrolments = enrolments
        self._sessions = sessions
        self._storage = storage
        self._clock = clock

    def summary(self) -> AccountSummary:
        """The account as it is now; the visit learns a lasting code that came meanwhile."""
        visit, account = self._current()
        visit.patient_code = account.patient_code
        with self._storage.store.transaction() as connection:
            notice = self._accounts.notice(connection, account.patient_id)
        return AccountSummary(
            full_name=account.full_name,
            patient_code=account.patient_code,
            provisional=_PROVISIONAL.match(account.patient_code) is not None,
            consents=account.consents,
            face_enrolled=account.face_enrolled,
            failed_attempts=notice.failed_attempts,
            last_sign_in_at=notice.last_sign_in_at,
        )

    def card(self) -> bytes:
        """The patient's code as a QR picture (SVG)."""
        return card_svg(self._current()[1].patient_code)

    def change_consents(self, consents: Consents) -> AccountSummary:
        """Set what the patient agrees to; without consent to it the face is deleted everywhere."""
        _, account = self._current()

        def act(connection: sqlite3.Connection) -> None:
            self._accounts.set_consents(connection, account.patient_id, consents)

        delete_face = account.face_enrolled and not consents.face
        self._save(account.patient_id, act, "consents-changed", deletes="face" if delete_face else None)
        return self.summary()

    def set_face(self, enrolment_id: UUID) -> AccountSummary:
        """Sign in by this face from now on, which is consent to keep it.

        Raises:
            EnrolmentUnknown
        """
        _, account = self._current()
        if self._enrolments is None:
            raise EnrolmentUnknown("this kiosk does not read faces")
        enrolment = self._enrolments.get(enrolment_id)

        def act(connection: sqlite3.Connection) -> None:
            consents = account.consents.model_copy(update={"face": True})
            self._accounts.set_consents(connection, account.patient_id, consents)
            self._accounts.set_face(connection, account.patient_id, enrolment.credential)

        self._save(account.patient_id, act, "face-enrolled")
        self._enrolments.forget()
        return self.summary()

    def delete_face(self) -> AccountSummary:
        """Delete the face here at once and everywhere by the hub's orders; the consent to keep one ends too."""
        _, account = self._current()

        def act(connection: sqlite3.Connection) -> None:
            consents = account.consents.model_copy(update={"face": False})
            self._accounts.set_consents(connection, account.patient_id, consents)

        self._save(account.patient_id, act, "face-deleted", deletes="face")
        return self.summary()

    def change_password(self, password: SecretStr, new_password: SecretStr) -> AccountSummary:
        """Set a new password.

        Raises:
            WeakPassword: nothing was set.
            SignInRefused, SignInLocked, SignInThrottled: the old one is wrong, which counts like a failed sign-in.
        """
        _, account = self._current()
        password_hash = self._accounts.hash_new_password(account, new_password)
        self._sign_in.prove_password(account.username, password)

        def act(connection: sqlite3.Connection) -> None:
            self._accounts.set_password(connection, account.patient_id, password_hash)

        self._save(account.patient_id, act, "password-changed")
        return self.summary()

    def delete(self, password: SecretStr) -> None:
        """Delete the account here at once and everywhere by the hub's orders, and end the visit.

        Raises:
            SignInRefused, SignInLocked, SignInThrottled: the password is wrong, which counts like a failed sign-in.
        """
        visit, account = self._current()
        self._sign_in.prove_password(account.username, password)
        event = self._deletion(account.patient_id, "account")
        with self._storage.store.transaction() as connection:
            self._accounts.delete(connection, account.patient_id)
            self._queue.forget(connection, account.patient_id)
            message_id = self._storage.outbox.put(event, connection=connection)
        self._storage.outbox.announce(message_id, event)
        # A capture that runs right now keeps the visit until it is done.
        visit.revoked = True
        self._sessions.end("patient")

    def _current(self) -> tuple[Visit, Account]:
        visit = self._sessions.current
        with self._storage.store.transaction() as connection:
            return visit, self._accounts.account(connection, visit.patient_id)

    def _save(
        self,
        patient_id: UUID,
        act: Callable[[sqlite3.Connection], None],
        change: Change,
        *,
        deletes: DeletionScope | None = None,
    ) -> None:
        deletion = None if deletes is None else self._deletion(patient_id, deletes)
        with self._storage.store.transaction() as connection:
            act(connection)
            announce = self._changes.report(connection, patient_id, change)
            if deletion is not None:
                message_id = self._storage.outbox.put(deletion, connection=connection)
        announce()
        if deletion is not None:
            self._storage.outbox.announce(message_id, deletion)

    def _deletion(self, patient_id: UUID, scope: DeletionScope) -> DeletionRequested:
        return DeletionRequested(request_id=uuid4(), patient_id=patient_id, scope=scope, requested_at=self._clock.now())
