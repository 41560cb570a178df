"""Draws the pictures of README and tutorial: `python -m tests.docs.pictures STORE`, with the quickstart done in it.

They are the product's own figures of a real run, at the width of two columns.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from analysis.loaded import load
from analysis.report.figures import draw_figures
from tests.docs.pages import ROOT

PICTURES = ROOT / "docs" / "pictures"
NETWORKS = {"final_by_frozen": "resnet14-w4", "epochs_by_frozen": "resnet14-w8", "surface": "resnet14-w4"}
"""Of which network each figure is."""
NAMES = {
    "final_by_frozen": "quickstart_final.png",
    "epochs_by_frozen": "quickstart_epochs.png",
    "surface": "quickstart_surface.png",
}


def draw(sweep: str | Path, store: Path, out: Path, networks: dict[str, str] = NETWORKS) -> list[Path]:
    """Draws the figures of the sweep's networks and keeps the pictures of the docs in the folder `out`."""
    loaded = load(sweep, store)
    chosen = tuple(each for each in loaded.axis_verdicts if each.group.label in networks.values())
    with tempfile.TemporaryDirectory() as folder:
        draw_figures(loaded.tables, chosen, Path(folder))
        made = Path(folder) / "figures"
        return [Path(shutil.copy(made / f"{name}_{networks[name]}.png", out / NAMES[name])) for name in NAMES]


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for path in draw("quickstart", Path(sys.argv[1]), PICTURES):
        print(path)
