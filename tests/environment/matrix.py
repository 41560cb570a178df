"""Running one command in one environment, in a process of its own, and what must be true of it afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from analysis.tables.collect import collect, epoch_frame
from analysis.tables.load import read_sweep
from analysis.tables.schema import comparable
from sweeps.sweep import parse
from tests.csv_text import csv_text
from tests.environment.cases import Case

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 60
WORK = "work with blanks"
SURROUNDINGS = """
name: surroundings
about: "größer — ⟂ 日本語"
base:
  source: {task: "glyphs[A-J]", size: 60, epochs: 1}
  target: {task: digits, size: 50}
  model: {family: resnet, depth: 8, width: 1}
"""
"""The head of a small sweep, whose base goes on with `train`."""
SWEEP = f"""{SURROUNDINGS}
  train: {{epochs: 4, batch_size: 16}}
axes: {{transfer.frozen: [0, 3]}}
"""
CURVE = "epoch,test_error\n" + "".join(f"{n},{0.5 / n + 0.1 * (n == 20)}\n" for n in range(1, 41))
SET_BY_TESTS = ("WANDB_", "FROSTLINE_", "RAY_", "SLURM_", "PYTHON", "PL_", "PYTEST", "COLUMNS", "LINES")


@dataclass(frozen=True)
class Oracle:
    """What the commands do where nothing is odd: the store they filled, its tables, the page and the figures."""

    store: Path
    tables: list[str]
    page: bytes
    figures: dict[str, bytes]
    detect: str


def tables(store: Path) -> list[str]:
    sweep = read_sweep(parse(SWEEP), store)
    made = collect(sweep)
    return [csv_text(comparable(frame)) for frame in (epoch_frame(sweep), made.runs, made.cells)]


def undisturbed(plain: Case, folder: Path) -> Oracle:
    """Run the commands where nothing is odd."""
    tried(plain, "local", folder / "run", None)
    store = folder / "run" / WORK / "my store"
    here, work = prepared(plain, folder / "read")
    beside = shutil.copytree(store, work / "my store")  # the page links to files of the store from where it lies
    assert run(plain, "summary", here, work, beside).returncode == 0
    detected = run(plain, "detect", here, work, store)
    assert detected.returncode == 0
    return Oracle(store, tables(store), *outputs(work / "out"), detected.stdout)


def outputs(out: Path) -> tuple[bytes, dict[str, bytes]]:
    return (out / "report.html").read_bytes(), {path.name: path.read_bytes() for path in (out / "figures").iterdir()}


def arguments(command: str, work: Path, store: Path) -> list[str]:
    sweep = str(work / "sweep.yaml")
    at = ["--store", str(store)]
    return {
        "plan": ["plan", sweep, *at],
        "local": ["run", sweep, *at, "--runner", "local"],
        "ray": ["run", sweep, *at],
        "status": ["status", sweep, *at],
        "summary": ["summary", sweep, *at, "--out", str(work / "out")],
        "detect": ["detect", str(work / "curve.csv"), "--plot", str(work / "curve.png")],
    }[command]


def prepared(case: Case, folder: Path) -> tuple[Path, Path]:
    """The working directory of a case with its files, and a folder for what commands read and write."""
    here, work = folder / "here", folder / WORK
    for path in (here, work):
        path.mkdir(parents=True)
    for name, text in case.files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text, "utf-8")
    (work / "sweep.yaml").write_text(SWEEP, "utf-8")
    (work / "curve.csv").write_text(CURVE, "utf-8")
    return here, work


def run(case: Case, command: str, here: Path, work: Path, store: Path) -> subprocess.CompletedProcess[str]:
    """A real command. One that takes more than MOST_SECONDS fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SET_BY_TESTS)}
    environment = {**kept, "PYTHONPATH": str(ROOT)}
    for name, value in case.variables.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value.replace("{folder}", str(here)).replace("{root}", str(ROOT))
    shell = case.shell.replace("{root}", str(ROOT))
    process = subprocess.Popen(
        ["bash", "-c", shell, "_", sys.executable, "-m", "frostline", *arguments(command, work, store)],
        cwd=here,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        raise AssertionError(f"{case.name}: {command}: over {MOST_SECONDS} s: {process.communicate()}") from None
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def tried(case: Case, command: str, folder: Path, oracle: Oracle | None) -> float:
    """Run a command in an environment and check all that it must keep. Returns the seconds that it took."""
    here, work = prepared(case, folder)
    store = work / "my store"
    if command in ("status", "summary"):
        assert oracle is not None
        shutil.copytree(oracle.store, store)
    began = time.monotonic()
    told = run(case, command, here, work, store)
    seconds = time.monotonic() - began
    said = f"{case.name}: {command}: {told.returncode}\n{told.stdout[-2000:]}\n{told.stderr[-3000:]}"
    assert "Traceback" not in told.stdout + told.stderr, said
    refused = case.refused.get(command)
    if refused is not None:
        assert told.returncode == 2 and refused in told.stderr and told.stderr.count("\n") == 1, said
        return seconds
    if not case.cut_off:
        assert told.returncode == 0, said
    elif told.returncode not in (0, 1):
        raise AssertionError(said)
    if command == "detect":
        told.stderr = "\n".join(line for line in told.stderr.splitlines() if "curve.csv: x = " not in line)
        told.stderr = "\n".join(line for line in told.stderr.splitlines() if "curve.png: 1 runs drawn" not in line)
    assert told.stderr == "", said
    if oracle is None:
        return seconds
    if command in ("local", "ray"):
        assert tables(store) == oracle.tables, said
    elif command == "summary":
        assert outputs(work / "out") == (oracle.page, oracle.figures), said
    elif command == "detect":
        assert case.cut_off or told.stdout == oracle.detect or case.columns is not None, said
        if case.columns is not None:  # no table of that width: a line for each thing, and the same verdict
            assert "monotone" in told.stdout and "1.3 % @ 39.5" in told.stdout, said
            assert all(len(line) <= case.columns for line in told.stdout.splitlines()), said
        assert (work / "curve.png").is_file(), said
    return seconds
