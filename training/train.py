"""Train one recipe; a run can be stopped at any time and continues from its last whole epoch with the same result."""

import hashlib
import math
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from edge.inference.model_package import Source, load_model_package
from training.batches import batches, prepared
from training.data import (
    ANY_DATASET,
    DataError,
    Record,
    fingerprint,
    is_held_out,
    of_split,
    read_manifest,
    refuse_held_out_split,
)
from training.images import CachedImage, eval_batch, load_images
from training.leakage import check_roles
from training.losses import class_weights, loss_of
from training.metrics import auc, balanced_accuracy
from training.networks import build_network
from training.recipes import Recipe
from training.sources import sources_of, sources_of_package, united
from training.state import (
    CHECKPOINT,
    LEAKAGE,
    SETTINGS,
    EpochResult,
    State,
    fingerprint_beside,
    keep_settings,
    new_state,
    sources_of_weights,
    write_results,
)
from training.table import read_table
from training.tasks import ALL_LABELS, TaskDescription
from training.trunk import Trunk
from training.warm_start import start_from_package

_EVAL_BATCH: Final = 64
# A random crop still has more pixels than the view that is made of it.
_KEPT_OVERSAMPLING: Final = 2
_STATISTICS_BATCHES: Final = 24
_REPORT_STEPS: Final = 20


@dataclass(frozen=True)
class Sources:
    """The rows of a manifest that a run learns from and those that it is judged by, as (data set, split) pairs.

    `excluded` are files whose rows are left out.
    """

    manifest: Path
    train_on: tuple[tuple[str, str], ...] = ((ANY_DATASET, "train"),)
    validate_on: tuple[tuple[str, str], ...] = ((ANY_DATASET, "val"),)
    excluded: frozenset[str] = frozenset()

    def records(self, task: TaskDescription, *, cache: Path | None = None) -> tuple[list[Record], list[Record]]:
        """Return the training and the validation rows.

        They share no patient, lesion, group or picture with each other, nor with any test split of the manifest.

        `cache` remembers that the pictures were compared.

        Raises:
            HeldOutSplitChosen: a split is named that may only be looked at at the end.
            LeakageError: what the rows share.
            DataError: the manifest cannot be used.
        """
        for _, split in (*self.train_on, *self.validate_on):
            refuse_held_out_split(split)
        train, validation = (self._of(pairs, task) for pairs in (self.train_on, self.validate_on))
        check_roles(train, validation, self._held_out(), root=self.manifest.parent, cache=cache)
        return train, validation

    def set_aside(self) -> list[str]:
        """Return the excluded files that belong to a test split: no figure of the model may count them."""
        return [
            row["file"]
            for _, row in read_table(self.manifest)
            if row["file"] in self.excluded and is_held_out(row["split"])
        ]

    def _held_out(self) -> list[Record]:
        """Return the rows of every test split, of other tasks' data sets too."""
        rows = read_manifest(self.manifest, dataset=ANY_DATASET, labels=ALL_LABELS, excluded=self.excluded)
        return [record for record in rows if is_held_out(record.split)]

    def _of(self, pairs: Sequence[tuple[str, str]], task: TaskDescription) -> list[Record]:
        return [
            record
            for dataset, split in pairs
            for record in of_split(
                read_manifest(self.manifest, dataset=dataset, labels=task.labels, excluded=self.excluded), split
            )
        ]


@dataclass(frozen=True)
class Start:
    """What a network starts from, if not from its recipe's own weights: a model package or a state dictionary."""

    package: Path | None = None
    weights: Path | None = None

    def sources(self) -> tuple[Source, ...]:
        """Return what that learned from."""
        if self.package is not None:
            return sources_of_package(load_model_package(self.package).manifest)
        return () if self.weights is None else sources_of_weights(self.weights)

    def fingerprint(self) -> str | None:
        """Return the fingerprint of the rows that it learned from and was judged by; None where it is not recorded."""
        if self.package is not None:
            known = load_model_package(self.package).manifest.training_data
            return None if known is None else known.fingerprint
        return None if self.weights is None else fingerprint_beside(self.weights)


