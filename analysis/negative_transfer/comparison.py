"""Every cell that starts from learnt weights against training from scratch: interval, test, many cells at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analysis.negative_transfer.indicator import gain_of_fields
from analysis.negative_transfer.pairs import Arm, Pair, pairs_of_cell, partners
from analysis.statistics.multiplicity import benjamini_hochberg
from analysis.statistics.paired import SMALLEST_SD, PairedMean, paired_mean, smallest_sd
from analysis.tables.against_scratch import test_images
from analysis.tables.collect import Tables

ALPHA = 0.05
FEWEST_SEEDS = 3

Outcome = Literal["negative", "positive", "undertrained", "not distinguished", "not tested"]


@dataclass(frozen=True)
class CellComparison:
    """One cell against its partner from scratch.

    cell: row of the table `cells`. fields: its specification without the seed, parameters of tasks beside their text.
    gain, matched: accuracy less that from scratch over paired seeds, at the end and at equal train loss. q_value: of
    the final gain, over all compared cells of the sweep (Benjamini and Hochberg 1995). negative_q_value: of being worse
    both at the end and at equal train loss, over the same cells. share: mean share of the parameters that was
    inherited, NaN where it is not recorded. predicted: the direction indicator, NaN where it says nothing of this task.
    least_sd: what the standard deviation of gains is at least taken to be, by the size of the test set.
    """

    cell: int
    fields: Mapping[str, Any]
    pairs: tuple[Pair, ...]
    gain: PairedMean
    matched: PairedMean
    q_value: float
    negative_q_value: float
    share: float
    predicted: float
    least_sd: float = SMALLEST_SD

    @property
    def outcome(self) -> Outcome:
        """negative: worse at the end and at equal train loss, both beyond chance and after adjustment.

        undertrained: worse at the end, and not shown to be so at equal train loss. positive: better at the end. not
        tested: fewer than FEWEST_SEEDS pairs.
        """
        if self.gain.n < FEWEST_SEEDS:
            return "not tested"
        if not self.q_value <= ALPHA:
            return "not distinguished"
        if self.gain.mean > 0:
            return "positive"
        return "negative" if self.negative_q_value <= ALPHA else "undertrained"

    @property
    def train_losses(self) -> tuple[float, float]:
        """Mean final train loss of the cell and of its partner."""
        return _mean([pair.train_loss for pair in self.pairs]), _mean([pair.scratch_train_loss for pair in self.pairs])

    @property
    def errors(self) -> tuple[float, float]:
        """Mean final test error of the cell and of its partner, over paired seeds."""
        return _mean([pair.error for pair in self.pairs]), _mean([pair.scratch_error for pair in self.pairs])


def compare_with_scratch(tables: Tables) -> tuple[CellComparison, ...]:
    """All cells with at least one pair, in the order of the table `cells`.

    The partner of a run is the run of the same network, target, recipe and seed from random weights, with nothing
    frozen. Raises StoreError where a file of epochs is damaged.
    """
    partner_of = partners(tables)
    arms: dict[int, Arm] = {}
    found = [(cell, pairs_of_cell(tables, rows, partner_of, arms)) for cell, rows in enumerate(tables.rows)]
    found = [(cell, pairs) for cell, pairs in found if pairs]
    least = [smallest_sd(test_images(tables, tables.rows[cell])) for cell, _ in found]
    gains = [paired_mean([each.gain for each in pairs], sd) for (_, pairs), sd in zip(found, least, strict=True)]
    matched = [
        paired_mean([each.matched_gain for each in pairs], sd) for (_, pairs), sd in zip(found, least, strict=True)
    ]
    q_values = benjamini_hochberg([gain.p_value if gain.n >= FEWEST_SEEDS else math.nan for gain in gains])
    both = benjamini_hochberg([p_of_both(*each) for each in zip(gains, matched, strict=True)])
    return tuple(
        _compared(tables, cell, pairs, gain, at_equal_loss, (float(q), float(negative_q)), sd)
        for (cell, pairs), gain, at_equal_loss, q, negative_q, sd in zip(
            found, gains, matched, q_values, both, least, strict=True
        )
    )


def p_of_both(gain: PairedMean, matched: PairedMean) -> float:
    """p-value of being worse both at the end and at equal train loss: the larger of the two, each two-sided, and 1
    where a mean is not below 0 or rests on fewer than FEWEST_SEEDS (intersection-union test: Berger 1982).

    NaN where the final gain itself is not tested.
    """
    if gain.n < FEWEST_SEEDS:
        return math.nan
    worse = [each.p_value if each.n >= FEWEST_SEEDS and each.mean < 0 else 1.0 for each in (gain, matched)]
    return max(worse)


def _compared(
    tables: Tables,
    cell: int,
    pairs: list[Pair],
    gain: PairedMean,
    matched: PairedMean,
    q_values: tuple[float, float],
    least_sd: float,
) -> CellComparison:
    runs = [tables.sweep.runs[int(row)] for row in tables.rows[cell]]
    fields = {name: value for name, value in runs[0].fields.items() if name != "seed"}
    shares = [run.result.inherited_share for run in runs if run.result is not None]
    return CellComparison(
        cell=cell,
        fields=fields,
        pairs=tuple(pairs),
        gain=gain,
        matched=matched,
        q_value=q_values[0],
        negative_q_value=q_values[1],
        share=_mean([share for share in shares if share is not None]),
        predicted=gain_of_fields(fields),
        least_sd=least_sd,
    )


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else math.nan
