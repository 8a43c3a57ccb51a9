"""What routes depend on: the hub's services, a database session, and the roles a route serves."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from hub.bus import Bus
from hub.config import HubSettings, Role
from hub.db.engine import Database
from hub.errors import Forbidden, Unauthorised
from hub.identity.hub_keys import HubKeys
from hub.metrics import HubMetrics
from hub.records.images import ImageStore
from hub.security import AccessList, BrowserSessions, Principal
from hub.staff.errors import StepUpRequired
from hub.staff.passwords import StaffPasswords
from hub.staff.sessions import ACCESS_PREFIX, SESSION_PREFIX, TOUCH_S, find_session, principal, touch
from hub.staff.tokens import find_by_access_token

SESSION_COOKIE = "derma_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Check = Callable[[], str | None]
"""Looks at one part of the hub; says what is wrong with it, or None."""


def utc_now() -> datetime:
    """The hub's clock."""
    return datetime.now(UTC)


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
    clock: Callable[[], datetime] = utc_now
    staff_passwords: StaffPasswords = field(default_factory=StaffPasswords)


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
        caller = await caller_of(request, running)
        if caller is None:
            raise Unauthorised("this address needs a known caller")
        if caller.role not in self.roles:
            raise Forbidden(f"this address is not for the role {caller.role}")
        return caller


class StepUpGuard(RoleGuard):
    """Admits callers of the declared roles who have shown their passkey within `staff.step_up_s`.

    A caller from the settings has no passkey: such tokens pass in the demo environment only.
    """

    async def __call__(self, request: Request, running: "RunningServices") -> Principal:
        """The caller, if known, admitted, and freshly verified."""
        caller = await super().__call__(request, running)
        allowed = running.settings.staff.step_up_s
        if caller.staff_id is None:
            fresh = running.settings.environment == "demo"
        else:
            shown = caller.stepped_up_at
            fresh = shown is not None and timedelta(0) <= running.clock() - shown < timedelta(seconds=allowed)
        if not fresh:
            raise StepUpRequired("this needs your passkey again", max_age_s=allowed)
        return caller


def require(*roles: Role) -> RoleGuard:
    """Dependency that declares the roles a route serves, and yields the caller."""
    return RoleGuard(*roles)


def require_step_up(*roles: Role) -> StepUpGuard:
    """Dependency like `require` for what no unattended screen may do: sign, export, view biometrics, unlock, reset.

    When called it raises StepUpRequired (401, `step-up-required`): the page asks for the passkey and tries again.
    """
    return StepUpGuard(*roles)


async def caller_of(request: Request, running: Services) -> Principal | None:
    """Who sends the request, if known at this moment."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        token = token.strip()
        if token.startswith(ACCESS_PREFIX):
            return await run_in_threadpool(_program, running, token)
        return running.access.find(token)
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie or is_foreign(request):
        return None
    if cookie.startswith(SESSION_PREFIX):
        return await run_in_threadpool(_person, running, cookie)
    return running.browsers.find(cookie)


def is_foreign(request: Request) -> bool:
    """Whether another site's page, or another port's, sent an act, as the browser says; cookies cross ports."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    return request.method not in _SAFE_METHODS and site not in {"same-origin", "none"}


def _program(running: Services, token: str) -> Principal | None:
    with running.database.reading() as opened:
        return find_by_access_token(opened, token, now=running.clock())


def _person(running: Services, cookie: str) -> Principal | None:
    now = running.clock()
    with running.database.reading() as opened:
        found = find_session(opened, cookie, settings=running.settings.staff, now=now)
    if found is None or found[0].stage != "open":
        return None
    row, member = found
    if now - row.seen_at >= timedelta(seconds=TOUCH_S):
        with running.database.writing.begin() as writer:
            touch(writer, row.id, now=now)
    return principal(row, member)


RunningServices = Annotated[Services, Depends(services)]
ReadSession = Annotated[Session, Depends(session)]
WriteSession = Annotated[Session, Depends(write_session)]
