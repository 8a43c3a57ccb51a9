"""What the hub itself deletes when a patient wishes so."""

import logging
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from hub.db.identity_tables import ResetCode
from hub.db.tables import Patient
from hub.identity.credentials import destroy_record, strip_face
from hub.identity.deletions import order_deletion, pending_deletions
from hub.identity.errors import CredentialUnreadable
from hub.identity.hub_keys import HubKeys
from hub.identity.orders import all_kiosk_ids
from hub.messages.outbox import withdraw_messages

_log = logging.getLogger(__name__)


def carry_out_deletions(session: Session, keys: HubKeys, *, now: datetime) -> int:
    """Delete at the hub what patients wish deleted, and order every kiosk to do the same; returns how many."""
    deletions = pending_deletions(session)
    for deletion in deletions:
        if deletion.scope == "account":
            _erase_account(session, deletion.patient_id, now=now)
        else:
            _erase_face(session, keys, deletion.patient_id, now=now)
        for kiosk_id in all_kiosk_ids(session):
            order_deletion(session, deletion, kiosk_id=kiosk_id, now=now)
        deletion.done_at_hub_at = now
    session.flush()
    return len(deletions)


def _erase_face(session: Session, keys: HubKeys, patient_id: UUID, *, now: datetime) -> None:
    try:
        strip_face(session, keys, patient_id, now=now)
    except CredentialUnreadable:
        # What cannot be read cannot be kept without its face: a kiosk that has the record hands it in anew.
        _log.exception("the unreadable record of patient %s was deleted whole", patient_id)
        destroy_record(session, patient_id)
    patient = session.get_one(Patient, patient_id)
    patient.face_enrolled = patient.consent_face = False


def _erase_account(session: Session, patient_id: UUID, *, now: datetime) -> None:
    """The account goes; the medical record, with the name of whom it belongs to, is kept as the law wants it."""
    destroy_record(session, patient_id)
    session.execute(delete(ResetCode).where(ResetCode.patient_id == patient_id))
    withdraw_messages(session, patient_id, now=now)
    patient = session.get_one(Patient, patient_id)
    patient.username = patient.email = patient.phone = None
    patient.face_enrolled = patient.consent_face = patient.consent_messages = False
    patient.account_deleted_at = now
