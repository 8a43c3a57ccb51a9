"""Two places for a model's package, so that a new one can be tried, and the old one taken back without a network.

A folder holds `a/`, `b/` and `active.json`, which is replaced atomically and says which of them is in use, or that the
package of the settings is. A new package always goes to the place that is not in use. Once activated it is on trial:
it becomes the model in use for good only when the kiosk has opened it and it has passed its self-test; if it fails, or
takes the program down at each of three starts, the kiosk goes back by itself.
"""

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.errors import EdgeError
from edge.inference.model_package import MANIFEST_FILE, ModelPackageMissing, load_model_package, read_file
from edge.inference.package_signature import SIGNATURE_FILE

log = logging.getLogger(__name__)
T = TypeVar("T")

Place = Literal["a", "b", "configured"]
"""`configured` is the package that the settings name."""

STATE_FILE: Final = "active.json"
_TRIAL_STARTS: Final = 3
"""One start may be cut off by a power failure, two by bad luck."""


class SlotsDamaged(EdgeError):
    """The file that says which installed model is in use cannot be read."""

    code = "model-slots-damaged"
    remedy = "Delete the named file and install the model package again; until then the configured package is used."


class ModelOnTrial(EdgeError):
    """The model that was installed last has not started yet, so that the other place must keep the one before."""

    code = "model-on-trial"
    remedy = "Start the kiosk once, or go back with `python -m edge model rollback`, then install again."


class NoPreviousModel(EdgeError):
    """There is no model before this one to go back to."""

    code = "model-without-previous"
    remedy = "Install the wanted package with `python -m edge model install`."


class InstallFailed(EdgeError):
    """The disk did not take the package; the model in use is untouched."""

    code = "model-install-failed"
    remedy = "Free disk space or check the disk, then install again."


class RolledBack(BaseModel):
    """Which place failed on trial, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    place: Place
    code: str
    text: str


class SlotState(BaseModel):
    """The contents of `active.json`; `starts_left` is null once the active model has proven itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    active: Place = "configured"
    previous: Place | None = None
    starts_left: int | None = Field(None, ge=0)
    rolled_back: RolledBack | None = None


