"""What each figure of a sweep shows, in sentences: its title is not in the picture."""

from __future__ import annotations

from analysis.report.wording import along_text, axis_text, axis_words
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.curves import INTERPOLATES_AT

INTERVAL = "mean over seeds with its 95 % interval (Student's t)"
SIGNS = "Triangle down: first minimum; triangle up: peak; square: second minimum"


def axis_caption(each: AxisVerdict) -> str:
    """Of the final errors along an axis."""
    read = " It is read from head only to nothing frozen." if each.group.axis == FROZEN else ""
    signs = f" {SIGNS}." if each.verdict is not None and each.verdict.points() else ""
    threshold = "" if each.threshold is None else " Dashed: the interpolation threshold, between two points."
    return (
        f"{each.group.label}: final test error and train error against {axis_words(each)}. "
        f"{along_text(each).capitalize()}: {axis_text(each, brief=True)}.{read} "
        f"Circles: {INTERVAL}; dots beside them: single seeds. Filled: the train error, on the labels as given, is at "
        f"most {100 * INTERPOLATES_AT:g} % in most seeds (dotted), so that they interpolate.{threshold}{signs}"
    )


def epoch_caption(each: AxisVerdict) -> str:
    """Of the learning curves along an axis."""
    return (
        f"{each.group.label}: test error and train error, on the labels as given, against epoch, a panel for each "
        f"value of {axis_words(each)}; n: seeds; below it the shape of the test error. Curves: {INTERVAL}. {SIGNS}, of "
        "a double descent; bars: intervals of their epochs. Dotted: the median epoch at which the train error reaches "
        f"{100 * INTERPOLATES_AT:g} %. Errors above the panels are of the first epochs."
    )


def surface_caption(label: str, persistence: str) -> str:
    """Of the errors over epoch and frozen units. persistence: at which budgets there is a double descent."""
    return (
        f"{label}: mean test error over epoch and frozen units, and along the frozen units after each of the last "
        f"budgets; {persistence}. Line: where the mean train error first reaches {100 * INTERPOLATES_AT:g} %. "
        "Triangles: peaks of the learning curves that are a double descent. Diamonds: freezing-wise peaks, at budgets "
        "at which they are significant; these budgets have a star in the legend, which counts in epochs. White: "
        "not measured."
    )
