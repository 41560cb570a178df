"""Networks of finite width come to the theory of infinite width as they grow: same samples, same descent."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from analysis.theory.kernel_regression import readout_score
from analysis.theory.particles import Stage
from analysis.theory.second_stage import Samples, fine_tuned, jointly_rich, trained_source
from architectures import Network, build, inherit, take_body
from sweeps.spec import ModelSpec

D, RATE, STEPS, RICH = 10, 0.1, 250, 1.0
SEEDS = range(3)


def drawn(seed: int, degree: int, samples: int) -> Samples:
    """A linear teacher, or its square, of variance 1."""
    rng = np.random.default_rng([seed, degree])
    train, test = rng.standard_normal((samples, D)), rng.standard_normal((500, D))
    labels, truth = (x[:, :1] if degree == 1 else (x[:, :1] ** 2 - 1) / math.sqrt(2) for x in (train, test))
    return Samples(train / math.sqrt(D), labels, test / math.sqrt(D), truth)


def network(width: int, seed: int, richness: float = RICH) -> Network:
    model = ModelSpec(family="mean_field_mlp", depth=2, width=width, inputs=D, richness=richness)
    return build(model, 1, seed)


def inputs(rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(rows * math.sqrt(D)).float()


def descend(net: Network, task: Samples) -> None:
    x, y = inputs(task.train), torch.from_numpy(task.labels).float()
    optimizer = torch.optim.SGD(net.parameters(), RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (net(x) - y).square().mean().backward()
        optimizer.step()


def error(net: Network, task: Samples) -> float:
    with torch.no_grad():
        found = net(inputs(task.test)).double().numpy()
    return float(((found - task.truth) ** 2).mean() / (task.truth**2).mean())


def readout(net: Network, task: Samples) -> float:
    """Relative test error of the readout trained to its end on the network's features."""
    with torch.no_grad():
        train, test = (net.prefix(inputs(rows), 1)[0].double().numpy() for rows in (task.train, task.test))
    return readout_score(train, task.labels, test, task.truth).error


def learnt(width: int, seed: int, source: Samples) -> Network:
    net = network(width, seed)
    descend(net, source)
    return net


def test_the_gap_to_theory_shrinks_with_width() -> None:
    """Features of a linear source, readout on its square: within 10 % at width 2,000, closer than at width 50."""
    gaps: dict[int, list[float]] = {50: [], 2000: []}
    for seed in SEEDS:
        source, target = drawn(seed, 1, 60), drawn(seed, 2, 30)
        stage = Stage(RICH, 2 * RATE * STEPS)
        particles = trained_source(source, stage, 4000, np.random.default_rng(seed))
        expected = fine_tuned(particles, target).error
        for width, found in gaps.items():
            found.append(abs(readout(learnt(width, seed, source), target) / expected - 1))
    assert np.mean(gaps[2000]) < 0.1
    assert np.mean(gaps[2000]) < 0.5 * np.mean(gaps[50])


@pytest.mark.parametrize("richness", [0.3, 3.0])
def test_a_jointly_rich_stage_of_a_network_is_that_of_particles(richness: float) -> None:
    """Errors on the target and of the source's own readout afterwards."""
    source, target = drawn(0, 1, 60), drawn(0, 2, 60)
    rng = np.random.default_rng(0)
    particles = trained_source(source, Stage(RICH, 2 * RATE * STEPS), 4000, rng)
    expected = jointly_rich(particles, source, target, RICH, Stage(richness, 2 * RATE * STEPS), rng)
    first = learnt(2000, 0, source)
    second, kept = network(2000, 1, richness), network(2000, 0)
    inherit(second, first.state_dict())
    inherit(kept, first.state_dict(), head_too=True)
    descend(second, target)
    take_body(kept, second)
    assert error(second, target) == pytest.approx(expected.target.error, rel=0.1)
    assert error(first, source) == pytest.approx(expected.source_before.error, abs=0.02)
    assert error(kept, source) == pytest.approx(expected.source_after.error, rel=0.1, abs=0.02)
