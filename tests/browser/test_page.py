"""The page in a real browser: nothing complains, tables sort and filter, charts are drawn, dark, and on a telephone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from analysis.cli import main
from sweeps.spec import RunSpec
from tests.analysis.store_factory import double_descent, failed, finished, planned, sweep_text
from tests.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(chromium.missing() is not None, reason=chromium.missing() or "")

HOSTILE = "</script><img src=x onerror=alert(1)>"
WIDTHS = (400, 1200, 2000)
Opened = tuple["Page", list[str]]


def from_chance(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    test, train = double_descent(spec, epochs)
    return np.where(epochs == 1, 0.9, test), train


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a sweep over widths and frozen units: one run has failed, one cell has no result at all."""
    folder = tmp_path_factory.mktemp("page")
    text = sweep_text(epochs=30, frozen="[0, 6, 8, 10, 11, 12, 13]", last_seed=2) + "  model.width: [4, 8]\n"
    (folder / "sweep.yaml").write_text(text)
    _, runs = planned(text, folder / "store")
    specs = list(runs.values())
    for spec in specs[1:]:
        if (spec.transfer.frozen, spec.model.width) != (12, 8):
            finished(folder / "store", spec, from_chance, device=HOSTILE if spec.seed == 1 else "cpu")
    failed(folder / "store", specs[0])
    out = folder / "out" / "report.html"
    assert main(["report", str(folder / "sweep.yaml"), "--store", str(folder / "store"), "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.browser() as found:
        yield found


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Page]:
    """The page at 1,200 px; at the end nothing may have complained."""
    with chromium.opened(browser, report) as (page, complaints):
        yield page
        assert complaints == []


def column(page: Page, table: str, place: int) -> list[str]:
    return page.locator(f"{table} tbody tr > :nth-child({place})").all_inner_texts()


def drawn(page: Page, place: str) -> list[dict[str, Any]]:
    """The traces of a chart, once it is there."""
    page.locator(place).scroll_into_view_if_needed()
    page.wait_for_selector(f"{place} .main-svg")
    return page.evaluate(
        "(place) => document.querySelector(place).data.map(({name, type, x, y}) => ({name, type, n: x.length}))", place
    )


def test_every_width_in_dark_and_light(browser: Browser, report: Path) -> None:
    """All charts are drawn, nothing is wider than the page, nothing complains."""
    for width in WIDTHS:
        for dark in (False, True):
            with chromium.opened(browser, report, width, dark=dark) as (page, complaints):
                for place in ("#axis-chart", "#map-chart", "#panel .chart"):
                    assert drawn(page, place), (width, dark)
                assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (width, dark)
                assert complaints == [], (width, dark)
                ink, paper = page.evaluate(
                    "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
                )
                assert (brightness(ink) > brightness(paper)) is dark
                text = page.locator("#axis-chart .xtick text").first
                assert (brightness(text.evaluate("(node) => getComputedStyle(node).fill")) > 128) is dark


def brightness(colour: str) -> float:
    return sum(float(part) for part in colour.strip("rgba()").split(",")[:3]) / 3


def test_cells_are_filtered_and_sorted(opened: Page) -> None:
    rows = opened.locator("#cell-table tbody tr")
    assert rows.count() == 14
    opened.get_by_label("Filter: Cells of the sweep").fill("w8 double")
    assert 0 < rows.count() < 7
    assert all(name == "resnet14-w8" for name in column(opened, "#cell-table", 2))
    assert opened.locator("#cell-table output").inner_text() == f"{rows.count()} of 14"
    opened.get_by_label("Filter: Cells of the sweep").fill("")
    opened.locator("#cell-table").get_by_label("frozen", exact=True).select_option("10")
    assert column(opened, "#cell-table", 3) == ["10", "10"]
    opened.locator("#cell-table").get_by_label("frozen", exact=True).select_option("")
    head = opened.locator("#cell-table thead").get_by_role("button", name="test error %")
    head.click()
    texts = column(opened, "#cell-table", 5)
    errors = [float(text.split()[0]) for text in texts if text != "-"]
    assert errors == sorted(errors) and texts[-1] == "-" and len(errors) == 13
    head.press("Enter")
    texts = column(opened, "#cell-table", 5)
    assert [float(text.split()[0]) for text in texts[:-1]] == sorted(errors, reverse=True) and texts[-1] == "-"
    assert head.locator("..").get_attribute("aria-sort") == "descending"


def test_runs_are_found_with_their_files_and_failures(opened: Page, report: Path) -> None:
    opened.get_by_label("Filter: Runs of the sweep").fill("runtimeerror")
    assert opened.locator("#run-table tbody tr").count() == 1
    assert "RuntimeError: <b>no</b>" in opened.locator("#run-table tbody").inner_text()
    opened.get_by_label("Filter: Runs of the sweep").fill("onerror")
    assert opened.locator("#run-table tbody tr").count() == 13
    for address in opened.locator("#run-table tbody tr a").evaluate_all("(links) => links.map((link) => link.href)"):
        assert Path(address.removeprefix("file://")).is_file()
    assert opened.locator("img").count() == 0


def test_a_cell_opens_its_curves_and_others_stand_beside_it(opened: Page) -> None:
    opened.get_by_role("button", name="Curves of resnet14-w8, frozen = 8", exact=True).click()
    traces = drawn(opened, "#panel .chart")
    names = {trace["name"] for trace in traces}
    assert {"test error, mean of 3", "train error, mean of 3", "first minimum", "peak", "last"} <= names
    assert sum((name or "").startswith("test, seed") for name in names) == 3
    shapes = opened.evaluate("document.querySelector('#panel .chart').layout.shapes.length")
    assert shapes >= 1  # where it interpolates
    for label in ("seeds", "95 % band", "train error"):
        opened.locator("#panel").get_by_label(label).uncheck()
    opened.wait_for_function("document.querySelector('#panel .chart').data.length === 4")
    opened.locator("#panel").get_by_label("log epochs").uncheck()
    opened.wait_for_function("document.querySelector('#panel .chart').layout.xaxis.type === 'linear'")
    opened.get_by_label("Compare resnet14-w4, frozen = 8").check()
    opened.get_by_label("Compare resnet14-w8, frozen = 12").check()
    assert opened.locator("#panel figure").count() == 3
    assert "No run of this cell is done" in opened.locator("#panel figure").last.inner_text()
    opened.locator("#panel figure").nth(1).locator(".main-svg").first.wait_for()
    tops = opened.evaluate("[...document.querySelectorAll('#panel .chart')].map((each) => each.layout.yaxis.range[1])")
    assert len(tops) == 2 and len(set(tops)) == 1
    opened.get_by_role("button", name="Close resnet14-w8, frozen = 12").click()
    assert opened.locator("#panel figure").count() == 2
    assert not opened.get_by_label("Compare resnet14-w8, frozen = 12").is_checked()


def test_hover_and_keys_tell_values_and_zoom(opened: Page) -> None:
    drawn(opened, "#panel .chart")
    box = opened.locator("#panel .chart .nsewdrag").first.bounding_box()
    assert box is not None
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    opened.wait_for_selector("#panel .chart .hoverlayer text")
    told = opened.locator("#panel .chart .hoverlayer").text_content() or ""
    assert "test error, mean of" in told and "%" in told
    chart = opened.locator("#panel .chart").first
    opened.mouse.move(0, 0)  # what follows is told by keys alone
    opened.wait_for_selector("#panel .chart .hoverlayer text", state="detached")
    chart.focus()
    before = opened.evaluate("document.querySelector('#panel .chart').layout.xaxis.range")
    opened.keyboard.press("+")
    opened.wait_for_function(
        "(old) => document.querySelector('#panel .chart').layout.xaxis.range[0] > old", arg=before[0]
    )
    opened.keyboard.press("0")
    opened.wait_for_function("document.querySelector('#panel .chart').layout.xaxis.autorange === true")
    opened.keyboard.press("ArrowRight")
    opened.wait_for_selector("#panel .chart .hoverlayer text")
    label = chart.get_attribute("aria-label") or ""
    assert label.startswith("Chart. Test error of resnet14-w") and " % at epoch " in label


def test_maps_are_of_widths_and_of_epochs(opened: Page) -> None:
    heat = drawn(opened, "#map-chart")[0]
    assert (heat["type"], heat["n"]) == ("heatmap", 7)
    opened.locator("#map-controls select").first.select_option("epochs")
    opened.wait_for_function("document.querySelector('#map-chart').data[0].x.length === 30")
    assert "freezing-wise double descent" in opened.locator("#map-about").inner_text()
    ends = """() => {
        const { z, zmin, zmax } = document.querySelector("#map-chart")._fullData[0];
        const known = [...z].flatMap((row) => [...row]).filter(Number.isFinite).sort((a, b) => a - b);
        return [zmin, zmax, known[0], known[known.length >> 1], known.at(-1)];
    }"""
    low, high, least, median, most = opened.evaluate(ends)
    assert (low, high) == (least, 2 * median + 1) and high < 0.9 * most  # the first epochs do not take all colours
    opened.locator("#map-controls select").last.select_option("train")
    opened.wait_for_function("document.querySelector('#map-chart').data[0].colorbar.title.text === 'train error'")


def test_the_theme_can_be_chosen(opened: Page) -> None:
    drawn(opened, "#axis-chart")
    before = opened.evaluate("document.querySelector('#axis-chart').layout.font.color")
    opened.get_by_role("button", name="Use dark colours").click()
    opened.wait_for_function("(old) => document.querySelector('#axis-chart').layout.font.color !== old", arg=before)
    assert opened.get_by_role("button", name="Use light colours").is_visible()


def test_what_reads_aloud_finds_names(opened: Page) -> None:
    """Every table has a caption and heads of columns and rows, everything that is operated has a name."""
    assert opened.evaluate("[...document.querySelectorAll('table')].every((table) => table.caption?.textContent)")
    assert opened.evaluate("[...document.querySelectorAll('thead th')].every((cell) => cell.scope === 'col')")
    assert opened.evaluate(
        "[...document.querySelectorAll('tbody tr')].every((row) => row.querySelector('th[scope=row]'))"
    )
    snapshot = opened.locator("body").aria_snapshot()
    for nameless in ("- button\n", "- link\n", "- checkbox\n", "- combobox\n", "- searchbox\n", "- region\n"):
        assert nameless not in snapshot
    assert opened.evaluate("document.documentElement.lang") == "en" and opened.locator("h1").count() == 1
