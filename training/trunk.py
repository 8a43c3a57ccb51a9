"""The first layers of a network while they are kept as they are: no gradient is needed, so OpenVINO runs them."""

import copy
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edge.inference.openvino_classifier import import_openvino


class Trunk:
    """Computes the features that the trained layers start from; one compiled network for each size of image.

    It keeps a copy on the CPU: the network itself may be learning on a GPU.
    """

    def __init__(self, network: Any, *, blocks: int, batch: int, threads: int) -> None:
        self._layers = _FirstLayers(copy.deepcopy(network).cpu(), blocks=blocks).eval()
        self._batch = batch
        self._threads = threads
        self._requests: dict[int, Any] = {}

    def __call__(self, views: NDArray[np.uint8]) -> Any:
        """Return the features of a batch [N, S, S, 3] as a tensor that gradients do not pass."""
        size_px = views.shape[1]
        if size_px not in self._requests:
            self._requests[size_px] = self._compile(size_px)
        (features,) = self._requests[size_px].infer([views]).values()
        return torch.from_numpy(features.copy()).contiguous(memory_format=torch.channels_last)

    def _compile(self, size_px: int) -> Any:
        shape = [self._batch, size_px, size_px, 3]
        with warnings.catch_warnings():
            # OpenVINO's converter still traces; torch calls that deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            model = import_openvino().convert_model(
                self._layers, example_input=torch.zeros(shape, dtype=torch.uint8), input=shape
            )
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": self._threads,
        }
        return import_openvino().Core().compile_model(model, "CPU", settings).create_infer_request()


class _FirstLayers(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    def __init__(self, network: Any, *, blocks: int) -> None:
        super().__init__()
        self._network = network
        self._blocks = blocks

    def forward(self, image: Any) -> Any:
        return self._network.first_layers(image, blocks=self._blocks)
