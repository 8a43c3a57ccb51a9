"""Orders from the hub to one kiosk, in the imperative; expiring, idempotent, each answered by `command-answered`."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from protocol.fields import Sequence, ShortText, WireModel
from protocol.identity import ClaimDigest, DeletionScope


class ReplayEvents(WireModel):
    """Send these events, and their images, again: the hub misses them."""

    from_sequence: Sequence
    to_sequence: Sequence

    @model_validator(mode="after")
    def _in_order(self) -> "ReplayEvents":
        if self.to_sequence < self.from_sequence:
            raise ValueError("to_sequence is before from_sequence")
        return self


class AdvanceBackupWatermark(WireModel):
    """All events up to this one are in a backup of the hub; delivered ones need not be kept any longer."""

    through_sequence: Annotated[int, Field(ge=0, le=2**63 - 1)]


class LockSignIn(WireModel):
    """Other kiosks have seen too many failures of this name: lock it here too, for as long as is left."""

    claim_digest: ClaimDigest
    remaining_s: Annotated[float, Field(gt=0, le=86_400)]


class ClearSignInLock(WireModel):
    """Unlock a name and forget its failures: staff decided so, or its owner proved who they are elsewhere."""

    claim_digest: ClaimDigest


class AssignPatientCode(WireModel):
    """The hub's lasting code in place of the provisional one; given once."""

    patient_id: UUID
    code: ShortText


class RevokeCredentials(WireModel):
    """Forget the cached credential record of a patient at once; the next sign-in asks the hub."""

    patient_id: UUID


class DeleteIdentity(WireModel):
    """Delete a patient's face, or the account with it, and answer with a signed `deletion-receipted`."""

    order_id: UUID
    patient_id: UUID
    scope: DeletionScope


Command = (
    ReplayEvents
    | AdvanceBackupWatermark
    | LockSignIn
    | ClearSignInLock
    | AssignPatientCode
    | RevokeCredentials
    | DeleteIdentity
)

COMMANDS: dict[str, type[Command]] = {
    "replay-events": ReplayEvents,
    "advance-backup-watermark": AdvanceBackupWatermark,
    "lock-sign-in": LockSignIn,
    "clear-sign-in-lock": ClearSignInLock,
    "assign-patient-code": AssignPatientCode,
    "revoke-credentials": RevokeCredentials,
    "delete-identity": DeleteIdentity,
}
COMMAND_NAMES: dict[type[Command], str] = {model: name for name, model in COMMANDS.items()}
