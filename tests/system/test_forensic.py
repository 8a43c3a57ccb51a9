"""A visit with planted texts is over: nobody finds them on the kiosk's disk, in its database or in temporary files."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.identity.registration import Registration

MARKERS = (
    "Quackenbush",
    "zebulon-marker",
    "horse-battery-staple-7",
    "marker@example.org",
    "+593987654321",
    "markeritis",
)


def spellings(marker: str) -> list[bytes]:
    forms = {marker, marker.lower(), marker.upper()}
    return [form.encode(encoding) for form in forms for encoding in ("utf-8", "utf-16-le", "utf-16-be")]


def found_in(folder: Path) -> list[str]:
    hits = []
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            hits += [f"{path.name}: {m}" for m in MARKERS if any(form in content for form in spellings(m))]
    return hits


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


@pytest.mark.timeout(180)
def test_planted_texts_are_nowhere_after_the_visit(
    open_kiosk: Callable[..., Any],
    registration: Callable[..., Registration],
    screen: Any,
    astronaut: str,
    tmp_path: Path,
    temporary: Path,
) -> None:
    kiosk = open_kiosk(capture={"dermoscope": "sim://phantom?seed=3", "face_camera": astronaut})
    page = screen(kiosk)
    enrolled = page.face_check("/api/face-enrolments")
    picture = page.ask("GET", f"/api/face-enrolments/{enrolled['attempt_id']}/picture").content
    registered = page.register(
        registration(
            username="zebulon-marker",
            contact={"email": "marker@example.org", "phone": "+593987654321"},
            history={"allergies": ["markeritis"], "conditions": [], "medications": [], "earlier_lesions": []},
            consents={"care": True, "face": True},
            enrolment_id=enrolled["attempt_id"],
        )
    )
    assert registered.status_code == 201
    assert page.ask("POST", "/api/capture", {"body_site": "arm"}).status_code == 200
    page.ask("POST", "/api/password-strength", {"password": "markeritis forever"})
    page.ask("POST", "/api/end")
    page.ask("POST", "/api/sign-in/password", {"claim": "zebulon-marker", "password": "horse-battery-staple-7"})
    page.ask("POST", "/api/end")

    data = tmp_path / "kiosk"
    assert found_in(data) == []
    assert found_in(temporary) == []
    assert list(temporary.rglob("*")) == []
    # The enrolment picture itself, whole or a piece from its middle.
    piece = picture[len(picture) // 2 :][:64]
    assert not any(piece in path.read_bytes() for path in data.rglob("*") if path.is_file())


def test_what_was_deleted_is_overwritten_in_the_database_file(
    open_kiosk: Callable[..., Any], registration: Callable[..., Registration], screen: Any, tmp_path: Path
) -> None:
    kiosk = open_kiosk()
    page = screen(kiosk)
    page.register(registration())
    database = tmp_path / "kiosk" / "kiosk.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as reader:
        (sealed,) = reader.execute("SELECT sealed_record FROM credentials").fetchone()
    reader.close()
    piece = sealed[100:164]
    assert any(piece in path.read_bytes() for path in database.parent.glob("kiosk.db*"))
    page.ask("POST", "/api/account/deletion", {"password": "horse-battery-staple-7"})
    assert not any(piece in path.read_bytes() for path in database.parent.glob("kiosk.db*"))


def test_files_of_the_kiosk_are_for_its_user_alone(
    open_kiosk: Callable[..., Any], registration: Callable[..., Registration], screen: Any, tmp_path: Path
) -> None:
    page = screen(open_kiosk())
    page.register(registration())
    page.ask("POST", "/api/end")
    names = ("kiosk.db", "vault.key", "kiosk.keys")
    assert [(tmp_path / "kiosk" / name).stat().st_mode & 0o077 for name in names] == [0, 0, 0]
