"""How long a new user's path takes with the README alone: `python -m benchmarks.new_user [--in FOLDER]`.

A clone, set-up, the quickstart to its verdict, a W&B report without a server, a compiled table: a line each.
Each step is a command of the README or the tutorial, run in a clone of this checkout's last commit. Nothing is mocked:
it downloads the packages and computes the quickstart, some ten minutes on two cores. It needs git, make, and pdflatex
with siunitx for the last step.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs,longtable,siunitx,graphicx}
\begin{document}
\input{results/quickstart/cells.tex}
\input{results/quickstart/verdicts.tex}
\end{document}
"""
STEPS = {
    "clone": ("git", "clone", "--quiet", str(ROOT), "frostline"),
    "set up": ("make", "setup"),
    "verdict": ("make", "sweep"),
    "again": ("make", "sweep"),
    "report": (".venv/bin/frostline", "report", "quickstart", "--wandb", "--no-send"),
    "table": ("pdflatex", "-interaction=batchmode", "-halt-on-error", "paper.tex"),
}
"""Step -> its command, all but the first in the clone."""
SHOWS = {
    "verdict": "results/quickstart/verdicts.csv",
    "report": "results/quickstart/report.wandb.json",
    "table": "paper.pdf",
}
"""The file that a step has to leave."""


def path(folder: Path) -> bool:
    """Walks the path in an empty folder; prints a line a step. Returns whether all steps went well."""
    clone = folder / "frostline"
    began = time.monotonic()
    for step, command in STEPS.items():
        if step == "table":
            (clone / "paper.tex").write_text(TABLE, encoding="utf-8")
        start = time.monotonic()
        done = subprocess.run(
            command,
            cwd=folder if step == "clone" else clone,
            env={**os.environ, "WANDB_MODE": "offline"},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - start
        made = SHOWS.get(step)
        missing = made is not None and not (clone / made).is_file()
        total = time.monotonic() - began
        print(f"{step:8} {seconds:7.1f} s, {total:7.1f} s in all: {' '.join(command)}", flush=True)
        if done.returncode != 0 or missing:
            print((done.stdout + done.stderr)[-3000:], file=sys.stderr)
            print(f"{step}: exit code {done.returncode}{f', no {made}' if missing else ''}", file=sys.stderr)
            return False
    return True


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--in", dest="folder", type=Path, help="an empty folder to keep; default: a temporary one")
    folder = given.parse_args().folder
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        return 0 if path(folder.resolve()) else 1
    with tempfile.TemporaryDirectory(prefix="frostline-new-user-") as temporary:
        return 0 if path(Path(temporary)) else 1


if __name__ == "__main__":
    sys.exit(main())
