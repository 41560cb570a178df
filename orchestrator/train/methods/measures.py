"""What may be measured at an evaluation beside errors and losses. Nothing here changes the network or draws at random.

`readout_gap`: test error of the trained head less that of a ridge head on the same features, as a fraction: what the
features would allow, and training the head did not find, is above 0. `source_distance`: for each unit but the head the
L2 norm of its parameters' difference from those that training started from. `source_error`: the test error on the
source task of the source's own head on the units before it as they are now: what it has risen by is forgotten.
`alignment`, `noise_memory`: what filters have learnt of known signals and of the noise of training samples
(signal_measures.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from architectures import take_body
from orchestrator.train.evaluation import evaluate
from orchestrator.train.losses import loss_of
from orchestrator.train.methods.method import Setting
from orchestrator.train.methods.signal_measures import signal_measures

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Ridge penalties that are tried, over the mean of the squared singular values of the features. A choice of ours."""

Measured = Mapping[str, list[float]]
"""Of each measure its value at each evaluation, in order."""


class Measures:
    """The measures of a recipe, of one training. `columns` grows with each evaluation.

    setting.network: as training starts from it. A rule refuses the readout gap of another head than a linear one.
    """

    def __init__(self, setting: Setting) -> None:
        network, data, inputs = setting.network, setting.data, setting.inputs
        asked = (setting.recipe.measures or "").split(",")
        self._network, self._data, self._inputs = network, data, inputs
        self._take: list[Callable[[], dict[str, float]]] = []
        if "readout_gap" in asked:
            self._take.append(self._readout_gap)
        if "source_distance" in asked:
            units = network.units[:-1]
            self._starts = {unit.name: [p.detach().clone() for p in unit.parameters(network.net)] for unit in units}
            self._take.append(self._source_distance)
        if "source_error" in asked:
            self._source = setting.source
            self._loss = loss_of(setting.recipe)
            self._take.append(self._source_error)
        if data.signals is not None and {"alignment", "noise_memory"} & set(asked):
            self._take += signal_measures(network, data, asked)
        self.columns: dict[str, list[float]] = {}

    def take(self) -> None:
        """Measure, the network being in evaluation mode."""
        for measure in self._take:
            for name, value in measure().items():
                self.columns.setdefault(name, []).append(value)

    @torch.no_grad()
    def _readout_gap(self) -> dict[str, float]:
        seen: list[Tensor] = []
        handle = self._network.head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        test_logits, _ = self._inputs.all_logits(self._network)
        handle.remove()
        features, tested = torch.cat(seen).double(), len(test_logits)
        if not torch.isfinite(features).all():
            return {"readout_gap": math.nan}
        scores = ridge_scores(features[tested:], self._data.labels, features[:tested], test_logits.shape[1])
        wrong = [(found.argmax(1) != self._data.test_labels).double().mean().item() for found in (test_logits, scores)]
        return {"readout_gap": wrong[0] - wrong[1]}

    @torch.no_grad()
    def _source_distance(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for unit in self._network.units[:-1]:
            pairs = zip(unit.parameters(self._network.net), self._starts[unit.name], strict=True)
            squares = sum((now.double() - start.double()).square().sum().item() for now, start in pairs)
            found[f"source_distance.{unit.name}"] = math.sqrt(squares)
        return found

    def _source_error(self) -> dict[str, float]:
        assert self._source is not None, "a rule refuses the measure without a source"
        source, data, inputs = self._source
        take_body(source, self._network)
        return {"source_error": evaluate(source, data, inputs, self._loss)["test_error"]}


def ridge_scores(features: Tensor, labels: Tensor, others: Tensor, classes: int) -> Tensor:
    """Scores (M, classes) of `others` (M, p) by ridge regression of one-hot labels (N,) on features (N, p), float64.

    The intercept is free. Of PENALTIES the one is taken whose leave-one-out squared error is least, which has a closed
    form: the residual over 1 - leverage (Hastie et al. 2009, equation 7.64).

    Not the solver of the method `lva_ridge` (`analytic.solve.ridge_change`), which penalises a change of given weights,
    has other penalties (half decades up to 1), and takes them over tr(Z'Z)/p. Here they are over tr(Z'Z)/min(N, p):
    with p > N features the same factor is a penalty p/N times as large. Recorded gaps depend on these, so they stay.
    """
    targets = one_hot(labels, classes).double()
    center, level = features.mean(0), targets.mean(0)
    u, s, v = torch.linalg.svd(features - center, full_matrices=False)
    projected = u.T @ (targets - level)
    scale = s.square().mean().clamp_min(torch.finfo(s.dtype).tiny)

    def left_out(penalty: float) -> float:
        shrunk = s.square() / (s.square() + penalty * scale)
        residuals = targets - level - (u * shrunk) @ projected
        leverage = (u.square() * shrunk).sum(1) + 1 / len(features)
        return (residuals / (1 - leverage).clamp_min(1e-9)[:, None]).square().sum().item()

    penalty = min(PENALTIES, key=left_out)
    weights = v.T @ ((s / (s.square() + penalty * scale))[:, None] * projected)
    return (others - center) @ weights + level
