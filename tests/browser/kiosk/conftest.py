"""A real kiosk with a simulated dermoscope and the packaged model, its broker and hub away, and a browser before it."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import pytest
import skimage
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from edge.config import EdgeSettings
from edge.identity.registration import Registration
from edge.kiosk import Kiosk
from edge.ui.app import create_app

PACKAGE = Path(__file__).parents[3] / "models" / "melanoma"
PATIENCE_S = 20
FACE_PATIENCE_S = 90
"""A face check reads every frame; on a busy machine it takes its time."""
PASSWORD = "four quiet green boats"
ASTRONAUT = "0.44,0.235,0.19"
"""Where the face is in scikit-image's photograph of an astronaut, and how wide, as shares of its sides."""
# On a busy machine a step of a visit may take longer than Playwright's five seconds.
expect.set_options(timeout=PATIENCE_S * 1000)


class SteppedClock:
    """Wall time as it is; the steady count moves only when told, so that a test decides when a visit is idle."""

    def __init__(self) -> None:
        self._steady_s = 1000.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return self._steady_s

    def step(self, seconds: float) -> None:
        self._steady_s += seconds


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@dataclass
class RunningKiosk:
    """A kiosk and its screen's server; the server alone can go away and come back."""

    settings: EdgeSettings
    clock: SteppedClock = field(default_factory=SteppedClock)

    def __post_init__(self) -> None:
        self.kiosk = Kiosk(self.settings, clock=self.clock)
        self.kiosk.start()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.serve()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def serve(self) -> None:
        self._server = _Server(
            uvicorn.Config(create_app(self.kiosk), port=self.port, log_config=None, timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=lambda server: asyncio.run(server.serve()), args=(self._server,))
        self._thread.start()
        assert self._server.ready.wait(PATIENCE_S)

    def go_away(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        self.go_away()
        self.kiosk.stop()

    def sign_in_new_patient(self, *, username: str = "ana", name: str = "Ana Torres") -> None:
        """A registration without its screens, for tests of what comes after it."""
        self.kiosk.reception.register(
            Registration.model_validate(
                {
                    "username": username,
                    "password": PASSWORD,
                    "full_name": name,
                    "birth_date": "1961-04-12",
                    "sex": "female",
                    "language": "en",
                    "consents": {"care": True},
                }
            )
        )


@pytest.fixture
def start_kiosk(tmp_path: Path, keep_networks: Callable[[Path], None]) -> Iterator[Callable[..., RunningKiosk]]:
    """Start a kiosk that sees what `dermoscope` says, and reads faces if there is a `face_camera`."""
    running = []

    def start(
        *,
        dermoscope: str = "sim://phantom?seed=1",
        face_camera: str | None = None,
        idle_s: float = 60.0,
        **identity: Any,
    ) -> RunningKiosk:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            closed_port = nobody.getsockname()[1]
        settings = EdgeSettings.model_validate(
            {
                "data_dir": tmp_path / f"kiosk-{len(running)}",
                "capture": {"dermoscope": dermoscope, "face_camera": face_camera},
                # A new kiosk times each precision at its first start, which would be most of what these tests take.
                "inference": {"package": PACKAGE, "threads": 1, "precision": "f32"},
                "broker": {"port": closed_port},
                "hub": {"url": f"http://127.0.0.1:{closed_port}"},
                "uplink": {"reserve_bytes": 0},
                "screen": {"idle_s": idle_s},
                "identity": identity,
            }
        )
        keep_networks(settings.data_dir)
        kiosk = RunningKiosk(settings)
        running.append(kiosk)
        return kiosk

    yield start
    for kiosk in running:
        kiosk.stop()


@pytest.fixture
def living_face(tmp_path: Path) -> str:
    """Address of a face camera before which a real face turns, comes near and is lit as it is asked to."""
    return f"sim://face?image={_astronaut(tmp_path)}&face={ASTRONAUT}&fps=8"


@pytest.fixture
def printed_face(tmp_path: Path) -> str:
    """The same face, printed on paper and held before the camera."""
    return f"sim://face?image={_astronaut(tmp_path)}&face={ASTRONAUT}&attack=print&fps=8"


def _astronaut(folder: Path) -> Path:
    path = folder / "astronaut.png"
    cv2.imwrite(str(path), cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR))
    return path


@pytest.fixture
def faceless_camera(tmp_path: Path) -> str:
    """Address of a face camera before which nobody stands."""
    folder = tmp_path / "nobody"
    folder.mkdir()
    cv2.imwrite(str(folder / "wall.png"), cv2.cvtColor(skimage.data.gravel(), cv2.COLOR_GRAY2BGR)[:256, :256])
    return f"folder://{folder}"


@dataclass
class Complaints:
    """What the browser complained of; answers with an error status are listed apart, since some are the point."""

    heard: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.heard.append(f"error: {error}"))
        page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium itself reports every refused or failed request here.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.heard.append(f"{message.type}: {message.text}")


