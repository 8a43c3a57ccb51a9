"""What was ever released stays decodable, and what is published is what the code says."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol import codec
from protocol.documents import documents
from protocol.envelope import Heartbeat, KioskState, Receipt
from protocol.topics import TOPICS

GOLDEN = Path(__file__).parent / "golden"
REPOSITORY = Path(__file__).parents[2]
PLAIN = {"state": KioskState, "heartbeat": Heartbeat, "receipt": Receipt}


def decode(name: str, data: bytes) -> Any:
    if name in PLAIN:
        return codec.decode(data, PLAIN[name])
    return codec.decode_event(data) if name in TOPICS["event"].types else codec.decode_command(data)


@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("*.json")), ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_released_message_decodes_for_ever(path: Path) -> None:
    data = path.read_bytes()
    message = decode(path.stem, data)
    again = json.loads(codec.encode(message))
    assert_kept(json.loads(data), again)


def assert_kept(released: Any, again: Any, place: str = "") -> None:
    """All that was said is still said; a later version may only have added to it."""
    if not isinstance(released, dict):
        assert again == released, place
        return
    assert released.keys() <= again.keys(), place
    for key, value in released.items():
        assert_kept(value, again[key], f"{place}/{key}")


def test_every_message_of_the_topic_table_has_a_golden_file() -> None:
    released = {path.stem for path in GOLDEN.rglob("*.json")}
    assert released == {name for topic in TOPICS.values() for name in topic.types or (topic.name,)}


@pytest.mark.parametrize("name", list(documents()))
def test_the_published_documents_are_current(name: str) -> None:
    published = (REPOSITORY / "protocol" / name).read_text()
    assert published == documents()[name], "run ./run docs"


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = json.loads(documents()["asyncapi.json"])

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if isinstance(node, list) else []

    found = references(document)
    assert found
    for reference in found:
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
