"""Figures for papers: no label lies on anything, fonts are inside, a user's settings change nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import frostline as fl
from analysis.loaded import LoadedSweep
from analysis.report.axis_figure import axis_figure
from analysis.report.claim_files.figures import draw_claims
from analysis.report.drawing import files as figure_files
from analysis.report.drawing.fit import fit
from analysis.report.drawing.size import ONE_COLUMN, TWO_COLUMNS, FigureSize, length
from analysis.report.epoch_figure import epoch_figure
from analysis.report.figure_style import figure_style
from analysis.report.figures import draw_figures, files_with_gallery
from analysis.report.surface.errors import surfaces
from analysis.report.surface.figure import surface_figure
from analysis.tables.along_axes import FROZEN, freezing_wise
from sweeps.errors import InputError
from sweeps.spec import RunSpec
from sweeps.sweep import parse
from tests.analysis.report.drawing.boxes import faults
from tests.analysis.store_factory import finished, planned

ROOT = Path(__file__).parents[4]
GOLDEN = ROOT / "tests" / "golden"
SIZES = (ONE_COLUMN, TWO_COLUMNS)
WIDTHS_AND_SIZES = """
name: widths-and-sizes
about: A made-up sweep along three axes.
base:
  source: {task: "glyphs[A-Z]", size: 3000}
  target: {task: digits, size: 1000, label_noise: 0.3}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: 1500}
axes:
  transfer.frozen: [0, 3, 6, 8, 9, 10, 11, 12, 13]
  seed: 0..1
blocks:
  - axes: {model.width: [2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64], seed: 0..1}
  - axes: {target.size: [100, 150, 200, 700, 1000], transfer.frozen: [0, 4], seed: 0..1}
"""


def along_width(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A peak at width 8 and at frozen = 10; the epoch-wise one where little is frozen. Errors near 1 at first."""
    rng = np.random.default_rng([spec.seed, spec.transfer.frozen, spec.model.width or 0, spec.target.size])
    width, frozen = spec.model.width or 1, spec.transfer.frozen
    level = 0.2 + 0.1 * np.exp(-(((np.log2(width) - 3) / 0.8) ** 2)) + 0.06 * np.exp(-(((frozen - 10) / 1.5) ** 2))
    bump = 0.08 * np.exp(-((np.log(epochs / 80) / 0.5) ** 2)) if frozen < 11 else 0.0
    test = level + 0.6 * np.exp(-epochs / 3) + bump + 0.003 * rng.standard_normal(len(epochs))
    train = (0.0 if frozen < 11 and width >= 8 else 0.12) + 0.7 * np.exp(-epochs / (4 + frozen))
    return np.clip(test + 0.004 * rng.standard_normal(), 0, 1), np.clip(train, 0.0, 1.0)


@pytest.fixture(scope="module")
def golden() -> LoadedSweep:
    return fl.load(GOLDEN / "sweep.yaml", GOLDEN / "store")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> LoadedSweep:
    store = tmp_path_factory.mktemp("store")
    _, runs = planned(WIDTHS_AND_SIZES, store)
    for spec in runs.values():
        finished(store, spec, along_width)
    return fl.load(parse(WIDTHS_AND_SIZES), store)


def points(line: Line2D) -> np.ndarray:
    """(points, 2) as drawn."""
    return np.asarray(line.get_xydata(), dtype=np.float64)


def figures(sweep: LoadedSweep, size: FigureSize) -> Iterator[tuple[str, Figure]]:
    """Every figure of a sweep, laid out; of those with a single panel the first two."""
    made: list[tuple[str, Callable[[], Figure]]] = []
    single = 0
    for each in sweep.axis_verdicts:
        single += len(each.group.values) == 1
        if len(each.group.values) == 1 and single > 2:
            continue  # one panel of learning curves, as the two before
        name = f"{each.group.axis}, {each.group.label}"
        if len(each.group.values) > 1:
            made.append((f"final, {name}", lambda each=each: axis_figure(sweep.tables, each, size)))
        made.append((f"epochs, {name}", lambda each=each: epoch_figure(sweep.tables, each, size)))
    for surface in surfaces(sweep.tables, sweep.axis_verdicts):
        made.append((f"surface, {surface.group.label}", lambda surface=surface: surface_figure(surface, size)))
    for name, draw in made:
        with figure_style(size):
            figure = draw()
            fit(figure)
            yield name, figure


