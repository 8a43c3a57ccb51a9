"""What a technician does with a kiosk's models, on the data folder of a kiosk that has really worked."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.auth.vault import Vault
from edge.config import EdgeSettings
from edge.examination import Saved
from edge.identity.registration import Registration
from edge.inference.classifier import Prediction
from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier, compute_devices
from edge.inference.precision import allowed
from edge.kiosk import Kiosk
from edge.ui import app
from edge.uplink.outbox import open_event
from protocol.events import AnalysisCompleted, BodySite
from training.packaging import write_package

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "models/melanoma"


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m edge …` on the data folder of the other fixtures' kiosk."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        own = {
            "DERMAKIOSK_EDGE__DATA_DIR": str(tmp_path / "kiosk"),
            "DERMAKIOSK_EDGE__SCREEN__PORT": "0",
            "DERMAKIOSK_EDGE__INFERENCE__PRECISION": "f32",
        }
        done = subprocess.run(
            [sys.executable, "-m", "edge", *arguments],
            cwd=ROOT, env={**os.environ, **own, **environment}, capture_output=True, text=True, timeout=50, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def result(open_kiosk: Callable[..., Kiosk], registration: Callable[..., Registration]) -> AnalysisCompleted:
    """A stored result of the committed package, its kiosk still running."""
    kiosk = open_kiosk()
    kiosk.reception.register(registration())
    saved = kiosk.examination.capture(body_site=BodySite.BACK)
    assert isinstance(saved, Saved)
    return saved.analysis


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The committed package under a new version number, unsigned."""
    package = load_model_package(COMMITTED)
    manifest = package.manifest.model_copy(update={"version": "9.9.9"})
    out = tmp_path / "newer"
    write_package(manifest, graph=package.graph, weights=package.weights, golden=package.golden, out=out)
    return out


def started_once(settings: EdgeSettings) -> Kiosk:
    kiosk = Kiosk(settings)
    kiosk.start()
    kiosk.stop()
    return kiosk


def test_a_stored_result_is_reproduced_while_the_kiosk_runs(
    command: Callable[..., subprocess.CompletedProcess[str]], result: AnalysisCompleted
) -> None:
    done = command("model", "reproduce", str(result.analysis_id))
    assert done.returncode == 0, done.stderr
    assert "It matches" in done.stdout
    for label, probability in result.probabilities.items():
        (line,) = (line for line in done.stdout.splitlines() if line.startswith(f"{label} "))
        _, stored, now = line.split()
        assert float(stored) == pytest.approx(probability, abs=1e-6)
        assert float(now) == pytest.approx(probability, abs=1e-3)


def test_a_result_of_a_camera_jpeg_says_its_arithmetic_and_is_reproduced_to_within_rounding(
    open_kiosk: Callable[..., Kiosk],
    registration: Callable[..., Registration],
    command: Callable[..., subprocess.CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, ...]] = []
    classify = OpenVinoClassifier.classify

    def recorded(self: OpenVinoClassifier, rgb: NDArray[np.uint8]) -> Prediction:
        seen.append(rgb.shape)
        return classify(self, rgb)

    kiosk = open_kiosk(capture={"dermoscope": "sim://phantom?seed=3&width=2592&height=1944"})
    kiosk.reception.register(registration())
    monkeypatch.setattr(OpenVinoClassifier, "classify", recorded)
    saved = kiosk.examination.capture(body_site=BodySite.BACK)
    assert isinstance(saved, Saved)
    # Decoded at half its size; a decode in full would differ by more than rounding.
    assert seen == [(972, 1296, 3)]
    assert (saved.analysis.image.width_px, saved.analysis.image.height_px) == (2592, 1944)
    assert saved.analysis.model is not None
    assert saved.analysis.model.precision in {"f32", "bf16", "f16", "int8"}
    done = command("model", "reproduce", str(saved.analysis.analysis_id))
    assert done.returncode == 0, done.stderr
    assert "tolerance 0.001000" in done.stdout
    precision = saved.analysis.model.precision
    assert f"made in {precision}, recomputed in {precision}" in done.stdout


