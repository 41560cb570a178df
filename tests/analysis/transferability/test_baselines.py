"""Every baseline against a closed form, or against the same number computed another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, spearmanr
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from analysis.transferability import Pair, Samples, all_scores
from analysis.transferability.class_probabilities import leep, n_leep, nce
from analysis.transferability.feature_statistics import bhattacharyya, coding_rate, gbc, h_score, trans_rate
from analysis.transferability.log_evidence import largest_evidence, log_me
from analysis.transferability.probes import RIDGES, knn, left_out_predictions, linear_probe, parc
from analysis.transferability.scores import BASELINES, BOUND, NAMES
from tests.analysis.transferability.random_tasks import gaussian, pair


def test_nce_is_the_negative_conditional_entropy() -> None:
    z = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    y = np.array([0, 0, 1, 1, 1, 1, 0, 1])
    # Half of the samples have an entropy of log 2, a quarter none, a quarter log 2.
    assert nce(z, y) == pytest.approx(-0.75 * math.log(2))
    assert nce(y, y) == 0.0
    assert nce(np.zeros(8, dtype=np.int64), y) == pytest.approx(3 / 8 * math.log(3 / 8) + 5 / 8 * math.log(5 / 8))


def test_leep_by_hand_and_at_its_ends() -> None:
    theta = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    y = np.array([0, 1, 0])
    total = 0.0
    for i in range(3):
        expected = 0.0
        for z in range(2):
            joint = sum(theta[j, z] for j in range(3) if y[j] == y[i])
            expected += theta[i, z] * joint / theta[:, z].sum()
        total += math.log(expected)
    assert leep(theta, y) == pytest.approx(total / 3)
    assert leep(np.eye(2)[y], y) == pytest.approx(0.0)  # a head that knows the labels
    # One that says nothing gives the entropy of the labels.
    assert leep(np.full((3, 4), 0.25), y) == pytest.approx(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    # Hard predictions: LEEP is NCE.
    hard = np.array([0, 1, 1])
    assert leep(np.eye(2)[hard], y) == pytest.approx(nce(hard, y))


def test_n_leep_knows_clusters_that_are_classes() -> None:
    near = gaussian(3, 40, 4, 1.0, 0)
    apart = Samples(near.features + 30.0 * np.eye(3, 4)[near.labels], near.labels, 3)
    assert n_leep(apart) == pytest.approx(0.0, abs=1e-6)
    shuffled = Samples(apart.features, np.random.default_rng(0).permutation(apart.labels), 3)
    assert n_leep(shuffled) < -0.9 * math.log(3)


@pytest.mark.parametrize(("n", "p"), [(40, 5), (12, 20)])
def test_log_me_is_the_largest_evidence(n: int, p: int) -> None:
    """Against the Gaussian density of the labels, and against another optimiser of it."""
    rng = np.random.default_rng(n)
    features = rng.normal(size=(n, p))
    y = (features[:, 0] + 0.5 * rng.normal(size=n) > 0).astype(np.float64)
    left, sizes, _ = np.linalg.svd(features, full_matrices=False)
    value, alpha, beta = largest_evidence(left, sizes, y)

    def density(at: np.ndarray) -> float:
        covariance = np.eye(n) / np.exp(at[1]) + features @ features.T / np.exp(at[0])
        return float(multivariate_normal(np.zeros(n), covariance).logpdf(y)) / n

    assert value == pytest.approx(density(np.log([alpha, beta])), rel=1e-9)
    best = minimize(lambda at: -density(at), np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10})
    assert value == pytest.approx(-best.fun, abs=1e-6)
    samples = Samples(features, y.astype(np.int64), 2)
    other = largest_evidence(left, sizes, 1.0 - y)[0]
    assert log_me(samples) == pytest.approx((value + other) / 2)


def test_h_score_of_two_classes_is_the_explained_share() -> None:
    """In one dimension it is the variance between classes over all variance; unshrunk it does not know coordinates."""
    rng = np.random.default_rng(1)
    line = Samples(np.concatenate([rng.normal(size=50), 3 + rng.normal(size=50)])[:, None], np.repeat([0, 1], 50), 2)
    z = line.features[:, 0]
    between = (z[:50].mean() - z[50:].mean()) ** 2 / 4
    assert h_score(line, 0.0) == pytest.approx(between / z.var())
    many = gaussian(4, 30, 6, 3.0, 2)
    mixed = Samples(many.features @ rng.normal(size=(6, 6)), many.labels, 4)
    assert h_score(mixed, 0.0) == pytest.approx(h_score(many, 0.0))
    assert 0 < h_score(many, 0.0) <= 3
    # A shrinkage of a half, by hand, and the default's own.
    centred = many.features - many.features.mean(axis=0)
    covariance, shrinkage = ledoit_wolf(centred, assume_centered=True)
    means = np.stack([centred[many.labels == label].mean(axis=0) for label in range(4)])
    ours = (1 - shrinkage) * np.trace(np.linalg.inv(covariance) @ (means.T @ means / 4))
    assert h_score(many) == pytest.approx(float(ours))


def test_trans_rate_by_the_eigenvalues() -> None:
    samples = gaussian(3, 20, 4, 2.0, 3)
    z = samples.features - samples.features.mean(axis=0)

    def rate(rows: np.ndarray) -> float:
        values = np.linalg.svd(rows, compute_uv=False) ** 2 / (len(rows) * 1e-4)
        return 0.5 * float(np.log1p(values).sum())

    assert coding_rate(z, 1e-4) == pytest.approx(rate(z))
    assert trans_rate(samples) == pytest.approx(rate(z) - np.mean([rate(z[samples.labels == c]) for c in range(3)]))
    one = Samples(samples.features, np.zeros(60, dtype=np.int64), 1)
    assert trans_rate(one) == pytest.approx(0.0)


def test_bhattacharyya_in_closed_form() -> None:
    zero, one = np.zeros(2), np.ones(2)
    assert bhattacharyya(zero, one, zero, one) == 0.0
    assert bhattacharyya(zero, one, np.array([2.0, 0.0]), one) == pytest.approx(0.5)
    # exp(-D) is the integral of the root of the product of the densities.
    grid = np.linspace(-20, 20, 40001)
    p = np.exp(-0.5 * grid**2) / math.sqrt(2 * math.pi)
    q = np.exp(-0.5 * (grid - 1) ** 2 / 4) / math.sqrt(8 * math.pi)
    overlap = float(np.sqrt(p * q).sum() * (grid[1] - grid[0]))
    found = bhattacharyya(np.zeros(1), np.ones(1), np.ones(1), np.array([4.0]))
    assert math.exp(-found) == pytest.approx(overlap, rel=1e-6)


def test_gbc_adds_pairs_of_classes_up() -> None:
    far = gaussian(3, 30, 4, 60.0, 4)
    assert gbc(far) == pytest.approx(0.0, abs=1e-6)
    same = Samples(np.tile(np.arange(10.0)[:, None], (3, 2)), np.repeat([0, 1, 2], 10), 3)
    assert gbc(same) == pytest.approx(-3.0)


def test_parc_is_the_rank_correlation_of_the_two_distance_matrices() -> None:
    samples = gaussian(3, 15, 5, 2.0, 5)
    z = (samples.features - samples.features.mean(axis=0)) / samples.features.std(axis=0)
    upper = np.triu_indices(45, 1)
    features = (1 - np.corrcoef(z))[upper]
    labels = (samples.labels[:, None] != samples.labels[None, :]).astype(np.float64)[upper]
    assert parc(samples) == pytest.approx(100 * float(np.asarray(spearmanr(features, labels))[0]))


def test_knn_leaves_the_sample_itself_out() -> None:
    samples = gaussian(4, 25, 5, 1.5, 6)
    for neighbours in (1, 5):
        # Ties are broken by the nearest: with weights of nearly one each another implementation does the same.
        model = KNeighborsClassifier(neighbours).set_params(weights=nearly_equal)
        predicted = cross_val_predict(model, samples.features, samples.labels, cv=LeaveOneOut())
        assert knn(samples, neighbours) == pytest.approx(float(np.mean(np.asarray(predicted) == samples.labels)))
    pairs = Samples(np.array([[0.0], [0.1], [5.0], [5.1]]), np.array([0, 1, 0, 1]), 2)
    assert knn(pairs, 1) == 0.0


def nearly_equal(distances: np.ndarray) -> np.ndarray:
    ranks = np.argsort(np.argsort(distances, axis=1), axis=1)
    return 1.0 + 1e-3 * 0.5**ranks


def test_the_linear_probe_equals_refitting_without_each_sample() -> None:
    samples = gaussian(3, 12, 4, 2.0, 7)
    wanted = np.eye(3)[samples.labels]
    z = samples.features - samples.features.mean(axis=0)
    scale = float((z**2).sum()) / 4
    for ridge, found in zip(RIDGES, left_out_predictions(samples.features, wanted), strict=True):
        model = Ridge(alpha=ridge * scale)
        again = cross_val_predict(model, samples.features, wanted, cv=LeaveOneOut())
        assert found == pytest.approx(again, abs=1e-8)
    assert linear_probe(gaussian(3, 30, 4, 12.0, 8)) == 1.0


def test_all_scores_of_a_pair_and_what_they_took() -> None:
    given = pair(4, 3, 1)
    logits = np.random.default_rng(0).normal(size=(len(given.target.labels), 4))
    whole = all_scores(Pair(given.target, given.source, logits))
    assert {name for name in whole.values if not name.startswith("tta_")} == set(BASELINES)
    assert set(whole.seconds) == set(NAMES) and min(whole.seconds.values()) >= 0
    assert BOUND in whole.values
    without = all_scores(Pair(given.target))
    assert set(without.values) == set(BASELINES) - {"leep", "nce"}
    assert without.values["knn"] == whole.values["knn"]


@pytest.mark.parametrize("what", ["zero", "one feature", "a class is missing", "few", "huge", "one of each class"])
def test_scores_of_odd_features_are_numbers(what: str) -> None:
    """A network that gives the same for all images, a class without samples, fewer samples than features."""
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(40, 5)), np.arange(40) % 4
    n = 40
    if what == "zero":
        features[:] = 0.0
    elif what == "one feature":
        features[:, 1:] = 0.0
    elif what == "a class is missing":
        labels = labels % 3
    elif what == "huge":
        features *= 1e6
    else:
        n = 6 if what == "few" else 4
    target = Samples(features[:n], labels[:n], 4)
    source = Samples(features, np.arange(40) % 4, 4)
    logits = 1e4 * rng.normal(size=(n, 4)) if what == "huge" else np.zeros((n, 4))
    found = all_scores(Pair(target, source, logits)).values
    assert {name: value for name, value in found.items() if not math.isfinite(value)} == {}
