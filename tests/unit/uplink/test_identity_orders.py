"""Orders and the queue of records, with a store that keeps records in memory and a hub of our own at the port."""

import sqlite3
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import SecretStr

from edge.bus import Bus, LinkChanged
from edge.errors import EdgeError
from edge.store import Store
from edge.uplink import credential_queue
from edge.uplink import outbox as outbox_module
from edge.uplink.credential_queue import CredentialQueue
from edge.uplink.hub_identity import Claimed, HubUnreachable, IdentityDeleted, RecordOutdated, RecordRefused
from edge.uplink.identity_orders import IdentityOrders
from edge.uplink.kiosk_keys import KioskKeyPair
from edge.uplink.outbox import Outbox
from protocol import codec
from protocol.commands import (
    COMMAND_NAMES,
    AssignPatientCode,
    ClearSignInLock,
    Command,
    DeleteIdentity,
    LockSignIn,
    RevokeCredentials,
)
from protocol.credentials import CredentialRecord, FaceCredential
from protocol.envelope import CommandEnvelope
from protocol.events import CommandAnswered, Language, Sex
from protocol.identity import Consents, DeletionReceipted, deletion_statement

PATIENT, STRANGER = UUID(int=1), UUID(int=2)
NAME = "a" * 64
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


class Records:
    """Credential records of this kiosk; a change may be made to fail."""

    def __init__(self) -> None:
        self.kept: dict[UUID, CredentialRecord] = {}
        self.failure: EdgeError | None = None

    def add(self, **changes: Any) -> None:
        face = FaceCredential(algorithm="a/1", transform_version=1, transform_key="AAAA", templates=("AAAA",))
        fields: dict[str, Any] = {
            "patient_id": PATIENT, "version": 1, "username": "zebulon", "claim_digests": (NAME,),
            "password_hash": "$argon2id$x", "full_name": "Z", "sex": Sex.MALE, "language": Language.EN,
            "patient_code": "K1P1", "consents": Consents(face=True), "issued_at": NOW, "face": face,
        }  # fmt: skip
        made = CredentialRecord.model_validate(fields | changes)
        self.kept[made.patient_id] = made

    def record(self, connection: sqlite3.Connection, patient_id: UUID) -> CredentialRecord | None:
        return self.kept.get(patient_id)

    def set_code(self, connection: sqlite3.Connection, patient_id: UUID, code: str) -> None:
        self._change(patient_id, patient_code=code)

    def set_face(self, connection: sqlite3.Connection, patient_id: UUID, face: FaceCredential | None) -> None:
        self._change(patient_id, face=face)

    def revoke(self, connection: sqlite3.Connection, patient_id: UUID) -> None:
        del self.kept[patient_id]

    def delete(self, connection: sqlite3.Connection, patient_id: UUID) -> None:
        del self.kept[patient_id]

    def _change(self, patient_id: UUID, **changes: Any) -> None:
        if self.failure is not None:
            raise self.failure
        known = self.kept[patient_id]
        self.kept[patient_id] = known.model_copy(update={"version": known.version + 1, **changes})


class Locks:
    def __init__(self) -> None:
        self.locked: dict[str, float] = {}

    def lock(self, connection: sqlite3.Connection, digest: str, remaining_s: float) -> None:
        self.locked[digest] = max(remaining_s, self.locked.get(digest, 0))

    def clear(self, connection: sqlite3.Connection, digest: str) -> None:
        self.locked.pop(digest, None)


