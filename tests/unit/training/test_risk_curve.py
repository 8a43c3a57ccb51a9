import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.special import expit, logit

from edge.inference.model_package import RiskCurve
from training.metrics import calibration_error
from training.risk_curve import KNOTS, apply_risk_curve, fit_risk_curve


def drawn(*, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of a network that is too sure above and not sure enough below."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1.0, 2.5, count)
    truth = rng.random(count) < expit(np.where(log_odds < 0, log_odds * 1.6 + 1.0, log_odds * 0.5 + 1.0))
    return expit(log_odds), truth


def test_what_one_temperature_cannot_mend_is_mended_on_other_pictures() -> None:
    score, truth = drawn(count=4000, seed=0)
    other_score, other_truth = drawn(count=4000, seed=1)
    curve = fit_risk_curve(score, truth)
    before = calibration_error(other_truth, other_score)
    after = calibration_error(other_truth, apply_risk_curve(curve, other_score))
    assert before > 0.06
    assert after < before / 3


def test_calibrated_scores_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    score = expit(rng.normal(0, 2, 20_000))
    curve = fit_risk_curve(score, rng.random(20_000) < score)
    np.testing.assert_allclose(apply_risk_curve(curve, score), score, atol=0.03)


@given(
    offset=st.floats(-5, 5),
    slopes=st.tuples(*[st.floats(0.05, 4.0)] * (len(KNOTS) + 1)),
    scores=st.lists(st.floats(0, 1), min_size=2, max_size=20),
)
def test_the_order_of_scores_is_kept(offset: float, slopes: tuple[float, ...], scores: list[float]) -> None:
    curve = RiskCurve(knots=KNOTS, offset=offset, slopes=slopes)
    moved = apply_risk_curve(curve, np.sort(scores))
    assert (np.diff(moved) >= -1e-12).all()
    assert ((moved >= 0) & (moved <= 1)).all()


def test_the_curve_passes_through_its_offset_at_the_first_knot() -> None:
    curve = RiskCurve(knots=KNOTS, offset=-1.25, slopes=(1, 2, 3, 4))
    assert logit(apply_risk_curve(curve, expit(np.array([KNOTS[0]])))) == pytest.approx(-1.25)
    assert logit(apply_risk_curve(curve, expit(np.array([KNOTS[1]])))) == pytest.approx(-1.25 + 2 * 2)


@pytest.mark.parametrize("broken", [{"slopes": (1, 1, 1)}, {"slopes": (1, 1, 0, 1)}, {"knots": (0, -1, 2)}])
def test_a_curve_that_could_fall_is_refused(broken: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ValidationError):
        RiskCurve.model_validate({"knots": KNOTS, "offset": 0.0, "slopes": (1, 1, 1, 1)} | broken)
