"""Errors as RFC 9457 problem details: what is wrong and what to do, never the input that caused it."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from hub.errors import DatabaseUnavailable, HubError, Unprocessable

_log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Render every error of the application as a problem."""
    app.add_exception_handler(HubError, _hub_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(OperationalError, _database_unavailable)
    app.add_exception_handler(Exception, _unexpected)


def problem(error: HubError, *, instance: str | None = None) -> JSONResponse:
    """Response that describes the error."""
    return _render(
        {
            "type": f"urn:dermakiosk:problem:{error.code}",
            "title": error.title,
            "status": error.status,
            "detail": str(error),
            "instance": instance,
            "remedy": error.remedy,
        },
        error.headers,
    )


def _render(body: dict[str, str | int | None], headers: Mapping[str, str]) -> JSONResponse:
    status = int(body["status"] or HTTPStatus.INTERNAL_SERVER_ERROR)
    extra = {"Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        extra["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        {key: value for key, value in body.items() if value is not None},
        status_code=status,
        headers={**extra, **headers},
        media_type="application/problem+json",
    )


async def _hub_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HubError)
    return problem(error, instance=request.url.path)


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # The input stays out of the answer: it may hold patient data or a token.
    places = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:10])
    return problem(Unprocessable(places), instance=request.url.path)


async def _http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return _render(
        {
            "type": f"urn:dermakiosk:problem:{_slug(status.phrase)}",
            "title": status.phrase,
            "status": int(status),
            "detail": status.description or status.phrase,
            "instance": request.url.path,
            "remedy": "Check the address, the method and the request; the API's description lists them.",
        },
        error.headers or {},
    )


async def _database_unavailable(request: Request, error: Exception) -> JSONResponse:
    _log.error("database unavailable: %s", type(getattr(error, "orig", error)).__name__)
    return problem(DatabaseUnavailable("the database did not answer"), instance=request.url.path)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # The type only: the text of an unexpected error may hold data.
    _log.error("unexpected %s while serving %s", type(error).__name__, request.url.path)
    return problem(HubError("something unexpected happened"), instance=request.url.path)


def _slug(phrase: str) -> str:
    return phrase.lower().replace(" ", "-")
