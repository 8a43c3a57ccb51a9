import pytest
from pydantic import ValidationError

from hub.config import HubSettings, StaffSettings


@pytest.mark.parametrize(
    ("party", "origin"),
    [
        ("localhost", None),
        ("localhost", "http://localhost:8080"),
        ("example.org", "https://hub.example.org"),
        ("example.org", "https://example.org:8443"),
    ],
)
def test_an_origin_belongs_to_its_relying_party(party: str, origin: str | None) -> None:
    StaffSettings(relying_party_id=party, origin=origin)


@pytest.mark.parametrize(
    ("party", "origin"),
    [
        ("example.org", "https://example.com"),
        ("example.org", "https://notexample.org"),
        ("example.org", "http://hub.example.org"),
        ("example.org", "https://hub.example.org/portal"),
        ("example.org", None),
        ("EXAMPLE", "https://EXAMPLE"),
        ("hub.example.org", "https://example.org"),
    ],
)
def test_an_origin_that_browsers_would_refuse_is_refused_at_start(party: str, origin: str | None) -> None:
    with pytest.raises(ValidationError):
        StaffSettings(relying_party_id=party, origin=origin)


def test_without_an_origin_it_is_localhost() -> None:
    assert HubSettings.model_validate({"data_dir": "x", "http": {"port": 9}}).origin == "http://localhost:9"
