"""The fleet, for technicians: kiosks and the quarantine. No patient data."""

from datetime import UTC, datetime

from fastapi import APIRouter, Depends
from sqlalchemy import select

from hub.api.deps import ReadSession, RunningServices, require
from hub.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from hub.api.schemas import KioskOut, Page, QuarantinedOut
from hub.db.tables import Kiosk, QuarantinedMessage
from hub.devices.presence import presence

router = APIRouter(prefix="/api/v1", tags=["fleet"], dependencies=[Depends(require("technician", "administrator"))])


@router.get("/kiosks")
def list_kiosks(
    session: ReadSession, running: RunningServices, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[KioskOut]:
    """Kiosks, the latest added first."""
    now = datetime.now(UTC)
    interval_s = running.settings.devices.heartbeat_interval_s

    def show(kiosk: Kiosk) -> KioskOut:
        fields = {name: getattr(kiosk, name, None) for name in KioskOut.model_fields}
        there = presence(kiosk, now=now, heartbeat_interval_s=interval_s)
        return KioskOut.model_validate(fields | {"kiosk": kiosk.name, "presence": there})

    return page(
        session,
        select(Kiosk),
        at=Kiosk.first_seen_at,
        key=Kiosk.id,
        limit=limit,
        cursor=cursor,
        show=lambda row: show(row.Kiosk),
        position=lambda row: (row.Kiosk.first_seen_at, row.Kiosk.id),
    )


@router.get("/quarantine")
def list_quarantine(session: ReadSession, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[QuarantinedOut]:
    """Messages in quarantine, newest first, without their content."""
    table = QuarantinedMessage
    columns = [getattr(table, name) for name in QuarantinedOut.model_fields]
    return page(
        session,
        select(*columns),
        at=table.received_at,
        key=table.id,
        limit=limit,
        cursor=cursor,
        show=QuarantinedOut.model_validate,
        position=lambda row: (row.received_at, row.id),
    )
