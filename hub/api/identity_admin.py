"""What staff do about patients' identity: codes to read out, unlocking, revoking, deleting, kiosks' keys."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from hub.api.deps import ReadSession, RunningServices, WriteSession, require, require_step_up
from hub.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from hub.api.schemas import Page
from hub.db.identity_tables import Deletion, KioskKey, SignInAttempt
from hub.db.tables import Kiosk, Patient
from hub.errors import NotFound
from hub.identity.attempts import clear_locks_of
from hub.identity.credentials import revoke_everywhere
from hub.identity.deletions import KioskDeletion, kiosks_of
from hub.identity.kiosk_keys import confirm_keys
from hub.identity.reset_codes import give_code
from hub.security import Principal
from protocol.fields import Base64Text
from protocol.identity import DeletionScope

router = APIRouter(prefix="/api/v1", tags=["identity"])
Helper = Annotated[Principal, Depends(require_step_up("clinician", "attendant"))]
Administrator = Annotated[Principal, Depends(require_step_up("administrator"))]


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class ResetCodeOut(_Schema):
    """A code to read out to the patient, and to nobody else."""

    code: str
    expires_at: datetime


class CountOut(_Schema):
    """How many names, or kiosks, it concerned."""

    count: int


class AttemptOut(_Schema):
    """One attempt to sign in as a patient."""

    attempt_id: UUID
    site: str
    kiosk: str
    method: str
    outcome: str
    reason: str | None
    counted: bool
    attempted_at: datetime
    received_at: datetime


class DeletionIn(_Schema):
    """What to delete."""

    scope: DeletionScope


class DeletionAccepted(_Schema):
    """The deletion's id in the list of deletions."""

    id: UUID


class KioskDeletionOut(_Schema):
    """How far one kiosk is; `receipted` once its signed word is here and verified."""

    site: str
    kiosk: str
    order_id: UUID
    state: str
    times_sent: int
    removed: list[str] | None
    deleted_at: datetime | None
    receipted_at: datetime | None


class DeletionOut(_Schema):
    """One deletion. `complete` once the hub's own copy is gone and every kiosk has receipted."""

    id: UUID
    patient_id: UUID
    scope: str
    requested_by: str
    requested_at: datetime
    received_at: datetime
    done_at_hub_at: datetime | None
    complete: bool
    kiosks: list[KioskDeletionOut]


class KioskKeysOut(_Schema):
    """The keys that a kiosk is known by, and those that wait to be confirmed, in base64."""

    site: str
    kiosk: str
    signing_key: str
    pinned_at: datetime
    confirmed_by: str | None
    proposed_signing_key: str | None
    proposed_at: datetime | None


class KeysConfirmation(_Schema):
    """The signing key that the administrator has compared with the one that the kiosk shows."""

    signing_key: Base64Text


@router.post("/patients/{patient_id}/reset-codes", status_code=201)
def make_reset_code(
    patient_id: UUID, caller: Helper, session: WriteSession, running: RunningServices, response: Response
) -> ResetCodeOut:
    """A one-time code for a patient whom the caller knows to be this one."""
    new = give_code(session, running.identity_keys, patient_id, by=caller.name, now=running.clock())
    session.commit()
    response.headers["Cache-Control"] = "no-store"
    return ResetCodeOut(code=new.code, expires_at=new.expires_at)


@router.delete("/patients/{patient_id}/sign-in-lock")
def unlock(patient_id: UUID, _caller: Helper, session: WriteSession, running: RunningServices) -> CountOut:
    """Unlock every name of a patient, at every kiosk."""
    count = clear_locks_of(session, patient_id, now=running.clock())
    session.commit()
    return CountOut(count=count)


