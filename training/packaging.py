"""Writes model packages: manifest, card and hashes always belong together."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edge.inference.model_package import (
    GRAPH_FILE,
    INT8_GRAPH_FILE,
    INT8_WEIGHTS_FILE,
    MANIFEST_FILE,
    WEIGHTS_FILE,
    Estimate,
    Metrics,
    ModelManifest,
)

CARD_FILE: Final = "card.md"


def write_package(
    manifest: ModelManifest,
    *,
    graph: bytes,
    weights: bytes,
    out: Path,
    golden: Mapping[str, bytes] | None = None,
    int8: tuple[bytes, bytes] | None = None,
) -> None:
    """Write the package folder, replacing one that is there; `manifest.files` is filled in here.

    It is unsigned: the manifest is new, and with it what a signature would have to cover.

    Args:
        manifest: what the package says of itself.
        graph: the network, `model.xml`.
        weights: its weights, `model.bin`.
        out: the folder.
        golden: the pictures that `manifest.golden` names, by file name.
        int8: graph and weights of the quantised network.

    Raises:
        ValueError: these are not the golden pictures of the manifest, or it tells of an int8 network that is not here.
    """
    golden = golden or {}
    if {answer.file for answer in manifest.golden} != set(golden):
        raise ValueError("the golden pictures are not those that the manifest names")
    if "int8" in manifest.precisions and int8 is None:
        raise ValueError("the manifest tells of an int8 network that is not given")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (partial / GRAPH_FILE).write_bytes(graph)
    (partial / WEIGHTS_FILE).write_bytes(weights)
    (partial / CARD_FILE).write_text(render_card(manifest), encoding="utf-8")
    more = dict(golden)
    if int8 is not None:
        more |= dict(zip((INT8_GRAPH_FILE, INT8_WEIGHTS_FILE), int8, strict=True))
    for name, content in more.items():
        (partial / name).write_bytes(content)
    files = {name: _sha256(partial / name) for name in (GRAPH_FILE, WEIGHTS_FILE, CARD_FILE, *more)}
    complete = manifest.model_copy(update={"files": files})
    text = json.dumps(complete.model_dump(mode="json"), indent=2, ensure_ascii=False)
    (partial / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)


def replace_metrics(manifest: ModelManifest, metrics: Sequence[Metrics]) -> ModelManifest:
    """Return the manifest with these figures added, each in place of an older one of the same split."""
    replaced = {entry.split for entry in metrics}
    kept = [entry for entry in manifest.metrics if entry.split not in replaced]
    return manifest.model_copy(update={"metrics": (*kept, *metrics)})


def render_card(manifest: ModelManifest) -> str:
    """Return the model card, in Markdown, from the manifest alone."""
    size = manifest.input
    lines = [
        f"# Model card: {manifest.name} {manifest.version}",
        "",
        manifest.intended_use,
        "",
        f"- Task: {manifest.task}; labels {', '.join(manifest.labels)}; positive: {', '.join(manifest.positive)}",
        f"- Input: {size.colour}, {size.crop} crop, {size.width}x{size.height} px",
        f"- Clinical use: {_yes(manifest.clinical)}; simulation only: {_yes(manifest.simulation_only)}",
        f"- Made: {manifest.created_at:%Y-%m-%d}",
        "",
        "## Licence of use",
        "",
        manifest.licence_of_use,
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in manifest.limits),
        "",
        "## Training data",
        "",
        *(f"- {source.name}: {source.licence}" for source in manifest.training_data.sources),
        f"- Images: {_counts(manifest.training_data.counts)}",
        f"- Fingerprint of the rows used: `{manifest.training_data.fingerprint}`",
        "",
        "## Operating points, set on the validation split",
        "",
        f"- Moderate from a malignancy score of {manifest.thresholds.moderate:.4f} (95 % sensitivity there)",
        f"- High from {manifest.thresholds.high:.4f} (best accuracy there)",
        f"- Cannot assess beyond an out-of-distribution score of {manifest.thresholds.ood:.2f}",
        f"- Temperature {manifest.temperature:.3f}",
    ]
    if manifest.precisions:
        lines += ["", "## What reduced precision changes against f32", ""]
        lines += [
            "| precision | used | images | AUC | calibration error | refused | other tier | 99 % of probabilities |"
        ]
        lines += ["|---|---|---|---|---|---|---|---|"]
        for name, effect in manifest.precisions.items():
            used = _yes(not manifest.precision_bounds.exceeded_by(effect))
            changes = f"{effect.auc_change:+.4f} | {effect.ece_change:+.4f} | {effect.refused_change:+.4f}"
            lines += [
                (
                    f"| {name} | {used} | {effect.n} | {changes} | {effect.tiers_changed:.3f} | "
                    f"up to {effect.change_p99:.3f} |"
                )
            ]
    for entry in manifest.metrics:
        lines += ["", f"## Measured on {entry.split}: {entry.n} images of {entry.lesions} lesions", ""]
        lines += ["| figure | value | 95 % interval, by lesion |", "|---|---|---|"]
        lines += [f"| {name} | {_value(figure)} | {_interval(figure)} |" for name, figure in entry.figures.items()]
    return "\n".join(lines) + "\n"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _yes(value: bool) -> str:  # noqa: FBT001  # formats one value
    return "yes" if value else "no"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {count}" for split, count in counts.items())


def _value(figure: Estimate) -> str:
    return f"undefined: {figure.reason}" if figure.value is None else f"{figure.value:.3f}"


def _interval(figure: Estimate) -> str:
    if figure.low is None or figure.high is None:
        return "-"
    return f"{figure.low:.3f} to {figure.high:.3f}"
