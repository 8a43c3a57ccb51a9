"""What kiosk and hub say to each other by HTTPS about credentials. Secrets travel inside HPKE envelopes only.

Suite of every envelope (RFC 9180): X25519, HKDF-SHA-256, AES-256-GCM; `info` is one of the texts below, so that an
envelope opens for its purpose alone.
"""

from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, SecretStr

from protocol.events import Language, Sex
from protocol.fields import Base64Text, ShortText, Slug, UtcMoment, WireModel
from protocol.identity import ClaimDigest, Consents

TO_HUB: Final = b"dermakiosk credential record to hub 1"
TO_KIOSK: Final = b"dermakiosk credential record to kiosk 1"
PEPPER_TO_KIOSK: Final = b"dermakiosk claim pepper to kiosk 1"


class FaceCredential(WireModel):
    """A face template under its patient's keyed transform; useless without `transform_key`, and revoked with it."""

    algorithm: Annotated[str, Field(min_length=1, max_length=100)]
    transform_version: Annotated[int, Field(ge=1, le=10_000)]
    transform_key: Base64Text = Field(repr=False)
    templates: tuple[Base64Text, ...] = Field(min_length=1, max_length=10, repr=False)


class CredentialRecord(WireModel):
    """All that a kiosk needs to sign one patient in. `version` rises with every change; the highest counts."""

    patient_id: UUID
    version: Annotated[int, Field(ge=1, le=2**63 - 1)]
    username: ShortText = Field(repr=False)
    claim_digests: tuple[ClaimDigest, ...] = Field(min_length=1, max_length=4)
    password_hash: Annotated[str, Field(max_length=300)] = Field(repr=False)
    full_name: ShortText = Field(repr=False)
    birth_date: date | None = Field(None, repr=False)
    sex: Sex
    language: Language
    patient_code: ShortText
    consents: Consents
    face: FaceCredential | None = Field(None, repr=False)
    issued_at: UtcMoment


class KioskKeys(WireModel):
    """A kiosk's public keys, raw (32 bytes), in base64. The private halves never leave it."""

    encryption_key: Base64Text
    signing_key: Base64Text


class FleetIdentity(WireModel):
    """The hub's public key (X25519, raw), and the fleet's pepper in an envelope for the asking kiosk."""

    encryption_key: Base64Text
    sealed_pepper: Base64Text


class SealedRecord(WireModel):
    """A credential record in an envelope."""

    version: Annotated[int, Field(ge=1, le=2**63 - 1)]
    claim_digests: tuple[ClaimDigest, ...] = Field(min_length=1, max_length=4)
    sealed: Base64Text = Field(repr=False)


class CredentialClaim(WireModel):
    """A kiosk asks for the record of one patient who stands before it."""

    claim_digest: ClaimDigest


class ClaimedRecord(WireModel):
    """The answer to a claim; `cache_s` is how long the kiosk may keep the record."""

    patient_id: UUID
    version: Annotated[int, Field(ge=1, le=2**63 - 1)]
    cache_s: Annotated[int, Field(ge=0, le=366 * 86_400)]
    sealed: Base64Text = Field(repr=False)


class PasswordResetOrder(WireModel):
    """A kiosk asks for a reset code to be sent; the answer is the same whether there is such a patient or not."""

    claim_digest: ClaimDigest
    channel: Literal["email", "sms"]


class PasswordResetProof(WireModel):
    """The code that the patient typed."""

    claim_digest: ClaimDigest
    code: SecretStr = Field(max_length=32)


class ApiRefusal(WireModel):
    """The stable part of the hub's problem documents (RFC 9457) that a kiosk acts on."""

    code: Slug
