"""Credential records: taken from the kiosk that changed them, handed to the kiosk where their patient stands."""

import logging
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hub.db.identity_tables import CredentialDigest, CredentialHolder, KioskOrder, StoredCredential
from hub.db.tables import Patient
from hub.db.upsert import insert_missing
from hub.identity.deletions import is_deleted, order_deletion_again
from hub.identity.errors import ClaimUnknown, EnvelopeAltered, IdentityDeleted, RecordOutdated
from hub.identity.hub_keys import HubKeys, seal_to_kiosk, seal_with_own_key, unseal_with_own_key
from hub.identity.kiosk_keys import pinned_keys
from hub.identity.orders import give_order, withdraw_orders
from protocol.commands import COMMAND_NAMES, AssignPatientCode, DeleteIdentity, RevokeCredentials
from protocol.credentials import TO_HUB, TO_KIOSK, ClaimedRecord, CredentialRecord, SealedRecord

_log = logging.getLogger(__name__)
_REVOKE: Final = COMMAND_NAMES[RevokeCredentials]


def take_record(
    session: Session, keys: HubKeys, patient_id: UUID, envelope: SealedRecord, *, kiosk_id: int, now: datetime
) -> None:
    """Store a changed record, and revoke older copies of it at other kiosks. A repetition changes nothing.

    Only a kiosk that has the present record may change it: of two changes made apart, the first to arrive counts.

    Raises:
        EnvelopeAltered: it does not open, or holds something else than its outside says.
        RecordOutdated: older than the present one, or made from an older one.
        IdentityDeleted: the account was deleted; the kiosk is ordered to delete it as well, which is committed.
    """
    record = _open(keys, patient_id, envelope)
    if is_deleted(session, patient_id):
        order_deletion_again(session, patient_id, kiosk_id=kiosk_id, now=now)
        session.commit()
        raise IdentityDeleted("the account was deleted")
    digest = keys.digest(record.model_dump_json().encode(), context=str(patient_id))
    present = session.get(StoredCredential, patient_id)
    if present is not None:
        if (present.version, present.digest) == (record.version, digest):
            return
        holder = session.get(CredentialHolder, (patient_id, kiosk_id))
        if record.version <= present.version or holder is None or holder.version != present.version:
            raise RecordOutdated(f"version {present.version} is here, and was not changed from")
    if _face_must_go(session, patient_id, kiosk_id):
        record = record.model_copy(update={"face": None})
    _store(session, keys, record, digest=digest, now=now)
    _name(session, record)
    _hold(session, patient_id, kiosk_id, version=record.version, now=now)
    for holder in _other_holders(session, record, kiosk_id):
        _revoke(session, holder, now=now)
    tell_code(session, patient_id, kiosk_id=kiosk_id, known=record.patient_code, now=now)


def tell_code(session: Session, patient_id: UUID, *, kiosk_id: int, known: str | None, now: datetime) -> None:
    """Order a kiosk to take over the patient's lasting code, once both registration and record are here.

    Not before the record: a kiosk sends that under the fleet's pepper, and a code that came before the pepper would
    make it forget the provisional one, which is printed on a card.
    """
    code = session.get_one(Patient, patient_id).code
    if code is None or code == known or session.get(StoredCredential, patient_id) is None:
        return
    order = AssignPatientCode(patient_id=patient_id, code=code)
    give_order(session, order, kiosk_id=kiosk_id, subject=patient_id, now=now)


def hand_out(
    session: Session, keys: HubKeys, claim_digest: str, *, kiosk_id: int, cache_s: int, now: datetime
) -> ClaimedRecord:
    """The record of the one patient who is named so, in an envelope for this kiosk alone.

    Raises:
        ClaimUnknown: nobody is named so.
        KioskKeysMissing: there is nothing to seal it to.
        CredentialUnreadable: the stored record does not open.
    """
    kiosk = pinned_keys(session, kiosk_id)
    named = session.get(CredentialDigest, claim_digest)
    stored = session.get(StoredCredential, named.patient_id) if named else None
    if stored is None or is_deleted(session, stored.patient_id):
        raise ClaimUnknown("nobody is named so")
    plain = unseal_with_own_key(keys, stored.sealed_key, stored.sealed, context=str(stored.patient_id))
    _hold(session, stored.patient_id, kiosk_id, version=stored.version, now=now)
    sealed = seal_to_kiosk(plain, kiosk_key=kiosk.encryption_key, info=TO_KIOSK)
    return ClaimedRecord(
        patient_id=stored.patient_id, version=stored.version, cache_s=cache_s, sealed=b64encode(sealed).decode()
    )


def revoke_everywhere(session: Session, patient_id: UUID, *, now: datetime) -> int:
    """Make every kiosk forget its copy at once; returns how many kiosks have one."""
    holders = session.scalars(select(CredentialHolder).where(CredentialHolder.patient_id == patient_id)).all()
    for holder in holders:
        _revoke(session, holder, now=now)
    return len(holders)


