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
CONDITION = ["feature_shift", "target_shift", "first_order_error"]
WAYS = {"unadapted": "not adapted", "lva_perturb": "first order (2)", "lva_exact": "exact (1)"}


def runs_of(store: Path) -> pd.DataFrame:
    """The finished runs, with the drift, the way the weights were found, and sums of squares over all points."""
    runs = fl.load("lva_timeseries", store).runs.query("status == 'done'")
    biases = runs["model.biases"].tolist() if "model.biases" in runs else [None] * len(runs)
    return runs.assign(
        drift=[parameter_values(task)["drift"] for task in runs["target.task"]],
        way=[way if isinstance(way, str) else "gradient" for way in runs["train.method"].tolist()],
        biases=[text if isinstance(text, str) else "everywhere" for text in biases],
        frozen=runs["transfer.frozen"].astype(int),
        squares=POINTS * runs["final_train_loss"],
        held_out=POINTS * runs["final_test_loss"],
    )


def at_drift_1(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over seeds of the sums of squares, on training points and on held-out ones."""
    there = runs.query("drift == 1")
    table = there.pivot_table(
        index=["biases", "frozen", "way"], values=["squares", "held_out"], aggfunc=["mean", "std", "count"]
    )
    return table.round(1)


def over_drifts(runs: pd.DataFrame) -> pd.DataFrame:
    """By drift: mean sums of squares of each way, the data condition, and in how many seeds first order helps."""
    last = runs.query("frozen == 2 and biases == 'everywhere' and way in @WAYS")
    means = last.pivot_table(index="drift", columns="way", values="squares")
    condition = last.query("way == 'lva_perturb'").pivot_table(index="drift", values=CONDITION)
    by_seed = last.pivot_table(index=["drift", "seed"], columns="way", values="squares").reset_index()
    by_seed = by_seed.assign(helps=by_seed["lva_perturb"] < by_seed["unadapted"])
    return means.join(condition).join(by_seed.pivot_table(index="drift", values="helps", aggfunc=["sum", "count"]))


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
