"""The command line of the orchestrator. Bad input ends with one line and exit code 2, before anything is launched."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from orchestrator.cli_errors import USAGE, clear_errors, complain
from orchestrator.plan_text import print_failures, print_plan
from orchestrator.runners.resources import check_address, check_resources
from orchestrator.schedule import launch_log
from orchestrator.schedule.forecast import forecast
from orchestrator.schedule.plan import Plan, make_plan
from orchestrator.store.ledger import Ledger
from orchestrator.store_commands import DEFAULT_STORE, gc, resolved, upgrade, verify
from sweeps.errors import SpecError
from sweeps.sweep import read

# typer brings its own copy of click or uses click's, by its version; the class has no public name in typer.
UsageError: type[typer.BadParameter] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)

Sweep = Annotated[str, typer.Argument(help="a sweep's YAML file, or its name in sweeps/catalog")]
Store = Annotated[Path, typer.Option(help="folder of results", envvar="FROSTLINE_STORE")]
Workers = Annotated[int | None, typer.Option(min=1, help="runs at a time; default: all cores")]
AsJson = Annotated[bool, typer.Option("--json", help="machine-readable output")]


def _finite(value: float) -> float:
    if not math.isfinite(value):  # `min=0` lets nan through
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


@app.command()
def plan(
    sweep: Sweep,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
    workers: Workers = None,
    gpus: Annotated[bool, typer.Option("--gpus", help="forecast for workers with a GPU")] = False,
) -> None:
    """Show what a sweep asks for, what of it the store holds, and what the rest will take. Launches nothing."""
    with clear_errors():
        made, _ = _planned(sweep, store)
        print_plan(made, forecast(made, workers or os.cpu_count() or 1, gpus), None, as_json)


@app.command()
def status(
    sweep: Sweep,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
    failed: Annotated[bool, typer.Option("--failed", help="list failed runs with the reason and the file")] = False,
    workers: Workers = None,
) -> None:
    """Show how far a sweep is, and the time that is left."""
    with clear_errors():
        made, ledger = _planned(sweep, store)
        if failed:
            print_failures(made, ledger)
        else:
            running = sum(status == "running" for status in made.statuses.values())
            left = forecast(made, workers or running or os.cpu_count() or 1)
            print_plan(made, left, launch_log.last(ledger, made.sweep.name), as_json)


@app.command()
def run(
    sweep: Sweep,
    store: Store = DEFAULT_STORE,
    runner: Annotated[Literal["ray", "local"], typer.Option(help="a Ray cluster, or this process alone")] = "ray",
    address: Annotated[str, typer.Option(help="of a running Ray cluster, or 'local' to start one here")] = "local",
    workers: Workers = None,
    gpus_per_run: Annotated[
        float, typer.Option(min=0, callback=_finite, help="share of a GPU that each run takes; 0 runs on CPU")
    ] = 0.0,
    threads_per_run: Annotated[int, typer.Option(min=1, help="CPU threads of each run")] = 1,
    wandb: Annotated[Literal["offline", "online", "disabled"], typer.Option(help="Weights & Biases")] = "offline",
    wandb_project: Annotated[str, typer.Option(help="W&B project")] = "frostline",
) -> None:
    """Run what is missing. The same command resumes, retries and extends a sweep."""
    with clear_errors():
        here = runner == "local" or address == "local"
        check_address(address)
        check_resources(gpus_per_run, threads_per_run, on_this_machine=here, in_this_process=runner == "local")
        made, ledger = _planned(sweep, store, thorough=True)
        console = Console()
        ledger.open()
        ledger.save_sweep(made.record())
        if not made.open_runs and not made.open_sources:
            console.print(f"{made.sweep.name}: nothing to do, all {len(made.runs)} runs are in {store}")
            return
        from orchestrator.launch import Launch, launch, workers_of

        how = Launch(runner, address, workers, gpus_per_run, threads_per_run, wandb, wandb_project)
        print_plan(made, forecast(made, workers_of(how), gpus_per_run > 0), None, as_json=False)
        raise typer.Exit(launch(made, ledger, how, console))


@app.command()
def publish(
    sweep: Sweep,
    store: Store = DEFAULT_STORE,
    wandb_project: Annotated[str, typer.Option(help="W&B project")] = "frostline",
) -> None:
    """Send to W&B what of a sweep is not there yet, from the store."""
    with clear_errors():
        made, ledger = _planned(sweep, store)
        from orchestrator.tracking.publish import publish as replay
        from orchestrator.tracking.tracker import TrackingOptions

        jobs = (*made.sources.values(), *made.runs.values())
        results = [record for job in jobs if (record := ledger.result(job)) is not None]
        runs = [(record, ledger.curve(record)) for record in results]
        options = TrackingOptions(folder=ledger.layout.wandb, mode="online", project=wandb_project)
        report = replay(ledger.layout, runs, options, made.sweep.name)
        print(f"{report.published} published, {report.already} there already, {len(jobs) - len(runs)} without a result")
        for problem in report.problems:
            print(f"not published: {problem}", file=sys.stderr)
        if not report.complete:
            print(f"{report.not_tried} not tried; the same command goes on", file=sys.stderr)
            raise typer.Exit(1)


for command in (verify, gc, upgrade):
    app.command()(command)


def _planned(sweep: str, store: Path, thorough: bool = False) -> tuple[Plan, Ledger]:
    """Reads alone: an unusable store is refused before the seconds that planning takes, and none is made."""
    spec = read(sweep)
    ledger = Ledger(resolved(store))
    ledger.check()
    try:
        return make_plan(spec, ledger, thorough), ledger
    except SpecError as problem:
        raise SpecError(f"{sweep}: {problem}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns its exit code: 2 with one line on standard error where the input is at fault."""
    given = list(arguments) if arguments is not None else sys.argv[1:]
    try:
        code = app(given or ["--help"], standalone_mode=False)
    except UsageError as problem:
        complain(problem.format_message())
        return USAGE
    except typer.Abort:  # Ctrl-C while planning
        return 130
    return code if isinstance(code, int) else 0
