from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.phantom import render, scene_for

Picture = NDArray[np.uint8]


@pytest.fixture(scope="session")
def picture() -> Picture:
    """An RGB dermoscopic picture of the phantom."""
    return render(scene_for(seed=2, index=3), width_px=640, height_px=480)


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    def encode(rgb: Picture, suffix: str = ".jpg") -> bytes:
        _, encoded = cv2.imencode(suffix, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        return encoded.tobytes()

    return encode


@pytest.fixture(scope="session")
def decode() -> Callable[[bytes], Picture]:
    def decode(data: bytes) -> Picture:
        return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)

    return decode
