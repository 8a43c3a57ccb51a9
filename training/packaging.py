"""Writes model packages: manifest, card and hashes always belong together."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edge.inference.model_package import (
    GRAPH_FILE,
    MANIFEST_FILE,
    WEIGHTS_FILE,
    Metrics,
    ModelManifest,
    ModelPackage,
    load_model_package,
)
from training.card import is_subgroup_of, render_card
from training.data import DataError

CARD_FILE: Final = "card.md"


def write_package(
    manifest: ModelManifest,
    *,
    graph: bytes,
    weights: bytes,
    out: Path,
    golden: Mapping[str, bytes] | None = None,
) -> None:
    """Write the package folder, replacing a package that is there; `manifest.files` is filled in here.

    It is unsigned: the manifest is new, and with it what a signature would have to cover.

    Args:
        manifest: what the package says of itself.
        graph: the network, `model.xml`.
        weights: its weights, `model.bin`.
        out: the folder.
        golden: the pictures that `manifest.golden` names, by file name.

    Raises:
        DataError: the folder is there and holds something else than a package.
        ValueError: these are not the golden pictures of the manifest.
    """
    refuse_other_folder(out)
    golden = golden or {}
    if {answer.file for answer in manifest.golden} != set(golden):
        raise ValueError("the golden pictures are not those that the manifest names")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (partial / GRAPH_FILE).write_bytes(graph)
    (partial / WEIGHTS_FILE).write_bytes(weights)
    (partial / CARD_FILE).write_text(render_card(manifest), encoding="utf-8")
    for name, content in golden.items():
        (partial / name).write_bytes(content)
    files = {name: _sha256(partial / name) for name in (GRAPH_FILE, WEIGHTS_FILE, CARD_FILE, *golden)}
    complete = manifest.model_copy(update={"files": files})
    text = json.dumps(complete.model_dump(mode="json"), indent=2, ensure_ascii=False)
    (partial / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
    _put_in_place(partial, out)


def refuse_other_folder(out: Path) -> None:
    """Raise `DataError` when a package cannot be written here without losing what is there."""
    if out.exists() and not (out.is_dir() and ((out / MANIFEST_FILE).is_file() or not any(out.iterdir()))):
        raise DataError(f"{out} is there and is no model package: name a folder that is new, empty or a package's")


def _put_in_place(partial: Path, out: Path) -> None:
    """Move the new folder in; killed at any moment, one of the two is whole, the old one as `.NAME.replaced`."""
    replaced = out.with_name(f".{out.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    if out.exists():
        out.rename(replaced)
    partial.rename(out)
    shutil.rmtree(replaced, ignore_errors=True)


def record(package: ModelPackage, metrics: Sequence[Metrics]) -> None:
    """Write figures into a package where it lies, beside those that have come since; it has a new hash, no signature.

    Raises:
        DataError: what lies there now is another package than the one that was measured.
    """
    there = load_model_package(package.directory)
    if _without_figures(there) != _without_figures(package):
        raise DataError(f"{package.directory} has been changed since it was measured: the figures are not its own")
    write_package(
        replace_metrics(there.manifest, metrics),
        graph=there.graph,
        weights=there.weights,
        golden=there.golden,
        out=there.directory,
    )


def _without_figures(package: ModelPackage) -> tuple[ModelManifest, bytes, bytes]:
    return package.manifest.model_copy(update={"metrics": (), "files": {}}), package.graph, package.weights


def replace_metrics(manifest: ModelManifest, metrics: Sequence[Metrics]) -> ModelManifest:
    """Return the manifest with these figures added, each in place of older ones of the same split and its strata."""
    replaced = {entry.split for entry in metrics}
    kept = [
        entry
        for entry in manifest.metrics
        if entry.split not in replaced and not any(is_subgroup_of(entry, split) for split in replaced)
    ]
    return manifest.model_copy(update={"metrics": (*kept, *metrics)})


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
