"""Orders from the hub to one kiosk, in the imperative; expiring, idempotent, each answered by `command-answered`."""

from typing import Annotated

from pydantic import Field, model_validator

from protocol.fields import Sequence, WireModel


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


Command = ReplayEvents | AdvanceBackupWatermark

COMMANDS: dict[str, type[Command]] = {
    "replay-events": ReplayEvents,
    "advance-backup-watermark": AdvanceBackupWatermark,
}
COMMAND_NAMES: dict[type[Command], str] = {model: name for name, model in COMMANDS.items()}