def saved_event(connection: sqlite3.Connection, *, data_dir: Path) -> Any:
    """The saved analysis, unsealed. One that is written back open is read like those from before there was a seal."""
    query = "SELECT sequence, body FROM messages WHERE type = 'analysis-completed'"
    sequence, body = connection.execute(query).fetchone()
    return json.loads(open_event(body, sequence=sequence, vault=Vault.open_file(data_dir / "vault.key")))


def test_a_result_that_says_something_else_differs(
    command: Callable[..., subprocess.CompletedProcess[str]], result: AnalysisCompleted, tmp_path: Path
) -> None:
    connection = sqlite3.connect(tmp_path / "kiosk" / "kiosk.db")
    event = saved_event(connection, data_dir=tmp_path / "kiosk")
    probabilities = event["payload"]["probabilities"]
    probabilities["mel"], probabilities["nv"] = probabilities["nv"], probabilities["mel"]
    with connection:
        connection.execute(
            "UPDATE messages SET body = ? WHERE type = 'analysis-completed'", (json.dumps(event).encode(),)
        )
    connection.close()
    done = command("model", "reproduce", str(result.analysis_id))
    assert done.returncode == 1
    assert "It DIFFERS" in done.stdout


def test_a_sealed_result_that_was_altered_on_the_disk_is_not_reproduced(
    command: Callable[..., subprocess.CompletedProcess[str]], result: AnalysisCompleted, tmp_path: Path
) -> None:
    connection = sqlite3.connect(tmp_path / "kiosk" / "kiosk.db")
    (body,) = connection.execute("SELECT body FROM messages WHERE type = 'analysis-completed'").fetchone()
    altered = body[:-1] + bytes((body[-1] ^ 1,))
    with connection:
        connection.execute("UPDATE messages SET body = ? WHERE type = 'analysis-completed'", (altered,))
    connection.close()
    done = command("model", "reproduce", str(result.analysis_id))
    assert (done.returncode, "vault-blob-altered" in done.stderr) == (2, True)


def test_what_cannot_be_reproduced_says_why(
    command: Callable[..., subprocess.CompletedProcess[str]], result: AnalysisCompleted, tmp_path: Path, newer: Path
) -> None:
    result_id = str(result.analysis_id)
    unknown = command("model", "reproduce", str(uuid4()))
    assert (unknown.returncode, "result-not-stored" in unknown.stderr) == (2, True)
    other = command("model", "reproduce", result_id, DERMAKIOSK_EDGE__INFERENCE__PACKAGE=str(newer))
    assert (other.returncode, "model-not-installed" in other.stderr) == (2, True)
    assert result.model.sha256 in other.stderr
    connection = sqlite3.connect(tmp_path / "kiosk" / "kiosk.db")
    event = saved_event(connection, data_dir=tmp_path / "kiosk")
    excluded = {"analysis_id": str(uuid4()), "exclusions": ["under-age"], "probabilities": {}} | dict.fromkeys(
        ("model", "heat_map", "out_of_distribution", "malignant")
    )
    event["payload"] |= excluded
    with connection:
        connection.execute(
            "INSERT INTO messages (message_id, type, body, created_at) VALUES (?, 'analysis-completed', ?, '2026')",
            (str(uuid4()), json.dumps(event).encode()),
        )
    connection.close()
    unasked = command("model", "reproduce", excluded["analysis_id"])
    assert (unasked.returncode, "result-without-model" in unasked.stderr) == (2, True), unasked.stderr
    picture = tmp_path / "kiosk" / "images" / result.image.sha256[:2] / result.image.sha256
    picture.write_bytes(picture.read_bytes() + b"x")
    altered = command("model", "reproduce", result_id)
    assert (altered.returncode, "altered" in altered.stderr) == (2, True)
    picture.unlink()
    gone = command("model", "reproduce", result_id)
    assert (gone.returncode, "result-picture-not-stored" in gone.stderr) == (2, True)


