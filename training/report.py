"""The evaluation as one HTML file that a clinician can read, print and send: no script, nothing fetched."""

from dataclasses import dataclass
from typing import Final

import jinja2
from markupsafe import Markup

from edge.inference.model_package import Estimate
from training.evaluate import Evaluation
from training.figures import Figures, TaskFigures, distinctions
from training.gallery import gallery
from training.metrics import outcomes
from training.plots import decision_plot, reliability_plot, roc_plot

_TEMPLATE: Final = "report.html"


@dataclass(frozen=True)
class _Section:
    name: str
    task: TaskFigures
    assessable: TaskFigures
    roc: Markup | None
    reliability: Markup | None
    decision: Markup | None


def render_report(evaluation: Evaluation, *, gallery_wanted: bool = True) -> str:
    """Return the report; without the gallery it holds none of the pictures, but still their figures."""
    result, manifest = evaluation.result, evaluation.package.manifest
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("training"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"estimate": _estimate, "percent": _percent}
    outcome = next(iter(outcomes(manifest.labels, manifest.positive)))
    rows = (
        gallery(
            evaluation.pictures,
            evaluation.scores,
            moderate=manifest.thresholds.moderate,
            root=evaluation.root,
            sharp=evaluation.sharp,
            outcome=outcome,
        )
        if gallery_wanted
        else ()
    )
    return environment.get_template(_TEMPLATE).render(
        result=result,
        manifest=manifest,
        thresholds=manifest.thresholds,
        sections=_sections(evaluation, result.assessable),
        outcome=outcome,
        gallery=rows,
    )


def _sections(evaluation: Evaluation, assessable: Figures) -> list[_Section]:
    sections = []
    for distinction in distinctions(evaluation.scores):
        task = evaluation.result.tasks[distinction.name]
        defined = task.roc_auc.value is not None
        sections.append(
            _Section(
                name=distinction.name,
                task=task,
                assessable=assessable.tasks[distinction.name],
                roc=roc_plot(task, truth=distinction.truth, score=distinction.score) if defined else None,
                reliability=reliability_plot(task) if task.reliability else None,
                decision=decision_plot(task) if defined else None,
            )
        )
    return sections


def _estimate(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"undefined: {estimate.reason}"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f} (no interval: {estimate.reason})"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
