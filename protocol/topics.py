"""THE topic table: every topic, its direction, delivery and payload. ACL, AsyncAPI and subscriptions come from it."""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from protocol.commands import COMMANDS
from protocol.envelope import CommandEnvelope, Envelope, Heartbeat, KioskState, Receipt
from protocol.errors import TopicInvalid
from protocol.events import EVENTS
from protocol.fields import SLUG_PATTERN, WireModel

ROOT = "derma/v1"
_SLUG = re.compile(SLUG_PATTERN)


@dataclass(frozen=True)
class Topic:
    """One row. `suffix` may end in `{type}`, one of `types`; `publisher` alone may publish, the other side reads."""

    name: str
    suffix: str
    publisher: Literal["kiosk", "hub"]
    qos: Literal[0, 1]
    retain: bool
    payload: type[WireModel]
    meaning: str
    types: tuple[str, ...] = ()


TOPICS: dict[str, Topic] = {
    row.name: row
    for row in (
        Topic(
            "event",
            "event/{type}",
            "kiosk",
            1,
            retain=False,
            payload=Envelope,
            meaning="a fact, kept until receipted",
            types=tuple(EVENTS),
        ),
        Topic("state", "state", "kiosk", 1, retain=True, payload=KioskState, meaning="birth, shutdown and last will"),
        Topic(
            "heartbeat", "heartbeat", "kiosk", 0, retain=False, payload=Heartbeat, meaning="sign of life with backlog"
        ),
        Topic(
            "receipt",
            "receipt",
            "hub",
            1,
            retain=False,
            payload=Receipt,
            meaning="committed and quarantined message ids",
        ),
        Topic(
            "command",
            "command/{type}",
            "hub",
            1,
            retain=False,
            payload=CommandEnvelope,
            meaning="an order",
            types=tuple(COMMANDS),
        ),
    )
}


class Address(NamedTuple):
    """A parsed topic."""

    topic: Topic
    site: str
    kiosk: str
    type: str | None


def build(name: str, *, site: str, kiosk: str, type: str | None = None) -> str:  # noqa: A002 the wire's own term
    """Topic string of a row of the table.

    Raises:
        TopicInvalid: a part that is no slug (so never `/`, `+`, `#`), or a type outside the row.
    """
    row = TOPICS[name]
    for part in (site, kiosk):
        if not _SLUG.fullmatch(part):
            raise TopicInvalid(f"{part[:40]!r} is no topic part: lower case letters, digits, inner hyphens")
    if (type is None) != (not row.types) or (type is not None and type not in row.types):
        raise TopicInvalid(f"{name} has no type {type!r}")
    return f"{ROOT}/{site}/{kiosk}/{row.suffix.replace('{type}', type or '')}"


def parse(topic: str) -> Address:
    """Row and address of a topic string.

    Raises:
        TopicInvalid: not in the table.
    """
    parts = topic.split("/")
    depth = ROOT.count("/") + 1
    if "/".join(parts[:depth]) == ROOT and len(parts) in (depth + 3, depth + 4):
        site, kiosk, name, *rest = parts[depth:]
        row = TOPICS.get(name)
        known = row is not None and (tuple(rest) == () if not row.types else len(rest) == 1 and rest[0] in row.types)
        if row is not None and known and _SLUG.fullmatch(site) and _SLUG.fullmatch(kiosk):
            return Address(row, site, kiosk, rest[0] if rest else None)
    raise TopicInvalid(f"topic {topic[:80]!r} is not in the topic table")


def subscription(name: str, *, site: str = "+", kiosk: str = "+") -> str:
    """Topic filter for a row: one kiosk's, or all kiosks' by default."""
    return f"{ROOT}/{site}/{kiosk}/{TOPICS[name].suffix.replace('{type}', '+')}"
