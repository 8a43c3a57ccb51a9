"""What routes depend on: the hub's services, a database session, and the roles a route serves."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from hub.bus import Bus
from hub.config import HubSettings, Role
from hub.db.engine import Database
from hub.errors import Forbidden, Unauthorised
from hub.identity.hub_keys import HubKeys
from hub.metrics import HubMetrics
from hub.records.images import ImageStore
from hub.security import AccessList, BrowserSessions, Principal

SESSION_COOKIE = "derma_session"
Check = Callable[[], str | None]
"""Looks at one part of the hub; says what is wrong with it, or None."""


@dataclass(frozen=True)
class Services:
    """Everything that routes work with; built by the application's lifespan."""

    settings: HubSettings
    database: Database
    images: ImageStore
    bus: Bus
    metrics: HubMetrics
    access: AccessList
    browsers: BrowserSessions
    checks: Mapping[str, Check]
    identity_keys: HubKeys = field(default_factory=HubKeys.generate)
    """Of their own for services that keep nothing; the running hub's come from its key file."""


async def services(request: Request) -> Services:
    """The running hub's services."""
    found: Services = request.app.state.services
    return found


def session(running: "RunningServices") -> Iterator[Session]:
    """A session that reads one consistent state."""
    with running.database.reading() as opened:
        yield opened


def write_session(running: "RunningServices") -> Iterator[Session]:
    """A session that may write; what the route does not commit is rolled back."""
    with running.database.writing() as opened:
        yield opened


class RoleGuard:
    """Admits callers of the declared roles only, by bearer token or by the browser's session cookie."""

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset(roles)

    async def __call__(self, request: Request, running: "RunningServices") -> Principal:
        """The caller, if known and admitted."""
        principal = _caller(request, running)
        if principal is None:
            raise Unauthorised("this address needs a known caller")
        if principal.role not in self.roles:
            raise Forbidden(f"this address is not for the role {principal.role}")
        return principal


def require(*roles: Role) -> RoleGuard:
    """Dependency that declares the roles a route serves, and yields the caller."""
    return RoleGuard(*roles)


def _caller(request: Request, running: Services) -> Principal | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return running.access.find(token.strip())
    cookie = request.cookies.get(SESSION_COOKIE)
    return running.browsers.find(cookie) if cookie else None


RunningServices = Annotated[Services, Depends(services)]
ReadSession = Annotated[Session, Depends(session)]
WriteSession = Annotated[Session, Depends(write_session)]
