"""Field types that every message is built from; each bounds what a hostile sender can put in."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def _without_control_characters(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control and bidirectional override characters are not allowed")
    return text


def _as_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment outside the calendar") from None


Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN)]
"""Site and kiosk names, event types, reason codes: lower case, digits, inner hyphens; at most 32 characters."""

ShortText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(_without_control_characters),
]
LongText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, strip_whitespace=True),
    AfterValidator(_without_control_characters),
]
Base64Text = Annotated[str, StringConstraints(max_length=64 * 1024, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
UtcMoment = Annotated[AwareDatetime, AfterValidator(_as_utc)]
Sequence = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""Position of an event in its kiosk's outbox; never reused, survives restarts."""

Milliseconds = Annotated[float, Field(ge=0.0, le=86_400_000.0)]


class WireModel(BaseModel):
    """Base of all that travels: closed (unknown keys are errors), immutable, finite numbers only."""

    # An error of a message is logged; what somebody wrote in it must not be.
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, ser_json_inf_nan="null", hide_input_in_errors=True
    )
