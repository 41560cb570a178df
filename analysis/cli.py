"""Command line of analysis: `python -m analysis tables | figures | report | summary | claims | detect | score`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from analysis.folders import made as _made
from analysis.folders import result_folder as _folder
from analysis.folders import settle as _settle
from analysis.folders import stored as _stored
from analysis.logs.command import detect, score
from analysis.more_sections import more_sections
from analysis.negative_transfer.command import negative_transfer
from sweeps.console import say_next
from sweeps.errors import run_command
from sweeps.store.location import is_usual

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="From files of results to tables, verdicts, figures and a page. Reads the store, never writes to it.",
)

SweepArgument = Annotated[str, typer.Argument(metavar="SWEEP", help="A sweep's file, or its name in the catalog.")]
StoreOption = Annotated[
    str,
    typer.Option(
        "--store", metavar="STORE", envvar="FROSTLINE_STORE", help="The results: a folder, or s3://BUCKET/PREFIX."
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="The folder to write to. [default: results/<sweep name>]")
]
DEFAULT_STORE = "store"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns its exit code: 2 with one line on standard error where the input is at fault."""
    return run_command(app, arguments)


def _names(text: str) -> list[str]:
    """`a, b` as a list."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _again(sweep: str, store: str) -> tuple[object, ...]:
    """The sweep and, where the next command would take another without it, the store."""
    return (sweep,) if is_usual(store) else (sweep, "--store", store)


@app.command(epilog="Example: frostline tables quickstart --columns final_test_error,verdict\n\nNext: frostline report")
def tables(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    out: OutOption = None,
    columns: Annotated[
        str, typer.Option("--columns", help="Of cells.tex: columns of the table cells, and verdict, with commas.")
    ] = "",
    beside: Annotated[
        str, typer.Option("--with", help="Fields that epochs carries, such as transfer.frozen,seed.")
    ] = "",
) -> None:
    """Epochs, runs, cells, verdicts as Parquet and CSV; for papers cells and verdicts as LaTeX, verdicts as Markdown.

    docs/tables.md has every column with its unit.
    """
    from analysis.overlay.recorded import write_theory_table
    from analysis.report.papers.cells import check_columns
    from analysis.report.surface.errors import surfaces
    from analysis.report.surface.files import write_surfaces
    from analysis.report.table_files import with_fields, write_tables, write_verdicts
    from analysis.tables.along_axes import along_every_axis

    chosen, carried = _names(columns), _names(beside)
    check_columns(chosen)
    with_fields(carried)
    stored = _stored(sweep, store)
    folder = _folder(stored, out)
    collected, files = write_tables(stored, folder, chosen, carried)
    along = along_every_axis(collected)
    files = (*files, *write_verdicts(collected, along, folder), *write_surfaces(surfaces(collected, along), folder))
    files = (*files, *write_theory_table(collected, folder))
    for path in files:
        print(path)
    _settle(folder, stored, files, drew_figures=False)
    say_next("report", *_again(sweep, store), why="one page with all of it")


@app.command(epilog="Example: frostline figures quickstart --width 3.25in --font 8\n\nNext: frostline report")
def figures(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    out: OutOption = None,
    width: Annotated[
        str, typer.Option("--width", help="Of a figure as it stands in the paper, such as 5.5in or 14cm.")
    ] = "6.75in",
    font: Annotated[
        float, typer.Option("--font", help="Of the axes' labels, points; other text is a little smaller.")
    ] = 8.0,
) -> None:
    """Learning curves and final errors of every group, along every axis that varies, for papers.

    PNG, PDF and SVG with embedded fonts without a title; captions beside, as text and LaTeX; gallery.html shows all.
    """
    from analysis.report.drawing.size import FigureSize, length
    from analysis.report.figures import draw_figures, files_with_gallery
    from analysis.tables.along_axes import along_every_axis
    from analysis.tables.collect import collect

    size = FigureSize(length(width), font)
    stored = _stored(sweep, store)
    folder = _folder(stored, out)
    collected = collect(stored)
    drawn = draw_figures(collected, along_every_axis(collected), folder, most=None, size=size)
    files = files_with_gallery(stored.record.name, drawn, folder)
    for path in files:
        print(path)
    _settle(folder, stored, files)
    say_next("report", *_again(sweep, store), why="one page with all of it")


@app.command(epilog="Example: frostline report quickstart --out page.html\n\nNext: frostline claims")
def report(
    sweep: SweepArgument,
    store: StoreOption = DEFAULT_STORE,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page to write. [default: results/<sweep name>/report.html]")
    ] = None,
) -> None:
    """One self-contained HTML page: the finding, claims, maps, tables of cells and runs, every curve on demand."""
    from analysis.claims.decide import all_claims
    from analysis.report.page import write_report
    from analysis.report.page.progress import Steps
    from analysis.report.surface.errors import surfaces
    from analysis.tables.along_axes import along_every_axis
    from analysis.tables.collect import collect
    from analysis.tables.load import StoreError

    if out is not None and out.is_dir():
        raise StoreError(f"--out {out}: a folder; a file such as {out / 'report.html'} is allowed")
    with Steps(6) as step:
        step("reading results")
        stored = _stored(sweep, store)
        folder = _folder(stored, None if out is None else out.parent)
        step(f"reading curves of {len(stored.runs):,} runs, judging cells")
        collected = collect(stored)
        step("verdicts along axes")
        verdicts = along_every_axis(collected)
        step("verdicts at shorter budgets")
        found = surfaces(collected, verdicts)
        step("claims")
        claimed = all_claims(collected, along=verdicts)
        more, added = more_sections(collected, folder)
        step("writing the page")
        page = write_report(collected, verdicts, claimed, out or folder / "report.html", more, added, found)
    print(page)
    _settle(folder, stored, [*added, page], drew_figures=False)
    say_next("claims", *_again(sweep, store), why="the tests behind the claims")


@app.command(epilog="Example: frostline summary quickstart\n\nNext: frostline publish")
def summary(sweep: SweepArgument, store: StoreOption = DEFAULT_STORE, out: OutOption = None) -> None:
    """Tables, figures and the page, and what they say in a few lines."""
    from analysis.claims.decide import all_claims
    from analysis.report.figures import briefly, draw_figures, files_with_gallery
    from analysis.report.page import write_report
    from analysis.report.summary import print_summary
    from analysis.report.surface.errors import surfaces
    from analysis.report.surface.files import write_surfaces
    from analysis.report.table_files import write_tables, write_verdicts
    from analysis.tables.along_axes import along_every_axis

    stored = _stored(sweep, store)
    folder = _folder(stored, out)
    collected, files = write_tables(stored, folder)
    verdicts = along_every_axis(collected)
    over_epochs = surfaces(collected, verdicts)
    files = (*files, *write_verdicts(collected, verdicts, folder), *write_surfaces(over_epochs, folder))
    drawn = draw_figures(collected, verdicts, folder, found=over_epochs)
    found = all_claims(collected, along=verdicts)
    more, added = more_sections(collected, folder)
    files = (*files, *files_with_gallery(stored.record.name, drawn, folder), *added)
    page = write_report(collected, verdicts, found, folder / "report.html", more, files, over_epochs)
    files = (*files, page)
    print_summary(collected, verdicts, found, briefly(files))
    _settle(folder, stored, files, drew_figures=len(drawn) == sum(each.replicates > 0 for each in verdicts))
    say_next("publish", *_again(sweep, store), why="to Weights & Biases")


@app.command(epilog="Example: frostline claims quickstart --json\n\nNext: frostline tables")
def claims(
    sweeps: Annotated[list[str], typer.Argument(metavar="SWEEP...", help="Files, or names in the catalog.")],
    store: StoreOption = DEFAULT_STORE,
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects, one per claim and sweep.")] = False,
    related: Annotated[
        str, typer.Option("--related", help="Source tasks from the most to the least related, with ; between them.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder for the claims table and a figure of each claim.")
    ] = None,
) -> None:
    """Whether sweeps support, contradict or leave undecided each of the claims C1 to C4.

    Of one sweep every test is told. Of several, or with --out, a table: a line per claim, sweep and family.
    """
    from analysis.report.claim_files.command import decide, print_table, print_tests, write

    order = [name.strip() for name in related.split(";") if name.strip()]
    found = decide([_stored(sweep, store) for sweep in sweeps], order)
    if as_json:
        print(json.dumps(found.as_json(), indent=1, allow_nan=False))
    elif len(sweeps) == 1 and out is None:
        print_tests(found)
    else:
        print_table(found)
    if out is not None:
        for path in write(found, _made(out)):
            print(path, file=sys.stderr if as_json else sys.stdout)
    if len(sweeps) == 1 and not as_json:
        say_next("tables", *_again(sweeps[0], store), why="the numbers as files")


app.command(epilog="Example: frostline negative-transfer partial_transfer_theory\n\nNext: frostline report")(
    negative_transfer
)
app.command(
    epilog="Example: frostline detect curves.csv --plot verdicts.png\n\nNext: frostline detect --plot, or --out"
)(detect)
app.command(epilog="Example: frostline score --cells 1000 --seeds 5\n\nNext: frostline detect")(score)
