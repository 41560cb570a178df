"""What MLflow, trackio, TensorBoard and Keras leave on disk.

Files are written by the real library where it is installed; MLflow's, trackio's and Keras's also by hand, as documented
(seen to agree with mlflow 3.17, trackio 0.43 and keras 3.15).
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import pytest

from tests.analysis.logs.curve_files import (
    EPOCHS,
    FALL,
    TEST,
    TRAIN,
    assert_both,
    assert_dd,
    refused,
    said,
    verdict,
    verdicts,
)

CURVES = {"dd": TEST, "down": FALL}


def mlruns(folder: Path) -> Path:
    """https://mlflow.org/docs/latest/self-hosting/architecture/backend-store: the file store."""
    for i, (name, curve) in enumerate(CURVES.items()):
        run = folder / "mlruns" / "123" / f"{i}{'a' * 31}"
        (run / "metrics" / "test").mkdir(parents=True)
        (run / "params").mkdir()
        (run / "params" / "width").write_text("8")
        (run / "meta.yaml").write_text(f"run_id: {run.name}\nrun_name: {name}\nstatus: 3\n")
        lines = [f"{1700000000000 + e} {y!r} {e}\n" for e, y in enumerate(curve.tolist())]
        (run / "metrics" / "test" / "error").write_text("".join(lines))
        (run / "metrics" / "train_loss").write_text("1700000000000 1.0 0\n")
    return folder / "mlruns"


def mlflow_database(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (run_uuid VARCHAR(32), name VARCHAR(250), status VARCHAR(9))")
        connection.execute("CREATE TABLE params (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32))")
        connection.execute("CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, "
                           "run_uuid VARCHAR(32), step BIGINT, is_nan BOOLEAN)")  # fmt: skip
        for uuid, (name, curve) in enumerate(CURVES.items()):
            connection.execute("INSERT INTO runs VALUES (?, ?, 'FINISHED')", (str(uuid), name))
            connection.execute("INSERT INTO params VALUES ('seed', '1', ?)", (str(uuid),))
            rows = [("val_accuracy", 1 - y, e, str(uuid), e, False) for e, y in enumerate(curve.tolist())]
            rows += [("train_error", y, e, str(uuid), e, False) for e, y in enumerate(TRAIN.tolist())]
            connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    return path


def trackio_database(path: Path) -> Path:
    """https://huggingface.co/docs/trackio/storage_schema"""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_id TEXT, timestamp TEXT, run_name TEXT, "
                           "step INTEGER, metrics TEXT)")  # fmt: skip
        connection.execute("CREATE TABLE configs (id INTEGER PRIMARY KEY, run_id TEXT, run_name TEXT, config TEXT)")
        for name, curve in CURVES.items():
            connection.execute("INSERT INTO configs (run_id, run_name, config) VALUES (?, ?, ?)",
                               (f"id-{name}", name, '{"width": 8, "_Username": "me"}'))  # fmt: skip
            for e, y in enumerate(curve.tolist()):
                row = json.dumps({"epoch": e, "test/error": y})
                values = (f"id-{name}", "2026-01-01", name, e, row)
                names = "run_id, timestamp, run_name, step, metrics"
                connection.execute(f"INSERT INTO metrics ({names}) VALUES (?, ?, ?, ?, ?)", values)
    connection.close()
    return path


def test_mlflow_folder_and_database(tmp_path: Path) -> None:
    assert_both(verdicts(mlruns(tmp_path)), "dd", "down")
    assert "MLflow folder" in said(tmp_path / "mlruns")
    assert_both(verdicts(mlflow_database(tmp_path / "mlflow.db")), "dd", "down")
    assert "train error from train_error" in said(tmp_path / "mlflow.db")
    broken = next((tmp_path / "mlruns").rglob("error"))
    broken.write_text("1700000000000 0.5\n")
    assert "`timestamp value step` is allowed" in refused(tmp_path / "mlruns")


def test_deleted_runs_of_mlflow_are_left_out(tmp_path: Path) -> None:
    path = mlflow_database(tmp_path / "mlflow.db")
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE runs ADD COLUMN lifecycle_stage VARCHAR(20) DEFAULT 'active'")
        connection.execute("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name = 'down'")
    connection.close()
    assert set(verdicts(path)) == {"dd"}
    assert "MLflow database (deleted runs left out: 1)" in said(path)
    folder = mlruns(tmp_path)
    first, second = sorted((folder / "123").iterdir())
    with (second / "meta.yaml").open("a") as file:
        file.write("lifecycle_stage: deleted\n")
    (folder / ".trash" / "7").mkdir(parents=True)
    shutil.copytree(first, folder / ".trash" / "7" / ("2" + first.name[1:]))  # of an experiment that was deleted
    assert set(verdicts(folder)) == {"dd"}
    assert "MLflow folder (deleted runs left out: 2)" in said(folder)


def test_trackio_database(tmp_path: Path) -> None:
    assert_both(verdicts(trackio_database(tmp_path / "proj.db")), "dd", "down")
    assert "x = epoch; trackio database" in said(tmp_path / "proj.db")
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE things (a INTEGER)")
    connection.close()
    assert "SQLite with the tables things; those of MLflow and trackio are read" in refused(tmp_path / "other.db")


