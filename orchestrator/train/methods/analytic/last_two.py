"""The last two layers of a perceptron, f = relu(a V + c) W + b, adapted in closed form. A construction of ours.

Rounds of Gauss and Newton. To first order in the hidden layer's weights the outputs change by ((a dV + dc) * [h > 0])
W, so that dV is a ridge solution (leave-one-out penalty) of what the head leaves. The network is not linear in V: of
the steps t dV, t in 1, 1/2, 1/4 and so on down to 0, each followed by a ridge head on the features that come out, the
best is taken, by the squared error on the training set (`lva_exact`) or by that of the head's leave-one-out residuals
(`lva_ridge`). It ends after ROUNDS, or where a round gains less than GAIN. Then the head is solved as `how` says. Heads
in between are ridge heads because the pseudoinverse's may be so large that no step in V is small to them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from orchestrator.train.methods.analytic.adapt import check_linear, first_weights, record, solution
from orchestrator.train.methods.analytic.conditions import data_condition
from orchestrator.train.methods.analytic.head_layer import HeadLayer, targets_of
from orchestrator.train.methods.analytic.solve import ridge_change
from orchestrator.train.methods.method import Setting
from sweeps.spec import HeadStart

STEPS = (*(0.5**halving for halving in range(6)), 0.0)
ROUNDS = 8
GAIN = 0.01
"""The least relative gain of a round that another one follows."""


def adapt_last_two(setting: Setting, how: HeadStart) -> dict[str, float]:
    """Change the last hidden layer and the head. Returns what is recorded, of the head and of the hidden layer.

    `hidden_rounds` counts the rounds in which the hidden layer moved, `hidden_weight_change` is |V_end - V| / |V|.
    """
    head = HeadLayer(setting.network, setting.data.outputs)
    hidden = _hidden_layer(setting)
    features, outputs = head.features(setting.inputs)
    below = _read_by(setting, hidden).flatten(1).double()
    wanted = head.target_rows(targets_of(setting.data))
    check_linear(head, head.outputs(features.double(), head.weights()), outputs)
    weights = first_weights(setting, head)
    given = head.outputs(features.double(), weights)
    condition = data_condition(setting, head, features.double(), outputs)

    start, matrix = _weights(hidden), _weights(hidden)
    best = _tried(head, hidden, below, matrix, weights, wanted, how)
    top, left, rounds = weights, wanted - given, 0
    if setting.transfer.head is None:  # a fresh head is 0, and no step in V would change what it gives
        top, left = best.weights, best.left
    while rounds < ROUNDS:
        step = _hidden_change(below, matrix, hidden.bias is not None, top, left)
        tried = [_tried(head, hidden, below, matrix + size * step, weights, wanted, how) for size in STEPS]
        place = min(range(len(STEPS)), key=lambda each: tried[each].criterion)
        if STEPS[place] == 0:
            break
        gain = 1 - tried[place].criterion / best.criterion
        matrix, best, rounds = matrix + STEPS[place] * step, tried[place], rounds + 1
        top, left = best.weights, best.left
        if gain < GAIN:
            break
    _write(hidden, matrix)
    return {
        **_solve_head(setting, head, weights, wanted, given, how),
        "hidden_rounds": float(rounds),
        "hidden_weight_change": torch.linalg.norm(matrix - start).item() / torch.linalg.norm(start).item(),
        **condition,
    }


def _solve_head(
    setting: Setting, head: HeadLayer, weights: Tensor, wanted: Tensor, given: Tensor, how: HeadStart
) -> dict[str, float]:
    """The head's solution on the features that the network has now; outputs `given` are those before all changes."""
    features, _ = head.features(setting.inputs)
    rows = head.rows(features)
    change = solution(how, rows, wanted - head.outputs(rows, weights), head.bias)
    head.compute_in_float64()
    head.write(weights + change.weights)
    return record(head, rows, weights, change, wanted, given)


class Tried(NamedTuple):
    """A hidden layer's weights, judged by the ridge head on its features."""

    criterion: float
    weights: Tensor
    """Of that head."""
    left: Tensor
    """(n, C): what it leaves of the targets."""


def _hidden_change(below: Tensor, matrix: Tensor, bias: bool, weights: Tensor, residuals: Tensor) -> Tensor:
    """dV, as `_weights` gives V: the ridge solution of the outputs' first-order change for the residuals (n, C)."""
    read = torch.nn.functional.pad(below, (0, 1), value=1.0) if bias else below
    active = (read @ matrix > 0).double()
    top = weights[: matrix.shape[1]]
    # d f_c / d V_km = a_k [h_m > 0] W_mc: one row for each sample and output
    slopes = active[:, None, :] * top.T[None]
    jacobian = (read[:, None, :, None] * slopes[:, :, None, :]).flatten(2).flatten(0, 1)
    solved = ridge_change(jacobian, residuals.reshape(-1, 1), bias=False)
    return solved.weights.reshape(matrix.shape)


def _tried(
    head: HeadLayer, hidden: nn.Linear, below: Tensor, matrix: Tensor, weights: Tensor, wanted: Tensor, how: HeadStart
) -> Tried:
    """The ridge head, changed from `weights`, with the hidden layer's weights `matrix`."""
    read = torch.nn.functional.pad(below, (0, 1), value=1.0) if hidden.bias is not None else below
    rows = (read @ matrix).relu()
    solved = ridge_change(rows, wanted - head.outputs(rows, weights), head.bias)
    left = wanted - head.outputs(rows, weights + solved.weights)
    criterion = solved.left_out if how == "lva_ridge" else left.square().sum().item()
    return Tried(criterion, weights + solved.weights, left)


def _hidden_layer(setting: Setting) -> nn.Linear:
    unit = setting.network.units[-2]
    layers = [layer for layer in setting.network.net.get_submodule(unit.owns[0]).modules() if type(layer) is nn.Linear]
    assert len(layers) == 1, "rows.py allows families whose last hidden unit is one linear layer and a ReLU"
    return layers[0]


@torch.no_grad()
def _read_by(setting: Setting, layer: nn.Linear) -> Tensor:
    """What a layer reads of all training samples (n, p)."""
    seen: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    HeadLayer(setting.network, setting.data.outputs).features(setting.inputs)
    handle.remove()
    return torch.cat(seen)


def _weights(layer: nn.Linear) -> Tensor:
    matrix = layer.weight.detach().T.double()
    return matrix if layer.bias is None else torch.cat([matrix, layer.bias.detach().double()[None]])


@torch.no_grad()
def _write(layer: nn.Linear, matrix: Tensor) -> None:
    layer.weight.copy_((matrix if layer.bias is None else matrix[:-1]).T)
    if layer.bias is not None:
        layer.bias.copy_(matrix[-1])
