"""What every face encoder must do, on the one real face that ships in a package: scikit-image's `astronaut`."""

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from edge.auth.face import (
    FaceEncoder,
    FaceNotFound,
    FaceTemplate,
    FaceTemplateIncompatible,
    FaceTooSmall,
    SeveralFaces,
    verify,
)
from edge.auth.registry import FACE_ENCODERS, load_face_encoder

Image = NDArray[np.uint8]
ASTRONAUT: Image = skimage.data.astronaut()
HEAD_PX = (222, 126)


def brightened(factor: float) -> Image:
    return np.clip(ASTRONAUT * factor, 0, 255).astype(np.uint8)


def rotated(degrees: float) -> Image:
    turn = cv2.getRotationMatrix2D(HEAD_PX, degrees, 1)
    return np.asarray(cv2.warpAffine(ASTRONAUT, turn, ASTRONAUT.shape[:2]), dtype=np.uint8)


def scaled(factor: float) -> Image:
    return np.asarray(cv2.resize(ASTRONAUT, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def grainy() -> Image:
    return np.clip(ASTRONAUT + np.random.default_rng(0).normal(0, 15, ASTRONAUT.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module", params=list(FACE_ENCODERS))
def encoder(request: pytest.FixtureRequest) -> FaceEncoder:
    encoder = load_face_encoder(request.param)
    assert encoder is not None
    return encoder


@pytest.fixture(scope="module")
def enrolled(encoder: FaceEncoder) -> FaceTemplate:
    return encoder.encode(ASTRONAUT)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(brightened(0.5), id="darker"),
        pytest.param(brightened(1.4), id="brighter"),
        pytest.param(rotated(8), id="tilted-left"),
        pytest.param(rotated(-8), id="tilted-right"),
        pytest.param(scaled(0.8), id="farther"),
        pytest.param(scaled(2.0), id="closer"),
        pytest.param(ASTRONAUT[20:260, 100:340], id="cropped"),
        pytest.param(ASTRONAUT[:, ::-1], id="mirrored"),
        pytest.param(grainy(), id="grainy"),
    ],
)
def test_the_enrolled_person_matches_in_another_picture(
    encoder: FaceEncoder, enrolled: FaceTemplate, picture: Image
) -> None:
    match = verify(encoder, claimed=enrolled, probe=encoder.encode(picture))
    assert match.matched, match
    assert 0 < match.distance <= match.threshold


def test_encoding_is_repeatable_and_changes_nothing(encoder: FaceEncoder, enrolled: FaceTemplate) -> None:
    picture = ASTRONAUT.copy()
    assert encoder.encode(picture) == enrolled
    assert np.array_equal(picture, ASTRONAUT)


def test_a_template_is_the_same_after_storage(encoder: FaceEncoder, enrolled: FaceTemplate) -> None:
    stored = FaceTemplate.from_bytes(enrolled.to_bytes())
    assert stored.algorithm == encoder.algorithm
    assert encoder.distance(stored, enrolled) == 0


def test_distance_does_not_depend_on_the_order(encoder: FaceEncoder, enrolled: FaceTemplate) -> None:
    other = encoder.encode(rotated(8))
    assert encoder.distance(enrolled, other) == encoder.distance(other, enrolled)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(skimage.data.coffee(), id="a-cup"),
        pytest.param(np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8), id="noise"),
        pytest.param(np.zeros((480, 640, 3), np.uint8), id="lens-cap"),
        pytest.param(np.full((1, 1, 3), 200, np.uint8), id="one-pixel"),
        pytest.param(np.full((2, 5000, 3), 200, np.uint8), id="sliver"),
        pytest.param(ASTRONAUT[::-1].copy(), id="upside-down"),
        pytest.param(ASTRONAUT[260:], id="below-the-chin"),
    ],
)
def test_a_picture_without_a_face_is_refused(encoder: FaceEncoder, picture: Image) -> None:
    with pytest.raises(FaceNotFound):
        encoder.encode(picture)


def test_two_people_are_refused(encoder: FaceEncoder) -> None:
    head = ASTRONAUT[:300, 80:380]
    with pytest.raises(SeveralFaces):
        encoder.encode(np.hstack([head, head]))


@pytest.mark.parametrize("factor", [0.5, 0.4])
def test_a_face_from_too_far_away_is_refused(encoder: FaceEncoder, factor: float) -> None:
    with pytest.raises(FaceTooSmall):
        encoder.encode(scaled(factor))


def test_a_template_of_another_algorithm_or_length_is_never_compared(
    encoder: FaceEncoder, enrolled: FaceTemplate
) -> None:
    for foreign in (
        FaceTemplate(algorithm=encoder.algorithm + "x", data=enrolled.data),
        FaceTemplate(algorithm=encoder.algorithm, data=enrolled.data[:-1]),
        FaceTemplate(algorithm=encoder.algorithm, data=b""),
    ):
        with pytest.raises(FaceTemplateIncompatible):
            verify(encoder, claimed=enrolled, probe=foreign)
        with pytest.raises(FaceTemplateIncompatible):
            verify(encoder, claimed=foreign, probe=enrolled)
