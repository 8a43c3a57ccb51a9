"""The outbox: what it holds is saved. Rows leave only after the hub's receipt, and then not at once.

Delivered rows and images stay until the hub says that a backup of its own contains them (its backup watermark), so
that a hub restored from an older backup can ask for them again; at most `keep`, and within a quota of image bytes.

What an event says is sealed by the vault while it lies here: it names patients.
"""

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from edge.auth.vault import Vault, VaultError
from edge.bus import Bus, EventSaved
from edge.clock import Clock
from edge.store import Store
from edge.uplink.image_spool import ImageSpool
from protocol import codec
from protocol.events import Event, ImageReference

log = logging.getLogger(__name__)

_OWNER = "kiosk"
_UNREADABLE = "outbox-unreadable"

MIGRATIONS: tuple[str, ...] = (
    """CREATE TABLE messages (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        message_id TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        body BLOB NOT NULL,
        created_at TEXT NOT NULL,
        delivered_at TEXT,
        rejected_code TEXT
    ) STRICT""",
    "CREATE INDEX messages_pending ON messages (sequence) WHERE delivered_at IS NULL AND rejected_code IS NULL",
    """CREATE TABLE images (
        sha256 TEXT PRIMARY KEY,
        media_type TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        delivered_at TEXT,
        refused_code TEXT
    ) STRICT""",
    "CREATE INDEX images_pending ON images (sha256) WHERE delivered_at IS NULL AND refused_code IS NULL",
    """CREATE TABLE message_images (
        sequence INTEGER NOT NULL REFERENCES messages (sequence) ON DELETE CASCADE,
        sha256 TEXT NOT NULL REFERENCES images (sha256),
        PRIMARY KEY (sequence, sha256)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX message_images_sha256 ON message_images (sha256)",
    # Pictures included: an event whose picture is still here alone is not delivered.
    """CREATE VIEW delivered AS SELECT sequence, delivered_at FROM messages WHERE delivered_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM message_images JOIN images USING (sha256)
                       WHERE message_images.sequence = messages.sequence AND images.delivered_at IS NULL)""",
    "CREATE TABLE watermark (id INTEGER PRIMARY KEY CHECK (id = 1), through_sequence INTEGER NOT NULL) STRICT",
    "INSERT INTO watermark VALUES (1, 0)",
)


@dataclass(frozen=True)
class PendingMessage:
    """A saved event that the hub has not confirmed."""

    sequence: int
    message_id: UUID
    type: str
    body: bytes


@dataclass(frozen=True)
class PendingImage:
    """Saved bytes that the hub has not confirmed."""

    sha256: str
    size_bytes: int
    path: Path


@dataclass(frozen=True)
class Backlog:
    """How much the hub has not confirmed, and what is kept."""

    messages: int
    images: int
    rejected: int
    oldest_sequence: int
    last_sequence: int


class Outbox:
    """Durable queue of events and images, in the order in which they were saved.

    Without a `vault` events lie open; those that an earlier version left open are read all the same.
    """

    def __init__(
        self,
        *,
        store: Store,
        spool: ImageSpool,
        clock: Clock,
        bus: Bus,
        site: str,
        kiosk: str,
        vault: Vault | None = None,
    ) -> None:
        self._vault = vault
        self._store = store
        self._spool = spool
        self._clock = clock
        self._bus = bus
        self._site = site
        self._kiosk = kiosk
        self.boot_id = uuid4()
        with store.transaction() as connection:
            known = {row["sha256"] for row in connection.execute("SELECT sha256 FROM images")}
        spool.sweep(known=known)

    def put(self, event: Event, *, connection: sqlite3.Connection, images: Sequence[ImageReference] = ()) -> UUID:
        """Add an event to the caller's transaction; it is saved when that has committed. Returns its message id."""
        sequence: int = connection.execute(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0) + 1"
        ).fetchone()[0]
        name = codec.event_type(event)
        envelope = codec.EVENT_ENVELOPES[name](
            message_id=uuid4(),
            type=name,
            site=self._site,
            kiosk=self._kiosk,
            boot_id=self.boot_id,
            sequence=sequence,
            occurred_at=self._clock.now(),
            monotonic_ms=int(self._clock.monotonic_s() * 1000),
            payload=event,
        )
        connection.execute(
            "INSERT INTO messages (sequence, message_id, type, body, created_at) VALUES (?, ?, ?, ?, ?)",
            (sequence, str(envelope.message_id), name, self._sealed(sequence, codec.encode(envelope)), self._now()),
        )
        for image in images:
            connection.execute(
                "INSERT INTO images (sha256, media_type, size_bytes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (image.sha256, image.media_type, image.size_bytes),
            )
            connection.execute(
                "INSERT INTO message_images VALUES (?, ?) ON CONFLICT DO NOTHING", (sequence, image.sha256)
            )
        return envelope.message_id

    def save(self, event: Event) -> UUID:
        """Save an event that stands alone, in a transaction of its own."""
        with self._store.transaction() as connection:
            message_id = self.put(event, connection=connection)
        self.announce(message_id, event)
        return message_id

    def announce(self, message_id: UUID, event: Event) -> None:
        """Tell the sender and the screens, once the caller's transaction has committed."""
        self._bus.publish(EventSaved(message_id, codec.event_type(event)))

    def pending(self, *, limit: int) -> list[PendingMessage]:
        """Oldest unconfirmed events first."""
        with self._store.transaction() as connection:
            rows = connection.execute(
                "SELECT sequence, message_id, type, body FROM messages"
                " WHERE delivered_at IS NULL AND rejected_code IS NULL ORDER BY sequence LIMIT ?",
                (limit,),
            ).fetchall()
        opened = ((row, self._opened(row)) for row in rows)
        return [
            PendingMessage(row["sequence"], UUID(row["message_id"]), row["type"], body)
            for row, body in opened
            if body is not None
        ]

    def pending_images(self, *, limit: int) -> list[PendingImage]:
        """Unconfirmed images, those of the oldest events first."""
        with self._store.transaction() as connection:
            rows = connection.execute(
                "SELECT sha256, size_bytes, min(sequence) AS first FROM images JOIN message_images USING (sha256)"
                " WHERE delivered_at IS NULL AND refused_code IS NULL GROUP BY sha256 ORDER BY first LIMIT ?",
                (limit,),
            ).fetchall()
        return [PendingImage(r["sha256"], r["size_bytes"], self._spool.path(r["sha256"])) for r in rows]

    def mark_delivered(self, message_ids: Iterable[UUID]) -> None:
        """The hub's receipt came: its database has these. The only way to delivery."""
        with self._store.transaction() as connection:
            connection.executemany(
                "UPDATE messages SET delivered_at = ?, rejected_code = NULL WHERE message_id = ?"
                " AND delivered_at IS NULL",
                [(self._now(), str(message_id)) for message_id in message_ids],
            )

    def mark_rejected(self, message_id: UUID, code: str) -> None:
        """The hub put this event in quarantine; it is kept here and sent again only by a replay."""
        with self._store.transaction() as connection:
            connection.execute(
                "UPDATE messages SET rejected_code = ? WHERE message_id = ? AND delivered_at IS NULL",
                (code, str(message_id)),
            )

    def mark_image_delivered(self, sha256: str) -> None:
        """The hub has verified and stored these bytes."""
        with self._store.transaction() as connection:
            connection.execute("UPDATE images SET delivered_at = ? WHERE sha256 = ?", (self._now(), sha256))

    def mark_image_refused(self, sha256: str, code: str) -> None:
        """The hub will not take these bytes; they are kept here and sent again only by a replay."""
        with self._store.transaction() as connection:
            connection.execute("UPDATE images SET refused_code = ? WHERE sha256 = ?", (code, sha256))

    def replay(self, *, from_sequence: int, to_sequence: int) -> bool:
        """Make events and their images pending again; False when some of them are no longer kept."""
        span = (from_sequence, to_sequence)
        with self._store.transaction() as connection:
            changed = connection.execute(
                "UPDATE messages SET delivered_at = NULL, rejected_code = NULL WHERE sequence BETWEEN ? AND ?", span
            ).rowcount
            connection.execute(
                "UPDATE images SET delivered_at = NULL, refused_code = NULL WHERE sha256 IN"
                " (SELECT sha256 FROM message_images WHERE sequence BETWEEN ? AND ?)",
                span,
            )
        return changed == to_sequence - from_sequence + 1

    def advance_watermark(self, through_sequence: int) -> None:
        """A backup of the hub holds all up to here. Never goes back, so that an old command cannot widen it."""
        with self._store.transaction() as connection:
            connection.execute("UPDATE watermark SET through_sequence = max(through_sequence, ?)", (through_sequence,))

    def prune(self, *, keep: timedelta, quota_bytes: int) -> int:
        """Delete delivered events and images past the watermark, past `keep`, or oldest first beyond the quota.

        What is not delivered is never deleted. Returns the number of deleted events.
        """
        oldest_kept = (self._clock.now() - keep).isoformat()
        with self._store.transaction() as connection:
            removed = connection.execute(
                "DELETE FROM messages WHERE sequence IN (SELECT sequence FROM delivered"
                " WHERE sequence <= (SELECT through_sequence FROM watermark) OR delivered_at < ?)",
                (oldest_kept,),
            ).rowcount
            excess = connection.execute("SELECT coalesce(sum(size_bytes), 0) FROM images").fetchone()[0] - quota_bytes
            candidates = connection.execute(
                "SELECT sequence, sum(size_bytes) AS size FROM delivered JOIN message_images USING (sequence)"
                " JOIN images USING (sha256) GROUP BY sequence ORDER BY sequence"
            )
            for row in candidates.fetchall():
                if excess <= 0:
                    break
                connection.execute("DELETE FROM messages WHERE sequence = ?", (row["sequence"],))
                excess -= row["size"]
                removed += 1
            orphans = [
                row["sha256"]
                for row in connection.execute(
                    "DELETE FROM images WHERE sha256 NOT IN (SELECT sha256 FROM message_images) RETURNING sha256"
                ).fetchall()
            ]
        self._spool.remove(orphans)
        return removed

    def discard(self, sha256s: Iterable[str]) -> None:
        """Delete bytes that no saved event refers to, after a save that failed."""
        with self._store.transaction() as connection:
            known = {row["sha256"] for row in connection.execute("SELECT sha256 FROM images")}
        self._spool.remove(sha256 for sha256 in sha256s if sha256 not in known)

    def backlog(self) -> Backlog:
        """Counts for heartbeat, birth and metrics."""
        with self._store.transaction() as connection:
            row = connection.execute(
                "SELECT"
                " (SELECT count(*) FROM messages WHERE delivered_at IS NULL AND rejected_code IS NULL) AS messages,"
                " (SELECT count(*) FROM images WHERE delivered_at IS NULL AND refused_code IS NULL) AS images,"
                " (SELECT count(*) FROM messages WHERE rejected_code IS NOT NULL)"
                " + (SELECT count(*) FROM images WHERE refused_code IS NOT NULL) AS rejected,"
                " coalesce((SELECT min(sequence) FROM messages), 0) AS oldest,"
                " coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0) AS last"
            ).fetchone()
        return Backlog(row["messages"], row["images"], row["rejected"], row["oldest"], row["last"])

    def _sealed(self, sequence: int, body: bytes) -> bytes:
        return body if self._vault is None else self._vault.seal(body, patient_id=_OWNER, purpose=_purpose(sequence))

    def _opened(self, row: sqlite3.Row) -> bytes | None:
        """The event as it is sent; None, and set aside, when it was altered or its key is gone."""
        try:
            return open_event(row["body"], sequence=row["sequence"], vault=self._vault)
        except VaultError as error:
            log.error("event %s cannot be read: %s", row["message_id"], error.code)  # noqa: TRY400 no traceback needed
            self.mark_rejected(UUID(row["message_id"]), _UNREADABLE)
            return None

    def _now(self) -> str:
        return self._clock.now().isoformat()


def open_event(body: bytes, *, sequence: int, vault: Vault | None) -> bytes:
    """Return an event as it is sent, from how it lies in the outbox: sealed, or open from before there was a vault.

    Raises:
        VaultError: it was altered, or its key is gone.
    """
    if vault is None or body.startswith(b"{"):
        return body
    return vault.unseal(body, patient_id=_OWNER, purpose=_purpose(sequence))


def _purpose(sequence: int) -> str:
    # Bound to its place: no event can be put in another's.
    return f"outbox/{sequence}"
