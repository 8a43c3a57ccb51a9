"""Run by `.venv-train`: times PyTorch on a package's network and exports it to ONNX for onnxruntime."""

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.repeat import repeat
from benchmarks.torch_from_ir import NetworkFromIr
from edge.inference.preprocess import to_input


def main() -> None:
    """Write JSON: the timings on the CPU and, if there is one, on a CUDA GPU, and the probabilities of each picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("graph", type=Path)
    parser.add_argument("pictures", type=Path, help="[N, H, W, 3] bytes, .npy")
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    pictures = np.load(arguments.pictures)
    network = NetworkFromIr(arguments.graph).eval()
    example = torch.zeros((1, arguments.size, arguments.size, 3), dtype=torch.uint8)
    with warnings.catch_warnings(), torch.inference_mode():
        # The newer exporter cannot follow a network that is put together at run time.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (example,), arguments.onnx, input_names=["image"], output_names=network.names, dynamo=False
        )
    found: dict[str, Any] = {"version": torch.__version__, "cuda": None}
    with torch.inference_mode():
        run = _runner(network, size=arguments.size, device="cpu")
        place = network.names.index("probabilities")
        found["probabilities"] = [run(picture)[place][0].tolist() for picture in pictures]
        found["cpu"] = repeat(run, pictures, runs=arguments.runs)
        if torch.cuda.is_available():
            device = _runner(network.to("cuda"), size=arguments.size, device="cuda")
            found["cuda"] = repeat(device, pictures, runs=arguments.runs) | {"gpu": torch.cuda.get_device_name()}
    arguments.json.write_text(json.dumps(found), encoding="utf-8")


def _runner(network: NetworkFromIr, *, size: int, device: str) -> Callable[[Any], list[Any]]:
    def run(picture: Any) -> list[Any]:
        tensor = torch.from_numpy(to_input(picture, width=size, height=size)).to(device)
        # To numpy: an answer that still lies on a GPU is none.
        return [output.cpu().numpy() for output in network(tensor)]

    return run


if __name__ == "__main__":
    main()
