"""What watches the hub: health and metrics, without patient data, open on the address the hub listens on."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import select

from hub.api.deps import ReadSession, RunningServices
from hub.db.tables import Kiosk
from hub.devices.presence import presence

router = APIRouter(tags=["operations"])


@router.get("/healthz")
def healthz(running: RunningServices) -> JSONResponse:
    """Whether every part works; 503 and the parts at fault otherwise."""
    faults = {name: fault for name, check in running.checks.items() if (fault := check()) is not None}
    parts = {name: faults.get(name, "ok") for name in running.checks}
    status = {"status": "failing" if faults else "ok", "parts": parts}
    return JSONResponse(status, status_code=503 if faults else 200, headers={"Cache-Control": "no-store"})


@router.get("/metrics")
def metrics(running: RunningServices, session: ReadSession) -> Response:
    """Metrics in Prometheus' text format."""
    now = datetime.now(UTC)
    interval_s = running.settings.devices.heartbeat_interval_s
    online = session.scalars(select(Kiosk).where(Kiosk.online))
    running.metrics.kiosks_online.set(
        sum(presence(kiosk, now=now, heartbeat_interval_s=interval_s) == "online" for kiosk in online)
    )
    running.metrics.broker_connected.set(running.checks["broker"]() is None)
    return Response(running.metrics.render(), media_type=CONTENT_TYPE_LATEST)
