"""One function an event: which rows it adds. Events may come in any order, so what they refer to may be missing."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from hub.db.tables import Analysis, Lesion, Patient, Refusal, Visit
from hub.identity.credentials import tell_code
from hub.ingest.identity_handlers import (
    command_answered,
    credentials_changed,
    deletion_receipted,
    deletion_requested,
    sign_in_attempted,
)
from hub.ingest.messages import Fact
from hub.ingest.writes import Writes
from hub.records.patients import register_patient
from hub.records.visits import end_visit
from protocol.events import (
    AnalysisCompleted,
    CaptureRefused,
    CommandAnswered,
    Event,
    PatientRegistered,
    VisitEnded,
)
from protocol.identity import CredentialsChanged, DeletionReceipted, DeletionRequested, SignInAttempted

Handler = Callable[[Fact, int, Writes], None]
"""Takes the fact, the kiosk's row id, and where to put the rows."""


def patient_registered(fact: Fact, kiosk_id: int, writes: Writes) -> None:
    """Complete the patient's row, give the patient a code, and tell the kiosk of it."""
    event: PatientRegistered = fact.envelope.payload
    writes.add_missing(Patient, _patient(event.patient_id, fact))

    def register(session: Session) -> None:
        register_patient(session, event, message_id=fact.envelope.message_id, registered_at=fact.envelope.occurred_at)
        tell_code(session, event.patient_id, kiosk_id=kiosk_id, known=None, now=fact.delivery.received_at)

    writes.then(register)


def analysis_completed(fact: Fact, kiosk_id: int, writes: Writes) -> None:
    """Add the analysis, and its patient, lesion and visit if they are not there yet."""
    event: AnalysisCompleted = fact.envelope.payload
    stored_at = fact.delivery.received_at
    _add_patient_and_visit(event, fact, kiosk_id, writes)
    writes.add_missing(
        Lesion,
        {
            "id": event.lesion.lesion_id,
            "patient_id": event.patient_id,
            "body_site": event.lesion.body_site.value,
            "stored_at": stored_at,
        },
    )
    writes.add(
        Analysis,
        {
            "id": event.analysis_id,
            "message_id": fact.envelope.message_id,
            "stored_at": stored_at,
            "patient_id": event.patient_id,
            "lesion_id": event.lesion.lesion_id,
            "visit_id": event.visit_id,
            "captured_at": event.captured_at,
            "image_sha256": event.image.sha256,
            "heat_map_sha256": event.heat_map.sha256 if event.heat_map else None,
            "image": event.image,
            "heat_map": event.heat_map,
            "device": event.device,
            "quality": event.quality,
            "task": event.task,
            "answers": event.answers,
            "exclusions": list(event.exclusions),
            "model": event.model,
            "probabilities": event.probabilities,
            "malignant": event.malignant,
            "out_of_distribution": event.out_of_distribution,
            "tier": event.assessment.tier.value,
            "reasons": list(event.assessment.reasons),
            "advice": event.assessment.advice,
            "valid_until": event.assessment.valid_until,
            "simulated": event.simulated,
            "stage_ms": event.stage_ms,
        },
    )


def capture_refused(fact: Fact, kiosk_id: int, writes: Writes) -> None:
    """Add the refusal, and its patient and visit if they are not there yet."""
    event: CaptureRefused = fact.envelope.payload
    _add_patient_and_visit(event, fact, kiosk_id, writes)
    writes.add(
        Refusal,
        {
            "id": event.capture_id,
            "message_id": fact.envelope.message_id,
            "stored_at": fact.delivery.received_at,
            "patient_id": event.patient_id,
            "visit_id": event.visit_id,
            "captured_at": event.captured_at,
            "faults": list(event.faults),
            "quality": event.quality,
            "device": event.device,
            "simulated": event.simulated,
        },
    )


def visit_ended(fact: Fact, kiosk_id: int, writes: Writes) -> None:
    """Complete the visit's row."""
    event: VisitEnded = fact.envelope.payload
    _add_patient_and_visit(event, fact, kiosk_id, writes)
    writes.then(lambda session: end_visit(session, event, message_id=fact.envelope.message_id))


HANDLERS: dict[type[Event], Handler] = {
    PatientRegistered: patient_registered,
    AnalysisCompleted: analysis_completed,
    CaptureRefused: capture_refused,
    VisitEnded: visit_ended,
    CommandAnswered: command_answered,
    SignInAttempted: sign_in_attempted,
    CredentialsChanged: credentials_changed,
    DeletionRequested: deletion_requested,
    DeletionReceipted: deletion_receipted,
}


def _add_patient_and_visit(
    event: AnalysisCompleted | CaptureRefused | VisitEnded, fact: Fact, kiosk_id: int, writes: Writes
) -> None:
    writes.add_missing(Patient, _patient(event.patient_id, fact))
    writes.add_missing(
        Visit,
        {
            "id": event.visit_id,
            "patient_id": event.patient_id,
            "kiosk_id": kiosk_id,
            "stored_at": fact.delivery.received_at,
        },
    )


def _patient(patient_id: Any, fact: Fact) -> dict[str, Any]:
    return {"id": patient_id, "stored_at": fact.delivery.received_at}