class FakeHub:
    """Takes records, or fails as told; `meanwhile` runs while one is on its way."""

    def __init__(self) -> None:
        self.failure: EdgeError | None = None
        self.taken: list[CredentialRecord] = []
        self.arrived = threading.Event()
        self.meanwhile: Callable[[], None] = lambda: None

    def enrol(self) -> bytes:
        return b"p" * 32

    def put(self, record: CredentialRecord) -> None:
        self.meanwhile()
        if self.failure is not None:
            raise self.failure
        self.taken.append(record)
        self.arrived.set()

    def claim(self, claim_digest: str) -> Claimed | None:
        raise HubUnreachable("not asked here")

    def order_reset(self, claim_digest: str, channel: Literal["email", "sms"]) -> None:
        raise HubUnreachable("not asked here")

    def prove_reset(self, claim_digest: str, code: SecretStr) -> Claimed:
        raise HubUnreachable("not asked here")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "kiosk.db", (outbox_module.MIGRATIONS + credential_queue.MIGRATIONS,))
    yield store
    store.close()


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def locks() -> Locks:
    return Locks()


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def peppers() -> list[bytes]:
    return []


@pytest.fixture
def queue(store: Store, records: Records, hub: FakeHub, clock: Any, bus: Bus, peppers: list[bytes]) -> CredentialQueue:
    return CredentialQueue(store=store, records=records, hub=hub, clock=clock, bus=bus, on_pepper=peppers.append)


@pytest.fixture
def keys(tmp_path: Path) -> KioskKeyPair:
    return KioskKeyPair.open_file(tmp_path / "kiosk.keys")


@pytest.fixture
def gone() -> list[UUID]:
    return []


@pytest.fixture
def obey(
    store: Store, outbox: Outbox, locks: Locks, records: Records, queue: CredentialQueue, keys: KioskKeyPair,
    clock: Any, gone: list[UUID],
) -> Callable[[Command], list[Any]]:  # fmt: skip
    orders = IdentityOrders(
        store=store, outbox=outbox, locks=locks, identities=records, queue=queue, keys=keys, clock=clock,
        site="village", kiosk="k1", on_revoked=gone.append,
    )  # fmt: skip

    def give(command: Command) -> list[Any]:
        """Returns what the kiosk reports of it."""
        before = {message.message_id for message in outbox.pending(limit=100)}
        orders.obey(
            CommandEnvelope(
                message_id=uuid4(),
                type=COMMAND_NAMES[type(command)],
                site="village",
                kiosk="k1",
                issued_at=NOW,
                expires_at=NOW,
                payload=command,
            )
        )
        new = [message for message in outbox.pending(limit=100) if message.message_id not in before]
        return [codec.decode_event(message.body).payload for message in new]

    return give


def put(store: Store, queue: CredentialQueue, version: int = 1) -> None:
    with store.transaction() as connection:
        queue.put(connection, PATIENT, version)


def test_locks_are_set_and_cleared(obey: Any, locks: Locks) -> None:
    obey(LockSignIn(claim_digest=NAME, remaining_s=60))
    assert locks.locked == {NAME: 60}
    (answer,) = obey(ClearSignInLock(claim_digest=NAME))
    assert (answer.outcome, locks.locked) == ("done", {})


def test_a_lasting_code_is_taken_over_once_and_reported_to_the_hub(
    obey: Any, records: Records, queue: CredentialQueue
) -> None:
    records.add()
    for _ in range(2):
        (answer,) = obey(AssignPatientCode(patient_id=PATIENT, code="P000001-AAAA-1"))
        assert answer.outcome == "done"
    assert (records.kept[PATIENT].patient_code, records.kept[PATIENT].version) == ("P000001-AAAA-1", 2)
    assert queue.waiting() == [PATIENT]
    (answer,) = obey(AssignPatientCode(patient_id=STRANGER, code="P2"))
    assert (answer.outcome, answer.detail) == ("done", "not-known-here")


def test_a_revoked_record_is_gone_with_what_waited_of_it(
    obey: Any, records: Records, queue: CredentialQueue, store: Store, gone: list[UUID]
) -> None:
    records.add()
    put(store, queue)
    for _ in range(2):
        (answer,) = obey(RevokeCredentials(patient_id=PATIENT))
        assert answer.outcome == "done"
    assert (records.kept, queue.waiting(), gone) == ({}, [], [PATIENT, PATIENT])


