"""All figures of a sweep on one page, beside the files: what to look at before one is chosen for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from analysis.report.drawing.files import PICTURES
from analysis.report.table_files import replaced

GALLERY = "gallery.html"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 1.5rem; font: 16px/1.5 system-ui, sans-serif; background: #f4f4f4; color: #222 }}
main {{ display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start }}
figure {{ margin: 0; padding: 1rem; background: #fff; border: 1px solid #ddd; box-sizing: border-box; max-width: 100% }}
img {{ display: block; max-width: 100% }}
figcaption {{ margin-top: .6rem; max-width: 44rem; font-size: .9rem }}
code {{ overflow-wrap: anywhere }}
</style>
</head>
<body>
<h1>{title}</h1>
<main>
{figures}
</main>
</body>
</html>
"""


def write_gallery(sweep: str, pictures: Sequence[Path], folder: Path) -> Path:
    """Writes the page into the folder of the figures. pictures: their PNG files, with the other files beside them.

    The page refers to the files and holds none of them.
    """
    path = folder / GALLERY
    text = _PAGE.format(
        title=f"{escape(sweep)}: {len(pictures)} figures", figures="\n".join(_figure(picture) for picture in pictures)
    )
    with replaced(path) as file:
        file.write(text.encode())
    return path


def _figure(picture: Path) -> str:
    stem = picture.name.removesuffix(".png")
    caption = picture.with_name(f"{stem}.txt").read_text(encoding="utf-8").strip()
    links = " ".join(
        f'<a href="{escape(stem + ending)}">{ending[1:].upper()}</a>' for ending in (*PICTURES[1:], ".tex")
    )
    image = (
        f'<img src="{escape(picture.name)}" alt="{escape(caption)}" loading="lazy" style="width: {_inches(picture)}in">'
    )
    return f"<figure>{image}<figcaption>{escape(caption)}<br><code>{escape(stem)}</code> {links}</figcaption></figure>"


def _inches(picture: Path) -> str:
    """The width at which it is printed, times 1.3: a screen is looked at from further away."""
    from PIL import Image

    from analysis.report.figure_style import DPI

    with Image.open(picture) as image:
        return f"{1.3 * image.width / DPI:.4g}"
