"""Right and wrong people on real photographs: thirty of Labeled Faces in the Wild, and people of NUAA."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.auth.face import FaceEncoder, FaceError, FaceMatch, FaceTemplate, verify
from edge.auth.face_burst import match_burst
from edge.auth.measure import Photograph, read_rgb
from edge.auth.registry import load_face_encoder
from edge.auth.template_transform import seal_templates
from edge.auth_measurement import nuaa_photographs

PEOPLE = 30
PHOTOGRAPHS_EACH = 3
NUAA_SUBJECTS = ("0001", "0004", "0006", "0007")
NUAA_FRAMES = 3

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def encoder() -> FaceEncoder:
    encoder = load_face_encoder("dlib")
    assert encoder is not None
    return encoder


@pytest.fixture(scope="module")
def photographs(data_root: Path, encoder: FaceEncoder) -> list[Photograph]:
    folders = [sorted(folder.glob("*.jpg")) for folder in sorted((data_root / "faces/lfw").iterdir())]
    chosen = [paths[:PHOTOGRAPHS_EACH] for paths in folders if len(paths) >= PHOTOGRAPHS_EACH][:PEOPLE]
    photographs = []
    for path in itertools.chain.from_iterable(chosen):
        try:
            template = encoder.encode(read_rgb(path))
        except FaceError:
            continue
        photographs.append(Photograph(person=path.parent.name, template=template))
    assert len(photographs) > 0.9 * PEOPLE * PHOTOGRAPHS_EACH
    return photographs


@pytest.fixture(scope="module")
def matches(encoder: FaceEncoder, photographs: list[Photograph]) -> dict[bool, list[FaceMatch]]:
    """All pairs of photographs, by whether both show one person."""
    by_same: dict[bool, list[FaceMatch]] = {True: [], False: []}
    for a, b in itertools.combinations(photographs, 2):
        by_same[a.person == b.person].append(verify(encoder, claimed=a.template, probe=b.template))
    return by_same


def test_every_wrong_face_is_refused(matches: dict[bool, list[FaceMatch]]) -> None:
    wrong = matches[False]
    assert len(wrong) > 3000
    assert not [match for match in wrong if match.matched]


def test_more_than_half_of_the_right_faces_are_accepted_by_a_single_frame(matches: dict[bool, list[FaceMatch]]) -> None:
    right = matches[True]
    assert len(right) > 75
    assert sum(match.matched for match in right) > 0.5 * len(right)


def test_no_wrong_person_passes_with_two_photographs_enrolled(
    encoder: FaceEncoder, photographs: list[Photograph]
) -> None:
    people: dict[str, list[FaceTemplate]] = defaultdict(list)
    for photograph in photographs:
        people[photograph.person].append(photograph.template)
    enrolled = {person: seal_templates(templates[:2]) for person, templates in list(people.items())[:12]}
    wrong = [
        match_burst(encoder, credential, templates[:2])
        for claimed, credential in enrolled.items()
        for person, templates in people.items()
        if person != claimed
    ]
    assert len(wrong) > 300
    assert not [match for match in wrong if match.matched]


def test_people_are_known_again_in_another_session_before_a_webcam(data_root: Path, encoder: FaceEncoder) -> None:
    """Sessions of NUAA are weeks apart; one burst a session."""
    sessions = _sessions(encoder, data_root)
    pairs = [
        (sessions[a], sessions[b]) for a, b in itertools.combinations(sorted(sessions), 2) if a[0] == b[0] and a != b
    ]
    assert len(pairs) >= 8
    matched = [match_burst(encoder, seal_templates(enrolled), probe).matched for enrolled, probe in pairs]
    assert sum(matched) >= 0.6 * len(pairs)


def _sessions(encoder: FaceEncoder, data_root: Path) -> dict[tuple[str, str], Sequence[FaceTemplate]]:
    sessions: dict[tuple[str, str], list[FaceTemplate]] = defaultdict(list)
    for photograph in nuaa_photographs(data_root / "faces", "live"):
        key = photograph.person, photograph.occasion
        if photograph.person in NUAA_SUBJECTS and len(sessions[key]) < NUAA_FRAMES:
            try:
                sessions[key].append(encoder.encode(read_rgb(photograph.path)))
            except FaceError:
                continue
    return {key: templates for key, templates in sessions.items() if templates}