def test_a_model_is_installed_tried_by_the_kiosk_and_taken_back(
    command: Callable[..., subprocess.CompletedProcess[str]],
    kiosk_settings: Callable[..., EdgeSettings],
    newer: Path,
) -> None:
    installed = command("model", "install", str(newer))
    assert installed.returncode == 0, installed.stderr
    shutil.rmtree(newer)
    assert "a (on trial, 3 starts left): melanoma 9.9.9, signature unsigned" in command("model", "status").stdout
    # As a kiosk would: the precisions that the new model may have here are timed, if it may have several.
    kiosk = started_once(kiosk_settings(inference={"package": COMMITTED, "precision": "auto"}))
    manifest = load_model_package(COMMITTED).manifest
    capabilities = compute_devices()["CPU"].capabilities
    several = len(allowed(manifest.precisions, manifest.precision_bounds, capabilities=capabilities)) > 1
    assert any(kiosk.settings.data_dir.rglob("precision-*.json")) is several
    assert (kiosk.model.version, kiosk.model.place, kiosk.model.signature) == ("9.9.9", "a", "unsigned")
    assert "a (in use): melanoma 9.9.9" in command("model", "status").stdout
    assert command("model", "rollback").returncode == 0
    again = command("model", "rollback")
    assert (again.returncode, "model-without-previous" in again.stderr) == (2, True)
    kiosk = started_once(kiosk_settings())
    assert (kiosk.model.version, kiosk.model.place) == (load_model_package(COMMITTED).manifest.version, "configured")


def test_a_new_model_that_fails_at_the_start_is_given_up_and_the_kiosk_says_so(
    command: Callable[..., subprocess.CompletedProcess[str]],
    kiosk_settings: Callable[..., EdgeSettings],
    newer: Path,
    tmp_path: Path,
) -> None:
    assert command("model", "install", str(newer)).returncode == 0
    (tmp_path / "kiosk/models/skin-lesion/a/model.bin").write_bytes(b"rotten")
    kiosk = started_once(kiosk_settings())
    assert kiosk.model.place == "configured"
    assert kiosk.model.given_up is not None
    assert kiosk.model.given_up.code == "model-package-altered"
    assert "a was given up (model-package-altered)" in command("model", "status").stdout


def test_a_running_kiosk_tells_its_model_and_who_vouches_for_it(open_kiosk: Callable[..., Kiosk], newer: Path) -> None:
    kiosk = open_kiosk(inference={"package": newer, "precision": "f32"})
    health = json.loads(app.health(kiosk).body)
    assert {name: value for name, value in health.items() if name.startswith("model")} == {
        "model": "melanoma 9.9.9",
        "model_sha256": load_model_package(newer).sha256,
        "model_signature": "unsigned",
        "model_place": "configured",
        "model_given_up": None,
    }


def test_a_package_with_one_changed_byte_is_not_installed(
    command: Callable[..., subprocess.CompletedProcess[str]], newer: Path
) -> None:
    weights = bytearray((newer / "model.bin").read_bytes())
    weights[len(weights) // 2] ^= 1
    (newer / "model.bin").write_bytes(weights)
    done = command("model", "install", str(newer))
    assert (done.returncode, "model-package-altered" in done.stderr) == (2, True)


def test_a_clinic_neither_installs_nor_starts_with_an_unsigned_model(
    command: Callable[..., subprocess.CompletedProcess[str]], newer: Path, tmp_path: Path
) -> None:
    config = tmp_path / "clinic.toml"
    config.write_text(
        'environment = "clinic"\n'
        '[capture]\ndermoscope = "v4l2:///dev/video-none"\n'
        f'[inference]\npackage = "{newer}"\n'
        f'[broker]\ntls_ca_file = "{config}"\nusername = "k1"\n'
        '[hub]\nurl = "https://hub.example"\n'
    )
    for arguments in (("model", "install", str(newer)), ("run",)):
        done = command(*arguments, "--config", str(config))
        assert (done.returncode, "model-package-unsigned" in done.stderr) == (2, True), done.stderr
