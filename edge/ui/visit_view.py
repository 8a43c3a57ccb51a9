"""What every screen asks again and again: whose visit it is, where it stands, and what this kiosk offers."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from edge.kiosk import Kiosk
from edge.session_watch import FaceWatchState
from edge.visit import NobodySignedIn, Visit, VisitState
from protocol.events import BodySite, Language


class LesionView(BaseModel):
    """A lesion photographed in this visit."""

    lesion_id: UUID
    body_site: BodySite


class WelcomeView(BaseModel):
    """What a new patient is given; a provisional code gets its lasting successor from the hub."""

    patient_code: str
    provisional: bool


class VisitView(BaseModel):
    """The current visit, or that there is none.

    After `warn_s` seconds without a touch the screen asks, after `idle_s` the visit ends.
    """

    state: VisitState
    visit_id: UUID | None = None
    full_name: str | None = None
    patient_code: str | None = None
    language: Language | None = None
    signed_in_by: str | None = None
    lesions: list[LesionView] = []
    welcome: WelcomeView | None = None
    remaining_s: float
    idle_s: float
    warn_s: float
    face_watch: FaceWatchState
    simulated: bool
    offers_face: bool
    offers_scan: bool


def visit_view(kiosk: Kiosk, *, welcome: WelcomeView | None = None) -> VisitView:
    """Screen data of the visit."""
    journey, screen = kiosk.journey, kiosk.settings.screen
    try:
        fields = _of_patient(journey.visit)
    except NobodySignedIn:
        fields = {}
    return VisitView(
        state=journey.state,
        welcome=welcome,
        remaining_s=journey.remaining_s(),
        idle_s=screen.idle_s,
        warn_s=min(screen.warn_s, screen.idle_s),
        face_watch=kiosk.session_watch.face_state,
        simulated=kiosk.simulated,
        offers_face=kiosk.reception.offers_face,
        offers_scan=kiosk.reception.offers_scan,
        **fields,
    )


def welcome_view(kiosk: Kiosk) -> VisitView:
    """Screen data of a visit that begins with a registration."""
    summary = kiosk.reception.account.summary()
    return visit_view(kiosk, welcome=WelcomeView(patient_code=summary.patient_code, provisional=summary.provisional))


def _of_patient(visit: Visit) -> dict[str, Any]:
    """What only a signed-in patient sees."""
    return {
        "visit_id": visit.visit_id,
        "full_name": visit.full_name,
        "patient_code": visit.patient_code,
        "language": visit.language,
        "signed_in_by": visit.signed_in_by,
        "lesions": [LesionView(lesion_id=key, body_site=site) for key, site in dict(visit.lesions).items()],
    }
