"""The seed's Table 1 on our network: one image and 136 images, 30 runs, beside onnxruntime and PyTorch."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.full_precision import save_in_full
from benchmarks.repeat import repeat
from benchmarks.report import say
from edge.capture.registry import open_camera
from edge.inference.classifier import Classifier
from edge.inference.model_package import ModelPackage
from edge.inference.precision import FULL
from edge.inference.preprocess import decode_image, to_input

IMAGES: Final = 136
RUNS: Final = 30
SEED: Final = {
    "cpu": {"one_image_ms": {"mean": 48.8, "sd": 1.4}, "images_136_s": {"mean": 2.2209, "sd": 0.2380}},
    "gpu": {"one_image_ms": {"mean": 24.6, "sd": 6.1}, "images_136_s": {"mean": 0.5501, "sd": 0.0150}},
}
"""Intel i3-8100 and Nvidia RTX 3070, GoogLeNet at 224 px and one view: other machines and another network than here."""
TRAINING_PYTHON: Final = Path(".venv-train/bin/python")
SET_UP: Final = "run ./run setup-training once, then ./run bench again"
_SAME: Final = 0.01
"""Largest difference of a probability between engines that run the same network: f32 against f32 has far less."""


def phantom_pictures(count: int = IMAGES) -> list[NDArray[np.uint8]]:
    """Decoded phantom pictures of 640x480, each of another lesion."""
    pictures = []
    for seed in range(count):
        camera = open_camera(f"sim://phantom?seed={seed}&width=640&height=480")
        pictures.append(decode_image(camera.capture().data))
        camera.close()
    return pictures


def measure_table1(
    kiosk: Classifier,
    full: Classifier,
    package: ModelPackage,
    pictures: Sequence[NDArray[np.uint8]],
    *,
    folder: Path,
    runs: int = RUNS,
    peer: Path = TRAINING_PYTHON,
) -> dict[str, Any]:
    """Time the engines, all from a decoded picture to the answer.

    Args:
        kiosk: the classifier as a kiosk opens it.
        full: the same in f32, as the others compute.
        package: what both run.
        pictures: the 136.
        folder: for what is passed between the environments.
        runs: of one picture, and of all of them.
        peer: the Python that has torch; where it is absent, the rows that need it say how to get it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    how_often = f"{runs} runs of {len(pictures)} pictures"
    say(f"Table 1, this kiosk: {how_often}")
    table: dict[str, Any] = _ours(kiosk, pictures, runs) | {"precision": kiosk.classify(pictures[0]).precision}
    say(f"Table 1, this kiosk in f32: {how_often}")
    table["f32"] = _ours(full, pictures, runs) if table["precision"] != FULL else dict(table)
    expected = np.array([list(full.classify(picture).probabilities.values()) for picture in pictures])
    onnx = folder / f"{package.sha256[:16]}.onnx"
    say(f"Table 1, PyTorch: {how_often}")
    table |= _pytorch(package, pictures, expected, folder=folder, onnx=onnx, runs=runs, peer=peer)
    say(f"Table 1, onnxruntime: {how_often}")
    table["onnxruntime"] = _onnxruntime(
        package, pictures, expected, onnx=onnx, runs=runs, reason=table["pytorch"].get("reason")
    )
    return table | {"seed": SEED, "runs": runs, "images": len(pictures)}


