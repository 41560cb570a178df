"""The figure and the tables of layer_variational.md, from the results of the sweep `lva_timeseries`.

python docs/theory/layer_variational.py STORE docs/theory/layer_variational.svg
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

import frostline as fl
from sweeps.language.task_text import parameter_values

POINTS = 2000
WAYS = {"unadapted": "not adapted", "lva_perturb": "first order (2)", "lva_exact": "exact (1)"}


def runs_of(store: Path) -> pd.DataFrame:
    """The finished runs, with the drift, the way the weights were found, and sums of squares over all points."""
    runs = fl.load("lva_timeseries", store).runs
    runs = runs[runs["status"] == "done"]
    if "model.biases" not in runs:
        runs = runs.assign(**{"model.biases": None})
    return runs.assign(
        drift=[parameter_values(task)["drift"] for task in runs["target.task"]],
        way=runs["train.method"].fillna("gradient"),
        biases=runs["model.biases"].fillna("everywhere"),
        squares=POINTS * runs["final_train_loss"],
        held_out=POINTS * runs["final_test_loss"],
    )


def at_drift_1(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over seeds of the sums of squares, on training points and on held-out ones."""
    there = runs[runs["drift"] == 1]
    found = there.groupby(["biases", "transfer.frozen", "way"])[["squares", "held_out"]].agg(["mean", "std", "count"])
    return found.round(1)


def over_drifts(runs: pd.DataFrame) -> pd.DataFrame:
    """By drift: mean sums of squares of each way, the data condition, and in how many seeds first order helps."""
    last = runs[(runs["transfer.frozen"] == 2) & (runs["biases"] == "everywhere") & runs["way"].isin(list(WAYS))]
    means = last.pivot_table(index="drift", columns="way", values="squares")[list(WAYS)]
    condition = ["feature_shift", "target_shift", "first_order_error"]
    means = means.join(last[last["way"] == "lva_perturb"].groupby("drift")[condition].mean())
    by_seed = last.pivot_table(index=["drift", "seed"], columns="way", values="squares")
    helps = (by_seed["lva_perturb"] < by_seed["unadapted"]).groupby("drift").agg(["sum", "count"])
    return means.assign(helps=helps["sum"], seeds=helps["count"])


def figure(by_drift: pd.DataFrame) -> Figure:
    drawn = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = drawn.subplots()
    for way, label in WAYS.items():
        axes.plot(by_drift.index, by_drift[way], marker="o", label=label)
    axes.set(xscale="log", yscale="log", xlabel="drift (1: the paper's)", ylabel="sum of squared errors")
    axes.legend(title="last layer, mean of seeds")
    return drawn


def main(store: str, out: str) -> None:
    mpl.rcParams["svg.hashsalt"] = "frostline"
    runs = runs_of(Path(store))
    print(at_drift_1(runs).to_string(), over_drifts(runs).round(3).to_string(), sep="\n\n")
    figure(over_drifts(runs)).savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
