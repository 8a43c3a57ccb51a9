"""Train one recipe; a run can be stopped at any time and continues from its last whole epoch with the same result."""

import csv
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training.augment import augment
from training.data import HAM10000_LABELS, HAM10000_MALIGNANT, fingerprint, of_split, read_manifest
from training.images import CachedImage, eval_batch, load_images
from training.metrics import auc, balanced_accuracy
from training.network import build_network, normalise
from training.recipes import Recipe

CHECKPOINT: Final = "checkpoint.pt"
_EVAL_BATCH: Final = 64
_EMA_WARMUP_STEPS: Final = 10
_GRADIENT_LIMIT: Final = 5.0


@dataclass(frozen=True)
class EpochResult:
    """One line of curves.csv."""

    epoch: int
    size_px: int
    train_loss: float
    val_loss: float
    val_auc_malignant: float | None
    val_auc_melanoma: float | None
    val_balanced_accuracy: float
    seconds: float


@dataclass
class State:
    """Everything that a resumed run needs to end as an uninterrupted one would."""

    network: Any
    ema: Any
    optimizer: Any
    step: int
    history: list[EpochResult]

    def save(self, path: Path) -> None:
        """Write atomically: a run killed while saving still has its previous checkpoint."""
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "network": self.network.state_dict(),
                "ema": self.ema.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "history": [asdict(result) for result in self.history],
                "torch_rng": torch.get_rng_state(),
            },
            partial,
        )
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Continue where `save` stood, random numbers included."""
        saved = torch.load(path, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.ema.load_state_dict(saved["ema"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step = saved["step"]
        self.history = [EpochResult(**result) for result in saved["history"]]
        torch.set_rng_state(saved["torch_rng"])


def train(
    *, recipe: Recipe, manifest: Path, run_dir: Path, seed: int = 0, threads: int = 2, stop_after: int | None = None
) -> None:
    """Train until the recipe's last epoch, or `stop_after` whole epochs, writing into `run_dir` after each."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    records = read_manifest(manifest)
    train_records, val_records = of_split(records, "train"), of_split(records, "val")
    run_dir.mkdir(parents=True, exist_ok=True)
    settings = {
        "recipe": asdict(recipe),
        "labels": list(HAM10000_LABELS),
        "seed": seed,
        "data": {"manifest": manifest.name, "fingerprint": fingerprint([*train_records, *val_records])},
        "torch": torch.__version__,
    }
    _keep_settings(run_dir / "settings.json", settings)
    images = load_images(train_records, root=manifest.parent, labels=HAM10000_LABELS)
    val_images = load_images(val_records, root=manifest.parent, labels=HAM10000_LABELS)
    print(f"{len(images)} training and {len(val_images)} validation images in memory", flush=True)

    state = _new_state(recipe, classes=len(HAM10000_LABELS), seed=seed)
    if (run_dir / CHECKPOINT).exists():
        state.restore(run_dir / CHECKPOINT)
        print(f"continuing after epoch {len(state.history)}", flush=True)
    loss_of = torch.nn.CrossEntropyLoss(
        weight=torch.tensor(class_weights(images, classes=len(HAM10000_LABELS))),
        label_smoothing=recipe.label_smoothing,
    )
    last = recipe.epochs if stop_after is None else min(stop_after, recipe.epochs)
    for epoch in range(len(state.history), last):
        started = time.monotonic()
        train_loss = _train_epoch(state, images, recipe=recipe, epoch=epoch, seed=seed, loss_of=loss_of)
        result = _validate(
            state.ema,
            val_images,
            recipe=recipe,
            epoch=epoch,
            train_loss=train_loss,
            seconds=lambda since=started: time.monotonic() - since,
        )
        state.history.append(result)
        state.save(run_dir / CHECKPOINT)
        _write_results(run_dir, state.history)
        print(result, flush=True)


def class_weights(images: Sequence[CachedImage], *, classes: int) -> NDArray[np.float32]:
    """Return weights by the square root of inverse frequency, 1 on average over the images; absent classes get 0."""
    counts = np.bincount([image.target for image in images], minlength=classes)
    weights = np.where(counts > 0, 1 / np.sqrt(np.maximum(counts, 1)), 0.0)
    return np.asarray(weights * counts.sum() / (weights * counts).sum(), dtype=np.float32)


def learning_rate(recipe: Recipe, *, step: int, steps: int) -> float:
    """Return the rate of a one-cycle schedule: linear warm-up, then a half cosine to zero."""
    warmup = max(1, round(steps * recipe.warmup_fraction))
    if step < warmup:
        return recipe.peak_lr * (step + 1) / warmup
    return recipe.peak_lr * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _new_state(recipe: Recipe, *, classes: int, seed: int) -> State:
    torch.manual_seed(seed)
    network = build_network(recipe, classes=classes).to(memory_format=torch.channels_last)
    ema = build_network(recipe, classes=classes).to(memory_format=torch.channels_last)
    ema.load_state_dict(network.state_dict())
    ema.eval()
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=recipe.peak_lr,
    )
    return State(network=network, ema=ema, optimizer=optimizer, step=0, history=[])


