"""Bad input at the command line: one line on standard error, exit code 2, nothing launched, no store left behind."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from orchestrator import launch
from orchestrator.cli import main
from sweeps.sweep import LARGEST_FILE, overlay

ROOT = Path(__file__).parents[2]

SWEEP: dict[str, Any] = {
    "name": "letters",
    "base": {
        "source": {"task": "glyphs[A-D]", "size": 40, "epochs": 1},
        "target": {"task": "digits", "size": 60},
        "model": {"family": "resnet", "depth": 8, "width": 4},
        "train": {"epochs": 1},
    },
    "axes": {"transfer.frozen": [0, 3], "seed": "0..1"},
}


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def nothing_is_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)

    def launched(*_: Any) -> int:
        raise AssertionError("launched")

    monkeypatch.setattr(launch, "launch", launched)


def command(*arguments: object) -> Outcome:
    """A command in this process: torch is imported once for all of these tests."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Outcome(code, out.getvalue(), err.getvalue())


def process(*arguments: object) -> Outcome:
    """A command in a process of its own, as a user starts it."""
    line = [sys.executable, "-m", "orchestrator", *map(str, arguments)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def assert_refused(outcome: Outcome, said: str) -> None:
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1 and outcome.err.endswith("\n")
    assert "Traceback" not in outcome.err
    assert said in outcome.err


def written(folder: Path, **changes: Any) -> Path:
    file = folder / "letters.yaml"
    file.write_text(yaml.safe_dump(overlay(SWEEP, changes)))
    return file


def base(**changes: Any) -> dict[str, Any]:
    return {"base": changes}


WRONG_SWEEPS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"basis": {}}, "unknown key 'basis'; did you mean 'base'?"),
    "unknown field": (base(target={"sise": 5}), "unknown key 'target.sise'; did you mean 'size'?"),
    "unknown axis": ({"axes": {"transfer.frosen": [1]}}, "'transfer.frosen'; did you mean 'transfer.frozen'?"),
    "wrong type": (base(target={"size": "many"}), "target.size = 'many': expected a number"),
    "frozen beyond the ladder": ({"axes": {"transfer.frozen": [0, 8]}}, "frozen"),
    "subset larger than the task": (base(target={"size": 1208}), "target.size 1208: digits allows 2 to 1207"),
    "too many samples to render": (base(source={"size": 10**7}), "source.size 10000000: glyphs[A-D] allows 2 to"),
    "unknown task": (base(target={"task": "digit"}), "'digit' is no known task; did you mean 'digits'?"),
    "unknown class": (base(source={"task": "glyphs[Ä]"}), "source.task: 'glyphs[Ä]'"),
    "source and target meet": (
        base(source={"task": "digits", "size": 1000}, target={"size": 1000}),
        "with this target, source.size may be at most 158",
    ),
    "unknown family": (
        base(model={"family": "resnext"}),
        "model.family = 'resnext': allowed: 'resnet', 'preact_resnet'",
    ),
    "no such depth": (base(model={"depth": 9}), "depth 9 is no resnet; allowed: 8, 10"),
    "an axis without values": ({"axes": {"seed": []}}, "axes.seed = []: an axis needs at least one value"),
    "a filter that keeps nothing": ({"where": "seed > 5"}, "the sweep has no runs (its filter keeps none)"),
    "a filter with a misspelt field": ({"where": "sed > 5"}, "unknown field 'sed'; did you mean 'seed'?"),
    "a filter that calls": ({"where": "print(seed)"}, "'print(seed)' is not allowed here"),
    "too many runs": ({"axes": {"seed": "0..999999", "target.size": [50, 60]}}, "4,000,000 runs are asked for"),
}


@pytest.mark.parametrize("verb", ["plan", "run", "status"])
@pytest.mark.parametrize("case", WRONG_SWEEPS)
def test_a_wrong_sweep_is_refused_and_leaves_nothing(tmp_path: Path, case: str, verb: str) -> None:
    changes, said = WRONG_SWEEPS[case]
    file, store = written(tmp_path, **changes), tmp_path / "new" / "store"
    outcome = command(verb, file, "--store", store)
    assert_refused(outcome, said)
    assert str(file) in outcome.err
    assert list(tmp_path.iterdir()) == [file]


