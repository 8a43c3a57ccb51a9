"""`python -m edge model …`: what a technician does with the models of a kiosk, with the kiosk running or not."""

import argparse
import hashlib
import logging
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, get_args
from uuid import UUID

from pydantic import ValidationError

from edge.auth.vault import Vault
from edge.config import EdgeSettings, Inference, load_settings
from edge.errors import EdgeError
from edge.inference.installed_model import slots_of
from edge.inference.model_package import MANIFEST_FILE, Task, load_model_package
from edge.inference.package_signature import Trust, read_trusted_keys
from edge.inference.package_slots import Place, SlotState
from edge.inference.precision import PrecisionRefused
from edge.inference.reproduce import Reproduction, reproduce
from edge.inference.verified_model import VerifiedModel, open_verified
from edge.kiosk import DATABASE, IMAGES, VAULT_KEY
from edge.uplink.stored_results import find_result
from protocol.events import ModelReference

log = logging.getLogger(__name__)

_TASKS: Final[tuple[Task, ...]] = get_args(Task)


class Answer(NamedTuple):
    """What a command says, and its exit status."""

    text: str
    status: int


class ModelNotInstalled(EdgeError):
    """The model that made this result is no longer on this kiosk."""

    code = "model-not-installed"
    remedy = "Reproduce it on a kiosk that still has this package."


class ResultWithoutModel(EdgeError):
    """No model was asked for this result: the spot lies outside the intended use."""

    code = "result-without-model"
    remedy = "There is nothing to recompute; the result names the rule that excluded the spot."


def add_model_commands(parser: argparse.ArgumentParser) -> None:
    """Declare status, install, rollback and reproduce; each sets `act`, from the arguments to an `Answer`."""
    commands = parser.add_subparsers(dest="model_command", required=True)
    status = commands.add_parser("status", help="say which models are here and which are in use")
    status.set_defaults(act=_status)
    install = commands.add_parser("install", help="verify a package and use it from the next start on")
    install.add_argument("package", type=Path, help="folder of the package")
    install.set_defaults(act=_install)
    rollback = commands.add_parser("rollback", help="go back to the model before")
    rollback.add_argument("--task", choices=_TASKS, default="skin-lesion")
    rollback.set_defaults(act=_rollback)
    again = commands.add_parser("reproduce", help="recompute a stored result: 0 it matches, 1 it differs, 2 impossible")
    again.add_argument("result", type=UUID, help="id of the analysis")
    again.set_defaults(act=_reproduce)
    for command in (status, install, rollback, again):
        command.add_argument("--config", type=Path, help="settings file (TOML)")


def _status(arguments: argparse.Namespace) -> Answer:
    settings = load_settings(arguments.config)
    lines, usable = [], True
    for task in _TASKS:
        slots = slots_of(settings, task)
        state = slots.state()
        lines.append(f"{task}:")
        for place, path in slots.occupied().items():
            description, intact = _describe(path, settings)
            usable = usable and (intact or place != state.active)
            lines.append(f"  {place} ({_use(place, state)}): {description}")
        if state.rolled_back is not None:
            lost = state.rolled_back
            lines.append(f"  {lost.place} was given up ({lost.code}): {lost.text}")
    return Answer("\n".join(lines), 0 if usable else 2)


def _use(place: Place, state: SlotState) -> str:
    if place == state.active:
        return "in use" if state.starts_left is None else f"on trial, {state.starts_left} starts left"
    return "the one before" if place == state.previous else "not in use"


def _install(arguments: argparse.Namespace) -> Answer:
    settings = load_settings(arguments.config)
    manifest = load_model_package(arguments.package).manifest
    slots = slots_of(settings, manifest.task)
    place = slots.install(arguments.package, verify=partial(_verify, task=manifest.task, settings=settings))
    slots.activate(place)
    return Answer(
        f"{manifest.name} {manifest.version} is verified and installed in {place}; restart the kiosk to use it.", 0
    )


def _rollback(arguments: argparse.Namespace) -> Answer:
    settings = load_settings(arguments.config)
    slots = slots_of(settings, arguments.task)
    place = slots.rollback(verify=partial(_verify, task=arguments.task, settings=settings))
    manifest = load_model_package(slots.path(place)).manifest
    return Answer(f"Back to {manifest.name} {manifest.version} in {place}; restart the kiosk to use it.", 0)


def _reproduce(arguments: argparse.Namespace) -> Answer:
    settings = load_settings(arguments.config)
    stored = find_result(
        arguments.result,
        database=settings.data_dir / DATABASE,
        images=settings.data_dir / IMAGES,
        vault=Vault.open_file(settings.data_dir / VAULT_KEY),
    )
    maker = stored.analysis.model
    if maker is None:
        raise ResultWithoutModel(f"no model was asked for result {arguments.result}")
    model = _open_maker(maker, settings)
    try:
        result = reproduce(stored.analysis, stored.picture, model.classifier)
    finally:
        model.classifier.close()
    return Answer(_report(result, stored.analysis.analysis_id, maker), 0 if result.matches else 1)


def _report(result: Reproduction, analysis_id: UUID, maker: ModelReference) -> str:
    return "\n".join(
        [
            f"Result {analysis_id} by {maker.name} {maker.version}, package {maker.sha256}",
            f"{'label':<24}{'stored':>10}{'now':>10}",
            *(
                f"{label:<24}{result.stored.get(label, 0):>10.6f}{result.recomputed.get(label, 0):>10.6f}"
                for label in sorted(result.stored.keys() | result.recomputed.keys())
            ),
            f"made in {result.made_in or 'an arithmetic that was not recorded'}, recomputed in {result.precision}",
            (
                f"It {'matches' if result.matches else 'DIFFERS'}: largest difference {result.difference:.6f},"
                f" tolerance {result.tolerance:.6f}"
            ),
        ]
    )


def _open_maker(maker: ModelReference, settings: EdgeSettings) -> VerifiedModel:
    """Open the package that made a result, wherever it lies here, in the same arithmetic where this machine can."""
    for task in _TASKS:
        for path in slots_of(settings, task).occupied().values():
            if hashlib.sha256((path / MANIFEST_FILE).read_bytes()).hexdigest() == maker.sha256:
                return _open_in(maker.precision, path, task=task, settings=settings)
    raise ModelNotInstalled(f"{maker.name} {maker.version} ({maker.sha256}) is not here")


def _open_in(precision: str | None, path: Path, *, task: Task, settings: EdgeSettings) -> VerifiedModel:
    if precision is not None:
        inference = settings.inference.model_dump() | {"precision": precision}
        try:
            same = settings.model_copy(update={"inference": Inference.model_validate(inference)})
            return open_verified(path, task=task, settings=same)
        except (PrecisionRefused, ValidationError):
            log.warning("this machine does not compute in %s; using its own precision", precision)
    return open_verified(path, task=task, settings=settings)


def _describe(path: Path, settings: EdgeSettings) -> tuple[str, bool]:
    """One line about a package, and whether it is intact."""
    try:
        trust = Trust(read_trusted_keys(settings.inference.trusted_keys), signature_required=False)
        package = load_model_package(path, trust=trust)
    except EdgeError as error:
        return f"{error} ({error.code})", False
    manifest = package.manifest
    golden = f"{len(manifest.golden)} golden pictures" if manifest.golden else "no golden pictures"
    return f"{manifest.name} {manifest.version}, signature {package.signature}, {golden}, {package.sha256}", True


def _verify(path: Path, *, task: Task, settings: EdgeSettings) -> None:
    open_verified(path, task=task, settings=settings).classifier.close()
