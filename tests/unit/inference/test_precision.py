import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.inference.precision import (
    FULL,
    Precision,
    PrecisionBounds,
    PrecisionEffect,
    PrecisionRefused,
    allowed,
    require_allowed,
)

BOUNDS = PrecisionBounds()
EVERYTHING = ("FP32", "BF16", "FP16", "INT8")


def effect(*, auc: float = 0.0, ece: float = 0.0, refused: float = 0.0) -> PrecisionEffect:
    return PrecisionEffect(
        n=100, auc_change=auc, ece_change=ece, refused_change=refused, tiers_changed=0.0, change_p99=0.1
    )


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (effect(auc=-0.0051), "AUC"),
        (effect(auc=0.0051), "AUC"),
        (effect(ece=0.011), "calibration error"),
        (effect(refused=-0.025), "share refused"),
    ],
)
def test_a_precision_that_changes_too_much_is_refused_by_name(changed: PrecisionEffect, named: str) -> None:
    with pytest.raises(PrecisionRefused, match=named):
        require_allowed("int8", {"int8": changed}, BOUNDS)
    assert allowed({"int8": changed}, BOUNDS, capabilities=EVERYTHING) == (FULL,)


def test_a_change_at_the_bound_is_no_reason_to_refuse() -> None:
    at_bound = effect(auc=-0.005, ece=0.01, refused=0.01)
    require_allowed("bf16", {"bf16": at_bound}, BOUNDS)
    assert allowed({"bf16": at_bound}, BOUNDS, capabilities=EVERYTHING) == (FULL, "bf16")


def test_what_was_never_measured_is_refused() -> None:
    with pytest.raises(PrecisionRefused, match="does not say"):
        require_allowed("f16", {"bf16": effect()}, BOUNDS)


def test_a_device_is_offered_only_what_it_computes_in() -> None:
    effects: dict[Precision, PrecisionEffect] = {"bf16": effect(), "f16": effect(), "int8": effect()}
    assert allowed(effects, BOUNDS, capabilities=("FP32", "FP16")) == (FULL, "f16")


@given(
    st.dictionaries(
        st.sampled_from(["bf16", "f16", "int8"]),
        st.builds(effect, auc=st.floats(-1, 1), ece=st.floats(-1, 1), refused=st.floats(-1, 1)),
    ),
    st.sets(st.sampled_from(EVERYTHING)),
)
def test_f32_may_always_be_used_and_nothing_else_that_would_be_refused(
    effects: dict[Precision, PrecisionEffect], capabilities: set[str]
) -> None:
    usable = allowed(effects, BOUNDS, capabilities=tuple(capabilities))
    assert usable[0] == FULL
    for precision in usable:
        require_allowed(precision, effects, BOUNDS)
