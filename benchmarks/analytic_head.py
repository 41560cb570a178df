"""A head by ridge in closed form beside a head by gradient descent, on the same features, where data are few.

    python -m benchmarks.analytic_head [STORE]

Runs the catalog's `lva_low_data_digits` in this process, one thread, one run after the other (with STORE, what is there
already is used), and prints for each number of training samples the median test error over the ten splits and the
median over splits of the paired ratio of seconds. Features of the frozen prefix are in memory for either: seconds are
those of the epochs alone, training and evaluating, and for the closed form also of evaluating the network before.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

import frostline as fl
from orchestrator.cli import main as orchestrator

SWEEP = "lva_low_data_digits"
RIDGE = "lva_ridge"
DESCENTS = {"cross_entropy": "gradient descent, cross-entropy", "squared": "gradient descent, squared loss"}


def measured(store: Path) -> pd.DataFrame:
    """The sweep's runs, computed where they are not there."""
    code = orchestrator(["run", SWEEP, "--store", str(store), "--runner", "local", "--wandb", "disabled"])
    if code:
        raise SystemExit(code)
    runs = fl.load(SWEEP, store).runs
    ways = zip(runs["train.method"].tolist(), runs["train.loss"].tolist(), strict=True)
    return pd.DataFrame(
        {
            "size": runs["target.size"].astype(int),
            "split": runs["seed"].astype(int),
            "how": [way_of(method, loss) for method, loss in ways],
            "error": runs["final_test_error"].astype(float),
            "seconds": runs["compute_seconds"].astype(float),
        }
    )


def way_of(method: str | None, loss: str | None) -> str:
    """A method by its name, gradient descent by its loss. (A missing text is None or NaN.)"""
    if isinstance(method, str):
        return method
    return DESCENTS[loss if isinstance(loss, str) else "cross_entropy"]


def lines(store: Path) -> Iterator[str]:
    """A line for each size and rival: median errors, their ratio, and how many times as long gradient descent takes."""
    runs = measured(store)
    for size, at_size in runs.groupby("size"):
        by = {str(how): rows.set_index("split") for how, rows in at_size.groupby("how")}
        ours = by[RIDGE]
        for rival in (*DESCENTS.values(), "lva_exact"):
            other = by[rival].loc[ours.index]
            errors = ours["error"].median(), other["error"].median()
            times = (other["seconds"] / ours["seconds"]).median()
            yield (
                f"n = {size}, {len(ours)} splits: {RIDGE} {100 * errors[0]:.1f} %, {rival} {100 * errors[1]:.1f} %, "
                f"ratio {errors[0] / errors[1]:.3f}; {rival} takes {times:.1f} times as long"
            )


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as made:
        for line in lines(Path(arguments[0]) if arguments else Path(made)):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
