"""Records the terminal: `python -m tests.docs.record` writes docs/recordings.md. Takes about two minutes.

A small sweep is run in a folder of its own, once for each width, on a pseudo-terminal; then the other commands read
what it left. On the page the folder is called `work`.
"""

from __future__ import annotations

import os
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
  train: {optimizer: sgd, learning_rate: 0.02, momentum: 0.9, batch_size: 32, epochs: 30}
axes:
  model.width: [4, 8]
  transfer.frozen: [0, 1, 2, 3, 4]
  seed: 0..2
"""
HEAD = """\
# What the terminal shows

Recorded by `python -m tests.docs.record` from a real sweep of 30 runs, on terminals of 40, 80 and 120 columns.
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


def record(folder: Path, columns: int) -> dict[str, list[list[str]]]:
    """Command -> the screens to show: of `run` one while Ray starts, one half-way, and the last."""
    (folder / "letters.yaml").write_text(SWEEP, encoding="utf-8")
    environment = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    script = folder / "bin"
    script.mkdir()
    (script / "frostline").symlink_to(Path(os.environ.get("VIRTUAL_ENV", ROOT / ".venv")) / "bin" / "frostline")
    environment["PATH"] = f"{script}{os.pathsep}{os.environ['PATH']}"
    found: dict[str, list[list[str]]] = {}
    for name, words in COMMANDS.items():
        moments = Moments()
        code, screen = on_terminal(frostline(*words), columns, folder, environment, moments.look)
        if code != 0:
            raise SystemExit(f"frostline {' '.join(words)} ended with {code}:\n" + "\n".join(screen.lines()))
        if wide := [line for line in screen.broken() if " " in line.strip()]:
            raise SystemExit(f"frostline {name}: wider than {columns} columns: {wide[0]}")
        screens = [*moments.kept(), screen.lines()] if name == "run" else [screen.lines()]
        found[name] = [[line.replace(str(folder), "work") for line in screen] for screen in screens]
    return found


class Moments:
    """Keeps two screens of a launch: the first that says what is waited for, and one of its middle."""

    def __init__(self) -> None:
        self.starting: list[str] = []
        self.middle: list[str] = []

    def look(self, screen: Screen) -> None:
        lines = screen.lines()
        text = "\n".join(lines)
        if not self.starting and "elapsed" in text and "starting Ray" in text:
            self.starting = lines
        if "elapsed" in text and sum("/30" in line or "of 30" in line for line in lines) >= 3:
            done = [line for line in lines if "of 30 runs done" in line]
            if done and int(done[-1].split()[-5]) >= 12 and not self.middle:
                self.middle = lines

    def kept(self) -> list[list[str]]:
        return [screen for screen in (self.starting, self.middle) if screen]


def main() -> None:
    recorded = {}
    for columns in WIDTHS:
        with tempfile.TemporaryDirectory(prefix="frostline-record-") as folder:
            recorded[columns] = record(Path(folder).resolve(), columns)
    parts = [HEAD.format(sweep=SWEEP)]
    for name, words in COMMANDS.items():
        parts.append(f"## {name}\n\n`frostline {' '.join(words)}`\n")
        for columns in WIDTHS:
            parts.append(f"### {name}, {columns} columns\n")
            parts += ["```\n{}\n```\n".format("\n".join(screen)) for screen in recorded[columns][name]]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
