"""Every score of a pair, in one table, with what each took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from analysis.transferability.certified import certified_bound
from analysis.transferability.class_probabilities import leep, n_leep, nce
from analysis.transferability.feature_statistics import gbc, h_score, trans_rate
from analysis.transferability.log_evidence import log_me
from analysis.transferability.pair import Pair, Samples
from analysis.transferability.probes import knn, linear_probe, parc

BOUND = "tta_bound"
"""The score that is named before anything is measured: what `frostline rank` orders by."""
SAMPLES = 1000
"""Of the target, at most, that a baseline is computed from: some take the square of it."""


def _nce(pair: Pair) -> float:
    assert pair.target_logits is not None
    return nce(pair.target_logits.argmax(axis=1), pair.target.labels)


def _leep(pair: Pair) -> float:
    probabilities = pair.target_probabilities
    assert probabilities is not None
    return leep(probabilities, pair.target.labels)


def _of_target(score: Callable[[Samples], float]) -> Callable[[Pair], float]:
    return lambda pair: score(pair.target)


NEEDS_HEAD: dict[str, Callable[[Pair], float]] = {"leep": _leep, "nce": _nce}
NEEDS_TARGET: dict[str, Callable[[Pair], float]] = {
    "n_leep": _of_target(n_leep),
    "log_me": _of_target(log_me),
    "h_score": _of_target(h_score),
    "trans_rate": _of_target(trans_rate),
    "gbc": _of_target(gbc),
    "parc": _of_target(parc),
    "knn": _of_target(knn),
    "linear_probe": _of_target(linear_probe),
}
BASELINES = (*NEEDS_HEAD, *NEEDS_TARGET)
NAMES = (BOUND, *BASELINES)
"""Of the scores by which sources are compared, in the order of tables."""
SMALLER_IS_BETTER = frozenset({BOUND})


@dataclass(frozen=True)
class Scored:
    """values: each of NAMES that the pair allows, and the terms of the bound (`tta_...`). seconds: by score."""

    values: dict[str, float]
    seconds: dict[str, float]


def all_scores(pair: Pair) -> Scored:
    """The bound and all baselines. Those that need the source's samples or head are left out where there are none."""
    values: dict[str, float] = {}
    seconds: dict[str, float] = {}
    if pair.source is not None:
        began = time.perf_counter()
        values |= certified_bound(pair).columns()
        seconds[BOUND] = time.perf_counter() - began
    few = _of_size(pair)
    for name, score in {**(NEEDS_HEAD if pair.target_logits is not None else {}), **NEEDS_TARGET}.items():
        began = time.perf_counter()
        values[name] = score(few)
        seconds[name] = time.perf_counter() - began
    return Scored(values, seconds)


def goodness(name: str, value: float) -> float:
    """A score with the sign by which larger means better."""
    return -value if name in SMALLER_IS_BETTER else value


def _of_size(pair: Pair) -> Pair:
    """The first SAMPLES of the target: training sets are prefixes, each class with its share."""
    target, logits = pair.target, pair.target_logits
    if len(target.labels) <= SAMPLES:
        return pair
    first = Samples(target.features[:SAMPLES], target.labels[:SAMPLES], target.classes)
    return Pair(first, pair.source, None if logits is None else logits[:SAMPLES])
