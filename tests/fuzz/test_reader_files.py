"""Files of curves nobody would write: `detect` gives verdicts or one line and exit code 2, no traceback and no hang.

Each goes through the command line as a user's would. FROSTLINE_FUZZ_EXAMPLES sets how many there are: 300 by default,
from a fixed seed; 2000 in the long form, new ones each time. Files that are only written in another style must be read
as what they say. No run is dropped in silence: each whose name is left in a file is judged or named.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import shutil
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboardX import SummaryWriter

from analysis.cli import main
from analysis.detector.descent import detect
from analysis.scoring.known_curve import through
from tests.fuzz.time_limit import time_limit

KINDS = (
    *("long CSV", "long text", "Lightning folder", "TensorBoard file", "W&B CSV", "W&B Parquet", "JSON lines"),
    *("nested JSON", "NumPy array", "NumPy archive", "trackio database", "messages", "width grid", "run table"),
)
EXAMPLES = int(os.environ.get("FROSTLINE_FUZZ_EXAMPLES", "300"))
SECONDS_PER_FILE = 20
"""A hang and not a slow machine: a file takes milliseconds."""

FUZZ = settings(
    max_examples=-(-EXAMPLES // (len(KINDS) + 1)),  # of each kind
    deadline=None,
    derandomize=EXAMPLES <= 300,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

EPOCHS = np.arange(60.0)
_SHAPES = {
    "double_descent": through([0, 4, 12, 40, 59], [0.6, 0.1, 0.2, 0.12, 0.115])(EPOCHS),
    "monotone": 0.1 + 0.4 * np.exp(-EPOCHS / 6),
}
CURVES = {f"{shape}-{i}": curve for i in (1, 2) for shape, curve in _SHAPES.items()}
"""Named by their shape."""

TOKENS = [
    "",
    "nan",
    "inf",
    "-1",
    "1e400",
    "12,5",
    "text",
    "0x10",
    "1_0",
    "\x00",
    "é",
    '"',
    ",",
    "\n",
    "\r",
    ";",
    "\t",
    " ",
]
TOKENS += [
    "epoch",
    "test_error",
    "100",
    "1.2",
    "9" * 400,
    "-0.0",
    "1e-320",
    "True",
    "null",
    "2026-01-01",
    "=1+1",
    "\ufeff",
]


def table(run: str) -> pl.DataFrame:
    noise = 0.001 * np.random.default_rng(0).standard_normal((len(CURVES), 2, len(EPOCHS)))
    parts = [
        pl.DataFrame(
            {run: name, "seed": s, "epoch": EPOCHS, "test_error": y + noise[k, s], "train_error": 0.5 - EPOCHS / 200}
        )
        for k, (name, y) in enumerate(CURVES.items())
        for s in range(2)
    ]
    return pl.concat(parts)


def csv_bytes(frame: pl.DataFrame) -> bytes:
    return frame.write_csv().encode()


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def event_bytes(folder: Path) -> bytes:
    with SummaryWriter(str(folder)) as writer:
        for epoch, error in enumerate(_SHAPES["double_descent"]):
            writer.add_scalar("test/error", error, epoch)
    (file,) = folder.glob("*tfevents*")
    return file.read_bytes()


# Valid files in other styles, which must be read rightly.


@st.composite
def restyled(draw: st.DrawFn) -> tuple[str, bytes]:
    """The table with other names, units, order of rows and columns, and as another kind of file."""
    frame = table(draw(st.sampled_from(["run", "Run ID", "experiment", "name"])))
    accuracy, percent = draw(st.booleans()), draw(st.booleans())
    name = draw(st.sampled_from(["test_{}", "val {}", "Valid/{}", "{}_test", "test_{}_epoch"]))
    values = pl.col("test_error")
    values = (1.0 - values if accuracy else values) * (100.0 if percent else 1.0)
    name = name.format("acc" if accuracy else "error")
    frame = frame.select(pl.exclude("test_error"), values.alias(name))
    frame = frame.select(draw(st.permutations(frame.columns)))
    frame = frame.sample(fraction=1.0, shuffle=True, seed=draw(st.integers(0, 9)))
    if draw(st.booleans()):
        return "curves.parquet", parquet_bytes(frame)
    return "curves.csv", csv_bytes(frame)


# Bytes that are wrong somewhere.


@st.composite
def spoilt_bytes(draw: st.DrawFn, valid: bytes) -> bytes:
    """Bytes changed, cut off, repeated or put in."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        how = draw(st.sampled_from(["flip", "cut", "drop", "double", "insert"]))
        size = draw(st.sampled_from([1, 2, 8, 100]))
        if how == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del data[at:]
        elif how == "drop":
            del data[at : at + size]
        elif how == "double":
            data[at:at] = data[at : at + size]
        else:
            data[at:at] = draw(st.binary(max_size=12))
    return bytes(data)


