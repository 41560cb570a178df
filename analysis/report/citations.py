"""What to cite for the data that a sweep used."""

from __future__ import annotations

from collections.abc import Iterable

_SOURCES = {
    "digits": (
        "Handwritten digits, 8x8: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, "
        "UCI Machine Learning Repository, doi:10.24432/C50P49 (its test part, as shipped with scikit-learn)."
    ),
    "glyphs": (
        "Rendered characters: drawn by Frostline from the DejaVu, STIX and Computer Modern fonts that ship with "
        "Matplotlib; J. D. Hunter (2007), Matplotlib: A 2D Graphics Environment, Computing in Science & "
        "Engineering 9(3), 90-95."
    ),
    "cifar10": (
        "CIFAR-10: A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images, technical report, "
        "University of Toronto."
    ),
}


def citations(tasks: Iterable[str]) -> list[str]:
    """One line for each data set behind the task names, in alphabetical order; a task without one is named
    so.
    """
    sets = sorted({task.partition("[")[0] for task in tasks})
    return [_SOURCES.get(name, f"{name}: no reference is on record; cite its publisher.") for name in sets]