@dataclass(frozen=True)
class Machine:
    """What a run computes on; none of it belongs to the recipe."""

    threads: int = 2
    precision: Literal["f32", "bf16"] = "f32"

    @property
    def device(self) -> str:
        """A GPU when there is one."""
        return "cuda" if torch.cuda.is_available() else "cpu"

    @property
    def described(self) -> str:
        """Everything that may change the last digits of a result."""
        device = torch.cuda.get_device_name() if self.device == "cuda" else platform.machine()
        return f"{device}, {self.threads} threads, {self.precision}"


def train(
    *,
    recipe: Recipe,
    task: TaskDescription,
    sources: Sources,
    run_dir: Path,
    seed: int = 0,
    machine: Machine | None = None,
    start: Start | None = None,
    stop_after: int | None = None,
) -> None:
    """Train until the recipe's last epoch, or `stop_after` whole epochs, writing into `run_dir` after each.

    Raises:
        RunFolderInUse: the folder holds a run with other settings or data.
        DataError: one of its subclasses; the manifest cannot be used, a data set's source is not stated, or its images
            do not fill one batch.
    """
    machine, start = machine or Machine(), start or Start()
    torch.set_num_threads(machine.threads)
    cv2.setNumThreads(1)
    run_dir.mkdir(parents=True, exist_ok=True)
    train_records, val_records = sources.records(task, cache=run_dir / LEAKAGE)
    keep_settings(
        run_dir / SETTINGS,
        {
            "recipe": asdict(recipe),
            "task": task.task,
            "labels": list(task.labels),
            "seed": seed,
            "data": {
                "manifest": sources.manifest.name,
                "train_on": [list(pair) for pair in sources.train_on],
                "validate_on": [list(pair) for pair in sources.validate_on],
                "fingerprint": fingerprint([*train_records, *val_records]),
                **({"excluded": sorted(sources.excluded)} if sources.excluded else {}),
            },
            # Rows of which it may have learned some that this run is judged by.
            "start_learned_from": start.fingerprint(),
            # Their licences hold for what is made of them, whatever it learns later.
            "sources": [
                source.model_dump()
                for source in united(sources_of(sources.manifest, [*train_records, *val_records]), start.sources())
            ],
            "start_from": None if start.package is None else load_model_package(start.package).sha256,
            "weights": None if start.weights is None else _identity(start.weights),
            # Another arithmetic trains another network; how many threads, or which GPU, stands with each epoch.
            "precision": machine.precision,
            "torch": torch.__version__,
        },
    )
    root = sources.manifest.parent
    input_px = recipe.size_px
    images = load_images(
        train_records, root=root, labels=task.labels, input_px=input_px, largest_px=_KEPT_OVERSAMPLING * input_px
    )
    val_images = load_images(val_records, root=root, labels=task.labels, input_px=input_px)
    print(f"{len(images)} training and {len(val_images)} validation images in memory", flush=True)
    if len(images) < recipe.batch:
        raise DataError(f"{len(images)} training images do not fill one batch of {recipe.batch}")

    torch.manual_seed(seed)
    network = build_network(recipe, classes=len(task.labels), weights=start.weights)
    if start.package is not None:
        views = (views for views, _ in batches(images, recipe=recipe, epoch=0, seed=seed))
        start_from_package(network, start.package, views=list(islice(views, _STATISTICS_BATCHES)))
    trunk = Trunk(network, blocks=recipe.frozen_blocks, batch=recipe.batch, threads=machine.threads)
    state = new_state(recipe, network.to(machine.device))
    if (run_dir / CHECKPOINT).exists():
        state.restore(run_dir / CHECKPOINT)
        # The run may have been killed between its checkpoint and these.
        write_results(run_dir, state.history)
        print(f"continuing after epoch {len(state.history)}", flush=True)
    last = recipe.epochs if stop_after is None else min(stop_after, recipe.epochs)
    for epoch in range(len(state.history), last):
        started = time.monotonic()
        train_loss = _train_epoch(state, images, trunk=trunk, recipe=recipe, epoch=epoch, seed=seed, machine=machine)
        result = EpochResult(
            epoch=epoch + 1,
            size_px=recipe.size_at(epoch),
            train_loss=train_loss,
            **validate(state.ema, val_images, size_px=recipe.size_px, task=task, device=machine.device),
            machine=machine.described,
            seconds=round(time.monotonic() - started, 1),
        )
        state.history.append(result)
        state.save(run_dir / CHECKPOINT)
        write_results(run_dir, state.history)
        print(result, flush=True)


