import csv
import hashlib
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edge.capture.phantom import render, scene_for
from edge.inference.instruction_sets import require_instructions
from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import decode_image
from tests.training.recalibration import recalibrated
from training.data import DataError, HeldOutSplitChosen, LeakageError, read_exclusions
from training.export import export_run, load_network
from training.images import CachedImage
from training.networks import build_network
from training.recipes import RECIPES, Recipe
from training.scalp_phantom import render_dataset
from training.sources import KNOWN
from training.state import CHECKPOINT, RunFolderInUse
from training.tasks import SCALP, SKIN_LESION
from training.train import Machine, Sources, Start, predict_logits, train
from training.warm_start import WarmStartError, start_from_package

COMMITTED = Path(__file__).parents[2] / "models" / "melanoma"

pytestmark = pytest.mark.timeout(300)


def _train(
    recipe: Recipe,
    manifest: Path,
    run_dir: Path,
    *,
    stop_after: int | None = None,
    package: Path | None = None,
    machine: Machine | None = None,
) -> None:
    train(
        recipe=recipe,
        task=SKIN_LESION,
        sources=Sources(manifest),
        run_dir=run_dir,
        machine=machine or Machine(threads=1),
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
    with pytest.raises(RunFolderInUse, match="other settings"):
        _train(replace(recipe, peak_lr=0.5), manifest, tmp_path / "run")
    with pytest.raises(RunFolderInUse, match="other settings"):
        _train(recipe, manifest, tmp_path / "run", machine=Machine(threads=1, precision="bf16"))


def test_a_run_that_was_killed_in_an_epoch_ends_as_one_that_was_not(
    recipe: Recipe, manifest: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _train(recipe, manifest, whole)
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from test_training import _train\n"
        "from training.recipes import RECIPES\n"
        f"recipe = replace(RECIPES['lite0-160'], sizes_px={recipe.sizes_px}, epochs={recipe.epochs}, "
        f"batch={recipe.batch}, peak_lr={recipe.peak_lr})\n"
        f"_train(recipe, Path({str(manifest)!r}), Path({str(killed)!r}))\n",
        encoding="utf-8",
    )
    with subprocess.Popen([sys.executable, "-u", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            # Its checkpoint is written; the second epoch is under way.
            if line.startswith("EpochResult(epoch=1"):
                process.kill()
                break
    assert process.returncode == -signal.SIGKILL
    assert len((killed / "curves.csv").read_text(encoding="utf-8").splitlines()) == 2
    _train(recipe, manifest, killed)
    first, second = (torch.load(run / CHECKPOINT, weights_only=True) for run in (whole, killed))
    for part in ("network", "ema"):
        for name, value in first[part].items():
            assert torch.equal(value, second[part][name]), f"{part}.{name} differs"


def test_a_run_killed_behind_its_last_checkpoint_still_gives_its_results(
    recipe: Recipe, manifest: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    _train(recipe, manifest, run)
    written = {name: (run / name).read_text(encoding="utf-8") for name in ("curves.csv", "metrics.json")}
    (run / "metrics.json").unlink()
    (run / "curves.csv").write_text("epoch,si", encoding="utf-8")
    (run / "leakage.json").write_text('{"cle', encoding="utf-8")
    _train(recipe, manifest, run)
    assert {name: (run / name).read_text(encoding="utf-8") for name in written} == written


def test_a_run_made_before_machines_were_written_down_goes_on(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    _train(recipe, manifest, run, stop_after=1)
    settings = json.loads((run / "settings.json").read_text(encoding="utf-8"))
    assert settings.pop("precision") == "f32"
    del settings["sources"]
    (run / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    saved = torch.load(run / CHECKPOINT, weights_only=True)
    del saved["cuda_rng"]
    for result in saved["history"]:
        assert "1 threads, f32" in result.pop("machine")
    torch.save(saved, run / CHECKPOINT)
    _train(recipe, manifest, run)
    rows = list(csv.DictReader((run / "curves.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["machine"] == "" for row in rows] == [True, False]


def test_a_test_split_trains_and_chooses_nothing(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    for train_on, validate_on in ((("ham10000", "train"), ("ham10000", "test")), (("*", "extra_test"), ("*", "val"))):
        with pytest.raises(HeldOutSplitChosen, match="test split"):
            train(
                recipe=recipe,
                task=SKIN_LESION,
                sources=Sources(manifest, train_on=(train_on,), validate_on=(validate_on,)),
                run_dir=tmp_path / "run",
            )


def test_a_picture_that_two_data_sets_share_stops_training_and_export(
    recipe: Recipe, manifest: Path, tmp_path: Path
) -> None:
    text = manifest.read_text(encoding="utf-8")
    _picture(7).save(manifest.parent / "shared.png")
    _picture(7).resize((120, 90)).save(manifest.parent / "copy.jpg", quality=60)
    manifest.write_text(
        text + "shared.png,ham10000,train,nv,shared,shared,\ncopy.jpg,elsewhere,val,nv,copy,copy,\n", encoding="utf-8"
    )
    leaky = Sources(
        manifest, train_on=(("ham10000", "train"),), validate_on=(("ham10000", "val"), ("elsewhere", "val"))
    )
    with pytest.raises(LeakageError, match=r"shared\.png \(learned from\) and copy\.jpg \(judged by\)"):
        train(recipe=recipe, task=SKIN_LESION, sources=leaky, run_dir=tmp_path / "run")
    (tmp_path / "list.csv").write_text("file,reason\nshared.png,a copy\n", encoding="utf-8")
    clean = replace(leaky, excluded=read_exclusions(tmp_path / "list.csv"))
    with pytest.raises(DataError, match="licence of data set 'elsewhere'"):
        train(recipe=recipe, task=SKIN_LESION, sources=clean, run_dir=tmp_path / "run")
    stated = '[elsewhere]\nname = "Elsewhere"\nlicence = "Tests only"\n'
    (manifest.parent / "sources.toml").write_text(stated, encoding="utf-8")
    train(
        recipe=replace(recipe, epochs=1), task=SKIN_LESION, sources=clean, run_dir=tmp_path / "run",
        machine=Machine(threads=1),
    )  # fmt: skip
    settings = json.loads((tmp_path / "run" / "settings.json").read_text(encoding="utf-8"))
    assert settings["data"]["excluded"] == ["shared.png"]
    # The rows are compared once: an export reads from the run's folder that they were.
    known = (tmp_path / "run" / "leakage.json").read_text(encoding="utf-8")
    train_records, _ = clean.records(SKIN_LESION, cache=tmp_path / "run" / "leakage.json")
    assert "shared.png" not in {record.file for record in train_records}
    assert (tmp_path / "run" / "leakage.json").read_text(encoding="utf-8") == known
    settings["data"]["excluded"] = []
    (tmp_path / "run" / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(LeakageError, match=r"shared\.png"):
        _export(tmp_path / "run", manifest, tmp_path / "out")


def test_a_test_picture_set_aside_for_what_was_learned_from_is_said_on_the_card(
    recipe: Recipe, manifest: Path, tmp_path: Path
) -> None:
    text = manifest.read_text(encoding="utf-8")
    _picture(7).save(manifest.parent / "other.png")
    shown_in_training = next(line for line in text.splitlines() if ",train," in line).split(",")[0]
    (manifest.parent / "copy.png").write_bytes((manifest.parent / shown_in_training).read_bytes())
    manifest.write_text(
        text + "copy.png,ham10000,test,nv,copy,copy,\nother.png,ham10000,test,nv,other,other,\n", encoding="utf-8"
    )
    sources = Sources(manifest, excluded=frozenset({"copy.png"}))
    train(
        recipe=replace(recipe, epochs=1), task=SKIN_LESION, sources=sources, run_dir=tmp_path / "run",
        machine=Machine(threads=1),
    )  # fmt: skip
    _export(tmp_path / "run", manifest, tmp_path / "out")
    limits = load_model_package(tmp_path / "out").manifest.limits
    assert [limit for limit in limits if limit.startswith("Of the pictures held out to test on, 1 were set aside")]


def _picture(seed: int) -> Image.Image:
    return Image.fromarray(render(scene_for(seed=seed, index=0), width_px=160, height_px=120))


def test_the_exported_package_answers_as_the_trained_network(recipe: Recipe, manifest: Path, tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "package"
    _train(recipe, manifest, run)
    _export(run, manifest, out)
    package = load_model_package(out, expected_name="blots")
    assert [entry.split for entry in package.manifest.metrics] == ["ham10000 val"]
    assert package.manifest.needs_instructions["x86_64"] == ("sse4_2",)
    require_instructions(package.manifest.needs_instructions)
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
    expected = recalibrated(torch.softmax(torch.from_numpy(calibrated), dim=0).numpy(), package.manifest)
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
    _export(tmp_path / "second", manifest, tmp_path / "further")
    # From the same rows: nothing that it is judged by can have been learned before.
    assert "went on from" not in (tmp_path / "further" / "card.md").read_text(encoding="utf-8")
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
    with pytest.raises(DataError, match="another network"):
        build_network(recipe, classes=7, weights=tmp_path / "imagenet.pt")


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"PK\x03\x04 cut off"])
def test_a_file_that_holds_no_weights_is_named(recipe: Recipe, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(DataError, match="is no state dictionary"):
        build_network(recipe, classes=7, weights=tmp_path / "weights.pt")


def test_a_folder_without_a_run_is_named(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder of a training run"):
        _export(tmp_path / "nothing", manifest, tmp_path / "out")


def test_googlenet_has_the_names_and_shapes_of_torchvisions() -> None:
    listed = (Path(__file__).parent / "torchvision_googlenet.txt").read_text(encoding="utf-8").splitlines()
    own = build_network(RECIPES["published"], classes=1000).state_dict()
    assert [f"{name} {'x'.join(map(str, value.shape)) or '-'}" for name, value in own.items()] == listed


def test_googlenet_goes_on_from_a_run_on_lesions_to_scalps(manifest: Path, tmp_path: Path) -> None:
    published = replace(RECIPES["published"], sizes_px=((0, 64),), epochs=1, batch=14)
    _train(published, manifest, tmp_path / "lesions")
    checkpoint = tmp_path / "lesions" / CHECKPOINT
    learned = torch.load(checkpoint, weights_only=True)
    # What is kept is the averaged network, as exported; the head for seven classes is not.
    learned["ema"]["inception5b.branch1.conv.weight"].fill_(0.25)
    torch.save(learned, checkpoint)
    network = build_network(published, classes=2, weights=checkpoint)
    assert torch.equal(network.conv2.conv.weight, learned["ema"]["conv2.conv.weight"])
    assert (network.inception5b.branch1.conv.weight == 0.25).all()
    assert network.fc.out_features == network.aux1.fc2.out_features == 2
    scalps = render_dataset(tmp_path / "scalp", count=40, seed=1, size_px=64)
    train(
        recipe=published,
        task=SCALP,
        sources=Sources(scalps),
        run_dir=tmp_path / "scalps",
        machine=Machine(threads=1),
        start=Start(weights=checkpoint),
    )
    settings = json.loads((tmp_path / "scalps" / "settings.json").read_text(encoding="utf-8"))
    assert settings["weights"] == {
        "file": CHECKPOINT,
        "sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
    }
    # The licence of the lesions comes along.
    (lesions,) = json.loads((tmp_path / "lesions" / "settings.json").read_text(encoding="utf-8"))["sources"]
    assert [source["licence"] for source in settings["sources"]] == [KNOWN["scalp-phantom"].licence, lesions["licence"]]
    with pytest.raises(RunFolderInUse):
        torch.save(learned["ema"], checkpoint)
        train(
            recipe=published,
            task=SCALP,
            sources=Sources(scalps),
            run_dir=tmp_path / "scalps",
            start=Start(weights=checkpoint),
        )


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
        allow_few=True,
    )
