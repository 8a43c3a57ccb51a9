"""The curves of an evaluation, as SVG that stands inside an HTML page."""

import io
from typing import Final, Literal

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from training.figures import TaskFigures

# Okabe and Ito's colours, which people with colour-blindness tell apart; the dashes and marks say the same.
_BLUE: Final = "#0072b2"
_ORANGE: Final = "#d55e00"
_GREEN: Final = "#009e73"
_GREY: Final = "#767676"
_SIZE_IN: Final = (4.4, 3.9)
_Corner = Literal["lower right", "upper left", "upper right"]
_MARKS: Final = {"moderate": ("o", _ORANGE), "high": ("s", _GREEN)}


def roc_plot(task: TaskFigures, *, truth: NDArray[np.bool_], score: NDArray[np.float64]) -> Markup:
    """Draw the ROC curve with both operating points."""
    figure, axes = _axes("1 - specificity", "sensitivity")
    false_positive, true_positive, _ = roc_curve(truth, score)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle=":", linewidth=1, label="chance")
    area = task.roc_auc
    axes.plot(false_positive, true_positive, color=_BLUE, label=f"AUC {area.value:.3f}")
    for name, point in task.points.items():
        if point.sensitivity.value is not None and point.specificity.value is not None:
            mark, colour = _MARKS[name]
            axes.plot(1 - point.specificity.value, point.sensitivity.value, mark, color=colour, label=f"{name} limit")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    return _svg(figure, axes, corner="lower right")


def reliability_plot(task: TaskFigures) -> Markup:
    """Draw the observed against the predicted share, with Wilson's intervals, and how many images each bin holds."""
    figure, axes = _axes("predicted probability", "observed share")
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle=":", linewidth=1, label="perfect")
    x = [each.mean_predicted for each in task.reliability]
    y = np.array([each.observed for each in task.reliability])
    low = y - [each.low for each in task.reliability]
    high = [each.high for each in task.reliability] - y
    axes.errorbar(
        x, y, yerr=np.maximum([low, high], 0), fmt="o", color=_BLUE, capsize=2, markersize=4, label="observed"
    )
    most = max(each.n for each in task.reliability)
    axes.bar(
        [each.from_probability for each in task.reliability],
        [0.18 * each.n / most for each in task.reliability],
        width=1 / task.ece_bins,
        align="edge",
        color=_GREY,
        alpha=0.35,
        label=f"images (tallest {most})",
    )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    return _svg(figure, axes, corner="upper left")


def decision_plot(task: TaskFigures) -> Markup:
    """Draw the net benefit of acting on the model, on everybody and on nobody."""
    figure, axes = _axes("threshold probability", "net benefit")
    x = [each.threshold for each in task.decision_curve]
    model = [each.model.value for each in task.decision_curve]
    low = [each.model.value if each.model.low is None else each.model.low for each in task.decision_curve]
    high = [each.model.value if each.model.high is None else each.model.high for each in task.decision_curve]
    treat_all = [each.treat_all for each in task.decision_curve]
    axes.fill_between(x, np.array(low, float), np.array(high, float), color=_BLUE, alpha=0.18, linewidth=0)
    axes.plot(x, np.array(model, float), color=_BLUE, label="refer by the model")
    axes.plot(x, np.array(treat_all, float), color=_ORANGE, linestyle="--", linewidth=1, label="refer everybody")
    axes.axhline(0, color=_GREY, linestyle=":", linewidth=1, label="refer nobody")
    top = max(0.02, *(value for value in high if value is not None))
    axes.set_ylim(-0.25 * top, 1.15 * top)
    return _svg(figure, axes, corner="upper right")


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure, axes: Axes, *, corner: _Corner) -> Markup:
    axes.legend(loc=corner, frameon=False, fontsize="small")
    text = io.StringIO()
    # Text stays text, in the page's own font, and can be searched and read aloud.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"{id(figure)}", "font.family": "sans-serif"}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    drawn = text.getvalue()
    return Markup(drawn[drawn.index("<svg") :])  # noqa: S704  # matplotlib escapes the labels, which are ours
