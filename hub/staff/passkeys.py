"""Passkeys: WebAuthn ceremonies by py_webauthn. The person is always verified (PIN or fingerprint), never only present.

A challenge belongs to one session and one purpose, lives five minutes, and is gone with the first answer to it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID, uuid4

import webauthn
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from hub.db.staff_tables import StaffChallenge, StaffMember, StaffPasskey
from hub.errors import Conflict, NotFound
from hub.staff.errors import PasskeyRefused
from hub.staff.events import StaffEventKind, record_event

Purpose = Literal["enrol", "sign-in", "step-up"]
CHALLENGE_S: Final = 300
MOST_PASSKEYS: Final = 10
_TRANSPORTS: Final = frozenset(transport.value for transport in AuthenticatorTransport)
_LONGEST_ID: Final = 1_400


@dataclass(frozen=True)
class RelyingParty:
    """Whom passkeys are for, and the address that browsers show them at."""

    id: str
    origin: str
    name: str = "DermaKiosk"


def list_passkeys(session: Session, staff_id: UUID) -> Sequence[StaffPasskey]:
    """The person's passkeys, the oldest first."""
    return session.scalars(
        select(StaffPasskey).where(StaffPasskey.staff_id == staff_id).order_by(StaffPasskey.added_at, StaffPasskey.id)
    ).all()


def registration_options(
    session: Session, member: StaffMember, *, session_id: UUID, party: RelyingParty, now: datetime
) -> dict[str, Any]:
    """What the browser needs to make a passkey, as JSON.

    Raises:
        Conflict: the person has as many as one may have.
    """
    present = list_passkeys(session, member.id)
    if len(present) >= MOST_PASSKEYS:
        raise Conflict(f"there are {MOST_PASSKEYS} passkeys already; remove one first")
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_name=member.username,
        user_display_name=member.full_name,
        user_id=member.id.bytes,
        challenge=_new_challenge(session, session_id, "enrol", now=now),
        timeout=CHALLENGE_S * 1_000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[_descriptor(passkey) for passkey in present],
    )
    return _as_json(options)


def register_passkey(
    session: Session,
    member: StaffMember,
    answer: dict[str, Any],
    *,
    challenge: bytes,
    label: str,
    session_id: UUID,
    party: RelyingParty,
    now: datetime,
) -> StaffPasskey:
    """Keep the passkey that the browser made.

    Raises:
        PasskeyRefused: the answer is of another challenge, origin or relying party, or nobody was verified.
    """
    try:
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PasskeyRefused("the passkey could not be registered") from error
    credential_id = bytes_to_base64url(verified.credential_id)
    if len(credential_id) > _LONGEST_ID or _known(session, credential_id) is not None:
        raise PasskeyRefused("this passkey is registered already")
    named = answer.get("response", {}).get("transports") or []
    transports = sorted(_TRANSPORTS.intersection(item for item in named if isinstance(item, str)))
    passkey = StaffPasskey(
        id=uuid4(),
        staff_id=member.id,
        credential_id=credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        label=label,
        transports=transports,
        backed_up=verified.credential_backed_up,
        added_at=now,
    )
    session.add(passkey)
    session.flush()
    record_event(
        session,
        StaffEventKind.PASSKEY_ADDED,
        at=now,
        staff_id=member.id,
        session_id=session_id,
        by=member.id,
        passkey_id=str(passkey.id),
    )
    return passkey


def assertion_options(
    session: Session, staff_id: UUID, purpose: Purpose, *, session_id: UUID, party: RelyingParty, now: datetime
) -> dict[str, Any]:
    """What the browser needs to show one of the person's passkeys, as JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=_new_challenge(session, session_id, purpose, now=now),
        timeout=CHALLENGE_S * 1_000,
        allow_credentials=[_descriptor(passkey) for passkey in list_passkeys(session, staff_id)],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _as_json(options)


def verify_assertion(
    session: Session, staff_id: UUID, answer: dict[str, Any], *, challenge: bytes, party: RelyingParty, now: datetime
) -> StaffPasskey:
    """The passkey that was shown.

    Raises:
        PasskeyRefused: no passkey of this person, another challenge, origin or relying party, nobody verified, or a
            counter that did not rise, as that of a copied key does not.
    """
    passkey = _known(session, str(answer.get("id", ""))[:_LONGEST_ID])
    if passkey is None or passkey.staff_id != staff_id:
        raise PasskeyRefused("this is no passkey of this account")
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PasskeyRefused("the passkey was not accepted") from error
    passkey.sign_count, passkey.backed_up = verified.new_sign_count, verified.credential_backed_up
    passkey.last_used_at = now
    return passkey


def take_challenge(session: Session, session_id: UUID, purpose: Purpose, *, now: datetime) -> bytes:
    """The challenge that waits; it can be taken once, so the caller commits whatever the answer is worth.

    Raises:
        PasskeyRefused: none waits, or it has waited too long.
    """
    found = session.execute(
        delete(StaffChallenge)
        .where(StaffChallenge.session_id == session_id, StaffChallenge.purpose == purpose)
        .returning(StaffChallenge.challenge, StaffChallenge.expires_at)
    ).one_or_none()
    if found is None or found.expires_at <= now:
        raise PasskeyRefused("there is no such question, or it has waited too long")
    challenge: bytes = found.challenge
    return challenge


def remove_passkey(session: Session, staff_id: UUID, passkey_id: UUID, *, session_id: UUID, now: datetime) -> None:
    """Forget a passkey.

    Raises:
        NotFound: the person has no such passkey.
        Conflict: it is the last one, without which nobody gets in.
    """
    passkeys = {passkey.id: passkey for passkey in list_passkeys(session, staff_id)}
    if passkey_id not in passkeys:
        raise NotFound("there is no such passkey")
    if len(passkeys) == 1:
        raise Conflict("this is the last passkey; add another one first")
    session.delete(passkeys[passkey_id])
    record_event(
        session,
        StaffEventKind.PASSKEY_REMOVED,
        at=now,
        staff_id=staff_id,
        session_id=session_id,
        by=staff_id,
        passkey_id=str(passkey_id),
    )


def _new_challenge(session: Session, session_id: UUID, purpose: Purpose, *, now: datetime) -> bytes:
    challenge = webauthn.helpers.generate_challenge()
    session.execute(
        delete(StaffChallenge).where(
            (StaffChallenge.expires_at <= now)
            | ((StaffChallenge.session_id == session_id) & (StaffChallenge.purpose == purpose))
        )
    )
    session.add(
        StaffChallenge(
            id=uuid4(),
            session_id=session_id,
            purpose=purpose,
            challenge=challenge,
            expires_at=now + timedelta(seconds=CHALLENGE_S),
        )
    )
    return challenge


def _known(session: Session, credential_id: str) -> StaffPasskey | None:
    return session.scalar(select(StaffPasskey).where(StaffPasskey.credential_id == credential_id))


def _descriptor(passkey: StaffPasskey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        id=base64url_to_bytes(passkey.credential_id),
        transports=[AuthenticatorTransport(transport) for transport in passkey.transports],
    )


def _as_json(options: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return told
