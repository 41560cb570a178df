"""Cells with a mean-field network: the measured final error, and what theory says of the specification."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import pandas as pd

from analysis.tables.collect import Tables
from analysis.theory.width_prediction import InfiniteWidth, Prediction, has_infinite_width
from sweeps.spec import RunSpec

MEASURED = ("n_done", "final_test_error", "final_test_error_low", "final_test_error_high", "source_error")
"""`source_error`: mean of the measure of that name after the last epoch, missing where runs have none."""
THEORY = (
    *("theory_test_error", "theory_standard_error", "theory_source_error", "theory_kind"),
    *("theory_difference", "theory_relative"),
)
"""Predicted relative test error; its standard error over seeds (missing of a closed form); that of the source's
readout afterwards; which theory, or why there is none; measured less predicted; that over the predicted, NaN
where the prediction is 0."""


class Predictor(Protocol):
    """Where predictions of runs with a mean-field network come from."""

    def of(self, spec: RunSpec) -> Prediction: ...


class Computed:
    """From theory itself, each once: runs that differ in width alone share it, as it is of infinite width."""

    def __init__(self, theory: InfiniteWidth | None = None) -> None:
        self._theory = theory or InfiniteWidth()
        self._known: dict[str, Prediction] = {}

    def of(self, spec: RunSpec) -> Prediction:
        """NaN where there is none; `kind` then says why."""
        key = spec.model_copy(update={"model": spec.model.model_copy(update={"width": 1})}).model_dump_json()
        if key not in self._known:
            try:
                self._known[key] = self._theory.prediction(spec)
            except ValueError as problem:
                self._known[key] = Prediction(math.nan, math.nan, f"none: {problem}")
        return self._known[key]


def width_cells(tables: Tables, predictor: Predictor | None = None) -> pd.DataFrame:
    """One row per cell with a mean-field network and squared loss: the fields that differ between them, MEASURED and
    THEORY. Empty without any.

    A prediction is the mean over the cell's seeds.
    """
    predictor = predictor or Computed()
    specs = [[tables.sweep.runs[int(row)].spec for row in rows] for rows in tables.rows]
    chosen = [place for place, (spec, *_) in enumerate(specs) if has_infinite_width(spec)]
    cells = tables.cells.iloc[chosen].reset_index(drop=True)
    fields = pd.DataFrame([tables.sweep.runs[int(tables.rows[place][0])].fields for place in chosen])
    if "model.richness" in fields:
        fields["model.richness"] = fields["model.richness"].astype(float).fillna(1.0)
    found = [[predictor.of(spec) for spec in specs[place]] for place in chosen]
    measured = cells[list(MEASURED[:-1])].assign(source_error=[_source_error(tables, place) for place in chosen])
    frame = pd.concat([cells[["cell_id"]], fields[_varying(fields)], measured], axis=1)
    errors = [np.array([each.test_error for each in seeds]) for seeds in found]
    frame["theory_test_error"] = [each.mean() for each in errors]
    frame["theory_standard_error"] = [_standard_error(each) for each in errors]
    frame["theory_source_error"] = [float(np.mean([each.source_error for each in seeds])) for seeds in found]
    frame["theory_kind"] = [seeds[0].kind for seeds in found]
    mean = frame["final_test_error"].to_numpy(dtype=np.float64, na_value=np.nan)
    frame["theory_difference"] = mean - frame["theory_test_error"].to_numpy()
    frame["theory_relative"] = frame["theory_difference"] / frame["theory_test_error"].replace(0.0, math.nan)
    return frame


def varying_fields(frame: pd.DataFrame) -> list[str]:
    """The fields of specifications among the columns of `width_cells`."""
    return [name for name in frame.columns if name not in ("cell_id", *MEASURED, *THEORY)]


def _source_error(tables: Tables, place: int) -> float:
    results = [tables.sweep.runs[int(row)].result for row in tables.rows[place]]
    columns = [result.measures.get("source_error") for result in results if result is not None and result.measures]
    last = [column[-1] for column in columns if column and column[-1] is not None]
    return float(np.mean(last)) if last else math.nan


def _varying(fields: pd.DataFrame) -> list[str]:
    """What differs between cells. The text of a task says nothing beyond its parameters, where these have columns."""
    names = [name for name in fields.columns if name != "seed" and len(set(fields[name].astype(str))) > 1]
    return [name for name in names if not any(other.startswith(f"{name}.") for other in names)]


def _standard_error(errors: np.ndarray) -> float:
    """NaN below two seeds, and where all are equal: a closed form."""
    return float(errors.std(ddof=1) / math.sqrt(len(errors))) if len(set(errors)) > 1 else math.nan


def difference_text(frame: pd.DataFrame) -> str:
    """How far theory and measurement are apart, over cells that have both. None is relative to a prediction of 0."""
    both = frame.dropna(subset=["theory_relative"])
    if not len(both):
        return "no cell has both a prediction above 0 and a finished run"
    size: Any = both["theory_relative"].abs()
    return f"{len(both)} cells: relative difference {size.median():.1%} in the median, {size.max():.1%} at most"
