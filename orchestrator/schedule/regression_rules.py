"""Rules of runs whose task has real-valued targets, vectors as inputs, or pixels that have to keep their places.
`vocabulary.RULES` has them."""

from __future__ import annotations

from collections.abc import Iterator

from sweeps.language.task_text import dataset_of
from sweeps.spec import DEFAULT_LOSS, LabelledSet, Recipe, RunSpec
from tasks import is_regression, vector_length

SIGNAL_NOISE, TWO_LAYER_RELU_CNN = "signal_noise", "two_layer_relu_cnn"


def regression_is_squared(run: RunSpec) -> None:
    """A regression task has the loss `squared`, no label noise but the task's own, and no measure of classes."""
    for section, part, recipe in _parts(run):
        if not is_regression(part.task):
            continue
        place = f"{'source' if section == 'source' else 'target'}.task = {part.task!r}, a regression"
        loss = recipe.loss or DEFAULT_LOSS
        if loss != "squared":
            raise ValueError(f"{section}.loss = {loss!r}: allowed with {place}: squared")
        if part.label_noise:
            role = "source" if section == "source" else "target"
            raise ValueError(f"{role}.label_noise = {part.label_noise}: allowed with {place}: 0")
        if "readout_gap" in (recipe.measures or ""):
            raise ValueError(f"{section}.measures = {recipe.measures!r}: readout_gap is of classes, not of {place}")


def inputs_fit_the_network(run: RunSpec) -> None:
    """A network reads vectors of one length (`model.inputs`), or images."""
    for section, part, _ in _parts(run):
        length = vector_length(part.task)
        if length != run.model.inputs:
            role = "source" if section == "source" else "target"
            has = "images" if length is None else f"vectors of {length}"
            allowed = "null" if length is None else length
            raise ValueError(
                f"model.inputs = {run.model.inputs}: {role}.task = {part.task!r} has {has}; allowed: {allowed}"
            )


def what_has_a_place_is_not_moved(run: RunSpec) -> None:
    """No cropping or mirroring of vectors, of images whose target is an image, or of signals with a place."""
    for section, part, recipe in _parts(run):
        if recipe.augment == "none":
            continue
        role = "source" if section == "source" else "target"
        if vector_length(part.task) is not None:
            why = "vectors as inputs"
        elif is_regression(part.task):
            why = f"{role}.task = {part.task!r}, whose targets would not move along"
        elif dataset_of(part.task) == SIGNAL_NOISE:
            why = f"{role}.task = {part.task!r}, whose signals have a place"
        else:
            continue
        raise ValueError(f"{section}.augment = {recipe.augment!r}: allowed with {why}: none")


def _parts(run: RunSpec) -> Iterator[tuple[str, LabelledSet, Recipe]]:
    """The section of the recipe, the data and the recipe of the source, if there is one, and of the target."""
    if run.source is not None:
        yield "source", run.source, run.source
    yield "train", run.target, run.train


REGRESSION_RULES = (regression_is_squared, inputs_fit_the_network, what_has_a_place_is_not_moved)
