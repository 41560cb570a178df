"""Rules of runs whose task has real-valued targets or vectors as inputs. `vocabulary.RULES` has them."""

from __future__ import annotations

from collections.abc import Iterator

from sweeps.spec import DEFAULT_LOSS, LabelledSet, Recipe, RunSpec
from tasks import is_regression, vector_length


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
    """A network reads vectors of one length (`model.inputs`), or images; nothing is cropped from a vector."""
    for section, part, recipe in _parts(run):
        length = vector_length(part.task)
        if length != run.model.inputs:
            role = "source" if section == "source" else "target"
            has = "images" if length is None else f"vectors of {length}"
            allowed = "null" if length is None else length
            raise ValueError(
                f"model.inputs = {run.model.inputs}: {role}.task = {part.task!r} has {has}; allowed: {allowed}"
            )
        if length is not None and recipe.augment != "none":
            raise ValueError(f"{section}.augment = {recipe.augment!r}: allowed with vectors as inputs: none")


def _parts(run: RunSpec) -> Iterator[tuple[str, LabelledSet, Recipe]]:
    """The section of the recipe, the data and the recipe of the source, if there is one, and of the target."""
    if run.source is not None:
        yield "source", run.source, run.source
    yield "train", run.target, run.train


REGRESSION_RULES = (regression_is_squared, inputs_fit_the_network)
