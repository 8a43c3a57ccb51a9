"""Turn a trained run into a model package."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy.special import softmax

from edge.inference.classifier import Prediction
from edge.inference.model_package import (
    InputSpec,
    ModelManifest,
    ModelPackage,
    Source,
    Thresholds,
    TrainingData,
    load_model_package,
)
from edge.inference.openvino_classifier import OpenVinoClassifier, import_openvino
from edge.inference.preprocess import to_input
from training.calibrate import (
    FEWEST_OF_EACH,
    choose_decision_weights,
    choose_thresholds,
    fit_calibration,
    refuse_too_few,
)
from training.data import DataError, Record, fingerprint
from training.evaluate import described_rows, metrics_of, resampling_units
from training.golden import golden_answers, golden_images, golden_scalps
from training.graph import OUTPUTS, ExportGraph, Statistics, convert, fit_space, to_openvino
from training.images import CachedImage, load_images
from training.metrics import Scores
from training.networks import build_network
from training.networks.ensemble import Ensemble
from training.packaging import refuse_other_folder, write_package
from training.recipes import RECIPES, Recipe
from training.risk_curve import fit_risk_curve
from training.scalp_phantom import DATASET as SIMULATED
from training.sources import sources_of, sources_of_package, united
from training.state import CHECKPOINT, LEAKAGE, settings_of
from training.tasks import TASKS, TaskDescription
from training.train import Sources
from training.warm_start import network_of

# Replaced by the calibrated ones before the package is written.
_PROVISIONAL: Final = Thresholds(moderate=0.25, high=0.75, ood=1e9)
NEEDED_INSTRUCTIONS: Final[dict[str, tuple[str, ...]]] = {"x86_64": ("sse4_2",), "aarch64": ("asimd",)}
"""What OpenVINO's CPU plugin is built for; anything beyond it finds out by itself."""
# Enough for a covariance of some hundred statistics, drawn at random.
_SPACE_IMAGES: Final = 3000


def export_run(
    *,
    run_dir: Path,
    manifest: Path,
    out: Path,
    name: str,
    version: str,
    licence_of_use: str,
    licence_of_use_in: Mapping[str, str] = MappingProxyType({}),
    simulation_only: bool,
    members: Sequence[Path] = (),
    compress_weights: bool = False,
    allow_few: bool = False,
    further_limits: Sequence[str] = (),
) -> ModelManifest:
    """Export, calibrate on the run's validation rows and write the package; no other row is touched.

    `members` are packages, trained on the same rows, whose networks answer together with the run's, which comes last:
    the first one's features tell strange pictures. With `allow_few` any number of validation images will do, and the
    package says so. `further_limits` are sentences for the card, beside the task's own.

    Raises:
        DataError: the manifest's rows are not the ones that the run, or a member, was trained on.
        LeakageError: what it learned from is not independent of what it is judged by.
        WarmStartError: a member's network cannot be read.
        CalibrationError: the validation rows are too few, or cannot set the thresholds.
    """
    refuse_other_folder(out)
    settings = settings_of(run_dir)
    recipe = TypeAdapter(Recipe).validate_python(settings["recipe"])
    task = TASKS[settings["task"]]
    sources = Sources(
        manifest=manifest,
        train_on=tuple((dataset, split) for dataset, split in settings["data"]["train_on"]),
        validate_on=tuple((dataset, split) for dataset, split in settings["data"]["validate_on"]),
        excluded=frozenset(settings["data"].get("excluded", ())),
    )
    train_records, val_records = sources.records(task, cache=run_dir / LEAKAGE)
    if not simulation_only and any(record.dataset == SIMULATED for record in (*train_records, *val_records)):
        raise DataError(f"data set {SIMULATED} is rendered: a package that learned from it is for simulation only")
    if not allow_few:
        refuse_too_few(np.isin([record.label for record in val_records], task.positive))
    used = fingerprint([*train_records, *val_records])
    if used != settings["data"]["fingerprint"]:
        raise DataError("the manifest is not the one that this run was trained on")
    network = load_network(run_dir, recipe, classes=len(task.labels))
    if members:
        network = Ensemble([*(_member(path, data=used) for path in members), network]).eval()
    print("statistics of the training and validation images", flush=True)
    drawn = np.random.default_rng(0).permutation(len(train_records))[:_SPACE_IMAGES]
    load = partial(load_images, root=manifest.parent, labels=task.labels, input_px=recipe.size_px)
    statistics, _ = statistics_and_logits(network, (load([train_records[i]])[0] for i in drawn), size_px=recipe.size_px)
    val_images = load(val_records)
    _, val_logits = statistics_and_logits(network, val_images, size_px=recipe.size_px)
    val_targets = np.array([image.target for image in val_images])
    calibration = fit_calibration(val_logits, val_targets)
    space = fit_space(statistics)
    positive = [task.labels.index(label) for label in task.positive]
    val_probabilities = softmax(calibration.apply(val_logits), axis=1)
    curve = fit_risk_curve(val_probabilities[:, positive].sum(axis=1), np.isin(val_targets, positive))
    exported = ExportGraph(network, positive=positive, calibration=calibration, space=space, curve=curve)
    graph, weights = to_openvino(
        exported, size_px=recipe.size_px, labels=task.labels, compress_weights=compress_weights
    )
    described = ModelManifest(
        format=2,
        name=name,
        version=version,
        task=task.task,
        labels=task.labels,
        positive=task.positive,
        input=InputSpec(width=recipe.size_px, height=recipe.size_px, colour="RGB", crop="centre-square", resize="area"),
        outputs=OUTPUTS,
        thresholds=_PROVISIONAL,
        temperature=calibration.temperature,
        calibration_bias=calibration.bias,
        risk_curve=curve,
        needs_instructions=NEEDED_INSTRUCTIONS,
        files={"model.xml": "0" * 64, "model.bin": "0" * 64},
        training_data=TrainingData(
            fingerprint=used,
            sources=united(
                sources_of(manifest, [*train_records, *val_records]),
                TypeAdapter(tuple[Source, ...]).validate_python(settings.get("sources", ())),
                *(sources_of_package(load_model_package(path).manifest) for path in members),
            ),
            counts=dict(Counter(f"{record.dataset} {record.split}" for record in (*train_records, *val_records))),
        ),
        licence_of_use=licence_of_use,
        licence_of_use_in=dict(licence_of_use_in),
        intended_use=task.intended_use,
        limits=(
            *task.limits,
            *_further_limits(
                simulation_only=simulation_only,
                few=allow_few,
                set_aside=len(sources.set_aside()),
                started_elsewhere=_started_elsewhere(settings),
            ),
            *further_limits,
        ),
        clinical=False,
        simulation_only=simulation_only,
        metrics=(),
        created_at=datetime.now(UTC),
    )
    # Thresholds come from what the kiosk will compute, half-precision weights included, not from torch.
    package = ModelPackage(manifest=described, directory=out, sha256="", graph=graph, weights=weights)
    predictions = predict(package, val_images)
    scores = _scores(predictions, val_records, task=task)
    thresholds = choose_thresholds(scores)
    weights_of_classes = choose_decision_weights(scores.probabilities, scores.targets, labels=task.labels)
    judged_by = described_rows(val_records)
    measured = metrics_of(replace(scores, decision_weights=weights_of_classes), split=judged_by, thresholds=thresholds)
    complete = described.model_copy(
        update={"thresholds": thresholds, "decision_weights": weights_of_classes, "metrics": (measured,)},
    )
    pictures = golden_images() if task.task == "skin-lesion" else golden_scalps()
    answers, golden = golden_answers(replace(package, manifest=complete), pictures)
    complete = complete.model_copy(update={"golden": answers})
    write_package(complete, graph=graph, weights=weights, golden=golden, out=out)
    return complete


