"""Verdicts from a Parquet table are those of the matrix, whatever the batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import ndimage

from analysis.detector.descent import detect, detect_many
from analysis.detector.spikes import median_filter
from analysis.logs import stream
from analysis.logs.columns import CurveError
from analysis.scoring.curve_families import FAMILIES
from analysis.scoring.known_curve import through
from analysis.scoring.synthetic import labelled


def table(runs: dict[str, np.ndarray]) -> pl.DataFrame:
    parts = [pl.DataFrame({"run_id": name, "epoch": np.arange(len(y)), "test_error": y}) for name, y in runs.items()]
    return pl.concat(parts)


@pytest.fixture
def runs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    peak, fall = [0.6, 0.2, 0.3, 0.22, 0.21], [0.6, 0.2, 0.2, 0.2, 0.2]
    lengths = [300, 300, 300, 180, 300, 180]
    return {
        f"r{i}": through([0, 10, 35, 120, 299], peak if i % 2 else fall)(np.arange(float(n)))
        + 0.002 * rng.standard_normal(n)
        for i, n in enumerate(lengths)
    }


@pytest.mark.parametrize("batch", [150, 700, 10_000])
def test_batches_do_not_matter(tmp_path: Path, runs, batch: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "BATCH", batch)
    table(runs).write_parquet(tmp_path / "epochs.parquet")
    found = stream.verdicts(tmp_path / "epochs.parquet")
    assert found["run"].to_list() == list(runs)
    for row, (_, y) in zip(found.iter_rows(named=True), runs.items(), strict=True):
        alone = detect(np.arange(len(y)), y, p_values=False)
        assert row["shape"] == alone.shape and row["strength"] == alone.strength
        assert row["prominence"] == (None if alone.prominence is None else pytest.approx(alone.prominence))
    assert (found["shape"] == "double_descent").to_list() == [False, True] * 3


def test_rows_of_a_run_must_be_adjacent(tmp_path: Path, runs):
    table(runs).vstack(table({"r0": runs["r0"]})).write_parquet(tmp_path / "epochs.parquet")
    with pytest.raises(CurveError, match="the rows of r0 are not adjacent"):
        stream.verdicts(tmp_path / "epochs.parquet")


def test_missing_column_is_named(tmp_path: Path):
    pl.DataFrame({"run_id": ["a"], "epoch": [0]}).write_parquet(tmp_path / "e.parquet")
    with pytest.raises(CurveError, match="no column test_error; there are run_id, epoch"):
        stream.verdicts(tmp_path / "e.parquet")


def test_a_table_without_rows_has_no_verdicts(tmp_path: Path):
    empty = pl.DataFrame(schema={"run_id": pl.String, "epoch": pl.Int64, "test_error": pl.Float64})
    empty.write_parquet(tmp_path / "e.parquet")
    found = stream.verdicts(tmp_path / "e.parquet")
    assert found.shape[0] == 0 and dict(found.schema) == stream.SCHEMA


def test_many_repairs_at_once_are_those_of_each_alone():
    together: dict[tuple[int, ...], list[np.ndarray]] = {}
    rng = np.random.default_rng(6)
    for i in range(90):
        cell = labelled(list(FAMILIES)[i % len(FAMILIES)], 1, rng, 400)
        if np.isfinite(cell.errors).all():
            together.setdefault(tuple(cell.x.astype(int)), []).append(cell.errors[0])
    x, rows = max(together.items(), key=lambda item: len(item[1]))
    assert len(rows) >= 40
    many = detect_many(x, np.stack(rows))
    assert any(judged.note is not None for judged in many.again.values())
    for one, row in zip(many.verdicts(), rows, strict=True):
        alone = detect(x, row, p_values=False)
        assert (one.shape, one.strength, one.note) == (alone.shape, alone.strength, alone.note)
        if one.peak is not None and alone.peak is not None:
            assert one.peak.position == pytest.approx(alone.peak.position)


@pytest.mark.parametrize("window", [3, 5, 7])
def test_running_median_is_scipys(window: int):
    y = np.random.default_rng(0).standard_normal(300)
    np.testing.assert_array_equal(median_filter(y, window), ndimage.median_filter(y, window, mode="nearest"))