@pytest.mark.parametrize(
    ("scope", "removed", "left"), [("account", ("face-template", "account"), 0), ("face", ("face-template",), 1)]
)
def test_a_deletion_is_receipted_with_a_signature_that_verifies_each_time_it_is_ordered(
    obey: Any, records: Records, keys: KioskKeyPair, scope: Any, removed: tuple[str, ...], left: int
) -> None:
    records.add()
    order = DeleteIdentity(order_id=uuid4(), patient_id=PATIENT, scope=scope)
    for expected in (removed, ()):
        receipt, answer = obey(order)
        assert isinstance(receipt, DeletionReceipted)
        assert isinstance(answer, CommandAnswered)
        assert receipt.removed == expected
        statement = deletion_statement(
            order_id=order.order_id, patient_id=PATIENT, scope=scope, site="village", kiosk="k1",
            deleted_at=receipt.deleted_at,
        )  # fmt: skip
        public = Ed25519PublicKey.from_public_bytes(b64decode(keys.public.signing_key))
        public.verify(b64decode(receipt.signature), statement)
    assert len(records.kept) == left
    assert all(record.face is None for record in records.kept.values())


def test_an_order_that_cannot_be_obeyed_is_answered_so(obey: Any, records: Records) -> None:
    records.add()
    records.failure = EdgeError("no")
    (answer,) = obey(DeleteIdentity(order_id=uuid4(), patient_id=PATIENT, scope="face"))
    assert (answer.outcome, answer.detail) == ("refused", "edge")
    assert records.kept[PATIENT].face is not None


def test_the_thread_enrols_then_sends_the_newest_record(
    queue: CredentialQueue, records: Records, hub: FakeHub, store: Store, peppers: list[bytes], bus: Bus
) -> None:
    records.add(version=1)
    put(store, queue, 1)
    records.add(version=4)
    queue.start()
    assert hub.arrived.wait(20)
    queue.stop()
    assert (peppers, [record.version for record in hub.taken]) == ([b"p" * 32], [4])
    assert queue.enrolled
    bus.publish(LinkChanged(connected=True))


def test_a_hub_that_is_away_keeps_the_queue(
    queue: CredentialQueue, records: Records, hub: FakeHub, store: Store
) -> None:
    records.add()
    put(store, queue)
    hub.failure = HubUnreachable("away")
    with pytest.raises(HubUnreachable):
        queue.send_waiting()
    assert queue.waiting() == [PATIENT]
    hub.failure = None
    queue.send_waiting()
    assert queue.waiting() == []


@pytest.mark.parametrize("failure", [RecordOutdated("newer"), IdentityDeleted("gone")])
def test_what_the_hub_knows_better_is_forgotten_here(
    queue: CredentialQueue, records: Records, hub: FakeHub, store: Store, failure: EdgeError
) -> None:
    records.add()
    put(store, queue)
    hub.failure = failure
    queue.send_waiting()
    assert (records.kept, queue.waiting()) == ({}, [])


def test_a_refused_record_stays_usable_here_and_is_sent_again_only_when_it_changes(
    queue: CredentialQueue, records: Records, hub: FakeHub, store: Store
) -> None:
    records.add()
    put(store, queue)
    hub.failure = RecordRefused("no")
    queue.send_waiting()
    assert (list(records.kept), queue.waiting()) == ([PATIENT], [])
    put(store, queue, 2)
    assert queue.waiting() == [PATIENT]


def test_a_change_while_a_record_is_on_its_way_is_sent_as_well(
    queue: CredentialQueue, records: Records, hub: FakeHub, store: Store
) -> None:
    records.add()
    put(store, queue)

    def change() -> None:
        records.add(version=2)
        put(store, queue, 2)

    hub.meanwhile = change
    queue.send_waiting()
    assert queue.waiting() == [PATIENT]


def test_what_is_queued_of_a_patient_who_is_gone_is_dropped(queue: CredentialQueue, hub: FakeHub, store: Store) -> None:
    put(store, queue)
    queue.send_waiting()
    assert (hub.taken, queue.waiting()) == ([], [])
