"""Analyses and refused captures."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from hub.api.deps import ReadSession, require
from hub.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from hub.api.schemas import AnalysisOut, Origin, Page, RefusalOut
from hub.db.tables import Analysis, Refusal
from hub.records.analyses import AnalysisRecord, analysis_record, get_analysis, select_analyses
from hub.records.refusals import RefusalRecord, refusal_record, select_refusals
from protocol.events import Tier

router = APIRouter(prefix="/api/v1", tags=["analyses"], dependencies=[Depends(require("clinician", "administrator"))])
PatientFilter = Annotated[UUID | None, Query(description="Only this patient's.")]


@router.get("/analyses")
def list_analyses(
    *,
    session: ReadSession,
    patient_id: PatientFilter = None,
    visit_id: Annotated[UUID | None, Query(description="Only this visit's.")] = None,
    tier: Annotated[Tier | None, Query(description="Only those of this tier.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[AnalysisOut]:
    """Analyses, newest first."""
    return page(
        session,
        select_analyses(patient_id=patient_id, visit_id=visit_id, tier=tier),
        at=Analysis.stored_at,
        key=Analysis.id,
        limit=limit,
        cursor=cursor,
        show=lambda row: _analysis(analysis_record(row)),
        position=lambda row: (row.Analysis.stored_at, row.Analysis.id),
    )


@router.get("/analyses/{analysis_id}")
def read_analysis(session: ReadSession, analysis_id: UUID) -> AnalysisOut:
    """One analysis."""
    return _analysis(get_analysis(session, analysis_id))


@router.get("/refusals")
def list_refusals(
    session: ReadSession, patient_id: PatientFilter = None, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[RefusalOut]:
    """Refused captures, newest first."""
    return page(
        session,
        select_refusals(patient_id=patient_id),
        at=Refusal.stored_at,
        key=Refusal.id,
        limit=limit,
        cursor=cursor,
        show=lambda row: _refusal(refusal_record(row)),
        position=lambda row: (row.Refusal.stored_at, row.Refusal.id),
    )


def _analysis(record: AnalysisRecord) -> AnalysisOut:
    row = record.analysis
    return AnalysisOut.model_validate(
        {
            "id": row.id,
            "complete": record.complete,
            "image_stored": record.image_stored,
            "heat_map_stored": record.heat_map_stored,
            "origin": Origin.model_validate(record.origin),
            "patient_id": row.patient_id,
            "patient_code": record.patient_code,
            "visit_id": row.visit_id,
            "lesion": {"lesion_id": row.lesion_id, "body_site": record.body_site},
            "captured_at": row.captured_at,
            "image": row.image,
            "heat_map": row.heat_map,
            "device": row.device,
            "quality": row.quality,
            "task": row.task,
            "answers": row.answers,
            "exclusions": row.exclusions,
            "model": row.model,
            "probabilities": row.probabilities,
            "malignant": row.malignant,
            "out_of_distribution": row.out_of_distribution,
            "assessment": {
                "tier": row.tier,
                "reasons": row.reasons,
                "advice": row.advice,
                "valid_until": row.valid_until,
            },
            "simulated": row.simulated,
            "stage_ms": row.stage_ms,
        }
    )


def _refusal(record: RefusalRecord) -> RefusalOut:
    row = record.refusal
    return RefusalOut.model_validate(
        {
            "id": row.id,
            "origin": Origin.model_validate(record.origin),
            "patient_id": row.patient_id,
            "patient_code": record.patient_code,
            "visit_id": row.visit_id,
            "captured_at": row.captured_at,
            "faults": row.faults,
            "quality": row.quality,
            "device": row.device,
            "simulated": row.simulated,
        }
    )
