"""The shipped access list is the topic table's."""

from pathlib import Path

import pytest

from deploy import acl
from protocol.topics import TOPICS


def test_the_shipped_file_is_current() -> None:
    assert acl.ACL_FILE.read_text() == acl.mosquitto_acl()


def test_each_row_of_the_table_gives_one_side_write_and_the_other_read() -> None:
    lines = acl.mosquitto_acl().splitlines()

    for topic in TOPICS.values():
        suffix = topic.suffix.replace("{type}", "+")
        hub, kiosk = ("write", "read") if topic.publisher == "hub" else ("read", "write")
        assert lines.count(f"topic {hub} derma/v1/+/+/{suffix}") == 1
        assert lines.count(f"pattern {kiosk} derma/v1/%u/{suffix}") == 1
    assert len([line for line in lines if line.startswith(("topic", "pattern"))]) == 2 * len(TOPICS)


def test_check_shows_what_is_stale_and_writing_repairs_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale = tmp_path / "acl"
    stale.write_text(acl.mosquitto_acl().replace("pattern read", "pattern readwrite"))

    assert acl.main(["--check"], acl_file=stale) == 1
    assert "-pattern readwrite derma/v1/%u/receipt" in capsys.readouterr().out
    assert acl.main([], acl_file=stale) == 0
    assert acl.main(["--check"], acl_file=stale) == 0
