"""Errors as RFC 9457 problems that a screen can act on: a stable code, no input repeated."""

import math

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from edge.auth.account import AccountUnknown, SignInRefused, UsernameTaken
from edge.auth.face import FaceError
from edge.capture.camera import CameraError
from edge.errors import EdgeError
from edge.identity.attempts import SignInLocked, SignInThrottled
from edge.identity.card import CardNotSeen
from edge.identity.enrolment import EnrolmentUnknown
from edge.identity.face_check import FaceCheckUnknown
from edge.inference.classifier import ClassifierFailed
from edge.inference.preprocess import ImageRefused
from edge.store import StorageFailed, StorageFull
from edge.uplink.hub_identity import HubUnreachable, KioskNotConfirmed, ResetThrottled
from edge.visit import KioskOccupied, NobodySignedIn, StepNotPossible

_STATUS: tuple[tuple[type[EdgeError], int], ...] = (
    (SignInRefused, 401),
    (SignInLocked, 423),
    (SignInThrottled, 429),
    (NobodySignedIn, 401),
    (AccountUnknown, 410),
    (FaceCheckUnknown, 404),
    (EnrolmentUnknown, 404),
    (CardNotSeen, 404),
    (HubUnreachable, 503),
    (KioskNotConfirmed, 503),
    (ResetThrottled, 429),
    (UsernameTaken, 409),
    (KioskOccupied, 409),
    (StepNotPossible, 409),
    (CameraError, 503),
    (ImageRefused, 503),
    (ClassifierFailed, 503),
    (FaceError, 422),
    (StorageFull, 507),
    (StorageFailed, 500),
)


def install(app: FastAPI) -> None:
    """Have the app answer expected errors as problems."""

    @app.exception_handler(EdgeError)
    def _expected(_request: Request, error: EdgeError) -> JSONResponse:
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 422)
        waits = (
            {"remaining_s": math.ceil(error.remaining_s)} if isinstance(error, SignInLocked | SignInThrottled) else {}
        )
        return _problem(status, error.code, str(error), error.remedy, **waits)

    @app.exception_handler(RequestValidationError)
    def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        fields = sorted({".".join(str(part) for part in e["loc"][1:]) or "body" for e in error.errors()})
        return _problem(422, "input-invalid", ", ".join(fields), "Correct the named fields.", fields=fields)

    @app.exception_handler(Exception)
    def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
        # uvicorn logs it; the screen must still be able to say something.
        return _problem(500, "internal", "an unexpected error", "Try again; if it returns, call a technician.")


def _problem(status: int, code: str, detail: str, remedy: str, **more: object) -> JSONResponse:
    return JSONResponse(
        {"type": f"urn:dermakiosk:problem:{code}", "code": code, "status": status, "detail": detail, "remedy": remedy}
        | more,
        status_code=status,
        media_type="application/problem+json",
    )
