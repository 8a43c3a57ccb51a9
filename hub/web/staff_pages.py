"""Pages about the hub's own people: one's account, all accounts, the record."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from hub.api.deps import ReadSession, RunningServices, require
from hub.api.staff_account import account_of, sessions
from hub.api.staff_members import list_events, member_out
from hub.security import Principal
from hub.staff.members import get_member, list_members
from hub.staff.passkeys import list_passkeys
from hub.staff.recovery_codes import COUNT, count_unused
from hub.web.pages import PageRoute, render
from hub.web.staff_wording import ROLES

router = APIRouter(tags=["portal"], route_class=PageRoute, include_in_schema=False)
_EVENTS_PAGE = 50


@router.get("/account")
def account(
    running: RunningServices,
    session: ReadSession,
    reader: Annotated[Principal, Depends(require("clinician", "technician", "attendant", "administrator"))],
) -> HTMLResponse:
    """One's own passkeys, recovery codes and sessions."""
    staff_id, _ = account_of(reader)
    return render(
        "account.html",
        reader=reader,
        member=get_member(session, staff_id),
        passkeys=list_passkeys(session, staff_id),
        codes_left=count_unused(session, staff_id),
        codes_made=COUNT,
        sessions=sessions(reader, running, session),
    )


@router.get("/staff")
def staff(
    running: RunningServices,
    session: ReadSession,
    reader: Annotated[Principal, Depends(require("administrator"))],
) -> HTMLResponse:
    """All accounts."""
    members = [member_out(running, session, member) for member in list_members(session)]
    return render("staff.html", reader=reader, members=members, roles=ROLES)


@router.get("/staff/events")
def staff_events(
    session: ReadSession,
    reader: Annotated[Principal, Depends(require("administrator"))],
    of: Annotated[UUID | None, Query(description="Only those of this account.")] = None,
    before: Annotated[int | None, Query(ge=1, description="Only those before this one.")] = None,
) -> HTMLResponse:
    """Who signed in, stepped up, revoked and changed what."""
    names = {member.id: member.full_name for member in list_members(session)}
    rows = list_events(session, of, before, _EVENTS_PAGE + 1)
    older = rows[_EVENTS_PAGE - 1].id if len(rows) > _EVENTS_PAGE else None
    return render("staff_events.html", reader=reader, events=rows[:_EVENTS_PAGE], names=names, of=of, older=older)
