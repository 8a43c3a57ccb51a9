"""Patients and their lesions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select

from hub.api.deps import ReadSession, require
from hub.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from hub.api.schemas import LesionOut, Page, PatientOut
from hub.db.tables import Lesion, Patient
from hub.errors import NotFound

router = APIRouter(prefix="/api/v1", tags=["patients"], dependencies=[Depends(require("clinician", "administrator"))])


@router.get("/patients")
def list_patients(session: ReadSession, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[PatientOut]:
    """Patients, newest first."""
    return page(
        session,
        select(Patient),
        at=Patient.stored_at,
        key=Patient.id,
        limit=limit,
        cursor=cursor,
        show=lambda row: PatientOut.model_validate(row.Patient),
        position=lambda row: (row.Patient.stored_at, row.Patient.id),
    )


@router.get("/patients/{patient_id}")
def read_patient(session: ReadSession, patient_id: UUID) -> PatientOut:
    """One patient."""
    patient = session.get(Patient, patient_id)
    if patient is None:
        raise NotFound("no patient has this id")
    return PatientOut.model_validate(patient)


@router.get("/patients/{patient_id}/lesions")
def list_lesions_of_patient(
    session: ReadSession, patient_id: UUID, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[LesionOut]:
    """Lesions of one patient, newest first."""
    read_patient(session, patient_id)
    return _lesions(session, patient_id, limit, cursor)


@router.get("/lesions")
def list_lesions(
    session: ReadSession,
    patient_id: Annotated[UUID | None, Query(description="Only this patient's.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[LesionOut]:
    """Lesions, newest first."""
    return _lesions(session, patient_id, limit, cursor)


def _lesions(session: ReadSession, patient_id: UUID | None, limit: int, cursor: str | None) -> Page[LesionOut]:
    query = select(Lesion)
    if patient_id is not None:
        query = query.where(Lesion.patient_id == patient_id)
    return page(
        session,
        query,
        at=Lesion.stored_at,
        key=Lesion.id,
        limit=limit,
        cursor=cursor,
        show=lambda row: LesionOut.model_validate(row.Lesion),
        position=lambda row: (row.Lesion.stored_at, row.Lesion.id),
    )
