"""JSON, NumPy, Parquet: flat and nested, by run, by seed, by model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.logs.ingest import read_curves
from tests.analysis.logs.curve_files import (
    BY_WIDTH,
    EPOCHS,
    FALL,
    TEST,
    TRAIN,
    WIDTHS,
    assert_both,
    assert_by_width,
    assert_dd,
    refused,
    run,
    said,
    verdict,
    verdicts,
)

E, T, F = EPOCHS.tolist(), TEST.tolist(), FALL.tolist()
ACC = (1 - TEST).tolist()
ROWS = [{"epoch": e, "test_error": t} for e, t in zip(E, T, strict=True)]
ONE: dict[str, Any] = {
    "rows": ROWS,
    "columns": {"epoch": E, "test_error": T},
    "nested rows": [{"epoch": e, "test": {"acc": a}, "train": {"acc": 0.5}} for e, a in zip(E, ACC, strict=True)],
    "Keras history with its settings": {"params": {"epochs": 120}, "history": {"epoch": E, "val_accuracy": ACC}},
    "splits outside": {"epoch": E, "train": {"error": TRAIN.tolist()}, "test": {"error": T}},
    "splits inside": {"epoch": E, "loss": {"train": F, "test": F}, "error": {"train": TRAIN.tolist(), "test": T}},
    "Trainer's state": {
        "best_metric": 0.1,
        "log_history": [r for e, a in zip(E, ACC, strict=True) for r in
                        ({"epoch": e, "loss": 0.1}, {"epoch": e, "eval_accuracy": a})],
    },
    "pairs": {"test_error": [[e, t] for e, t in zip(E, T, strict=True)]},
    "MLflow's answer": {"metrics": [{"key": "test_error", "value": t, "timestamp": 1, "step": int(e)} for e, t in
                                    zip(E, T, strict=True)]},
    "pandas split": json.loads(str(pd.DataFrame({"epoch": E, "test_error": T}).to_json(orient="split"))),
    "pandas columns": json.loads(str(pd.DataFrame({"epoch": E, "test_error": T}).to_json())),
    "a long list beside": {"epoch": E, "test_error": T, "batch_loss": F * 7},
    "one value beside": {"best_test_acc": 0.9, "width": 8, "epoch": E, "val_error": T},
}  # fmt: skip


@pytest.mark.parametrize("kind", ONE)
def test_one_run_in_every_form(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "history"
    path.write_text(json.dumps(ONE[kind]))
    (only,) = read_curves(path).runs
    np.testing.assert_allclose(only.x, EPOCHS)
    np.testing.assert_allclose(only.errors[0], TEST, atol=1e-9)
    assert only.name == "history"
    assert_dd(verdict(path))


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    rows = [
        {"train_loss": 1.0, "test_acc1": 100 * a, "test_acc5": 99.0, "epoch": e} for e, a in zip(E, ACC, strict=True)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert_dd(verdict(path))
    assert "test_acc1 is in percent" in said(path)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows)[:-20])
    assert "JSON lines, but line 120 is not JSON" in refused(path)


@pytest.mark.parametrize(
    "node",
    [
        {"dd": {"epoch": E, "val_acc": ACC}, "down": {"epoch": E, "val_error": F}},
        {"config": {"lr": 0.1}, "runs": [{"name": "dd", "test_error": T}, {"name": "down", "test_error": F}]},
        [{"run": n, "epoch": e, "test_error": y[int(e)]} for n, y in (("dd", T), ("down", F)) for e in E],
        {
            "dd": [{"epoch": e, "test": {"error": T[int(e)]}} for e in E],
            "down": [{"epoch": e, "error": F[int(e)]} for e in E],
        },
    ],
)  # fmt: skip
def test_runs_by_name(tmp_path: Path, node: Any) -> None:
    (tmp_path / "all.json").write_text(json.dumps(node))
    assert_both(verdicts(tmp_path / "all.json"), "dd", "down")


def test_seeds_and_models(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    seeds = {f"seed_{s}": {"test_error": (TEST + 0.001 * s).tolist()} for s in range(3)}
    path.write_text(json.dumps({"resnet": seeds, "vgg": {"seed_0": {"test_error": F}}}))
    found = verdicts(path)
    assert set(found) == {"resnet", "vgg"} and found["resnet"]["seeds"] == 3 and found["resnet"]["p_value"] < 0.05
    models = [{"name": f"m{w}", "width": int(w), "test_error": e} for w, e in zip(WIDTHS, BY_WIDTH, strict=True)]
    for node in (models, {m["name"]: {k: m[k] for k in ("width", "test_error")} for m in models}):
        path.write_text(json.dumps(node))
        assert "for a curve along width: --axis width" in refused(path)
        assert_by_width(verdict(path, "--axis", "width"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": 1}', "JSON without a list of numbers"),
        ('{"a": {"val_acc": [1]}, "a": {"val_acc": [1]}}', "the key a stands twice"),
        ('{"epoch": [1,2', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"val_acc": [[1,2,3,4],[1,2,3,4]]}', "lists in a list"),
        ('{"test_error": [0.1,0.2,0.1,0.3], "val_loss": [1,2]}', ""),
        ('{"test_error": [1e999, 0.2, 0.1, 0.1]}', "inf in row 1 is not a finite number"),
    ],
)
def test_bad_json(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "c.json").write_text(text)
    if line:
        assert line in refused(tmp_path / "c.json")
    else:
        assert run(tmp_path / "c.json").exit_code == 0


def test_numpy_files(tmp_path: Path) -> None:
    np.save(tmp_path / "test_error.npy", TEST)
    assert_dd(verdict(tmp_path / "test_error.npy"))  # the file's name is the column's
    np.save(tmp_path / "y.npy", TEST)
    assert "--metric value --better" in refused(tmp_path / "y.npy")
    seeds = np.stack([TEST, TEST + 0.001, TEST - 0.001])
    np.save(tmp_path / "test_acc.npy", 1 - seeds)
    assert "(3, 120): 2 axes; say what each is, such as --axes seed,epoch" in refused(tmp_path / "test_acc.npy")
    assert verdict(tmp_path / "test_acc.npy", "--axes", "seed,epoch")["seeds"] == 3
    assert len(verdicts(tmp_path / "test_acc.npy", "--axes", "run,epoch")) == 3
    np.savez(tmp_path / "a.npz", epoch=EPOCHS, test_error=TEST, seed=3)
    assert_dd(verdict(tmp_path / "a.npz"))
    grid = BY_WIDTH[:, None] + np.linspace(0.2, 0, 10)
    np.savez(tmp_path / "g.npz", widths=WIDTHS, test_error=grid)
    assert_by_width(verdict(tmp_path / "g.npz", "--axes", "width,epoch", "--axis", "width"))
    np.savez(tmp_path / "h.npz", test_error=grid)
    assert "no array of that name says where its 12 values are" in refused(tmp_path / "h.npz", "--axes", "width,epoch")
    records = np.array(list(zip(EPOCHS, TEST, strict=True)), dtype=[("epoch", float), ("test_error", float)])
    np.save(tmp_path / "r.npy", records)
    assert_dd(verdict(tmp_path / "r.npy"))


class Marked:
    """Writes a file when it is unpickled: what must never happen."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_no_pickle_is_opened(tmp_path: Path) -> None:
    import pickle

    for protocol in range(6):
        (tmp_path / "c.bin").write_bytes(pickle.dumps({"val_acc": ACC, "m": Marked(tmp_path / "ran")}, protocol))
        line = refused(tmp_path / "c.bin")
        assert "turn it into JSON" in line or protocol < 2
    (tmp_path / "c.pkl").write_bytes(pickle.dumps({"val_acc": ACC}, 0))
    assert "turn it into JSON" in refused(tmp_path / "c.pkl")
    np.save(tmp_path / "o.npy", np.array([Marked(tmp_path / "ran")], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "o.npz", a=np.array([Marked(tmp_path / "ran")], dtype=object), allow_pickle=True)
    for name in ("o.npy", "o.npz"):
        assert "(a pickle), which may run code" in refused(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_the_line_that_turns_a_pickle_into_json_works(tmp_path: Path) -> None:
    import pickle
    import re
    import subprocess

    (tmp_path / "h.pkl").write_bytes(pickle.dumps({"val_acc": np.array(ACC, dtype=np.float32).tolist()}))
    found = re.search(r'python -c "(.*)" FILE', refused(tmp_path / "h.pkl"))
    assert found is not None
    subprocess.run([sys.executable, "-c", found[1], "h.pkl"], cwd=tmp_path, check=True)
    assert_dd(verdict(tmp_path / "history.json"))


def test_other_binary_files_say_what_to_do(tmp_path: Path) -> None:
    for head, line in (
        (b"\x89HDF\r\n\x1a\n", "HDF5; save the curves as CSV"),
        (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", "an Excel workbook"),
        (b"PK\x03\x04" + b"\0" * 26 + b"archive/data.pkl", "a checkpoint of PyTorch"),
        (b"\x89PNG\r\n", "a picture"),
        (b"SQLite format 3\0" + b"\0" * 100, "cannot be read as SQLite"),
        (b"\x1f\x8b\x08\x00", "cannot be unpacked as gzip"),
    ):
        (tmp_path / "c.csv").write_bytes(head)
        assert line in refused(tmp_path / "c.csv")
