"""The face check against people and attacks made of real photographs; a small, fixed sample of what the report does."""

from pathlib import Path

import pytest

from edge import auth_measurement
from edge.auth_measurement import (
    AttemptOrder,
    EncodedPhotograph,
    encode,
    lfw_photographs,
    make_attempt,
    nuaa_photographs,
)

PEOPLE = 8
ATTACKS = ("print", "print-tilted", "cut-out", "screen-photo", "frozen", "injected-puppet", "swap")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def straight(data_root: Path) -> list[EncodedPhotograph]:
    """The first people of LFW who look straight into the camera."""
    auth_measurement.start_worker("dlib")
    found: dict[str, EncodedPhotograph] = {}
    for photograph in lfw_photographs(data_root / "faces")[::7]:
        if len(found) == PEOPLE:
            break
        entry = encode(photograph)
        if entry.straight:
            found.setdefault(photograph.person, entry)
    assert len(found) == PEOPLE
    return list(found.values())


def test_most_people_pass(straight: list[EncodedPhotograph]) -> None:
    records = [
        make_attempt(AttemptOrder("genuine", develop=False, seed=seed, victim=entry, attacker=straight[0]))
        for seed, entry in enumerate(straight)
    ]
    assert sum(record.passed for record in records) >= 0.7 * PEOPLE


@pytest.mark.parametrize("species", ATTACKS)
def test_attacks_are_refused(straight: list[EncodedPhotograph], species: str) -> None:
    records = [
        make_attempt(AttemptOrder(species, develop=False, seed=seed, victim=victim, attacker=attacker))
        for seed, (victim, attacker) in enumerate([(straight[0], straight[1]), (straight[2], straight[3])])
    ]
    assert not [record for record in records if record.passed]


def test_films_of_real_prints_are_refused(data_root: Path, straight: list[EncodedPhotograph]) -> None:
    frames = [
        photograph for photograph in nuaa_photographs(data_root / "faces", "print") if photograph.person == "0007"
    ]
    film = tuple(photograph.path for photograph in frames if photograph.occasion == frames[0].occasion)
    record = make_attempt(
        AttemptOrder("print-nuaa-film", develop=False, seed=1, victim=straight[0], attacker=straight[1], film=film)
    )
    assert not record.passed
