"""The rows of the table METHODS that find weights in closed form, and the one that leaves them as they are."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from architectures import family_of, ladder_length
from architectures.arithmetic import unit_work
from orchestrator.train.methods.gradient import Gradient
from orchestrator.train.methods.method import Setting, Trained, Work
from sweeps.records import EpochRecord
from sweeps.seeds import Role
from sweeps.spec import HeadStart, LabelledSet, ModelSpec, Recipe, RunSpec, TransferSpec
from tasks import has_pairs, outputs_of

if TYPE_CHECKING:
    from orchestrator.train.methods.reports import EpochReports

TWO_LAYERS = ("mlp",)
"""Families whose last hidden unit is one linear layer and a ReLU."""
MOST_ENTRIES = 2**25
"""Of the Jacobian of the last two layers, float64: 256 MiB."""


class Unadapted:
    """The network as it starts, evaluated once: what adapting it is compared with. The curve is one row, of no step."""

    name: str = "unadapted"

    def check(self, run: RunSpec, role: Role) -> None:
        if role == "source":
            raise ValueError(f"source.method = {self.name!r}: allowed: gradient (it trains no source model)")
        if run.train.measures is not None:
            place = f"train.measures = {run.train.measures!r}"
            raise ValueError(
                f"{place}: allowed with train.method {self.name}: null (gradient descent alone is measured)"
            )

    def work(self, model: ModelSpec, part: LabelledSet, recipe: Recipe, transfer: TransferSpec) -> Work:
        """That of one epoch without steps."""
        one = recipe.model_copy(update={"epochs": 1, "steps": None})
        return Gradient().work(model, part, one, transfer)._replace(steps=0.0)

    def train(self, setting: Setting, reports: EpochReports) -> Trained:
        began = time.perf_counter()
        row = _row(setting, 0, began)
        reports.trained(row)
        return Trained([row])


class Analytic(Unadapted):
    """The head, or the last two layers of a perceptron, by least squares: one solve, one row in the curve."""

    def __init__(self, how: HeadStart) -> None:
        self.name: str = how
        self._how: HeadStart = how

    def check(self, run: RunSpec, role: Role) -> None:
        super().check(run, role)
        with_method = f"allowed with train.method {self.name}"
        last = ladder_length(run.model) - 1
        two = run.model.family in TWO_LAYERS and self._how != "lva_perturb"
        depths = (last - 1, last) if two and last > 1 else (last,)
        if run.transfer.frozen not in depths:
            listed = " or ".join(map(str, depths))
            raise ValueError(f"transfer.frozen = {run.transfer.frozen}: {with_method}: {listed}")
        if run.transfer.frozen < last:
            width = run.model.width
            entries = run.target.size * outputs_of(run.target.task) * (width + 1) * width
            if entries > MOST_ENTRIES:
                most = MOST_ENTRIES // (entries // run.target.size)
                raise ValueError(f"target.size = {run.target.size}: {with_method} of two layers here: at most {most}")
        check_start(run, self._how, f"train.method {self.name}")

    def work(self, model: ModelSpec, part: LabelledSet, recipe: Recipe, transfer: TransferSpec) -> Work:
        """That of one epoch without steps, and one solve: of the smaller normal equations, in float64."""
        without = super().work(model, part, recipe, transfer)
        columns = unit_work(model, outputs_of(part.task))[-1].multiply_adds / outputs_of(part.task)
        solve = 4 * part.size * columns * min(part.size, columns)
        return without._replace(steps=1.0, multiply_adds=without.multiply_adds + solve)

    def train(self, setting: Setting, reports: EpochReports) -> Trained:
        from orchestrator.train.methods.analytic.adapt import adapt_head
        from orchestrator.train.methods.analytic.last_two import adapt_last_two

        began = time.perf_counter()
        unadapted = _row(setting, 0, began)
        whole = setting.network.frozen == len(setting.network.units) - 1
        found = adapt_head(setting, self._how, in_float64=True) if whole else adapt_last_two(setting, self._how)
        row = _row(setting, 1, began)
        reports.trained(row)
        found |= {
            "unadapted_test_error": unadapted.test_error,
            "unadapted_test_loss": unadapted.test_loss,
            "unadapted_train_loss": unadapted.train_loss,
            "adaptation_harm": row.test_error - unadapted.test_error,
        }
        return Trained([row], measures={name: [value] for name, value in found.items()})


def check_start(run: RunSpec, how: HeadStart, where: str) -> None:
    """Raise ValueError where a run's head cannot be adapted in closed form. `where`: the field that asks for it."""
    if family_of(run.model).fixed_head:
        raise ValueError(f"model.family = {run.model.family!r}: allowed with {where}: one whose head has weights")
    if run.train.precision != "float32":
        raise ValueError(f"train.precision = {run.train.precision!r}: allowed with {where}: float32")
    if run.transfer.norm != "eval":
        raise ValueError(f"transfer.norm = {run.transfer.norm!r}: allowed with {where}: eval")
    if how == "lva_perturb":
        if not has_pairs(run.target.task):
            raise ValueError(f"target.task = {run.target.task!r}: allowed with {where}: one with paired source samples")
        if run.transfer.head != "source":
            raise ValueError(f"transfer.head = null: allowed with {where}: source (whose head it starts from)")


def _row(setting: Setting, step: int, began: float) -> EpochRecord:
    from orchestrator.train.evaluation import evaluate
    from orchestrator.train.losses import loss_of

    scores = evaluate(setting.network, setting.data, setting.inputs, loss_of(setting.recipe))
    return EpochRecord(1, step, **scores, learning_rate=math.nan, seconds=time.perf_counter() - began)
