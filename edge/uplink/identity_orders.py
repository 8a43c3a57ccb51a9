"""Obeys the hub's orders about identity: locks, lasting codes, revocations, deletions. Each may come again."""

import logging
import sqlite3
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final, Protocol
from uuid import UUID

from edge.clock import Clock
from edge.errors import EdgeError
from edge.store import StorageFailed, StorageFull, Store
from edge.uplink.credential_queue import CredentialQueue
from edge.uplink.kiosk_keys import KioskKeyPair
from edge.uplink.outbox import Outbox
from protocol.commands import (
    AssignPatientCode,
    ClearSignInLock,
    DeleteIdentity,
    LockSignIn,
    RevokeCredentials,
)
from protocol.credentials import CredentialRecord, FaceCredential
from protocol.envelope import CommandEnvelope
from protocol.events import CommandAnswered
from protocol.identity import DeletionReceipted, DeletionScope, deletion_statement

log = logging.getLogger(__name__)

IdentityCommand = LockSignIn | ClearSignInLock | AssignPatientCode | RevokeCredentials | DeleteIdentity
UNKNOWN_HERE: Final = "not-known-here"
FACE_TEMPLATE: Final = "face-template"
ACCOUNT: Final = "account"


class SignInLocks(Protocol):
    """The kiosk's locks of claimed names."""

    def lock(self, connection: sqlite3.Connection, digest: str, remaining_s: float) -> object:
        """Lock a name for this long from now; a longer lock that is on already stays."""
        ...

    def clear(self, connection: sqlite3.Connection, digest: str) -> object:
        """Unlock a name and forget its failures."""
        ...


class IdentityStore(Protocol):
    """The kiosk's credential records. The changing methods are called for known patients only."""

    def record(self, connection: sqlite3.Connection, patient_id: UUID) -> CredentialRecord | None:
        """The patient's record as it is now; None when this kiosk has none."""
        ...

    def set_code(self, connection: sqlite3.Connection, patient_id: UUID, code: str) -> object:
        """Put the lasting code in place of the provisional one; the record's version rises."""
        ...

    def set_face(self, connection: sqlite3.Connection, patient_id: UUID, face: FaceCredential | None) -> object:
        """Replace or delete the face templates; the record's version rises."""
        ...

    def revoke(self, connection: sqlite3.Connection, patient_id: UUID) -> object:
        """Forget the record; the next sign-in asks the hub."""
        ...

    def delete(self, connection: sqlite3.Connection, patient_id: UUID) -> object:
        """Delete the account and destroy its key."""
        ...


class IdentityOrders:
    """Obeys one order in one transaction with its answer.

    Args:
        store: the kiosk's database.
        outbox: takes the signed receipts and the answers.
        locks: of claimed names.
        identities: credential records.
        queue: told of records that changed or went.
        keys: sign receipts.
        clock: dates receipts.
        site: of this kiosk.
        kiosk: of this kiosk.
        on_revoked: is told, after the commit, of patients whose record is gone from here.
    """

    def __init__(
        self,
        *,
        store: Store,
        outbox: Outbox,
        locks: SignInLocks,
        identities: IdentityStore,
        queue: CredentialQueue,
        keys: KioskKeyPair,
        clock: Clock,
        site: str,
        kiosk: str,
        on_revoked: Callable[[UUID], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._locks = locks
        self._identities = identities
        self._queue = queue
        self._keys = keys
        self._clock = clock
        self._site = site
        self._kiosk = kiosk
        self._on_revoked = on_revoked

    def obey(self, command: CommandEnvelope[Any]) -> None:
        """Do what is ordered and save the answer, together or not at all.

        Raises:
            StorageFull, StorageFailed: nothing was done; the hub orders it again.
        """
        order: IdentityCommand = command.payload
        try:
            with self._store.transaction() as connection:
                detail = self._do(connection, order)
                answer = CommandAnswered(command_id=command.message_id, outcome="done", detail=detail)
                message_id = self._outbox.put(answer, connection=connection)
        except (StorageFull, StorageFailed):
            raise
        except EdgeError as error:
            log.warning("order %s was not obeyed: %s", command.type, error.code)
            self._outbox.save(CommandAnswered(command_id=command.message_id, outcome="refused", detail=error.code))
            return
        self._outbox.announce(message_id, answer)
        self._queue.wake()
        if isinstance(order, RevokeCredentials | DeleteIdentity):
            self._on_revoked(order.patient_id)

    def _do(self, connection: sqlite3.Connection, order: IdentityCommand) -> str | None:
        """Obey within the transaction; returns what the answer adds to "done"."""
        if isinstance(order, LockSignIn):
            self._locks.lock(connection, order.claim_digest, order.remaining_s)
        elif isinstance(order, ClearSignInLock):
            self._locks.clear(connection, order.claim_digest)
        elif isinstance(order, AssignPatientCode):
            return self._assign_code(connection, order)
        elif isinstance(order, RevokeCredentials):
            # A change that waits here would come too late: the hub has a newer record, or withdrew this one.
            self._queue.forget(connection, order.patient_id)
            if self._identities.record(connection, order.patient_id) is not None:
                self._identities.revoke(connection, order.patient_id)
        else:
            removed = self._delete(connection, order)
            self._outbox.put(self._receipt(order, removed), connection=connection)
        return None

    def _assign_code(self, connection: sqlite3.Connection, order: AssignPatientCode) -> str | None:
        known = self._identities.record(connection, order.patient_id)
        if known is None:
            return UNKNOWN_HERE
        if known.patient_code != order.code:
            self._identities.set_code(connection, order.patient_id, order.code)
            self._requeue(connection, order.patient_id)
        return None

    def _delete(self, connection: sqlite3.Connection, order: DeleteIdentity) -> tuple[str, ...]:
        """Delete what is here; returns slugs of what was."""
        known = self._identities.record(connection, order.patient_id)
        if order.scope == "account":
            self._queue.forget(connection, order.patient_id)
        if known is None:
            return ()
        face = (FACE_TEMPLATE,) if known.face is not None else ()
        if order.scope == "account":
            self._identities.delete(connection, order.patient_id)
            return (*face, ACCOUNT)
        if face:
            self._identities.set_face(connection, order.patient_id, None)
            self._requeue(connection, order.patient_id)
        return face

    def _receipt(self, order: DeleteIdentity, removed: tuple[str, ...]) -> DeletionReceipted:
        scope: DeletionScope = order.scope
        deleted_at = self._clock.now()
        statement = deletion_statement(
            order_id=order.order_id,
            patient_id=order.patient_id,
            scope=scope,
            site=self._site,
            kiosk=self._kiosk,
            deleted_at=deleted_at,
        )
        return DeletionReceipted(
            order_id=order.order_id,
            patient_id=order.patient_id,
            scope=scope,
            removed=removed,
            deleted_at=deleted_at,
            signature=b64encode(self._keys.sign(statement)).decode(),
        )

    def _requeue(self, connection: sqlite3.Connection, patient_id: UUID) -> None:
        record = self._identities.record(connection, patient_id)
        if record is not None:
            self._queue.put(connection, patient_id, record.version)