class Patient:
    """Someone before the touch screen: finds things by what they do, in whatever language."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def sees(self, screen: str, *, within_s: float = PATIENCE_S) -> None:
        expect(self.page.locator(f"main[data-screen='{screen}']")).to_be_visible(timeout=within_s * 1000)

    def press(self, what: str) -> None:
        self.page.locator(f"[data-do='{what}']").click()

    def goes_on(self) -> None:
        self.page.locator(".actions button[type=submit]").click()

    def types(self, field_name: str, text: str) -> None:
        self.page.locator(f"#{field_name}").fill(text)

    def tells_who(self, name: str, *, born: int = 1961) -> None:
        self.page.locator("[data-way='new']").click()
        self.types("full_name", name)
        self.goes_on()
        self.types("birth_date-day", "12")
        self.page.locator("#birth_date-month").select_option("4")
        self.types("birth_date-year", str(born))
        self.page.locator("input[name=sex][value=female]").check()
        self.goes_on()

    def chooses(self, question: str, answer: str) -> None:
        self.page.locator(f"input[name='{question}'][value='{answer}']").check()
        self.goes_on()

    def tells_the_rest(self) -> None:
        """What may be skipped is skipped, what may be refused is refused."""
        for step in ("contact", "allergies", "conditions", "medications", "earlier_lesions"):
            self.sees(f"register-{step}")
            self.press("skip")
        self.chooses("research", "no")
        self.chooses("helped", "no")

    def shows_face(self) -> None:
        self.press("face-start")
        self.sees("face-picture", within_s=FACE_PATIENCE_S)
        expect(self.page.locator(".face-picture img")).not_to_have_js_property("naturalWidth", 0)
        self.press("use")

    def fills_in_registration(
        self, *, username: str = "ana", name: str = "Ana Torres", face: bool | None = None
    ) -> None:
        """Up to the look over all of it; `face` is None where the kiosk does not ask for one."""
        self.tells_who(name)
        self.chooses("care", "yes")
        self.types("username", username)
        self.goes_on()
        self.types("password", PASSWORD)
        self.goes_on()
        self.tells_the_rest()
        if face is not None:
            self.chooses("face", "yes" if face else "no")
        if face:
            self.shows_face()
        self.sees("register-review")

    def fills_in_until_face(self) -> None:
        """Up to the face check, which the patient agreed to."""
        self.tells_who("Ana Torres")
        self.chooses("care", "yes")
        self.goes_on()
        self.types("password", PASSWORD)
        self.goes_on()
        self.tells_the_rest()
        self.chooses("face", "yes")
        self.sees("register-face_check")

    def registers(self, **details: Any) -> None:
        self.fills_in_registration(**details)
        self.press("create")
        self.sees("registered")
        self.press("start")
        self.sees("body-site")

    def points_at(self, site: str) -> None:
        self.page.locator(f"button[data-site='{site}']").click()

    def answers(self, **given: str) -> None:
        """Answer both screens of questions: no to all but what is given, with underscores for hyphens."""
        for screen in ("questions-1", "questions-2"):
            self.sees(screen)
            # The list comes from the server a moment after its screen.
            expect(self.page.locator(".question").first).to_be_visible()
            for question, answer in given.items():
                choice = self.page.locator(f"input[name='{question.replace('_', '-')}'][value='{answer}']")
                if choice.count():
                    choice.check()
            self.press("rest")
            self.press("next")
        self.sees("capture")

    def takes_picture(self, site: str = "arm", **given: str) -> None:
        self.points_at(site)
        self.answers(**given)
        self.press("take")

    def claims(self, claim: str) -> None:
        self.page.locator("[data-way='known']").click()
        self.types("claim", claim)
        self.goes_on()
        self.sees("sign-in-proof")

    def leaves(self) -> None:
        self.press("finish")
        self.press("home")
        self.sees("welcome")

    def signs_in(self, *, claim: str = "ana", password: str = PASSWORD) -> None:
        self.claims(claim)
        self.types("password", password)
        self.goes_on()


@pytest.fixture
def approach(chromium: Browser) -> Iterator[Callable[..., Patient]]:
    """Put a patient before a kiosk; fails at the end if the browser complained of scripts or policy."""
    contexts = []
    complaints = Complaints()

    def approach_(
        kiosk: RunningKiosk,
        *,
        locale: str = "en-US",
        script: str | None = None,
    ) -> Patient:
        context = chromium.new_context(
            viewport={"width": 800, "height": 480}, locale=locale, timezone_id="UTC", has_touch=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        complaints.listen(page)
        if script is not None:
            page.add_init_script(script)
        page.goto(kiosk.url)
        patient = Patient(page)
        patient.sees("welcome" if kiosk.kiosk.journey.state == "idle" else "body-site")
        return patient

    yield approach_
    for context in contexts:
        context.close()
    assert not complaints.heard
