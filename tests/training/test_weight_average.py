"""Halfway between a run and the package that it went on from, and from no other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.inference.model_package import load_model_package
from training.data import DataError
from training.export import export_run, load_network
from training.recipes import Recipe
from training.tasks import SKIN_LESION
from training.train import Machine, Sources, Start, train
from training.warm_start import fold, members
from training.weight_average import halfway

pytestmark = pytest.mark.timeout(300)
WORDS = {
    "name": "blots",
    "version": "1.0.0",
    "licence_of_use": "tests only",
    "simulation_only": False,
    "allow_few": True,
}


def test_the_package_halfway_has_the_mean_of_both_networks(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    recipe = replace(recipe, epochs=1, sizes_px=((0, 64),))
    starts = {"first": Start(), "second": Start(package=tmp_path / "start")}
    for name, start in starts.items():
        train(
            recipe=recipe,
            task=SKIN_LESION,
            sources=Sources(manifest),
            run_dir=tmp_path / name,
            machine=Machine(threads=1),
            start=start,
        )
        if name == "first":
            export_run(run_dir=tmp_path / name, manifest=manifest, out=tmp_path / "start", **WORDS)
    words = WORDS | {"halfway_from": tmp_path / "start"}
    export_run(run_dir=tmp_path / "second", manifest=manifest, out=tmp_path / "between", **words)
    network = load_network(tmp_path / "second", recipe, classes=7)
    begun, made = (members(load_model_package(tmp_path / name))[0] for name in ("start", "between"))
    ends = [*zip(begun.layers, fold(network), made.layers, strict=True)]
    assert any(np.abs(a.weight - b.weight).max() > 0.01 for a, b, _ in ends)
    for a, b, between in ends:
        # Half-precision weights are all that is lost.
        np.testing.assert_allclose(between.weight, (a.weight + b.weight) / 2, atol=2e-3, rtol=2e-3)
        np.testing.assert_allclose(between.bias, (a.bias + b.bias) / 2, atol=2e-3, rtol=2e-3)
    head = (begun.head.weight + network.head.weight.detach().numpy()) / 2
    np.testing.assert_allclose(made.head.weight, head, atol=2e-3, rtol=2e-3)
    with pytest.raises(DataError, match="did not go on from"):
        halfway(network, tmp_path / "between", started_from=load_model_package(tmp_path / "start").sha256)
    with pytest.raises(DataError, match="did not go on from"):
        export_run(run_dir=tmp_path / "first", manifest=manifest, out=tmp_path / "none", **words)
