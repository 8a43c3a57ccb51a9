"""The model card, in Markdown, from the manifest alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from edge.inference.model_package import Estimate, Metrics, ModelManifest
from training.data import DataError

REFUSAL: Final = "refusal: "
FAITHFULNESS: Final = "faithfulness on "
SHORTCUTS: Final = "colour and texture alone on "
AGAINST: Final = "against "
_BY: Final = " by "
_WORDS: Final = {
    "auc_": "ROC AUC, {} against the rest",
    "brier_": "Brier score of the probability of {}",
    "calibration_error_": "calibration error (ECE) of the probability of {}",
    "calibration_error": "calibration error (ECE) of the likeliest class",
    "accuracy": "accuracy of the stated class",
    "balanced_accuracy": "balanced accuracy of the stated class over all classes",
    "sensitivity_": "sensitivity at the {} limit",
    "specificity_": "specificity at the {} limit",
    "accuracy_": "accuracy at the {} limit",
    "one_point_balanced_accuracy_": "one-point balanced accuracy at the {} limit (Yu et al. 2022 call it AUC)",
    "refused_by_network": "refused as unlike the training pictures, or as its reflections disagree",
    "melanoma_flagged_by_malignant_score_": "melanomas whose malignancy score reaches the {} limit",
    "melanoma_accuracy_by_melanoma_probability_": "melanoma or not, by the probability of melanoma at the {} limit",
    "melanoma_always_negative_accuracy": "accuracy of calling nothing melanoma",
}
_OF_TWO: Final = {
    "_difference": "{}: difference",
    "_delong_p": "{}: p of the difference (DeLong)",
    "_mcnemar_p": "{}: p of the difference (McNemar)",
}
_LEAST_P: Final = 0.001
_UNKNOWN: Final = ": not "
"""In the name of a stratum of which nothing is known: `sex: not stated`, `skin tone (ITA): not measured: …`."""
_BETTER_LOW: Final = ("calibration_error", "brier")
_HIDDEN: Final = 0.0005
_THOUSANDTH: Final = Decimal("0.001")


def subgroup(split: str, dimension: str, name: str) -> str:
    """Return the name under which a manifest holds the figures of one stratum."""
    return f"{split}{_BY}{dimension}: {name}"


def is_subgroup_of(entry: Metrics, split: str) -> bool:
    """Tell whether an entry holds a stratum of that split."""
    return entry.split.startswith(f"{split}{_BY}")


def refuse_name(split: str) -> None:
    """Raise `DataError` for a name under which a card would show the figures as something else, or not at all."""
    if _BY in split or split.startswith((REFUSAL, FAITHFULNESS, SHORTCUTS, AGAINST)):
        raise DataError(
            f"figures of data called {split!r} cannot be recorded: a card's names hold no {_BY.strip()!r} and do not "
            f"begin with {AGAINST.strip()!r} or another heading's words; give the folder another name"
        )


def render_card(manifest: ModelManifest) -> str:
    """Return the model card."""
    return (
        "\n".join(
            [
                *_head(manifest),
                *_training_data(manifest),
                *_limits_of_score(manifest),
                *_precisions(manifest),
                *_measured(manifest.metrics),
            ]
        )
        + "\n"
    )


def _head(manifest: ModelManifest) -> Iterator[str]:
    size = manifest.input
    yield from (f"# Model card: {manifest.name} {manifest.version}", "")
    if manifest.simulation_only:
        yield from (
            (
                "**Simulation only. It learned from rendered pictures, and its figures were measured on rendered "
                "pictures: none says how it would do on a person. A kiosk in a clinic refuses it.**"
            ),
            "",
        )
    yield from (
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
        *_licence_in_other_languages(manifest),
        "## Limits",
        "",
        *(f"- {limit}" for limit in manifest.limits),
    )


def _licence_in_other_languages(manifest: ModelManifest) -> Iterator[str]:
    for language, text in manifest.licence_of_use_in.items():
        yield f"- Shown to patients in {language} as: {text}"
    if manifest.licence_of_use_in:
        yield ""


def _training_data(manifest: ModelManifest) -> Iterator[str]:
    data = manifest.training_data
    yield from (
        "",
        "## Training data",
        "",
        *(f"- {source.name}: {source.licence}" for source in data.sources),
        f"- Images: {', '.join(f'{split} {count}' for split, count in data.counts.items())}",
        f"- Fingerprint of the rows used: `{data.fingerprint}`",
    )


def _limits_of_score(manifest: ModelManifest) -> Iterator[str]:
    limits = manifest.thresholds
    yield from (
        "",
        "## Operating points, set on the validation split",
        "",
        f"The score is the probability of {' + '.join(manifest.positive)}.",
        "",
        f"- Moderate from a score of {limits.moderate:.4f} (95 % sensitivity there)",
        f"- High from a score of {limits.high:.4f} (best accuracy there of those above moderate)",
        f"- Cannot assess beyond an out-of-distribution score of {limits.ood:.2f}",
    )
    if limits.disagreement is not None:
        yield (
            f"- Cannot assess where the score of a picture's reflections has a standard deviation beyond "
            f"{limits.disagreement:.4f}"
        )
    if limits.melanoma is not None:
        points = limits.melanoma
        yield (
            f"- Melanoma alone is measured at a probability of melanoma of {points.moderate:.4f} (95 % sensitivity "
            f"there) and of {points.high:.4f} (best accuracy there of those above it); the tiers do not use them"
        )
    yield f"- Temperature {manifest.temperature:.3f}"


def _precisions(manifest: ModelManifest) -> Iterator[str]:
    if not manifest.precisions:
        return
    yield from ("", "## What reduced precision changes against f32", "")
    yield from _row("precision", "used", "images", "AUC", "calibration error", "refused", "other tier",
                    "99 % of probabilities")  # fmt: skip
    yield "|---|---|---|---|---|---|---|---|"
    for name, effect in manifest.precisions.items():
        yield from _row(
            name,
            _yes(not manifest.precision_bounds.exceeded_by(effect)),
            str(effect.n),
            f"{effect.auc_change:+.4f}",
            f"{effect.ece_change:+.4f}",
            f"{effect.refused_change:+.4f}",
            f"{effect.tiers_changed:.3f}",
            f"up to {effect.change_p99:.3f}",
        )
    yield from ("", "A kiosk computes in the fastest of those used. All figures below were measured in f32.")


def _measured(metrics: Sequence[Metrics]) -> Iterator[str]:
    apart = (REFUSAL, FAITHFULNESS, SHORTCUTS, AGAINST)
    splits = [entry for entry in metrics if not entry.split.startswith(apart) and _BY not in entry.split]
    for entry in splits:
        yield from ("", f"## Measured on {entry.split}: {entry.n} images in {entry.lesions} groups", "")
        yield from _table(entry.figures, "95 % interval, by group")
        yield from _strata(entry.split, [each for each in metrics if is_subgroup_of(each, entry.split)])
    yield from _refusals([entry for entry in metrics if entry.split.startswith(REFUSAL)])
    for entry in metrics:
        if entry.split.startswith(FAITHFULNESS):
            yield from ("", f"## Do the heat maps point at what decides? {entry.n} images of {_rest(entry)}", "")
            yield "Advantage over maps of random places and over the middle of the picture; above 0 is better."
            # A reader in a hurry takes a figure in a table for a merit.
            yield from (
                f"**Not shown here: {_words(name)}.**"
                for name, figure in entry.figures.items()
                if not (figure.low is not None and figure.low > 0)
            )
            yield ""
            yield from _table(entry.figures, "95 % interval, by image")
        elif entry.split.startswith(SHORTCUTS):
            yield from ("", f"## What colour and texture alone give: {entry.n} images of {_rest(entry)}", "")
            yield "Gradient boosting on statistics that do not know where anything is: how little the signs are needed."
            yield ""
            yield from _table(entry.figures, "95 % interval, by group")
        elif entry.split.startswith(AGAINST):
            yield from ("", f"## Compared, on the same {entry.n} images: this package {entry.split}", "")
            yield "Differences, this package less the other; p-values are of DeLong's and McNemar's paired tests."
            yield ""
            yield from _table(entry.figures, "95 % interval, by group")


def _strata(split: str, strata: Sequence[Metrics]) -> Iterator[str]:
    if not strata:
        return
    names = list(dict.fromkeys(name for entry in strata for name in entry.figures))
    yield from ("", f"### {split}, by who and where", "")
    yield from _row("stratum", "images", *map(_words, names))
    yield "|---" * (2 + len(names)) + "|"
    for entry in strata:
        stratum = entry.split.partition(_BY)[2]
        cells = [f"{_value(figure)} ({_interval(figure)})" if (figure := entry.figures.get(name)) and
                 figure.value is not None else "-" for name in names]  # fmt: skip
        small = next((figure.reason for figure in entry.figures.values() if figure.value is None), None)
        if small is not None and set(cells) == {"-"}:
            cells[0] = str(small)
        yield from _row(stratum, str(entry.n), *cells)
    yield from _weakest(strata, names)


def _weakest(strata: Sequence[Metrics], names: Sequence[str]) -> Iterator[str]:
    """Name the stratum with the worst of each figure: whoever reads one line of the table should read this one."""
    worst = []
    for name in names:
        judged = [
            (figure.value, entry.split.partition(_BY)[2], figure)
            for entry in strata
            if (figure := entry.figures.get(name)) and figure.value is not None and _UNKNOWN not in entry.split
        ]
        if len(judged) > 1:
            choose = max if name.startswith(_BETTER_LOW) else min
            _, stratum, figure = choose(judged, key=lambda each: each[0])
            worst.append(f"{_words(name)}, {_value(figure)} ({_interval(figure)}): {stratum}")
    if worst:
        yield from ("", "Weakest where it could be judged:", "", *(f"- {line}" for line in worst))


def _refusals(entries: Sequence[Metrics]) -> Iterator[str]:
    if not entries:
        return
    yield from ("", "## What it refuses", "")
    yield from _row("pictures", "images", "drawn as", "share refused", "ROC AUC of the distance against lesions")
    yield "|---|---|---|---|---|"
    for entry in entries:
        cells = (entry.figures.get(name) for name in ("refused", "auroc"))
        yield from _row(
            entry.split.removeprefix(REFUSAL),
            str(entry.n),
            f"{entry.lesions} units",
            *("-" if cell is None else f"{_value(cell)} ({_interval(cell)})" for cell in cells),
        )


def _table(figures: Mapping[str, Estimate], interval: str) -> Iterator[str]:
    yield from _row("figure", "value", interval)
    yield "|---|---|---|"
    for name, figure in figures.items():
        small_p = name.endswith("_p") and figure.value is not None and figure.value < _LEAST_P
        yield from _row(_words(name), f"< {_LEAST_P}" if small_p else _value(figure), _interval(figure))


def _words(name: str) -> str:
    """Say in words what a figure is; one that has none keeps its name."""
    for end, words in _OF_TWO.items():
        if name.endswith(end):
            return words.format(_words(name.removesuffix(end)))
    if name in _WORDS:
        return _WORDS[name]
    for start, words in _WORDS.items():
        if start.endswith("_") and name.startswith(start):
            return words.format(name.removeprefix(start).replace("_", " "))
    return name.replace("_", " ")


def _rest(entry: Metrics) -> str:
    return entry.split.partition(" on ")[2]


def _row(*cells: str) -> Iterable[str]:
    yield f"| {' | '.join(cells)} |"


def _yes(value: bool) -> str:  # noqa: FBT001  # formats one value
    return "yes" if value else "no"


def _value(figure: Estimate) -> str:
    return f"undefined: {figure.reason}" if figure.value is None else _number(figure.value)


def _interval(figure: Estimate) -> str:
    if figure.low is None or figure.high is None:
        return "-"
    return f"{_number(figure.low)} to {_number(figure.high)}"


def _number(value: float) -> str:
    """Three decimals, halves away from 0; four where 0.000 would hide on which side of nothing it lies."""
    if value != 0 and abs(value) < _HIDDEN:
        return f"{value:.4f}"
    return str(Decimal(str(value)).quantize(_THOUSANDTH, ROUND_HALF_UP))
