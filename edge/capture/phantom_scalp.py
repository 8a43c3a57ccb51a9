"""A phantom scalp under a trichoscope at 20 to 40 times: psoriasis or seborrheic dermatitis, drawn from a seed.

No patient's picture went into it. What a model learns here it has learned of this simulation only: its figures say
nothing of how it would do in a clinic, and every picture, package and result made with it is marked simulated.
"""

import math
from dataclasses import dataclass, field
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.phantom import ABSORPTION, HAZE, to_srgb
from edge.capture.phantom_artefacts import Artefacts, add_artefacts
from edge.capture.phantom_field import Canvas, Field, fractal_noise, noise, resized
from edge.capture.phantom_scalp_hair import ScalpHair, add_hair, follicle_positions
from edge.capture.phantom_scalp_scale import (
    flakes,
    follicle_halos,
    honeycomb_melanin,
    scale_plates,
    structureless_areas,
)
from edge.capture.phantom_scalp_signs import Diagnosis, Signs, draw_diagnosis, draw_signs, vary_signs
from edge.capture.phantom_scalp_vessels import draw_bed, vessel_blood
from edge.capture.phantom_skin import Skin, skin_colour, skin_layers

ZOOM_RANGE: Final = (20.0, 40.0)
"""The paper's pictures were taken within this range."""
_FIELD_MM_AT_1X: Final = 160.0
"""Height of the field at a magnification of one: 8 mm at 20 times, 4 mm at 40 times."""
_OVERSAMPLED_BELOW_PX: Final = 500
"""Smaller pictures are drawn at twice their size: vessels and hairs are thinner than their pixels."""


@dataclass(frozen=True)
class ScalpPatient:
    """What stays the same over the pictures of one simulated patient."""

    diagnosis: Diagnosis
    signs: Signs
    skin: Skin
    hair: ScalpHair


@dataclass(frozen=True)
class ScalpScene:
    """Everything that decides a phantom picture of a scalp, but for the camera."""

    seed: int
    diagnosis: Diagnosis
    signs: Signs
    skin: Skin
    hair: ScalpHair
    zoom: float = 25.0
    light_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Colour of the light and the camera's white balance together, as factors."""
    artefacts: Artefacts = field(default_factory=lambda: Artefacts(hairs=0))

    @property
    def field_mm(self) -> float:
        """Height of the frame on the scalp."""
        return _FIELD_MM_AT_1X / self.zoom


_LIGHT_ITA_DEG: Final = 45.0
"""Above it hair is drawn fairer."""


def draw_patient(rng: np.random.Generator, diagnosis: Diagnosis | None = None) -> ScalpPatient:
    """A simulated patient; skin and hair are drawn alike for both diagnoses."""
    diagnosis = diagnosis or draw_diagnosis(rng)
    skin = Skin(
        ita_deg=float(rng.uniform(-35, 65)),
        erythema=float(rng.uniform(0, 0.8)),
        furrows=float(rng.uniform(0.02, 0.3)),
        freckles=int(rng.choice([0, 0, 0, 1, 3])),
    )
    hair = ScalpHair(
        follicles_per_mm2=float(rng.uniform(0.12, 0.55)),
        shade=float(np.clip(rng.beta(1.1, 2.2) + (0.25 if skin.ita_deg > _LIGHT_ITA_DEG else 0.0), 0, 1)),
        width_mm=0.07 * float(rng.lognormal(0, 0.18)),
        spread_rad=float(rng.uniform(0.05, 0.45)),
    )
    return ScalpPatient(diagnosis=diagnosis, signs=draw_signs(rng, diagnosis), skin=skin, hair=hair)


def draw_scene(rng: np.random.Generator, patient: ScalpPatient) -> ScalpScene:
    """One picture of a patient: another place, zoom and light; drawn alike for both diagnoses."""
    hair = ScalpHair(
        follicles_per_mm2=patient.hair.follicles_per_mm2 * float(rng.uniform(0.6, 1.4)),
        shade=patient.hair.shade,
        width_mm=patient.hair.width_mm,
        spread_rad=patient.hair.spread_rad,
        length_mm=float(rng.choice([rng.uniform(0.6, 2.0), rng.uniform(3, 20)], p=[0.25, 0.75])),
        direction_rad=float(rng.uniform(0, 2 * math.pi)),
        parted=float(rng.choice([0.0, rng.uniform(0.3, 1.0)])),
    )
    warmth, tint = rng.normal(0, 0.09), rng.normal(0, 0.03)
    artefacts = Artefacts(
        hairs=0,
        bubbles=int(rng.choice([0, 0, 0, 1, 2, 5])),
        aperture=float(rng.choice([0.0, 0.0, 0.0, 1.25])),
        vignette=float(rng.uniform(0.05, 0.5)),
    )
    return ScalpScene(
        seed=int(rng.integers(2**31)),
        diagnosis=patient.diagnosis,
        signs=vary_signs(rng, patient.signs),
        skin=patient.skin,
        hair=hair,
        zoom=float(rng.uniform(*ZOOM_RANGE)),
        light_rgb=(math.exp(warmth), math.exp(tint), math.exp(-warmth + rng.normal(0, 0.04))),
        artefacts=artefacts,
    )


