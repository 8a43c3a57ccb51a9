"""The typology angle, on phantom skin whose angle is known."""

from dataclasses import replace

import numpy as np
import pytest

from edge.capture.phantom import Scene, render
from edge.capture.phantom_artefacts import Artefacts
from edge.capture.phantom_lesion import Lesion
from edge.capture.phantom_skin import Skin
from training.skin_tone import BANDS, band, skin_tone_angle


def _angle(ita_deg: float, **artefacts: float) -> float:
    scene = Scene(seed=5, lesion=Lesion(), skin=Skin(ita_deg=ita_deg), artefacts=Artefacts(**artefacts))  # type: ignore[arg-type]
    found = skin_tone_angle(render(scene, width_px=400, height_px=300))
    assert found is not None
    return found


def test_lighter_skin_has_the_greater_angle() -> None:
    angles = [_angle(ita) for ita in (-40, -10, 20, 35, 48, 60)]
    assert angles == sorted(angles)


@pytest.mark.parametrize("ita_deg", [-10, 20, 35, 50])
def test_the_angle_of_the_phantoms_skin_is_found_again(ita_deg: float) -> None:
    assert _angle(ita_deg) == pytest.approx(ita_deg, abs=12)


@pytest.mark.parametrize("artefacts", [{"hairs": 16, "hair_darkness": 1.0}, {"aperture": 1.2}, {"vignette": 0.0}])
def test_hair_and_a_round_lens_hardly_change_it(artefacts: dict[str, float]) -> None:
    assert _angle(35, **artefacts) == pytest.approx(_angle(35), abs=6)


def test_the_lesion_hardly_changes_it() -> None:
    small = Scene(seed=5, lesion=replace(Lesion(), diameter=0.2), skin=Skin(ita_deg=35), artefacts=Artefacts())
    large = replace(small, lesion=replace(Lesion(), diameter=0.75))
    angles = [skin_tone_angle(render(scene, width_px=400, height_px=300)) for scene in (small, large)]
    assert angles[0] == pytest.approx(angles[1], abs=6)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((200, 200, 3), np.uint8),
        np.full((200, 200, 3), 255, np.uint8),
        np.full((150, 200, 3), (150, 160, 220), np.uint8),
    ],
)
def test_where_no_skin_is_seen_or_light_is_blue_there_is_no_angle(picture: np.ndarray) -> None:
    assert skin_tone_angle(picture) is None


@pytest.mark.parametrize(
    ("angle", "name"),
    [
        (80, "very light"),
        (55, "light"),
        (41, "intermediate"),
        (28, "tan"),
        (10, "brown"),
        (-30, "dark"),
        (-90, "dark"),
    ],
)
def test_bands_are_chardons(angle: float, name: str) -> None:
    assert band(angle) == name
    assert {name for name, _ in BANDS} == {"very light", "light", "intermediate", "tan", "brown", "dark"}
