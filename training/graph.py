"""The whole kiosk-side computation as one network, from bytes to everything the kiosk asks for, and its OpenVINO IR."""

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

from edge.inference.model_package import OutputNames, RiskCurve
from edge.inference.openvino_classifier import LABELS_KEY, import_openvino
from training.calibrate import Calibration
from training.risk_curve import SMALLEST

OUTPUTS: Final = OutputNames(probabilities="probabilities", cam="cam", ood="ood", disagreement="disagreement")
_HEIGHT, _WIDTH = 1, 2
_FARTHEST_SHARE: Final = 64.0
"""Keeps the sum of squares within half precision up to a distance of 16,000; a black picture lies at about 300, whose
square is already too large."""
# A lesion has no up and no handedness: the answer is the mean over its four reflections.
_FLIPS: Final[tuple[tuple[int, ...], ...]] = ((), (_HEIGHT,), (_WIDTH,), (_HEIGHT, _WIDTH))


@dataclass(frozen=True)
class FeatureSpace:
    """Where the statistics of training pictures lie; their distance after whitening is the out-of-distribution score.

    `whitening` is [D, D], `mean` [D].
    """

    whitening: NDArray[np.float32]
    mean: NDArray[np.float32]


def fit_space(statistics: NDArray[np.float32]) -> FeatureSpace:
    """Fit mean and covariance of statistics [N, D], the covariance shrunk by Ledoit and Wolf's estimate."""
    mean = statistics.mean(axis=0)
    values, vectors = np.linalg.eigh(LedoitWolf(assume_centered=True).fit(statistics - mean).covariance_)
    return FeatureSpace(whitening=(vectors / np.sqrt(values)).astype(np.float32), mean=mean.astype(np.float32))


