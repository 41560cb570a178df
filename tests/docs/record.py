"""Records the terminal: `python -m tests.docs.record` writes docs/recordings.md. Takes about two minutes.

A small sweep is run in a folder of its own on pseudo-terminals, a third of it at each width; then the other commands
read what it left. On the page the folder is called `work`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path

from tests.docs.pages import ROOT
from tests.docs.screen import Screen, frostline, on_terminal

WIDTHS = (40, 80, 120)
PAGE = ROOT / "docs" / "recordings.md"
SWEEP = """\
name: letters
about: Rendered letters teach handwritten digits to two narrow ResNets, of which more and more units stay frozen.
base:
  source: {task: "glyphs[A-F]", size: 300, epochs: 3}
  target: {task: digits, size: 200, label_noise: 0.3}
  model: {family: resnet, depth: 8, width: 4}
  train: {optimizer: sgd, learning_rate: 0.02, momentum: 0.9, batch_size: 32, epochs: 20}
axes:
  model.width: [4, 8]
  transfer.frozen: [0, 1, 2, 3, 4]
  seed: 0..2
"""
HEAD = """\
# What the terminal shows

Recorded by `python -m tests.docs.record` from a real sweep of 30 runs, on terminals of 40, 80 and 120 columns.
Each of the three launches runs one seed more, and each epoch waits 0.2 s, so that there is a middle to see.
[terminal.md](terminal.md) says what the lines are.

```yaml
{sweep}```
"""
COMMANDS = {
    "plan": ("plan", "letters.yaml", "--workers", "2"),
    "run": ("run", "letters.yaml", "--workers", "2", "--wandb", "disabled"),
    "status": ("status", "letters.yaml", "--workers", "2"),
    "summary": ("summary", "letters.yaml"),
    "detect": ("detect", "results/letters/epochs.parquet", "--run", "run_id", "--metric", "test_error"),
}


PACE = json.dumps([{"point": "epoch", "do": "sleep", "hit": 0}])
"""A fifth of a second an epoch: on a quiet machine a launch is over before two of its runs are seen under way."""


def record(folder: Path) -> dict[str, dict[int, list[list[str]]]]:
    """Command -> width -> the screens to show: of `run` one while Ray starts, one half-way, and the last.

    Each launch runs a third of the sweep: one seed, then the next.
    """
    script = folder / "bin"
    script.mkdir()
    (script / "frostline").symlink_to(Path(sys.executable).with_name("frostline"))
    path = f"{script}{os.pathsep}{os.environ['PATH']}"
    environment = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "PATH": path, "FROSTLINE_FAULTS": PACE}
    found: dict[str, dict[int, list[list[str]]]] = {name: {} for name in COMMANDS}
    for name, words in COMMANDS.items():
        for number, columns in enumerate(WIDTHS):
            last_seed = number if name == "run" else len(WIDTHS) - 1
            (folder / "letters.yaml").write_text(SWEEP.replace("0..2", f"0..{last_seed}"), encoding="utf-8")
            moments = Moments()
            code, screen = on_terminal(frostline(*words), columns, folder, environment, moments.look)
            if code != 0:
                raise SystemExit(f"frostline {' '.join(words)} ended with {code}:\n" + "\n".join(screen.lines()))
            if wide := [line for line in screen.broken() if " " in line.strip()]:  # a path is to be copied whole
                raise SystemExit(f"frostline {name}: wider than {columns} columns: {wide[0]}")
            if name == "run" and len(moments.kept()) < 2:
                raise SystemExit(f"at {columns} columns no screen of the start or of the middle was seen")
            screens = [*moments.kept(), screen.lines()] if name == "run" else [screen.lines()]
            found[name][columns] = [[line.replace(str(folder), "work") for line in each] for each in screens]
    return found


class Moments:
    """Keeps two screens of a launch: the first that says what is waited for, and one of its middle."""

    def __init__(self) -> None:
        self.starting: list[str] = []
        self.middle: list[str] = []

    def look(self, screen: Screen) -> None:
        lines = screen.lines()
        text = "\n".join(lines)
        if "elapsed" not in text:
            return
        if not self.starting and "starting Ray" in text:
            self.starting = lines
        running = re.findall(r"epoch [1-9]\d* of 20|\b[1-9]\d*/20", text)
        done = re.findall(r"letters: (\d+) of \d+ runs done", text)
        if not self.middle and len(running) >= 2 and done and int(done[-1]) % 10 >= 2:
            self.middle = lines

    def kept(self) -> list[list[str]]:
        return [screen for screen in (self.starting, self.middle) if screen]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="frostline-record-") as folder:
        recorded = record(Path(folder).resolve())
    parts = [HEAD.format(sweep=SWEEP)]
    for name, words in COMMANDS.items():
        parts.append(f"## {name}\n\n`frostline {' '.join(words)}`\n")
        for columns in WIDTHS:
            parts.append(f"### {name}, {columns} columns\n")
            parts += ["```\n{}\n```\n".format("\n".join(screen)) for screen in recorded[name][columns]]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
