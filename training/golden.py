"""Golden pictures: rendered by the phantom, so that they may be given to anyone, with the answers a package must give.

They test arithmetic, not medicine: a machine on which the network works answers them as the machine that made it did.
"""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge.capture.phantom import Scene, archetype, render
from edge.capture.phantom_lesion import LesionKind
from edge.capture.phantom_scalp import render_scalp, scalp_scene_for
from edge.inference.model_package import GoldenAnswer, ModelPackage
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import decode_image

GOLDEN_SIDE_PX: Final = 320
GOLDEN_TOLERANCE: Final = 0.05
"""Of each probability. On 18 such pictures melanoma 0.1.0 changed by at most 0.022 from FP32 to BF16 and 0.006 to FP16
(OpenVINO 2026.4, a CPU with AMX): twice the largest, so that rounding passes and a wrong result does not."""

_SCENES: Final[tuple[tuple[LesionKind, int], ...]] = (("naevus", 1), ("melanoma-like", 4), ("keratosis-like", 2))
"""Chosen for answers away from 0 and 1, where an error of the arithmetic would hide."""

_SCALP_SEEDS: Final = (1, 2, 3)


def golden_images() -> tuple[NDArray[np.uint8], ...]:
    """Three phantom lesions, RGB [320, 320, 3], always the same."""
    return tuple(
        render(Scene(seed=seed, lesion=archetype(kind)), width_px=GOLDEN_SIDE_PX, height_px=GOLDEN_SIDE_PX)
        for kind, seed in _SCENES
    )


def golden_scalps() -> tuple[NDArray[np.uint8], ...]:
    """Three simulated scalps, RGB [320, 320, 3], always the same."""
    return tuple(
        render_scalp(scalp_scene_for(seed=seed, index=0), width_px=GOLDEN_SIDE_PX, height_px=GOLDEN_SIDE_PX)
        for seed in _SCALP_SEEDS
    )


def golden_answers(
    package: ModelPackage, images: Sequence[NDArray[np.uint8]]
) -> tuple[tuple[GoldenAnswer, ...], dict[str, bytes]]:
    """Return what the manifest says of these pictures, and the PNG files `golden-1.png`, … that it speaks of.

    Args:
        package: the finished network; its answers here, at full precision, become the expected ones.
        images: RGB [H, W, 3] each.
    """
    classifier = OpenVinoClassifier(package)
    answers, files = [], {}
    try:
        for number, image in enumerate(images, start=1):
            name, picture = f"golden-{number}.png", _png(image)
            probabilities = classifier.classify(decode_image(picture)).probabilities
            answers.append(GoldenAnswer(file=name, probabilities=probabilities, tolerance=GOLDEN_TOLERANCE))
            files[name] = picture
    finally:
        classifier.close()
    return tuple(answers), files


def _png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