def test_rows_in_the_write_ahead_log_of_a_database_are_read(tmp_path: Path) -> None:
    """As long as trackio's writer is open; and where that file cannot be read, the old rows are not taken for all."""
    path = trackio_database(tmp_path / "proj.db")
    with sqlite3.connect(path) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE metrics SET run_name = 'renamed' WHERE run_name = 'down'")
        writer.commit()
        assert_both(verdicts(path), "dd", "renamed")
        other = tmp_path / "other"
        other.mkdir()
        (other / "proj.db-shm").symlink_to(tmp_path / "none" / "shm")  # as in a folder that cannot be written
        for name in ("proj.db", "proj.db-wal"):
            (other / name).write_bytes((tmp_path / name).read_bytes())
    writer.close()
    line = refused(other / "proj.db")
    assert "its newest rows are in proj.db-wal: copy both files to a folder of yours" in line


@pytest.mark.skipif(find_spec("mlflow") is None, reason="mlflow is not installed")
def test_mlflow_itself(tmp_path: Path) -> None:
    code = """
import mlflow, sys, json
mlflow.set_tracking_uri(sys.argv[1]); mlflow.set_experiment("e")
for name, curve in json.loads(sys.stdin.read()).items():
    with mlflow.start_run(run_name=name):
        for e, y in enumerate(curve): mlflow.log_metric("test/error", y, step=e)
"""
    curves = json.dumps({name: curve.tolist() for name, curve in CURVES.items()})
    for uri in (f"file://{tmp_path}/mlruns", f"sqlite:///{tmp_path}/mlflow.db"):
        environment = os.environ | {"MLFLOW_ALLOW_FILE_STORE": "true"}
        subprocess.run(
            [sys.executable, "-c", code, uri], input=curves, text=True, check=True, env=environment, cwd=tmp_path
        )
    assert_both(verdicts(tmp_path / "mlruns"), "dd", "down")
    assert_both(verdicts(tmp_path / "mlflow.db"), "dd", "down")


@pytest.mark.skipif(find_spec("trackio") is None, reason="trackio is not installed")
def test_trackio_itself(tmp_path: Path) -> None:
    code = """
import trackio, sys, json
for name, curve in json.loads(sys.stdin.read()).items():
    trackio.init(project="p", name=name)
    for e, y in enumerate(curve): trackio.log({"epoch": e, "test/error": y})
    trackio.finish()
"""
    curves = json.dumps({name: curve.tolist() for name, curve in CURVES.items()})
    subprocess.run(
        [sys.executable, "-c", code],
        input=curves,
        text=True,
        check=True,
        env=os.environ | {"TRACKIO_DIR": str(tmp_path)},
    )
    assert_both(verdicts(tmp_path / "p.db"), "dd", "down")


@pytest.mark.parametrize("separator", [",", ";"])
def test_keras_csv_logger_and_history(tmp_path: Path, separator: str) -> None:
    """CSVLogger writes epoch first, then the names in order; History.history is a dict of lists without epochs."""
    head = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
    rows = [[e, 1 - TRAIN[e], 0.5, 1 - TEST[e], 0.6] for e in range(len(EPOCHS))]
    (tmp_path / "log.csv").write_text("\n".join(separator.join(map(str, row)) for row in [head, *rows]))
    assert_dd(verdict(tmp_path / "log.csv"))
    assert "test error from val_accuracy" in said(tmp_path / "log.csv") and "train error from accuracy" in said(
        tmp_path / "log.csv"
    )
    history = {name: [row[i] for row in rows] for i, name in enumerate(head) if i}
    (tmp_path / "history.json").write_text(json.dumps(history))
    assert_dd(verdict(tmp_path / "history.json"))
    assert "no epochs given: rows are counted from 1" in said(tmp_path / "history.json")


def test_keras_tensorboard_folders_and_tensors(tmp_path: Path) -> None:
    """Keras writes logs/train and logs/validation, and scalars as tensors (TensorFlow 2)."""
    from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    of: Any = summary_pb2
    for split, curve in (("train", 1 - TRAIN), ("validation", 1 - TEST)):
        writer = EventFileWriter(str(tmp_path / "logs" / split))
        for e, y in enumerate(curve.tolist()):
            metadata = of.SummaryMetadata(plugin_data=of.SummaryMetadata.PluginData(plugin_name="scalars"))
            tensor = cast(Any, tensor_pb2).TensorProto(dtype=1, float_val=[y])  # 1: float32
            value = of.Summary.Value(tag="epoch_accuracy", metadata=metadata, tensor=tensor)
            writer.add_event(cast(Any, event_pb2).Event(step=e, summary=of.Summary(value=[value])))
        writer.close()
    assert_dd(verdict(tmp_path / "logs"))
    assert "test error from validation/epoch_accuracy" in said(tmp_path / "logs")
    assert "train error from train/epoch_accuracy" in said(tmp_path / "logs")
