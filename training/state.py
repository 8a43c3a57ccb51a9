"""What a training run keeps between epochs, in memory and on disk."""

import copy
import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import TypeAdapter

from edge.inference.model_package import Source
from training.data import DataError
from training.recipes import Recipe

CHECKPOINT: Final = "checkpoint.pt"
SETTINGS: Final = "settings.json"
LEAKAGE: Final = "leakage.json"
_EMA_WARMUP_STEPS: Final = 10
# What runs were that did not write it down.
_UNWRITTEN: Final = {"precision": "f32"}
_FOLLOWING: Final = frozenset({"sources", "start_learned_from"})


class RunFolderInUse(DataError):
    """The folder holds a run with other settings or data."""


@dataclass(frozen=True)
class EpochResult:
    """One line of curves.csv."""

    epoch: int
    size_px: int
    train_loss: float
    val_loss: float
    val_auc_positive: float | None
    val_balanced_accuracy: float
    machine: str = ""
    """What computed the epoch; empty in runs that did not write it down."""
    seconds: float = 0.0


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
                # Dropout on a GPU draws from that GPU's own generator.
                "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            },
            partial,
        )
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Continue where `save` stood, random numbers included."""
        saved = torch.load(path, weights_only=True, map_location="cpu")
        self.network.load_state_dict(saved["network"])
        self.ema.load_state_dict(saved["ema"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step = saved["step"]
        self.history = [EpochResult(**result) for result in saved["history"]]
        torch.set_rng_state(saved["torch_rng"])
        # A run may go on on a machine with other GPUs, or none: then only its random numbers differ.
        cuda = saved.get("cuda_rng", [])
        if torch.cuda.is_available() and len(cuda) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(cuda)

    def update_ema(self, decay: float) -> None:
        """Move the averaged network towards the trained one; a decay of 0 copies it."""
        # A short memory at first: the early average would otherwise keep the untrained head for long.
        decay = min(decay, (1 + self.step) / (_EMA_WARMUP_STEPS + self.step))
        with torch.no_grad():
            for mean, value in zip(self.ema.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.lerp_(value, 1 - decay)
                else:
                    mean.copy_(value)


def new_state(recipe: Recipe, network: Any) -> State:
    """Return the state before the first step; normalisation and biases are not decayed."""
    network = network.to(memory_format=torch.channels_last)
    trained = list(network.trained(blocks=recipe.frozen_blocks))
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    optimizer = kind(groups, lr=recipe.peak_lr)
    return State(network=network, ema=copy.deepcopy(network).eval(), optimizer=optimizer, step=0, history=[])


def settings_of(run_dir: Path) -> dict[str, Any]:
    """Return the settings that a run was made with.

    Raises:
        DataError: the folder holds no run.
    """
    try:
        return dict(json.loads((run_dir / SETTINGS).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(f"{run_dir} is no folder of a training run: {SETTINGS} cannot be read there") from error


def keep_settings(path: Path, settings: dict[str, Any]) -> None:
    """Write the run's settings.

    Raises:
        RunFolderInUse: there are others already.
    """
    text = json.dumps(settings, indent=2) + "\n"
    if path.exists() and _decisive(json.loads(path.read_text(encoding="utf-8"))) != _decisive(json.loads(text)):
        raise RunFolderInUse(f"{path} holds a run with other settings or data: choose another run folder")
    # A run killed while writing leaves the ones before.
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _decisive(settings: dict[str, Any]) -> dict[str, Any]:
    """Leave out what follows from the rest and may be stated better later."""
    return _UNWRITTEN | {name: value for name, value in settings.items() if name not in _FOLLOWING}


def sources_of_weights(weights: Path) -> tuple[Source, ...]:
    """Return what a state dictionary learned from: the settings of its run lie beside it, or nothing is known."""
    try:
        recorded = json.loads((weights.parent / SETTINGS).read_text(encoding="utf-8"))["sources"]
        return TypeAdapter(tuple[Source, ...]).validate_python(recorded)
    except (OSError, ValueError, KeyError, TypeError):
        return (Source(name=f"what {weights.name}, which it started from, was learned from", licence="not recorded"),)


def fingerprint_beside(weights: Path) -> str | None:
    """Return the fingerprint of the rows of the run that a state dictionary lies in, or None."""
    try:
        return str(settings_of(weights.parent)["data"]["fingerprint"])
    except (DataError, LookupError, TypeError):
        return None


def write_results(run_dir: Path, history: Sequence[EpochResult]) -> None:
    """Write curves.csv and, for the last epoch, metrics.json."""
    with (run_dir / "curves.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(EpochResult)])
        writer.writeheader()
        writer.writerows(asdict(result) for result in history)
    (run_dir / "metrics.json").write_text(json.dumps(asdict(history[-1]), indent=2) + "\n", encoding="utf-8")
