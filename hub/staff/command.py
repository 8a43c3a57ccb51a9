"""Accounts from the command line, for the first administrator and for when nobody else can help.

Whoever may run it can read the database anyway; it needs no passkey, and its events name nobody as their author.
"""

import argparse
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from hub.config import HubSettings
from hub.db.engine import Database
from hub.db.staff_tables import StaffMember
from hub.errors import NotFound
from hub.staff.lockout import locked_until
from hub.staff.members import add_member, find_by_name, invite, list_members, reset_credentials, unlock


def run_staff_command(
    settings: HubSettings, database: Database, options: argparse.Namespace, *, now: datetime
) -> list[str]:
    """Do what the options say; lines to print.

    Raises:
        UsernameTaken: adding a name that exists.
        Unprocessable: adding a name that cannot be one.
        NotFound: there is no account of that name.
    """
    with database.writing.begin() as session:
        match options.act:
            case "list":
                return list(_table(session, now))
            case "add":
                member = add_member(
                    session, username=options.username, full_name=options.name, role=options.role, now=now
                )
            case "reset":
                member = _named(session, options.username)
                reset_credentials(session, member, by=None, now=now)
            case _:
                unlock(session, _named(session, options.username), by=None, now=now)
                return [f"{options.username}: not locked"]
        code = invite(session, member, settings=settings.staff, by=None, now=now)
        hours = settings.staff.invitation_s / 3600
        return [
            f"{member.username}: {member.role}",
            f"invitation, once, for {hours:g} h: {settings.origin}/welcome#{code}",
        ]


def _named(session: Session, username: str) -> StaffMember:
    member = find_by_name(session, username)
    if member is None:
        raise NotFound("there is no account of that name")
    return member


def _table(session: Session, now: datetime) -> Iterator[str]:
    for member in list_members(session):
        state = (
            "shut" if member.disabled_at else "locked" if locked_until(session, member.username, now=now) else "open"
        )
        yield f"{member.username}\t{member.role}\t{state}\t{member.full_name}"
