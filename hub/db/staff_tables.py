"""Tables of the hub's own people: accounts, what they prove themselves with, sessions, and what they did."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.base import Base


class StaffMember(Base):
    """A person who works with the hub. Never deleted, because events speak of them; `disabled_at` shuts them out."""

    __tablename__ = "staff_members"
    __table_args__ = (
        UniqueConstraint("username"),
        CheckConstraint("role IN ('clinician', 'technician', 'attendant', 'administrator')", "role"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64))
    full_name: Mapped[str]
    role: Mapped[str] = mapped_column(String(32))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    added_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class StaffPasskey(Base):
    """A WebAuthn credential. Its id is base64url text, as browsers write it."""

    __tablename__ = "staff_passkeys"
    __table_args__ = (UniqueConstraint("credential_id"), Index(None, "staff_id"))
    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    credential_id: Mapped[str] = mapped_column(String(1_400))
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int]
    label: Mapped[str] = mapped_column(String(64))
    transports: Mapped[list[str]]
    backed_up: Mapped[bool] = mapped_column(Boolean)
    added_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class StaffRecoveryCode(Base):
    """One of a set of codes, each of which stands in for a lost passkey once."""

    __tablename__ = "staff_recovery_codes"
    __table_args__ = (UniqueConstraint("staff_id", "code_sha256"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    code_sha256: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class StaffInvitation(Base):
    """A one-time code to choose a password and register the first passkey; one a person."""

    __tablename__ = "staff_invitations"
    __table_args__ = (UniqueConstraint("code_sha256"), UniqueConstraint("staff_id"))
    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    code_sha256: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]


class StaffSession(Base):
    """A signed-in browser, or a program that acts for a person.

    `stage` is `password` until the passkey is shown, `enrol` while one is still to be registered, then `open`.
    """

    __tablename__ = "staff_sessions"
    __table_args__ = (
        UniqueConstraint("token_sha256"),
        Index(None, "staff_id", "ended_at"),
        CheckConstraint("kind IN ('browser', 'program')", "kind"),
        CheckConstraint("stage IN ('password', 'enrol', 'open')", "stage"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_members.id"))
    kind: Mapped[str] = mapped_column(String(16))
    stage: Mapped[str] = mapped_column(String(16))
    token_sha256: Mapped[str | None] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    stepped_up_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(32))


class StaffToken(Base):
    """An access or refresh token of a program's session. A refresh token that was used is kept, to know it again."""

    __tablename__ = "staff_tokens"
    __table_args__ = (UniqueConstraint("token_sha256"), Index(None, "session_id"))
    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("staff_sessions.id"))
    kind: Mapped[str] = mapped_column(String(16))
    token_sha256: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffChallenge(Base):
    """A WebAuthn challenge that waits for its answer; deleted by the first one, right or wrong."""

    __tablename__ = "staff_challenges"
    __table_args__ = (UniqueConstraint("session_id", "purpose"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("staff_sessions.id"))
    purpose: Mapped[str] = mapped_column(String(16))
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]


class StaffAttempts(Base):
    """Failed sign-ins under one name, whether or not anybody has it."""

    __tablename__ = "staff_attempts"
    name_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    first_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class StaffEvent(Base):
    """What a person did or what was done to their account. Append-only: the database refuses changes (SQLite)."""

    __tablename__ = "staff_events"
    __table_args__ = (Index(None, "staff_id", "id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_members.id"))
    session_id: Mapped[UUID | None]
    by_staff_id: Mapped[UUID | None]
    detail: Mapped[dict[str, Any]]
