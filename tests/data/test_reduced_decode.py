"""A camera's large JPEG is decoded at reduced scale; on real lesions that must not move the score."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import decode_for_analysis, decode_image
from training.data import of_split, read_manifest

PACKAGE = Path(__file__).parents[2] / "models" / "melanoma"
_LARGEST, _MEAN = 0.03, 0.005
pytestmark = pytest.mark.timeout(300)


def _as_from_a_camera(rgb: NDArray[np.uint8], rng: np.random.Generator) -> bytes:
    """Enlarge to 2592x1944 and add the noise that enlarging took away, so that there is detail to lose."""
    square = np.asarray(Image.fromarray(rgb).resize((1944, 1944), Image.Resampling.LANCZOS), np.float32)
    noisy = np.clip(square + rng.normal(0, 8, square.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.pad(noisy, ((0, 0), (324, 324), (0, 0)), mode="reflect")).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def test_the_score_stays_the_same_to_within_what_bf16_moves_it(data_root: Path) -> None:
    rng = np.random.default_rng(0)
    root = data_root / "melanoma"
    records = [record for record in of_split(read_manifest(root / "manifest.csv"), "val") if record.sharp_file]
    classifier = OpenVinoClassifier(load_model_package(PACKAGE))
    moved = []
    for index in rng.choice(len(records), 20, replace=False):
        data = _as_from_a_camera(decode_image((root / records[index].sharp_file).read_bytes()), rng)
        reduced = decode_for_analysis(data, input_px=classifier.manifest.input.width)
        assert reduced.shape == (972, 1296, 3)
        moved.append(abs(classifier.classify(reduced).score - classifier.classify(decode_image(data)).score))
    classifier.close()
    assert max(moved) < _LARGEST
    assert np.mean(moved) < _MEAN
