"""The published mode: its slopes, its arms, and the drift of its constant."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from analysis.transferability import Pair, paper_bound
from analysis.transferability.paper_mode import (
    ARMS,
    PaperSettings,
    Parameters,
    cost,
    initial,
    learn,
    objective,
    standardised,
)
from analysis.transferability.softmax_head import fit, lipschitz
from analysis.transferability.transport import plan
from tests.analysis.transferability.random_tasks import pair

QUICK = PaperSettings(couplings=4, steps=5, samples=60)


def at_random(classes: tuple[int, int], p: int, rng: np.random.Generator) -> Parameters:
    shapes = {"A": (p, p), "inverse": (p, p), "b": (p,), "labels": classes[::-1], "prior": (classes[0],)}
    return Parameters(**{name: rng.normal(size=shape) for name, shape in shapes.items()})


@pytest.mark.parametrize(("sources", "targets"), [(3, 3), (4, 2), (2, 4)])
def test_the_slopes_are_those_of_the_objective(sources: int, targets: int) -> None:
    rng = np.random.default_rng(sources)
    given = pair(sources, targets, 1, dimensions=3)
    assert given.source is not None
    source, target, head = given.source, given.target, fit(given.source)
    at = at_random((sources, targets), 3, rng)
    coupled = plan(cost(source, target, at, 2.0))
    slopes = objective(source, target, head, at, coupled, 0.7, 2.0)[1]
    for field in fields(Parameters):
        values = getattr(at, field.name)
        direction = rng.normal(size=values.shape)
        step = 1e-6
        ends = [
            objective(
                source, target, head, replace(at, **{field.name: values + side * step * direction}), coupled, 0.7, 2.0
            )
            for side in (1, -1)
        ]
        numeric = (ends[0][0] - ends[1][0]) / (2 * step)
        assert float((slopes[field.name] * direction).sum()) == pytest.approx(numeric, rel=1e-5), field.name


def test_the_arms_learn_what_they_say() -> None:
    given = pair(3, 3, 4)
    assert given.source is not None
    source, target = standardised(given.source, 6), standardised(given.target, 6)
    head = fit(source)
    learned = {arm: learn(source, target, head, arm, 0, QUICK) for arm in ARMS}
    start = initial(source, target, "fixed_all", 0)
    for name in ("A", "b", "labels", "prior"):
        assert np.array_equal(getattr(learned["fixed_all"], name), getattr(start, name))
    for name in ("labels", "prior"):
        assert np.array_equal(getattr(learned["learned_a"], name), getattr(start, name))
    assert not np.allclose(learned["learned_a"].A, np.eye(6))
    assert not np.allclose(learned["learned_all"].D, source.prior(), atol=1e-3)
    # The arms that keep their label map keep a permutation.
    assert sorted(start.B.argmax(axis=0).tolist()) == [0, 1, 2]
    assert start.B.max(axis=0) == pytest.approx(np.ones(3))


def test_learning_goes_down_the_objective() -> None:
    given = pair(3, 3, 5)
    assert given.source is not None
    source, target = standardised(given.source, 6), standardised(given.target, 6)
    head = fit(source)
    values = []
    for couplings in (1, 4, 12):
        now = learn(source, target, head, "learned_all", 0, PaperSettings(couplings=couplings, steps=10))
        values.append(objective(source, target, head, now, plan(cost(source, target, now, 10.0)), 1.0, 10.0)[0])
    assert values[0] > values[1] > values[2]


def test_the_constant_is_computed_through_the_inverse_of_A() -> None:
    given = pair(3, 3, 6)
    assert given.source is not None
    source = standardised(given.source, 64)
    fixed = paper_bound(given, "fixed_all", settings=QUICK)
    assert fixed.tau == pytest.approx(lipschitz(fit(source).weights))
    learned = paper_bound(given, "learned_all", settings=PaperSettings(couplings=10, samples=60))
    assert learned.tau != pytest.approx(fixed.tau, rel=1e-3)
    with pytest.raises(ValueError, match="needs samples of the source"):
        paper_bound(Pair(given.target))
