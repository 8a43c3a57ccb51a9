"""The messages as they travel: what surrounds an event or command, and those that need no envelope."""

from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import Field

from protocol.commands import Command
from protocol.events import Event
from protocol.fields import Sequence, Sha256, ShortText, Slug, UtcMoment, WireModel
from protocol.version import CURRENT

E = TypeVar("E", bound=Event)
C = TypeVar("C", bound=Command)
WireVersion = Annotated[str, Field(max_length=10)]
Counter = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Header(WireModel):
    """The part of any enveloped message that is read first, to choose the schema and to name it in a receipt."""

    version: WireVersion = str(CURRENT)
    message_id: UUID
    type: Slug


class Envelope(Header, Generic[E]):
    """One event. Order within a kiosk is `sequence`; the wall clock only informs."""

    site: Slug
    kiosk: Slug
    boot_id: UUID
    sequence: Sequence
    occurred_at: UtcMoment
    monotonic_ms: Counter
    payload: E


class CommandEnvelope(Header, Generic[C]):
    """One command; `message_id` identifies it in the answer. Past `expires_at` it is answered, not obeyed."""

    site: Slug
    kiosk: Slug
    issued_at: UtcMoment
    expires_at: UtcMoment
    payload: C


class Rejection(WireModel):
    """A message that the hub put in quarantine; the kiosk keeps it for a technician and stops sending it."""

    message_id: UUID
    code: Slug


class Receipt(WireModel):
    """The hub's word, after its database commit, on many messages at once."""

    version: WireVersion = str(CURRENT)
    site: Slug
    kiosk: Slug
    issued_at: UtcMoment
    stored: tuple[UUID, ...] = Field(max_length=500)
    rejected: tuple[Rejection, ...] = Field(max_length=100, default=())


class KioskState(WireModel):
    """Birth and death, retained. A death counts only against the birth with its boot id and session."""

    version: WireVersion = str(CURRENT)
    site: Slug
    kiosk: Slug
    boot_id: UUID
    session: Counter
    online: bool
    reason: Literal["birth", "shutdown", "lost"]
    software_version: ShortText
    model_sha256: Sha256 | None
    simulated: bool
    oldest_sequence: Counter
    last_sequence: Counter
    as_of: UtcMoment


class Heartbeat(WireModel):
    """Sign of life at a fixed interval; its absence shows a silent kiosk before the broker notices."""

    version: WireVersion = str(CURRENT)
    site: Slug
    kiosk: Slug
    boot_id: UUID
    session: Counter
    beat: Counter
    as_of: UtcMoment
    monotonic_ms: Counter
    pending_events: Counter
    pending_images: Counter
    free_disk_bytes: Counter
