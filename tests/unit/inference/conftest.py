import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier

COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"


@pytest.fixture
def package_dir(tmp_path: Path) -> Path:
    """A copy of the committed melanoma package, to be spoiled."""
    return Path(shutil.copytree(COMMITTED, tmp_path / "melanoma"))


@pytest.fixture(scope="module")
def classifier() -> Iterator[OpenVinoClassifier]:
    made = OpenVinoClassifier(load_model_package(COMMITTED), threads=1)
    yield made
    made.close()


@pytest.fixture
def encode() -> Callable[..., bytes]:
    def _encode(rgb: NDArray[np.uint8], kind: str = "PNG", **options: object) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(rgb).save(buffer, kind, **options)
        return buffer.getvalue()

    return _encode
