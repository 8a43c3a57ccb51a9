"""Tables of identity: keys of kiosks, sealed credential records, attempts and locks, orders to kiosks, deletions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.base import Base
from hub.db.tables import Sha256Text, Slug

PublicKey = LargeBinary(32)


class KioskKey(Base):
    """The public keys that a kiosk is known by, and those that it claims to have now, until somebody confirms them."""

    __tablename__ = "kiosk_keys"
    kiosk_id: Mapped[int] = mapped_column(ForeignKey("kiosks.id"), primary_key=True, autoincrement=False)
    encryption_key: Mapped[bytes] = mapped_column(PublicKey)
    signing_key: Mapped[bytes] = mapped_column(PublicKey)
    pinned_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    """Who confirmed a change; null for the first keys."""
    proposed_encryption_key: Mapped[bytes | None] = mapped_column(PublicKey)
    proposed_signing_key: Mapped[bytes | None] = mapped_column(PublicKey)
    proposed_at: Mapped[datetime | None]


class StoredCredential(Base):
    """A credential record, sealed under a key of its own, which is itself sealed under the hub's key file."""

    __tablename__ = "credentials"
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    version: Mapped[int]
    sealed_key: Mapped[bytes]
    sealed: Mapped[bytes]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    """HMAC of the record as it came, under a key that nobody else has: tells a repetition from a change."""
    stored_at: Mapped[datetime]


class CredentialDigest(Base):
    """Whom a claimed name names."""

    __tablename__ = "credential_digests"
    claim_digest: Mapped[str] = mapped_column(Sha256Text, primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"), index=True)


class CredentialHolder(Base):
    """A kiosk that has a patient's record, and which version of it."""

    __tablename__ = "credential_holders"
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    kiosk_id: Mapped[int] = mapped_column(ForeignKey("kiosks.id"), primary_key=True, autoincrement=False)
    version: Mapped[int]
    held_since: Mapped[datetime]


class IdentityRequest(Base):
    """One question of a kiosk about a name, for the audit and for its limits."""

    __tablename__ = "identity_requests"
    __table_args__ = (Index(None, "kiosk_id", "kind", "asked_at"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kiosk_id: Mapped[int] = mapped_column(ForeignKey("kiosks.id"))
    kind: Mapped[str] = mapped_column(Slug)
    claim_digest: Mapped[str] = mapped_column(Sha256Text)
    outcome: Mapped[str] = mapped_column(Slug)
    asked_at: Mapped[datetime]


class SignInAttempt(Base):
    """One attempt that a kiosk reported. `patient_id` refers to nobody if the kiosk knew nobody of that name."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index(None, "claim_digest", "effective_at"),
        Index(None, "merged", "received_at"),
        Index(None, "patient_id", "received_at", "attempt_id"),
    )
    attempt_id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("inbox.message_id"))
    kiosk_id: Mapped[int] = mapped_column(ForeignKey("kiosks.id"))
    claim_digest: Mapped[str] = mapped_column(Sha256Text)
    patient_id: Mapped[UUID | None]
    method: Mapped[str] = mapped_column(Slug)
    outcome: Mapped[str] = mapped_column(Slug)
    reason: Mapped[str | None] = mapped_column(Slug)
    counted: Mapped[bool]
    failures: Mapped[int] = mapped_column(Integer)
    locked_for_s: Mapped[float]
    attempted_at: Mapped[datetime]
    received_at: Mapped[datetime]
    effective_at: Mapped[datetime]
    """When the kiosk says it was, but never later than it was received."""
    merged: Mapped[bool] = mapped_column(default=False)
    """Whether it has been counted together with those of the other kiosks."""


class SignInName(Base):
    """What all kiosks together know of a claimed name."""

    __tablename__ = "sign_in_names"
    claim_digest: Mapped[str] = mapped_column(Sha256Text, primary_key=True)
    forgiven_at: Mapped[datetime | None]
    """Failures up to here do not count any more."""
    locked_until: Mapped[datetime | None]


class ResetCode(Base):
    """One code that proves a patient who forgot the password. Only its HMAC is here."""

    __tablename__ = "reset_codes"
    __table_args__ = (Index(None, "patient_id", "ordered_at"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"))
    channel: Mapped[str] = mapped_column(Slug)
    ordered_by: Mapped[str]
    code_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    ordered_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(Integer)
    settled_at: Mapped[datetime | None]
    """When it was used, or replaced by a newer one."""


class KioskOrder(Base):
    """One order to one kiosk, sent again until it is settled. Its id is the command's message id."""

    __tablename__ = "kiosk_orders"
    __table_args__ = (Index(None, "is_open", "kiosk_id"), Index(None, "subject", "type"))
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kiosk_id: Mapped[int] = mapped_column(ForeignKey("kiosks.id"))
    type: Mapped[str] = mapped_column(Slug)
    subject: Mapped[str] = mapped_column(Sha256Text)
    """Whom it is about: a claim digest, or a patient id."""
    payload: Mapped[dict[str, Any]]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    is_open: Mapped[bool]
    outcome: Mapped[str | None] = mapped_column(Slug)
    settled_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    sent_boot_id: Mapped[UUID | None]
    sent_session: Mapped[int | None]
    times_sent: Mapped[int] = mapped_column(Integer, default=0)


class Deletion(Base):
    """A patient's wish that the face, or the account with it, be deleted everywhere."""

    __tablename__ = "deletions"
    __table_args__ = (Index(None, "received_at", "id"), Index(None, "patient_id"))
    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"))
    scope: Mapped[str] = mapped_column(Slug)
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    received_at: Mapped[datetime]
    done_at_hub_at: Mapped[datetime | None]
    """When the hub's own copy was gone, and every kiosk was ordered to delete its."""


class DeletionOrder(Base):
    """What one kiosk was ordered to delete, and its signed word that it did."""

    __tablename__ = "deletion_orders"
    __table_args__ = (Index(None, "deletion_id"),)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("kiosk_orders.id"), primary_key=True)
    deletion_id: Mapped[UUID] = mapped_column(ForeignKey("deletions.id"))
    kiosk_id: Mapped[int] = mapped_column(ForeignKey("kiosks.id"))
    removed: Mapped[list[str] | None]
    deleted_at: Mapped[datetime | None]
    signature: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    signing_key: Mapped[bytes | None] = mapped_column(PublicKey)
    """The key that the signature was verified with, so that it can be verified again."""
    receipted_at: Mapped[datetime | None]


class OutgoingMessage(Base):
    """One e-mail or SMS. Recipient and text are sealed, and gone once it is settled."""

    __tablename__ = "outgoing_messages"
    __table_args__ = (Index(None, "state", "next_attempt_at"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    purpose: Mapped[str] = mapped_column(Slug)
    channel: Mapped[str] = mapped_column(Slug)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"), index=True)
    sealed: Mapped[bytes | None]
    queued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(Slug)
    """queued, sending, sent, failed, expired, withdrawn, uncertain (a break came between sending and the answer)."""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    detail: Mapped[str | None] = mapped_column(String(100))
