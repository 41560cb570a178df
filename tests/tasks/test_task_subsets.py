"""Subsets: nested, balanced, and disjoint between source and target."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.subsets import class_counts, relabel, subset

POOLS = st.lists(st.integers(1, 30), min_size=2, max_size=6)
SEEDS = st.integers(0, 2**40)


def labels_of(pool: list[int]) -> np.ndarray:
    """Labels of a pool with `pool[c]` samples of class c, in a scattered order."""
    labels = np.repeat(np.arange(len(pool)), pool)
    return labels[np.random.default_rng(0).permutation(len(labels))]


@given(POOLS, SEEDS, st.sampled_from(["source", "target"]), st.data())
@settings(max_examples=60, deadline=None)
def test_a_smaller_subset_is_a_prefix_and_every_size_is_balanced(pool, seed, role, data) -> None:
    labels = labels_of(pool)
    classes = sorted(data.draw(st.sets(st.sampled_from(range(len(pool))), min_size=2)))
    most = sum(pool[index] for index in classes)
    whole = subset(labels, classes, role, most, seed)
    assert len(set(whole.tolist())) == most
    size = data.draw(st.integers(1, most))
    rows = subset(labels, classes, role, size, seed)
    assert rows.tolist() == whole[:size].tolist()
    counts = [int((labels[rows] == index).sum()) for index in classes]
    assert counts == class_counts(pool, classes, size)
    # Balanced: a class has fewer than another, by more than a turn, only if it has run out.
    for index, count in zip(classes, counts, strict=True):
        assert count == pool[index] or max(counts) - count <= 1


@given(POOLS, SEEDS, st.data())
@settings(max_examples=60, deadline=None)
def test_source_and_target_are_disjoint_whenever_the_pools_suffice(pool, seed, data) -> None:
    labels = labels_of(pool)
    choice = st.sets(st.sampled_from(range(len(pool))), min_size=1)
    ours, theirs = sorted(data.draw(choice)), sorted(data.draw(choice))
    target_size = data.draw(st.integers(1, sum(pool[index] for index in ours)))
    source_size = data.draw(st.integers(1, sum(pool[index] for index in theirs)))
    taken = dict(zip(ours, class_counts(pool, ours, target_size), strict=True))
    asked = dict(zip(theirs, class_counts(pool, theirs, source_size), strict=True))
    target = set(subset(labels, ours, "target", target_size, seed).tolist())
    source = set(subset(labels, theirs, "source", source_size, seed).tolist())
    suffices = all(taken.get(index, 0) + count <= pool[index] for index, count in asked.items())
    assert suffices == (not target & source)


def test_a_class_is_ordered_alike_whatever_its_company() -> None:
    labels = labels_of([20, 20, 20])
    alone = subset(labels, [1, 2], "target", 40, 3)
    together = subset(labels, [0, 1, 2], "target", 60, 3)
    assert alone[labels[alone] == 1].tolist() == together[labels[together] == 1].tolist()


def test_seeds_choose_different_samples() -> None:
    labels = labels_of([50, 50])
    first, second = (set(subset(labels, [0, 1], "target", 20, seed).tolist()) for seed in (0, 1))
    assert first != second


def test_labels_are_counted_within_the_task() -> None:
    assert relabel(np.array([7, 2, 9, 2]), (2, 7, 9)).tolist() == [1, 0, 2, 0]
