"""The commands of docs/tutorial.md and docs/figures.md, in their order, on a small sweep. And of every other page: each
command line that it shows has the options that it shows.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from analysis.cli import app as analysis
from frostline.cli import app as front
from frostline.window.cli import app as window
from orchestrator.cli import app as orchestrator
from tests.docs.pages import ROOT, blocks, commands
from tests.docs.test_pages import SAID_TODAY, name_of

SMALL = """
name: small
about: The tutorial in seconds.
base:
  source: {task: "glyphs[A-F]", size: 60, epochs: 1}
  target: {task: digits, size: 60, label_noise: 0.3}
  model: {family: resnet, depth: 8, width: 4}
  train: {optimizer: sgd, learning_rate: 0.02, batch_size: 32, epochs: 4}
axes:
  transfer.frozen: [0, 1, 2, 3, 4]
  seed: 0..1
"""
ELSEWHERE = {"make setup": "tried by every checkout", ". .venv/bin/activate": "needs a shell"}
"""Commands of the tutorial that are not run here, and why."""
DRIVER = """
import json, sys, traceback
from frostline.cli import main
for line in json.loads(sys.argv[1]):
    code = main(line)
    print(json.dumps({"command": line, "code": code}), file=sys.stderr, flush=True)
"""
PAGES = ("docs/tutorial.md", "docs/figures.md")


def shown(page: str) -> list[list[str]]:
    found = []
    for block in blocks((ROOT / page).read_text(encoding="utf-8")):
        if block.language == "console":
            found += [line for line, _ in commands(block.text)]
    return [shlex.split(line) for line in found if line not in ELSEWHERE]


def small(words: list[str]) -> list[str]:
    """The command for the small sweep, in this process and without W&B where it launches.

    A plan of the reader's own file stays as it is.
    """
    if words[:2] == ["plan", "first.yaml"]:
        return words
    changed = ["small.yaml" if word in ("quickstart", "first.yaml") else word for word in words]
    return [*changed, "--runner", "local", "--wandb", "disabled"] if words[0] == "run" else changed


def test_the_commands_of_the_tutorial_run(tmp_path: Path) -> None:
    (yaml,) = [
        block.text for block in blocks((ROOT / PAGES[0]).read_text(encoding="utf-8")) if block.language == "yaml"
    ]
    (tmp_path / "first.yaml").write_text(yaml)
    (tmp_path / "small.yaml").write_text(SMALL)
    asked = [line for page in PAGES for line in shown(page)]
    assert len(asked) >= 11 and all(line[0] == "frostline" for line in asked)
    lines = [small(line[1:]) for line in asked if line[1] != "doctor"]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(lines)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    ended = [json.loads(line) for line in done.stderr.splitlines() if line.startswith('{"command"')]
    assert [each["code"] for each in ended] == [0] * len(lines), done.stderr[-3000:]
    assert "small: 10 runs: 10 done" in done.stdout and "freezing-wise: " in done.stdout
    made = tmp_path / "results" / "small"
    assert (made / "verdicts.tex").is_file() and (made / "figures" / "gallery.html").is_file()
    assert (tmp_path / "paper" / "figures" / "final_by_frozen_resnet8-w4.svg").is_file()


APPS = [typer.main.get_group(app) for app in (front, window, analysis, orchestrator)]
COMMANDS = {name: command for group in reversed(APPS) for name, command in group.commands.items() if command.params}


def unknown_options(text: str) -> list[str]:
    """Options of `frostline COMMAND ...` lines that the command does not have."""
    wrong = []
    for line in re.findall(r"(?:^|`|\$ )frostline ([a-z][a-z-]* [^`\n#]*)", text, re.MULTILINE):
        name, *words = line.replace("\\", " ").split()
        if name not in COMMANDS:
            continue
        known = {
            option for parameter in COMMANDS[name].params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        options = {word.partition("=")[0].rstrip(",;.)") for word in words if re.match(r"--[a-z]", word)}
        wrong += [f"frostline {name} {option}" for option in sorted(options - known - {"--help"})]
    return wrong


@pytest.mark.parametrize("page", SAID_TODAY, ids=name_of)
def test_every_command_that_is_shown_has_its_options(page: Path) -> None:
    assert unknown_options(page.read_text(encoding="utf-8")) == []


def test_an_option_that_is_not_there_is_found() -> None:
    assert {"run", "figures", "report", "plan", "doctor", "advise"} <= set(COMMANDS)
    assert unknown_options("`frostline figures quickstart --widht 3in`") == ["frostline figures --widht"]
    assert unknown_options("$ frostline run my.yaml --runner local --workers=2\n") == []
