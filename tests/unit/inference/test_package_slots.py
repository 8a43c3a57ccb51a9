"""The places of a model: whatever happens, a package that works stays in use."""

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge.errors import EdgeError
from edge.inference import package_slots
from edge.inference.model_package import ModelPackageAltered, ModelPackageMissing, load_model_package
from edge.inference.package_slots import (
    InstallFailed,
    ModelOnTrial,
    NoPreviousModel,
    PackageSlots,
    SlotsDamaged,
    SlotState,
)

COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"


class Unfit(EdgeError):
    """A package that this machine cannot use."""

    code = "unfit"
    remedy = "None."


class PowerCut(BaseException):
    """Nothing of the program runs after it."""


def make_package(folder: Path, weights: str) -> Path:
    """A package of a few bytes whose weights are a word: `good-1`, `unfit` or `fatal`."""
    folder.mkdir()
    files = {"model.xml": b"<net/>", "model.bin": weights.encode()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    manifest = json.loads((COMMITTED / "manifest.json").read_text())
    manifest |= {"files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}, "golden": []}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def open_package(path: Path) -> str:
    """What a kiosk does at its start; the answer is the package's word."""
    word = load_model_package(path).weights.decode()
    if word.startswith("unfit"):
        raise Unfit(f"{word} does not work")
    if word.startswith("fatal"):
        raise PowerCut
    return word


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "slots"


@pytest.fixture
def slots(folder: Path, tmp_path: Path) -> PackageSlots:
    return PackageSlots(folder, configured=make_package(tmp_path / "configured", "good-0"))


def put_in(slots: PackageSlots, tmp_path: Path, word: str) -> None:
    slots.activate(slots.install(make_package(tmp_path / f"source-{word}", word), verify=load_model_package))


def test_without_any_installed_model_the_configured_one_is_used_and_nothing_is_written(
    slots: PackageSlots, folder: Path
) -> None:
    assert slots.start(open_package) == "good-0"
    assert not folder.exists()


def test_a_new_model_is_tried_and_then_used_for_good(slots: PackageSlots, tmp_path: Path) -> None:
    put_in(slots, tmp_path, "good-1")
    assert slots.state() == SlotState(active="a", previous="configured", starts_left=3)
    assert slots.start(open_package) == "good-1"
    assert slots.state() == SlotState(active="a", previous="configured")
    put_in(slots, tmp_path, "good-2")
    assert slots.start(open_package) == "good-2"
    assert slots.state() == SlotState(active="b", previous="a")


def test_the_copy_is_complete_and_keeps_the_signature(slots: PackageSlots, tmp_path: Path, folder: Path) -> None:
    source = make_package(tmp_path / "source", "good-1")
    (source / "manifest.sig").write_text("signed")
    (source / "notes.txt").write_text("not part of the package")
    slots.install(source, verify=load_model_package)
    copied = {path.name: path.read_bytes() for path in (folder / "a").iterdir()}
    assert set(copied) == {"manifest.json", "manifest.sig", "model.xml", "model.bin"}
    assert all(content == (source / name).read_bytes() for name, content in copied.items())


def test_a_model_that_fails_on_trial_is_given_up_and_that_is_said(
    slots: PackageSlots, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put_in(slots, tmp_path, "good-1")
    slots.start(open_package)
    put_in(slots, tmp_path, "unfit")
    assert slots.start(open_package) == "good-1"
    lost = slots.state().rolled_back
    assert lost is not None
    assert (lost.place, lost.code, lost.text) == ("b", "unfit", "unfit does not work")
    assert "unfit does not work" in caplog.text
    assert slots.start(open_package) == "good-1"
    put_in(slots, tmp_path, "good-2")
    assert slots.state().rolled_back is None


def test_a_model_that_takes_the_program_down_is_given_up_after_three_starts(
    slots: PackageSlots, tmp_path: Path
) -> None:
    put_in(slots, tmp_path, "fatal")
    for _ in range(3):
        with pytest.raises(PowerCut):
            slots.start(open_package)
    assert slots.start(open_package) == "good-0"
    assert slots.state().rolled_back is not None


def test_a_proven_model_that_fails_later_is_an_error_and_not_silently_another(
    slots: PackageSlots, tmp_path: Path, folder: Path
) -> None:
    put_in(slots, tmp_path, "good-1")
    slots.start(open_package)
    (folder / "a" / "model.bin").write_bytes(b"rotten")
    with pytest.raises(ModelPackageAltered):
        slots.start(open_package)


def test_a_technician_goes_back_once_without_any_source(slots: PackageSlots, tmp_path: Path) -> None:
    put_in(slots, tmp_path, "good-1")
    slots.start(open_package)
    put_in(slots, tmp_path, "good-2")
    slots.start(open_package)
    shutil.rmtree(tmp_path / "source-good-1")
    assert slots.rollback(verify=load_model_package) == "a"
    assert slots.start(open_package) == "good-1"
    with pytest.raises(NoPreviousModel):
        slots.rollback(verify=load_model_package)


def test_nobody_goes_back_to_a_damaged_model(slots: PackageSlots, tmp_path: Path, folder: Path) -> None:
    for word in ("good-1", "good-2"):
        put_in(slots, tmp_path, word)
        slots.start(open_package)
    (folder / "a" / "model.bin").write_bytes(b"rotten")
    with pytest.raises(ModelPackageAltered):
        slots.rollback(verify=load_model_package)
    assert slots.start(open_package) == "good-2"


def test_the_last_proven_model_is_not_overwritten_while_another_is_on_trial(
    slots: PackageSlots, tmp_path: Path
) -> None:
    put_in(slots, tmp_path, "good-1")
    with pytest.raises(ModelOnTrial):
        put_in(slots, tmp_path, "good-2")


def test_what_does_not_verify_is_not_installed(slots: PackageSlots, tmp_path: Path, folder: Path) -> None:
    with pytest.raises(Unfit):
        slots.install(make_package(tmp_path / "unfit", "unfit"), verify=open_package)
    altered = make_package(tmp_path / "altered", "good-1")
    (altered / "model.bin").write_bytes(b"good-9")
    with pytest.raises(ModelPackageAltered):
        slots.install(altered, verify=open_package)
    assert slots.state() == SlotState()
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_an_empty_place_cannot_be_activated(slots: PackageSlots) -> None:
    with pytest.raises(ModelPackageMissing):
        slots.activate("b")


def test_a_kiosk_without_a_configured_package_has_no_place_of_that_name(folder: Path, tmp_path: Path) -> None:
    slots = PackageSlots(folder, configured=None)
    assert slots.occupied() == {}
    with pytest.raises(ModelPackageMissing):
        slots.start(open_package)
    put_in(slots, tmp_path, "good-1")
    assert slots.start(open_package) == "good-1"
    assert set(slots.occupied()) == {"a"}


@pytest.mark.parametrize("content", [b"", b"{", b'{"active": "c"}', b'{"active": "a", "surprise": 1}'])
def test_a_damaged_state_is_said_so_with_its_file(slots: PackageSlots, folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "active.json").write_bytes(content)
    with pytest.raises(SlotsDamaged, match=r"active\.json"):
        slots.start(open_package)


def test_a_package_that_goes_away_while_it_is_read_is_no_full_disk(
    slots: PackageSlots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_package(tmp_path / "stick", "good-1")
    whole = load_model_package(source)

    def pulled(_: Path) -> object:
        shutil.rmtree(source)
        return whole

    monkeypatch.setattr(package_slots, "load_model_package", pulled)
    with pytest.raises(ModelPackageMissing, match="cannot be read"):
        slots.install(source, verify=lambda _: None)


def test_a_full_disk_leaves_the_model_in_use(
    slots: PackageSlots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in(slots, tmp_path, "good-1")
    slots.start(open_package)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package_slots.os, "fsync", full)
    with pytest.raises(InstallFailed, match="No space left"):
        put_in(slots, tmp_path, "good-2")
    monkeypatch.undo()
    assert slots.start(open_package) == "good-1"


@contextmanager
def power_cut(*, after: int | None) -> Iterator[None]:
    """Raise PowerCut instead of file-system step number `after`, and leave a file that was not synced in halves.

    Nothing is really synced, which would take most of the time and changes nothing that this process sees.
    """
    steps = 0

    def step() -> bool:
        nonlocal steps
        steps += 1
        return after is not None and steps > after

    def cut_before(real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if step():
                raise PowerCut
            return real(*arguments, **options)

        return call

    def fsync(descriptor: int) -> None:
        if step():
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                os.truncate(descriptor, status.st_size // 2)
            raise PowerCut

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package_slots.os, "fsync", fsync)
        patch.setattr(package_slots.shutil, "rmtree", cut_before(shutil.rmtree))
        for name in ("rename", "replace", "mkdir"):
            patch.setattr(Path, name, cut_before(getattr(Path, name)))
        yield


@pytest.mark.parametrize("step", range(20))
def test_an_install_cut_off_anywhere_leaves_the_model_in_use_and_an_honest_way_back(
    slots: PackageSlots, tmp_path: Path, step: int
) -> None:
    for word in ("good-1", "good-2"):
        put_in(slots, tmp_path, word)
        slots.start(open_package)
    source = make_package(tmp_path / "source", "unfit")
    with suppress(PowerCut), power_cut(after=step):
        slots.install(source, verify=load_model_package)
    state = slots.state()
    assert open_package(slots.path(state.active)) == "good-2"
    assert state.previous is None or open_package(slots.path(state.previous)) == "good-1"
    put_in(slots, tmp_path, "good-3")
    assert slots.start(open_package) == "good-3"


class SlotsMachine(RuleBasedStateMachine):
    """Installs, starts, rollbacks and power cuts in any order, beside the shortest possible account of them."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.slots = PackageSlots(self.home / "slots", configured=make_package(self.home / "configured", "good-0"))
        self.proven = {"good-0"}
        self.number = 0

    def teardown(self) -> None:
        if hasattr(self, "home"):
            shutil.rmtree(self.home)

    @rule(kind=st.sampled_from(["good", "unfit", "fatal"]), cut=st.none() | st.integers(0, 40))
    def install(self, kind: str, cut: int | None) -> None:
        self.number += 1
        source = make_package(self.home / f"source-{self.number}", f"{kind}-{self.number}")
        try:
            with power_cut(after=cut):
                self.slots.activate(self.slots.install(source, verify=load_model_package))
        except (PowerCut, ModelOnTrial):
            return

    @rule(cut=st.none() | st.integers(0, 10))
    def start(self, cut: int | None) -> None:
        with suppress(PowerCut), power_cut(after=cut):
            self.slots.start(open_package)
            assert self.slots.state().starts_left is None
        # A power cut may come when the new model has been confirmed already.
        state = self.slots.state()
        if state.starts_left is None:
            self.proven.add(load_model_package(self.slots.path(state.active)).weights.decode())

    @rule(cut=st.none() | st.integers(0, 10))
    def rollback(self, cut: int | None) -> None:
        with suppress(PowerCut, NoPreviousModel, Unfit), power_cut(after=cut):
            self.slots.rollback(verify=open_package)

    @invariant()
    def what_is_in_use_is_whole(self) -> None:
        if hasattr(self, "slots"):
            load_model_package(self.slots.path(self.slots.state().active))

    @invariant()
    def some_start_soon_gives_a_good_model(self) -> None:
        if not hasattr(self, "slots"):
            return
        trying = Path(shutil.copytree(self.home / "slots", self.home / "trying")) if self.slots_exist() else None
        copy = PackageSlots(trying or self.home / "nothing", configured=self.home / "configured")
        for _ in range(4):
            with suppress(PowerCut), power_cut(after=None):
                word = copy.start(open_package)
                break
        else:
            pytest.fail("four starts, and no model")
        assert word.startswith("good")
        assert word in self.proven or self.slots.state().starts_left is not None
        shutil.rmtree(self.home / "trying", ignore_errors=True)

    def slots_exist(self) -> bool:
        return (self.home / "slots").exists()


TestSlots = SlotsMachine.TestCase
TestSlots.settings = hypothesis_settings(max_examples=60, stateful_step_count=20, deadline=None)
