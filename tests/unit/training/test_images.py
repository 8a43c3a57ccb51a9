"""What training keeps of the pictures of a camera."""

from pathlib import Path

import cv2
import numpy as np

from edge.inference.preprocess import centre_square, decode_for_analysis, to_input
from training.data import Record
from training.images import load_images

RECORD = Record(
    file="one.jpg", sharp_file="", dataset="clinic", split="train", label="nv", lesion_id="", group="one.jpg"
)


def _photograph(folder: Path) -> bytes:
    drawn = np.random.default_rng(0).integers(0, 256, (243, 324, 3), dtype=np.uint8)
    photograph = cv2.resize(drawn, (2592, 1944), interpolation=cv2.INTER_CUBIC)
    _, encoded = cv2.imencode(".jpg", photograph)
    (folder / RECORD.file).write_bytes(encoded.tobytes())
    return encoded.tobytes()


def test_a_cameras_picture_is_judged_as_the_kiosk_sees_it(tmp_path: Path) -> None:
    data = _photograph(tmp_path)
    (image,) = load_images([RECORD], root=tmp_path, labels=("nv",), input_px=224)
    seen = centre_square(decode_for_analysis(data, input_px=224))
    np.testing.assert_array_equal(image.best[np.newaxis], to_input(seen, width=224, height=224))
    np.testing.assert_array_equal(to_input(image.best, width=224, height=224), to_input(seen, width=224, height=224))


def test_thousands_of_a_cameras_pictures_fit_into_memory_to_learn_from(tmp_path: Path) -> None:
    _photograph(tmp_path)
    (image,) = load_images([RECORD], root=tmp_path, labels=("nv",), input_px=224, largest_px=448)
    assert image.plain.shape == (448, 448, 3)
    # Not a view of the whole, which would be kept with it.
    assert image.plain.base is None
