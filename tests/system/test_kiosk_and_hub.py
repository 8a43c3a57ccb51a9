"""Kiosk, broker and hub as real processes, killed and cut off: what the screen called saved is at the hub, once."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.demo.installation import Installation, wait_until
from deploy.demo.patient import Notebook, Patient
from deploy.demo.pictures import face_camera

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(240)  # each starts several programs, several times


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Installation]:
    site = Installation(tmp_path, own_broker=True, face_camera=face_camera(tmp_path / "face"))
    with site.running():
        yield site


@pytest.fixture
def patient(site: Installation, tmp_path: Path) -> Patient:
    notebook = Notebook(tmp_path / "confirmed.jsonl")
    return Patient(site.kiosk_url, notebook, "zebulon", "Zebulon Quackenbush", ("back", "arm"))


def at_hub(site: Installation, path: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {site.tokens.clinician}"}
    response = httpx.get(f"{site.hub_url}/api/v1{path}", params={"limit": 200}, headers=headers, timeout=10)
    items: list[dict[str, Any]] = response.raise_for_status().json()["items"]
    return items


def all_confirmed(site: Installation) -> bool:
    health = site.kiosk_health()
    return health["pending_events"] == 0 and health["pending_images"] == 0


def assert_all_at_hub_once(site: Installation, patient: Patient) -> None:
    analyses = at_hub(site, "/analyses")
    confirmed = sorted(a["message_id"] for a in patient.notebook.confirmed if a["outcome"] == "saved")
    stored = sorted(item["origin"]["message_id"] for item in analyses)
    assert [message_id for message_id in stored if message_id in confirmed] == confirmed
    assert len(stored) == len(set(stored))
    assert all(item["complete"] for item in analyses)


def test_a_kiosk_that_started_without_broker_and_hub_delivers_when_they_come(
    site: Installation, patient: Patient
) -> None:
    site.start_kiosk(dermoscope="sim://phantom?seed=5")
    patient.register(face=False)
    patient.capture(2)
    patient.leave()
    assert site.kiosk_health()["pending_events"] == 4
    site.start_hub()
    site.start_broker()
    wait_until(lambda: all_confirmed(site), what="receipts")
    assert_all_at_hub_once(site, patient)
    assert [p["full_name"] for p in at_hub(site, "/patients")] == ["Zebulon Quackenbush"]
    for log in site.folder.glob("*.log"):
        assert "Quackenbush" not in log.read_text(), log.name
        assert "zebulon" not in log.read_text(), log.name


def test_kills_of_each_program_in_turn_lose_and_double_nothing(site: Installation, patient: Patient) -> None:
    site.start_broker()
    site.start_hub()
    site.start_kiosk(dermoscope="sim://phantom?seed=6")
    patient.register(face=False)
    patient.capture(1)
    site.hub.kill()
    patient.capture(1)
    site.start_hub()
    patient.capture(1)
    site.broker.kill()
    patient.capture(1)
    site.kiosk.kill()
    site.start_broker()
    site.start_kiosk(dermoscope="sim://phantom?seed=7")
    patient.sign_in(face=False)
    patient.capture(1)
    patient.leave()
    wait_until(lambda: all_confirmed(site), what="receipts")
    assert_all_at_hub_once(site, patient)
    assert len(at_hub(site, "/analyses")) == 5


def test_a_hub_restored_from_an_older_backup_asks_for_what_it_misses(
    site: Installation, patient: Patient, tmp_path: Path
) -> None:
    site.start_broker()
    site.start_hub()
    site.start_kiosk(dermoscope="sim://phantom?seed=8")
    patient.register(face=False)
    patient.capture(1)
    wait_until(lambda: all_confirmed(site), what="receipts before the backup")
    backup = tmp_path / "backup"
    subprocess.run(
        [sys.executable, "-m", "hub", "backup", "--config", str(tmp_path / "hub.toml"), "--to", str(backup)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=40,
    )
    patient.capture(2)
    patient.leave()
    wait_until(lambda: all_confirmed(site), what="receipts after the backup")

    site.kiosk.stop()
    site.hub.stop()
    # The key of identities is backed up apart from the database.
    shutil.copyfile(tmp_path / "hub" / "identity.key", tmp_path / "identity.key")
    shutil.rmtree(tmp_path / "hub")
    (tmp_path / "hub").mkdir()
    shutil.copytree(backup / "images", tmp_path / "hub" / "images")
    shutil.copyfile(next(backup.glob("hub-*.sqlite3")), tmp_path / "hub" / "hub.sqlite3")
    shutil.move(tmp_path / "identity.key", tmp_path / "hub" / "identity.key")
    (tmp_path / "hub" / "identity.key").chmod(0o600)
    site.start_hub()
    assert len(at_hub(site, "/analyses")) == 1
    site.start_kiosk(dermoscope="sim://phantom?seed=9")
    wait_until(lambda: len(at_hub(site, "/analyses")) == 3, what="the replay")
    wait_until(lambda: all_confirmed(site), what="receipts for the replay")
    wait_until(lambda: all(a["complete"] for a in at_hub(site, "/analyses")), what="the replayed pictures")
    assert_all_at_hub_once(site, patient)
