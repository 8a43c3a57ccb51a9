"""A whole kiosk with real parts, while broker and hub are away: it works, and what it says is saved is saved."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from pydantic import SecretStr

from edge.auth.account import SignInRefused, UsernameTaken
from edge.capture.camera import CameraFrameInvalid, CameraUnplugged
from edge.config import EdgeSettings
from edge.errors import SimulatedInClinic
from edge.examination import Refused, Saved
from edge.identity.registration import Registration
from edge.inference.model_package import ModelPackageAltered, ModelPackageMissing
from edge.kiosk import Kiosk
from edge.store import StorageFull
from edge.visit import NobodySignedIn
from protocol import codec
from protocol.events import AnalysisCompleted, BodySite, PatientRegistered, VisitEnded

OpenKiosk = Callable[..., Kiosk]
Register = Callable[..., Registration]
PASSWORD = SecretStr("horse-battery-staple-7")


def waiting(kiosk: Kiosk) -> list[Any]:
    return [codec.decode_event(message.body).payload for message in kiosk.outbox.pending(limit=1000)]


def test_a_visit_is_saved_in_order_and_says_that_it_is_simulated(
    open_kiosk: OpenKiosk, registration: Register, planted_name: str
) -> None:
    kiosk = open_kiosk()
    kiosk.reception.register(registration())
    saved = kiosk.examination.capture(body_site=BodySite.BACK)
    kiosk.reception.end("patient")
    assert isinstance(saved, Saved)
    registered, analysis, ended = waiting(kiosk)
    assert isinstance(registered, PatientRegistered)
    assert registered.full_name == planted_name
    assert isinstance(analysis, AnalysisCompleted)
    assert analysis.simulated
    assert analysis.device.simulated
    assert "simulated-image" in analysis.assessment.reasons
    assert analysis.analysis_id == saved.analysis.analysis_id
    assert abs(sum(analysis.probabilities.values()) - 1) < 1e-3
    assert isinstance(ended, VisitEnded)
    assert (ended.analyses, ended.refusals, ended.ended_by) == (1, 0, "patient")


def test_pictures_and_heat_maps_are_on_the_disk_under_their_hashes(
    open_kiosk: OpenKiosk, registration: Register
) -> None:
    kiosk = open_kiosk()
    kiosk.reception.register(registration())
    saved = kiosk.examination.capture(body_site=BodySite.ARM)
    assert isinstance(saved, Saved)
    pictures = {image.sha256: image for image in kiosk.outbox.pending_images(limit=10)}
    assert set(pictures) == {saved.analysis.image.sha256, saved.analysis.heat_map.sha256}
    for image in pictures.values():
        decoded = cv2.imdecode(np.frombuffer(image.path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None


def test_a_blurred_picture_is_refused_by_name_and_that_is_saved_too(
    open_kiosk: OpenKiosk, registration: Register
) -> None:
    kiosk = open_kiosk(capture={"dermoscope": "sim://phantom?seed=3&fault=defocus@1"})
    kiosk.reception.register(registration())
    refused = kiosk.examination.capture(body_site=BodySite.BACK)
    assert isinstance(refused, Refused)
    assert refused.refusal.faults == ("blurred",)
    assert isinstance(kiosk.examination.capture(body_site=BodySite.BACK), Saved)
    assert [type(event).__name__ for event in waiting(kiosk)][1:] == ["CaptureRefused", "AnalysisCompleted"]


def test_an_unplugged_dermoscope_saves_nothing_and_works_again_when_plugged_in(
    open_kiosk: OpenKiosk, registration: Register
) -> None:
    kiosk = open_kiosk(capture={"dermoscope": "sim://phantom?seed=3&fault=unplug@1"})
    kiosk.reception.register(registration())
    before = len(waiting(kiosk))
    with pytest.raises(CameraUnplugged):
        kiosk.examination.capture(body_site=BodySite.BACK)
    assert len(waiting(kiosk)) == before


def test_files_that_are_no_pictures_are_named_and_the_next_capture_goes_on(
    open_kiosk: OpenKiosk, registration: Register, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(b"not a picture")
    good = cv2.imencode(".jpg", skimage.data.astronaut()[:, :, ::-1])[1].tobytes()
    (folder / "2.jpg").write_bytes(good[: len(good) // 2])
    (folder / "3.jpg").write_bytes(good)
    kiosk = open_kiosk(capture={"dermoscope": f"folder://{folder}"})
    kiosk.reception.register(registration())
    for name in ("1.jpg", "2.jpg"):
        with pytest.raises(CameraFrameInvalid, match=name):
            kiosk.examination.capture(body_site=BodySite.BACK)
    saved = kiosk.examination.capture(body_site=BodySite.BACK)
    assert isinstance(saved, Saved)
    assert not saved.analysis.simulated


def test_a_patient_comes_again_with_the_password_and_no_other(open_kiosk: OpenKiosk, registration: Register) -> None:
    kiosk = open_kiosk()
    first = kiosk.reception.register(registration())
    code = first.patient_code
    kiosk.reception.end("patient")
    for username, password in (("zebulon", SecretStr("wrong-password-1")), ("nobody", PASSWORD)):
        with pytest.raises(SignInRefused):
            kiosk.reception.sign_in_with_password(username, password)
    again = kiosk.reception.sign_in_with_password("Zebulon", PASSWORD)
    assert (again.patient_id, again.patient_code) == (first.patient_id, code)
    kiosk.reception.end("patient")
    with pytest.raises(UsernameTaken):
        kiosk.reception.register(registration())
    assert sum(isinstance(event, PatientRegistered) for event in waiting(kiosk)) == 1


def test_an_idle_visit_ends_by_itself(kiosk_settings: Callable[..., EdgeSettings], registration: Register) -> None:
    kiosk = Kiosk(kiosk_settings(screen={"idle_s": 0.001}))
    kiosk.reception.register(registration())
    kiosk.start()
    try:
        while not any(isinstance(event, VisitEnded) for event in waiting(kiosk)):
            threading.Event().wait(0.01)
        assert kiosk.journey.state == "idle"
        assert [e.ended_by for e in waiting(kiosk) if isinstance(e, VisitEnded)] == ["idle"]
    finally:
        kiosk.stop()


def test_a_visit_that_a_power_cut_ended_is_reported_at_the_next_start(
    kiosk_settings: Callable[..., EdgeSettings], registration: Register, tmp_path: Path
) -> None:
    kiosk = Kiosk(kiosk_settings())
    kiosk.reception.register(registration())
    shutil.copytree(tmp_path / "kiosk", tmp_path / "after-power-cut")
    again = Kiosk(kiosk_settings(data_dir=tmp_path / "after-power-cut"))
    try:
        assert waiting(again)[-1].ended_by == "interrupted"
        with pytest.raises(NobodySignedIn):
            _ = again.journey.visit
    finally:
        for each in (kiosk, again):
            each._store.close()


def test_no_visit_begins_when_the_disk_has_less_room_than_the_reserve(
    open_kiosk: OpenKiosk, registration: Register
) -> None:
    kiosk = open_kiosk(uplink={"reserve_bytes": 2**62})
    with pytest.raises(StorageFull):
        kiosk.reception.register(registration())
    assert waiting(kiosk) == []


def test_clinic_mode_refuses_a_simulated_dermoscope(
    kiosk_settings: Callable[..., EdgeSettings], tmp_path: Path
) -> None:
    with pytest.raises(SimulatedInClinic):
        Kiosk(kiosk_settings(environment="clinic"))
    assert not (tmp_path / "kiosk").exists()


def test_clinic_mode_refuses_a_face_camera_that_shows_pictures(
    kiosk_settings: Callable[..., EdgeSettings], tmp_path: Path
) -> None:
    faces = tmp_path / "faces"
    faces.mkdir()
    cv2.imwrite(str(faces / "1.png"), skimage.data.astronaut()[:, :, ::-1])
    for face_camera in (f"folder://{faces}", "sim://phantom?seed=1"):
        capture = {"dermoscope": f"folder://{faces}", "face_camera": face_camera}
        with pytest.raises(SimulatedInClinic):
            Kiosk(kiosk_settings(environment="clinic", capture=capture, data_dir=tmp_path / face_camera[:3]))


def test_pictures_of_a_save_that_failed_do_not_stay_on_the_disk(
    open_kiosk: OpenKiosk, registration: Register, tmp_path: Path
) -> None:
    kiosk = open_kiosk()
    kiosk.reception.register(registration())
    with kiosk._store.transaction() as connection:
        connection.execute(
            "CREATE TEMP TRIGGER full BEFORE INSERT ON message_images BEGIN SELECT RAISE(FAIL, 'refused'); END"
        )
    with pytest.raises(sqlite3.IntegrityError):
        kiosk.examination.capture(body_site=BodySite.BACK)
    assert [path for path in (tmp_path / "kiosk" / "images").rglob("*") if path.is_file()] == []
    assert kiosk.journey.state == "ready"


def test_coming_again_uses_up_no_patient_number(open_kiosk: OpenKiosk, registration: Register) -> None:
    kiosk = open_kiosk()
    kiosk.reception.register(registration())
    kiosk.reception.end("patient")
    for _ in range(3):
        kiosk.reception.sign_in_with_password("zebulon", PASSWORD)
        kiosk.reception.end("patient")
    second = kiosk.reception.register(registration(username="second"))
    assert second.patient_code.startswith("K1P0002-")


def test_a_missing_or_altered_model_is_refused_before_any_patient(
    kiosk_settings: Callable[..., EdgeSettings], tmp_path: Path
) -> None:
    with pytest.raises(ModelPackageMissing):
        Kiosk(kiosk_settings(inference={"package": tmp_path / "nothing"}))
    package = Path(shutil.copytree(kiosk_settings().inference.package, tmp_path / "package"))
    weights = bytearray((package / "model.bin").read_bytes())
    weights[1000] ^= 1
    (package / "model.bin").write_bytes(weights)
    with pytest.raises(ModelPackageAltered):
        Kiosk(kiosk_settings(inference={"package": package}))
    manifest = json.loads((package / "manifest.json").read_text())
    assert "model.bin" in manifest["files"]
