import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import decode_image
from training.export import export_run, load_network
from training.images import CachedImage
from training.recipes import Recipe
from training.train import CHECKPOINT, predict_logits, train

pytestmark = pytest.mark.timeout(300)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(recipe=recipe, manifest=manifest, run_dir=whole, threads=1)
    train(recipe=recipe, manifest=manifest, run_dir=stopped, threads=1, stop_after=1)
    train(recipe=recipe, manifest=manifest, run_dir=stopped, threads=1)
    first, second = (torch.load(run / CHECKPOINT, weights_only=True) for run in (whole, stopped))
    for part in ("network", "ema"):
        for name, value in first[part].items():
            assert torch.equal(value, second[part][name]), f"{part}.{name} differs"
    curves = [
        [row.rsplit(",", 1)[0] for row in (run / "curves.csv").read_text().splitlines()] for run in (whole, stopped)
    ]
    assert curves[0] == curves[1]
    assert len(curves[0]) == 1 + recipe.epochs


def test_a_run_folder_is_not_continued_with_other_settings(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    train(recipe=recipe, manifest=manifest, run_dir=tmp_path / "run", threads=1, stop_after=1)
    with pytest.raises(ValueError, match="other settings"):
        train(recipe=replace(recipe, peak_lr=0.5), manifest=manifest, run_dir=tmp_path / "run", threads=1)


def test_the_exported_package_answers_as_the_trained_network(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "package"
    train(recipe=recipe, manifest=manifest, run_dir=run, threads=1)
    export_run(run_dir=run, manifest=manifest, out=out, name="blots", version="0.0.1")
    package = load_model_package(out, expected_name="blots")
    assert [entry.split for entry in package.manifest.metrics] == ["val"]
    assert (
        package.manifest.training_data.fingerprint
        == json.loads((run / "settings.json").read_text())["data"]["fingerprint"]
    )
    picture = decode_image((manifest.parent / "mel-5.png").read_bytes())
    prediction = OpenVinoClassifier(package, threads=1).classify(picture)
    logits = predict_logits(
        load_network(run, recipe),
        [CachedImage(plain=picture, sharp=None, target=0)],
        size_px=recipe.size_px,
    )
    expected = torch.softmax(torch.from_numpy(logits[0]) / package.manifest.temperature, dim=0).numpy()
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=2e-3)
    assert prediction.cam.shape == (2, 2)
