"""docs/extending.md does what it says: its blocks are written into a copy of the packages, its commands run there."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pytest

import frostline as fl
from tests.docs.pages import MADE, ROOT, blocks, change, commands

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCKS = blocks(PAGE)
COPIED = ("sweeps", "tasks", "architectures", "orchestrator", "analysis", "frostline", "tests/golden", "pyproject.toml")
PROGRAMS = {"frostline": ["-m", "frostline"], "python": []}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages with all that the page adds, as one who reads it from top to bottom has it."""
    root = tmp_path_factory.mktemp("extended")
    for name in COPIED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, root / name)
    for block in BLOCKS:
        if block.language == "diff" or block.language in MADE:
            assert block.path is not None, f"no path above: {block.text}"
            path = root / block.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if block.language == "diff":
                path.write_text(change(path.read_text(encoding="utf-8"), block.text), encoding="utf-8")
            else:
                assert not path.exists(), f"{block.path} is there already"
                path.write_text(block.text, encoding="utf-8")
    return root


def run(tree: Path, command: str) -> str:
    """What a command of the page prints, in the copy."""
    program, *arguments = shlex.split(command)
    environment = {**os.environ, "FROSTLINE_DATA": str(tree / "data"), "PYTHONPATH": "", "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, *PROGRAMS[program], *arguments],
        cwd=tree,
        env={**environment, "FROSTLINE_STORE": "store"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def runs_of(tree: Path, sweep: str) -> pd.DataFrame:
    runs = fl.load(tree / sweep, tree / "store").runs
    assert set(runs["status"]) == {"done"}
    return runs


def photos(tree: Path) -> None:
    runs = runs_of(tree, "photos.yaml")
    found = sorted(zip(runs["transfer.frozen"].tolist(), runs["target.task"].tolist(), strict=True))
    assert [frozen for frozen, _ in found] == [0, 7]
    assert all(task.startswith("images(content=sha256-") for _, task in found)


def bars(tree: Path) -> None:
    runs = runs_of(tree, "bars.yaml")
    assert sorted(runs["target.task"]) == ["bars(noise=0.25)", "bars(noise=0.75)"]
    assert set(runs["source.task"]) == {"bars[0-3](noise=0.5)"}


def perceptron(tree: Path) -> None:
    runs = runs_of(tree, "perceptron.yaml")
    trained = dict(zip(runs["transfer.frozen"].tolist(), runs["trainable_params"].tolist(), strict=True))
    head, hidden, first = 32 * 5 + 5, 32 * 32 + 32, 64 * 32 + 32
    assert trained == {0: first + hidden + head, 1: hidden + head, 2: head}
    assert set(runs["epochs"]) == {3}


def ridge(tree: Path) -> None:
    runs = runs_of(tree, "ridge.yaml")
    assert set(runs["train.method"]) == {"ridge"} and set(runs["epochs"]) == {1}
    assert max(runs["final_train_error"].tolist()) < 0.9, "no better than chance on what it has solved"


def settling(tree: Path) -> None:
    """The printed table, by another way: from the end of each curve backwards."""
    golden = tree / "tests" / "golden"
    sweep = fl.load(golden / "sweep.yaml", golden / "store")
    found: dict[int, list[int]] = {}
    curves = {run_id: rows["test_error"].tolist() for run_id, rows in sweep.epochs.groupby("run_id")}
    for run_id, depth in zip(sweep.runs["run_id"].tolist(), sweep.runs["transfer.frozen"].tolist(), strict=True):
        errors = curves[run_id]
        epoch = len(errors)
        while epoch > 1 and abs(errors[epoch - 2] - errors[-1]) <= 0.01:
            epoch -= 1
        found.setdefault(depth, []).append(epoch)
    table = run(tree, "python settling.py tests/golden/sweep.yaml tests/golden/store").splitlines()[1:]
    expected = [[depth, median(epochs), min(epochs), max(epochs)] for depth, epochs in sorted(found.items())]
    assert [[float(word) for word in line.split()] for line in table] == expected


def gap(tree: Path) -> None:
    run(tree, "frostline tables tests/golden/sweep.yaml --store tests/golden/store --out tables")
    made = pd.read_csv(tree / "tables" / "runs.csv")
    pinned = pd.read_csv(ROOT / "tests" / "golden" / "tables" / "runs.csv")
    assert set(made) == {*pinned, "final_gap"}
    expected = pinned["final_test_error"].to_numpy() - pinned["final_train_error"].to_numpy()
    np.testing.assert_array_equal(made["final_gap"].to_numpy(), expected)


SECTIONS: dict[str, Callable[[Path], None]] = {
    "Your own images": photos,
    "A data set": bars,
    "A network": perceptron,
    "A training method": ridge,
    "An analysis": settling,
    "A table column": gap,
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_does_what_it_says(tree: Path, section: str) -> None:
    shown = [block for block in BLOCKS if block.section == section and block.language == "console"]
    assert shown, "no command"
    for block in shown:
        for command, said in commands(block.text):
            printed = run(tree, command)
            assert said in printed, f"{command} printed\n{printed}"
    SECTIONS[section](tree)


def test_the_page_has_these_sections() -> None:
    assert list(dict.fromkeys(block.section for block in BLOCKS)) == list(SECTIONS)


def test_what_the_page_adds_keeps_the_rules_of_the_house(tree: Path) -> None:
    from tests.test_imports import faults

    added = {str(block.path) for block in BLOCKS if block.language == "python" and "/" in str(block.path)}
    checked = [path for path in added if not path.startswith("tests/")]
    assert len(checked) == 3
    for path in checked:
        assert faults(path, (tree / path).read_text(encoding="utf-8")) == []
    scripts = sorted({str(block.path) for block in BLOCKS if block.language == "python"})
    for arguments in (["check"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, *scripts], cwd=tree, check=True)


@pytest.mark.parametrize("text", ["a\nb\n", "b\nb\n", ""])
def test_a_change_is_made_where_it_fits_once(text: str) -> None:
    if text == "a\nb\n":
        assert change(text, " a\n+c\n-b\n") == "a\nc\n"
    else:
        with pytest.raises(ValueError, match="stands there"):
            change(text, "-b\n+c\n")
