"""A trend over sizes, paired by seed, with values that may be known only to lie in a range.

A crossing that a run never reached is later than its last epoch: it is a value in (last, infinity), not a hole. Two
values are compared only where their ranges do not overlap (Gehan 1965, Biometrika 52); a seed's score is the number of
its pairs of sizes that rise, less those that fall, so that one seed's level is compared with no other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.intervals import mean_interval

Array = NDArray[np.float64]
Range = tuple[float, float]

EXACT_UP_TO = 7  # sizes: 5,040 orders of one seed
DRAWS = 5040
_SEED = 20221120


@dataclass(frozen=True)
class Trend:
    """tau: mean over seeds of (rising - falling pairs) / pairs, in [-1, 1], with its 95 % interval over seeds.

    p_up: probability of so large a sum of scores if the order of sizes were of no account; p_down: of so small a one.
    """

    seeds: int
    tau: float
    low: float
    high: float
    p_up: float
    p_down: float


def trend(seeds: Sequence[Sequence[Range]]) -> Trend | None:
    """The trend over seeds, each a sequence of (lowest, highest possible value) by rising size.

    Seeds with fewer than two values are left out; None without any. The permutation distribution of every seed is
    exact up to seven sizes, and their sum's is the convolution of these.
    """
    scored = [_compared(values) for values in seeds if len(values) >= 2]
    if not scored:
        return None
    scores = [_score(signs) for signs in scored]
    pairs = [len(signs) * (len(signs) - 1) / 2 for signs in scored]
    tau, low, high = mean_interval([score / count for score, count in zip(scores, pairs, strict=True)])
    total, chance = int(sum(scores)), np.ones(1)
    for signs in scored:
        chance = np.convolve(chance, _distribution(signs))
    centre = len(chance) // 2
    return Trend(
        seeds=len(scored),
        tau=tau,
        low=low,
        high=high,
        p_up=min(1.0, float(chance[centre + total :].sum())),
        p_down=min(1.0, float(chance[: centre + total + 1].sum())),
    )


def _compared(values: Sequence[Range]) -> NDArray[np.int64]:
    """(sizes, sizes) of 1 where the second is surely larger than the first, -1 where smaller, 0 where unknown."""
    low, high = np.array(values, dtype=np.float64).T
    return (low[None, :] > high[:, None]).astype(np.int64) - (high[None, :] < low[:, None])


def _score(signs: NDArray[np.int64]) -> int:
    return int(np.triu(signs, 1).sum())


def _distribution(signs: NDArray[np.int64]) -> Array:
    """Probability of each score, from -pairs to pairs, over the orders of the sizes."""
    count = len(signs)
    if count <= EXACT_UP_TO:
        orders = np.array(list(permutations(range(count))))
    else:
        rng = np.random.default_rng(_SEED)
        orders = np.stack([np.arange(count), *(rng.permutation(count) for _ in range(DRAWS - 1))])
    upper = np.triu_indices(count, 1)
    scores = signs[orders[:, upper[0]], orders[:, upper[1]]].sum(axis=1)
    pairs = len(upper[0])
    return np.bincount(scores + pairs, minlength=2 * pairs + 1) / len(orders)
