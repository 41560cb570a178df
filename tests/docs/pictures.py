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
NETWORK = "resnet14-w8"
NAMES = {
    f"final_by_frozen_{NETWORK}.png": "quickstart_final.png",
    f"epochs_by_frozen_{NETWORK}.png": "quickstart_epochs.png",
    f"surface_{NETWORK}.png": "quickstart_surface.png",
}


def draw(sweep: str | Path, store: Path, out: Path) -> list[Path]:
    """Draws the figures of the sweep's ResNet and keeps the pictures of the docs in the folder `out`."""
    loaded = load(sweep, store)
    chosen = tuple(each for each in loaded.axis_verdicts if each.group.label == NETWORK)
    with tempfile.TemporaryDirectory() as folder:
        draw_figures(loaded.tables, chosen, Path(folder))
        return [Path(shutil.copy(Path(folder) / "figures" / name, out / picture)) for name, picture in NAMES.items()]


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for path in draw("quickstart", Path(sys.argv[1]), PICTURES):
        print(path)
