"""LaTeX and Markdown for papers: every number is that of the frame, and a page with margins of one inch holds it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import frostline as fl
from analysis.cli import main
from analysis.loaded import LoadedSweep
from analysis.report.papers.cells import cells_latex, row_axis
from analysis.report.papers.latex import MOST_ROWS, NEEDS, InputError, escaped, numbers, table, words
from analysis.report.papers.markdown import HEAD, verdicts_markdown
from analysis.report.papers.verdicts import verdicts_latex
from analysis.report.papers.words import p_value, verdict
from analysis.report.strength import SIZES_READ
from sweeps.sweep import parse
from tests.analysis.store_factory import sweep_text, whole

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
MANY = sweep_text(epochs=12, last_seed=1).replace(
    "axes:",
    """axes:
  source.task: ["glyphs[A-Z]", "signal_noise[0-4](universal=4)"]
  target.size: [200, 400, 600, 1000]""",
)
"""112 cells: 14 depths of 8 groups, whose names are long."""
INSTALL = "apt-get install texlive-latex-recommended texlive-science"
LONG = os.environ.get("FROSTLINE_MATRIX") == "full"


@pytest.fixture(scope="module")
def golden() -> LoadedSweep:
    return fl.load(GOLDEN / "sweep.yaml", GOLDEN / "store")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> LoadedSweep:
    store = tmp_path_factory.mktemp("many")
    return fl.load(whole(store, MANY), store)


def rows_of(text: str) -> list[list[str]]:
    """The cells of every row of a table, its heads and headings aside."""
    body = text.partition(r"\midrule")[2]
    lines = [line.removesuffix(r" \\") for line in body.splitlines() if line.endswith(r" \\")]
    return [line.split(" & ") for line in lines if not line.startswith((r"\multicolumn", "{"))]


def test_every_number_is_that_of_the_frame(golden: LoadedSweep) -> None:
    text = cells_latex(golden.cells, "golden")
    rows = rows_of(text)
    assert [row[0] for row in rows] == ["0", "3", "10", "11", "12", "13"]
    for row, cell in zip(rows, golden.cells.to_dict("records"), strict=True):
        test, span, train, shape, peak, prominence, p = row[1:]
        assert re.sub(r"\{\\bfseries ([^}]*)\}", r"\1", test) == f"{100 * cell['final_test_error']:.1f}"
        low, high = (100 * cell[f"final_test_error_{end}"] for end in ("low", "high"))
        assert span == f"[{low:.1f}, {high:.1f}]" and train == f"{100 * cell['final_train_error']:.1f}"
        assert (peak == "{--}") == pd.isna(cell["peak_epoch"]) and (prominence == "{--}") == pd.isna(cell["prominence"])
        assert shape.startswith("DD") == (cell["shape"] == "double_descent") and p.startswith("$")
    assert sum(r"\bfseries" in row[1] for row in rows) == 1 and r"{\bfseries 22.5}" in text
    assert "$n = 3$ seeds" in text and r"\label{tab:golden-cells}" in text and r"\begin{table}" in text


def test_groups_and_the_best_of_each_and_a_longtable_over_pages(many: LoadedSweep) -> None:
    text = cells_latex(many.cells, "made-up")
    assert len(many.cells) == 112 and len(rows_of(text)) == 112 > MOST_ROWS
    assert r"\begin{longtable}" in text and r"\endhead" in text and r"\begin{table}" not in text
    assert text.count(r"\bfseries") == text.count(r"\emph{resnet14-w4, ") == 8  # none of the groups has a tie
    assert row_axis(many.cells) == "transfer.frozen"


def test_columns_are_chosen_by_name(golden: LoadedSweep) -> None:
    text = cells_latex(golden.cells, "golden", ["n_interpolating", "verdict", "q_value", "target.task"])
    assert r"{frozen} & {$\leq 5$\,\%} & over epochs & $q$ & target.task \\" in text
    assert [row[1] for row in rows_of(text)] == [f"{n}" for n in golden.cells["n_interpolating"]]
    assert rows_of(text)[0][-1] == "digits" and "bold" not in text
    with pytest.raises(InputError, match="did you mean 'peak_epoch'"):
        cells_latex(golden.cells, "golden", ["peak_epok"])
    with pytest.raises(InputError, match="40 columns are wider than a page"):
        cells_latex(golden.cells, "golden", list(golden.cells.columns[:39]))


def test_p_values_stop_where_the_test_does() -> None:
    assert p_value(0.0005, True) == r"$\leq .0005$" and p_value(0.0002, False) == r"$\leq .0002$"
    assert (p_value(0.003, True), p_value(1.0, True), p_value(float("nan"), True)) == ("$.003$", "$1$", "--")
    assert verdict("double_descent", "weak", "significant", True) == "DD, weak"
    assert verdict("double_descent", "weak", "not_significant", False) == "DD, n.s."
    assert verdict("double_descent", "weak", "significant", False) == "co-adaptation"
    assert verdict("double_descent", "undecided", "significant", True) == "DD, undecided"
    assert (verdict("u_shaped", None, None, None), verdict(None, None, None, None)) == ("U-shaped", "--")


def test_decimals_stand_under_each_other_in_bold_too() -> None:
    column = numbers("x", ["9.5", "12.5", "-1.25", "--"], bold=[0])
    assert column.spec == "S[table-format=-2.2]"
    assert column.texts == [r"{\bfseries \phantom{0}9.5}", "12.5", "-1.25", "{--}"]
    assert numbers("x", ["--"]).spec == "c"
    narrow = table([words("a", ["b"])], [], "c", "d")
    wide = table([words("a", ["b" * 92])], [], "c", "d")
    assert r"\normalsize" in narrow and r"\small" in wide
    with pytest.raises(InputError, match="wider than a page"):
        table([words("a", ["b" * 200])], [], "c", "d")


def test_markdown_has_every_verdict(golden: LoadedSweep) -> None:
    lines = verdicts_markdown(golden.verdicts).splitlines()
    cells = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in lines]
    assert cells[0] == list(HEAD) and {len(row) for row in cells} == {len(HEAD)}
    assert len(cells) == 2 + len(golden.verdicts)
    told = dict(zip(HEAD, cells[2], strict=True))
    assert told["group"] == "resnet14-w8" and told["verdict"] == "double descent (strength undecided, significant)"
    assert told["peak"].startswith("31.5 % at 11 [") and told["interpolation is lost between"] == "11 and 12"


def test_along_set_sizes_it_is_said_which_minimum_is_lower(golden: LoadedSweep, many: LoadedSweep) -> None:
    frame = golden.verdicts.assign(axis="target.size", strength="strong")
    told = verdicts_markdown(frame).splitlines()[2]
    assert "| double descent (second minimum, at more samples, below the first, significant) |" in told
    assert SIZES_READ in verdicts_latex(many.axis_verdicts, "many")
    assert SIZES_READ not in verdicts_latex(golden.axis_verdicts, "golden")


def values(column: Any) -> list[object]:
    """The values of a column of a frame, None where one is missing, whatever its dtype."""
    return [None if pd.isna(value) else value for value in column.astype(object)]


def test_files_are_the_frames_of_load(tmp_path: Path, golden: LoadedSweep, capsys: pytest.CaptureFixture[str]) -> None:
    """Parquet and CSV of all four tables; a file leaves out what is empty in all rows, as docs/tables.md says."""
    sweep, store = str(GOLDEN / "sweep.yaml"), str(GOLDEN / "store")
    assert main(["tables", sweep, "--store", store, "--out", str(tmp_path)]) == 0
    listed = {Path(line).name for line in capsys.readouterr().out.splitlines()}
    for name in ("epochs", "runs", "cells", "verdicts"):
        frame = getattr(golden, name)
        stored, text = pd.read_parquet(tmp_path / f"{name}.parquet"), pd.read_csv(tmp_path / f"{name}.csv")
        assert list(stored.columns) == list(text.columns) == [column for column in frame.columns if column in stored]
        assert all(frame[column].isna().all() for column in set(frame.columns) - set(stored.columns))
        for column in stored.columns:
            expected = values(frame[column])
            assert values(stored[column]) == expected and values(text[column]) == expected, f"{name}: {column}"
        assert {f"{name}.parquet", f"{name}.csv"} <= listed
    assert {"cells.tex", "verdicts.tex", "verdicts.md"} <= listed


def test_epochs_carry_the_fields_that_are_asked_for(tmp_path: Path, golden: LoadedSweep) -> None:
    arguments = ["tables", str(GOLDEN / "sweep.yaml"), "--store", str(GOLDEN / "store"), "--out", str(tmp_path)]
    assert main([*arguments, "--with", "transfer.frozen, seed,source.task"]) == 0
    carried = pd.read_parquet(tmp_path / "epochs.parquet")
    assert list(carried.columns)[:4] == ["run_id", "transfer.frozen", "seed", "source.task"]
    runs = golden.runs.set_index("run_id")
    for name in ("transfer.frozen", "seed", "source.task"):
        expected = runs[name].reindex(carried["run_id"]).to_numpy()
        assert (carried[name].to_numpy() == expected).all()
    plain = carried.drop(columns=["transfer.frozen", "seed", "source.task"])
    pd.testing.assert_frame_equal(plain, golden.epochs, check_dtype=False)
    text = pd.read_csv(tmp_path / "epochs.csv")
    assert list(text.columns) == list(carried.columns) and len(text) == len(carried)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--with", "transfer.frosen"], "--with 'transfer.frosen': no field of a run; did you mean 'transfer.frozen'?"),
        (["--columns", "test_error"], "--columns 'test_error': no column of the table cells; did you mean "),
    ],
)
def test_a_name_that_is_none_is_one_line(
    tmp_path: Path, option: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["tables", str(GOLDEN / "sweep.yaml"), "--store", str(GOLDEN / "store"), "--out", str(tmp_path / "out")]
    assert main([*arguments, *option]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and said in told.err
    assert not (tmp_path / "out").exists()


def test_a_table_without_a_result_is_a_table(tmp_path: Path) -> None:
    from tests.analysis.store_factory import planned

    text = sweep_text(epochs=4, frozen="[0, 1]", last_seed=0)
    planned(text, tmp_path)
    sweep = fl.load(parse(text), tmp_path)
    made = cells_latex(sweep.cells, "made-up")
    assert rows_of(made) == [[frozen, "--", "", *["--"] * 5] for frozen in ("0", "1")]
    assert "no run is done" in made and "resnet14" in verdicts_latex(sweep.axis_verdicts, "made-up")


def pdflatex(folder: Path, margins: str = "1in") -> list[str]:
    """Compiles what is in the folder; its complaints about lines that are too wide."""
    odd = escaped("\\ { } $ & # % _ ~ ^ < > | \" [a] \u00e9 \u2264 \t -- '")
    packages = "\n".join(re.findall(r"\\usepackage(?:\[\w+\])?\{[\w,]+\}", NEEDS))
    (folder / "main.tex").write_text(
        rf"\documentclass{{article}}\usepackage[margin={margins}]{{geometry}}{packages}"
        rf"\begin{{document}}\input{{cells}}\input{{verdicts}}{odd}\end{{document}}",
        encoding="utf-8",
    )
    arguments = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "main.tex"]
    for _ in range(2):  # a longtable knows its widths the second time
        done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False, errors="replace")
        assert done.returncode == 0, done.stdout[-2000:]
    return re.findall(r"Overfull \\hbox[^\n]*", (folder / "main.log").read_text(errors="replace"))


@pytest.mark.skipif(shutil.which("pdflatex") is None and not LONG, reason=f"needs pdflatex and siunitx: {INSTALL}")
@pytest.mark.parametrize("which", ["golden", "many", "wide"])
def test_it_compiles_and_no_line_is_wider_than_the_page(which: str, tmp_path: Path, request) -> None:
    sweep: LoadedSweep = request.getfixturevalue("golden" if which == "wide" else which)
    columns = ["n_done", "final_test_error", "n_interpolating", "verdict", "peak_epoch", "peak_error", "prominence"]
    columns = [*columns, "p_value", "q_value", "agreement"] if which == "wide" else []
    (tmp_path / "cells.tex").write_text(cells_latex(sweep.cells, sweep.name, columns))
    (tmp_path / "verdicts.tex").write_text(verdicts_latex(sweep.axis_verdicts, sweep.name))
    assert pdflatex(tmp_path) == []


@pytest.mark.skipif(shutil.which("pdflatex") is None and not LONG, reason=f"needs pdflatex and siunitx: {INSTALL}")
def test_a_line_that_is_too_wide_is_found(tmp_path: Path, golden: LoadedSweep) -> None:
    (tmp_path / "cells.tex").write_text(cells_latex(golden.cells, "golden"))
    (tmp_path / "verdicts.tex").write_text("")
    assert pdflatex(tmp_path, margins="2.6in") != []
