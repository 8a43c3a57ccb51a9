"""The screen's HTTP interface: what a touch does, and what is shown. Loopback only, one patient at a time."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from edge.kiosk import Kiosk
from edge.ui import account_routes, identity_routes, problem
from edge.ui.identity_routes import RunningKiosk
from edge.ui.screens import CaptureOrder, QuestionsView, RefusedView, SavedView, outcome_view, questions_view
from edge.ui.visit_view import VisitView, visit_view
from edge.visit import NobodySignedIn
from protocol.events import BodySite
from protocol.fields import Sha256

_STATIC = Path(__file__).parent / "static"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


router = APIRouter()


def create_app(kiosk: Kiosk) -> FastAPI:
    """The screen's app over a running kiosk."""
    app = FastAPI(title="DermaKiosk screen", openapi_url=None)
    app.state.kiosk = kiosk
    problem.install(app)
    app.middleware("http")(_guard)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    for each in (router, identity_routes.router, account_routes.router):
        app.include_router(each)
    return app


@router.get("/", response_class=HTMLResponse)
def page() -> FileResponse:
    """The one page."""
    return FileResponse(_STATIC / "index.html", media_type="text/html")


@router.get("/api/visit")
def current_visit(kiosk: RunningKiosk) -> VisitView:
    """Where the visit is."""
    return visit_view(kiosk)


@router.post("/api/visit/touch")
def touch(kiosk: RunningKiosk) -> VisitView:
    """The patient is still here."""
    kiosk.journey.touch()
    return visit_view(kiosk)


@router.get("/api/preview")
def preview(kiosk: RunningKiosk) -> Response:
    """Live view."""
    return Response(kiosk.examination.preview(), media_type="image/jpeg")


@router.get("/api/questions")
def questions(kiosk: RunningKiosk, body_site: BodySite) -> QuestionsView:
    """What the patient is asked about a spot there before the picture."""
    return questions_view(kiosk.examination.questions(body_site=body_site))


@router.post("/api/capture")
def capture(kiosk: RunningKiosk, order: CaptureOrder) -> SavedView | RefusedView:
    """Photograph and assess; the answer says "saved" only when it is."""
    return outcome_view(
        kiosk.examination.capture(
            body_site=order.body_site, lesion_id=order.lesion_id, task=order.task, answers=order.answers
        )
    )


@router.get("/api/images/{sha256}")
def image(kiosk: RunningKiosk, sha256: Annotated[Sha256, PathParameter()]) -> FileResponse:
    """A picture of the current visit."""
    media_type = kiosk.journey.visit.images.get(sha256)
    if media_type is None:
        raise NobodySignedIn("this picture belongs to no visit under way")
    return FileResponse(kiosk.storage.spool.path(sha256), media_type=media_type)


@router.post("/api/end")
def end(kiosk: RunningKiosk) -> VisitView:
    """End the visit."""
    kiosk.reception.end("patient")
    return visit_view(kiosk)


@router.get("/metrics")
def metrics(kiosk: RunningKiosk) -> Response:
    """For Prometheus."""
    return Response(kiosk.metrics.render(), media_type="text/plain; version=0.0.4")


@router.get("/healthz")
def health(kiosk: RunningKiosk) -> JSONResponse:
    """Links, backlog and the model in use."""
    backlog, model = kiosk.outbox.backlog(), kiosk.model
    return JSONResponse(
        {
            "broker": kiosk.link.connected,
            "pending_events": backlog.messages,
            "pending_images": backlog.images,
            "rejected": backlog.rejected,
            "simulated": kiosk.simulated,
            "model": f"{model.name} {model.version}",
            "model_sha256": model.sha256,
            "model_signature": model.signature,
            "model_place": model.place,
            "model_given_up": model.given_up.code if model.given_up else None,
        }
    )


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse what no screen of ours sends: other hosts' names (DNS rebinding) and other sites' posts; mark all."""
    foreign_host = request.url.hostname not in _LOOPBACK
    site = request.headers.get("sec-fetch-site", "none")
    foreign_post = request.method != "GET" and site not in {"same-origin", "none"}
    response = Response(status_code=403) if foreign_host or foreign_post else await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