def strip_face(session: Session, keys: HubKeys, patient_id: UUID, *, now: datetime) -> None:
    """Take the face out of the hub's copy, and destroy the key that the old copy opens with.

    Raises:
        CredentialUnreadable: the stored record does not open.
    """
    stored = session.get(StoredCredential, patient_id)
    if stored is None:
        return
    plain = unseal_with_own_key(keys, stored.sealed_key, stored.sealed, context=str(patient_id))
    record = CredentialRecord.model_validate_json(plain).model_copy(update={"face": None})
    _store(session, keys, record, digest=stored.digest, now=now)


def destroy_record(session: Session, patient_id: UUID) -> None:
    """Delete the record with its key, its names and who holds it."""
    for table in (StoredCredential, CredentialDigest, CredentialHolder):
        session.execute(delete(table).where(table.patient_id == patient_id))


def _open(keys: HubKeys, patient_id: UUID, envelope: SealedRecord) -> CredentialRecord:
    try:
        sealed = b64decode(envelope.sealed, validate=True)
        record = CredentialRecord.model_validate_json(keys.open_envelope(sealed, info=TO_HUB), extra="ignore")
    except ValueError:  # pydantic's ValidationError is one
        raise EnvelopeAltered("the envelope holds no credential record") from None
    outside = (patient_id, envelope.version, set(envelope.claim_digests))
    if (record.patient_id, record.version, set(record.claim_digests)) != outside:
        raise EnvelopeAltered("the envelope holds another record than it says")
    return record


def _store(session: Session, keys: HubKeys, record: CredentialRecord, *, digest: bytes, now: datetime) -> None:
    patient_id = record.patient_id
    session.execute(insert_missing(session, Patient), [{"id": patient_id, "stored_at": now}])
    plain = record.model_dump_json().encode()
    sealed_key, sealed = seal_with_own_key(keys, plain, context=str(patient_id))
    stored = session.get(StoredCredential, patient_id)
    if stored is None:
        stored = StoredCredential(patient_id=patient_id)
        session.add(stored)
    stored.version, stored.digest, stored.stored_at = record.version, digest, now
    stored.sealed_key, stored.sealed = sealed_key, sealed
    session.flush()


def _name(session: Session, record: CredentialRecord) -> None:
    """Point the record's names to its patient. A name that another patient has stays theirs: first come."""
    wanted = set(record.claim_digests)
    session.execute(
        delete(CredentialDigest).where(
            CredentialDigest.patient_id == record.patient_id, CredentialDigest.claim_digest.not_in(wanted)
        )
    )
    known = {
        row.claim_digest: row.patient_id
        for row in session.scalars(select(CredentialDigest).where(CredentialDigest.claim_digest.in_(wanted)))
    }
    for digest in sorted(wanted - set(known)):
        session.add(CredentialDigest(claim_digest=digest, patient_id=record.patient_id))
    if any(owner != record.patient_id for owner in known.values()):
        _log.warning("patient %s shares a name with another: elsewhere the code must serve", record.patient_id)
    session.flush()


def _hold(session: Session, patient_id: UUID, kiosk_id: int, *, version: int, now: datetime) -> None:
    holder = session.get(CredentialHolder, (patient_id, kiosk_id))
    if holder is None:
        holder = CredentialHolder(patient_id=patient_id, kiosk_id=kiosk_id, held_since=now)
        session.add(holder)
    holder.version = version
    # A revocation that it has not heard yet would take away what it just got.
    withdraw_orders(session, (_REVOKE,), subject=patient_id, kiosk_ids=(kiosk_id,), now=now)
    session.flush()


def _other_holders(session: Session, record: CredentialRecord, kiosk_id: int) -> list[CredentialHolder]:
    return list(
        session.scalars(
            select(CredentialHolder).where(
                CredentialHolder.patient_id == record.patient_id,
                CredentialHolder.kiosk_id != kiosk_id,
                CredentialHolder.version < record.version,
            )
        )
    )


def _revoke(session: Session, holder: CredentialHolder, *, now: datetime) -> None:
    order = RevokeCredentials(patient_id=holder.patient_id)
    give_order(session, order, kiosk_id=holder.kiosk_id, subject=holder.patient_id, now=now)
    # It may not change what it no longer has; for a deletion every kiosk is asked anyway.
    session.delete(holder)
    session.flush()


def _face_must_go(session: Session, patient_id: UUID, kiosk_id: int) -> bool:
    """Whether this kiosk still has an order to delete the face: what it sends may be from before it heard."""
    query = select(KioskOrder.id).where(
        KioskOrder.is_open,
        KioskOrder.kiosk_id == kiosk_id,
        KioskOrder.subject == str(patient_id),
        KioskOrder.type == COMMAND_NAMES[DeleteIdentity],
    )
    return session.scalar(query.limit(1)) is not None
