"""Takes the pictures of docs/page.md: `python -m tests.docs.page_pictures` writes docs/pictures/page-*.png.

The sweep `quickstart` is run first, which takes some five minutes on two cores; `--store` names a store that has it.
The page is `frostline report`'s, in a real browser.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from PIL import Image

from tests.browser import chromium
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

SWEEP = "quickstart"
FOLDER = ROOT / "docs" / "pictures"
MOST_BYTES = 150_000


class Picture(NamedTuple):
    """A window on the page: size, colours, the element at its top, and what is done before."""

    width: int
    height: int
    dark: bool
    top: str
    prepare: Callable[[Page], None]


def as_it_opens(_: Page) -> None:
    """Nothing is done."""


def compare(page: Page) -> None:
    """Two depths side by side: one with an epoch-wise double descent, one where the head alone trains."""
    page.get_by_label("Compare resnet14-w4, frozen = 13").check()
    page.locator("#panel .chart").nth(1).locator(".main-svg").first.wait_for()


def sort_by_error(page: Page) -> None:
    page.locator("#cell-table thead").get_by_role("button", name="test error %").click()


PICTURES = {
    "overview": Picture(1200, 900, False, "header", as_it_opens),
    "axis": Picture(1200, 720, False, "#shapes", as_it_opens),
    "map": Picture(1200, 760, True, "#maps", as_it_opens),
    "compare": Picture(1200, 760, False, "#cells", compare),
    "wide": Picture(2000, 1100, True, "#cells", sort_by_error),
    "narrow": Picture(400, 850, True, "#cells", as_it_opens),
}


def taken(path: Path, picture: Picture) -> bytes:
    """A picture as PNG of at most 256 colours. Raises SystemExit where the page complains."""
    with (
        chromium.browser() as browser,
        chromium.opened(browser, path, picture.width, picture.height, picture.dark) as (page, complaints),
    ):
        for chart in ("#axis-chart", "#map-chart", "#panel .chart"):
            page.locator(chart).first.scroll_into_view_if_needed()
            page.locator(f"{chart} .main-svg").first.wait_for()
        picture.prepare(page)
        page.evaluate("(top) => document.querySelector(top).scrollIntoView()", picture.top)
        page.wait_for_timeout(500)  # the bar on top says where the reader is a moment later
        raw = page.screenshot()
        if complaints:
            raise SystemExit("\n".join(complaints))
    out = io.BytesIO()
    Image.open(io.BytesIO(raw)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return out.getvalue()


def frostline(*words: object) -> None:
    done = subprocess.run([sys.executable, "-m", "frostline", *map(str, words)], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def main(store: Annotated[Path | None, typer.Option(help="a store that holds the sweep")] = None) -> None:
    reason = chromium.missing()
    if reason is not None:
        raise SystemExit(f"error: {reason}")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="frostline-pictures-") as folder:
        if store is None:
            store = Path(folder) / "store"
            frostline("run", SWEEP, "--store", store, "--wandb", "disabled")
        page = Path(folder) / "report.html"
        frostline("report", SWEEP, "--store", store, "--out", page)
        for name, picture in PICTURES.items():
            content = taken(page, picture)
            if len(content) > MOST_BYTES:
                raise SystemExit(f"{name}: {len(content)} bytes; at most {MOST_BYTES} are allowed")
            (FOLDER / f"page-{name}.png").write_bytes(content)
            print(f"{name}: {len(content) / 1000:.0f} kB")


if __name__ == "__main__":
    typer.run(main)
