import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.capture.phantom_artefacts import Artefacts
from edge.capture.phantom_scalp import (
    ZOOM_RANGE,
    ScalpScene,
    draw_patient,
    draw_scene,
    render_scalp,
    scalp_scene_for,
)
from edge.capture.phantom_scalp_hair import ScalpHair
from edge.capture.phantom_scalp_signs import DIAGNOSES, Diagnosis, Signs, VesselForm, draw_signs, vary_signs
from edge.capture.phantom_scalp_vessels import VesselBed, draw_bed
from edge.capture.phantom_skin import Skin
from edge.capture.sim_camera import SimCamera

SIZE = {"width_px": 160, "height_px": 120}
BARE = Signs(
    vessel_cover=0.002,
    vessel_depth=1.2,
    forms={"dots": 0.2, "hairpin": 0.2, "annular": 0.2, "branching": 0.2, "curved": 0.2},
    regularity=0.5,
    erythema=0.2,
    patchiness=0.2,
    scale=0.0,
    scale_yellow=0.0,
    scale_size_mm=0.5,
    structureless=0.0,
    structureless_yellow=0.0,
    honeycomb=0.0,
    perifollicular=0.0,
)
CLEAR = ScalpScene(
    seed=4,
    diagnosis="psoriasis",
    signs=BARE,
    skin=Skin(freckles=0, furrows=0.0),
    hair=ScalpHair(follicles_per_mm2=0.05, length_mm=0.3),
    artefacts=Artefacts(hairs=0, bubbles=0, vignette=0.0),
)


def shot(scene: ScalpScene) -> NDArray[np.float64]:
    return render_scalp(scene, **SIZE).astype(np.float64)


def with_signs(**changed: Any) -> ScalpScene:
    return replace(CLEAR, signs=replace(BARE, **changed))


def only(form: VesselForm) -> dict[VesselForm, float]:
    return {name: float(name == form) for name in BARE.forms}


def scenes(diagnosis: Diagnosis, count: int) -> list[ScalpScene]:
    found = []
    for index in range(count):
        rng = np.random.default_rng([index, DIAGNOSES.index(diagnosis)])
        found.append(draw_scene(rng, draw_patient(rng, diagnosis)))
    return found


def test_one_scene_is_one_picture_and_another_seed_another() -> None:
    scene = scalp_scene_for(seed=7, index=3)
    assert scene == scalp_scene_for(seed=7, index=3)
    assert np.array_equal(shot(scene), shot(scene))
    assert not np.array_equal(shot(scene), shot(scalp_scene_for(seed=8, index=3)))


@pytest.mark.parametrize(("width_px", "height_px"), [(64, 64), (224, 224), (333, 121), (640, 512)])
def test_a_picture_has_the_size_asked_for(width_px: int, height_px: int) -> None:
    picture = render_scalp(scalp_scene_for(seed=1, index=1), width_px=width_px, height_px=height_px)
    assert picture.shape == (height_px, width_px, 3)
    assert picture.dtype == np.uint8


def test_a_scene_looks_the_same_at_every_resolution() -> None:
    scene = scalp_scene_for(seed=7, index=5)
    small = render_scalp(scene, width_px=240, height_px=180)
    large = render_scalp(scene, width_px=960, height_px=720)
    reduced = cv2.resize(large, (240, 180), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(small.ravel(), reduced.ravel())[0, 1] > 0.95


def test_the_two_diagnoses_differ_in_their_vessels_and_overlap() -> None:
    rng = np.random.default_rng(0)
    psoriasis, dermatitis = (np.array([draw_signs(rng, dx).psoriasis_vessels for _ in range(600)]) for dx in DIAGNOSES)
    assert np.median(psoriasis) > 0.75
    assert np.median(dermatitis) < 0.25
    assert (psoriasis < 0.5).mean() > 0.02
    assert (dermatitis > 0.5).mean() > 0.02


@pytest.mark.parametrize("amount", ["vessel_cover", "vessel_depth", "erythema", "scale"])
def test_amounts_that_colour_would_show_are_drawn_alike(amount: str) -> None:
    rng = np.random.default_rng(1)
    one, other = (np.array([getattr(draw_signs(rng, dx), amount) for _ in range(1500)]) for dx in DIAGNOSES)
    assert abs(one.mean() - other.mean()) < 4 * math.hypot(one.std(), other.std()) / math.sqrt(1500)


def test_the_mean_colours_of_the_diagnoses_are_alike() -> None:
    means = [np.array([shot(scene).mean(axis=(0, 1)) for scene in scenes(dx, 50)]) for dx in DIAGNOSES]
    gap = np.abs(means[0].mean(axis=0) - means[1].mean(axis=0))
    assert (gap < 0.5 * np.concatenate(means).std(axis=0)).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from(DIAGNOSES))
