"""What a signed-in patient sees and changes of their account: how they sign in, and what they agreed to."""

from fastapi import APIRouter, Response

from edge.ui.identity_routes import RunningKiosk
from edge.ui.identity_screens import AccountView, DeletionOrder, FaceOrder, PasswordOrder, account_view
from edge.ui.visit_view import VisitView, visit_view
from protocol.identity import Consents

router = APIRouter()


@router.get("/api/card.svg")
def card(kiosk: RunningKiosk) -> Response:
    """The current patient's code as a QR picture."""
    return Response(kiosk.reception.account.card(), media_type="image/svg+xml")


@router.get("/api/account")
def account(kiosk: RunningKiosk) -> AccountView:
    """The current patient's account."""
    return account_view(kiosk.reception.account.summary())


@router.post("/api/account/consents")
def change_consents(kiosk: RunningKiosk, consents: Consents) -> AccountView:
    """Agree, or agree no longer; without consent to it the face is deleted."""
    return account_view(kiosk.reception.account.change_consents(consents))


@router.post("/api/account/face")
def add_face(kiosk: RunningKiosk, order: FaceOrder) -> AccountView:
    """Sign in by this face from now on; it replaces an earlier one."""
    return account_view(kiosk.reception.account.set_face(order.enrolment_id))


@router.delete("/api/account/face")
def delete_face(kiosk: RunningKiosk) -> AccountView:
    """Delete the face here and everywhere."""
    return account_view(kiosk.reception.account.delete_face())


@router.post("/api/account/password")
def change_password(kiosk: RunningKiosk, order: PasswordOrder) -> AccountView:
    """Set a new password."""
    return account_view(kiosk.reception.account.change_password(order.password, order.new_password))


@router.post("/api/account/deletion")
def delete_account(kiosk: RunningKiosk, order: DeletionOrder) -> VisitView:
    """Delete the account here and everywhere; the visit is over."""
    kiosk.reception.account.delete(order.password)
    return visit_view(kiosk)
