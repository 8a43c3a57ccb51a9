import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.config import load_settings
from hub.errors import ConfigError

HASH = hashlib.sha256(b"token").hexdigest()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def to_file(text: str) -> Path:
        path = tmp_path / "hub.toml"
        path.write_text(text)
        return path

    return to_file


def test_the_environment_wins_over_the_file(write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = write('data_dir = "/srv/hub"\n[http]\nport = 9000\nhost = "::1"\n')
    monkeypatch.setenv("DERMAKIOSK_HUB__HTTP__PORT", "9001")
    settings = load_settings(path)
    assert (settings.http.port, settings.http.host, settings.data_dir) == (9001, "::1", Path("/srv/hub"))


def test_lists_come_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERMAKIOSK_HUB__DATA_DIR", "/srv/hub")
    entry = {"name": "Dr. Example", "role": "clinician", "token_sha256": HASH}
    monkeypatch.setenv("DERMAKIOSK_HUB__ACCESS", json.dumps([entry]))
    assert load_settings().access[0].role == "clinician"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('data_dir = "x"\ncolour = "red"', "colour"),
        ('data_dir = "x"\n[http]\nprot = 1', "http.prot"),
        ('data_dir = "x"\n[http]\nport = 70000', "http.port"),
        ("", "data_dir"),
        ("data_dir = ", "not a TOML file"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(write: Callable[[str], Path], text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load_settings(write(text))


@pytest.mark.parametrize(
    ("variable", "named"), [("COLOUR", "DERMAKIOSK_HUB__COLOUR"), ("HTTP__PROT", "http.prot"), ("ACCESS", "access")]
)
def test_a_misspelt_variable_is_an_error(variable: str, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERMAKIOSK_HUB__DATA_DIR", "/srv/hub")
    monkeypatch.setenv(f"DERMAKIOSK_HUB__{variable}", "1x")
    with pytest.raises(ConfigError, match=named):
        load_settings()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: No such file"):
        load_settings(tmp_path / "absent.toml")


def test_a_wrong_password_is_not_repeated(write: Callable[[str], Path]) -> None:
    path = write('data_dir = "x"\n[broker]\npassword = ["hunter2"]\n')
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("broker", "named"),
    [
        ("", "broker.host"),
        ('host = "broker.example"', "broker.username"),
        ('host = "broker.example"\nusername = "hub"\npassword = "p"', "broker.tls_ca_file"),
    ],
)
def test_clinic_mode_refuses_an_unguarded_broker(write: Callable[[str], Path], broker: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load_settings(write(f'environment = "clinic"\ndata_dir = "x"\n[broker]\n{broker}\n'))


@pytest.mark.parametrize(
    "entry",
    [
        'role = "kiosk"',
        'role = "kiosk"\nsite = "village"',
        'role = "clinician"\nsite = "village"\nkiosk = "k1"',
        'role = "patient"',
    ],
)
def test_only_a_kiosk_has_site_and_name_and_it_must(write: Callable[[str], Path], entry: str) -> None:
    with pytest.raises(ConfigError, match=r"access\.0"):
        load_settings(write(f'data_dir = "x"\n[[access]]\nname = "n"\ntoken_sha256 = "{HASH}"\n{entry}\n'))


def test_two_callers_cannot_share_a_token(write: Callable[[str], Path]) -> None:
    entry = f'[[access]]\nname = "n"\ntoken_sha256 = "{HASH}"\nrole = "clinician"\n'
    with pytest.raises(ConfigError, match="share one token"):
        load_settings(write(f'data_dir = "x"\n{entry}{entry}'))
