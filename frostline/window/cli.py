"""The commands that need both halves: `publish` sends what analysis makes of what the orchestrator has run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import Project
from orchestrator.store_commands import DEFAULT_STORE, StoreOption

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Sweep = Annotated[str, typer.Argument(metavar="SWEEP", help="a sweep's YAML file, or its name in sweeps/catalog")]


@app.command(epilog="Example: frostline publish quickstart --wandb-project letters\n\nNext: frostline report --wandb")
def publish(
    sweep: Sweep,
    store: StoreOption = DEFAULT_STORE,
    wandb_project: Project = "frostline",
    offline: Annotated[
        bool, typer.Option("--offline", help="write files that `wandb sync` sends later, in STORE/wandb")
    ] = False,
) -> None:
    """Send to W&B what of a sweep is not there yet: its runs, then one run with its tables, figures, page and files.

    Exit code 1 where something has not arrived; the same command goes on.
    """
    from frostline.window.publish import publish_sweep

    raise typer.Exit(publish_sweep(sweep, store, wandb_project, "offline" if offline else "online"))


@app.command(epilog="Example: frostline report quickstart --wandb\n\nNext: frostline claims")
def report(
    sweep: Sweep,
    store: StoreOption = DEFAULT_STORE,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page to write. [default: results/<sweep name>/report.html]")
    ] = None,
    wandb: Annotated[bool, typer.Option("--wandb", help="a W&B report too, once the runs are published")] = False,
    wandb_project: Project = "frostline",
    no_send: Annotated[bool, typer.Option("--no-send", help="build the W&B report, and send it nowhere")] = False,
) -> None:
    """One self-contained HTML page with the tables, the figures and the verdicts.

    With --wandb a report on W&B says the same, finding first, with live panels: its specification is written beside
    the page as report.wandb.json, and it is saved on the server, in the place of the one before. Exit code 1 where it
    has not arrived there.
    """
    if not wandb:
        from analysis.cli import report as page_alone

        page_alone(sweep, store, out)
        return
    from frostline.window.report_command import report_sweep

    raise typer.Exit(report_sweep(sweep, store, out, wandb_project, send=not no_send))
