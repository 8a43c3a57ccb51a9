"""What kiosks ask about identity: keys, credential records, reset codes. Each sees what concerns its visitor alone."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from sqlalchemy.orm import Session

from hub.api.deps import RunningServices, Services, WriteSession, require
from hub.db.tables import Kiosk
from hub.identity.attempts import clear_locks_of, order_known_lock
from hub.identity.credentials import hand_out, take_record
from hub.identity.errors import ClaimUnknown, KioskKeysChanged, ResetCodeWrong
from hub.identity.hub_keys import seal_to_kiosk
from hub.identity.kiosk_keys import kiosk_row, pinned_keys, take_keys
from hub.identity.notices import send_code
from hub.identity.requests import note_request, require_allowance
from hub.identity.reset_codes import order_code, prove
from hub.security import Principal
from protocol.credentials import (
    PEPPER_TO_KIOSK,
    ClaimedRecord,
    CredentialClaim,
    FleetIdentity,
    KioskKeys,
    PasswordResetOrder,
    PasswordResetProof,
    SealedRecord,
)

router = APIRouter(prefix="/api/v1", tags=["kiosk identity"])
KioskCaller = Annotated[Principal, Depends(require("kiosk"))]
_NO_STORE = {"Cache-Control": "no-store"}


@router.put("/kiosk/keys", status_code=204)
def put_keys(keys: KioskKeys, caller: KioskCaller, session: WriteSession, running: RunningServices) -> Response:
    """Make the kiosk's public keys known. The first ones count at once; others wait for an administrator (409)."""
    now = running.clock()
    accepted = take_keys(session, _kiosk(session, caller, now), keys, now=now)
    session.commit()
    if not accepted:
        raise KioskKeysChanged("the kiosk is known by other keys; these wait to be confirmed")
    return Response(status_code=204)


@router.get("/kiosk/identity")
def read_identity(caller: KioskCaller, session: WriteSession, running: RunningServices) -> FleetIdentity:
    """The hub's public key, and the fleet's pepper in an envelope for this kiosk."""
    kiosk = pinned_keys(session, _kiosk(session, caller, running.clock()).id)
    keys = running.identity_keys
    sealed = seal_to_kiosk(keys.pepper, kiosk_key=kiosk.encryption_key, info=PEPPER_TO_KIOSK)
    return FleetIdentity(encryption_key=b64encode(keys.public_key).decode(), sealed_pepper=b64encode(sealed).decode())


@router.put("/credentials/{patient_id}", status_code=204)
def put_record(
    patient_id: UUID, record: SealedRecord, caller: KioskCaller, session: WriteSession, running: RunningServices
) -> Response:
    """Take a changed credential record; a repetition changes nothing, an older one is refused (409)."""
    now = running.clock()
    kiosk_id = _kiosk(session, caller, now).id
    take_record(session, running.identity_keys, patient_id, record, kiosk_id=kiosk_id, now=now)
    session.commit()
    return Response(status_code=204)


@router.post("/credentials/claims")
def claim_record(
    claim: CredentialClaim, caller: KioskCaller, session: WriteSession, running: RunningServices, response: Response
) -> ClaimedRecord:
    """The record of the one patient who stands before the kiosk, sealed to its key; 404 for an unknown name."""
    now = running.clock()
    settings, digest = running.settings.identity, claim.claim_digest
    kiosk_id = _kiosk(session, caller, now).id
    require_allowance(session, "claim", kiosk_id=kiosk_id, most=settings.claims_per_hour, now=now)
    order_known_lock(session, digest, kiosk_id=kiosk_id, now=now)
    try:
        handed = hand_out(session, running.identity_keys, digest, kiosk_id=kiosk_id, cache_s=settings.cache_s, now=now)
    except ClaimUnknown:
        note_request(session, "claim", digest, kiosk_id=kiosk_id, outcome="unknown", now=now)
        session.commit()
        raise
    note_request(session, "claim", digest, kiosk_id=kiosk_id, outcome="handed-out", now=now)
    session.commit()
    response.headers.update(_NO_STORE)
    return handed


@router.post("/password-resets", status_code=202)
def order_reset(
    order: PasswordResetOrder, caller: KioskCaller, session: WriteSession, running: RunningServices
) -> Response:
    """Have a reset code sent. The answer is the same whether there is such a patient, or an address, or not."""
    now = running.clock()
    keys, most = running.identity_keys, running.settings.identity.resets_per_hour
    kiosk_id = _kiosk(session, caller, now).id
    require_allowance(session, "reset-order", kiosk_id=kiosk_id, most=most, now=now)
    code = None
    if _is_configured(running, order.channel):
        by = f"patient at {caller.site}/{caller.kiosk}"
        code = order_code(session, keys, order.claim_digest, order.channel, by=by, now=now)
    if code is not None:
        send_code(session, keys, code, order.channel, now=now)
    outcome = "not-sent" if code is None else "queued"
    note_request(session, "reset-order", order.claim_digest, kiosk_id=kiosk_id, outcome=outcome, now=now)
    session.commit()
    return Response(status_code=202)


@router.post("/password-resets/verify")
def verify_reset(
    proof: PasswordResetProof, caller: KioskCaller, session: WriteSession, running: RunningServices, response: Response
) -> ClaimedRecord:
    """Take the code that a patient typed, once; hands out the record and unlocks the patient's names everywhere."""
    now = running.clock()
    settings, keys, digest = running.settings.identity, running.identity_keys, proof.claim_digest
    kiosk_id = _kiosk(session, caller, now).id
    pinned_keys(session, kiosk_id)  # or a code would be used up for nothing
    require_allowance(session, "reset-proof", kiosk_id=kiosk_id, most=settings.resets_per_hour, now=now)
    try:
        patient_id = prove(session, keys, digest, proof.code.get_secret_value(), now=now)
    except ResetCodeWrong:
        note_request(session, "reset-proof", digest, kiosk_id=kiosk_id, outcome="wrong", now=now)
        session.commit()
        raise
    handed = hand_out(session, keys, digest, kiosk_id=kiosk_id, cache_s=settings.cache_s, now=now)
    clear_locks_of(session, patient_id, now=now)
    note_request(session, "reset-proof", digest, kiosk_id=kiosk_id, outcome="proven", now=now)
    session.commit()
    response.headers.update(_NO_STORE)
    return handed


def _kiosk(session: Session, caller: Principal, now: datetime) -> Kiosk:
    assert caller.site is not None
    assert caller.kiosk is not None
    return kiosk_row(session, site=caller.site, kiosk=caller.kiosk, now=now)


def _is_configured(running: Services, channel: str) -> bool:
    settings = running.settings
    return (settings.mail.host if channel == "email" else settings.sms.url) is not None
