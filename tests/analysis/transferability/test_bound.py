"""The bound and its parts: each against a closed form, a brute force, or the theorem itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.special import softmax

from analysis.transferability import Pair, Samples, certified_bound
from analysis.transferability.bound import Transformation, evaluated, restricted
from analysis.transferability.certified import Settings, procrustes, projected, transformation
from analysis.transferability.label_map import cheapest, label_map
from analysis.transferability.softmax_head import Head, fit, fit_within, held_out_loss, lipschitz
from analysis.transferability.transport import class_distances, coupling, distance
from tests.analysis.transferability.random_tasks import gaussian, pair


def orthogonal(dimensions: int, rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("sources", "targets"), [(4, 4), (6, 3), (3, 5), (2, 5)])
def test_no_transformation_and_no_head_breaks_the_theorem(sources: int, targets: int, seed: int) -> None:
    """Any orthogonal A, b, choice of classes, head: the transformed head's loss on the target is within the bound."""
    rng = np.random.default_rng(seed)
    given = pair(sources, targets, seed)
    assert given.source is not None
    chosen = rng.integers(0, sources, targets)
    labels = label_map(chosen, given.target.prior(), sources)
    by = Transformation(orthogonal(6, rng), rng.normal(size=6), labels)
    used = len(np.unique(chosen))
    head = Head(rng.normal(size=(used, 6)) * rng.uniform(0, 3), rng.normal(size=used))
    found = evaluated(given.source, given.target, by, head, measured_loss=0.0)
    assert found.transformed_loss <= found.total
    assert found.transformed_loss == pytest.approx(by_hand(given, by, head))


def by_hand(given: Pair, by: Transformation, head: Head) -> float:
    """The same loss by way of the inverse map and the matrix B, sample by sample."""
    used = np.unique(by.labels.chosen)
    losses = []
    for z, label in zip(given.target.features, given.target.labels, strict=True):
        back = np.linalg.solve(by.A, z - by.b)
        probabilities = by.labels.B[:, used] @ softmax(head.weights @ back + head.bias)
        assert probabilities.sum() == pytest.approx(1.0)
        losses.append(-np.log(probabilities[label]))
    return float(np.mean(losses))


def test_a_bound_without_its_distance_would_be_broken() -> None:
    """The check can fail: without tau W the claim is false for a target that lies elsewhere."""
    source = gaussian(3, 30, 4, 4.0, 0)
    target = Samples(-source.features, source.labels, 3)
    by = Transformation(np.eye(4), np.zeros(4), label_map(np.arange(3), target.prior(), 3))
    found = evaluated(source, target, by, fit(source), measured_loss=0.0)
    assert found.transformed_loss > found.reweighted_loss + found.label_entropy
    assert found.transformed_loss <= found.total


@pytest.mark.parametrize("seed", range(5))
def test_the_lipschitz_constant_is_the_supremum_of_slopes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights, bias = rng.normal(size=(5, 3)), rng.normal(size=5)
    constant = lipschitz(weights)
    assert constant == pytest.approx(max(np.linalg.norm(a - b) for a, b in itertools.combinations(weights, 2)))
    z = rng.normal(size=(4000, 3)) * 10.0 ** rng.uniform(-1, 3, size=(4000, 1))
    p = softmax(z @ weights.T + bias, axis=1)
    slopes = np.stack([np.linalg.norm(p @ weights - weights[label], axis=1) for label in range(5)])
    assert slopes.max() <= constant * (1 + 1e-12)
    assert lipschitz(weights @ orthogonal(3, rng)) == pytest.approx(constant)
    assert lipschitz(np.ones((2, 3))) == 0.0
    # Of two classes the supremum is reached far out.
    two = Head(weights[:2], bias[:2])
    far = 50.0 * (weights[0] - weights[1])
    losses = two.loss(far[None], np.array([1])) - two.loss(far[None] * (1 - 1e-6), np.array([1]))
    assert losses / np.linalg.norm(far * 1e-6) == pytest.approx(lipschitz(weights[:2]), rel=1e-4)


def test_the_label_map_keeps_the_targets_prior_and_has_the_entropy_of_its_splits() -> None:
    prior = np.array([0.5, 0.25, 0.25])
    split = label_map(np.array([1, 1, 0]), prior, 3)
    assert pytest.approx(prior) == split.B @ split.D
    assert pytest.approx([0.25, 0.75, 0.0]) == split.D
    share = np.array([2 / 3, 1 / 3])
    assert split.label_entropy() == pytest.approx(0.75 * float(-(share * np.log(share)).sum()))
    whole = label_map(np.array([2, 0, 1]), prior, 3)
    assert whole.label_entropy() == 0.0
    assert pytest.approx(whole.B.T @ prior) == whole.D
    with pytest.raises(ValueError, match="allowed: 0 to 2"):
        label_map(np.array([3]), np.ones(1), 3)


