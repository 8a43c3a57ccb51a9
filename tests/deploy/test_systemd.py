"""systemd's own verdict on the shipped units."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hub.config import load_settings

SHIPPED = Path(__file__).parents[2] / "deploy" / "systemd"
INTERPRETER = "/opt/dermakiosk/.venv/bin/python"
UNITS = {"dermakiosk-hub.service": ("hub", "hub.toml"), "dermakiosk-kiosk.service": ("edge", "kiosk.toml")}
WORST_EXPOSURE = 20
"""In tenths, as systemd-analyze wants it: 2.0 of 10, where 10 is a service without any protection."""


@pytest.fixture(scope="session")
def systemd_analyze() -> str:
    path = shutil.which("systemd-analyze")
    if path is None:
        pytest.fail("systemd-analyze is missing: apt-get install systemd")
    return path


def _installable(unit: str, folder: Path) -> Path:
    """The unit as shipped, but for the interpreter, which the machine of the test has elsewhere."""
    text = (SHIPPED / unit).read_text()
    assert text.count(INTERPRETER) == 1
    copy = folder / unit
    copy.write_text(text.replace(INTERPRETER, sys.executable))
    return copy


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_accepts_the_unit_without_a_remark(unit: str, systemd_analyze: str, tmp_path: Path) -> None:
    verdict = _run(systemd_analyze, "verify", "--man=no", _installable(unit, tmp_path))

    assert (verdict.returncode, verdict.stderr) == (0, "")


def test_systemd_would_have_remarked_on_a_misspelt_setting(systemd_analyze: str, tmp_path: Path) -> None:
    unit = _installable("dermakiosk-hub.service", tmp_path)
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))

    assert "ProtectHouse" in _run(systemd_analyze, "verify", "--man=no", unit).stderr


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_leaves_little_exposed(unit: str, systemd_analyze: str, tmp_path: Path) -> None:
    copy = _installable(unit, tmp_path)

    verdict = _run(
        systemd_analyze, "security", "--offline=true", f"--threshold={WORST_EXPOSURE}", "--no-pager", str(copy)
    )

    assert verdict.returncode == 0, verdict.stdout


@pytest.mark.parametrize(("unit", "package", "settings"), [(unit, *what) for unit, what in UNITS.items()])
def test_the_unit_starts_the_package_with_its_settings(unit: str, package: str, settings: str) -> None:
    wanted = f"ExecStart={INTERPRETER} -m {package} run --config /etc/dermakiosk/{settings}\n"

    assert wanted in (SHIPPED / unit).read_text()


def test_the_accounts_of_the_units_are_among_those_that_sysusers_makes() -> None:
    accounts = [line.split()[1] for line in (SHIPPED / "dermakiosk.sysusers.conf").read_text().splitlines()[1:]]

    users = [
        line.removeprefix("User=")
        for unit in UNITS
        for line in (SHIPPED / unit).read_text().splitlines()
        if line.startswith("User=")
    ]

    assert users == accounts


def test_sysusers_understands_the_accounts(tmp_path: Path) -> None:
    sysusers = shutil.which("systemd-sysusers")
    if sysusers is None:
        pytest.fail("systemd-sysusers is missing: apt-get install systemd")
    (tmp_path / "etc").mkdir()

    verdict = _run(sysusers, f"--root={tmp_path}", "--dry-run", SHIPPED / "dermakiosk.sysusers.conf")

    assert verdict.returncode == 0, verdict.stderr
    assert verdict.stderr.count("Creating user") == len(UNITS), verdict.stderr


def test_the_hub_s_example_settings_are_valid_and_for_a_clinic() -> None:
    settings = load_settings(SHIPPED / "hub.example.toml")

    assert settings.environment == "clinic"
    assert settings.broker.tls_ca_file is not None
