"""The commands `detect` (anybody's curves to verdicts) and `score` (the detector on curves of known
truth)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from analysis.logs.choices import AXIS_NAMES, Choices
from sweeps.console import columns, say_next, wrapped

BAD_INPUT = 2
SOME_REFUSED = 1


def detect(
    curves: Annotated[
        list[Path],
        typer.Argument(
            help="Files, folders or quoted patterns: CSV and other text, JSON, .npy, .npz, Parquet, TensorBoard, "
            "Lightning, W&B, MLflow, trackio."
        ),
    ],
    axis: Annotated[str | None, typer.Option(help=f"{', '.join(AXIS_NAMES)}. [default: that of --x, or epoch]")] = None,
    x: Annotated[str | None, typer.Option(help="Column of the axis. [default: the axis's name, or step]")] = None,
    metric: Annotated[str | None, typer.Option(help="Column of the test error, accuracy or loss.")] = None,
    better: Annotated[
        str | None, typer.Option(help="high or low: which way the metric is better, if its name does not tell.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="fraction or percent, if neither name nor values tell.")] = None,
    rule: Annotated[str, typer.Option(help="error, or loss: a loss is judged in its own unit.")] = "error",
    run: Annotated[
        list[str] | None,
        typer.Option(help="Column that names the run (may be repeated), or a quoted pattern: one run per column."),
    ] = None,
    seed: Annotated[
        str | None,
        typer.Option(help="Column of the seed; file: one seed per file; or a quoted pattern: one seed per column."),
    ] = None,
    at: Annotated[
        float | None, typer.Option(help="Epoch that stands for each model along --axis width and the like.")
    ] = None,
    last: Annotated[int | None, typer.Option(help="So many last epochs of each model are averaged instead.")] = None,
    axes: Annotated[str, typer.Option(help="What the axes of a NumPy array are, such as seed,epoch.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the verdicts as a JSON list.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Save a picture with the verdicts drawn in.")] = None,
    out: Annotated[Path | None, typer.Option(help="Save a table: .csv, .parquet, .json or .md.")] = None,
    sensitivity: Annotated[bool, typer.Option(help="Judge under other settings too: the share that agrees.")] = False,
) -> None:
    """Call the shape of test-error curves: monotone, u_shaped, plateau, double_descent or unstable.

    Exit code 0: every run was judged; 1: some were refused, each named on standard error; 2: none was judged.
    """
    from analysis.logs.ingest import read_curves
    from analysis.logs.judge import judged
    from analysis.logs.plot import check_picture, save
    from analysis.logs.readers.table import CurveError
    from analysis.logs.show import as_json, as_text, check_table, write_table

    said: list[str] = []
    try:
        choices = Choices(
            axis=axis, x=x, metric=metric, better=cast(Any, better), unit=cast(Any, unit), rule=cast(Any, rule),
            run=tuple(run or ()), seed=seed, at=at, last=last,
            axes=tuple(name.strip() for name in axes.split(",") if name.strip()),
        )  # fmt: skip
        if out is not None:
            check_table(out)
        if plot is not None:
            check_picture(plot)
        read = read_curves(curves, choices=choices)
        found = judged(read, sensitivity=sensitivity)
        refused = [*read.refused, *found.refused]
        if not found.runs:
            more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
            raise CurveError(refused[0] + more)
        if plot is not None:
            drawn = save(plot, found.runs, found.verdicts, read.axis, read.loss)
            left = len(found.runs) - drawn
            said.append(f"{plot}: {drawn} runs drawn" + (f", {left} left out" if left else ""))
        if out is not None:
            write_table(out, found)
            said.append(f"{out}: {len(found.runs)} runs")
    except CurveError as error:
        _print(f"error: {error}", sys.stderr)
        raise typer.Exit(BAD_INPUT) from None
    for note in [*read.notes, *said]:
        _print(note, sys.stderr)
    for line in refused:
        _print(f"error: {line}", sys.stderr)
    _print(as_json(found) if json else as_text(found, read.axis, read.loss), sys.stdout)
    if not json and plot is None and len(curves) == 1:
        say_next("detect", *curves, "--plot", "verdicts.png", why="a picture with the verdicts drawn in")
    if refused:
        raise typer.Exit(SOME_REFUSED)


def _print(text: str, stream: Any) -> None:
    """A line of messages as one line; and what the stream's encoding lacks as an escape."""
    if stream is sys.stderr:
        from analysis.logs.readers.table import visible

        text = "\n".join(wrapped(visible(" ".join(text.split())), columns(stream)))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def score(
    cells: Annotated[int, typer.Option(min=1, help="Cells for each number of seeds.")] = 10_000,
    seeds: Annotated[list[int] | None, typer.Option(min=1, help="Seeds per cell; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the drawn curves.")] = 0,
    rivals: Annotated[bool, typer.Option(help="Score the rivals on the same curves.")] = True,
    out: Annotated[Path | None, typer.Option(help="Also write the tables to this Markdown file.")] = None,
    axis: Annotated[str, typer.Option(help="epoch; short: width, size, frozen and depth; or held-out.")] = "epoch",
) -> None:
    """Score the detector and its rivals on synthetic curves of known truth, with 95 % intervals."""
    from analysis.scoring.power import lines as power_lines
    from analysis.scoring.score import lines
    from analysis.scoring.score import score as run_score

    if axis not in ("epoch", "short", "held-out"):
        print(f"axis: {axis!r}; allowed are epoch, short, held-out", file=sys.stderr)
        raise typer.Exit(BAD_INPUT)
    blocks = []
    if axis == "short":
        from analysis.scoring.short_score import lines as short_lines
        from analysis.scoring.short_score import noise_row, power_rows, score_short

        for number in seeds or [1, 5]:
            rows = [*short_lines(score_short(cells, number, seed)), "", noise_row(cells, number, seed + 2)]
            blocks.append("\n".join(rows))
            if rivals:
                blocks.append("\n".join(power_rows(max(cells // 4, 64), number, seed + 1)))
            print("\n\n".join(blocks[-2 if rivals else -1 :]), end="\n\n", flush=True)
    if axis == "held-out":
        from analysis.scoring.short_score import lines as short_lines
        from analysis.scoring.short_score import score_held_out

        for name, tally in score_held_out(seed, cells).items():
            blocks.append(name + "\n\n" + "\n".join(short_lines(tally)))
            print(blocks[-1], end="\n\n", flush=True)
    for number in (seeds or [1, 5]) if axis == "epoch" else []:
        blocks.append("\n".join(lines(run_score(cells, number, seed, rivals=rivals))))
        print(blocks[-1], end="\n\n", flush=True)
    if axis == "epoch":
        blocks.append("power of the rotation test at 0.05\n\n" + "\n".join(power_lines()))
        print(blocks[-1], flush=True)
    if out is not None:
        out.write_text("\n\n".join(blocks) + "\n")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(detect)
    app.command()(score)
    app()
