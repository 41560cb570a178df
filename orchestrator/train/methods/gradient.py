"""Minibatch gradient descent: the row of the table. Its training is in `fit` (Lightning) and `training` (an epoch)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from architectures import exact_prefix, ladder_length
from architectures.arithmetic import work_from
from orchestrator.train.batch_sizes import images_per_pass, side_of_vector
from orchestrator.train.methods.method import Setting, Trained, Work
from orchestrator.train.methods.recipe_rules import check_recipe
from sweeps.seeds import Role
from sweeps.spec import HeadStart, LabelledSet, ModelSpec, Recipe, RunSpec, TransferSpec
from tasks import held_out, outputs_of
from tasks.steps import budget, evaluated_epochs

if TYPE_CHECKING:
    from orchestrator.train.methods.reports import EpochReports


class Gradient:
    """SGD, Adam or AdamW on a loss, epoch by epoch, from the network's first trained unit to its head."""

    def check(self, run: RunSpec, role: Role) -> None:
        recipe = run.source if role == "source" else run.train
        assert recipe is not None
        check_recipe(recipe, "source" if role == "source" else "train")
        if recipe.head_start is not None:
            _check_head_start(run, recipe.head_start, role)

    def work(self, model: ModelSpec, part: LabelledSet, recipe: Recipe, transfer: TransferSpec) -> Work:
        classes, tested = outputs_of(part.task), held_out(part.task)
        once = prefix_is_cached(model, recipe, transfer)
        trained = work_from(model, classes, transfer.frozen)
        passed = trained if once else work_from(model, classes, 0)
        whole = work_from(model, classes, 0)
        length = budget(recipe, part.size)
        evaluations = len(evaluated_epochs(recipe, length.epochs))
        # As on a CPU: an accelerator takes large images in fewer passes, which its rate of a call learns.
        side = model.image_size if model.inputs is None else side_of_vector(model.inputs)
        looks = evaluations * math.ceil((part.size + tested) / images_per_pass(side))
        # Forward through what is passed, backward (twice the work) through what trains; then both sets are evaluated.
        learnt, seen = length.steps / length.steps_per_epoch * part.size, evaluations * (part.size + tested)
        apart = part.size + tested if once else 0
        multiply_adds, elements = (
            learnt * (in_passing + 2 * in_training) + seen * in_passing + apart * (in_all - in_passing)
            for in_passing, in_training, in_all in zip(passed[:2], trained[:2], whole[:2], strict=True)
        )
        calls = length.steps * (passed.calls + 2 * trained.calls) + looks * passed.calls
        if recipe.augment != "none":
            calls += 20 * length.steps
        return Work(1.0, float(length.epochs), float(length.steps), calls, elements, multiply_adds)

    def train(self, setting: Setting, reports: EpochReports) -> Trained:
        if setting.recipe.epochs == 0 and setting.recipe.steps is None:
            return Trained([])
        from orchestrator.train.methods.fit import fit  # torch and Lightning: a plan needs neither

        if setting.recipe.head_start is None:
            return fit(setting, reports)
        note = _started(setting, setting.recipe.head_start)
        trained = fit(setting, reports)
        return trained._replace(notes=(note, *trained.notes))


def _check_head_start(run: RunSpec, how: HeadStart, role: Role) -> None:
    from orchestrator.train.methods.analytic.rows import check_start

    if role == "source":
        raise ValueError(f"source.head_start = {how!r}: allowed: null (the target's head alone is adapted)")
    check_start(run, how, f"train.head_start {how}")


def _started(setting: Setting, how: HeadStart) -> str:
    """The head adapted before the first step; what there is to say of it. A resumed run has it from its checkpoint."""
    from orchestrator.train.methods.analytic.adapt import adapt_head

    found = adapt_head(setting, how)
    return f"head started by {how}: " + ", ".join(f"{name} {value:.6g}" for name, value in found.items())


def prefix_is_cached(model: ModelSpec, recipe: Recipe, transfer: TransferSpec) -> bool:
    """Whether the frozen prefix is computed once, as far as the spec tells (orchestrator/train/prefix.py decides)."""
    if not 0 < transfer.frozen < ladder_length(model) or recipe.augment != "none":
        return False
    return exact_prefix(model, transfer.frozen, transfer.norm)
