"""Curves of known shape, and `detect` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import typer
from typer.testing import CliRunner

from analysis.logs.command import detect
from analysis.scoring.known_curve import through

EPOCHS = np.arange(120.0)
TEST = through([0, 4, 14, 50, 119], [0.6, 0.10, 0.18, 0.12, 0.115])(EPOCHS)
TRAIN = through([0, 119], [0.7, 0.0])(EPOCHS)
FALL = 0.1 + 0.4 * np.exp(-EPOCHS / 12)

WIDTHS = np.array([1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 32, 48])
BY_WIDTH = np.array([0.70, 0.52, 0.40, 0.33, 0.36, 0.41, 0.45, 0.42, 0.37, 0.31, 0.28, 0.26])
"""Minimum at 4, peak at 10, end at 48."""

app = typer.Typer()
app.command()(detect)


def run(*arguments: str | Path):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def verdicts(path: Path, *options: str) -> dict[str, dict]:
    result = run(path, "--json", *options)
    assert result.exit_code == 0, result.stderr
    return {v["run"]: v for v in json.loads(result.stdout)}


def verdict(path: Path, *options: str) -> dict:
    (only,) = verdicts(path, *options).values()
    return only


def refused(path: Path, *options: str) -> str:
    result = run(path, *options)
    assert result.exit_code == 2 and result.stdout == "", result.output
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    return result.stderr.strip()


def said(path: Path, *options: str) -> str:
    result = run(path, *options)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def write(path: Path, **columns) -> Path:
    pl.DataFrame(columns, strict=False).write_csv(path)
    return path


def assert_dd(found: dict) -> None:
    assert found["shape"] == "double_descent" and found["strength"] == "weak"
    assert found["peak"]["epoch"] == np.clip(found["peak"]["epoch"], 11, 17.5)
    assert abs(found["peak"]["error"] - 0.18) < 0.01


def assert_both(found: dict[str, dict], dd: str, falls: str) -> None:
    assert_dd(found[dd])
    assert found[falls]["shape"] == "monotone"


def assert_by_width(found: dict) -> None:
    assert found["shape"] == "double_descent" and found["strength"] == "strong"
    places = [found[name]["epoch"] for name in ("first_min", "peak", "second_min")]
    assert places == [4, 10, 48], places
