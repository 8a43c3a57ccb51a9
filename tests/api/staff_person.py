"""Somebody at a browser of their own, with a passkey in software, and the hub's clock."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI
from httpx import Response
from starlette.testclient import TestClient

from hub.api.deps import Services
from hub.config import StaffRole
from hub.staff.members import add_member, find_by_name, invite
from tests.api.soft_key import SoftKey

PASSWORD = "four unrelated words: otter basalt"
API = "/api/v1/staff"


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Person:
    app: FastAPI
    name: str
    key: SoftKey = field(default_factory=SoftKey)
    codes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Shares the application that the fixture `client` has started.
        self.browser = TestClient(self.app, raise_server_exceptions=False)

    def invite(self, role: StaffRole = "clinician") -> str:
        services: Services = self.app.state.services
        now = services.clock()
        with services.database.writing.begin() as session:
            member = find_by_name(session, self.name) or add_member(
                session, username=self.name, full_name=self.name.title(), role=role, now=now
            )
            return invite(session, member, settings=services.settings.staff, by=None, now=now)

    def accept(self, code: str, password: str = PASSWORD) -> Response:
        return self.form("/welcome", code=code, password=password)

    def enrol(self) -> Response:
        options = self.post("/enrolment/options").json()
        answer = self.post("/enrolment", credential=self.key.create(options), label="Key")
        if answer.status_code == 200:
            self.codes = answer.json()["recovery_codes"]
        return answer

    def join(self, role: StaffRole = "clinician") -> "Person":
        assert self.accept(self.invite(role)).headers["location"] == "/enrol"
        assert self.enrol().status_code == 200
        return self

    def password(self, password: str = PASSWORD) -> Response:
        return self.form("/sign-in", username=self.name, password=password)

    def show_key(self, path: str = "/sign-in", key: SoftKey | None = None) -> Response:
        options = self.post(f"{path}/options").json()
        return self.post(path, credential=(key or self.key).get(options))

    def sign_in(self) -> "Person":
        assert self.password().headers["location"] == "/sign-in/passkey"
        assert self.show_key().status_code == 200
        return self

    def elsewhere(self) -> "Person":
        return Person(self.app, self.name, self.key, self.codes)

    def form(self, path: str, **fields: str) -> Response:
        return self.browser.post(path, data=fields, follow_redirects=False)

    def post(self, path: str, **body: Any) -> Response:
        return self.browser.post(API + path, json=body)

    def get(self, path: str) -> Response:
        return self.browser.get(path)

    def kinds(self) -> list[str]:
        headers = {"Authorization": "Bearer administrator"}
        rows = TestClient(self.app).get(f"{API}/events", params={"limit": 200}, headers=headers).json()
        return [row["kind"] for row in reversed(rows)]
