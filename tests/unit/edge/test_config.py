from pathlib import Path

import pytest

from edge.config import ENV_PREFIX, SettingsInvalid, load_settings


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    return tmp_path / "kiosk.toml"


def test_defaults_make_a_demo_kiosk_with_a_simulated_dermoscope() -> None:
    settings = load_settings(None)
    assert settings.environment == "demo"
    assert settings.capture.dermoscope.startswith("sim://")


def test_the_environment_wins_over_the_file(settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings_file.write_text('kiosk = "k7"\n[broker]\nport = 1900\nhost = "broker.example"\n')
    monkeypatch.setenv(f"{ENV_PREFIX}BROKER__PORT", "1901")
    settings = load_settings(settings_file)
    assert (settings.kiosk, settings.broker.port, settings.broker.host) == ("k7", 1901, "broker.example")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('colour = "blue"', "colour"),
        ('[broker]\nhots = "x"', "broker.hots"),
        ("[broker]\nport = 70000", "broker.port"),
        ('kiosk = "../k1"', "kiosk"),
        ('environment = "clinc"', "environment"),
        ('[screen]\nhost = "0.0.0.0"', "screen.host"),
    ],
)
def test_a_wrong_key_or_value_is_named(settings_file: Path, text: str, named: str) -> None:
    settings_file.write_text(text)
    with pytest.raises(SettingsInvalid, match=named):
        load_settings(settings_file)


@pytest.mark.parametrize("name", ["COLOUR", "BROKER__HOTS"])
def test_an_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}{name}", "1")
    with pytest.raises(SettingsInvalid, match=r"(?i)colour|hots"):
        load_settings(None)


def test_a_missing_or_broken_file_is_said_so(settings_file: Path) -> None:
    with pytest.raises(SettingsInvalid, match="does not exist"):
        load_settings(settings_file)
    settings_file.write_text("this is = = no toml")
    with pytest.raises(SettingsInvalid, match=r"kiosk\.toml"):
        load_settings(settings_file)


def test_a_password_never_shows_in_an_error(settings_file: Path) -> None:
    settings_file.write_text('[broker]\npassword = ["hunter2"]\n[hub]\ntoken = 17\nurl = "ftp://hunter2"')
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(settings_file)
    assert "hunter2" not in str(caught.value)


def test_clinic_mode_refuses_unprotected_links(settings_file: Path) -> None:
    settings_file.write_text('environment = "clinic"')
    with pytest.raises(SettingsInvalid, match=r"tls_ca_file.*username.*hub\.url"):
        load_settings(settings_file)