class PackageSlots:
    """The places of one task's model; safe for several processes at once."""

    def __init__(self, folder: Path, *, configured: Path | None) -> None:
        self._folder = folder
        self._configured = configured

    def state(self) -> SlotState:
        """What is in use.

        Raises:
            SlotsDamaged: `active.json` is not readable.
        """
        path = self._folder / STATE_FILE
        try:
            return SlotState.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return SlotState()
        except (OSError, ValidationError) as error:
            raise SlotsDamaged(f"{path} cannot be read") from error

    def path(self, place: Place) -> Path:
        """The package folder of a place; nothing need be there.

        Raises:
            ModelPackageMissing: the settings name no package.
        """
        if place != "configured":
            return self._folder / place
        if self._configured is None:
            raise ModelPackageMissing("the settings name no model package for this use")
        return self._configured

    def occupied(self) -> dict[Place, Path]:
        """The places where a package lies, whole or not, and their folders."""
        named: list[Place] = ["a", "b"] if self._configured is None else ["a", "b", "configured"]
        return {place: self.path(place) for place in named if (self.path(place) / MANIFEST_FILE).is_file()}

    def install(self, source: Path, *, verify: Callable[[Path], object]) -> Place:
        """Copy a package into the place that is not in use and return that place; what is in use stays in use.

        `verify` gets the folder of the finished copy and raises if the package must not be used.

        Raises:
            ModelOnTrial: the other place holds the only proven model.
            InstallFailed: the disk.
            EdgeError: what `verify` found.
        """
        package = load_model_package(source)
        names = [MANIFEST_FILE, *package.manifest.files]
        if (source / SIGNATURE_FILE).exists():
            names.append(SIGNATURE_FILE)
        # Before anything is written: a stick that is pulled out is no full disk.
        contents = {name: read_file(source / name) for name in names}
        with self._locked(), _disk_errors():
            state = self.state()
            if state.starts_left is not None:
                raise ModelOnTrial("the model installed last has not been started yet")
            target: Place = "b" if state.active == "a" else "a"
            incoming, outgoing = self._folder / ".incoming", self._folder / ".outgoing"
            shutil.rmtree(incoming, ignore_errors=True)
            incoming.mkdir(mode=0o700)
            for name, content in contents.items():
                _write(incoming / name, content)
            _sync_folder(incoming)
            try:
                verify(incoming)
            except BaseException:
                shutil.rmtree(incoming, ignore_errors=True)
                raise
            if state.previous == target:
                # Said before it is true: after a power cut, nobody must go back to a place that is half replaced.
                self._save(state.model_copy(update={"previous": None}))
            shutil.rmtree(outgoing, ignore_errors=True)
            if self.path(target).exists():
                self.path(target).rename(outgoing)
            incoming.rename(self.path(target))
            _sync_folder(self._folder)
            shutil.rmtree(outgoing, ignore_errors=True)
        return target

    def activate(self, place: Place) -> None:
        """Use the package in this place from the next start on, on trial.

        Raises:
            ModelPackageError: no whole package is there.
            InstallFailed: the disk.
        """
        with self._locked(), _disk_errors():
            load_model_package(self.path(place))
            state = self.state()
            if state.active != place:
                self._save(SlotState(active=place, previous=state.active, starts_left=_TRIAL_STARTS))

    def rollback(self, *, verify: Callable[[Path], object]) -> Place:
        """Go back to the model before, from the next start on, and return its place.

        Raises:
            NoPreviousModel: there is none.
            InstallFailed: the disk.
            EdgeError: what `verify` found in the package before; nothing changes then.
        """
        with self._locked(), _disk_errors():
            previous = self.state().previous
            if previous is None:
                raise NoPreviousModel("this is the first model, or the kiosk went back already")
            verify(self.path(previous))
            self._save(SlotState(active=previous))
        return previous

    def start(self, open_package: Callable[[Path], T]) -> T:
        """Open the model in use; one on trial is confirmed, or given up for the one before.

        Raises:
            SlotsDamaged: nobody can say which model is in use.
            EdgeError: the model in use is not on trial, and `open_package` failed on it.
        """
        state = self.state()
        if state.starts_left is None:
            return open_package(self.path(state.active))
        if state.starts_left == 0:
            failure = RolledBack(
                place=state.active, code="model-start-cut-off", text="each start of it ended before it was ready"
            )
            return self._give_up(state, failure, open_package)
        # On the disk before the attempt: the attempt itself may end the process.
        trial = state.model_copy(update={"starts_left": state.starts_left - 1})
        if not self._change(state, trial):
            return self.start(open_package)
        try:
            opened = open_package(self.path(trial.active))
        except EdgeError as error:
            failure = RolledBack(place=trial.active, code=error.code, text=str(error))
            return self._give_up(trial, failure, open_package)
        if self._change(trial, trial.model_copy(update={"starts_left": None})):
            log.info("the new model in place %s is in use for good", trial.active)
        return opened

    def _give_up(self, trial: SlotState, failure: RolledBack, open_package: Callable[[Path], T]) -> T:
        if self._change(trial, SlotState(active=trial.previous or "configured", rolled_back=failure)):
            log.error("the new model failed and is given up: %s: %s", failure.code, failure.text)
        return self.start(open_package)

    def _change(self, expected: SlotState, new: SlotState) -> bool:
        """Save `new` unless a technician changed the state meanwhile."""
        with self._locked(), _disk_errors():
            if self.state() != expected:
                return False
            self._save(new)
        return True

    def _save(self, state: SlotState) -> None:
        draft = self._folder / f".{STATE_FILE}"
        _write(draft, state.model_dump_json(indent=2).encode())
        draft.replace(self._folder / STATE_FILE)
        _sync_folder(self._folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        with suppress(OSError):
            os.close(descriptor)


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InstallFailed(f"the model's folder cannot be written: {error.strerror}") from error
