"""An invented patient who uses the kiosk's screen, and a notebook of what that screen called saved."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from deploy.demo.installation import DemoFailed

_TIMEOUT_S = 60.0
_POLL_S = 0.1
_FACE_TRIES = 2


class Notebook:
    """Kept outside the kiosk: a line for each answer that said "saved", written as soon as it was seen."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.confirmed: list[dict[str, Any]] = []

    def note(self, answer: dict[str, Any]) -> None:
        """Remember one confirmed outcome."""
        self.confirmed.append(answer)
        with self._path.open("a") as file:
            file.write(json.dumps(answer) + "\n")


@dataclass
class Patient:
    """Somebody before the touch screen. Retries what a patient would retry, and gives up when the kiosk is gone."""

    kiosk_url: str
    notebook: Notebook
    username: str
    full_name: str
    body_sites: tuple[str, ...]
    password: str = "horse-battery-staple-7"  # noqa: S105 of an invented patient on a demo kiosk
    visits: int = 0
    _lesions: dict[str, str] = field(default_factory=dict)

    def register(self, *, face: bool) -> None:
        """Make an account; this begins a visit."""
        self._post(
            "/api/register",
            username=self.username,
            password=self.password,
            full_name=self.full_name,
            birth_date="1961-04-12",
            sex="female",
            language="es",
            consents={"care": True, "face": face},
            enrolment_id=self._face_check("/api/face-enrolments") if face else None,
        )
        self.visits += 1

    def sign_in(self, *, face: bool) -> None:
        """Come again."""
        if face:
            self._face_check("/api/sign-in/face", "/api/face-attempts", claim=self.username)
        else:
            self._post("/api/sign-in/password", claim=self.username, password=self.password)
        self.visits += 1

    def _face_check(self, begin: str, ask: str | None = None, **order: Any) -> str:
        """Stand before the face camera until the check is over, once again if it failed; returns its id."""
        failures: list[str] = []
        while len(failures) < _FACE_TRIES:
            attempt = str(self._post(begin, **order)["attempt_id"])
            state = self._get(f"{ask or begin}/{attempt}")
            deadline = time.monotonic() + _TIMEOUT_S
            while state["state"] == "running" and time.monotonic() < deadline:
                time.sleep(_POLL_S)
                state = self._get(f"{ask or begin}/{attempt}")
            if state["state"] == "matched":
                return attempt
            failures.append(str(state["problem"]))
        raise DemoFailed(f"the face check failed: {', '.join(failures)}")

    def capture(self, count: int) -> list[dict[str, Any]]:
        """Photograph spots, one after the other, until `count` outcomes are confirmed as saved."""
        outcomes = []
        for number in range(count):
            site = self.body_sites[number % len(self.body_sites)]
            order: dict[str, Any] = {"body_site": site, "answers": self._answers(site)}
            if site in self._lesions:
                order["lesion_id"] = self._lesions[site]
            outcome = self._post("/api/capture", **order)
            self.notebook.note(outcome)
            if outcome["outcome"] == "saved":
                self._lesions[site] = outcome["lesion_id"]
            outcomes.append(outcome)
        return outcomes

    def _answers(self, site: str) -> dict[str, str]:
        """No to every question that the kiosk asks."""
        screens = self._get("/api/questions", body_site=site)["screens"]
        return {question: "no" for screen in screens for question in screen}

    def leave(self) -> None:
        """End the visit."""
        self._post("/api/end")

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        return self._answer(path, httpx.get(f"{self.kiosk_url}{path}", params=query, timeout=_TIMEOUT_S))

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        return self._answer(path, httpx.post(f"{self.kiosk_url}{path}", json=body, timeout=_TIMEOUT_S))

    def _answer(self, path: str, response: httpx.Response) -> dict[str, Any]:
        if response.is_error:
            problem = response.json()
            raise DemoFailed(f"the kiosk answered {path} with {problem['code']}: {problem['detail']}")
        answer: dict[str, Any] = response.json()
        return answer