@pytest.mark.parametrize(("sources", "targets"), [(5, 3), (3, 3), (2, 4)])
def test_the_assignment_is_the_cheapest_of_all(sources: int, targets: int) -> None:
    rng = np.random.default_rng(sources * 10 + targets)
    costs, prior = rng.random((targets, sources)), rng.dirichlet(np.ones(targets))
    most = -(-targets // sources)
    allowed = [
        choice
        for choice in itertools.product(range(sources), repeat=targets)
        if np.bincount(choice, minlength=sources).max() <= most
    ]
    least = min(sum(prior[i] * costs[i, j] for i, j in enumerate(choice)) for choice in allowed)
    chosen = cheapest(costs, prior).chosen
    assert sum(prior[i] * costs[i, j] for i, j in enumerate(chosen)) == pytest.approx(least)
    assert tuple(chosen) in allowed


def test_a_source_class_without_samples_is_not_chosen() -> None:
    """A source set smaller than its number of classes: what there is, is lent more often. It ended in a traceback."""
    rng = np.random.default_rng(4)
    source = Samples(rng.normal(size=(6, 5)), np.array([0, 1, 3, 0, 1, 3]), 10)
    target = Samples(rng.normal(size=(40, 5)), np.arange(40) % 7, 8)  # its class 7 has no samples either
    few = class_distances(source, target)
    assert set(cheapest(few, target.prior()).chosen) <= {0, 1, 3}
    found = certified_bound(Pair(target, source))
    assert np.isfinite(found.total) and found.transformed_loss <= found.total


def test_transport_is_exact() -> None:
    """Of equally many points on each side it is an assignment; on a line, the sorted points meet."""
    rng = np.random.default_rng(3)
    here, there = rng.normal(size=(12, 3)), rng.normal(size=(12, 3))
    cost = cdist(here, there)
    rows, columns = linear_sum_assignment(cost)
    plan, distance = coupling(here, there)
    assert distance == pytest.approx(cost[rows, columns].mean())
    assert plan.sum(axis=0) == pytest.approx(np.full(12, 1 / 12))
    line, other = rng.normal(size=30), rng.normal(size=30)
    assert coupling(line[:, None], other[:, None])[1] == pytest.approx(abs(np.sort(line) - np.sort(other)).mean())
    few = coupling(np.array([[0.0]]), np.array([[1.0], [2.0], [6.0]]))[1]
    assert few == pytest.approx(3.0)


@pytest.mark.parametrize(("here", "there"), [(30, 30), (30, 29), (1, 7), (1, 1)])
def test_a_distance_is_that_of_the_cheapest_coupling(here: int, there: int) -> None:
    rng = np.random.default_rng(here + there)
    source, target = rng.normal(size=(here, 5)), rng.normal(size=(there, 5))
    assert distance(np.asarray(cdist(source, target), dtype=np.float64)) == pytest.approx(
        coupling(source, target)[1], rel=1e-9
    )


def test_class_distances_leave_out_classes_without_samples() -> None:
    source = Samples(np.array([[0.0], [2.0]]), np.array([0, 2]), 3)
    target = Samples(np.array([[1.0], [5.0]]), np.array([0, 1]), 2)
    found = class_distances(source, target)
    assert found[:, 1].tolist() == [np.inf, np.inf]
    assert found[:, [0, 2]] == pytest.approx(np.array([[1.0, 1.0], [5.0, 3.0]]))


def test_procrustes_finds_the_rotation_and_the_shift() -> None:
    rng = np.random.default_rng(5)
    source, turn, shift = rng.normal(size=(50, 4)), orthogonal(4, rng), rng.normal(size=4)
    A, b = procrustes(source, source @ turn.T + shift, np.eye(50) / 50)
    assert pytest.approx(turn) == A and b == pytest.approx(shift)


def test_the_same_task_in_other_coordinates_is_as_near_as_itself() -> None:
    """Classes in another order, features rotated and shifted: alternation undoes all of it."""
    rng = np.random.default_rng(7)
    source = gaussian(4, 30, 5, 5.0, 7)
    order = rng.permutation(4)
    turn = np.linalg.qr(np.eye(5) + 0.2 * rng.normal(size=(5, 5)))[0]
    turn *= np.sign(np.diag(turn))  # a small rotation
    target = Samples(source.features @ turn.T + 3.0, order[source.labels], 4)
    by = transformation(*projected(source, target, 5))
    assert by.labels.chosen[order].tolist() == [0, 1, 2, 3]  # class c of the source is order[c] of the target
    found = certified_bound(Pair(target, source))
    assert found.wasserstein == pytest.approx(0.0, abs=1e-6)


def test_restricting_the_source_lowers_no_weight_and_raises_no_loss() -> None:
    source = gaussian(5, 12, 4, 3.0, 1)
    labels = label_map(np.array([3, 0]), np.array([0.25, 0.75]), 5)
    kept, weights = restricted(source, labels)
    assert weights.sum() == pytest.approx(1.0)
    assert [weights[kept.labels == label].sum() for label in (0, 1)] == pytest.approx([0.75, 0.25])
    whole = fit(source)
    part = Head(whole.weights[[0, 3]], whole.bias[[0, 3]])
    rows = np.isin(source.labels, [0, 3])
    assert part.loss(kept.features, kept.labels) <= whole.loss(source.features[rows], source.labels[rows])


def test_a_limited_head_keeps_its_limit_and_a_looser_one_has_no_larger_loss() -> None:
    samples = gaussian(4, 40, 5, 2.0, 2)
    weights = np.full(160, 1 / 160)
    heads = {limit: fit_within(samples, weights, limit) for limit in (0.2, 1.0, 5.0, 1e6)}
    assert all(lipschitz(head.weights) <= limit * (1 + 1e-9) for limit, head in heads.items())
    losses = [head.loss(samples.features, samples.labels) for head in heads.values()]
    assert losses == sorted(losses, reverse=True)
    # Unlimited, it is on its way to the minimum that L-BFGS finds.
    free = fit(samples, ridge=0.0).loss(samples.features, samples.labels)
    assert free <= losses[-1] <= free + 0.02


def test_the_held_out_loss_is_that_of_heads_that_did_not_see_the_samples() -> None:
    rng = np.random.default_rng(0)
    noise = Samples(rng.normal(size=(80, 10)), np.arange(80) % 4, 4)
    assert held_out_loss(noise) > 0.98 * np.log(4)
    assert fit(noise).loss(noise.features, noise.labels) < 1.25
    assert held_out_loss(gaussian(3, 40, 4, 8.0, 1)) < 0.1


def test_columns_and_errors() -> None:
    given = pair(4, 3, 0)
    columns = certified_bound(given, Settings(samples=40, alternations=2)).columns()
    assert set(columns) == {
        *("tta_bound", "tta_reweighted_loss", "tta_label_entropy", "tta_wasserstein", "tta_tau"),
        *("tta_measured_loss", "tta_violated"),
    }
    total = columns["tta_reweighted_loss"] + columns["tta_label_entropy"]
    assert columns["tta_bound"] == pytest.approx(total + columns["tta_tau"] * columns["tta_wasserstein"])
    assert columns["tta_violated"] == float(columns["tta_measured_loss"] > columns["tta_bound"])
    with pytest.raises(ValueError, match="needs samples of the source"):
        certified_bound(Pair(given.target))
    with pytest.raises(ValueError, match="one network gives both as many"):
        Pair(given.target, Samples(np.zeros((2, 9)), np.array([0, 1]), 2))
    with pytest.raises(ValueError, match="allowed: 0 to 1"):
        Samples(np.zeros((2, 3)), np.array([0, 2]), 2)


def test_a_subset_keeps_the_shares_of_classes() -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    few = Samples(np.arange(100.0)[:, None], labels, 3).at_most(50)
    assert np.bincount(few.labels).tolist() == pytest.approx([30, 15, 5], abs=1)
    assert len(np.unique(few.features)) == 50


def test_a_subset_of_each_class_has_no_more_of_one_than_asked() -> None:
    labels = np.repeat([0, 2], [60, 10])
    few = Samples(np.arange(70.0)[:, None], labels, 3).of_each_class(30)
    assert np.bincount(few.labels).tolist() == [30, 0, 10]
    assert len(np.unique(few.features)) == 40
    assert (labels[few.features[:, 0].astype(int)] == few.labels).all()


def test_where_a_fit_begins_changes_its_length_alone() -> None:
    given = gaussian(3, 40, 4, 2.0, 1)
    head = fit(given, 0.01)
    again = fit(given, 0.01, fit(given, 1.0))
    assert again.loss(given.features, given.labels) == pytest.approx(head.loss(given.features, given.labels), abs=1e-5)