WRONG_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "this is nothing"),
    "a list": (b"- name: a\n", "a sweep is a mapping with the keys name"),
    "a word": (b"letters\n", "this is a str"),
    "no YAML": (b"name: {a\n", "line 2: not YAML"),
    "tabs": (b"name: a\nbase:\n\tseed: 1\n", "line 3: not YAML"),
    "a key twice": (b"name: a\nname: b\n", "line 2: key 'name' is given twice"),
    "binary": (bytes(range(256)), "not UTF-8 text"),
    "a Python object": (b"name: !!python/object/apply:os.system [true]\n", "YAML tags"),
    "deep": (b"name: a\nbase: " + b"[" * 100_000, "nested deeper than"),
    "huge": (b"name: a\nabout: " + b"a" * LARGEST_FILE, "larger than 250,000 bytes"),
    "a name with a slash": (b"name: ../a\n", "name = '../a'"),
    "no runs described": (b"name: a\n", "missing; it has no default"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_what_is_no_sweep_file_is_refused(tmp_path: Path, case: str) -> None:
    content, said = WRONG_FILES[case]
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    assert_refused(command("plan", file, "--store", tmp_path / "store"), said)
    assert list(tmp_path.iterdir()) == [file]


def test_a_sweep_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert_refused(command("plan", tmp_path / "none.yaml"), "none.yaml: No such file or directory")
    assert_refused(command("plan", "no-such-sweep"), "no sweep file or catalog name 'no-such-sweep'")
    assert_refused(command("plan", tmp_path), "Is a directory")
    assert_refused(command("plan", "a" * 5000), "File name too long")
    assert_refused(command("plan", tmp_path / "two\nlines.yaml"), "two lines.yaml: No such file or directory")


# Stores. Tests may run as root, whom no permission keeps out: what is there is of the wrong kind instead.


def _a_file(folder: Path) -> Path:
    (folder / "store").write_text("a file\n")
    return folder / "store"


def _below_a_file(folder: Path) -> Path:
    return _a_file(folder) / "deeper" / "still"


def _of_another_version(folder: Path) -> Path:
    (folder / "store").mkdir()
    (folder / "store" / "FORMAT").write_text("99\n")
    return folder / "store"


def _of_no_version(folder: Path) -> Path:
    (folder / "store").mkdir()
    (folder / "store" / "FORMAT").write_bytes(b"\xff\xfe\n" * 1000)
    return folder / "store"


def _whose_version_is_a_folder(folder: Path) -> Path:
    (folder / "store" / "FORMAT").mkdir(parents=True)
    return folder / "store"


def _whose_runs_are_a_file(folder: Path) -> Path:
    (folder / "store").mkdir()
    (folder / "store" / "runs").write_text("a file\n")
    return folder / "store"


def _a_link_to_itself(folder: Path) -> Path:
    (folder / "store").symlink_to(folder / "store")
    return folder / "store"


def _of_nobody(_: Path) -> Path:
    return Path("~nobody-of-that-name/store")


def _of_a_long_name(folder: Path) -> Path:
    return folder / ("a" * 300)


WRONG_STORES = {
    _a_file: "must be a folder that can be read and written",
    _below_a_file: "Not a directory",
    _of_another_version: "format '99'; this version reads",
    _of_no_version: "--store",
    _whose_version_is_a_folder: "--store",
    _whose_runs_are_a_file: "Not a directory",
    _a_link_to_itself: "--store",
    _of_nobody: "--store ~nobody-of-that-name/store",
    _of_a_long_name: "File name too long",
}


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("verb", ["plan", "run", "status"])
@pytest.mark.parametrize("made", WRONG_STORES, ids=lambda made: made.__name__.strip("_"))
def test_an_unusable_store_is_refused_and_left_as_it_was(tmp_path: Path, made: Any, verb: str) -> None:
    file, store = written(tmp_path), made(tmp_path)
    before = contents(tmp_path)
    assert_refused(command(verb, file, "--store", store), WRONG_STORES[made])
    assert contents(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    file, store = written(tmp_path), tmp_path / "store"
    store.mkdir(mode=0o500)
    assert_refused(command("run", file, "--store", store), "Permission denied")


def test_a_refused_sweep_leaves_a_folder_that_is_no_store_alone(tmp_path: Path) -> None:
    file = written(tmp_path, **WRONG_SWEEPS["unknown task"][0])
    assert_refused(command("run", file, "--store", tmp_path), "no known task")
    assert list(tmp_path.iterdir()) == [file]


# Options.


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "0"], "'--workers'"),
        (["--workers", "-1"], "'--workers'"),
        (["--workers", "two"], "'--workers'"),
        (["--workers", "1.5"], "'--workers'"),
        (["--gpus-per-run", "-0.5"], "'--gpus-per-run'"),
        (["--gpus-per-run", "nan"], "'--gpus-per-run'"),
        (["--gpus-per-run", "inf"], "'--gpus-per-run'"),
        (["--gpus-per-run", "1.5"], "--gpus-per-run 1.5: allowed 0 to 1"),
        (["--gpus-per-run", "0.25"], "no CUDA device is seen"),
        (["--gpus-per-run", "0.25", "--runner", "local", "--address", "auto"], "no CUDA device is seen"),
        (["--threads-per-run", "100000"], "--threads-per-run 100000: allowed 1 to "),
        (["--threads-per-run", "0"], "'--threads-per-run'"),
        (["--runner", "slurm"], "slurm"),
        (["--wandb", "maybe"], "maybe"),
        (["--stroe", "a"], "--stroe"),
        (["--workers"], "--workers"),
        (["another.yaml"], "another.yaml"),
    ],
    ids=" ".join,
)
def test_a_bad_option_is_refused_in_one_line(tmp_path: Path, options: list[str], said: str) -> None:
    file = written(tmp_path)
    assert_refused(command("run", file, "--store", tmp_path / "store", *options), said)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("line", "said"), [(["pln"], "'pln'"), (["plan"], "Missing argument"), (["--all"], "--all")])
def test_a_bad_command_is_refused_in_one_line(line: list[str], said: str) -> None:
    assert_refused(command(*line), said)


def test_no_command_shows_the_help() -> None:
    outcome = command()
    assert outcome.code == 0
    assert all(verb in outcome.out for verb in ("plan", "run", "status"))


# In a process of its own.


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        (base(target={"sise": 5}), [], "did you mean 'size'?"),
        ({"axes": {"transfer.frozen": [99]}}, [], "frozen"),
        ({}, ["--workers", "0"], "'--workers'"),
    ],
    ids=["unknown key", "frozen beyond the ladder", "option"],
)
def test_the_process_ends_with_one_line(tmp_path: Path, changes: dict[str, Any], options: list[str], said: str) -> None:
    file = written(tmp_path, **changes)
    assert_refused(process("run", file, "--store", tmp_path / "store", *options), said)
    assert list(tmp_path.iterdir()) == [file]


# And what is good is let through.


def test_a_good_sweep_is_planned_and_launches_nothing(tmp_path: Path) -> None:
    outcome = command("plan", written(tmp_path), "--store", tmp_path / "store", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert '"to_run": 4' in outcome.out
    assert '"sources_to_train": 2' in outcome.out
