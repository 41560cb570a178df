"""Files of an earlier version of a sweep are removed, or named; formulas and escape sequences are text."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
import pyarrow as pa
import pytest
from rich.console import Console

from analysis.cli import main
from analysis.report.leftovers import LIST
from analysis.report.spreadsheet import as_text
from analysis.report.summary import print_summary
from analysis.report.table_files import csv_bytes
from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from tests.analysis.store_factory import sweep_text, whole

Told = pytest.CaptureFixture[str]


def made(folder: Path, name: str, **changes: str) -> str:
    text = sweep_text(epochs=8, frozen="[0, 1, 2, 3]", last_seed=0)
    for old, new in changes.items():
        text = text.replace(old, new)
    whole(folder / "store", text)
    (folder / name).write_text(text)
    return name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def figures(folder: Path) -> set[str]:
    return {path.name for path in (folder / "results" / "made-up" / "figures").iterdir()}


def test_figures_of_an_earlier_version_are_removed_or_named(folder: Path, capsys: Told) -> None:
    first = made(folder, "first.yaml")
    assert main(["summary", first]) == 0
    before = figures(folder)
    assert before and capsys.readouterr().err == ""
    changed = sorted(before)[0]
    assert "gallery.html" in before
    (folder / "results" / "made-up" / "figures" / changed).write_bytes(b"drawn over")
    second = made(folder, "second.yaml", resnet="vgg", **{"depth: 14": "depth: 11"})
    assert main(["figures", second]) == 0
    told = capsys.readouterr().err
    after = figures(folder)
    assert after & before == {changed, "gallery.html"} and len(after) > 1
    assert "removed, of an earlier version of made-up: " in told
    assert f"left, of an earlier version of made-up and changed since: figures/{changed}\n" in told
    left = {path.name for path in (folder / "results" / "made-up").iterdir()}
    assert left == {"figures", LIST}  # the tables and the page were of the earlier version too
    assert main(["figures", second]) == 0
    assert f"changed since: figures/{changed}\n" in capsys.readouterr().err


def test_nothing_else_is_removed(folder: Path, capsys: Told) -> None:
    """Pages with a name of the user's, another sweep's files, what no list knows."""
    first = made(folder, "first.yaml")
    other = made(folder, "other.yaml", **{"name: made-up": "name: other"})
    assert main(["report", first, "--out", "out/mine.html"]) == 0
    assert main(["figures", other, "--out", "out"]) == 0
    (folder / "out" / "figures" / "final_by_something_old.png").write_bytes(b"?")
    (folder / "out" / "figures" / "notes.png").write_bytes(b"?")
    before = {path.name for path in (folder / "out").rglob("*")}
    capsys.readouterr()
    assert main(["figures", first, "--out", "out"]) == 0
    told = capsys.readouterr().err
    assert told == "left, not of this version of made-up: figures/final_by_something_old.png\n"
    assert {path.name for path in (folder / "out").rglob("*")} == before


def test_a_list_that_names_files_outside_removes_none(folder: Path) -> None:
    first = made(folder, "first.yaml")
    assert main(["figures", first]) == 0
    victim = folder / "report.html"
    victim.write_text("mine")
    entry = '{"sweep": "made-up", "digest": "0", "sha256": "0"}'
    names = ("../../report.html", "figures/../../../report.html", str(victim), "figures/final_by_/../../x.png")
    content = ", ".join(f'"{name}": {entry}' for name in names)
    (folder / "results" / "made-up" / LIST).write_text(f"{{{content}}}")
    assert main(["figures", first]) == 0
    assert victim.read_text() == "mine"
    for damaged in ("", "[]", '{"figures/epochs_by_x.png": 3}', "\x00"):
        (folder / "results" / "made-up" / LIST).write_text(damaged)
        assert main(["figures", first]) == 0


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_what_a_spreadsheet_would_compute_is_text(cell: str) -> None:
    table = pa.table({"name": [cell, "plain"], "number": [-1.5, 2.0]})
    first, *rows = csv_bytes(table).decode().split("\n")
    assert first == "name,number" and f"'{cell}" in "\n".join(rows) and ",-1.5" in "\n".join(rows)
    assert as_text(cell) == f"'{cell}" and as_text("plain") == "plain" and as_text("") == ""


def test_escape_sequences_reach_no_terminal(folder: Path) -> None:
    made(folder, "first.yaml", **{"Test <only> & nothing else.": '"\\e]0;owned\\a\\e[2Jabout"'})
    from sweeps.sweep import read

    tables = collect(read_sweep(read("first.yaml"), folder / "store"))
    out = io.StringIO()
    print_summary(tables, (), (), [Path("a\x1b[31m.csv")], Console(file=out, force_terminal=True, width=80))
    shown = out.getvalue()
    assert "\x1b]0" not in shown and "\x1b[2J" not in shown and "\x1b[31m.csv" not in shown
    assert "\\x1b]0;owned\\x07\\x1b[2Jabout" in shown


def test_a_users_styles_change_no_figure(folder: Path) -> None:
    first = made(folder, "first.yaml")
    assert main(["figures", first, "--out", "plain"]) == 0
    ugly = {"lines.linewidth": 9, "axes.facecolor": "red", "axes.grid": True, "xtick.direction": "in"}
    ugly |= {"savefig.bbox": "tight", "axes.unicode_minus": False, "legend.frameon": True, "image.cmap": "jet"}
    with matplotlib.rc_context(ugly):  # type: ignore[arg-type]
        assert main(["figures", first, "--out", "styled"]) == 0
    for path in (folder / "plain" / "figures").iterdir():
        assert path.read_bytes() == (folder / "styled" / "figures" / path.name).read_bytes(), path.name
