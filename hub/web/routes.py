"""The portal's addresses."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from hub.api.deps import ReadSession, RunningServices, caller_of, require
from hub.api.paging import Cursor
from hub.errors import NotFound
from hub.security import Principal
from hub.web import sign_in, staff_pages
from hub.web.live import live_events
from hub.web.pages import SECURITY_HEADERS, STATIC_DIR, STATIC_TYPES, PageRoute, render
from hub.web.results import get_card, list_cards, newest_id
from protocol.events import Tier

router = APIRouter(tags=["portal"], include_in_schema=False)
_pages = APIRouter(route_class=PageRoute)
Reader = Annotated[Principal, Depends(require("clinician", "administrator"))]


@_pages.get("/")
def results(
    session: ReadSession,
    reader: Reader,
    tier: Annotated[Tier | None, Query(description="Only those of this tier.")] = None,
    before: Cursor = None,
) -> HTMLResponse:
    """Results, the newest first."""
    # Read before the list: what comes in between is then shown twice rather than never.
    newest = newest_id(session)
    page = list_cards(session, tier=tier, cursor=before)
    return render("results.html", page=page, tier=tier, first=before is None, newest=newest, reader=reader)


@_pages.get("/results/{analysis_id}/card", dependencies=[Depends(require("clinician", "administrator"))])
def card(session: ReadSession, analysis_id: UUID) -> HTMLResponse:
    """One result's card, to be put into the page."""
    return render("card.html", card=get_card(session, analysis_id))


@router.get(
    "/events",
    dependencies=[Depends(require("clinician", "administrator"))],
    response_class=EventSourceResponse,
)
async def events(request: Request, running: RunningServices) -> AsyncIterator[ServerSentEvent]:
    """News for an open page, while its session lasts."""
    async for event in live_events(running):
        if await caller_of(request, running) is None:
            return
        yield event


@router.get("/static/{name}")
def static(name: str, v: str | None = None) -> Response:
    """The portal's own style, script and mark."""
    media_type = STATIC_TYPES.get(name)
    if media_type is None:
        raise NotFound("no such file")
    keep = "public, max-age=31536000, immutable" if v else "no-cache"
    headers = SECURITY_HEADERS | {"Cache-Control": keep}
    return FileResponse(STATIC_DIR / name, media_type=media_type, headers=headers, status_code=HTTPStatus.OK)


router.include_router(_pages)
router.include_router(sign_in.router)
router.include_router(staff_pages.router)
