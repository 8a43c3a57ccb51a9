"""Patients: their correlative code, given out once, and their registration."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session
from stdnum.iso7064 import mod_37_36

from hub.db.tables import Counter, Patient
from hub.errors import Conflict
from protocol.events import PatientRegistered
from protocol.identity import Consents, CredentialsChanged

_SERIES = "patient"
_LOOKALIKES = "OI"
_LEGIBLE = str.maketrans(_LOOKALIKES, "01")
_FACE_AFTER = {"face-enrolled": True, "face-deleted": False}


def register_patient(session: Session, event: PatientRegistered, *, message_id: UUID, registered_at: datetime) -> str:
    """Complete the patient's row, which must exist, and give it its code, which is returned.

    Raises:
        Conflict: the patient is registered already.
    """
    patient = session.get_one(Patient, event.patient_id, populate_existing=True)
    if patient.code is not None:
        raise Conflict("the patient is registered already, by another message")
    patient.code = _next_code(session, event.code_suffix)
    patient.provisional_code = event.provisional_code
    patient.full_name = event.full_name
    patient.birth_date = event.birth_date
    patient.sex = event.sex.value
    patient.language = event.language.value
    patient.consent_care = event.consent_care
    patient.history = event.history.model_dump(mode="json") if event.history else None
    patient.guardian = event.guardian.model_dump(mode="json") if event.guardian else None
    patient.attendant = event.attendant
    if patient.account_deleted_at is None:  # a deletion may overtake the registration that it ends
        patient.username = event.username
        patient.email, patient.phone = event.contact.email, event.contact.phone
    if patient.credentials_version is None and patient.account_deleted_at is None:
        _take_consents(patient, event.consents or Consents(face=event.consent_face))
        patient.face_enrolled = event.face_enrolled
    patient.registered_at = registered_at
    patient.message_id = message_id
    session.flush()
    return patient.code


def change_credentials(session: Session, event: CredentialsChanged) -> None:
    """Take over what a patient agreed to, unless a newer change has been heard of, or the account was deleted."""
    patient = session.get_one(Patient, event.patient_id, populate_existing=True)
    if patient.account_deleted_at is not None or event.version <= (patient.credentials_version or 0):
        return
    patient.credentials_version = event.version
    _take_consents(patient, event.consents)
    if event.change in _FACE_AFTER:
        patient.face_enrolled = _FACE_AFTER[event.change]
    session.flush()


def patient_code(number: int, suffix: str | None = None) -> str:
    """Code that a patient can be asked to read out: series, number, suffix, and an ISO 7064 MOD 37,36 check character.

    `suffix` is 4 characters that the kiosk derived from the enrolment; a kiosk before 1.2 sent none.
    """
    stem = f"P{number:06d}" if suffix is None else f"P{number:06d}-{suffix}"
    return f"{stem}-{mod_37_36.calc_check_digit(stem.replace('-', ''))}"


def _take_consents(patient: Patient, consents: Consents) -> None:
    patient.consent_face, patient.consent_messages = consents.face, consents.messages
    patient.consent_research = consents.research


def _next_code(session: Session, suffix: str | None) -> str:
    """The next code that nobody can misread: numbers whose check character looks like a digit are left out."""
    legible = None if suffix is None else suffix.translate(_LEGIBLE)
    while True:
        code = patient_code(_next_number(session), legible)
        if code[-1] not in _LOOKALIKES:
            return code


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
