import json
from pathlib import Path

import pytest

from edge.inference.model_package import Estimate, Metrics, ModelPackageAltered, load_model_package
from training.packaging import replace_metrics, write_package

COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"


def _metrics(split: str, value: float | None) -> Metrics:
    reason = None if value is not None else "needs both malignant and benign images"
    return Metrics(split=split, n=10, lesions=9, figures={"auc_malignant": Estimate(value=value, reason=reason)})


def test_what_is_written_loads_and_says_the_same(tmp_path: Path) -> None:
    package = load_model_package(COMMITTED)
    out = tmp_path / "melanoma"
    write_package(
        package.manifest,
        graph=package.graph,
        weights=package.weights,
        golden=package.golden,
        int8=package.int8,
        out=out,
    )
    again = load_model_package(out)
    assert again.manifest.model_copy(update={"files": package.manifest.files}) == package.manifest
    write_package(
        again.manifest, graph=again.graph, weights=again.weights, golden=again.golden, int8=again.int8, out=out
    )
    assert load_model_package(out).sha256 == again.sha256


def test_new_figures_stand_in_manifest_and_card_and_change_the_hash(tmp_path: Path) -> None:
    package = load_model_package(COMMITTED)
    out = tmp_path / "melanoma"
    updated = replace_metrics(package.manifest, [_metrics("elsewhere", 0.875), _metrics("nowhere", None)])
    write_package(
        updated, graph=package.graph, weights=package.weights, golden=package.golden, int8=package.int8, out=out
    )
    again = load_model_package(out)
    assert again.sha256 != package.sha256
    assert [entry.split for entry in again.manifest.metrics][-2:] == ["elsewhere", "nowhere"]
    card = (out / "card.md").read_text(encoding="utf-8")
    assert "0.875" in card
    assert "undefined: needs both malignant and benign images" in card


def test_figures_of_the_same_split_are_replaced(tmp_path: Path) -> None:
    manifest = load_model_package(COMMITTED).manifest
    twice = replace_metrics(replace_metrics(manifest, [_metrics("there", 0.5)]), [_metrics("there", 0.6)])
    there = [entry for entry in twice.metrics if entry.split == "there"]
    assert [entry.figures["auc_malignant"].value for entry in there] == [0.6]


def test_golden_pictures_and_their_answers_belong_together(tmp_path: Path) -> None:
    package = load_model_package(COMMITTED)
    files = {**package.golden, "golden-9.png": b"a picture"}
    with pytest.raises(ValueError, match="golden"):
        write_package(
            package.manifest, graph=package.graph, weights=package.weights, golden=files, out=tmp_path / "out"
        )
    assert not list(tmp_path.iterdir())


def test_a_package_written_again_is_unsigned(tmp_path: Path) -> None:
    package = load_model_package(COMMITTED)
    out = tmp_path / "melanoma"
    for _ in range(2):
        write_package(
            package.manifest,
            graph=package.graph,
            weights=package.weights,
            golden=package.golden,
            int8=package.int8,
            out=out,
        )
        assert not (out / "manifest.sig").exists()
        (out / "manifest.sig").write_text("of the manifest that is replaced")


def test_a_manifest_from_elsewhere_does_not_fit_the_files(tmp_path: Path) -> None:
    package = load_model_package(COMMITTED)
    out = tmp_path / "melanoma"
    write_package(
        package.manifest,
        graph=package.graph,
        weights=package.weights + b"x",
        golden=package.golden,
        int8=package.int8,
        out=out,
    )
    written = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    written["files"] = package.manifest.files
    (out / "manifest.json").write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(ModelPackageAltered):
        load_model_package(out)
