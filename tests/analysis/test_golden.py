"""Real runs to their tables, byte by byte; the numbers themselves were checked by hand (tests/golden/README.md)."""

import csv
import difflib
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.load import read_sweep
from analysis.tables import write_tables
from sweeps.sweep import parse

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
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
    by_hand = {  # width, frozen: wrong test images of seeds 0, 1, 2
        ("16", "0"): (85, 70, 89),
        ("4", "0"): (205, 177, 154),
        ("4", "11"): (231, 220, 181),
        ("4", "13"): (151, 197, 142),
    }
    cells = {(row["model.width"], row["transfer.frozen"]): row for row in _rows("cells")}
    assert len(cells) == 8
    for place, wrong in by_hand.items():
        assert float(cells[place]["final_test_error"]) == pytest.approx(sum(wrong) / 3 / TEST_IMAGES, rel=1e-12)
        assert float(cells[place]["final_test_error_low"]) == pytest.approx(min(wrong) / TEST_IMAGES, rel=1e-12)
        assert float(cells[place]["final_test_error_high"]) == pytest.approx(max(wrong) / TEST_IMAGES, rel=1e-12)
    threshold = cells["4", "11"]
    assert float(threshold["final_train_error"]) == pytest.approx((72 + 35 + 49) / 3000, rel=1e-12)
    assert (threshold["n_interpolating"], threshold["interpolates"]) == ("2", "true")
    assert (threshold["epochs_to_5"], threshold["epochs_to_1"]) == ("120.0", "")
    assert cells["16", "0"]["source.task"] == ""


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


def test_verdicts_of_the_pinned_cells_stand_where_the_curves_say() -> None:
    """What any reader sees in the curves: head only and one unit more never rise; the others rise and are still up."""
    shapes = {row["transfer.frozen"]: row["shape"] for row in _rows("cells") if row["model.width"] == "4"}
    assert shapes["12"] == shapes["13"] == "monotone"
    assert {shapes[frozen] for frozen in ("0", "4", "8", "10", "11")} <= {"u_shaped", "plateau", "double_descent"}
