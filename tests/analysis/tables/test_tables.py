"""The tables: their columns, what is missing in them, and that the same results give the same bytes."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy import stats

from analysis.report.papers.latex import escaped
from analysis.report.table_files import write_tables
from analysis.statistics.intervals import intervals, mean_interval
from analysis.tables.along_axes import freezing_wise, interpolation_threshold, verdicts_along
from analysis.tables.collect import Tables, collect, epoch_frame
from analysis.tables.groups import groups_along
from analysis.tables.load import read_sweep
from analysis.tables.schema import CELLS, EPOCHS, OCCASIONAL, RUNS, comparable, later_fields, numbers
from sweeps.expand import flat
from sweeps.identity import run_id
from sweeps.records import EPOCH_TYPES
from sweeps.sweep import parse
from tests.analysis.store_factory import finished, planned, sweep_text, whole
from tests.csv_text import csv_text

FLAT = """
name: two-kinds
base:
  source: {task: digits, size: 300}
  target: {task: digits, size: 200}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: 6}
axes: {transfer.frozen: [0, 1], seed: [3, 1]}
blocks:
  - base: {source: null}
    axes: {seed: [1]}
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    store = tmp_path_factory.mktemp("store")
    return collect(read_sweep(whole(store, sweep_text(epochs=60)), store))


def test_columns_are_those_of_the_schemas(tables: Tables) -> None:
    assert list(tables.runs.columns) == RUNS.names
    assert list(tables.cells.columns) == CELLS.names
    assert list(epoch_frame(tables.sweep).columns) == ["run_id", *EPOCH_TYPES] == EPOCHS.names
    assert set(flat(tables.sweep.runs[0].spec)) - {"transfer.inherit"} <= set(RUNS.names)  # a section, none here


def _curves_by_run(tables: Tables, name: str) -> list[np.ndarray]:
    """The column of the table `epochs`, cut where the run changes: no code of analysis is in it."""
    epochs = epoch_frame(tables.sweep)
    run = epochs["run_id"].to_numpy()
    assert list(dict.fromkeys(run)) == list(tables.runs["run_id"])
    return np.split(epochs[name].to_numpy(), np.flatnonzero(run[1:] != run[:-1]) + 1)


def test_a_run_is_its_last_epoch(tables: Tables) -> None:
    test, train = _curves_by_run(tables, "test_error"), _curves_by_run(tables, "train_error")
    assert [len(curve) for curve in test] == [60] * 42
    np.testing.assert_array_equal(numbers(tables.runs, "final_test_error"), [curve[-1] for curve in test])
    np.testing.assert_array_equal(numbers(tables.runs, "final_train_error"), [curve[-1] for curve in train])
    np.testing.assert_array_equal(numbers(tables.runs, "best_test_error"), [min(curve) for curve in test])


def test_crossings_are_the_first_epoch_at_or_below(tables: Tables) -> None:
    train = _curves_by_run(tables, "train_error")
    for per_cent in (15, 10, 5, 1):
        below = [np.flatnonzero(curve <= per_cent / 100) for curve in train]
        expected = [places[0] + 1 if len(places) else np.nan for places in below]
        np.testing.assert_array_equal(numbers(tables.runs, f"epochs_to_{per_cent}"), expected)
        assert 0 < np.isnan(expected).sum() < 42  # some depths never get there


def test_cells_are_means_over_their_seeds(tables: Tables) -> None:
    final = numbers(tables.runs, "final_test_error").reshape(14, 3)
    means, low, high = (numbers(tables.cells, f"final_test_error{part}") for part in ("", "_low", "_high"))
    np.testing.assert_allclose(means, final.mean(axis=1), rtol=1e-12)
    assert list(tables.cells["n_done"]) == [3] * 14
    assert ((low < means) & (means < high)).all()
    half = stats.t.isf(0.025, 2) * final.std(axis=1, ddof=1) / 3**0.5
    np.testing.assert_allclose([means - low, high - means], [half, half], rtol=1e-9)


