"""Reading analyses, with where they came from and whether their images are here."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session, aliased

from hub.db.tables import Analysis, Image, InboxMessage, Kiosk, Lesion, Patient
from hub.errors import NotFound
from hub.records.origin import Origin
from protocol.events import Tier

_Picture = aliased(Image)
_HeatMap = aliased(Image)


@dataclass(frozen=True)
class AnalysisRecord:
    """One analysis with its surroundings."""

    analysis: Analysis
    origin: Origin
    body_site: str
    patient_code: str | None
    image_stored: bool
    heat_map_stored: bool

    @property
    def complete(self) -> bool:
        """Whether the image is here, and its heat map if it has one."""
        return self.image_stored and (self.heat_map_stored or self.analysis.heat_map_sha256 is None)


def select_analyses(
    *, patient_id: UUID | None = None, visit_id: UUID | None = None, tier: Tier | None = None
) -> Select[*tuple[Any, ...]]:
    """Query of analyses; give its rows to `analysis_record`."""
    query: Select[*tuple[Any, ...]] = (
        select(
            Analysis,
            Kiosk.site,
            Kiosk.name,
            InboxMessage.sequence,
            InboxMessage.received_at,
            Lesion.body_site,
            Patient.code,
            _Picture.sha256.is_not(None).label("image_stored"),
            _HeatMap.sha256.is_not(None).label("heat_map_stored"),
        )
        .join(InboxMessage, InboxMessage.message_id == Analysis.message_id)
        .join(Kiosk, Kiosk.id == InboxMessage.kiosk_id)
        .join(Lesion, Lesion.id == Analysis.lesion_id)
        .join(Patient, Patient.id == Analysis.patient_id)
        .outerjoin(_Picture, _Picture.sha256 == Analysis.image_sha256)
        .outerjoin(_HeatMap, _HeatMap.sha256 == Analysis.heat_map_sha256)
    )
    if patient_id is not None:
        query = query.where(Analysis.patient_id == patient_id)
    if visit_id is not None:
        query = query.where(Analysis.visit_id == visit_id)
    if tier is not None:
        query = query.where(Analysis.tier == tier.value)
    return query


def analysis_record(row: Row[Any]) -> AnalysisRecord:
    """A row of `select_analyses`, named."""
    return AnalysisRecord(
        analysis=row.Analysis,
        origin=Origin(row.Analysis.message_id, row.site, row.name, row.sequence, row.received_at),
        body_site=row.body_site,
        patient_code=row.code,
        image_stored=row.image_stored,
        heat_map_stored=row.heat_map_stored,
    )


def get_analysis(session: Session, analysis_id: UUID) -> AnalysisRecord:
    """One analysis.

    Raises:
        NotFound: there is none with this id.
    """
    row = session.execute(select_analyses().where(Analysis.id == analysis_id)).one_or_none()
    if row is None:
        raise NotFound("no analysis has this id")
    return analysis_record(row)
