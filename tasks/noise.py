"""Label noise, drawn once for the training labels of a role. Test labels are never touched."""

from __future__ import annotations

import numpy as np

from sweeps.seeds import Role
from sweeps.spec import NoiseKind
from tasks.streams import stream


def noisy_labels(labels: np.ndarray, classes: int, share: float, kind: NoiseKind, seed: int, role: Role) -> np.ndarray:
    """The labels as given, int64 (N,), for true `labels` (N,) in 0 to classes-1.

    Each sample is chosen with probability `share`. A chosen one gets, by `kind`:
    `incorrect`: a uniformly random label other than its own (Nakkiran et al. 2019, arXiv:1912.02292);
    `any`: a uniformly random label, perhaps its own (Zhang et al. 2017, arXiv:1611.03530);
    `permute`: the label of another chosen sample, so that the class counts stay as they are.

    Sample i's fate under `incorrect` and `any` depends on neither N nor the other samples, so noise on nested
    subsets is nested; and the samples chosen at a smaller share are among those chosen at a larger one.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"label_noise {share}: allowed are shares from 0 to 1")
    # One row of two draws per sample: a sample's row stays the same when more samples follow.
    choice, replacement = stream(seed, role, "label_noise").random((len(labels), 2)).T
    chosen = choice < share
    given = labels.astype(np.int64, copy=True)
    if kind == "incorrect":
        offset = 1 + (replacement * (classes - 1)).astype(np.int64)
        given[chosen] = (labels + offset)[chosen] % classes
    elif kind == "any":
        given[chosen] = (replacement * classes).astype(np.int64)[chosen]
    elif kind == "permute":
        rows = np.flatnonzero(chosen)
        given[rows] = labels[rows][stream(seed, role, "label_noise", 1).permutation(len(rows))]
    else:
        raise ValueError(f"noise_kind {kind!r}: allowed are incorrect, any, permute")
    return given
