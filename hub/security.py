"""Who is calling: tokens compared by hash, and browser sessions kept in memory."""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from uuid import UUID

from hub.config import AccessEntry, Role

SESSION_S = 12 * 3600
_MOST_SESSIONS = 1_000


@dataclass(frozen=True)
class Principal:
    """A known caller. `site` and `kiosk` are set for kiosks only, what follows for people with an account only."""

    name: str
    role: Role
    site: str | None = None
    kiosk: str | None = None
    staff_id: UUID | None = None
    session_id: UUID | None = None
    stepped_up_at: datetime | None = None
    """When this session last showed a passkey, the person verified."""


class AccessList:
    """The configured callers, found by their token."""

    def __init__(self, entries: Iterable[AccessEntry]) -> None:
        self._callers = [
            (bytes.fromhex(entry.token_sha256), Principal(entry.name, entry.role, entry.site, entry.kiosk))
            for entry in entries
        ]

    def find(self, token: str) -> Principal | None:
        """The caller who owns the token; takes equally long whoever it is."""
        digest = bytes.fromhex(token_digest(token))
        found = None
        for known, principal in self._callers:
            if hmac.compare_digest(known, digest):
                found = principal
        return found


class BrowserSessions:
    """Signed-in browsers. They end with the process, after 12 hours, or at sign-out."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, tuple[Principal, float]] = {}

    def start(self, principal: Principal) -> str:
        """Id of a new session, for the cookie."""
        session_id = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._open = {key: value for key, value in self._open.items() if value[1] > now}
            while len(self._open) >= _MOST_SESSIONS:
                self._open.pop(next(iter(self._open)))
            self._open[session_id] = (principal, now + SESSION_S)
        return session_id

    def find(self, session_id: str) -> Principal | None:
        """The caller behind a cookie, if the session has not ended."""
        with self._lock:
            principal, ends = self._open.get(session_id, (None, 0.0))
            return principal if ends > self._clock() else None

    def end(self, session_id: str) -> None:
        """Sign out."""
        with self._lock:
            self._open.pop(session_id, None)


def new_token() -> tuple[str, str]:
    """A random token and the hash that goes into the settings."""
    token = secrets.token_urlsafe(32)
    return token, token_digest(token)


def token_digest(token: str) -> str:
    """What is kept of a random token. It has 256 bits, so a fast hash does."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
