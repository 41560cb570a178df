"""The command line: exit codes, one line per complaint, and a store that is never written to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.cli import main
from tests.analysis.store_factory import finished, planned, sweep_text, whole

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(sweep_text(epochs=30, frozen="[0, 8, 10, 12, 13]"))
    return path


@pytest.fixture
def store(tmp_path: Path, sweep_file: Path) -> Path:
    whole(tmp_path / "store", sweep_file.read_text())
    return tmp_path / "store"


def _contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_summary_writes_everything_and_leaves_the_store_alone(
    sweep_file: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _contents(store)
    assert main(["summary", str(sweep_file), "--store", str(store), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert _contents(store) == before
    lines = printed.splitlines()
    assert lines[0] == "made-up: 15 runs: 15 done"
    verdict = [line for line in lines if line.startswith("freezing-wise: ")]
    assert len(verdict) == 1
    assert verdict[0].startswith("freezing-wise: double descent (weak), peak at frozen = 10, prominence 0.")
    assert verdict[0].endswith(", n = 3, p <= 0.0002, q <= 0.0002, significant, 3 of 3 seeds agree")
    assert lines[1].startswith("found: double descent along frozen units in resnet14-w4 (weak): test error ")
    assert any(line.split()[:3] == ["12", "2,000", "3"] and "monotone" in line for line in lines)
    files = [Path(line) for line in lines if line.startswith(str(tmp_path / "out"))]
    assert {path.name for path in files} >= {"epochs.parquet", "cells.tex", "verdicts.csv", "report.html"}
    assert all(path.is_file() for path in files)
    assert "\x1b" not in printed


def test_every_axis_that_varies_has_its_verdicts_and_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = sweep_text(epochs=12, frozen="[0, 13]", last_seed=1) + "  target.size: [200, 400, 600, 1000]\n"
    (tmp_path / "sweep.yaml").write_text(text)
    whole(tmp_path / "store", text)
    arguments = [str(tmp_path / "sweep.yaml"), "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    assert main(["summary", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("freezing-wise: no verdict") for line in lines) == 4  # two depths at each size
    along = [line for line in lines if line.startswith("along target.size: ")]
    assert len(along) == 2 and all(", n = 2" in line for line in along)
    drawn = {path.name for path in (tmp_path / "out" / "figures").glob("final_by_*.png")}
    slug = "final_by_target-size_resnet14-w4-transfer.frozen-"
    assert {f"{slug}0.png", f"{slug}13.png"} < drawn and len(drawn) == 6
    page = (tmp_path / "out" / "report.html").read_text()
    assert "peak at target.size" in page and "by target training set (samples)" in page
    assert 'href="figures/final_by_target-size_' in page and 'href="cells.csv"' in page


def test_summary_of_an_unfinished_sweep_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = sweep_text(epochs=10, frozen="[0, 1]", last_seed=1)
    (tmp_path / "sweep.yaml").write_text(text)
    _, runs = planned(text, tmp_path / "store")
    arguments = [str(tmp_path / "sweep.yaml"), "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    assert main(["summary", *arguments]) == 0
    assert "no verdict, 0 of 2 points have a result" in capsys.readouterr().out
    finished(tmp_path / "store", next(iter(runs.values())))
    assert main(["summary", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "4 runs: 1 done, 3 not run yet" in printed
    assert " 1/2 " in printed
    assert "missing from the above: 3 not run yet: resnet14-w4_" in printed


def test_tables_figures_and_report_alone(sweep_file: Path, store: Path, tmp_path: Path, capsys) -> None:
    for command, names in (
        ("tables", {"runs.csv", "cells.tex"}),
        ("figures", {"final_by_frozen_resnet14-w4.pdf", "epochs_by_frozen_resnet14-w4.svg", "gallery.html"}),
    ):
        assert main([command, str(sweep_file), "--store", str(store), "--out", str(tmp_path / "o")]) == 0
        printed = [Path(line) for line in capsys.readouterr().out.splitlines()]
        assert names <= {path.name for path in printed}
        assert all(path.is_file() for path in printed)
    page = tmp_path / "elsewhere" / "page.html"
    assert main(["report", str(sweep_file), "--store", str(store), "--out", str(page)]) == 0
    assert page.read_text().startswith("<!doctype html>")


def test_defaults_are_the_environment_and_results(sweep_file: Path, store: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FROSTLINE_STORE", str(store))
    assert main(["tables", str(sweep_file)]) == 0
    assert (tmp_path / "results" / "made-up" / "cells.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tables", "no-such-sweep"], "no sweep file or catalog name 'no-such-sweep'"),
        (["tables"], "Missing argument 'SWEEP'"),
        (["tabels", "x"], "No such command 'tabels'"),
        (["tables", "{sweep}", "--stor", "x"], "No such option: --stor"),
        (["tables", "{sweep}", "--store", "{tmp}/nowhere"], "nowhere': no such folder"),
        (["summary", "{sweep}", "--store", "{tmp}"], "has no plan of this version"),
        (["tables", "{sweep}", "--store", "{store}", "--out", "{sweep}"], "--out {sweep}: "),
        (["report", "{sweep}", "--store", "{store}", "--out", "{tmp}"], "a folder; a file such as"),
        (["tables", "{bad}", "--store", "{store}"], "unknown key 'axis'; did you mean 'axes'?"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(
    arguments: list[str], message: str, sweep_file: Path, store: Path, tmp_path: Path, capsys
) -> None:
    (tmp_path / "bad.yaml").write_text("name: bad\naxis: {seed: [0]}\n")
    names = {"sweep": sweep_file, "store": store, "tmp": tmp_path, "bad": tmp_path / "bad.yaml"}
    assert main([argument.format(**names) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("error: ")
    assert message.format(**names) in captured.err


def test_damage_is_one_line(sweep_file: Path, store: Path, tmp_path: Path, capsys) -> None:
    next(store.glob("runs/*/*/epochs-*.parquet")).write_bytes(b"PAR1")
    assert main(["summary", str(sweep_file), "--store", str(store), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "frostline verify" in error


def test_as_a_program_without_heavy_imports(sweep_file: Path, store: Path, tmp_path: Path) -> None:
    """In a process of its own: it works, and neither training nor tracking libraries are imported."""
    code = (
        "import sys; from analysis.cli import main; code = main(sys.argv[1:]); "
        "heavy = {'torch', 'pytorch_lightning', 'ray', 'wandb', 'orchestrator', 'tasks', 'architectures'}; "
        "sys.exit(code or sorted(heavy & set(sys.modules)) or 0)"
    )
    arguments = ["summary", str(sweep_file), "--store", str(store), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "freezing-wise: double descent" in done.stdout
