"""A head adapted in closed form, and what is recorded of it."""

from __future__ import annotations

import torch
from torch import Tensor

from orchestrator.train.methods.analytic.conditions import data_condition, first_order
from orchestrator.train.methods.analytic.head_layer import HeadLayer, targets_of
from orchestrator.train.methods.analytic.solve import Change, ridge_change, smallest_change
from orchestrator.train.methods.method import Setting
from sweeps.spec import HeadStart


def adapt_head(setting: Setting, how: HeadStart, in_float64: bool = False) -> dict[str, float]:
    """Change the head of the network to fit the training targets. Returns what is recorded (sweeps/records.py).

    `lva_exact`: dW = pinv(Z) (Y - Z W). `lva_ridge`: the same under a penalty on dW. `lva_perturb`: dW = pinv(Z) q,
    with q = dy - J(x) dx + y - z W of the source samples (x, y) that the target samples (x + dx, y + dy) are shifted
    forms of: the network is not asked what it gives at x + dx, its first-order expansion about x is (Tseng et al. 2023,
    with the pseudoinverse of the target's features, as in their code).

    in_float64: the head computes so from now on. Raises ValueError where the head is no layer with a closed form.
    """
    head = HeadLayer(setting.network, setting.data.outputs)
    features, outputs = head.features(setting.inputs)
    rows, wanted = head.rows(features), head.target_rows(targets_of(setting.data))
    check_linear(head, head.outputs(rows, head.weights()), outputs)
    weights = first_weights(setting, head)
    given = head.outputs(rows, weights)
    if how == "lva_perturb":
        start, tangent = first_order(setting)
        aimed = wanted - head.target_rows(start + tangent)
    else:
        aimed = wanted - given
    change = solution(how, rows, aimed, head.bias)
    condition = data_condition(setting, head, rows, outputs)
    if in_float64:
        head.compute_in_float64()
    head.write(weights + change.weights)
    return {**record(head, rows, weights, change, wanted, given), **condition}


def first_weights(setting: Setting, head: HeadLayer) -> Tensor:
    """Those that the change is of: the source's where the head is the source's, else 0. A fresh head is random, and
    what is left of it in directions that few samples do not see would be noise."""
    return head.weights() if setting.transfer.head == "source" else torch.zeros_like(head.weights())


def solution(how: HeadStart, rows: Tensor, residuals: Tensor, bias: bool) -> Change:
    return ridge_change(rows, residuals, bias) if how == "lva_ridge" else smallest_change(rows, residuals, bias)


def check_linear(head: HeadLayer, given: Tensor, outputs: Tensor) -> None:
    """Raise ValueError unless the network's outputs (N, T) are what the head's weights make of its features."""
    if not torch.allclose(given, head.target_rows(outputs), rtol=1e-2, atol=1e-3 * (1 + given.abs().max().item())):
        raise ValueError("the head of this network is not its last step: its outputs are no linear function of it")


def record(
    head: HeadLayer, rows: Tensor, weights: Tensor, change: Change, wanted: Tensor, given: Tensor
) -> dict[str, float]:
    """residual_share: squared residual after over that before, which outputs `given` had. weight_change: |dW| / |W| of
    the head, NaN of a fresh one. penalty, effective_rank: of the solution."""
    before = (wanted - given).square().sum().item()
    after = (wanted - head.outputs(rows, weights + change.weights)).square().sum().item()
    size = torch.linalg.norm(weights).item()
    return {
        "residual_share": after / before if before > 0 else 0.0,
        "weight_change": torch.linalg.norm(change.weights).item() / size if size > 0 else float("nan"),
        "penalty": change.penalty,
        "effective_rank": change.rank,
    }