@pytest.mark.parametrize(
    ("sweep", "size"),
    [*((sweep, size) for sweep in ("golden", "wide") for size in SIZES), ("golden", FigureSize(5.5, 9))],
    ids=str,
)
def test_no_label_lies_on_another_on_an_axis_or_outside(
    sweep: str, size: FigureSize, request: pytest.FixtureRequest
) -> None:
    found = {name: faults(figure) for name, figure in figures(request.getfixturevalue(sweep), size)}
    assert len(found) >= (3 if sweep == "golden" else 9)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_a_label_over_an_axis_is_found(golden: LoadedSweep) -> None:
    with figure_style():
        figure = axis_figure(golden.tables, freezing_wise(golden.tables)[0])
        fit(figure)
        assert faults(figure) == []
        axes = figure.axes[0]
        axes.text(0.0, 0.1, "second minimum", transform=axes.transAxes, ha="center")
        axes.text(0.5, 0.5, "in the panel", transform=axes.transAxes)
        axes.text(0.52, 0.5, "over it", transform=axes.transAxes)
        axes.text(-0.5, 0.5, "outside", transform=axes.transAxes)
        wrong = faults(figure)
    assert "'second minimum' lies on a panel" in wrong and "'outside' leaves the figure" in wrong
    assert "'in the panel' and 'over it' overlap" in wrong


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_size_is_what_was_asked_and_no_text_is_too_small_to_print(golden: LoadedSweep, size: FigureSize) -> None:
    for _, figure in figures(golden, size):
        assert figure.get_figwidth() == size.width
        sizes = {label.get_fontsize() for axes in figure.axes for label in (axes.xaxis.label, axes.title)}
        assert sizes <= {size.font, 0.875 * size.font}
        assert figure.get_suptitle() == ""


def test_the_axis_says_in_which_direction_a_verdict_is_read(golden: LoadedSweep, wide: LoadedSweep) -> None:
    with figure_style():
        frozen = axis_figure(golden.tables, golden.axis_verdicts[0])
        widths = next(each for each in wide.axis_verdicts if each.group.axis == "model.width")
        width = axis_figure(wide.tables, widths)
    said = frozen.axes[0].get_xlabel().replace("\N{NO-BREAK SPACE}", " ")
    assert said == "frozen units (more transferred and kept →)\nread ← from 13 = head only"
    assert width.axes[0].get_xlabel() == "width, read →"


def test_signs_of_the_verdict_lie_on_the_curve(golden: LoadedSweep) -> None:
    (along,) = [each for each in golden.axis_verdicts if each.group.axis == FROZEN]
    with figure_style():
        axes = axis_figure(golden.tables, along).axes[0]
    means = dict(zip(along.group.values.tolist(), (100 * along.test.mean(axis=0)).tolist(), strict=True))
    signs = {str(line.get_marker()): points(line)[0] for line in axes.lines if line.get_marker() in ("v", "^", "s")}
    assert {mark: float(xy[0]) for mark, xy in signs.items()} == {"v": 13.0, "^": 11.0, "s": 0.0}
    for xy in signs.values():
        assert float(xy[1]) == pytest.approx(means[float(xy[0])])
    with figure_style():
        panels = epoch_figure(golden.tables, along).axes
    curve = next(line for line in panels[0].lines if line.get_linestyle() == "-" and len(points(line)) > 10)
    x, y = points(curve).T
    peak = next(points(line)[0] for line in panels[0].lines if line.get_marker() == "^")
    assert float(peak[1]) == pytest.approx(float(np.interp(np.log(peak[0]), np.log(x), y)))


