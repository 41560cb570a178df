"""The table `cells`: one row per specification without its seed, the seeds its replicates.

Means are over runs that are done. A diverged run is counted beside them (`n_diverged`), in no mean: its last error
belongs to weights that are no longer finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.detector.q_values import adjusted
from analysis.detector.verdict import Verdict
from analysis.statistics.intervals import for_new_images, intervals
from analysis.tables.curves import Array, Curves, Rows
from analysis.tables.epochwise import epochwise_verdicts, with_sensitivities
from analysis.tables.schema import CELLS, CROSSINGS, RELATEDNESS, columns_of, frame_of, spec_types
from analysis.tables.unlike import differences

DECIMALS = 9  # of a verdict's numbers: beyond this they depend on the machine's matrix products

Verdicts = tuple[Verdict | None, ...]


def judged_cells(runs: pd.DataFrame, curves: Curves) -> tuple[pd.DataFrame, tuple[Rows, ...], Verdicts]:
    """The table `cells`, the rows of `runs` that each cell consists of, and its epoch-wise verdict."""
    rows = _cell_rows(runs)
    verdicts = with_sensitivities(adjusted(epochwise_verdicts(curves, runs, rows)), curves, runs, rows)
    return _cell_frame(runs, rows, verdicts), rows, verdicts


def _cell_rows(runs: pd.DataFrame) -> tuple[Rows, ...]:
    """Rows of `runs` that belong to each cell; cells in the order of their first row."""
    codes, _ = pd.factorize(runs["cell_id"])
    order = np.argsort(codes, kind="stable")
    return tuple(np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)) if len(codes) else ()


def _cell_frame(runs: pd.DataFrame, rows: tuple[Rows, ...], verdicts: Verdicts) -> pd.DataFrame:
    """The table `cells` from the table `runs` and the epoch-wise verdict of each cell."""
    first = runs.iloc[[int(cell[0]) for cell in rows]]
    status = runs["status"].to_numpy()
    done = [cell[status[cell] == "done"] for cell in rows]
    columns: dict[str, Any] = {
        name: first[name].to_numpy(dtype=object, na_value=None) for name in ("cell_id", *spec_types()) if name != "seed"
    }
    columns["n_asked"] = [len(cell) for cell in rows]
    columns["n_done"] = [len(cell) for cell in done]
    columns["n_diverged"] = [int((status[cell] == "diverged").sum()) for cell in rows]
    columns["trainable_params"] = [_any(runs["trainable_params"].iloc[cell]) for cell in done]
    crossings = [f"epochs_to_{per_cent}" for per_cent in CROSSINGS]
    values = columns_of(runs, ["final_test_error", "final_train_error", "interpolates", "test_samples", *crossings])
    samples = [values["test_samples"][cell] for cell in done]
    most = np.array([np.inf if np.isnan(cell).any() else 1.0 for cell in samples])
    columns |= _mean_columns(values, done, "final_test_error", most)
    columns |= _image_columns(columns, samples)
    columns |= _mean_columns(values, done, "final_train_error", most)
    columns |= _interpolation_columns(values, done)
    columns |= _relatedness_columns(runs, rows)
    columns |= _verdict_columns(verdicts)
    columns["unlike"] = differences(runs, rows)
    columns = {name: columns[name] for name in CELLS.names}
    return frame_of(columns, CELLS)


def _any(values: pd.Series) -> int | None:
    known = values.dropna()
    return int(known.iloc[0]) if len(known) else None


def _mean_columns(values: dict[str, Array], done: list[Rows], name: str, most: Array) -> dict[str, Array]:
    """Mean over seeds and its 95 % interval; no interval below two seeds. values: (runs,) by name.

    most: (cells,) the largest error that there can be: 1, or none where errors are not known to be shares of samples.
    """
    known = [values[name][cell][np.isfinite(values[name][cell])] for cell in done]
    result = np.full((3, len(done)), np.nan)
    result[0] = [cell.mean() if len(cell) else np.nan for cell in known]
    sizes = np.array([len(cell) for cell in known])
    for size in np.unique(sizes[sizes >= 2]):
        chosen = np.flatnonzero(sizes == size)
        spans = intervals(np.stack([known[cell] for cell in chosen]))
        result[1:, chosen] = np.clip(spans.T, 0.0, most[chosen])  # an error is none outside
    return dict(zip((name, f"{name}_low", f"{name}_high"), result, strict=True))


def _image_columns(columns: dict[str, Any], samples: list[Array]) -> dict[str, Array]:
    """The interval of the mean test error for new test images too. samples: test images of each done run, by cell."""
    count = np.array([cell[0] if len(cell) and (cell == cell[0]).all() else np.nan for cell in samples])
    mean, low, high = (columns[f"final_test_error{end}"] for end in ("", "_low", "_high"))
    spans = for_new_images(mean, low, high, count)
    low, high = (np.clip(span, 0.0, 1.0) for span in spans)
    return {"final_test_error_images_low": low, "final_test_error_images_high": high}


def _interpolation_columns(values: dict[str, Array], done: list[Rows]) -> dict[str, Any]:
    """A cell interpolates where more than half of its runs do. Its crossing is the median over its runs, a
    run that never crosses counting as later than all others: missing where the median run never does."""
    flags = values["interpolates"]
    counts = [int(np.nansum(flags[cell])) for cell in done]
    columns: dict[str, Any] = {
        "n_interpolating": [count if len(cell) else None for count, cell in zip(counts, done, strict=True)],
        "interpolates": [2 * n > len(cell) if len(cell) else None for n, cell in zip(counts, done, strict=True)],
    }
    for per_cent in CROSSINGS:
        epochs = np.nan_to_num(values[f"epochs_to_{per_cent}"], nan=np.inf)
        medians = np.array([np.median(epochs[cell]) if len(cell) else np.inf for cell in done])
        columns[f"epochs_to_{per_cent}"] = np.where(np.isfinite(medians), medians, np.nan)
    return columns


def _relatedness_columns(runs: pd.DataFrame, rows: tuple[Rows, ...]) -> dict[str, list[float]]:
    """Means over the seeds that have a value: overlaps are the same for all, a probe has one error for each."""
    values = columns_of(runs, RELATEDNESS)
    known = {name: [column[cell][np.isfinite(column[cell])] for cell in rows] for name, column in values.items()}
    return {name: [cell.mean() if len(cell) else np.nan for cell in cells] for name, cells in known.items()}


def _verdict_columns(verdicts: Verdicts) -> dict[str, list[Any]]:
    def number(value: float | None) -> float | None:
        return None if value is None else round(value, DECIMALS)

    columns: dict[str, list[Any]] = {
        name: [None if verdict is None else getattr(verdict, name) for verdict in verdicts]
        for name in ("shape", "strength", "significance", "double_descent")
    }
    gaps = [None if verdict is None else verdict.strength_interval for verdict in verdicts]
    for place, end in enumerate(("low", "high")):
        columns[f"strength_{end}"] = [None if gap is None else number(gap[place]) for gap in gaps]
    for name in ("first_min", "peak", "second_min"):
        points = [None if verdict is None else getattr(verdict, name) for verdict in verdicts]
        for part, column in (("position", f"{name}_epoch"), ("error", f"{name}_error")):
            spans = [getattr(point, f"{part}_interval", None) or (None, None) for point in points]
            columns[column] = [None if point is None else number(getattr(point, part)) for point in points]
            columns[f"{column}_low"] = [number(low) for low, _ in spans]
            columns[f"{column}_high"] = [number(high) for _, high in spans]
    for name in ("prominence", "roughness", "p_value", "q_value", "train_error_at_peak", "agreement", "sensitivity"):
        columns[name] = [None if verdict is None else number(getattr(verdict, name)) for verdict in verdicts]
    return columns
