import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub.__main__ import main


def test_a_new_token_comes_with_the_hash_for_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token"]) == 0
    printed = dict(line.replace(" ", "").split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert hashlib.sha256(printed["token"].encode()).hexdigest() == printed["token_sha256"]


def test_migrating_makes_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERMAKIOSK_HUB__DATA_DIR", str(tmp_path / "hub"))
    assert main(["migrate"]) == 0
    with closing(sqlite3.connect(tmp_path / "hub" / "hub.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM patients").fetchone() == (0,)


@pytest.mark.parametrize("command", ["run", "migrate", "backup"])
def test_a_wrong_setting_is_one_line_and_status_2(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "hub.toml"
    settings.write_text('data_dir = "x"\ncolour = "red"\n')
    rest = ["--to", str(tmp_path)] if command == "backup" else []
    assert main([command, "--config", str(settings), *rest]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "colour" in line
    assert "config-invalid" in line