def _batches(
    images: Sequence[CachedImage], *, recipe: Recipe, epoch: int, seed: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    order = np.random.default_rng((seed, epoch)).permutation(len(images))
    size_px = recipe.size_at(epoch)
    # The last, shorter batch is left out: one image alone would upset batch normalisation.
    for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
        chosen = order[start : start + recipe.batch]
        views = [
            augment(
                images[index],
                size_px=size_px,
                settings=recipe.augmentation,
                rng=np.random.default_rng((seed, epoch, int(index))),
            )
            for index in chosen
        ]
        yield np.stack(views), np.array([images[index].target for index in chosen])


def _train_epoch(
    state: State, images: Sequence[CachedImage], *, recipe: Recipe, epoch: int, seed: int, loss_of: Any
) -> float:
    per_epoch = len(images) // recipe.batch
    if per_epoch == 0:
        raise ValueError(f"{len(images)} training images do not fill one batch of {recipe.batch}")
    steps = per_epoch * recipe.epochs
    state.network.train()
    total, started = 0.0, time.monotonic()
    for number, (views, targets) in enumerate(_batches(images, recipe=recipe, epoch=epoch, seed=seed), start=1):
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step=state.step, steps=steps)
        batch = normalise(torch.from_numpy(views)).contiguous(memory_format=torch.channels_last)
        loss = loss_of(state.network(batch), torch.from_numpy(targets))
        state.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), _GRADIENT_LIMIT)
        state.optimizer.step()
        _update_ema(state, decay=recipe.ema_decay)
        state.step += 1
        total += loss.item()
        if number % 20 == 0 or number == per_epoch:
            rate = number * recipe.batch / (time.monotonic() - started)
            left_s = (per_epoch - number + per_epoch * (recipe.epochs - epoch - 1)) * recipe.batch / rate
            print(
                f"epoch {epoch + 1}/{recipe.epochs} step {number}/{per_epoch} loss {total / number:.3f} "
                f"{rate:.1f} images/s, about {left_s / 60:.0f} min left",
                flush=True,
            )
    return total / per_epoch


def _update_ema(state: State, *, decay: float) -> None:
    # A short memory at first: the early average would otherwise keep the untrained head for long.
    decay = min(decay, (1 + state.step) / (_EMA_WARMUP_STEPS + state.step))
    with torch.no_grad():
        for mean, value in zip(state.ema.state_dict().values(), state.network.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def predict_logits(network: Any, images: Sequence[CachedImage], *, size_px: int) -> NDArray[np.float32]:
    """Return the network's logits [N, classes] on images prepared as on the kiosk."""
    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), _EVAL_BATCH):
            batch = eval_batch(images[start : start + _EVAL_BATCH], size_px=size_px)
            tensor = normalise(torch.from_numpy(batch)).contiguous(memory_format=torch.channels_last)
            parts.append(network(tensor).numpy())
    return np.concatenate(parts)


def _validate(
    network: Any, images: Sequence[CachedImage], *, recipe: Recipe, epoch: int, train_loss: float, seconds: Any
) -> EpochResult:
    logits = predict_logits(network, images, size_px=recipe.size_px)
    targets = np.array([image.target for image in images])
    probabilities = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    malignant = [HAM10000_LABELS.index(label) for label in HAM10000_MALIGNANT]
    melanoma = HAM10000_LABELS.index("mel")
    return EpochResult(
        epoch=epoch + 1,
        size_px=recipe.size_at(epoch),
        train_loss=train_loss,
        val_loss=float(-np.log(np.maximum(probabilities[np.arange(len(targets)), targets], 1e-12)).mean()),
        val_auc_malignant=auc(np.isin(targets, malignant), probabilities[:, malignant].sum(axis=1)),
        val_auc_melanoma=auc(targets == melanoma, probabilities[:, melanoma]),
        val_balanced_accuracy=balanced_accuracy(targets, probabilities.argmax(axis=1)),
        seconds=round(seconds(), 1),
    )


def _keep_settings(path: Path, settings: dict[str, Any]) -> None:
    text = json.dumps(settings, indent=2) + "\n"
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != json.loads(text):
        raise ValueError(f"{path} holds a run with other settings or data: choose another run folder")
    path.write_text(text, encoding="utf-8")


def _write_results(run_dir: Path, history: Sequence[EpochResult]) -> None:
    with (run_dir / "curves.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(EpochResult)])
        writer.writeheader()
        writer.writerows(asdict(result) for result in history)
    (run_dir / "metrics.json").write_text(json.dumps(asdict(history[-1]), indent=2) + "\n", encoding="utf-8")