def test_verdicts_of_known_curves(tables: Tables) -> None:
    shapes = dict(zip(tables.cells["transfer.frozen"], tables.cells["shape"], strict=True))
    assert {frozen for frozen, shape in shapes.items() if shape == "double_descent"} == set(range(11))
    peaks = numbers(tables.cells, "peak_epoch")
    np.testing.assert_allclose(peaks[:11], 10, rtol=0.15)
    assert np.isnan(peaks[11:]).all()
    all_three = numbers(tables.cells, "agreement")[:11] == 1.0  # an epoch's interval needs three double descents
    assert 4 <= all_three.sum() < 11
    for part, known in (("first_min_epoch", all_three), ("peak_epoch", all_three), ("peak_error", np.ones(11, bool))):
        middle, low, high = (numbers(tables.cells, f"{part}{end}") for end in ("", "_low", "_high"))
        assert (np.isfinite(low[:11]) == known).all() and np.isnan(low[11:]).all(), part
        assert (0.95 * low[:11][known] <= middle[:11][known]).all(), part
        assert (middle[:11][known] <= 1.05 * high[:11][known]).all(), part


def test_freezing_wise_is_read_from_head_only_to_none_frozen(tables: Tables) -> None:
    (found,) = freezing_wise(tables)
    assert found.threshold == (10.0, 11.0)
    assert found.replicates == 3
    verdict = found.verdict
    assert verdict is not None
    assert verdict.double_descent
    assert verdict.first_min is not None
    assert verdict.peak is not None
    assert verdict.second_min is not None
    assert (verdict.first_min.position, verdict.peak.position) == (12.0, 10.0)
    assert verdict.second_min.position < 8
    assert verdict.strength == "weak"  # it ends above the error at frozen = 12


def test_a_run_without_a_source_has_missing_source_fields(tmp_path: Path) -> None:
    tables = collect(read_sweep(whole(tmp_path, FLAT), tmp_path))
    scratch = tables.runs["source_id"].isna()
    assert list(scratch) == [True, False, False, False, False]
    fields = [name for name in RUNS.names if name.startswith("source.") and name not in later_fields()]
    missing = tables.runs[fields].isna().to_numpy()
    assert missing[0].all()
    assert not missing[1:].any()
    lines = csv_text(tables.runs).splitlines()
    empty = [line for line in lines[1:] if line.split(",")[2] == ""]
    assert len(empty) == 1
    assert [group.label for group in groups_along(tables.cells, "transfer.frozen")] == [
        "resnet14-w4, from scratch",
        "resnet14-w4",
    ]


def test_unfinished_and_diverged_runs_stay_and_count_in_no_mean(tmp_path: Path) -> None:
    sweep, runs = planned(sweep_text(epochs=6, frozen="[0, 1]", last_seed=2), tmp_path)
    by_place = {(spec.transfer.frozen, spec.seed): spec for spec in runs.values()}
    finished(tmp_path, by_place[0, 0])
    finished(tmp_path, by_place[0, 1], curve=lambda _, x: (np.full(len(x), 0.9), np.full(len(x), np.nan)),
             status="diverged")  # fmt: skip
    tables = collect(read_sweep(sweep, tmp_path))
    assert list(tables.runs["status"]) == ["done", "diverged", "missing", "missing", "missing", "missing"]
    first, second = tables.cells.to_dict("records")
    assert (first["n_done"], first["n_diverged"], first["n_asked"]) == (1, 1, 3)
    assert first["final_test_error"] == tables.runs["final_test_error"][0]
    assert np.isnan(first["final_test_error_low"])  # one seed has no interval
    assert (second["n_done"], second["n_asked"]) == (0, 3)
    for name in ("final_test_error", "final_train_error", "interpolates", "n_interpolating", "shape", "epochs_to_5"):
        assert pd.isna(second[name]), name
    optional = sum(name in RUNS.names for name in OCCASIONAL if name != "reason")
    assert (
        csv_text(tables.runs)
        .splitlines()[3]
        .endswith(",missing" + "," * (len(RUNS) - optional - RUNS.names.index("status") - 2))
    )


