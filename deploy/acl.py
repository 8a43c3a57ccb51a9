"""Mosquitto's access list, generated from the topic table: a topic without a row there can be neither sent nor read."""

import argparse
import difflib
import sys
from pathlib import Path

from protocol.topics import ROOT, TOPICS, subscription

ACL_FILE = Path(__file__).parent / "mosquitto" / "acl"
HUB_USER = "hub"
_HEADER = """\
# Generated from protocol/topics.py by `python -m deploy.acl`; edit the table, not this file.
# Kiosks sign in as "site/kiosk"; %u stands for that name, so each reaches its own branch alone.
# {type} becomes +, not the types known today: an event of a newer kiosk must reach the hub's quarantine,
# because a broker that refuses a message tells an MQTT 3.1.1 sender nothing.
"""


def mosquitto_acl() -> str:
    """Text of the access list for the hub and for every kiosk."""
    lines = [_HEADER, f"user {HUB_USER}"]
    for topic in TOPICS.values():
        access = "write" if topic.publisher == "hub" else "read"
        lines.append(f"topic {access} {subscription(topic.name)}")
    lines.append("")
    for topic in TOPICS.values():
        access = "write" if topic.publisher == "kiosk" else "read"
        lines.append(f"pattern {access} {ROOT}/%u/{topic.suffix.replace('{type}', '+')}")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None, *, acl_file: Path = ACL_FILE) -> int:
    """Write the access list, or with `--check` print how the file differs and answer 1."""
    parser = argparse.ArgumentParser(prog="python -m deploy.acl", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 if the file is out of date")
    wanted = mosquitto_acl()
    if not parser.parse_args(arguments).check:
        acl_file.write_text(wanted)
        return 0
    found = acl_file.read_text() if acl_file.exists() else ""
    difference = difflib.unified_diff(
        found.splitlines(keepends=True), wanted.splitlines(keepends=True), str(acl_file), "generated"
    )
    sys.stdout.writelines(difference)
    return int(found != wanted)


if __name__ == "__main__":
    sys.exit(main())
