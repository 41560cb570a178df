"""The two-layer ReLU CNN is the formula that it is said to be, its loss the logistic one."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, softplus

from architectures import build, trainable_parameters
from sweeps.spec import ModelSpec

MODEL = ModelSpec(family="two_layer_relu_cnn", depth=2, width=6, image_size=9)
PATCH = 40


def test_the_logits_are_the_sums_of_both_signs() -> None:
    network = build(MODEL, 2, seed=0)
    images = torch.randn(7, 1, 9, 9, generator=torch.Generator().manual_seed(0))
    w = network.net.get_parameter("filters.weight")
    assert w.shape == (12, PATCH) and trainable_parameters(network) == 12 * PATCH
    first, second = images.flatten(1)[:, :PATCH], images.flatten(1)[:, PATCH : 2 * PATCH]
    sums = []
    for sign in (w[:6], w[6:]):
        active = (first @ sign.T).relu() + (second @ sign.T).relu()
        sums.append(active.sum(1) / 6)
    torch.testing.assert_close(network(images), torch.stack(sums, 1))


def test_the_cross_entropy_is_the_logistic_loss() -> None:
    network = build(MODEL, 2, seed=0)
    images = 50 * torch.randn(7, 1, 9, 9, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(7) % 2
    logits = network(images)
    f, y = logits[:, 1] - logits[:, 0], 2 * labels - 1
    torch.testing.assert_close(cross_entropy(logits, labels), softplus(-y * f).mean())


def test_initial_weights_are_gaussian_of_the_stated_deviation() -> None:
    wide = build(MODEL.model_copy(update={"width": 500}), 2, seed=3).net.get_parameter("filters.weight")
    assert wide.std().item() == pytest.approx(1e-3, rel=0.02)


def test_another_number_of_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="classes = 3: a two_layer_relu_cnn tells 2 classes apart"):
        build(MODEL, 3, seed=0)