def test_a_run_of_no_epochs_has_no_errors(tmp_path: Path) -> None:
    tables = collect(read_sweep(whole(tmp_path, sweep_text(epochs=0, frozen="[0]", last_seed=1)), tmp_path))
    assert list(tables.runs["status"]) == ["done", "done"]
    assert tables.runs[["final_test_error", "epochs_to_15", "interpolates"]].isna().to_numpy().all()
    assert tables.verdicts == (None,)


def test_same_content_same_bytes_whatever_the_machine(tmp_path: Path) -> None:
    digests, frames = [], []
    for clock in (1.0, 1.0, 7.0):
        store, out = tmp_path / f"store{len(digests)}", tmp_path / f"out{len(digests)}"
        tables, files = write_tables(read_sweep(whole(store, sweep_text(epochs=12), clock=clock), store), out)
        digests.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files})
        frames.append(tuple(csv_text(comparable(f)) for f in (tables.runs, tables.cells, epoch_frame(tables.sweep))))
    assert digests[0] == digests[1]
    assert digests[0]["runs.csv"] != digests[2]["runs.csv"]
    assert frames[0] == frames[1] == frames[2]


def test_files_read_back_as_the_tables(tmp_path: Path) -> None:
    tables, files = write_tables(read_sweep(whole(tmp_path / "s", sweep_text(epochs=5)), tmp_path / "s"), tmp_path)
    assert sorted(path.name for path in files) == [
        "cells.csv", "cells.parquet", "cells.tex", "epochs.csv", "epochs.parquet", "runs.csv", "runs.parquet",
    ]  # fmt: skip
    for name, frame in (("runs", tables.runs), ("cells", tables.cells), ("epochs", epoch_frame(tables.sweep))):
        stored, text = pq.read_table(tmp_path / f"{name}.parquet"), pd.read_csv(tmp_path / f"{name}.csv")
        later = (*later_fields(), *OCCASIONAL)
        occasional = [column for column in later if column in frame.columns]
        unused = {column for column in occasional if not bool(frame[column].notna().to_numpy().any())}
        given = [column for column in frame.columns if column not in unused]
        assert stored.column_names == list(text.columns) == given
        for column in set(frame.select_dtypes("float64")) - unused:
            np.testing.assert_array_equal(text[column].astype(float), frame[column], column)
            assert stored[column].null_count == frame[column].isna().sum(), column
    assert b"nan" not in (tmp_path / "epochs.csv").read_bytes().lower()
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_failure_leaves_the_old_table_and_no_debris(tmp_path: Path) -> None:
    store, out = tmp_path / "store", tmp_path / "out"
    sweep = whole(store, sweep_text(epochs=5))
    write_tables(read_sweep(sweep, store), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    victim = next(store.glob("runs/*/*/epochs-*.parquet"))
    victim.write_bytes(b"")
    with pytest.raises(ValueError, match="SHA-256"):
        write_tables(read_sweep(sweep, store), out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_intervals_cover_what_they_say() -> None:
    """Coverage for normal values; its standard error is 0.2 %."""
    rng = np.random.default_rng(5)
    for seeds in range(2, 11):
        low, high = intervals(rng.standard_normal((10_000, seeds))).T
        assert 0.94 <= np.mean((low <= 0) & (high >= 0)) <= 0.96, seeds


def test_interval_needs_two_seeds_and_ignores_their_order() -> None:
    assert np.isnan(mean_interval([])).all()
    mean, low, high = mean_interval([0.25, np.nan])
    assert mean == 0.25
    assert np.isnan([low, high]).all()
    assert mean_interval([0.1, 0.4, 0.2, 0.25]) == mean_interval([0.4, 0.25, 0.1, 0.2])


@pytest.mark.parametrize(
    ("status", "threshold"),
    [
        ([1, 1, 1, 0, 0], (20.0, 30.0)),
        ([0, 0, 1, 1, 1], (20.0, 10.0)),
        ([1, 1, np.nan, 0, 0], (10.0, 30.0)),
        ([1, 0, 1, 1, 0], (30.0, 40.0)),  # one point on the wrong side
        ([1, 1, 1, 1, 1], None),
        ([0, 0, 0, 0, 0], None),
        ([np.nan, np.nan, np.nan, np.nan, 1], None),
    ],
)
def test_interpolation_threshold(status: list[float], threshold: tuple[float, float] | None) -> None:
    assert interpolation_threshold(np.arange(0.0, 50.0, 10.0), np.array(status, dtype=float)) == threshold


def test_other_axes_by_the_same_call(tmp_path: Path) -> None:
    text = """
name: widths
base:
  source: {task: digits, size: 300}
  target: {task: digits, size: 200}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: 6}
axes: {model.width: [2, 4, 8, 16, 32, 64], seed: 0..3}
"""

    def by_width(spec, epochs):
        level = 0.3 - 0.1 * np.log2(spec.model.width) / 6 + 0.1 * (spec.model.width == 16) + 0.001 * spec.seed
        return np.full(len(epochs), level), np.full(len(epochs), 0.2 if spec.model.width < 16 else 0.0)

    tables = collect(read_sweep(whole(tmp_path, text, curve=by_width), tmp_path))
    (found,) = verdicts_along(tables, "model.width")
    assert found.verdict is not None
    assert found.verdict.peak is not None
    assert (found.verdict.shape, found.verdict.strength) == ("double_descent", "strong")
    assert found.verdict.peak.position == 16.0
    assert found.threshold == (16.0, 8.0)
    few = freezing_wise(tables)
    assert len(few) == 6
    assert few[0].verdict is None
    assert few[0].reason == "1 of 1 points have a result; 4 are needed"
    with pytest.raises(ValueError, match=r"axis = 'seed'; allowed: transfer\.frozen"):
        verdicts_along(tables, "seed")


def test_latex_is_escaped() -> None:
    assert escaped(r"a_b & 50% \x{y}$~^#" + "\n") == (
        r"a\_b \& 50\% \textbackslash{}x\{y\}\$\textasciitilde{}\textasciicircum{}\# "
    )


def test_what_was_measured_beside_is_a_table_with_a_row_a_value(tmp_path: Path) -> None:
    """What adapting a head recorded has columns of its own, and a sweep without measures has no such file."""
    _, specs = planned(sweep_text(2, "[0, 4]", 0), tmp_path / "store")
    first, second = specs.values()
    asked = {"readout_gap": (0.1, None), "source_distance.stem": (0.0, 2.5), "penalty": (3.0,)}
    finished(tmp_path / "store", first, measures=asked)
    finished(tmp_path / "store", second)
    stored = read_sweep(parse(sweep_text(2, "[0, 4]", 0)), tmp_path / "store")
    _, files = write_tables(stored, tmp_path / "out")
    assert tmp_path / "out" / "measures.parquet" in files
    found = pd.read_csv(tmp_path / "out" / "measures.csv")
    assert found["run_id"].unique().tolist() == [run_id(first)]
    assert found["measure"].tolist() == ["readout_gap"] * 2 + ["source_distance.stem"] * 2
    assert found["epoch"].tolist() == [1, 2, 1, 2]
    assert found["value"].tolist()[2:] == [0.0, 2.5] and found["value"].isna().tolist() == [False, True, False, False]

    finished(tmp_path / "store", first, measures={"penalty": (3.0,)})
    again = read_sweep(parse(sweep_text(2, "[0, 4]", 0)), tmp_path / "store")
    _, files = write_tables(again, tmp_path / "plain")
    assert [path.name for path in files if path.name.startswith("measures")] == []
