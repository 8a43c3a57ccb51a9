"""What the screens ask before anybody is signed in: registration, sign-in, cards, passwords, face checks."""

import asyncio
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from edge.identity.registration import Registration
from edge.kiosk import Kiosk
from edge.ui.identity_screens import (
    AttemptBegun,
    FaceAttemptView,
    FaceSignIn,
    PasswordAdviceView,
    PasswordCandidate,
    PasswordSignIn,
    ResetOrder,
    ResetProof,
    ScannedClaim,
    advice_view,
    attempt_view,
)
from edge.ui.visit_view import VisitView, visit_view, welcome_view

router = APIRouter()
_DISCONNECT_CHECK_S: Final = 0.25


def running_kiosk(request: Request) -> Kiosk:
    """The kiosk behind the app."""
    kiosk: Kiosk = request.app.state.kiosk
    return kiosk


RunningKiosk = Annotated[Kiosk, Depends(running_kiosk)]


@router.post("/api/register", status_code=201)
def register(kiosk: RunningKiosk, registration: Registration) -> VisitView:
    """Create an account and begin the first visit."""
    kiosk.reception.register(registration)
    return welcome_view(kiosk)


@router.post("/api/password-strength")
def password_strength(kiosk: RunningKiosk, candidate: PasswordCandidate) -> PasswordAdviceView:
    """Judge a password while it is typed; nothing of it is kept."""
    advice = kiosk.reception.judge_password(
        candidate.password,
        username=candidate.username,
        full_name=candidate.full_name,
        birth_date=candidate.birth_date,
    )
    return advice_view(advice)


@router.post("/api/sign-in/password")
def sign_in_with_password(kiosk: RunningKiosk, order: PasswordSignIn) -> VisitView:
    """Begin a visit."""
    kiosk.reception.sign_in_with_password(order.claim, order.password)
    return visit_view(kiosk)


@router.post("/api/sign-in/face")
def sign_in_with_face(kiosk: RunningKiosk, order: FaceSignIn) -> AttemptBegun:
    """Start a face check; it begins a visit if it proves the claim."""
    state, steps = kiosk.reception.begin_face_sign_in(order.claim)
    return AttemptBegun(attempt_id=state.check_id, steps=steps, deadline_s=kiosk.settings.identity.face_burst_s)


@router.get("/api/face-attempts/{attempt_id}")
def face_attempt(kiosk: RunningKiosk, attempt_id: UUID) -> FaceAttemptView:
    """How the face check stands."""
    return attempt_view(kiosk.reception.face_check(attempt_id))


@router.delete("/api/face-attempts/{attempt_id}", status_code=204)
def give_up_face_attempt(kiosk: RunningKiosk, attempt_id: UUID) -> None:
    """Stop the face check."""
    kiosk.reception.give_up_face_check(attempt_id)


@router.post("/api/face-enrolments")
def enrol_face(kiosk: RunningKiosk) -> AttemptBegun:
    """Start a face check whose face may be kept."""
    state, steps = kiosk.reception.begin_enrolment()
    return AttemptBegun(attempt_id=state.check_id, steps=steps, deadline_s=kiosk.settings.identity.face_burst_s)


@router.get("/api/face-enrolments/{enrolment_id}")
def face_enrolment(kiosk: RunningKiosk, enrolment_id: UUID) -> FaceAttemptView:
    """How the face check stands."""
    return attempt_view(kiosk.reception.face_check(enrolment_id))


@router.get("/api/face-enrolments/{enrolment_id}/picture")
def face_enrolment_picture(kiosk: RunningKiosk, enrolment_id: UUID) -> Response:
    """The picture that stands for the enrolment, for the patient to agree to."""
    return Response(kiosk.reception.enrolment_picture(enrolment_id), media_type="image/jpeg")


@router.delete("/api/face-enrolments/{enrolment_id}", status_code=204)
def give_up_face_enrolment(kiosk: RunningKiosk, enrolment_id: UUID) -> None:
    """Stop the face check, or forget what it gave."""
    kiosk.reception.give_up_enrolment(enrolment_id)


@router.get("/api/face-preview")
def face_preview(kiosk: RunningKiosk) -> Response:
    """What the face camera sees, mirrored."""
    return Response(kiosk.reception.face_preview(), media_type="image/jpeg")


@router.post("/api/claims/scan")
async def scan_card(kiosk: RunningKiosk, request: Request) -> ScannedClaim:
    """Wait up to 20 s for a card before the face camera, or until the screen asks no more."""
    search = asyncio.ensure_future(run_in_threadpool(kiosk.reception.scan_card))
    while not search.done():
        await asyncio.wait({search}, timeout=_DISCONNECT_CHECK_S)
        if await request.is_disconnected():
            kiosk.reception.stop_scanning()
    return ScannedClaim(claim=await search)


@router.delete("/api/claims/scan", status_code=204)
def stop_scanning(kiosk: RunningKiosk) -> None:
    """Stop waiting for a card."""
    kiosk.reception.stop_scanning()


@router.post("/api/password-reset/order", status_code=202)
def order_password_reset(kiosk: RunningKiosk, order: ResetOrder) -> None:
    """Have a code sent; the answer is the same whether there is such a patient or not."""
    kiosk.reception.order_reset(order.claim, order.channel)


@router.post("/api/password-reset")
def reset_password(kiosk: RunningKiosk, proof: ResetProof) -> VisitView:
    """Set a new password with a code, and begin a visit."""
    kiosk.reception.reset_password(proof.claim, proof.code, proof.new_password)
    return visit_view(kiosk)
