"""What the staff routes take and give."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from hub.config import StaffRole


def _plain(text: str) -> str:
    text = " ".join(text.split())
    if not text or not text.isprintable():
        raise ValueError("must be printable and not empty")
    return text


Label = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_plain)]


class _Taken(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PasskeyAnswer(_Taken):
    """A browser's `PublicKeyCredential.toJSON()`."""

    credential: dict[str, Any]


class NewPasskey(PasskeyAnswer):
    """The same, of a new passkey, with the name that its owner gives it."""

    label: Label


class RecoveryCode(_Taken):
    """One recovery code, as typed."""

    code: SecretStr = Field(min_length=1, max_length=100)


class RefreshToken(_Taken):
    """What a program got with its access token."""

    refresh_token: SecretStr = Field(min_length=1, max_length=200)


class TokenOrder(_Taken):
    """What the program is called in the list of sessions."""

    label: Label


class NewMember(_Taken):
    """A person to invite."""

    username: Annotated[str, Field(min_length=1, max_length=64)]
    full_name: Annotated[str, Field(min_length=1, max_length=200)]
    role: StaffRole


class RoleOrder(_Taken):
    """The role to give."""

    role: StaffRole


class Told(BaseModel):
    """Base of what is given."""

    model_config = ConfigDict(from_attributes=True)


class TokensOut(Told):
    """A program's tokens; they are told this once."""

    session_id: UUID
    access_token: str
    refresh_token: str
    token_type: str
    expires_in_s: int


class PasskeyOut(Told):
    """A passkey, without its key."""

    id: UUID
    label: str
    backed_up: bool
    added_at: datetime
    last_used_at: datetime | None


class SessionOut(Told):
    """A session that runs."""

    id: UUID
    kind: str
    label: str
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    current: bool


class CodesOut(BaseModel):
    """New recovery codes; they are told this once."""

    recovery_codes: list[str]


class MemberOut(Told):
    """An account."""

    id: UUID
    username: str
    full_name: str
    role: StaffRole
    added_at: datetime
    disabled_at: datetime | None
    locked_until: datetime | None
    passkeys: int


class InvitationOut(BaseModel):
    """A one-time invitation; it is told this once."""

    staff_id: UUID
    link: str
    code: str
    expires_in_s: int


class StaffEventOut(Told):
    """One row of the record."""

    id: int
    at: datetime
    kind: str
    staff_id: UUID | None
    session_id: UUID | None
    by_staff_id: UUID | None
    detail: dict[str, Any]
