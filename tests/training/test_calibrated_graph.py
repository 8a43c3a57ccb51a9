"""The last step of the graph, in the arithmetic of every kiosk."""

import numpy as np
import pytest
import torch

from edge.inference.model_package import RiskCurve
from training.graph import RiskCurveLayer
from training.risk_curve import apply_risk_curve

CURVE = RiskCurve(knots=(-2.0, 0.0, 1.0), offset=-1.5, slopes=(0.8, 1.1, 0.9, 1.2))
POSITIVE = [0, 2]


@pytest.mark.parametrize("sure", [0.5, 0.99, 0.9995, 0.9999999, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_however_sure_the_network_is_the_probabilities_are_some(sure: float, dtype: torch.dtype) -> None:
    # In half precision 1 less 0.9998 is 0, and a risk that was divided by it no number any more.
    for positive in (sure, 1 - sure):
        given = torch.tensor([[0.9 * positive, 0.4 * (1 - positive), 0.1 * positive, 0.6 * (1 - positive)]])
        said = RiskCurveLayer(CURVE, positive=POSITIVE, classes=4).to(dtype)(given.to(dtype)).float()
        assert torch.isfinite(said).all()
        assert said.sum().item() == pytest.approx(1, abs=0.02)
        expected = apply_risk_curve(CURVE, np.array([positive]))[0]
        assert said[0, POSITIVE].sum().item() == pytest.approx(expected, abs=0.02)
