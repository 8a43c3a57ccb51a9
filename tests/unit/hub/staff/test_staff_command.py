from pathlib import Path

import pytest

from hub.__main__ import main


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "hub.toml"
    file.write_text(f'data_dir = "{tmp_path / "hub"}"\n[staff]\nrelying_party_id = "example.org"\n')
    with file.open("a") as more:
        more.write('origin = "https://hub.example.org"\n')
    return file


def run(settings: Path, act: str, *options: str) -> int:
    return main(["staff", act, "--config", str(settings), *options])


def test_the_first_administrator_gets_a_link_that_no_server_log_can_hold(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(settings, "add", "--username", "Ana", "--name", "Ana  Example", "--role", "administrator") == 0
    named, invitation = capsys.readouterr().out.splitlines()
    assert named == "ana: administrator"
    assert "once, for 24 h: https://hub.example.org/welcome#" in invitation
    assert run(settings, "list") == 0
    assert capsys.readouterr().out == "ana\tadministrator\topen\tAna Example\n"


def test_a_reset_makes_a_new_link_and_an_unlock_none(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(settings, "add", "--username", "ana", "--name", "Ana", "--role", "clinician")
    first = capsys.readouterr().out
    assert run(settings, "reset", "--username", "ana") == 0
    assert capsys.readouterr().out != first
    assert run(settings, "unlock", "--username", "ana") == 0
    assert capsys.readouterr().out == "ana: not locked\n"


@pytest.mark.parametrize(
    ("act", "options", "code"),
    [
        ("add", ("--username", "ana", "--name", "Ana", "--role", "clinician"), "staff-username-taken"),
        ("add", ("--username", "a b", "--name", "Ana", "--role", "clinician"), "unprocessable"),
        ("add", ("--username", "eve", "--name", " ", "--role", "clinician"), "unprocessable"),
        ("reset", ("--username", "nobody"), "not-found"),
        ("unlock", ("--username", "nobody"), "not-found"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    settings: Path, capsys: pytest.CaptureFixture[str], act: str, options: tuple[str, ...], code: str
) -> None:
    run(settings, "add", "--username", "ana", "--name", "Ana", "--role", "clinician")
    capsys.readouterr()
    assert run(settings, act, *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"[{code}]" in line