def _started_elsewhere(settings: Mapping[str, Any]) -> bool:
    """Whether the run went on from a network of which nothing shows that it learned from the same rows."""
    if settings.get("start_from") is None and settings.get("weights") is None:
        return False
    return bool(settings.get("start_learned_from") != settings["data"]["fingerprint"])


def _further_limits(*, simulation_only: bool, few: bool, set_aside: int, started_elsewhere: bool) -> Iterator[str]:
    if simulation_only:
        yield (
            "It learned from, and was measured on, rendered pictures alone: no figure of it says how it would do on a "
            "person."
        )
    if set_aside:
        yield (
            f"Of the pictures held out to test on, {set_aside} were set aside when it was trained, such as those of "
            "lesions that it learned from: a figure that counts them is too good."
        )
    if started_elsewhere:
        yield (
            "It went on from a network that had learned from other rows, or from unknown ones: if those show lesions "
            "that it is measured on, its figures are too good."
        )
    if few:
        yield (
            f"Its limits may have been set on fewer than {FEWEST_OF_EACH} positive or negative images, and mean little."
        )


def _member(path: Path, *, data: str) -> Any:
    learned_from = load_model_package(path).manifest.training_data
    if learned_from is None or learned_from.fingerprint != data:
        # Its validation rows may be among those that the other learned from.
        raise DataError(f"{path} was trained on other rows")
    return network_of(path, recipes=list(RECIPES.values()))


def load_network(run_dir: Path, recipe: Recipe, *, classes: int) -> Any:
    """Return the run's averaged network, ready to infer."""
    network = build_network(replace(recipe, dropout=0.0, drop_connect=0.0), classes=classes)
    network.load_state_dict(torch.load(run_dir / CHECKPOINT, weights_only=True, map_location="cpu")["ema"])
    return network.eval()


def statistics_and_logits(
    network: Any, images: Iterable[CachedImage], *, size_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return statistics [N, D] and logits [N, classes] over the reflections, by OpenVINO: much faster than torch."""
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    model = convert(Statistics(network), size_px=size_px)
    request = import_openvino().Core().compile_model(model, "CPU", settings).create_infer_request()
    statistics, logits = [], []
    for image in images:
        results = request.infer([to_input(image.best, width=size_px, height=size_px)])
        statistics.append(results[0][0].copy())
        logits.append(results[1][0].copy())
    return np.stack(statistics), np.stack(logits)


def predict(package: ModelPackage, images: Sequence[CachedImage]) -> list[Prediction]:
    """Classify each picture as the kiosk would."""
    classifier = OpenVinoClassifier(package)
    predictions = [classifier.classify(image.best) for image in images]
    classifier.close()
    return predictions


def _scores(predictions: Sequence[Prediction], records: Sequence[Record], *, task: TaskDescription) -> Scores:
    return Scores(
        labels=task.labels,
        positive_labels=task.positive,
        targets=np.array([task.labels.index(record.label) for record in records]),
        groups=resampling_units(records)[1],
        probabilities=np.array([[p.probabilities[label] for label in task.labels] for p in predictions]),
        ood=np.array([p.ood_score for p in predictions]),
        disagreement=np.array([p.disagreement for p in predictions], dtype=float),
    )
