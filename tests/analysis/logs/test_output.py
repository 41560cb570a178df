"""What is printed and written: names as they are, lines that fit, the whole contract."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from analysis.logs.command import score
from tests.analysis.logs.curve_files import EPOCHS, FALL, TEST, refused, run, verdict, write

ROOT = Path(__file__).parents[3]
NAMES = ["a[/b]", "lr[red]0.1", "lr[blue]0.1", "[link=x]y", "a\x1b[31mb", "tab\there", "中文", "=1+1", "\u202eabc"]


def several(path: Path) -> Path:
    parts = [
        pl.DataFrame({"run": name, "epoch": EPOCHS, "test_error": TEST + 0.0001 * i}) for i, name in enumerate(NAMES)
    ]
    pl.concat(parts).write_parquet(path)
    return path


def test_names_are_shown_as_they_are_and_control_characters_as_escapes(tmp_path: Path) -> None:
    result = run(several(tmp_path / "c.parquet"))
    assert result.exit_code == 0
    for name in NAMES[:4] + NAMES[6:8]:
        assert name in result.stdout
    assert "a\\x1b[31mb" in result.stdout and "tab\\there" in result.stdout and "\\u202eabc" in result.stdout
    assert not set("\x1b\t\u202e") & set(result.stdout)
    found = json.loads(run(tmp_path / "c.parquet", "--json").stdout)
    assert [v["run"] for v in found] == NAMES


@pytest.mark.parametrize("width", [40, 80, 160])
def test_it_fits_the_terminal(tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rows = [{"run": f"a-rather-long-name-of-a-run-{r}", "seed": s, "epoch": e, "test_error": y + 0.001 * s}
            for r, curve in enumerate((TEST, FALL)) for s in range(3) for e, y in enumerate(curve)]  # fmt: skip
    pl.DataFrame(rows).write_csv(tmp_path / "c.csv")
    text = run(tmp_path / "c.csv").stdout
    assert max(map(len, text.splitlines())) <= width
    assert (
        "a-rather-long-name-of-a-run-1" in text
        and "double_descent (weak" in text
        and "p 0.0" in text.replace("  ", " ")
    ) or width == 160
    assert "…" not in text


def test_the_whole_contract_is_in_the_json(tmp_path: Path) -> None:
    found = verdict(write(tmp_path / "c.csv", epoch=EPOCHS, test_error=TEST))
    assert {
        "run",
        "shape",
        "strength",
        "first_min",
        "peak",
        "second_min",
        "prominence",
        "p_value",
        "double_descent",
    } <= set(found)
    assert {"strength_interval", "significance", "cause", "converged", "agreement", "seeds", "censored", "note"} <= set(
        found
    )
    assert found["seeds"] == 1 and found["single_seed_significance"] < 0.05 and found["p_value"] is None


FAINT = FALL + 0.95 * (TEST - FALL) + 0.01 * np.random.default_rng(2).standard_normal(len(EPOCHS))


@pytest.mark.parametrize(
    ("curve", "others", "p", "q"), [(TEST, 29, "0.0005", 0.015), (FAINT, 0, "0.016", 0.016), (FAINT, 29, "0.016", 0.48)]
)
def test_a_peak_among_many_runs_is_adjusted_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, curve: np.ndarray, others: int, p: str, q: float
) -> None:
    """A clear peak is called among 30 runs of one seed each, a fainter one alone only."""
    monkeypatch.setenv("COLUMNS", "120")
    parts = [
        pl.DataFrame({"run": f"r{i}", "epoch": EPOCHS, "test_error": y})
        for i, y in enumerate([curve, *[FALL] * others])
    ]
    pl.concat(parts).write_csv(tmp_path / "c.csv")
    (first, *_), rows = json.loads(run(tmp_path / "c.csv", "--json").stdout), run(tmp_path / "c.csv").stdout
    assert (first["shape"], first["single_seed_significance"]) == ("double_descent", float(p))
    assert first["q_value"] == pytest.approx(q) and first["double_descent"] is (q < 0.05)
    assert f"  ({p})  {q:g}" in rows and ("not significant" in rows) is (q > 0.05)
    assert run(tmp_path / "c.csv", "--out", tmp_path / "out.csv").exit_code == 0
    (row, *_) = csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines())
    assert float(row["q_value"]) == pytest.approx(q) and row["double_descent"] == str(q < 0.05)


def test_tables_are_written(tmp_path: Path) -> None:
    path = several(tmp_path / "c.parquet")
    for suffix in ("csv", "parquet", "json", "md"):
        assert run(path, "--out", tmp_path / f"out.{suffix}").exit_code == 0
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert frame["run"].to_list() == NAMES and frame["peak_error"].is_between(0.17, 0.19).all()
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert [r["shape"] for r in rows] == ["double_descent"] * len(NAMES) and rows[0]["run"] == "a[/b]"
    assert [v["run"] for v in json.loads((tmp_path / "out.json").read_text())] == NAMES
    assert (tmp_path / "out.md").read_text().count("\n") == len(NAMES) + 2
    assert "out: x.xls: .xls; allowed are .csv" in refused(path, "--out", "x.xls")
    assert "out: " in refused(path, "--out", str(tmp_path / "none" / "x.csv"))


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_the_picture_says_p_and_the_places(tmp_path: Path, suffix: str) -> None:
    rows = [
        {"run": "a$b_{", "seed": s, "epoch": e, "test_error": y + 0.001 * s}
        for s in range(3)
        for e, y in enumerate(TEST)
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "c.csv")
    result = run(tmp_path / "c.csv", "--plot", tmp_path / f"p.{suffix}")
    assert result.exit_code == 0 and "1 runs drawn" in result.stderr
    data = (tmp_path / f"p.{suffix}").read_bytes()
    assert len(data) > 5000
    if suffix == "png":
        assert data[:4] == b"\x89PNG"


def test_the_title_of_a_panel(tmp_path: Path) -> None:
    from analysis.detector.descent import detect
    from analysis.logs.ingest import Run
    from analysis.logs.plot import title

    errors = np.stack([TEST + 0.001 * s for s in range(3)])
    found = detect(EPOCHS, errors)
    name, shape, places = title(Run("r", EPOCHS, errors, None), replace(found, q_value=0.01)).split("\n")
    assert name == "r" and shape.startswith("double_descent (weak), p = 0.0") and "q = 0.01" in shape
    assert found.peak is not None and f"peak {found.peak.position:.4g}" in places


def test_a_terminal_without_unicode(tmp_path: Path) -> None:
    path = several(tmp_path / "c.parquet")
    done = subprocess.run([sys.executable, "-m", "analysis", "detect", str(path)], cwd=ROOT, capture_output=True,
                          env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin"}, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"\\u4e2d\\u6587" in done.stdout


def test_detect_starts_light(tmp_path: Path) -> None:
    """The slow part of a small file is what is imported: a text file needs none of these."""
    path = write(tmp_path / "c.csv", epoch=EPOCHS, test_error=TEST)
    code = f"import sys; from analysis.cli import main; main(['detect', {str(path)!r}]); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].replace("'", "").strip("[]").split(", "))
    assert not loaded & {"pandas", "polars", "pyarrow", "matplotlib", "scipy.stats", "tensorboard", "torch"}
    assert {"numpy", "analysis.logs.ingest"} <= loaded


@pytest.mark.parametrize("option", ["--seeds", "--seed"])
def test_numbers_below_those_allowed_are_refused_before_anything_is_drawn(option: str) -> None:
    app = typer.Typer()
    app.command()(score)
    result = CliRunner().invoke(app, [option, "0" if option == "--seeds" else "-1", "--cells", "1"])
    assert result.exit_code == 2 and f"Invalid value for '{option}'" in result.stderr
