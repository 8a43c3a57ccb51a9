import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.inference.explain import MAX_WIDTH_PX, heat, overlay

GREY = 128


def _grey(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), GREY, np.uint8)


def _spot(row: int, column: int, *, strength: float = 10.0) -> NDArray[np.float32]:
    cam = np.zeros((5, 5), np.float32)
    cam[row, column] = strength
    return cam


def _decode(data: bytes) -> NDArray[np.int16]:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(np.int16)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 4), (2, 2), (3, 1), (4, 4)])
def test_the_hottest_place_is_where_the_evidence_is(row: int, column: int) -> None:
    strength = heat(_spot(row, column), side_px=100)
    hottest = np.unravel_index(strength.argmax(), strength.shape)
    assert (hottest[0] // 20, hottest[1] // 20) == (row, column)


def test_the_map_lies_over_the_centre_square_and_the_rest_is_dimmed() -> None:
    picture = _decode(overlay(_grey(300, 500), _spot(2, 1)))
    assert picture.shape == (300, 500, 3)
    changed = np.abs(picture - GREY).max(axis=2)
    dimmed = picture[:, :90]
    assert dimmed.mean() == pytest.approx(GREY * 0.45, abs=2)
    # The square begins at 100 px and a cell is 60 px wide: the spot's centre is at 190.
    inside = changed[:, 104:396]
    assert abs(int(inside.sum(axis=0).argmax()) + 104 - 190) <= 20
    assert abs(int(inside.sum(axis=1).argmax()) - 150) <= 20


@pytest.mark.parametrize("value", [0.0, -3.0, 5.0])
def test_an_even_map_shows_no_spot(value: float) -> None:
    cam = np.full((5, 5), value, np.float32)
    assert heat(cam, side_px=100).max() == 0
    assert np.abs(_decode(overlay(_grey(200, 200), cam)) - GREY).max() <= 3


def test_evidence_against_malignancy_is_not_drawn() -> None:
    assert heat(-_spot(2, 2), side_px=100).max() == 0


def test_weak_evidence_stays_faint() -> None:
    weak, strong = (heat(_spot(2, 2, strength=value), side_px=100).max() for value in (0.4, 40.0))
    assert weak == pytest.approx(0.1)
    assert strong == pytest.approx(1)


def test_evidence_is_spread_over_what_its_cell_saw() -> None:
    strength = heat(_spot(2, 2), side_px=100)
    # A cell is 20 px wide: the standard deviation of the spread is 20 px and of the cell's own tent 8, together 21.5.
    assert strength[50, 71] == pytest.approx(np.exp(-0.5), abs=0.03)


def test_a_border_is_not_made_a_finding() -> None:
    cam = np.full((5, 5), 6.0, np.float32)
    cam[2, 2] = 0
    strength = heat(cam, side_px=100)
    assert strength[0].max() < strength[20].max()


def test_a_large_picture_is_shrunk_and_a_small_one_is_not() -> None:
    assert _decode(overlay(_grey(1200, 1600), _spot(1, 1))).shape == (480, MAX_WIDTH_PX, 3)
    assert _decode(overlay(_grey(150, 200), _spot(1, 1))).shape == (150, 200, 3)


def test_the_picture_that_was_given_is_not_drawn_on() -> None:
    picture = _grey(200, 300)
    overlay(picture, _spot(2, 2))
    assert (picture == GREY).all()
