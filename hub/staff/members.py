"""Staff accounts: adding, inviting, changing, shutting. An administrator acts; `by` is None on the command line."""

import re
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hub.config import StaffRole, StaffSettings
from hub.db.staff_tables import StaffInvitation, StaffMember, StaffPasskey, StaffRecoveryCode
from hub.errors import NotFound, Unprocessable
from hub.security import token_digest
from hub.staff.errors import InvitationRefused, LastAdministrator, UsernameTaken
from hub.staff.events import StaffEventKind, record_event
from hub.staff.lockout import absolve
from hub.staff.sessions import end_all_sessions

_USERNAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


def username_key(text: str) -> str:
    """The one form of a user name; text that can be none comes back as something that nobody has."""
    return unicodedata.normalize("NFKC", text[:200]).strip().casefold()


def add_member(session: Session, *, username: str, full_name: str, role: StaffRole, now: datetime) -> StaffMember:
    """A new account that nobody can enter before an invitation is accepted.

    Raises:
        UsernameTaken: another account has the name.
        Unprocessable: names that cannot be used.
    """
    username, full_name = username_key(username), " ".join(full_name.split())
    if not _USERNAME.fullmatch(username):
        raise Unprocessable("a user name has 1 to 64 of a-z, 0-9, dot, hyphen and underscore")
    if not 1 <= len(full_name) <= 200 or not full_name.isprintable():  # noqa: PLR2004 the column's width
        raise Unprocessable("a full name has 1 to 200 characters")
    if session.scalar(select(StaffMember.id).where(StaffMember.username == username)) is not None:
        raise UsernameTaken(f"the user name {username} belongs to another account")
    member = StaffMember(id=uuid4(), username=username, full_name=full_name, role=role, added_at=now)
    session.add(member)
    session.flush()
    return member


def find_by_name(session: Session, username: str) -> StaffMember | None:
    """The account of that name, in its one form."""
    return session.scalar(select(StaffMember).where(StaffMember.username == username_key(username)))


def get_member(session: Session, staff_id: UUID) -> StaffMember:
    """One account.

    Raises:
        NotFound: there is none.
    """
    member = session.get(StaffMember, staff_id)
    if member is None:
        raise NotFound("there is no such account")
    return member


def list_members(session: Session) -> Sequence[StaffMember]:
    """All accounts by name, shut ones too."""
    return session.scalars(select(StaffMember).order_by(StaffMember.full_name, StaffMember.id)).all()


def any_members(session: Session) -> bool:
    """Whether there is any account at all."""
    return session.scalar(select(StaffMember.id).limit(1)) is not None


def invite(session: Session, member: StaffMember, *, settings: StaffSettings, by: UUID | None, now: datetime) -> str:
    """A one-time code with which the person chooses a password and registers a passkey; an earlier one ends."""
    code = secrets.token_urlsafe(24)
    session.execute(delete(StaffInvitation).where(StaffInvitation.staff_id == member.id))
    session.add(
        StaffInvitation(
            id=uuid4(),
            staff_id=member.id,
            code_sha256=token_digest(code),
            expires_at=now + timedelta(seconds=settings.invitation_s),
        )
    )
    record_event(session, StaffEventKind.INVITED, at=now, staff_id=member.id, by=by, role=member.role)
    return code


def find_invited(session: Session, code: str, *, now: datetime) -> StaffMember:
    """Whom an invitation is for; it stays valid until the passkey is registered.

    Raises:
        InvitationRefused: unknown, used, over, or the account is shut.
    """
    member = session.scalar(
        select(StaffMember)
        .join(StaffInvitation, StaffInvitation.staff_id == StaffMember.id)
        .where(StaffInvitation.code_sha256 == token_digest(code.strip()), StaffInvitation.expires_at > now)
        .where(StaffMember.disabled_at.is_(None))
    )
    if member is None:
        raise InvitationRefused("the invitation is unknown, used or over")
    return member


def end_invitation(session: Session, staff_id: UUID) -> None:
    """The invitation has served."""
    session.execute(delete(StaffInvitation).where(StaffInvitation.staff_id == staff_id))


def reset_credentials(session: Session, member: StaffMember, *, by: UUID | None, now: datetime) -> None:
    """Take password, passkeys, recovery codes and sessions away; an invitation must follow."""
    member.password_hash = None
    for table in (StaffPasskey, StaffRecoveryCode):
        session.execute(delete(table).where(table.staff_id == member.id))
    end_invitation(session, member.id)
    end_all_sessions(session, member.id, by=by, reason="credentials-reset", now=now)
    absolve(session, member.username)
    record_event(session, StaffEventKind.CREDENTIALS_RESET, at=now, staff_id=member.id, by=by)


def unlock(session: Session, member: StaffMember, *, by: UUID | None, now: datetime) -> None:
    """Lift a lock before its time."""
    absolve(session, member.username)
    record_event(session, StaffEventKind.UNLOCKED, at=now, staff_id=member.id, by=by)


def disable(session: Session, member: StaffMember, *, by: UUID | None, now: datetime) -> None:
    """Shut the account and end its sessions.

    Raises:
        LastAdministrator: nobody could manage accounts afterwards.
    """
    if member.disabled_at is not None:
        return
    _keep_an_administrator(session, member)
    member.disabled_at = now
    end_invitation(session, member.id)
    end_all_sessions(session, member.id, by=by, reason="disabled", now=now)
    record_event(session, StaffEventKind.DISABLED, at=now, staff_id=member.id, by=by)


def enable(session: Session, member: StaffMember, *, by: UUID | None, now: datetime) -> None:
    """Open a shut account again, with the credentials it had."""
    if member.disabled_at is None:
        return
    member.disabled_at = None
    record_event(session, StaffEventKind.ENABLED, at=now, staff_id=member.id, by=by)


def change_role(session: Session, member: StaffMember, role: StaffRole, *, by: UUID | None, now: datetime) -> None:
    """Give another role, at once also in the sessions that run.

    Raises:
        LastAdministrator: nobody could manage accounts afterwards.
    """
    if member.role == role:
        return
    _keep_an_administrator(session, member)
    record_event(
        session, StaffEventKind.ROLE_CHANGED, at=now, staff_id=member.id, by=by, before=member.role, after=role
    )
    member.role = role


def _keep_an_administrator(session: Session, member: StaffMember) -> None:
    if member.role != "administrator":
        return
    # Only one who can get in counts.
    others = session.scalar(
        select(func.count())
        .select_from(StaffMember)
        .where(StaffMember.role == "administrator", StaffMember.disabled_at.is_(None))
        .where(StaffMember.id != member.id)
        .where(select(StaffPasskey.id).where(StaffPasskey.staff_id == StaffMember.id).exists())
    )
    if not others:
        raise LastAdministrator("no other administrator could sign in")
