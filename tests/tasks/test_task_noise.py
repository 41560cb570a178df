"""Label noise: rates by exact binomial bounds, and what each kind promises."""

from __future__ import annotations

from math import comb, fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.seeds import Role
from sweeps.spec import NoiseKind
from tasks.noise import noisy_labels

KINDS: list[NoiseKind] = ["incorrect", "any", "permute"]
SEEDS = st.integers(0, 2**40)
SHARES = st.floats(0, 1)


def turns(samples: int, classes: int) -> np.ndarray:
    return np.arange(samples) % classes


def tail(successes: int, trials: int, share: float) -> float:
    """The smaller of P(X <= successes) and P(X >= successes) for X ~ Binomial(trials, share)."""
    mass = [comb(trials, count) * share**count * (1 - share) ** (trials - count) for count in range(trials + 1)]
    return min(fsum(mass[: successes + 1]), fsum(mass[successes:]))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.9])
@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("kind", ["incorrect", "any"])
def test_the_rate_is_the_one_asked_for(kind: NoiseKind, classes: int, share: float) -> None:
    labels = turns(900, classes)
    flipped = int((noisy_labels(labels, classes, share, kind, 5, "target") != labels).sum())
    expected = share if kind == "incorrect" else share * (classes - 1) / classes
    assert tail(flipped, 900, expected) > 1e-4


@given(SEEDS, st.integers(2, 12))
@settings(max_examples=40, deadline=None)
def test_incorrect_never_keeps_a_chosen_label(seed: int, classes: int) -> None:
    labels = turns(200, classes)
    given_labels = noisy_labels(labels, classes, 1.0, "incorrect", seed, "target")
    assert (given_labels != labels).all()
    assert given_labels.min() >= 0 and given_labels.max() < classes


def test_incorrect_labels_are_uniform_over_the_others() -> None:
    labels = np.full(900, 4)
    counts = np.bincount(noisy_labels(labels, 10, 1.0, "incorrect", 1, "target"), minlength=10)
    assert counts[4] == 0
    assert all(tail(int(count), 900, 1 / 9) > 1e-4 for label, count in enumerate(counts) if label != 4)


@given(SEEDS, SHARES)
@settings(max_examples=40, deadline=None)
def test_permuting_keeps_the_class_counts(seed: int, share: float) -> None:
    labels = turns(120, 5)
    permuted = noisy_labels(labels, 5, share, "permute", seed, "source")
    assert np.bincount(permuted, minlength=5).tolist() == np.bincount(labels, minlength=5).tolist()


@given(SEEDS, SHARES, st.integers(1, 300), st.sampled_from(["incorrect", "any"]))
@settings(max_examples=60, deadline=None)
def test_noise_on_nested_subsets_is_nested(seed: int, share: float, size: int, kind: NoiseKind) -> None:
    labels = turns(300, 7)
    whole = noisy_labels(labels, 7, share, kind, seed, "target")
    assert noisy_labels(labels[:size], 7, share, kind, seed, "target").tolist() == whole[:size].tolist()


@given(SEEDS, SHARES, SHARES)
@settings(max_examples=40, deadline=None)
def test_more_noise_keeps_the_flips_of_less(seed: int, one: float, other: float) -> None:
    labels = turns(200, 10)
    less, more = (noisy_labels(labels, 10, share, "incorrect", seed, "target") for share in sorted((one, other)))
    assert (more[less != labels] == less[less != labels]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_noise_changes_nothing_and_the_truth_is_left_alone(kind: NoiseKind) -> None:
    labels = turns(100, 10)
    assert (noisy_labels(labels, 10, 0.0, kind, 0, "target") == labels).all()
    noisy_labels(labels, 10, 1.0, kind, 0, "target")
    assert (labels == turns(100, 10)).all()


def test_roles_and_seeds_flip_different_samples() -> None:
    labels = turns(300, 10)
    streams: list[tuple[int, Role]] = [(0, "target"), (1, "target"), (0, "source")]
    flips = [tuple(noisy_labels(labels, 10, 0.5, "incorrect", *stream) != labels) for stream in streams]
    assert len(set(flips)) == 3


def test_a_share_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        noisy_labels(turns(10, 2), 2, 1.5, "incorrect", 0, "target")
