from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.phantom import Scene, archetype, render, scene_for
from edge.capture.phantom_artefacts import Artefacts
from edge.capture.phantom_lesion import Lesion, LesionKind
from edge.capture.phantom_skin import Skin, skin_colour

SIZE = {"width_px": 320, "height_px": 240}
CLEAR = Artefacts(hairs=0, bubbles=0, vignette=0.0)
PLAIN = Scene(seed=4, artefacts=CLEAR, skin=Skin(freckles=0))


def shot(scene: Scene) -> NDArray[np.float64]:
    return render(scene, **SIZE).astype(np.float64)


def test_one_scene_is_one_picture() -> None:
    scene = scene_for(seed=7, index=3)
    assert scene == scene_for(seed=7, index=3)
    assert np.array_equal(render(scene, **SIZE), render(scene, **SIZE))


def test_scenes_of_a_seed_and_seeds_of_an_index_differ() -> None:
    scenes = [scene_for(seed=seed, index=index) for seed in range(3) for index in range(30)]
    assert len(set(scenes)) == len(scenes)
    assert {scene.lesion.kind for scene in scenes} == {"naevus", "melanoma-like", "keratosis-like"}


def test_a_scene_looks_the_same_at_every_resolution() -> None:
    scene = scene_for(seed=7, index=5)
    small = shot(scene)
    large = render(scene, width_px=1280, height_px=960)
    reduced = cv2.resize(large, (320, 240), interpolation=cv2.INTER_AREA).astype(np.float64)
    assert np.corrcoef(small.ravel(), reduced.ravel())[0, 1] > 0.98


def test_a_lesion_is_darker_than_the_skin_around_it() -> None:
    image = shot(replace(PLAIN, lesion=Lesion(diameter=0.5)))
    assert image[100:140, 140:180].mean() < image[:20].mean() - 25


def test_darker_skin_has_a_lower_typology_angle() -> None:
    light, dark = (shot(replace(PLAIN, skin=Skin(ita_deg=ita)))[:20].mean() for ita in (60, -40))
    assert dark < light - 60
    assert all(0 < channel < 1 for ita in (-60, 0, 65) for channel in skin_colour(ita))


def test_kinds_differ_from_one_another() -> None:
    kinds: tuple[LesionKind, ...] = ("naevus", "melanoma-like", "keratosis-like")
    images = [shot(replace(PLAIN, lesion=archetype(kind))) for kind in kinds]
    for one, other in combinations(images, 2):
        assert np.abs(one - other).mean() > 1


def test_a_blue_white_veil_is_bluer() -> None:
    def blueness(veil: float) -> float:
        image = shot(replace(PLAIN, lesion=Lesion(diameter=0.6, veil=veil)))
        return float((image[..., 2] - image[..., 0]).max())

    assert blueness(1.0) > blueness(0.0) + 20


def test_hairs_bubbles_ruler_and_field_stop_show() -> None:
    clear = shot(PLAIN)
    for artefacts in (
        replace(CLEAR, hairs=6),
        replace(CLEAR, bubbles=3),
        replace(CLEAR, ruler=True),
        replace(CLEAR, aperture=1.1),
    ):
        assert np.abs(shot(replace(PLAIN, artefacts=artefacts)) - clear).max() > 20


def test_a_round_front_lens_leaves_black_corners() -> None:
    image = shot(replace(PLAIN, artefacts=replace(CLEAR, aperture=1.1)))
    assert image[:10, :10].max() < 40
