"""What the risk curve of a package makes of its classes' probabilities, computed apart from the exported graph."""

import numpy as np
from numpy.typing import NDArray

from edge.inference.model_package import ModelManifest
from training.risk_curve import apply_risk_curve


def recalibrated(probabilities: NDArray[np.floating], manifest: ModelManifest) -> NDArray[np.floating]:
    assert manifest.risk_curve is not None
    positive = np.isin(manifest.labels, manifest.positive)
    score = probabilities[positive].sum()
    risk = apply_risk_curve(manifest.risk_curve, np.array([score]))[0]
    return probabilities * np.where(positive, risk / score, (1 - risk) / (1 - score))