@router.get("/patients/{patient_id}/sign-in-attempts", dependencies=[Depends(require("clinician", "administrator"))])
def list_attempts(
    patient_id: UUID, session: ReadSession, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[AttemptOut]:
    """Attempts to sign in as a patient, the latest received first."""

    def show(attempt: SignInAttempt, kiosk: Kiosk) -> AttemptOut:
        fields = {name: getattr(attempt, name, None) for name in AttemptOut.model_fields}
        return AttemptOut.model_validate(fields | {"site": kiosk.site, "kiosk": kiosk.name})

    return page(
        session,
        select(SignInAttempt, Kiosk)
        .join(Kiosk, Kiosk.id == SignInAttempt.kiosk_id)
        .where(SignInAttempt.patient_id == patient_id),
        at=SignInAttempt.received_at,
        key=SignInAttempt.attempt_id,
        limit=limit,
        cursor=cursor,
        show=lambda row: show(row.SignInAttempt, row.Kiosk),
        position=lambda row: (row.SignInAttempt.received_at, row.SignInAttempt.attempt_id),
    )


@router.post("/patients/{patient_id}/credential-revocations", status_code=202)
def revoke(patient_id: UUID, _caller: Administrator, session: WriteSession, running: RunningServices) -> CountOut:
    """Make every kiosk forget its copy of a patient's credential record at once; each asks the hub the next time."""
    count = revoke_everywhere(session, patient_id, now=running.clock())
    session.commit()
    return CountOut(count=count)


@router.post("/patients/{patient_id}/deletions", status_code=202)
def request_deletion(
    patient_id: UUID, wish: DeletionIn, caller: Administrator, session: WriteSession, running: RunningServices
) -> DeletionAccepted:
    """Delete a patient's face, or account, everywhere, when the patient does not ask for it at a kiosk."""
    if session.get(Patient, patient_id) is None:
        raise NotFound("no patient has this id")
    now = running.clock()
    deletion = Deletion(
        id=uuid4(),
        patient_id=patient_id,
        scope=wish.scope,
        requested_by=caller.name,
        requested_at=now,
        received_at=now,
    )
    session.add(deletion)
    session.commit()
    return DeletionAccepted(id=deletion.id)


@router.get("/deletions", dependencies=[Depends(require("administrator", "technician"))])
def list_deletions(session: ReadSession, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[DeletionOut]:
    """Deletions, the latest first, with every kiosk's receipt."""
    return page(
        session,
        select(Deletion),
        at=Deletion.received_at,
        key=Deletion.id,
        limit=limit,
        cursor=cursor,
        show=lambda row: _deletion(row.Deletion, kiosks_of(session, row.Deletion.id)),
        position=lambda row: (row.Deletion.received_at, row.Deletion.id),
    )


@router.get("/kiosk-keys", dependencies=[Depends(require("administrator", "technician"))])
def list_keys(session: ReadSession) -> list[KioskKeysOut]:
    """The keys of every kiosk; those with `proposed_at` wait for an administrator."""
    rows = session.execute(
        select(KioskKey, Kiosk).join(Kiosk, Kiosk.id == KioskKey.kiosk_id).order_by(Kiosk.site, Kiosk.name)
    )
    return [
        KioskKeysOut(
            site=kiosk.site,
            kiosk=kiosk.name,
            signing_key=b64encode(keys.signing_key).decode(),
            pinned_at=keys.pinned_at,
            confirmed_by=keys.confirmed_by,
            proposed_signing_key=b64encode(keys.proposed_signing_key).decode() if keys.proposed_signing_key else None,
            proposed_at=keys.proposed_at,
        )
        for keys, kiosk in rows
    ]


@router.post("/kiosk-keys/{site}/{kiosk}/confirmation", status_code=204)
def confirm(
    *,
    site: str,
    kiosk: str,
    confirmation: KeysConfirmation,
    caller: Administrator,
    session: WriteSession,
    running: RunningServices,
) -> Response:
    """Take a kiosk's new keys as its own, after comparing them with those that the kiosk shows."""
    confirm_keys(
        session,
        site=site,
        kiosk=kiosk,
        expected_signing_key=confirmation.signing_key,
        confirmed_by=caller.name,
        now=running.clock(),
    )
    session.commit()
    return Response(status_code=204)


def _deletion(deletion: Deletion, kiosks: list[KioskDeletion]) -> DeletionOut:
    fields = {name: getattr(deletion, name, None) for name in DeletionOut.model_fields}
    complete = deletion.done_at_hub_at is not None and all(kiosk.state == "receipted" for kiosk in kiosks)
    shown = [KioskDeletionOut.model_validate(kiosk) for kiosk in kiosks]
    return DeletionOut.model_validate(fields | {"complete": complete, "kiosks": shown})
