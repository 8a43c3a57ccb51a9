"""Which signs a simulated scalp shows: drawn by diagnosis from distributions that overlap, as they do in patients.

The signs are those of Figure 1 and its legend in the seed paper on scalp psoriasis and seborrheic dermatitis, with the
usual words of trichoscopy for the rest. How often each occurs is our choice, made so that vessels tell the diagnoses
apart and colour does not: no figure here is an epidemiological one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np

Diagnosis = Literal["psoriasis", "seborrheic-dermatitis"]
DIAGNOSES: Final[tuple[Diagnosis, ...]] = get_args(Diagnosis)
PSORIASIS_SHARE: Final = 0.374
"""508 of the paper's 1,358 pictures."""

VesselForm = Literal["dots", "hairpin", "annular", "branching", "curved"]
OF_PSORIASIS: Final[tuple[VesselForm, ...]] = ("dots", "hairpin", "annular")
OF_DERMATITIS: Final[tuple[VesselForm, ...]] = ("branching", "curved")

_MIXED_SHARE: Final = 0.15
"""Patients of either diagnosis whose signs are mixed (sebopsoriasis)."""
_FEW_VESSELS_SHARE: Final = 0.08


@dataclass(frozen=True)
class Signs:
    """What one picture shows; amounts 0..1 unless said otherwise."""

    vessel_cover: float
    """Share of the skin that vessels cover, of all forms together; about 0.002..0.08."""
    vessel_depth: float
    """Optical density of the blood in them, 0.6..1.4."""
    forms: Mapping[VesselForm, float]
    """Share of the cover that each form takes; they sum to 1."""
    regularity: float
    """1 where dots and loops stand in even rows, 0 where they are strewn."""
    erythema: float
    patchiness: float
    """How unevenly the erythema spreads: homogeneous at 0."""
    scale: float
    """Share of the skin under scale, roughly."""
    scale_yellow: float
    """Silvery white at 0, yellow and greasy at 1."""
    scale_size_mm: float
    """Typical plate."""
    structureless: float
    """Strength of the pale areas without structure."""
    structureless_yellow: float
    honeycomb: float
    """Strength of the honeycomb pigment."""
    perifollicular: float
    """Strength of the halo around each follicle."""

    @property
    def psoriasis_vessels(self) -> float:
        """Share of the vessel cover that is dots, hairpins or rings."""
        return sum(self.forms[form] for form in OF_PSORIASIS)


@dataclass(frozen=True)
class _Habit:
    """Beta parameters of a diagnosis: what its patients tend to show."""

    psoriasis_vessels: tuple[float, float]
    mixed_vessels: tuple[float, float]
    regularity: tuple[float, float]
    patchiness: tuple[float, float]
    scale_yellow: tuple[float, float]
    scale_size_mm: float
    structureless: tuple[float, float]
    structureless_yellow: tuple[float, float]
    honeycomb: tuple[float, float]
    perifollicular: tuple[float, float]


_HABITS: Final[Mapping[Diagnosis, _Habit]] = {
    "psoriasis": _Habit(
        psoriasis_vessels=(9.0, 1.6),
        mixed_vessels=(3.5, 2.8),
        regularity=(3.0, 2.0),
        patchiness=(2.0, 2.6),
        scale_yellow=(1.7, 2.3),
        scale_size_mm=0.55,
        structureless=(1.1, 2.0),
        structureless_yellow=(1.8, 2.2),
        honeycomb=(0.5, 1.6),
        perifollicular=(0.8, 1.5),
    ),
    "seborrheic-dermatitis": _Habit(
        psoriasis_vessels=(1.6, 9.0),
        mixed_vessels=(2.8, 3.5),
        regularity=(2.0, 3.0),
        patchiness=(2.6, 2.0),
        scale_yellow=(2.3, 1.7),
        scale_size_mm=0.45,
        structureless=(1.5, 1.7),
        structureless_yellow=(2.2, 1.8),
        honeycomb=(0.7, 1.4),
        perifollicular=(1.1, 1.3),
    ),
}


def draw_diagnosis(rng: np.random.Generator) -> Diagnosis:
    """One of the two, as often as in the paper's pictures."""
    return "psoriasis" if rng.random() < PSORIASIS_SHARE else "seborrheic-dermatitis"


def draw_signs(rng: np.random.Generator, diagnosis: Diagnosis) -> Signs:
    """What a patient of this diagnosis tends to show."""
    habit = _HABITS[diagnosis]
    mixed = rng.random() < _MIXED_SHARE
    few = rng.random() < _FEW_VESSELS_SHARE
    psoriatic = float(rng.beta(*(habit.mixed_vessels if mixed else habit.psoriasis_vessels)))
    forms: dict[VesselForm, float] = {}
    for group, share, weights in (
        (OF_PSORIASIS, psoriatic, (1.6, 2.4, 2.0)),
        (OF_DERMATITIS, 1 - psoriatic, (3.0, 2.0)),
    ):
        forms.update(zip(group, (share * rng.dirichlet(weights)).tolist(), strict=True))
    cover = 0.035 * float(rng.lognormal(0, 0.45)) * (0.25 if few else 1.0)
    return Signs(
        vessel_cover=float(np.clip(cover, 0.002, 0.08)),
        vessel_depth=float(rng.uniform(0.6, 1.4)),
        forms=forms,
        regularity=float(rng.beta(*habit.regularity)),
        erythema=float(rng.beta(2, 2)),
        patchiness=float(rng.beta(*habit.patchiness)),
        scale=float(rng.beta(1.4, 2.6)),
        scale_yellow=float(rng.beta(*habit.scale_yellow)),
        scale_size_mm=habit.scale_size_mm * float(rng.lognormal(0, 0.45)),
        structureless=float(rng.beta(*habit.structureless)),
        structureless_yellow=float(rng.beta(*habit.structureless_yellow)),
        honeycomb=float(rng.beta(*habit.honeycomb)),
        perifollicular=float(rng.beta(*habit.perifollicular)),
    )


def vary_signs(rng: np.random.Generator, signs: Signs) -> Signs:
    """The same patient a hand's breadth further: the same tendencies, other amounts."""
    forms = list(signs.forms)
    shares = rng.dirichlet([0.05 + 14 * signs.forms[form] for form in forms]).tolist()

    def near(value: float) -> float:
        return float(np.clip(value + rng.normal(0, 0.12), 0, 1))

    return replace(
        signs,
        vessel_cover=float(np.clip(signs.vessel_cover * rng.lognormal(0, 0.3), 0.002, 0.08)),
        forms=dict(zip(forms, shares, strict=True)),
        erythema=near(signs.erythema),
        patchiness=near(signs.patchiness),
        scale=near(signs.scale),
        scale_yellow=near(signs.scale_yellow),
        structureless=near(signs.structureless),
        honeycomb=float(np.clip(signs.honeycomb * rng.lognormal(0, 0.3), 0, 1)),
        perifollicular=near(signs.perifollicular),
    )
