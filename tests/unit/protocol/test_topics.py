import pytest

from protocol import topics
from protocol.errors import TopicInvalid


@pytest.mark.parametrize("name", list(topics.TOPICS))
def test_every_topic_parses_back_to_its_row(name: str) -> None:
    row = topics.TOPICS[name]
    for type_ in row.types or (None,):
        built = topics.build(name, site="village", kiosk="k-1", type=type_)
        assert topics.parse(built) == topics.Address(row, "village", "k-1", type_)


@pytest.mark.parametrize("part", ["", "a/b", "+", "#", "A", "a" * 33, "-a", "a\x00", "a\n", "ä"])
def test_no_wildcard_or_separator_gets_into_a_topic(part: str) -> None:
    with pytest.raises(TopicInvalid):
        topics.build("state", site=part, kiosk="k1")


@pytest.mark.parametrize(
    "topic",
    [
        "derma/v1/s/k",
        "derma/v2/s/k/state",
        "derma/v1/s/k/state/x",
        "derma/v1/s/k/event",
        "derma/v1/s/k/event/nothing-such",
        "derma/v1/s/k/gossip",
        "derma/v1/+/k/state",
        "$SYS/broker",
        "",
    ],
)
def test_a_topic_outside_the_table_is_refused(topic: str) -> None:
    with pytest.raises(TopicInvalid):
        topics.parse(topic)


def test_a_type_must_belong_to_its_row() -> None:
    with pytest.raises(TopicInvalid):
        topics.build("event", site="s", kiosk="k", type="replay-events")
    with pytest.raises(TopicInvalid):
        topics.build("event", site="s", kiosk="k")
