"""Real runs to their tables, byte by byte; the numbers themselves were checked by hand (tests/golden/README.md)."""

import csv
import difflib
import statistics
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.report.table_files import write_tables
from analysis.tables.along_axes import freezing_wise
from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from sweeps.sweep import parse

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
TEST_IMAGES = 590


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tables")
    write_tables(read_sweep(parse((GOLDEN / "sweep.yaml").read_text()), GOLDEN / "store"), out)
    return out


@pytest.mark.parametrize("name", ["epochs.csv", "runs.csv", "cells.csv"])
def test_tables_are_the_same_bytes(made: Path, name: str) -> None:
    new, pinned = (made / name).read_bytes(), (GOLDEN / "tables" / name).read_bytes()
    if new != pinned:
        lines = difflib.unified_diff(pinned.decode().splitlines(), new.decode().splitlines(), "pinned", "made", n=0)
        pytest.fail("\n".join(list(lines)[:20]), pytrace=False)


@pytest.mark.parametrize("name", ["epochs", "runs", "cells"])
def test_parquet_holds_what_the_csv_holds(made: Path, name: str) -> None:
    stored = pq.read_table(made / f"{name}.parquet").to_pandas()
    text = pd.read_csv(made / f"{name}.csv")
    pd.testing.assert_frame_equal(stored, text, check_dtype=False, check_exact=True)


def _rows(name: str) -> list[dict[str, str]]:
    with (GOLDEN / "tables" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_cells_are_what_counting_by_hand_gives() -> None:
    by_hand = {"0": (156, 131, 112), "3": (162, 118, 131), "11": (214, 189, 154), "13": (134, 150, 118)}
    cells = {row["transfer.frozen"]: row for row in _rows("cells")}
    assert list(cells) == ["0", "3", "10", "11", "12", "13"]
    for frozen, wrong in by_hand.items():  # test images of seeds 0, 1, 2
        assert float(cells[frozen]["final_test_error"]) == pytest.approx(sum(wrong) / 3 / TEST_IMAGES, rel=1e-12)
        half = 4.302652729911275 * statistics.stdev(wrong) / 3**0.5  # Student's 97.5 % point, two degrees of freedom
        low, high = (float(cells[frozen][f"final_test_error_{end}"]) * TEST_IMAGES for end in ("low", "high"))
        assert (low, high) == pytest.approx((sum(wrong) / 3 - half, sum(wrong) / 3 + half), rel=1e-9)
    lost = cells["12"]
    assert float(lost["final_train_error"]) == pytest.approx((77 + 92 + 70) / 3000, rel=1e-12)
    assert (lost["n_interpolating"], lost["interpolates"]) == ("0", "false")
    assert (lost["epochs_to_15"], lost["epochs_to_10"], lost["epochs_to_5"]) == ("47.0", "53.0", "")


def test_runs_follow_from_the_epochs_by_plain_loops() -> None:
    """No code of analysis: the CSV of the epochs, read line by line."""
    epochs: dict[str, list[dict[str, str]]] = {}
    for row in _rows("epochs"):
        epochs.setdefault(row["run_id"], []).append(row)
    runs = _rows("runs")
    assert [run["run_id"] for run in runs] == list(epochs)
    for run in runs:
        curve = epochs[run["run_id"]]
        assert len(curve) == int(run["epochs"]) == int(run["train.epochs"])
        assert run["final_test_error"] == curve[-1]["test_error"]
        assert run["final_train_error"] == curve[-1]["train_error"]
        assert float(run["best_test_error"]) == min(float(row["test_error"]) for row in curve)
        for per_cent in (15, 10, 5, 1):
            reached = [row["epoch"] for row in curve if float(row["train_error"]) <= per_cent / 100]
            assert run[f"epochs_to_{per_cent}"] == (reached[0] if reached else "")
        for row in curve:
            wrong = float(row["test_error"]) * TEST_IMAGES
            assert wrong == pytest.approx(round(wrong), abs=1e-6)


def test_an_epoch_wise_verdict_is_what_sums_over_five_epochs_give() -> None:
    """Frozen = 3 as in README.md: no smoothing, no noise model, no code of analysis."""
    chosen = {row["run_id"] for row in _rows("runs") if row["transfer.frozen"] == "3"}
    wrong = [0] * 60
    for row in _rows("epochs"):
        if row["run_id"] in chosen:
            wrong[int(row["epoch"]) - 1] += round(float(row["test_error"]) * TEST_IMAGES)
    together = [sum(wrong[i : i + 5]) for i in range(56)]
    images = 5 * 3 * TEST_IMAGES
    assert (wrong.index(min(wrong)) + 1, max(together), together.index(max(together)) + 3) == (3, 2577, 12)
    (cell,) = (row for row in _rows("cells") if row["transfer.frozen"] == "3")
    assert (cell["shape"], cell["strength"]) == ("double_descent", "weak")
    assert float(cell["first_min_epoch"]) == 3
    assert float(cell["peak_epoch"]) == pytest.approx(12, abs=1)
    assert float(cell["peak_error"]) == pytest.approx(2577 / images, abs=0.005)
    assert float(cell["prominence"]) == pytest.approx((2577 - together[-1]) / images, abs=0.005)
    assert float(cell["p_value"]) <= 0.05


def test_the_freezing_wise_verdict_is_what_the_means_say() -> None:
    (found,) = freezing_wise(collect(read_sweep(parse((GOLDEN / "sweep.yaml").read_text()), GOLDEN / "store")))
    verdict = found.verdict
    assert verdict is not None and verdict.peak is not None and verdict.p_value is not None
    assert (verdict.shape, verdict.strength, verdict.peak.position) == ("double_descent", "undecided", 11)
    assert verdict.prominence == pytest.approx((557 - 402) / 3 / TEST_IMAGES, abs=1e-9)
    assert verdict.double_descent is True and verdict.p_value <= 0.01 and verdict.cause == "interpolation"
    assert found.threshold == (11.0, 12.0)


def test_verdicts_of_the_pinned_cells_stand_where_the_curves_say() -> None:
    """What any reader sees in the curves: head only never rises; 10 to 12 rise and are still up at the end."""
    shapes = {row["transfer.frozen"]: row["shape"] for row in _rows("cells")}
    assert shapes["13"] == "monotone"
    assert shapes["0"] == shapes["3"] == "double_descent"
    assert {shapes[frozen] for frozen in ("10", "11", "12")} <= {"u_shaped", "plateau"}
