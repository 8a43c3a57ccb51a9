"""Arithmetic that a network may be computed in: only what was measured to change its answers little enough."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from edge.errors import EdgeError

Precision = Literal["f32", "bf16", "f16", "int8"]
FULL: Final[Precision] = "f32"
REDUCED: Final[tuple[Precision, ...]] = ("bf16", "f16", "int8")
CAPABILITY: Final[Mapping[Precision, str]] = {"f32": "FP32", "bf16": "BF16", "f16": "FP16", "int8": "INT8"}
"""How OpenVINO's OPTIMIZATION_CAPABILITIES names what a device computes fast."""

_Change = Annotated[float, Field(ge=-1, le=1)]
_Share = Annotated[float, Field(ge=0, le=1)]


class PrecisionRefused(EdgeError):
    """The model changes its answers too much in this precision, or nobody measured how much."""

    code = "model-precision-refused"
    remedy = "Set inference.precision to auto or f32."


class PrecisionEffect(BaseModel):
    """What computing in a reduced precision changes against f32, on `n` validation pictures.

    `auc_change`: of the score. `ece_change`: of the expected calibration error of the score. `refused_change`: of the
    share of pictures beyond the out-of-distribution limit, or whose views disagree; quantisation may flatten the very
    features that mark a strange picture, which neither of the others sees. `tiers_changed`: share of pictures that get
    another tier. `change_p99`: the 99th percentile of the pictures' largest change of a probability; a few change far
    more. `emulated`: measured on a machine without this arithmetic, by rounding every value as it would; a kiosk's
    self-test is then the first to see the real one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    n: int = Field(gt=0)
    auc_change: _Change
    ece_change: _Change
    refused_change: _Change
    tiers_changed: _Share
    change_p99: _Share
    emulated: bool = False


class PrecisionBounds(BaseModel):
    """The largest change, either way, with which a reduced precision may be used.

    0.005 of AUC is the project's requirement for INT8; the others are set by it too, below what a patient would meet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    auc: float = Field(0.005, gt=0, lt=1)
    ece: float = Field(0.01, gt=0, lt=1)
    refused: float = Field(0.01, gt=0, lt=1)

    def exceeded_by(self, effect: PrecisionEffect) -> tuple[str, ...]:
        """What changes too much, in words; empty when the precision may be used."""
        changes = (
            ("AUC", effect.auc_change, self.auc),
            ("calibration error", effect.ece_change, self.ece),
            ("share refused", effect.refused_change, self.refused),
        )
        return tuple(
            f"{what} by {change:+.4f}, the bound is {bound}" for what, change, bound in changes if abs(change) > bound
        )


def require_allowed(
    precision: Precision, effects: Mapping[Precision, PrecisionEffect], bounds: PrecisionBounds
) -> None:
    """Do nothing when the precision may be used; f32 always may.

    Raises:
        PrecisionRefused: it was never measured, or changes more than the bounds.
    """
    if precision == FULL:
        return
    if precision not in effects:
        raise PrecisionRefused(f"the model package does not say what {precision} changes")
    exceeded = bounds.exceeded_by(effects[precision])
    if exceeded:
        raise PrecisionRefused(f"{precision} changes the {' and the '.join(exceeded)}")


def allowed(
    effects: Mapping[Precision, PrecisionEffect], bounds: PrecisionBounds, *, capabilities: Sequence[str]
) -> tuple[Precision, ...]:
    """The precisions that may be used and that the device computes in; f32 first."""
    usable: list[Precision] = [FULL]
    for precision in REDUCED:
        fits = precision in effects and not bounds.exceeded_by(effects[precision])
        if fits and CAPABILITY[precision] in capabilities:
            usable.append(precision)
    return tuple(usable)