@st.composite
def spoilt_cells(draw: st.DrawFn, valid: bytes, separator: str) -> bytes:
    """A text table with cells replaced, lines dropped, doubled or swapped."""
    lines = [line.split(separator) for line in valid.decode().splitlines()]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(lines) - 1) | st.just(0))
        how = draw(st.sampled_from(["cell", "cell", "drop", "double", "swap", "rest"]))
        if how == "cell":
            column = draw(st.integers(0, max(0, len(lines[row]) - 1)))
            lines[row][column : column + 1] = [draw(st.sampled_from(TOKENS) | st.text(max_size=6))]
        elif how == "drop" and len(lines) > 1:
            del lines[row]
        elif how == "double":
            lines.insert(row, list(lines[draw(st.integers(0, len(lines) - 1))]))
        elif how == "swap":
            lines[row].reverse()
        else:
            del lines[row + 1 :]
    return "\n".join(separator.join(line) for line in lines).encode("utf-8", "surrogatepass")


Answer = tuple[list[dict[str, Any]] | None, str]


def answer(path: Path, *options: str) -> Answer:
    """The verdicts on a file or folder, None where it is refused, and what was said; an AssertionError if neither."""
    out, err = io.StringIO(), io.StringIO()
    with time_limit(SECONDS_PER_FILE), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["detect", str(path), "--json", *options])
    said = err.getvalue()
    if code in (0, 1):
        found = json.loads(out.getvalue(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
        assert found
        assert (code == 1) == any(line.startswith("error: ") for line in said.splitlines())
        for verdict in found:
            points = [verdict[name] for name in ("first_min", "peak", "second_min") if verdict[name] is not None]
            assert all(0 <= p["epoch"] < math.inf and -1e-9 <= p["error"] <= 1 + 1e-9 for p in points), verdict
        return found, said
    assert code == 2
    assert out.getvalue() == ""
    assert said.startswith("error: ")
    assert said.count("\n") == 1 and 10 < len(said) < 2000, said
    return None, said


def assert_no_run_is_dropped(data: bytes, kind: str, found: list[dict[str, Any]] | None, said: str) -> None:
    """Runs in = runs out + runs named as refused: by the names that are still in the file."""
    if found is None or kind not in NAMED:
        return
    text = data.decode("utf-8", "replace")
    told = "\n".join([*(verdict["run"] for verdict in found), said])
    there = [name for name in CURVES if name in text]
    if len(there) == len(found) == 1:
        return  # one in, one out: where the column of names was spoilt, it has the file's name
    for name in there:
        assert name in told, (name, told)


def folder_of(kind: str, data: bytes, root: Path) -> Path:
    """Where the bytes stand as the kind of log says; nothing else is beside them."""
    shutil.rmtree(root / "fuzzed", ignore_errors=True)
    names = {
        "Lightning folder": "exp/version_0/metrics.csv",
        "TensorBoard file": "events.out.tfevents.1700000000.host",
        "NumPy array": "test_error.npy",
    }
    file = root / "fuzzed" / names.get(kind, "curves")
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    return root / "fuzzed" if kind == "Lightning folder" else file


NAMED = {"long CSV", "long text", "W&B CSV", "JSON lines", "nested JSON"}
"""Kinds of several runs whose bytes hold their names as text."""
OPTIONS = {
    "NumPy array": ("--axes", "seed,epoch"),
    "width grid": ("--axis", "width"),
    "run table": ("--axis", "width"),
}
TEXT = {
    "long CSV": ",",
    "long text": "\t",
    "Lightning folder": ",",
    "W&B CSV": ",",
    "width grid": ",",
    "run table": ",",
}


def numpy_bytes(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    if len(arrays) > 1:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    else:
        (only,) = arrays.values()
        np.save(file, only)
    return file.getvalue()


def database_bytes(file: Path) -> bytes:
    file.unlink(missing_ok=True)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA page_size = 512")
    connection.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_name TEXT, step INTEGER, metrics TEXT)")
    for name, curve in CURVES.items():
        rows = [(name, step, json.dumps({"test/error": y})) for step, y in enumerate(curve.tolist())]
        connection.executemany("INSERT INTO metrics (run_name, step, metrics) VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return file.read_bytes()


def valid_bytes(kind: str, folder: Path) -> bytes:
    long = table("run")
    one = _SHAPES["double_descent"]
    if kind == "TensorBoard file":
        return event_bytes(folder / "valid")
    if kind == "Lightning folder":
        first = long.filter((pl.col("run") == "double_descent-1") & (pl.col("seed") == 0))
        return csv_bytes(first.select("epoch", step=10 * pl.col("epoch"), val_acc=1 - pl.col("test_error")))
    if kind == "W&B CSV":
        wide = {f"{name} - val_error": curve for name, curve in CURVES.items()}
        return csv_bytes(pl.DataFrame({"Step": EPOCHS, **wide}))
    if kind == "W&B Parquet":
        return parquet_bytes(long.rename({"epoch": "_step"}))
    if kind == "long text":
        return ("# a banner\n\n" + long.write_csv(separator="\t")).encode()
    if kind == "JSON lines":
        return "".join(json.dumps(row) + "\n" for row in long.iter_rows(named=True)).encode()
    if kind == "nested JSON":
        histories = {name: {"history": {"val_accuracy": (1 - curve).tolist()}} for name, curve in CURVES.items()}
        return json.dumps({"lr": 0.1, "runs": histories}, indent=1).encode()
    if kind == "NumPy array":
        return numpy_bytes(test_error=np.stack([one, one + 0.001]))
    if kind == "NumPy archive":
        return numpy_bytes(epoch=EPOCHS, test_error=one)
    if kind == "trackio database":
        return database_bytes(folder / "valid.db")
    if kind == "messages":
        return "".join(f"Epoch {e}/60 - loss: 0.5 - val_acc: {1 - y:.4f}\n" for e, y in enumerate(one)).encode()
    if kind in ("width grid", "run table"):
        rows = [
            {"width": 2 * w, "epoch": e, "test_error": 0.3 * np.exp(-e) + y}
            for w, y in enumerate(one[:15])
            for e in range(5)
        ]
        grid = pl.DataFrame(rows)
        last = grid.filter(pl.col("epoch") == 4).drop("epoch").with_columns(Name=pl.format("net-{}", pl.col("width")))
        return csv_bytes(grid if kind == "width grid" else last)
    return csv_bytes(long)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fuzzed_log_is_judged_or_refused(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    valid = valid_bytes(kind, tmp_path)
    options = OPTIONS.get(kind, ())
    found, said = answer(folder_of(kind, valid, tmp_path), *options)
    assert found, "the file before it was spoilt"
    assert len(found) == (len(CURVES) if kind in NAMED or kind in ("W&B Parquet", "trackio database") else 1)
    assert_no_run_is_dropped(valid, kind, found, said)
    counts: Counter[bool] = Counter()
    cells = spoilt_cells(valid, TEXT[kind]) if kind in TEXT else st.nothing()

    @FUZZ
    @given(cells | spoilt_bytes(valid) | st.binary(max_size=40))
    def fuzz(data: bytes) -> None:
        found, said = answer(folder_of(kind, data, tmp_path), *options)
        counts[found is None] += 1
        assert_no_run_is_dropped(data, kind, found, said)

    fuzz()
    with capsys.disabled():
        print(f"\n{kind}: {counts[False]} judged, {counts[True]} refused")
    assert counts[True] >= 0.1 * counts.total()
    if kind in TEXT or (kind != "NumPy archive" and counts.total() >= 100):  # few spoilt binary files can be read,
        assert counts[False] >= 0.02 * counts.total()  # and of an archive none, whose members have checksums


def test_a_log_in_another_style_is_read_as_what_it_says(tmp_path: Path) -> None:
    expected = {}
    for name, part in table("run").group_by("run"):
        errors = part.sort("seed", "epoch")["test_error"].to_numpy().reshape(2, -1)
        expected[name[0]] = detect(EPOCHS, errors)
    assert {name: verdict.shape for name, verdict in expected.items()} == {name: name[:-2] for name in CURVES}

    @FUZZ
    @given(restyled())
    def fuzz(file: tuple[str, bytes]) -> None:
        (tmp_path / file[0]).write_bytes(file[1])
        found, _ = answer(tmp_path / file[0])
        assert found is not None and {verdict["run"] for verdict in found} == set(CURVES)
        for verdict in found:
            true = expected[verdict["run"]]
            assert (verdict["shape"], verdict["strength"]) == (true.shape, true.strength)
            if true.peak is not None:
                assert verdict["peak"]["epoch"] == pytest.approx(true.peak.position, rel=1e-6)
                assert verdict["peak"]["error"] == pytest.approx(true.peak.error, rel=1e-6)

    fuzz()
