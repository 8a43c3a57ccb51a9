"""What kiosks report of identity: attempts to sign in, changed credentials, deletions."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from protocol.fields import Base64Text, Sha256, ShortText, Slug, UtcMoment, WireModel

SignInMethod = Literal["password", "face", "reset-code"]
DeletionScope = Literal["face", "account"]
ClaimDigest = Sha256
"""HMAC-SHA-256 of a claimed user name's key under the fleet's pepper: the same at every kiosk, readable at none."""


class Guardian(WireModel):
    """Who answers for a minor."""

    full_name: ShortText
    relation: Literal["parent", "grandparent", "legal-guardian", "other"]


class MedicalHistory(WireModel):
    """What the patient told of their health, one entry a line; an empty list was asked and answered "none"."""

    allergies: tuple[ShortText, ...] = Field((), max_length=30)
    conditions: tuple[ShortText, ...] = Field((), max_length=30)
    medications: tuple[ShortText, ...] = Field((), max_length=30)
    earlier_lesions: tuple[ShortText, ...] = Field((), max_length=30)


class Contact(WireModel):
    """How a patient is reached; each is optional."""

    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None = None
    phone: Annotated[str, Field(pattern=r"^\+?[0-9]{6,15}$")] | None = None


class Consents(WireModel):
    """What a patient agreed to, use by use."""

    care: Literal[True] = True
    face: bool = False
    messages: bool = False
    research: bool = False


class SignInAttempted(WireModel):
    """Somebody tried to sign in. `patient_id` is null where this kiosk knows nobody of the claimed name.

    `failures` counts those of this name within the window at this kiosk, this one included; `locked_for_s` is how long
    the name is locked from now on, 0 if it is not.
    """

    attempt_id: UUID
    claim_digest: ClaimDigest
    patient_id: UUID | None
    method: SignInMethod
    outcome: Literal["succeeded", "failed", "locked", "throttled"]
    reason: Slug | None = None
    counted: bool
    failures: Annotated[int, Field(ge=0, le=1000)]
    locked_for_s: Annotated[float, Field(ge=0, le=86_400)]
    attempted_at: UtcMoment


class CredentialsChanged(WireModel):
    """A patient changed how they sign in, or what they agreed to. `version` is the credential record's, rising."""

    patient_id: UUID
    change: Literal["password-changed", "password-reset", "face-enrolled", "face-deleted", "consents-changed"]
    version: Annotated[int, Field(ge=1, le=2**63 - 1)]
    consents: Consents
    changed_at: UtcMoment


class DeletionRequested(WireModel):
    """A patient asked at a kiosk that their face, or their whole account, be deleted everywhere."""

    request_id: UUID
    patient_id: UUID
    scope: DeletionScope
    requested_at: UtcMoment


class DeletionReceipted(WireModel):
    """A kiosk's signed word that nothing of it is left there. `removed` names the kinds of rows and files.

    The Ed25519 signature is over `deletion_statement`.
    """

    order_id: UUID
    patient_id: UUID
    scope: DeletionScope
    removed: tuple[Slug, ...] = Field(max_length=20)
    deleted_at: UtcMoment
    signature: Base64Text


def deletion_statement(
    *, order_id: UUID, patient_id: UUID, scope: str, site: str, kiosk: str, deleted_at: UtcMoment
) -> bytes:
    """Return the bytes that a deletion receipt signs."""
    parts = ("dermakiosk-deletion-1", order_id, patient_id, scope, site, kiosk, deleted_at.isoformat())
    return "\n".join(map(str, parts)).encode()
