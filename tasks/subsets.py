"""Nested, class-balanced subsets of a pool, disjoint between source and target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sweeps.seeds import Role
from tasks.streams import stream


def subset(labels: np.ndarray, classes: Sequence[int], role: Role, size: int, seed: int) -> np.ndarray:
    """Rows of the pool, int64 (size,), that a role trains on.

    `labels` (pool size,) are class indices of the data set. The classes take turns; one that runs out drops out. The
    rows for a smaller size are a prefix of those for a larger one. Each class has one order per run seed, whatever the
    other classes: a target takes its front, a source its back.
    """
    rows, turns, places = [], [], []
    for place, index in enumerate(classes):
        members = np.flatnonzero(labels == index)
        # Both roles walk the same order from opposite ends, hence one stream, the target's, for both.
        order = members[stream(seed, "target", "subset", index).permutation(len(members))]
        rows.append(order[::-1] if role == "source" else order)
        turns.append(np.arange(len(members)))
        places.append(np.full(len(members), place))
    by_turn = np.lexsort((np.concatenate(places), np.concatenate(turns)))
    assert size <= len(by_turn), "size beyond the pool: tasks.check refuses it"
    return np.concatenate(rows)[by_turn[:size]]


def held_out_rows(labels: np.ndarray, per_class: int) -> np.ndarray:
    """Rows that are kept for testing, ascending int64: `per_class` of each class, drawn at random, the same in every
    run. The other rows are the pool to train on."""
    rows = [np.flatnonzero(labels == index) for index in range(labels.max() + 1)]
    drawn = [stream(0, "test", "split", index).permutation(len(members)) for index, members in enumerate(rows)]
    kept = [members[order[:per_class]] for members, order in zip(rows, drawn, strict=True)]
    return np.sort(np.concatenate(kept))


def class_counts(pool: Sequence[int], classes: Sequence[int], size: int) -> list[int]:
    """How many samples of each of `classes` a subset of `size` holds, `pool[c]` being there of class c."""
    left = [pool[index] for index in classes]
    counts = [0] * len(left)
    while size > 0:
        open_places = [place for place, count in enumerate(left) if count]
        assert open_places, "size beyond the pool"
        turns = min(size // len(open_places), min(left[place] for place in open_places))
        if turns == 0:
            turns, open_places = 1, open_places[:size]
        for place in open_places:
            left[place] -= turns
            counts[place] += turns
        size -= turns * len(open_places)
    return counts


def relabel(labels: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Class indices of the data set -> labels 0 to len(classes)-1 of the task, int64."""
    return np.searchsorted(np.asarray(classes), labels).astype(np.int64)