def scalp_scene_for(*, seed: int, index: int) -> ScalpScene:
    """The scene number `index` of a seed, each of another patient."""
    rng = np.random.default_rng([seed, index, _SCALP_STREAM])
    return draw_scene(rng, draw_patient(rng))


_SCALP_STREAM: Final = 0x5CA1
"""Keeps the numbers drawn here apart from those of the skin phantom's scenes of the same seed."""


def render_scalp_radiance(scene: ScalpScene, *, width_px: int, height_px: int) -> Field:
    """Linear RGB light of a scene under unit illumination, (height, width, 3), about 0..1."""
    factor = 2 if height_px < _OVERSAMPLED_BELOW_PX else 1
    full = Canvas(width_px * factor, height_px * factor)
    planes = _planes(scene, full)
    artefact_rng = np.random.default_rng([scene.seed, 9])
    if factor == 1:
        add_artefacts(artefact_rng, scene.artefacts, full, planes)
        return cast("Field", cv2.merge(list(planes)))
    small = Canvas(width_px, height_px)
    reduced = np.stack([resized(plane, small) for plane in planes])
    add_artefacts(artefact_rng, scene.artefacts, small, reduced)
    return cast("Field", cv2.merge(list(reduced)))


def _planes(scene: ScalpScene, full: Canvas) -> Field:
    """The scalp in layers, from the dermis up: vessels, pigment, haze, scale, hair; (3, height, width)."""
    skin_rng, vessel_rng, cover_rng, hair_rng, grain_rng = (np.random.default_rng([scene.seed, n]) for n in range(5))
    field_mm = scene.field_mm
    size = {"width_mm": full.aspect * field_mm, "height_mm": field_mm}
    signs = scene.signs
    follicles = follicle_positions(hair_rng, scene.hair, **size)
    bed = draw_bed(vessel_rng, signs, **size)

    half = Canvas(full.width_px // 2, full.height_px // 2)
    melanin, blood = skin_layers(skin_rng, scene.skin, half)
    melanin += honeycomb_melanin(cover_rng, signs, half, field_mm=field_mm)
    patches = fractal_noise(skin_rng, half, cells=field_mm / 2.5, octaves=3) * np.float32(0.7 * signs.patchiness)
    blood += np.clip(1 + patches, 0, 2.5) * np.float32(0.5 * signs.erythema)
    pebbles = fractal_noise(skin_rng, half, cells=field_mm / 0.3, octaves=3)
    melanin += pebbles * np.float32(0.025)
    blood += np.roll(pebbles, 3, axis=1) * np.float32(0.03 + 0.05 * signs.erythema)
    halo, openings = follicle_halos(cover_rng, signs, half, follicles=follicles, field_mm=field_mm)
    melanin += openings
    melanin, blood = resized(melanin, full), resized(blood, full)
    blood += vessel_blood(vessel_rng, bed, full, field_mm=field_mm) * np.float32(signs.vessel_depth)

    planes = np.empty((3, full.height_px, full.width_px), np.float32)
    colours = skin_colour(scene.skin.ita_deg)
    for plane, colour, haze, (by_melanin, _, by_blood) in zip(planes, colours, HAZE, ABSORPTION, strict=True):
        light = cv2.exp(-(melanin * by_melanin + blood * by_blood)) * np.float32(colour)
        light += (haze - light) * np.float32(_SURFACE_HAZE)
        plane[:] = light
    structureless_areas(cover_rng, signs, full, field_mm=field_mm).lay_on(planes)
    scale_plates(cover_rng, signs, full, field_mm=field_mm).lay_on(planes)
    halo.at(full).lay_on(planes)
    flakes(cover_rng, signs, full, field_mm=field_mm).lay_on(planes)
    planes *= 1 + noise(grain_rng, full, cells=400) * np.float32(0.02)
    add_hair(hair_rng, scene.hair, full, planes, follicles=follicles, field_mm=field_mm)
    planes *= np.array(scene.light_rgb, np.float32)[:, None, None]
    return planes


_SURFACE_HAZE: Final = 0.02
"""Light that returns from the horny layer without having met pigment."""


def render_scalp(scene: ScalpScene, *, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """RGB picture of a scene, (height, width, 3), as a perfect camera sees it."""
    return to_srgb(render_scalp_radiance(scene, width_px=width_px, height_px=height_px))
