"""A phantom dermoscope's world: skin and lesions drawn from a seed, for demonstrations and tests, never for training.

The picture is built as light through layers: each absorbs by its optical density (Beer-Lambert), so that mixtures
of melanin and blood give the browns, reds and blue-greys of dermoscopy. It copies no real lesion, and what a model
says of it means nothing: every picture of the simulated camera is marked so.
"""

from dataclasses import dataclass, field, replace
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture import srgb
from edge.capture.phantom_artefacts import Artefacts, add_artefacts
from edge.capture.phantom_field import Canvas, Field, noise, resized
from edge.capture.phantom_lesion import Lesion, LesionKind, lesion_layers
from edge.capture.phantom_skin import Skin, skin_colour, skin_layers

DEFAULT_WIDTH_PX: Final = 1296
DEFAULT_HEIGHT_PX: Final = 972

ABSORPTION: Final = np.array(
    # melanin, deep melanin, blood
    [[0.95, 1.05, 0.18], [1.42, 0.88, 1.00], [2.10, 0.55, 0.75]],
    np.float32,
)
"""Relative absorption in R, G, B (rows). Melanin falls with wavelength; pigment deep in the dermis looks blue because
the red light that would return from there is absorbed; blood absorbs green and blue."""

HAZE: Final = np.array([0.62, 0.68, 0.80], np.float32)
"""Colour of light that is scattered back above the pigment."""


@dataclass(frozen=True)
class Scene:
    """Everything that decides a phantom picture, but for the camera."""

    seed: int
    lesion: Lesion = field(default_factory=Lesion)
    skin: Skin = field(default_factory=Skin)
    artefacts: Artefacts = field(default_factory=Artefacts)


_ARCHETYPES: Final[dict[LesionKind, Lesion]] = {
    "naevus": Lesion(),
    "melanoma-like": Lesion(
        kind="melanoma-like",
        diameter=0.6,
        asymmetry=0.75,
        irregularity=0.8,
        sharpness=0.6,
        pigment=0.7,
        variegation=0.8,
        network=0.6,
        globules=0.25,
        dots=0.4,
        streaks=0.6,
        veil=0.5,
        regression=0.3,
    ),
    "keratosis-like": Lesion(
        kind="keratosis-like",
        diameter=0.55,
        asymmetry=0.3,
        irregularity=0.3,
        sharpness=0.95,
        pigment=0.35,
        variegation=0.35,
        network=0.0,
        globules=0.0,
        dots=0.0,
        cysts=0.8,
    ),
}


def archetype(kind: LesionKind) -> Lesion:
    """The typical lesion of a kind."""
    return _ARCHETYPES[kind]


def scene_for(*, seed: int, index: int) -> Scene:
    """The scene number `index` of a seed: a lesion varied around its kind, on varied skin."""
    rng = np.random.default_rng([seed, index])
    kind: LesionKind = rng.choice(np.array(list(_ARCHETYPES)), p=[0.6, 0.2, 0.2]).item()
    typical = archetype(kind)

    def around(value: float, *, spread: float = 0.3) -> float:
        return float(np.clip(value * rng.uniform(1 - spread, 1 + spread), 0, 1))

    lesion = replace(
        typical,
        diameter=around(typical.diameter),
        centre=(float(rng.normal(0, 0.05)), float(rng.normal(0, 0.03))),
        elongation=float(rng.uniform(0, 0.25)),
        asymmetry=around(typical.asymmetry),
        irregularity=around(typical.irregularity),
        sharpness=around(typical.sharpness),
        pigment=around(typical.pigment, spread=0.5),
        variegation=around(typical.variegation),
        network=around(typical.network, spread=0.6),
        globules=around(typical.globules, spread=1.0),
        dots=around(typical.dots, spread=1.0),
        streaks=around(typical.streaks, spread=0.8),
        veil=around(typical.veil, spread=0.8),
        regression=around(typical.regression, spread=1.0),
        cysts=around(typical.cysts, spread=0.25),
        erythema=float(rng.uniform(0.05, 0.5)),
    )
    skin = Skin(
        ita_deg=float(rng.uniform(-35, 65)),
        erythema=float(rng.uniform(0, 0.7)),
        furrows=float(rng.uniform(0.2, 1)),
        freckles=int(rng.integers(0, 5)),
    )
    artefacts = Artefacts(
        hairs=int(rng.choice([0, 0, 2, 5, 9, 16])),
        hair_darkness=float(rng.uniform(0.4, 1)),
        bubbles=int(rng.choice([0, 0, 1, 3])),
        ruler=bool(rng.choice([True, False], p=[0.15, 0.85])),
        aperture=float(rng.choice([0.0, 0.0, 1.2, 1.4])),
        vignette=float(rng.uniform(0.1, 0.4)),
    )
    return Scene(seed=int(rng.integers(2**31)), lesion=lesion, skin=skin, artefacts=artefacts)


def render_radiance(scene: Scene, *, width_px: int = DEFAULT_WIDTH_PX, height_px: int = DEFAULT_HEIGHT_PX) -> Field:
    """Linear RGB light of a scene under unit illumination, (height, width, 3), about 0..1."""
    skin_rng, lesion_rng, grain_rng, artefact_rng = (np.random.default_rng([scene.seed, part]) for part in range(4))
    # Skin scatters light over some hundredths of a millimetre, so its layers need only half the resolution.
    canvas = Canvas(width_px // 2, height_px // 2)
    melanin, blood = skin_layers(skin_rng, scene.skin, canvas)
    lesion = lesion_layers(lesion_rng, scene.lesion, canvas)
    melanin += lesion.melanin
    blood += lesion.blood
    full = Canvas(width_px, height_px)
    planes = np.empty((3, height_px, width_px), np.float32)
    colours = skin_colour(scene.skin.ita_deg)
    for plane, colour, haze, (by_melanin, by_deep, by_blood) in zip(planes, colours, HAZE, ABSORPTION, strict=True):
        light = cv2.exp(-(melanin * by_melanin + lesion.deep_melanin * by_deep + blood * by_blood))
        light *= np.float32(colour)
        light += (haze - light) * lesion.scatter
        plane[:] = resized(light, full)
    planes *= 1 + noise(grain_rng, full, cells=400) * np.float32(0.025)
    add_artefacts(artefact_rng, scene.artefacts, full, planes)
    return cast("Field", cv2.merge(list(planes)))


def to_srgb(radiance: Field) -> NDArray[np.uint8]:
    """Encode linear light as sRGB bytes, clipping what is beyond the sensor."""
    steps = radiance * np.float32(_CURVE_STEPS)
    np.clip(steps, 0, _CURVE_STEPS, out=steps)
    return np.asarray(_SRGB_CURVE[steps.astype(np.uint16)], np.uint8)


_CURVE_STEPS: Final = 16383


def _srgb_curve() -> NDArray[np.uint8]:
    encoded = srgb.encode(np.arange(_CURVE_STEPS + 1) / _CURVE_STEPS)
    return np.round(encoded * 255).astype(np.uint8)


_SRGB_CURVE: Final = _srgb_curve()


def render(scene: Scene, *, width_px: int = DEFAULT_WIDTH_PX, height_px: int = DEFAULT_HEIGHT_PX) -> NDArray[np.uint8]:
    """RGB picture of a scene, (height, width, 3), as a perfect camera sees it."""
    return to_srgb(render_radiance(scene, width_px=width_px, height_px=height_px))
