"""Networks that are written down here: the perceptron on vectors and images, the fully convolutional network."""

from __future__ import annotations

import pytest
import torch

from architectures import build, family_of, inherit, trainable_parameters, unit_names
from sweeps.spec import ModelSpec

SERIES = ModelSpec(family="mlp", depth=2, width=64, inputs=1)


def test_the_papers_perceptron() -> None:
    network = build(SERIES, 1, seed=0)
    assert unit_names(SERIES) == ("stem", "hidden2", "head")
    assert trainable_parameters(network) == (64 + 64) + (64 * 64 + 64) + (64 + 1)
    t = torch.linspace(-1, 1, 7)[:, None]
    weights = network.state_dict()
    z = (t @ weights["stem.1.weight"].T + weights["stem.1.bias"]).relu()
    z = (z @ weights["hidden2.1.weight"].T + weights["hidden2.1.bias"]).relu()
    torch.testing.assert_close(network(t), z @ weights["head.weight"].T + weights["head.bias"])


def test_layers_without_a_bias() -> None:
    names = set(build(SERIES.model_copy(update={"biases": "0,1,0"}), 1, seed=0).state_dict())
    assert {name for name in names if name.endswith("bias")} == {"hidden2.1.bias"}


@pytest.mark.parametrize("biases", ["0,1", "0,1,0,1"])
def test_a_bias_is_said_of_every_layer(biases: str) -> None:
    with pytest.raises(ValueError, match=f"model.biases = '{biases}': allowed: 3 numbers, one for each layer"):
        family_of(SERIES.model_copy(update={"biases": biases}))


def test_the_fully_convolutional_network_writes_an_image_or_averages() -> None:
    model = ModelSpec(family="fcn", depth=3, width=5, channels=3)
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    painter, classifier = build(model, 3 * 64, seed=0), build(model, 7, seed=0)
    (features,) = painter.prefix(x, 2)
    head = painter.net.get_submodule("head")
    assert head.weight.shape == (3, 5, 3, 3)
    assert torch.equal(painter(x), head(features).flatten(1))
    pixels = classifier.net.get_submodule("head")(classifier.prefix(x, 2)[0])
    torch.testing.assert_close(classifier(x), pixels.mean((2, 3)))
    inherit(classifier, painter.state_dict())
    assert torch.equal(classifier.prefix(x, 2)[0], features)


def test_the_head_too_is_inherited_where_that_is_asked_for() -> None:
    ours, theirs = (build(SERIES, 1, seed=seed) for seed in (0, 1))
    inherit(ours, theirs.state_dict(), head_too=True)
    assert all(torch.equal(tensor, theirs.state_dict()[name]) for name, tensor in ours.state_dict().items())
    with pytest.raises(ValueError, match=r"source weights: tensor 'head.weight' is \(2, 64\) float32"):
        inherit(ours, build(SERIES, 2, seed=0).state_dict(), head_too=True)
