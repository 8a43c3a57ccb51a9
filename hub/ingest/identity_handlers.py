"""What reports of identity add: attempts, changed consents, deletions, receipts. The identity thread does the rest."""

from hub.db.identity_tables import Deletion, SignInAttempt
from hub.db.tables import Patient
from hub.identity.deletions import take_receipt
from hub.identity.orders import note_answer
from hub.ingest.messages import Fact
from hub.ingest.writes import Writes
from hub.records.patients import change_credentials
from protocol.events import CommandAnswered
from protocol.identity import CredentialsChanged, DeletionReceipted, DeletionRequested, SignInAttempted


def command_answered(fact: Fact, kiosk_id: int, writes: Writes) -> None:
    """Settle the order, if it was one that the hub keeps; for others the inbox row says it all."""
    event: CommandAnswered = fact.envelope.payload
    writes.then(
        lambda session: note_answer(
            session,
            order_id=event.command_id,
            kiosk_id=kiosk_id,
            outcome=event.outcome,
            now=fact.delivery.received_at,
        )
    )


def sign_in_attempted(fact: Fact, kiosk_id: int, writes: Writes) -> None:
    """Add the attempt; it is counted with those of other kiosks after the commit."""
    event: SignInAttempted = fact.envelope.payload
    received_at = fact.delivery.received_at
    writes.add(
        SignInAttempt,
        event.model_dump()
        | {
            "message_id": fact.envelope.message_id,
            "kiosk_id": kiosk_id,
            "received_at": received_at,
            "effective_at": min(event.attempted_at, received_at),
            "merged": False,
        },
    )


def credentials_changed(fact: Fact, _kiosk_id: int, writes: Writes) -> None:
    """Take over the consents, unless a newer change has been heard of already."""
    event: CredentialsChanged = fact.envelope.payload
    writes.add_missing(Patient, {"id": event.patient_id, "stored_at": fact.delivery.received_at})
    writes.then(lambda session: change_credentials(session, event))


def deletion_requested(fact: Fact, _kiosk_id: int, writes: Writes) -> None:
    """Add the wish; it is carried out after the commit."""
    event: DeletionRequested = fact.envelope.payload
    received_at = fact.delivery.received_at
    writes.add_missing(Patient, {"id": event.patient_id, "stored_at": received_at})
    writes.add(
        Deletion,
        {
            "id": event.request_id,
            "patient_id": event.patient_id,
            "scope": event.scope,
            "requested_by": f"patient at {fact.kiosk.site}/{fact.kiosk.kiosk}",
            "requested_at": event.requested_at,
            "received_at": received_at,
        },
    )


def deletion_receipted(fact: Fact, kiosk_id: int, writes: Writes) -> None:
    """Settle the kiosk's order, if the receipt is signed by the kiosk's key."""
    event: DeletionReceipted = fact.envelope.payload
    writes.then(lambda session: take_receipt(session, event, kiosk_id=kiosk_id, now=fact.delivery.received_at))
