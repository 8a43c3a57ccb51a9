"""Large pictures, which a kiosk and this tool do not take in full."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.capture.phantom import Scene, archetype, render
from edge.capture.phantom_artefacts import Artefacts
from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import MAX_BYTES, decode_for_analysis, decode_image
from training.data import HAM10000_LABELS, parse_record
from training.images import load_picture
from training.scoring import score_pictures

PACKAGE = Path(__file__).parents[3] / "models" / "melanoma"


def test_a_large_bmp_is_read_though_a_kiosk_takes_no_file_of_so_many_bytes(tmp_path: Path) -> None:
    Image.new("RGB", (5000, 4500), (200, 150, 130)).save(tmp_path / "large.bmp")
    assert (tmp_path / "large.bmp").stat().st_size > MAX_BYTES
    assert load_picture(tmp_path, "large.bmp", dataset="").shape == (4500, 5000, 3)


def test_a_large_jpeg_is_scored_as_a_kiosk_decodes_it(tmp_path: Path) -> None:
    scene = Scene(seed=1, lesion=archetype("naevus"), artefacts=Artefacts())
    Image.fromarray(np.asarray(render(scene, width_px=2592, height_px=1944))).save(tmp_path / "large.jpg")
    package = load_model_package(PACKAGE)
    row = parse_record({"file": "large.jpg", "label": "nv"}, place="here", labels=HAM10000_LABELS)
    (picture,) = score_pictures(package, [row], root=tmp_path).pictures
    data = (tmp_path / "large.jpg").read_bytes()
    classifier = OpenVinoClassifier(package, threads=1)
    reduced = classifier.classify(decode_for_analysis(data, input_px=package.manifest.input.width)).score
    in_full = classifier.classify(decode_image(data)).score
    classifier.close()
    assert picture.prediction.score == pytest.approx(reduced, abs=1e-6)
    assert reduced != pytest.approx(in_full, abs=1e-6)
