"""The commands `detect` (anybody's curves to verdicts) and `score` (the detector on curves of known
truth)."""

from __future__ import annotations

import json as json_format
import sys
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from analysis.detector.descent import Axis
from analysis.detector.descent import detect as detect_curve
from analysis.detector.verdict import Point, Verdict
from analysis.logs.columns import CurveError
from analysis.logs.ingest import Curves, Run, read_curves
from analysis.statistics.multiplicity import benjamini_hochberg

BAD_INPUT = 2


def detect(
    curves: Annotated[Path, typer.Argument(help="Long CSV, W&B export, Lightning or TensorBoard folder.")],
    json: Annotated[bool, typer.Option("--json", help="Print the verdicts as a JSON list.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Save a picture with the verdicts drawn in.")] = None,
    metric: Annotated[str | None, typer.Option(help="Column of the test error or accuracy.")] = None,
    x: Annotated[str | None, typer.Option(help="Column of the axis; epoch or step by default.")] = None,
    axis: Annotated[str, typer.Option(help="epoch, frozen, width, size or depth.")] = "epoch",
) -> None:
    """Call the shape of test-error curves: monotone, u_shaped, plateau, double_descent or unstable."""
    try:
        if axis not in get_args(Axis):
            raise CurveError(f"axis: {axis!r}; allowed are {', '.join(get_args(Axis))}")
        read = read_curves(curves, metric=metric, x=x or (axis if axis != "epoch" else None))
        verdicts = [_verdict(run, axis) for run in read.runs]
        if plot is not None:
            _save(plot, read, verdicts, axis)
    except CurveError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        raise typer.Exit(BAD_INPUT) from None
    for note in read.notes:
        print(note, file=sys.stderr)
    if json:
        print(json_format.dumps([v.as_json(r.name) for r, v in zip(read.runs, verdicts, strict=True)], indent=1))
    else:
        Console().print(_table(read.runs, verdicts, axis))


def score(
    cells: Annotated[int, typer.Option(min=1, help="Cells for each number of seeds.")] = 10_000,
    seeds: Annotated[list[int] | None, typer.Option(help="Seeds per cell; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Of the drawn curves.")] = 0,
    rivals: Annotated[bool, typer.Option(help="Score the rivals on the same curves.")] = True,
    out: Annotated[Path | None, typer.Option(help="Also write the tables to this Markdown file.")] = None,
    axis: Annotated[str, typer.Option(help="epoch, or short: width, size, frozen and depth.")] = "epoch",
) -> None:
    """Score the detector and its rivals on synthetic curves of known truth, with 95 % intervals."""
    from analysis.scoring.power import lines as power_lines
    from analysis.scoring.score import lines
    from analysis.scoring.score import score as run_score

    if axis not in ("epoch", "short"):
        print(f"axis: {axis!r}; allowed are epoch, short", file=sys.stderr)
        raise typer.Exit(BAD_INPUT)
    blocks = []
    if axis == "short":
        from analysis.scoring.short_score import lines as short_lines
        from analysis.scoring.short_score import power_rows, score_short

        for number in seeds or [1, 5]:
            blocks.append("\n".join(short_lines(score_short(cells, number, seed))))
            if rivals:
                blocks.append("\n".join(power_rows(max(cells // 4, 64), number, seed + 1)))
            print("\n\n".join(blocks[-2 if rivals else -1 :]), end="\n\n", flush=True)
    for number in (seeds or [1, 5]) if axis == "epoch" else []:
        blocks.append("\n".join(lines(run_score(cells, number, seed, rivals=rivals))))
        print(blocks[-1], end="\n\n", flush=True)
    if axis == "epoch":
        blocks.append("power of the rotation test at 0.05\n\n" + "\n".join(power_lines()))
        print(blocks[-1], flush=True)
    if out is not None:
        out.write_text("\n\n".join(blocks) + "\n")


def _verdict(run: Run, axis: str) -> Verdict:
    try:
        chosen: Axis = axis  # pyright: ignore[reportAssignmentType]  # checked by the caller
        return detect_curve(run.x, run.errors, train_errors=run.train_errors, axis=chosen)
    except ValueError as error:
        raise CurveError(f"run {run.name}: {error}") from None


def _save(plot: Path, read: Curves, verdicts: list[Verdict], axis: str) -> None:
    from analysis.logs.plot import save

    try:
        drawn = save(plot, read.runs, verdicts, axis)
    except (ValueError, OSError) as error:
        raise CurveError(f"plot: {plot}: {error}") from None
    left = len(read.runs) - drawn
    read.notes.append(f"{plot}: {drawn} runs drawn" + (f", {left} left out" if left else ""))


def _table(runs: list[Run], verdicts: list[Verdict], axis: str) -> Table:
    table = Table(title=None)
    for column in (
        "run",
        "seeds",
        "shape",
        "strength",
        "first min",
        "peak",
        "second min",
        "prominence",
        "p",
        "q",
    ):
        table.add_column(column)
    p_values = np.array([np.nan if v.p_value is None else v.p_value for v in verdicts])
    for run, v, q in zip(runs, verdicts, benjamini_hochberg(p_values), strict=True):
        single = v.single_seed_significance
        p = f"{v.p_value:.3g}" if v.p_value is not None else "" if single is None else f"({single:.3g})"
        cells = [run.name, str(v.seeds), v.shape + (" (censored)" if v.censored else ""), v.strength or ""]
        cells += [_at(point) for point in (v.first_min, v.peak, v.second_min)]
        cells += [
            "" if v.prominence is None else f"{100 * v.prominence:.1f} %",
            p,
            "" if np.isnan(q) else f"{q:.3g}",
        ]
        table.add_row(*cells)
        if v.note:
            table.add_row("", "", v.note)
    table.caption = (
        f"error at {axis}; p: rotation test over three or more seeds, q: Benjamini-Hochberg over runs; "
        "(p): one seed, against its own noise only"
    )
    return table


def _at(point: Point | None) -> str:
    return "" if point is None else f"{100 * point.error:.1f} % @ {point.position:.4g}"


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(detect)
    app.command()(score)
    app()
