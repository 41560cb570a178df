"""Heads as least-squares problems: rows of features times weights are what the layer writes, linear or
convolutional."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from architectures import build
from orchestrator.train.inputs import Inputs
from orchestrator.train.methods.analytic.adapt import check_linear
from orchestrator.train.methods.analytic.head_layer import HeadLayer
from sweeps.spec import ModelSpec
from tests.orchestrator.small_runs import MODELS

FCN = {"family": "fcn", "depth": 3, "width": 4}
CASES: list[tuple[dict[str, Any], int]] = [
    *((model, 5) for model in MODELS.values()),
    ({"family": "mlp", "depth": 2, "width": 6}, 3),
    ({"family": "mlp", "depth": 2, "width": 6, "biases": [1, 1, 0]}, 3),
    (FCN, 64),
    (FCN, 5),
]


def images(number: int = 7) -> Tensor:
    return torch.randn(number, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("model", "outputs"), CASES)
def test_rows_times_weights_are_the_networks_outputs(model: dict[str, Any], outputs: int) -> None:
    network = build(ModelSpec.model_validate(model), outputs, seed=0)
    head, x = HeadLayer(network, outputs), images()
    features, seen = head.features(Inputs(0, (x,), (x,), most=3))
    rows = head.rows(features)
    torch.testing.assert_close(head.outputs(rows, head.weights()).float(), head.target_rows(seen).float())
    assert torch.equal(head.features_of(x, 3)[0], features)


@pytest.mark.parametrize(("model", "outputs"), CASES)
def test_weights_that_are_written_are_those_that_are_read(model: dict[str, Any], outputs: int) -> None:
    network = build(ModelSpec.model_validate(model), outputs, seed=0)
    head, before = HeadLayer(network, outputs), {k: v.clone() for k, v in network.state_dict().items()}
    weights = head.weights()
    head.write(weights + 1)
    torch.testing.assert_close(head.weights(), weights + 1)
    head.write(weights)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


class Scaled(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) / self.in_features


def test_a_head_without_a_closed_form_is_refused() -> None:
    network = build(ModelSpec(family="mlp", depth=2, width=6), 3, seed=0)
    network.net.add_module("head", Scaled(6, 3))
    with pytest.raises(ValueError, match=r"the head of this network \(head\) is neither a linear layer nor"):
        HeadLayer(network, 3)


def test_a_head_that_something_follows_is_refused() -> None:
    network = build(ModelSpec(family="mlp", depth=2, width=6), 3, seed=0)
    head = HeadLayer(network, 3)
    features, outputs = head.features_of(images(), 10)
    given = head.outputs(head.rows(features), head.weights())
    check_linear(head, given, outputs)
    with pytest.raises(ValueError, match="the head of this network is not its last step"):
        check_linear(head, given, outputs.relu() + 1)
