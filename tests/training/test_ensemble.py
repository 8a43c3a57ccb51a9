"""Several networks in one package answer with the mean of their logits, from compressed weights too."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier, import_openvino, read_network
from edge.inference.preprocess import decode_image
from tests.training.recalibration import recalibrated
from training.data import DataError
from training.export import export_run, load_network
from training.graph import with_compressed_weights
from training.images import CachedImage
from training.networks import build_network
from training.networks.ensemble import Ensemble
from training.recipes import RECIPES, Recipe
from training.tasks import SKIN_LESION
from training.train import Machine, Sources, predict_logits, train
from training.warm_start import WarmStartError, members, network_of, start_from_package

pytestmark = pytest.mark.timeout(300)
MELANOMA, SCALP = (Path(__file__).parents[2] / "models" / name for name in ("melanoma", "scalp"))
WORDS = {
    "name": "blots",
    "version": "1.0.0",
    "licence_of_use": "tests only",
    "simulation_only": False,
    "allow_few": True,
}


def trained(recipe: Recipe, manifest: Path, run_dir: Path, *, seed: int) -> None:
    train(
        recipe=recipe,
        task=SKIN_LESION,
        sources=Sources(manifest),
        run_dir=run_dir,
        seed=seed,
        machine=Machine(threads=1),
    )


def test_members_answer_with_the_mean_of_their_logits(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    recipe = replace(recipe, epochs=1, sizes_px=((0, 64),))
    for seed, run in enumerate(("first", "second")):
        trained(recipe, manifest, tmp_path / run, seed=seed)
    export_run(run_dir=tmp_path / "second", manifest=manifest, out=tmp_path / "member", **WORDS)
    export_run(
        run_dir=tmp_path / "first", manifest=manifest, out=tmp_path / "whole", members=[tmp_path / "member"], **WORDS
    )
    picture = decode_image((manifest.parent / "mel-5.png").read_bytes())
    flipped = [picture, picture[::-1], picture[:, ::-1], picture[::-1, ::-1]]
    views = [CachedImage(plain=np.ascontiguousarray(view), sharp=None, target=0) for view in flipped]
    logits = np.mean(
        [
            predict_logits(load_network(tmp_path / run, recipe, classes=7), views, size_px=64).mean(axis=0)
            for run in ("first", "second")
        ],
        axis=0,
    )
    package = load_model_package(tmp_path / "whole")
    calibrated = logits / package.manifest.temperature + np.array(package.manifest.calibration_bias)
    expected = recalibrated(torch.softmax(torch.from_numpy(calibrated), dim=0).numpy(), package.manifest)
    prediction = OpenVinoClassifier(package, threads=1).classify(picture)
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=4e-3)
    # What tells strange pictures is the named package's, whose refusals were measured before.
    first, named = members(package)[0], members(load_model_package(tmp_path / "member"))[0]
    np.testing.assert_allclose(first.layers[0].weight, named.layers[0].weight, atol=1e-3)


def test_the_first_network_tells_strange_pictures(recipe: Recipe) -> None:
    kinds = ("efficientnet-lite0", "efficientnet-lite2")
    first, second = (build_network(replace(recipe, network=kind), classes=7).eval() for kind in kinds)
    picture = torch.full((1, 64, 64, 3), 90, dtype=torch.uint8)
    depths = [*zip(Ensemble([first, second]).stages(picture)[:-1], first.stages(picture)[:-1], strict=True)]
    assert depths
    for together, alone in depths:
        torch.testing.assert_close(together, alone)


def test_each_network_of_the_committed_package_is_a_start(recipe: Recipe) -> None:
    package = load_model_package(MELANOMA)
    picture = decode_image(next(iter(package.golden.values())))
    flipped = [picture, picture[::-1], picture[:, ::-1], picture[::-1, ::-1]]
    views = [CachedImage(plain=np.ascontiguousarray(view), sharp=None, target=0) for view in flipped]
    logits = []
    for name in ("efficientnet-lite0", "efficientnet-lite2"):
        network = build_network(replace(recipe, network=name), classes=7)
        start_from_package(network, MELANOMA, views=())
        logits.append(predict_logits(network, views, size_px=224).mean(axis=0))
    calibrated = np.mean(logits, axis=0) / package.manifest.temperature + np.array(package.manifest.calibration_bias)
    expected = recalibrated(torch.softmax(torch.from_numpy(calibrated), dim=0).numpy(), package.manifest)
    prediction = OpenVinoClassifier(package, threads=1).classify(picture)
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=4e-3)


def test_several_networks_are_not_taken_for_one_member() -> None:
    with pytest.raises(WarmStartError, match="holds 2 networks"):
        network_of(MELANOMA, recipes=list(RECIPES.values()))


def test_compressed_weights_halve_the_scalp_package_and_keep_its_answers(tmp_path: Path) -> None:
    package = load_model_package(SCALP)
    openvino = import_openvino()
    openvino.save_model(read_network(package), str(tmp_path / "plain.xml"), compress_to_fp16=True)
    model = with_compressed_weights(openvino.Core().read_model(tmp_path / "plain.xml"))
    openvino.save_model(model, str(tmp_path / "model.xml"), compress_to_fp16=True)
    graph, weights = ((tmp_path / f"model.{ending}").read_bytes() for ending in ("xml", "bin"))
    assert len(weights) < 0.7 * (tmp_path / "plain.bin").stat().st_size
    first, second = (
        OpenVinoClassifier(each, threads=1) for each in (package, replace(package, graph=graph, weights=weights))
    )
    for picture in package.golden.values():
        said = [list(each.classify(decode_image(picture)).probabilities.values()) for each in (first, second)]
        np.testing.assert_allclose(said[1], said[0], atol=package.manifest.golden[0].tolerance)


def test_a_member_that_learned_from_other_pictures_is_refused(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    recipe = replace(recipe, epochs=1, sizes_px=((0, 32),))
    trained(recipe, manifest, tmp_path / "run", seed=0)
    with pytest.raises(DataError, match="other rows"):
        export_run(run_dir=tmp_path / "run", manifest=manifest, out=tmp_path / "out", members=[SCALP], **WORDS)


def test_a_package_that_fits_no_network_is_named(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    recipe = replace(recipe, epochs=1, sizes_px=((0, 64),))
    trained(recipe, manifest, tmp_path / "run", seed=0)
    export_run(run_dir=tmp_path / "run", manifest=manifest, out=tmp_path / "package", **WORDS)
    with pytest.raises(WarmStartError, match="lite2-224"):
        network_of(tmp_path / "package", recipes=[replace(recipe, network="efficientnet-lite2", name="lite2-224")])
