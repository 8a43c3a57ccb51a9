"""Which package a kiosk uses for a task: the installed one, or else the one that its settings name."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from edge.config import EdgeSettings
from edge.inference.model_package import Task
from edge.inference.package_slots import PackageSlots, SlotState
from edge.inference.verified_model import VerifiedModel, open_verified

_DEMO_SCALP: Final = Path("models/scalp")


@dataclass(frozen=True)
class InstalledModel:
    """The model in use, where it lies, and what was given up for it."""

    model: VerifiedModel
    slots: SlotState


def slots_of(settings: EdgeSettings, task: Task) -> PackageSlots:
    """The places of a task's model on this kiosk."""
    return PackageSlots(settings.data_dir / "models" / task, configured=_configured(settings, task))


def open_installed(settings: EdgeSettings, task: Task) -> InstalledModel | None:
    """Open the model in use; None where none is installed and the settings name none.

    Raises:
        EdgeError: as `open_verified` and `PackageSlots.start` say.
    """
    slots = slots_of(settings, task)
    if _configured(settings, task) is None and slots.state().active == "configured":
        return None
    model = slots.start(partial(open_verified, task=task, settings=settings))
    return InstalledModel(model, slots.state())


def _configured(settings: EdgeSettings, task: Task) -> Path | None:
    if task == "skin-lesion":
        return settings.inference.package
    if settings.inference.scalp_package is None and settings.environment == "demo" and _DEMO_SCALP.is_dir():
        return _DEMO_SCALP
    return settings.inference.scalp_package
