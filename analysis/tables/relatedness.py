"""The columns that say how related a run's source and target are: computed from classes, and measured by a probe.

A run in which all units but the head are frozen, its norms in evaluation mode, trains a linear classifier on the
source's features and nothing else. Its final test error is the error of a linear probe, for all runs that differ from
it in the frozen depth and the frozen norms alone. So a sweep that has that depth has the column, and nothing is
computed twice. The terms of the bound of task transfer analysis are those that `frostline rank` put in the store.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from analysis.tables.load import StoredRun, StoredSweep
from analysis.tables.schema import RELATEDNESS, TTA_TERMS
from sweeps import layout
from sweeps.store import records

PROBE = "linear_probe_error"
OVERLAPS = ("class_overlap", "superclass_overlap")
_NOT_THE_FEATURES = ("transfer.frozen", "transfer.norm")


def relatedness_columns(sweep: StoredSweep, final_test_error: np.ndarray) -> dict[str, list[float | None]]:
    """Each of RELATEDNESS for all runs, None where there is nothing to say: no source, no superclasses, no such run.

    final_test_error: (runs,) float64. A sweep of source models that was recorded before there were these columns has
    none of them. One that starts from files of weights alone has no overlaps, and the probe.
    """
    known = sweep.record.relatedness
    columns: dict[str, list[float | None]] = {name: [None] * len(sweep.runs) for name in RELATEDNESS}
    if not known and any(run.spec.source is not None for run in sweep.runs):  # its tables stay as they were
        return columns
    for name in OVERLAPS:
        for row, run in enumerate(sweep.runs):
            if run.spec.source is not None:
                found = known.get(run.spec.source.task, {}).get(run.spec.target.task, {})
                columns[name][row] = found.get(name)
    columns[PROBE] = _probe_errors(sweep.runs, final_test_error)
    return columns | _bounds(sweep)


def _bounds(sweep: StoredSweep) -> dict[str, list[float | None]]:
    """TTA_TERMS for all runs, None where there is no ranking, or none of the run's start."""
    ranking = records.ranking(sweep.store, layout.ranking(sweep.record.name, sweep.record.digest))
    values = {} if ranking is None else {run: pair.values for pair in ranking.pairs for run in pair.runs}
    return {name: [values.get(run.id, {}).get(name) for run in sweep.runs] for name in TTA_TERMS}


def _probe_errors(runs: Sequence[StoredRun], final_test_error: np.ndarray) -> list[float | None]:
    keys = [_features_of(run) if _has_features(run) else None for run in runs]
    probes = {
        key: float(error)
        for key, run, error in zip(keys, runs, final_test_error, strict=True)
        if key is not None and run.status == "done" and _is_probe(run)
    }
    return [probes.get(key) if key is not None else None for key in keys]


def _has_features(run: StoredRun) -> bool:
    """Whether it starts from trained weights: a source model's, or a file's."""
    return run.spec.source is not None or run.spec.model.weights is not None


def _is_probe(run: StoredRun) -> bool:
    transfer = run.spec.transfer
    return run.result is not None and transfer.frozen == len(run.result.ladder) - 1 and transfer.norm == "eval"


def _features_of(run: StoredRun) -> str:
    fields = {name: value for name, value in run.fields.items() if name not in _NOT_THE_FEATURES}
    return json.dumps(fields, sort_keys=True)
