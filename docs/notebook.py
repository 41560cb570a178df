"""A sweep in Python: load, filter, plot, detect. Each `# %%` is a cell of a notebook.

    python docs/notebook.py                                              # the quickstart in store/ (make sweep)
    python docs/notebook.py tests/golden/sweep.yaml tests/golden/store   # any other sweep and store

Errors are fractions everywhere. Nothing is written to the store; figures go to results/notebook/.
"""

# %%
import sys
from pathlib import Path

import matplotlib
import numpy as np

import frostline as fl

matplotlib.use("Agg")  # a script without a window; a notebook needs no such line
sweep, store = sys.argv[1:] or ["quickstart", "store"]
folder = Path("results") / "notebook"
folder.mkdir(parents=True, exist_ok=True)

# %% Load: four pandas frames, each computed when it is first asked for.
letters = fl.load(sweep, store)
print(letters)
print(letters.cells[["model.family", "transfer.frozen", "n_done", "final_test_error", "shape"]].to_string())

# %% Filter: the verdicts of the ResNet, with the evidence for each.
verdicts = letters.verdicts
found = verdicts[(verdicts["model.family"] == "resnet") & verdicts["double_descent"]]
print(
    found[["group", "axis", "strength", "peak", "peak_error", "prominence", "p_value", "q_value", "seeds"]].to_string()
)

# %% The learning curves behind one row: all epochs of its runs.
runs = letters.runs.query("`model.family` == 'resnet' and `transfer.frozen` == 0 and status == 'done'")
curves = letters.epochs[letters.epochs["run_id"].isin(runs["run_id"])]
table = curves.pivot(index="epoch", columns="run_id", values="test_error")
print(f"{table.shape[1]} seeds of {table.shape[0]} epochs; mean at the last: {table.iloc[-1].mean():.3f}")

# %% Plot: final errors along the frozen units, then the learning curves of two depths.
fl.plot(letters, where={"model.family": "resnet"}).figure.savefig(folder / "frozen.png")
axes = fl.plot(letters, axis="epoch", where={"model.family": "resnet", "transfer.frozen": 0})
axes.figure.savefig(folder / "epochs.png")

# %% Detect on arrays: x (points,), errors (seeds, points). Here the curves of above, then some of our own.
verdict = fl.detect(table.index.to_numpy(), table.to_numpy().T)
print(f"{verdict.shape} ({verdict.strength}), peak {verdict.peak}, p = {verdict.p_value}")

epochs = np.arange(1, 101)
noise = 0.004 * np.random.default_rng(0).standard_normal((5, 100))
bump = 0.10 * np.exp(-(((np.log(epochs) - 3.2) / 0.4) ** 2))
errors = 0.25 + 0.4 * np.exp(-epochs / 4) + bump + noise
print(fl.detect(epochs, errors).shape)
fl.plot(epochs, errors).figure.savefig(folder / "arrays.png")

# %% The claims C1 to C4.
for claim in fl.claims(letters):
    print(f"{claim.claim} {claim.decision}: {claim.reason}")
