"""Accounts of others, for administrators who have just shown their passkey, and the record of what staff did."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.api.deps import ReadSession, RunningServices, Services, WriteSession, require, require_step_up
from hub.api.staff_schemas import InvitationOut, MemberOut, NewMember, RoleOrder, StaffEventOut
from hub.db.staff_tables import StaffEvent, StaffMember, StaffPasskey
from hub.security import Principal
from hub.staff.lockout import locked_until
from hub.staff.members import (
    add_member,
    change_role,
    disable,
    enable,
    get_member,
    invite,
    list_members,
    reset_credentials,
    unlock,
)
from hub.staff.sessions import end_all_sessions

router = APIRouter(prefix="/api/v1/staff", tags=["staff"])
Administrator = Annotated[Principal, Depends(require("administrator"))]
Verified = Annotated[Principal, Depends(require_step_up("administrator"))]


@router.get("/members", dependencies=[Depends(require("administrator"))])
def members(running: RunningServices, session: ReadSession) -> list[MemberOut]:
    """All accounts by name, shut ones too."""
    return [member_out(running, session, member) for member in list_members(session)]


@router.post("/members", status_code=201)
def add(caller: Verified, running: RunningServices, session: WriteSession, new: NewMember) -> InvitationOut:
    """A new account and its invitation."""
    now = running.clock()
    member = add_member(session, username=new.username, full_name=new.full_name, role=new.role, now=now)
    return _invited(caller, running, session, member)


@router.post("/members/{staff_id}/reset", status_code=201)
def reset(caller: Verified, running: RunningServices, session: WriteSession, staff_id: UUID) -> InvitationOut:
    """Take all credentials and sessions away, and invite anew."""
    member = get_member(session, staff_id)
    reset_credentials(session, member, by=caller.staff_id, now=running.clock())
    return _invited(caller, running, session, member)


@router.post("/members/{staff_id}/unlock", status_code=204)
def lift_lock(caller: Verified, running: RunningServices, session: WriteSession, staff_id: UUID) -> None:
    """Lift a lock before its time."""
    unlock(session, get_member(session, staff_id), by=caller.staff_id, now=running.clock())
    session.commit()


@router.post("/members/{staff_id}/disable", status_code=204)
def shut(caller: Verified, running: RunningServices, session: WriteSession, staff_id: UUID) -> None:
    """Shut the account; its sessions end at once."""
    disable(session, get_member(session, staff_id), by=caller.staff_id, now=running.clock())
    session.commit()


@router.post("/members/{staff_id}/enable", status_code=204)
def open_again(caller: Verified, running: RunningServices, session: WriteSession, staff_id: UUID) -> None:
    """Open a shut account again."""
    enable(session, get_member(session, staff_id), by=caller.staff_id, now=running.clock())
    session.commit()


@router.post("/members/{staff_id}/role", status_code=204)
def give_role(
    caller: Verified, running: RunningServices, session: WriteSession, staff_id: UUID, order: RoleOrder
) -> None:
    """Give another role, at once."""
    change_role(session, get_member(session, staff_id), order.role, by=caller.staff_id, now=running.clock())
    session.commit()


@router.delete("/members/{staff_id}/sessions", status_code=204)
def revoke_all(caller: Verified, running: RunningServices, session: WriteSession, staff_id: UUID) -> None:
    """End all of a person's sessions at once."""
    get_member(session, staff_id)
    end_all_sessions(session, staff_id, by=caller.staff_id, reason="administrator", now=running.clock())
    session.commit()


@router.get("/events", dependencies=[Depends(require("administrator"))])
def events(
    session: ReadSession,
    staff_id: Annotated[UUID | None, Query(description="Only those of this account.")] = None,
    before: Annotated[int | None, Query(ge=1, description="Only those before this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Most rows.")] = 50,
) -> list[StaffEventOut]:
    """The record, the newest first."""
    return [StaffEventOut.model_validate(event) for event in list_events(session, staff_id, before, limit)]


def list_events(session: Session, staff_id: UUID | None, before: int | None, limit: int) -> list[StaffEvent]:
    """Rows of the record, the newest first."""
    query = select(StaffEvent).order_by(StaffEvent.id.desc()).limit(limit)
    if staff_id is not None:
        query = query.where(StaffEvent.staff_id == staff_id)
    if before is not None:
        query = query.where(StaffEvent.id < before)
    return list(session.scalars(query))


def member_out(running: Services, session: Session, member: StaffMember) -> MemberOut:
    """An account as administrators see it."""
    passkeys = session.scalar(select(func.count()).select_from(StaffPasskey).where(StaffPasskey.staff_id == member.id))
    return MemberOut.model_validate(
        {
            "id": member.id,
            "username": member.username,
            "full_name": member.full_name,
            "role": member.role,
            "added_at": member.added_at,
            "disabled_at": member.disabled_at,
            "locked_until": locked_until(session, member.username, now=running.clock()),
            "passkeys": passkeys,
        }
    )


def _invited(caller: Principal, running: Services, session: Session, member: StaffMember) -> InvitationOut:
    settings = running.settings.staff
    code = invite(session, member, settings=settings, by=caller.staff_id, now=running.clock())
    session.commit()
    # Behind the hash, which browsers send to nobody.
    link = f"{running.settings.origin}/welcome#{code}"
    return InvitationOut(staff_id=member.id, link=link, code=code, expires_in_s=settings.invitation_s)
