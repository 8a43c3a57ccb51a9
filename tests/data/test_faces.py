"""Right and wrong people on real photographs: the first thirty of Labeled Faces in the Wild who have three."""

import itertools
from pathlib import Path

import pytest

from edge.auth.face import FaceError, FaceMatch, verify
from edge.auth.measure import Photograph, read_rgb
from edge.auth.registry import load_face_encoder

PEOPLE = 30
PHOTOGRAPHS_EACH = 3

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def matches(data_root: Path) -> dict[bool, list[FaceMatch]]:
    """All pairs of photographs, by whether both show one person."""
    encoder = load_face_encoder("dlib")
    assert encoder is not None
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