class ViewFeatures(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    """From one picture [1, S, S, 3] to its statistics [1, D] and the features of its reflections, [views, C, h, w].

    The statistics are mean and standard deviation of each channel at several depths (after Lee et al. 2018, who weigh
    depths by examples of what is strange). The last features alone told strange pictures apart much worse: a network
    that learned to answer alike under other light, sharpness and dirt no longer shows them there.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Any) -> Any:
        """Return statistics and last features."""
        views = torch.cat([torch.flip(image, axes) if axes else image for axes in _FLIPS])
        *stages, last = self.network.stages(views)
        # Without the correction for samples, which multiplies by the number of places: too large for half precision.
        moments = [moment for stage in stages for moment in (stage.mean((2, 3)), stage.std((2, 3), correction=0))]
        return torch.cat(moments, 1).mean(0, keepdim=True), last


class Statistics(ViewFeatures):
    """What calibration and the feature space are fitted on: statistics [1, D], logits [1, classes]."""

    def forward(self, image: Any) -> Any:
        """Return statistics, and logits over places and reflections."""
        statistics, features = super().forward(image)
        return statistics, self.network.head(features.mean((0, 2, 3)).unsqueeze(0))


class RiskCurveLayer(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    """The curve inside a network: probabilities [N, classes] to probabilities whose positive ones sum to the risk.

    Within the positive and within the negative classes the shares stay as they are.
    """

    def __init__(self, curve: RiskCurve, *, positive: Sequence[int], classes: int) -> None:
        super().__init__()
        self.curve = curve
        self.register_buffer("is_positive", torch.tensor([[float(index in positive) for index in range(classes)]]))

    def forward(self, probabilities: Any) -> Any:
        """Return the calibrated probabilities."""
        # Each side is summed, as 1 less the other would be 0 in half precision where this network is sure.
        is_negative = 1 - self.is_positive
        score = (probabilities * self.is_positive).sum(1, keepdim=True).clamp(min=SMALLEST)
        rest = (probabilities * is_negative).sum(1, keepdim=True).clamp(min=SMALLEST)
        log_odds = torch.log(score) - torch.log(rest)
        first, *_ = knots = self.curve.knots
        below, *above = self.curve.slopes
        moved = self.curve.offset + below * (log_odds - first).clamp(max=0)
        for slope, low, high in zip(above, knots, [*knots[1:], None], strict=True):
            moved = moved + slope * (log_odds - low).clamp(min=0, max=None if high is None else high - low)
        rising, falling = torch.sigmoid(moved) / score, torch.sigmoid(-moved) / rest
        return probabilities * (self.is_positive * rising + is_negative * falling)


class ExportGraph(ViewFeatures):
    """The finished network."""

    def __init__(
        self,
        network: Any,
        *,
        positive: Sequence[int],
        calibration: Calibration,
        space: FeatureSpace,
        curve: RiskCurve | None = None,
    ) -> None:
        super().__init__(network)
        classes = network.head.out_features
        self.curve = RiskCurveLayer(curve, positive=positive, classes=classes) if curve else torch.nn.Identity()
        self.positive = list(positive)
        self.negative = [index for index in range(classes) if index not in self.positive]
        self.register_buffer("weight", network.head.weight.detach() / calibration.temperature)
        bias = network.head.bias.detach() / calibration.temperature
        self.register_buffer("bias", bias + torch.tensor(calibration.bias, dtype=bias.dtype))
        self.register_buffer("whitening", torch.from_numpy(space.whitening))
        self.register_buffer("mean", torch.from_numpy(space.mean))

    def forward(self, image: Any) -> Any:
        """Return probabilities, activation map, distance and disagreement.

        The map sums each place's part in the log-odds of positive against negative, laid back over the picture. The
        disagreement is the standard deviation of the score over the reflections.
        """
        statistics, features = super().forward(image)
        pooled = features.mean((2, 3))
        by_view = pooled @ self.weight.T + self.bias
        logits = by_view.mean(0, keepdim=True)
        scores = self.curve(torch.softmax(by_view, 1))[:, self.positive].sum(1)
        disagreement = (scores - scores.mean()).square().mean().sqrt().unsqueeze(0)
        # Gradient of log(P_positive / P_negative) by the logits: shares within each side, with opposite signs.
        towards = torch.softmax(logits[:, self.positive], 1) @ self.weight[self.positive]
        away = torch.softmax(logits[:, self.negative], 1) @ self.weight[self.negative]
        maps = ((towards - away)[:, :, None, None] * features).sum(1)
        # A map [h, w] lost the picture's first and last axis, so its axes are one lower.
        laid_back = [
            torch.flip(maps[number], [axis - 1 for axis in axes]) if axes else maps[number]
            for number, axes in enumerate(_FLIPS)
        ]
        cam = torch.stack(laid_back).mean(0).unsqueeze(0)
        whitened = (statistics - self.mean) @ self.whitening
        distance = (whitened / _FARTHEST_SHARE).square().sum(1).sqrt() * _FARTHEST_SHARE
        return self.curve(torch.softmax(logits, 1)), cam, distance, disagreement


def to_openvino(
    graph: ExportGraph, *, size_px: int, labels: Sequence[str], compress_weights: bool = False
) -> tuple[bytes, bytes]:
    """Convert to an OpenVINO IR with named outputs, its labels inside and weights of 16 bits, or of 8 if compressed.

    Compressed weights are brought back to full precision when the network is loaded: it computes as before, with
    weights rounded to 256 steps for each output channel.
    """
    model = convert(graph, size_px=size_px)
    model.inputs[0].get_tensor().set_names({"image"})
    names = (OUTPUTS.probabilities, OUTPUTS.cam, OUTPUTS.ood, OUTPUTS.disagreement)
    for output, output_name in zip(model.outputs, names, strict=True):
        output.get_tensor().set_names({output_name})
    model.set_rt_info(" ".join(labels), list(LABELS_KEY))
    if compress_weights:
        model = with_compressed_weights(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        import_openvino().save_model(model, str(path), compress_to_fp16=True)
        return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def with_compressed_weights(model: Any) -> Any:
    """Return the OpenVINO model with convolution weights of 8 bits, one scale and zero for each output channel."""
    import nncf  # noqa: PLC0415  # slow, and only after openvino's telemetry was kept out

    # The whitening of the out-of-distribution score is left alone: it sums many small differences.
    return nncf.compress_weights(
        model, mode=nncf.CompressWeightsMode.INT8_ASYM, ignored_scope=nncf.IgnoredScope(types=["MatMul"])
    )


def convert(graph: Any, *, size_px: int) -> Any:
    """Return the OpenVINO model of a module that takes one picture."""
    example = torch.zeros((1, size_px, size_px, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        # OpenVINO's converter still traces; torch calls that deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_openvino().convert_model(graph.eval(), example_input=example, input=[1, size_px, size_px, 3])