def table_lines(table: dict[str, Any]) -> list[str]:
    """Return the table for people."""
    rows = [
        (f"this kiosk ({table['precision']})", table),
        ("this kiosk (f32)", table["f32"]),
        ("onnxruntime (f32)", table["onnxruntime"]),
        ("PyTorch CPU (f32)", table["pytorch"]),
        ("PyTorch CUDA (f32)", table["pytorch_gpu"]),
        ("seed, i3-8100", SEED["cpu"]),
        ("seed, RTX 3070", SEED["gpu"]),
    ]
    every = f"{table['images']} images, s"
    lines = [f"Table 1, {table['runs']} runs  {'1 image, ms':>18}  {every:>18}"]
    for name, row in rows:
        if row["one_image_ms"] is None:
            lines.append(f"  {name:<22} -  {row['reason']}")
            continue
        one, many = row["one_image_ms"], row["images_136_s"]
        lines.append(
            f"  {name:<20} {one['mean']:>10.2f} ± {one['sd']:<6.2f} {many['mean']:>10.3f} ± {many['sd']:<6.3f}"
        )
    # Other machines and another network: beside each other, not like with like.
    lines.append(
        "  the seed's rows are GoogLeNet, one view a picture; ours answer with the mean of a picture's reflections"
    )
    return lines


def _ours(classifier: Classifier, pictures: Sequence[NDArray[np.uint8]], runs: int) -> dict[str, Any]:
    return dict(
        repeat(classifier.classify, pictures, runs=runs, many=lambda every: list(classifier.classify_many(every)))
    )


def _pytorch(
    package: ModelPackage,
    pictures: Sequence[NDArray[np.uint8]],
    expected: NDArray[np.float64],
    *,
    folder: Path,
    onnx: Path,
    runs: int,
    peer: Path,
) -> dict[str, Any]:
    # What an earlier run left is not what this one says.
    onnx.unlink(missing_ok=True)
    if not peer.exists():
        absent = _absent(f"{peer} is not set up: {SET_UP}")
        return {"pytorch": absent, "pytorch_gpu": absent}
    np.save(folder / "pictures.npy", np.stack(pictures))
    found = folder / "pytorch.json"
    command = [
        str(peer), "-m", "benchmarks.torch_peer", str(save_in_full(package, folder)),
        str(folder / "pictures.npy"), "--size", str(package.manifest.input.width), "--runs", str(runs),
        "--onnx", str(onnx), "--json", str(found),
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603 our own program
        command, check=False, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "."}
    )
    if done.returncode:
        said_last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        absent = _absent(f"{peer} failed: {said_last}; if it is not set up, {SET_UP}")
        return {"pytorch": absent, "pytorch_gpu": absent}
    said = json.loads(found.read_text(encoding="utf-8"))
    result = said["cpu"] | {"version": said["version"]} | _agreement(np.array(said["probabilities"]), expected)
    gpu = said["cuda"] or _absent("PyTorch sees no CUDA GPU here")
    return {"pytorch": result, "pytorch_gpu": gpu}


def _onnxruntime(
    package: ModelPackage,
    pictures: Sequence[NDArray[np.uint8]],
    expected: NDArray[np.float64],
    *,
    onnx: Path,
    runs: int,
    reason: str | None,
) -> dict[str, Any]:
    if not onnx.exists():
        return _absent(f"its ONNX file comes from the PyTorch run, and {reason or 'that wrote none'}")
    try:
        import onnxruntime  # noqa: PLC0415  # only this comparison needs it
    except ImportError:
        return _absent("onnxruntime is not installed")
    session = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
    size, name = package.manifest.input, package.manifest.outputs.probabilities

    def run(picture: NDArray[np.uint8]) -> dict[str, Any]:
        tensor = to_input(picture, width=size.width, height=size.height)
        outputs = session.run(None, {"image": tensor})
        return dict(zip((output.name for output in session.get_outputs()), outputs, strict=True))

    said = np.array([run(picture)[name][0] for picture in pictures])
    return repeat(run, pictures, runs=runs) | {"version": onnxruntime.__version__} | _agreement(said, expected)


def _agreement(said: NDArray[np.float64], expected: NDArray[np.float64]) -> dict[str, float]:
    difference = float(np.abs(said - expected).max())
    if difference > _SAME:
        raise ValueError(f"probabilities differ by {difference:.3f}: this is not the same network")
    return {"largest_difference": difference}


def _absent(reason: str) -> dict[str, Any]:
    return {"one_image_ms": None, "images_136_s": None, "reason": reason}
