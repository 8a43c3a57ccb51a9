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
from training.networks import build_network
from training.recipes import RECIPES, Recipe
from training.state import CHECKPOINT
from training.tasks import SKIN_LESION
from training.train import Machine, Sources, Start, predict_logits, train
from training.warm_start import WarmStartError, start_from_package

COMMITTED = Path(__file__).parents[2] / "models" / "melanoma"

pytestmark = pytest.mark.timeout(300)


def _train(
    recipe: Recipe, manifest: Path, run_dir: Path, *, stop_after: int | None = None, package: Path | None = None
) -> None:
    train(
        recipe=recipe,
        task=SKIN_LESION,
        sources=Sources(manifest, train_on=SKIN_LESION.train_on, validate_on=SKIN_LESION.validate_on),
        run_dir=run_dir,
        machine=Machine(threads=1),
        start=Start(package=package),
        stop_after=stop_after,
    )


def test_a_run_that_was_stopped_ends_as_one_that_was_not(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    _train(recipe, manifest, whole)
    _train(recipe, manifest, stopped, stop_after=1)
    _train(recipe, manifest, stopped)
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
    _train(recipe, manifest, tmp_path / "run", stop_after=1)
    with pytest.raises(ValueError, match="other settings"):
        _train(replace(recipe, peak_lr=0.5), manifest, tmp_path / "run")


def test_the_exported_package_answers_as_the_trained_network(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "package"
    _train(recipe, manifest, run)
    _export(run, manifest, out)
    package = load_model_package(out, expected_name="blots")
    assert [entry.split for entry in package.manifest.metrics] == ["val"]
    assert (
        package.manifest.training_data.fingerprint
        == json.loads((run / "settings.json").read_text())["data"]["fingerprint"]
    )
    picture = decode_image((manifest.parent / "mel-5.png").read_bytes())
    prediction = OpenVinoClassifier(package, threads=1).classify(picture)
    network = load_network(run, recipe, classes=7)
    flipped = [picture, picture[::-1], picture[:, ::-1], picture[::-1, ::-1]]
    views = [CachedImage(plain=np.ascontiguousarray(view), sharp=None, target=0) for view in flipped]
    logits = predict_logits(network, views, size_px=recipe.size_px).mean(axis=0)
    calibrated = logits / package.manifest.temperature + np.array(package.manifest.calibration_bias)
    expected = torch.softmax(torch.from_numpy(calibrated), dim=0).numpy()
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=4e-3)
    assert prediction.cam.shape == (2, 2)


def test_a_training_goes_on_from_a_package_as_if_from_its_checkpoint(
    recipe: Recipe, manifest: Path, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    _train(recipe, manifest, tmp_path / "first")
    _export(tmp_path / "first", manifest, package)
    before = load_network(tmp_path / "first", recipe, classes=7)
    network = build_network(recipe, classes=7)
    rng = np.random.default_rng(0)
    views = [rng.integers(0, 256, (8, 64, 64, 3), dtype=np.uint8) for _ in range(3)]
    start_from_package(network, package, views=views)
    with torch.inference_mode():
        expected, actual = (
            each.eval().logits(each.first_layers(torch.from_numpy(views[0]), blocks=0), blocks=0)[0].numpy()
            for each in (before, network)
        )
    # Half-precision weights are all that is lost.
    np.testing.assert_allclose(actual, expected, atol=0.05)
    frozen = replace(recipe, frozen_blocks=5)
    _train(frozen, manifest, tmp_path / "second", package=package)
    after = load_network(tmp_path / "second", frozen, classes=7)
    with torch.inference_mode():
        kept, learned = (
            [each.first_layers(torch.from_numpy(views[0]), blocks=blocks).numpy() for each in (before, after)]
            for blocks in (5, 6)
        )
    np.testing.assert_allclose(kept[1], kept[0], atol=0.1, rtol=0.02)
    assert np.abs(learned[1] - learned[0]).max() > 0.1


def test_a_package_of_another_network_is_no_start(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    other = replace(recipe, network="googlenet")
    with pytest.raises(WarmStartError, match="GoogLeNet"):
        start_from_package(build_network(other, classes=7), COMMITTED, views=[])
    del manifest, tmp_path


@pytest.mark.parametrize("classes", [2, 7])
def test_googlenet_takes_the_weights_of_its_usual_implementation(recipe: Recipe, tmp_path: Path, classes: int) -> None:
    published = replace(RECIPES["published"], batch=recipe.batch)
    trained = build_network(published, classes=1000)
    torch.save(trained.state_dict(), tmp_path / "imagenet.pt")
    network = build_network(published, classes=classes, weights=tmp_path / "imagenet.pt")
    assert torch.equal(network.inception4e.branch2[1].conv.weight, trained.inception4e.branch2[1].conv.weight)
    assert network.fc.out_features == classes
    with pytest.raises(ValueError, match="another network"):
        build_network(recipe, classes=7, weights=tmp_path / "imagenet.pt")


def test_the_published_recipe_learns_with_its_auxiliary_heads_and_exports(manifest: Path, tmp_path: Path) -> None:
    published = replace(RECIPES["published"], sizes_px=((0, 64),), epochs=10, batch=14, peak_lr=1e-3)
    _train(published, manifest, tmp_path / "run")
    _export(tmp_path / "run", manifest, tmp_path / "package")
    prediction = OpenVinoClassifier(load_model_package(tmp_path / "package"), threads=1).classify(
        decode_image((manifest.parent / "nv-5.png").read_bytes())
    )
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-4)


def _export(run: Path, manifest: Path, out: Path) -> None:
    export_run(
        run_dir=run,
        manifest=manifest,
        out=out,
        name="blots",
        version="0.0.1",
        licence_of_use="Tests only.",
        simulation_only=False,
    )
