"""Every kind of log, written by the library that writes it, and every kind of bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from analysis.logs.ingest import read_curves
from analysis.logs.readers.table import CurveError
from tests.analysis.logs.curve_files import EPOCHS, FALL, TEST, TRAIN, assert_both, refused, run, verdicts, write


def test_long_csv_with_runs_and_seeds(tmp_path: Path):
    rng = np.random.default_rng(0)
    parts = [
        pl.DataFrame({"run": r, "seed": s, "epoch": EPOCHS, "test_error": y + 0.002 * rng.standard_normal(120)})
        for r, y in (("a", TEST), ("b", FALL))
        for s in range(3)
    ]
    table = pl.concat(parts).sample(fraction=1.0, shuffle=True, seed=1)
    table.write_csv(tmp_path / "curves.csv")
    found = verdicts(tmp_path / "curves.csv")
    assert_both(found, "a", "b")
    assert found["a"]["p_value"] <= 0.05
    assert [len(r.errors) for r in read_curves(tmp_path / "curves.csv").runs] == [3, 3]


def test_lightning_csv_logger_folder(tmp_path: Path):
    from pytorch_lightning.loggers import CSVLogger

    for version, curve in enumerate((TEST, FALL)):
        logger = CSVLogger(str(tmp_path), name="exp", version=version)
        for epoch in range(120):
            logger.log_metrics({"train_loss_step": 0.1}, step=epoch * 10)
            logger.log_metrics({"epoch": epoch, "val_acc": 1.0 - curve[epoch]}, step=epoch * 10 + 9)
            logger.log_metrics({"epoch": epoch, "train_acc_epoch": 1.0 - TRAIN[epoch]}, step=epoch * 10 + 9)
        logger.save()
    assert_both(verdicts(tmp_path), "exp/version_0", "exp/version_1")
    read = read_curves(tmp_path)
    (note,) = read.notes  # one line for the two files
    assert "error = 1 - val_acc" in note and "Lightning metrics.csv" in note and "and 1 more" in note
    assert read.runs[0].train_errors is not None
    np.testing.assert_allclose(read.runs[0].train_errors[0], TRAIN, atol=1e-12)
    np.testing.assert_allclose(read.runs[0].errors[0], TEST, atol=1e-12)
    np.testing.assert_array_equal(read.runs[0].x, EPOCHS)


def test_tensorboard_event_files(tmp_path: Path):
    from tensorboardX import SummaryWriter

    for name, curve in (("dd", TEST), ("down", FALL)):
        with SummaryWriter(str(tmp_path / name)) as writer:
            for epoch in range(120):
                writer.add_scalar("test/error", curve[epoch], epoch)
                writer.add_scalar("train/error", TRAIN[epoch], epoch)
    assert_both(verdicts(tmp_path), "dd", "down")
    assert all("no epoch column: step is the axis" in note for note in read_curves(tmp_path).notes)
    one = next((tmp_path / "dd").glob("*tfevents*"))
    assert next(iter(verdicts(one).values()))["double_descent"]


def test_tensorboard_of_lightning_has_epochs(tmp_path: Path):
    from pytorch_lightning.loggers import TensorBoardLogger

    logger = TensorBoardLogger(str(tmp_path), name="exp", version=0)
    for epoch in range(120):
        logger.log_metrics({"val_error": TEST[epoch], "epoch": epoch}, step=epoch * 50 + 49)
    logger.finalize("success")
    read = read_curves(tmp_path)
    assert read.axis == "epoch"
    np.testing.assert_array_equal(read.runs[0].x, EPOCHS)
    assert verdicts(tmp_path)["exp/version_0"]["double_descent"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_wandb_history_export(tmp_path: Path, kind: str):
    """`Run.history()` of wandb's public API turns the server's records into the table people save."""
    from wandb.apis.public import Run

    class Served(Run):
        def __init__(self, curve: np.ndarray):  # no server: only what history() needs
            self.curve = curve

        def _full_history(self, samples: int = 500, stream: str = "default"):
            rows: list[dict] = []
            for epoch, error in enumerate(self.curve):
                rows.append({"_step": 2 * epoch, "_timestamp": 1.7e9 + epoch, "train/loss": 1.0})
                rows.append({"_step": 2 * epoch + 1, "_timestamp": 1.7e9 + epoch, "epoch": epoch,
                             "test/accuracy": 100.0 * (1.0 - error)})  # fmt: skip
            return rows

    frame = Served(TEST).history(pandas=True)
    assert isinstance(frame, pd.DataFrame)
    path = tmp_path / f"history.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    found = verdicts(path)["history"]
    assert found["double_descent"] and found["peak"]["error"] == pytest.approx(0.18, abs=0.01)
    (note,) = read_curves(path).notes
    assert "test/accuracy is in percent" in note and "error = 1 - test/accuracy" in note


def test_wandb_chart_export(tmp_path: Path):
    columns: dict[str, object] = {"Step": EPOCHS}
    for name, curve in (("brisk-sun-1", TEST), ("calm-sea-2", FALL)):
        columns |= {f"{name} - test_error": curve, f"{name} - test_error__MIN": curve,
                    f"{name} - test_error__MAX": curve}  # fmt: skip
    assert_both(verdicts(write(tmp_path / "chart.csv", **columns)), "brisk-sun-1", "calm-sea-2")


@pytest.mark.parametrize(
    ("column", "values", "note"),
    [
        ("val_error", TEST, "test error from val_error"),
        ("Test Accuracy", 1 - TEST, "error = 1 - Test Accuracy"),
        ("test_acc", 100 * (1 - TEST), "test_acc is in percent"),
        ("error", 100 * TEST, "error is in percent"),
        ("test_error_pct", TEST, "test_error_pct is in percent"),
    ],
)
def test_columns_are_mapped_and_said(tmp_path: Path, column: str, values: np.ndarray, note: str):
    path = write(tmp_path / "c.csv", epoch=EPOCHS, **{column: values})
    read = read_curves(path)
    assert note in read.notes[0]
    expected = TEST / 100 if column.endswith("pct") else TEST
    np.testing.assert_allclose(read.runs[0].errors[0], expected, atol=1e-12)


def test_missing_values_are_left_out_and_said(tmp_path: Path):
    holes = [None if e % 7 == 3 else "nan" if e % 7 == 5 else float(v) for e, v in enumerate(TEST)]
    path = write(tmp_path / "c.csv", epoch=EPOCHS, test_error=[None if h is None else str(h) for h in holes])
    assert verdicts(path)["c"]["double_descent"]
    assert f"{sum(h is None or h == 'nan' for h in holes)} rows without a value" in run(path).stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "the file is empty"),
        ("epoch,test_error\n", "no rows below the header"),
        ("epoch,test_error\n0,0.5\n", "run c: 1 points; at least 4"),
        ("epoch,test_error\n0,0.5\n1,abc\n2,0.3\n", "test_error: 'abc' in line 3 is not a number"),
        ("epoch,test_error\n0,0.5\n1,inf\n2,0.3\n", "inf in line 3 is not a finite number"),
        ("epoch,test_error\n0,\n1,nan\n", "test_error: not one value in 2 rows"),
        ("epoch,test_error\n0,0.5\n1,-0.2\n2,0.3\n", "test_error: -0.2; allowed are fractions"),
        ("epoch,test_error\n0,1.2\n1,0.9\n2,0.8\n", "largest value 1.2: fraction or percent? Say --unit percent"),
        ("epoch,test_error\n0,250\n1,0.9\n2,0.8\n", "test_error: 250; allowed"),
        ("epoch,loss\n0,0.5\n", "among epoch, loss; for the loss: --metric loss --rule loss"),
        ("time,test_error\n0,0.5\n", "no column epoch or step; there are time, test_error"),
        ("epoch,test_error\n0,0.5\n1,0.4\n1,0.3\n2,0.2\n", "x = 1 appears twice, with errors 0.4 and 0.3"),
        ("epoch,test_error\n-1,0.5\n1,0.4\n", "epoch: -1 in line 2; 0 or more"),
        ("epoch,test_error\n0,0.5\n1,0.4,7\n2,.3\n", "line 3: 3 cells where the header has 2: 1, 0.4, 7"),
    ],
)
def test_bad_files_get_one_line(tmp_path: Path, text: str, line: str):
    path = tmp_path / "c.csv"
    path.write_text(text)
    assert line in refused(path)


@pytest.mark.parametrize(
    "text",
    [
        "a - val_error," + "0.5 " * 2000 + "\n1,2\n",  # the lines of a W&B chart export joined into one
        "test_error," + "x" * 5000 + "\n0.5,1\n",
        "epoch,test_error\n0," + "y" * 5000 + "\n",
        "epoch,error" + "_" * 5000 + "\n0,-1\n1,0.5\n",
    ],
)
def test_long_names_and_values_are_cut(tmp_path: Path, text: str):
    path = tmp_path / "c.csv"
    path.write_text(text)
    assert len(refused(path)) < 600 + len(str(path))


def test_other_bad_input(tmp_path: Path):
    good = write(tmp_path / "c.csv", epoch=EPOCHS, test_error=TEST)
    assert "no such file" in refused(tmp_path / "none.csv")
    assert "metric: no column 'top5'" in refused(good, "--metric", "top5")
    assert "axis: 'time'; allowed are epoch, frozen" in refused(good, "--axis", "time")
    assert "plot:" in refused(good, "--plot", str(tmp_path / "p.nonsense"))
    (tmp_path / "empty").mkdir()
    assert "neither metrics.csv nor tfevents" in refused(tmp_path / "empty")
    (tmp_path / "c.pkl").write_bytes(b"\x80\x04N.")
    assert "turn it into JSON" in refused(tmp_path / "c.pkl")
    (tmp_path / "c.parquet").write_bytes(b"not parquet")
    assert "cannot be read as Parquet" in refused(tmp_path / "c.parquet")


def test_repeated_equal_rows_are_one(tmp_path: Path):
    path = write(tmp_path / "c.csv", epoch=np.r_[EPOCHS, EPOCHS[:5]], test_error=np.r_[TEST, TEST[:5]])
    read = read_curves(path)
    assert "5 repeated rows: the last of each x counts" in read.notes[0] and len(read.runs[0].x) == 120


def test_frozen_axis_and_plot(tmp_path: Path):
    k, error = (
        [0, 3, 6, 8, 9, 10, 11, 12, 13],
        [0.200, 0.209, 0.213, 0.211, 0.227, 0.261, 0.304, 0.261, 0.200],
    )
    seeds = np.array(error) + 0.006 * np.random.default_rng(0).standard_normal((3, 9))
    path = write(tmp_path / "c.csv", seed=np.repeat([0, 1, 2], 9), frozen=np.tile(k, 3), test_error=seeds.ravel())
    result = run(path, "--axis", "frozen", "--json", "--plot", str(tmp_path / "p.png"))
    assert json.loads(result.stdout)[0]["peak"]["epoch"] == 11
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"


def test_table_names_what_was_found(tmp_path: Path):
    result = run(write(tmp_path / "c.csv", epoch=EPOCHS, test_error=TEST))
    assert result.exit_code == 0 and "c" in result.stdout
    with pytest.raises(CurveError):
        read_curves(tmp_path / "none")


def test_columns_of_one_name_are_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_text("epoch,test_error,test_error\n" + "".join(f"{i},.5,.4\n" for i in range(5)))
    line = refused(tmp_path / "a.csv")
    assert "test_error stands more than once in the header; if these are seeds: --seed 'test_error*'" in line
    assert verdicts(tmp_path / "a.csv", "--seed", "test_error*")["a"]["seeds"] == 2
    (tmp_path / "b.csv").write_text("Step,a - Step,b - val_error\n0,1,.5\n1,2,.4\n2,3,.3\n3,4,.3\n")
    result = run(tmp_path / "b.csv", "--json")
    assert [v["run"] for v in json.loads(result.stdout)] == ["b"]  # a has no error: it is named
    assert result.exit_code == 1 and "error: run a: " in result.stderr
    (tmp_path / "c.csv").write_text("Step,b - val_error,b - val_error\n0,1,.5\n1,1,.4\n2,.3,.3\n3,.4,.3\n")
    assert "stands twice" in refused(tmp_path / "c.csv")