@pytest.fixture(scope="module")
def drawn(golden: LoadedSweep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    files_with_gallery("golden", draw_figures(golden.tables, golden.axis_verdicts, out, size=ONE_COLUMN), out)
    return out / "figures"


def test_fonts_are_embedded(drawn: Path) -> None:
    pictures = sorted(drawn.glob("*.pdf"))
    assert len(pictures) == 3
    for path in pictures:
        content = path.read_bytes()
        fonts = re.findall(rb"/BaseFont /[A-Z]{6}\+([\w-]+)", content)
        assert set(fonts) == {b"DejaVuSans"}, path
        assert b"/FontFile2" in content and b"/CIDFontType2" in content and b"/Type3" not in content, path
    for path in drawn.glob("*.svg"):
        text = path.read_text()
        assert "<text" not in text and 'id="DejaVuSans-' in text, path  # outlines: no font is needed


def test_a_caption_stands_beside_each_figure(drawn: Path) -> None:
    caption = (drawn / "final_by_frozen_resnet14-w8.txt").read_text()
    assert "Freezing-wise: double descent" in caption and "n = 3" in caption and "head only" in caption
    latex = (drawn / "final_by_frozen_resnet14-w8.tex").read_text()
    assert r"\includegraphics[width=3.25in, " in latex and "{final_by_frozen_resnet14-w8.pdf}" in latex
    assert r"\caption{resnet14-" in latex and r"5 \%" in latex and r"\label{fig:final_by_frozen_resnet14-w8}" in latex


def test_the_gallery_shows_every_figure_and_asks_for_nothing_else(drawn: Path) -> None:
    page = (drawn / "gallery.html").read_text()
    shown = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert set(shown) == {path.name for path in drawn.iterdir()} - {"gallery.html"} - {
        path.name for path in drawn.glob("*.txt")
    }
    assert page.count("<figure>") == 3 and "Freezing-wise: double descent" in page and "//" not in page


def test_a_users_settings_change_nothing(drawn: Path, golden: LoadedSweep, tmp_path: Path) -> None:
    theirs = {"font.size": 20, "font.family": "serif", "pdf.fonttype": 3, "figure.dpi": 30, "savefig.bbox": "tight"}
    theirs |= {"axes.grid": True, "figure.constrained_layout.use": False, "svg.fonttype": "none"}
    with matplotlib.rc_context(theirs):  # type: ignore[arg-type]
        draw_figures(golden.tables, golden.axis_verdicts, tmp_path, size=ONE_COLUMN)
    for path in (tmp_path / "figures").iterdir():
        assert path.read_bytes() == (drawn / path.name).read_bytes(), path.name


def test_figures_of_claims_have_no_overlap(wide: LoadedSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Figure] = []
    monkeypatch.setattr(figure_files, "fit", lambda figure: (fit(figure), kept.append(figure)))
    files = draw_claims({"wide": wide.tables}, {"wide": freezing_wise(wide.tables)}, {"wide": ()}, tmp_path)
    assert {path.name.split(".")[0] for path in files} >= {"claim_C1", "claim_C3"} and len(kept) * 5 == len(files)
    for figure in kept:
        with figure_style():
            assert faults(figure) == []


@pytest.mark.parametrize("width", ["3.25in", "6.75in"])
def test_a_plot_for_a_paper_goes_on_and_is_saved(golden: LoadedSweep, width: str, tmp_path: Path) -> None:
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    axes = fl.plot(golden, axis="epoch", where={"transfer.frozen": 3}, width=width)
    axes.axhline(10.0)
    axes.set_ylabel("test error of handwritten digits in per cent, on clean labels")
    files = fl.save_figure(axes.figure, tmp_path / "one", "What it shows: 5 % & more.")  # pyright: ignore
    assert [path.name for path in files] == ["one.png", "one.pdf", "one.svg", "one.txt", "one.tex"]
    assert axes.get_title() == "" and faults(axes.figure) == []  # pyright: ignore[reportArgumentType]
    assert b"/FontFile2" in files[1].read_bytes() and files[3].read_text() == "What it shows: 5 % & more.\n"
    pyplot.close("all")
    every = fl.plot(golden, axis="epoch", width=width, font=7)
    fl.save_figure(every.figure, tmp_path / "all")  # pyright: ignore[reportArgumentType]
    assert faults(every.figure) == []  # pyright: ignore[reportArgumentType]
    pyplot.close("all")


def test_lengths_and_sizes_that_are_not_allowed_are_one_line() -> None:
    assert [length(text) for text in ("5.5in", "2.54cm", " 25.4 mm", "72.27pt")] == pytest.approx([5.5, 1, 1, 1])
    for refused in (lambda: length("5.5"), lambda: length("-3in"), lambda: FigureSize(1.0), lambda: FigureSize(5, 30)):
        with pytest.raises(InputError, match="allowed") as told:
            refused()
        assert "\n" not in str(told.value)
