"""Patients: their correlative code, given out once, and their registration."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session
from stdnum.iso7064 import mod_37_36

from hub.db.tables import Counter, Patient
from hub.errors import Conflict
from protocol.events import PatientRegistered

_SERIES = "patient"


def register_patient(session: Session, event: PatientRegistered, *, message_id: UUID, registered_at: datetime) -> None:
    """Complete the patient's row, which must exist, and give it its code.

    Raises:
        Conflict: the patient is registered already.
    """
    patient = session.get_one(Patient, event.patient_id, populate_existing=True)
    if patient.code is not None:
        raise Conflict("the patient is registered already, by another message")
    patient.code = patient_code(_next_number(session))
    patient.provisional_code = event.provisional_code
    patient.username = event.username
    patient.full_name = event.full_name
    patient.birth_date = event.birth_date
    patient.sex = event.sex.value
    patient.language = event.language.value
    patient.consent_care = event.consent_care
    patient.consent_face = event.consent_face
    patient.face_enrolled = event.face_enrolled
    patient.registered_at = registered_at
    patient.message_id = message_id
    session.flush()


def patient_code(number: int) -> str:
    """Code that a patient can be asked to read out: series, number, and an ISO 7064 mod 37,36 check character."""
    stem = f"P{number:06d}"
    return f"{stem}-{mod_37_36.calc_check_digit(stem)}"


def _next_number(session: Session) -> int:
    # An UPDATE locks the row until commit on every database, so that two writers never get one number.
    number: int | None = session.scalar(
        update(Counter).where(Counter.name == _SERIES).values(value=Counter.value + 1).returning(Counter.value)
    )
    if number is None:
        session.add(Counter(name=_SERIES, value=1))
        session.flush()
        return 1
    return number
