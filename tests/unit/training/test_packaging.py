import json
import shutil
from pathlib import Path

import pytest

from edge.inference.model_package import Estimate, Metrics, ModelPackageAltered, load_model_package
from edge.inference.precision import PrecisionEffect
from training.card import refuse_name, render_card
from training.data import DataError
from training.packaging import record, replace_metrics, write_package

COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"
SCALP = COMMITTED.with_name("scalp")


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
        out=out,
    )
    again = load_model_package(out)
    assert again.manifest.model_copy(update={"files": package.manifest.files}) == package.manifest
    write_package(again.manifest, graph=again.graph, weights=again.weights, golden=again.golden, out=out)
    assert load_model_package(out).sha256 == again.sha256


def test_new_figures_stand_in_manifest_and_card_and_change_the_hash(tmp_path: Path) -> None:
    package = load_model_package(COMMITTED)
    out = tmp_path / "melanoma"
    updated = replace_metrics(package.manifest, [_metrics("elsewhere", 0.875), _metrics("nowhere", None)])
    write_package(updated, graph=package.graph, weights=package.weights, golden=package.golden, out=out)
    again = load_model_package(out)
    assert again.sha256 != package.sha256
    assert [entry.split for entry in again.manifest.metrics][-2:] == ["elsewhere", "nowhere"]
    card = (out / "card.md").read_text(encoding="utf-8")
    assert "0.875" in card
    assert "undefined: needs both malignant and benign images" in card


def test_figures_measured_side_by_side_are_all_kept_and_those_of_another_package_refused(tmp_path: Path) -> None:
    out = tmp_path / "melanoma"
    shutil.copytree(COMMITTED, out)
    first, second = load_model_package(out), load_model_package(out)
    record(first, [_metrics("elsewhere", 0.875)])
    record(second, [_metrics("nowhere", None)])
    there = load_model_package(out).manifest
    assert [entry.split for entry in there.metrics][-2:] == ["elsewhere", "nowhere"]
    limits = there.thresholds.model_copy(update={"ood": 1.0})
    changed = there.model_copy(update={"thresholds": limits})
    write_package(changed, graph=first.graph, weights=first.weights, golden=first.golden, out=out)
    with pytest.raises(DataError, match="changed since"):
        record(second, [_metrics("elsewhere", 0.5)])


def test_the_card_of_a_simulation_says_so_in_bold_before_anything_else(tmp_path: Path) -> None:
    manifest = load_model_package(SCALP).manifest
    assert manifest.simulation_only
    title, _, warning, *_ = render_card(manifest).splitlines()
    assert title.startswith("# Model card")
    assert warning.startswith("**Simulation only.")
    assert "none says how it would do on a person" in warning
    assert "**Simulation" not in render_card(load_model_package(COMMITTED).manifest)
    assert "malignancy" not in render_card(manifest)


def test_the_card_says_the_licence_as_patients_are_shown_it() -> None:
    manifest = load_model_package(COMMITTED).manifest
    card = render_card(manifest.model_copy(update={"licence_of_use_in": {"es": "Solo para pruebas."}}))
    assert "Shown to patients in es as: Solo para pruebas." in card
    assert "Shown to patients" not in render_card(manifest.model_copy(update={"licence_of_use_in": {}}))