def test_signs_stay_within_their_ranges(seed: int, diagnosis: Diagnosis) -> None:
    rng = np.random.default_rng(seed)
    patient = draw_signs(rng, diagnosis)
    for signs in (patient, vary_signs(rng, patient)):
        assert sum(signs.forms.values()) == pytest.approx(1)
        assert all(share >= 0 for share in signs.forms.values())
        assert 0.002 <= signs.vessel_cover <= 0.08
        shares = (signs.erythema, signs.patchiness, signs.scale, signs.scale_yellow, signs.structureless)
        assert all(0 <= share <= 1 for share in (*shares, signs.honeycomb, signs.perifollicular, signs.regularity))


@given(st.integers(0, 2**32 - 1))
def test_scenes_keep_to_the_zoom_and_skin_that_are_claimed(seed: int) -> None:
    scene = scalp_scene_for(seed=seed, index=0)
    assert ZOOM_RANGE[0] <= scene.zoom <= ZOOM_RANGE[1]
    assert 4 <= scene.field_mm <= 8
    assert -35 <= scene.skin.ita_deg <= 65


def bed(form: VesselForm, *, seed: int, cover: float = 0.03) -> VesselBed:
    signs = replace(BARE, forms=only(form), vessel_cover=cover, regularity=0.0)
    return draw_bed(np.random.default_rng(seed), signs, width_mm=6.0, height_mm=6.0)


@pytest.mark.parametrize("form", list(BARE.forms))
def test_every_form_covers_the_share_of_skin_it_is_given(form: VesselForm) -> None:
    half = np.array([3.0, 3.0])
    covered = []
    for seed in range(60):
        vessels = bed(form, seed=seed)
        lines = sum(line.area_mm2(half) for vessel in vessels.lines.get(form, []) for line in vessel)
        dots = sum(dot.area_mm2 for dot in vessels.dots if (np.abs(dot.centre) <= half).all())
        covered.append((lines + dots) / 36)
    assert np.mean(covered) == pytest.approx(0.03, rel=0.15)


def test_only_the_forms_asked_for_are_drawn() -> None:
    vessels = bed("annular", seed=2)
    assert vessels.count("annular") > 5
    assert [vessels.count(form) for form in ("dots", "hairpin", "branching", "curved")] == [0, 0, 0, 0]


def test_regular_dots_keep_apart() -> None:
    def nearest(regularity: float) -> float:
        signs = replace(BARE, forms=only("dots"), vessel_cover=0.02, regularity=regularity)
        dots = draw_bed(np.random.default_rng(3), signs, width_mm=6.0, height_mm=6.0).dots
        points = np.array([dot.centre for dot in dots])
        gaps = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)) + 99 * np.eye(len(points))
        return float(gaps.min(axis=1).mean())

    assert nearest(1.0) > 1.3 * nearest(0.0)


def test_vessels_are_red() -> None:
    many, few = shot(with_signs(vessel_cover=0.08)), shot(with_signs(vessel_cover=0.002))
    darker = (few - many).mean(axis=(0, 1))
    assert darker[1] > 2 * abs(darker[0])


@pytest.mark.parametrize(
    "changed", [{"scale": 0.6}, {"structureless": 1.0}, {"honeycomb": 1.0}, {"perifollicular": 1.0}, {"erythema": 1.0}]
)
def test_each_sign_shows(changed: dict[str, float]) -> None:
    assert np.abs(shot(with_signs(**changed)) - shot(CLEAR)).max() > 12


def test_yellow_scale_is_yellower_than_silvery_scale() -> None:
    def yellowness(scale_yellow: float) -> float:
        image = shot(with_signs(scale=0.8, scale_yellow=scale_yellow))
        return float((image[..., 0] - image[..., 2]).mean())

    assert yellowness(1.0) > yellowness(0.0) + 5


def test_hair_hides_skin() -> None:
    hairy = replace(CLEAR, hair=ScalpHair(follicles_per_mm2=0.6, shade=0.0))
    assert shot(hairy).mean() < shot(CLEAR).mean() - 15


def test_the_scalp_camera_shows_one_scene_a_capture_and_marks_it(decode: Callable[[bytes], NDArray[np.uint8]]) -> None:
    def camera() -> SimCamera:
        return SimCamera.from_uri("sim://scalp?seed=3&width=320&height=240")

    frames = [frame for device in [camera()] for frame in (device.capture(), device.capture())]
    assert all(frame.simulated for frame in frames)
    assert frames[0].sha256 != frames[1].sha256
    assert camera().capture().data == frames[0].data
    assert decode(frames[0].data).shape == (240, 320, 3)
    skin = SimCamera.from_uri("sim://phantom?seed=3&width=320&height=240")
    assert skin.capture().sha256 != frames[0].sha256