def _identity(weights: Path) -> dict[str, str]:
    try:
        with weights.open("rb") as stream:
            return {"file": weights.name, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
    except OSError as error:
        raise DataError(f"{weights} cannot be read: {error.strerror}") from error


def learning_rate(recipe: Recipe, *, step: int, steps: int) -> float:
    """Return the rate: constant, or one cycle of linear warm-up and a half cosine to zero."""
    if recipe.schedule == "constant":
        return recipe.peak_lr
    warmup = max(1, round(steps * recipe.warmup_fraction))
    if step < warmup:
        return recipe.peak_lr * (step + 1) / warmup
    return recipe.peak_lr * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _train_epoch(
    state: State,
    images: Sequence[CachedImage],
    *,
    trunk: Trunk,
    recipe: Recipe,
    epoch: int,
    seed: int,
    machine: Machine,
) -> float:
    per_epoch = len(images) // recipe.batch
    steps = per_epoch * recipe.epochs
    classes = state.network.head.out_features
    weights = torch.from_numpy(
        class_weights(np.array([image.target for image in images]), classes=classes, power=recipe.class_balance)
    ).to(machine.device)
    state.network.train()
    total, started = 0.0, time.monotonic()
    source = prepared(images, trunk=trunk, recipe=recipe, epoch=epoch, seed=seed)
    for number, (batch, targets) in enumerate(source, start=1):
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step=state.step, steps=steps)
        on_device = batch.to(machine.device)
        with torch.autocast(machine.device, torch.bfloat16, enabled=machine.precision == "bf16"):
            features = on_device if recipe.frozen_blocks else state.network.first_layers(on_device, blocks=0)
            logits = state.network.logits(features, blocks=recipe.frozen_blocks)
        loss = loss_of(
            [each.float() for each in logits],
            targets,
            recipe=recipe,
            weights=weights,
        )
        state.optimizer.zero_grad()
        loss.backward()
        if recipe.gradient_limit is not None:
            trained = [p for group in state.optimizer.param_groups for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(trained, recipe.gradient_limit)
        state.optimizer.step()
        state.step += 1
        state.update_ema(recipe.ema_decay)
        total += loss.item()
        if number % _REPORT_STEPS == 0 or number == per_epoch:
            rate = number * recipe.batch / (time.monotonic() - started)
            left_s = _pixels_left(recipe, epoch=epoch, done=number / per_epoch) * per_epoch * recipe.batch / rate
            print(
                f"epoch {epoch + 1}/{recipe.epochs} step {number}/{per_epoch} loss {total / number:.3f} "
                f"{rate:.1f} images/s, about {left_s / 60:.0f} min left",
                flush=True,
            )
    return total / per_epoch


def _pixels_left(recipe: Recipe, *, epoch: int, done: float) -> float:
    """Return the work left in epochs of the present size; it grows with the area of the images."""
    area = recipe.size_at(epoch) ** 2
    return 1 - done + sum(recipe.size_at(later) ** 2 / area for later in range(epoch + 1, recipe.epochs))


def predict_logits(
    network: Any, images: Sequence[CachedImage], *, size_px: int, device: str = "cpu"
) -> NDArray[np.float32]:
    """Return the network's logits [N, classes] on images prepared as on the kiosk."""
    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), _EVAL_BATCH):
            batch = torch.from_numpy(eval_batch(images[start : start + _EVAL_BATCH], size_px=size_px)).to(device)
            parts.append(network.logits(network.first_layers(batch, blocks=0), blocks=0)[0].cpu().numpy())
    return np.concatenate(parts)


def validate(
    network: Any, images: Sequence[CachedImage], *, size_px: int, task: TaskDescription, device: str
) -> dict[str, Any]:
    """Return the validation figures of `EpochResult`."""
    logits = predict_logits(network, images, size_px=size_px, device=device)
    targets = np.array([image.target for image in images])
    probabilities = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    positive = [task.labels.index(label) for label in task.positive]
    return {
        "val_loss": float(-np.log(np.maximum(probabilities[np.arange(len(targets)), targets], 1e-12)).mean()),
        "val_auc_positive": auc(np.isin(targets, positive), probabilities[:, positive].sum(axis=1)),
        "val_balanced_accuracy": balanced_accuracy(targets, probabilities.argmax(axis=1)),
    }