def test_the_card_shows_all_that_was_recorded(tmp_path: Path) -> None:
    manifest = load_model_package(COMMITTED).manifest
    small = Estimate(value=None, reason="too small to judge: fewer than 20 positive or negative images")
    area = Estimate(value=0.91, low=0.88, high=0.94)
    figures = {
        "auc_malignant": area,
        "one_point_balanced_accuracy_high": Estimate(value=0.84),
        "brier_malignant": Estimate(value=0.07),
    }
    entries = [
        Metrics(split="there test", n=90, lesions=80, figures=figures),
        Metrics(split="there test by skin tone (ITA): brown", n=40, lesions=38, figures={"auc_malignant": area}),
        Metrics(split="there test by sex: f", n=40, lesions=38,
                figures={"auc_malignant": Estimate(value=0.8, low=0.7, high=0.9)}),
        Metrics(split="there test by skin tone (ITA): dark", n=4, lesions=4, figures={"auc_malignant": small}),
        Metrics(split="refusal: faces", n=50, lesions=20, figures={"refused": area, "auroc": area}),
        Metrics(split="faithfulness on there val", n=30, lesions=30,
                figures={"overall_advantage_over_random_maps": area,
                         "overall_advantage_over_centred_maps": Estimate(value=0.0125, low=0.0004, high=0.03),
                         "deletion_advantage_over_centred_maps": Estimate(value=0.01, low=-0.02, high=0.03)}),
        Metrics(split="colour and texture alone on there val", n=60, lesions=30, figures={"auc_malignant": area}),
        Metrics(split="against the published recipe on there test", n=90, lesions=80,
                figures={"auc_malignant_difference": area, "auc_malignant_delong_p": Estimate(value=1e-9)}),
    ]  # fmt: skip
    effect = PrecisionEffect(
        n=90, auc_change=-0.001, ece_change=0.002, refused_change=0.0, tiers_changed=0.01, change_p99=0.03
    )
    card = render_card(
        manifest.model_copy(update={"metrics": tuple(entries), "precisions": {"bf16": effect}})
    ).splitlines()
    for line in (
        "| ROC AUC, malignant against the rest | 0.910 | 0.880 to 0.940 |",
        "| one-point balanced accuracy at the high limit (Yu et al. 2022 call it AUC) | 0.840 | - |",
        "| Brier score of the probability of malignant | 0.070 | - |",
        "### there test, by who and where",
        "| skin tone (ITA): brown | 40 | 0.910 (0.880 to 0.940) |",
        "| skin tone (ITA): dark | 4 | too small to judge: fewer than 20 positive or negative images |",
        "- ROC AUC, malignant against the rest, 0.800 (0.700 to 0.900): sex: f",
        "| faces | 50 | 20 units | 0.910 (0.880 to 0.940) | 0.910 (0.880 to 0.940) |",
        "| overall advantage over random maps | 0.910 | 0.880 to 0.940 |",
        "| overall advantage over centred maps | 0.013 | 0.0004 to 0.030 |",
        "**Not shown here: deletion advantage over centred maps.**",
        "## What colour and texture alone give: 60 images of there val",
        "## Compared, on the same 90 images: this package against the published recipe on there test",
        "| ROC AUC, malignant against the rest: difference | 0.910 | 0.880 to 0.940 |",
        "| ROC AUC, malignant against the rest: p of the difference (DeLong) | < 0.001 | - |",
        "| bf16 | yes | 90 | -0.0010 | +0.0020 | +0.0000 | 0.010 | up to 0.030 |",
    ):
        assert line in card, line
    assert len([line for line in card if "Not shown here" in line]) == 1


def test_figures_of_a_split_replace_those_of_its_strata_too() -> None:
    manifest = load_model_package(COMMITTED).manifest
    before = [_metrics("there", 0.5), _metrics("there by sex: f", 0.4), _metrics("there and back", 0.3)]
    after = replace_metrics(
        replace_metrics(manifest, before), [_metrics("there", 0.6), _metrics("there by sex: m", 0.7)]
    )
    names = [entry.split for entry in after.metrics if entry.split.startswith("there")]
    assert names == ["there and back", "there", "there by sex: m"]


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
        out=out,
    )
    written = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    written["files"] = package.manifest.files
    (out / "manifest.json").write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(ModelPackageAltered):
        load_model_package(out)


def test_a_package_replaces_a_package_and_nothing_else(tmp_path: Path) -> None:
    package = load_model_package(COMMITTED)
    out = tmp_path / "mine"
    (out / "sub").mkdir(parents=True)
    (out / "sub" / "thesis.txt").write_text("years of work")
    for place in (out, out / "sub" / "thesis.txt"):
        with pytest.raises(DataError, match="is no model package"):
            write_package(
                package.manifest, graph=package.graph, weights=package.weights, golden=package.golden, out=place
            )
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "sub", "thesis.txt"]


def test_data_is_not_recorded_under_a_name_that_the_card_would_hide() -> None:
    for name in ("photos by clinic", "against all odds", "refusal: mine"):
        with pytest.raises(DataError, match="another name"):
            refuse_name(name)
    refuse_name("photos of my clinic, small images only")
