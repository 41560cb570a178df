"""The command line of the orchestrator. Bad input ends with one line and exit code 2, before anything is launched."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from orchestrator import store_copy
from orchestrator.features.ranking_file import prefer_ranked
from orchestrator.output import LastingConsole, unread_is_no_error
from orchestrator.plan_text import print_plan
from orchestrator.run_commands import State, cancel_sweep, rerun, reset_sweep, show
from orchestrator.runners.limits import usable_cores
from orchestrator.runners.resources import check_address, check_resources
from orchestrator.schedule import launch_log
from orchestrator.schedule.forecast import forecast
from orchestrator.schedule.plan import Plan, planned, save_record
from orchestrator.schedule.plan_warnings import missing, warnings_of
from orchestrator.screen import obstacles, watching
from orchestrator.screen.overview import status_forecast, status_lines
from orchestrator.screen.question import ASK_ABOVE, confirmed
from orchestrator.store import weight_paths
from orchestrator.store.ledger import Ledger
from orchestrator.store_commands import DEFAULT_STORE, StoreOption, Typed, gc, ledger_at, upgrade, verify
from orchestrator.tracking.project import project_problem
from sweeps.console import say, say_lines, say_next
from sweeps.errors import NOT_ALL_DONE, SpecError, run_command
from tasks import contents_of

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)

Sweep = Annotated[str, typer.Argument(help="a sweep's YAML file, or its name in sweeps/catalog")]
Workers = Annotated[int | None, typer.Option(min=1, help="runs at a time; default: all cores it may use")]
Prefer = Annotated[
    Literal["longest", "ranked"],
    typer.Option(help="what is begun first: long runs, or runs of the sources that `frostline rank` puts first"),
]
AsJson = Annotated[bool, typer.Option("--json", help="machine-readable output")]


def _finite(value: float) -> float:
    if not math.isfinite(value):  # `min=0` lets nan through
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


def _project(name: str) -> str:
    problem = project_problem(name)
    if problem is not None:
        raise typer.BadParameter(problem)
    return name


Project = Annotated[str, typer.Option(callback=_project, help="W&B project")]


@app.command(epilog="Example: frostline plan quickstart --workers 8\n\nNext: frostline run")
def plan(
    sweep: Sweep,
    store: StoreOption = DEFAULT_STORE,
    as_json: AsJson = False,
    workers: Workers = None,
    gpus: Annotated[bool, typer.Option("--gpus", help="forecast for workers with a GPU")] = False,
    prefer: Prefer = "longest",
) -> None:
    """Show what a sweep asks for, what of it the store holds, and what the rest will take. Launches nothing."""
    made, ledger = _planned(sweep, store)
    order = prefer_ranked(made, ledger, Typed(sweep, store).command("rank")) if prefer == "ranked" else []
    left = forecast(made, workers or usable_cores(), gpus)
    print_plan(made, left, ledger, as_json, warnings_of(made, ledger), order=order)
    if not as_json:
        say_next(*Typed(sweep, store).words("run" if left.runs + left.sources else "summary"))


@app.command(
    epilog="Example: frostline status quickstart --watch\n\nNext: frostline summary, or run where runs are missing"
)
def status(
    sweep: Sweep,
    store: StoreOption = DEFAULT_STORE,
    as_json: AsJson = False,
    failed: Annotated[bool, typer.Option("--failed", help="list failed runs with the reason and the file")] = False,
    workers: Workers = None,
    watch: Annotated[bool, typer.Option("--watch", help="show it again and again until all is done")] = False,
    every: Annotated[float, typer.Option(min=0.1, callback=_finite, help="seconds between two looks of --watch")] = 2.0,
) -> None:
    """Show how far a sweep is, and the time that is left."""
    if watch and (as_json or failed):
        raise typer.BadParameter("--watch goes with neither --json nor --failed")
    made, ledger = _planned(sweep, store)

    def look() -> tuple[list[str], bool]:
        made.read_statuses(ledger)
        return status_lines(made, ledger, workers), not made.open_runs and not made.open_sources

    if failed and as_json:
        print(json.dumps(obstacles.failed_json(made, ledger)))
    elif failed:
        say_lines(obstacles.all_failed(made, ledger))
    elif watch:
        watching.watch(look, every, LastingConsole(highlight=False))
    elif as_json:
        past = launch_log.last(ledger, made.sweep.name)
        print_plan(made, status_forecast(made, workers), ledger, as_json, past=past)
    else:
        say_lines(status_lines(made, ledger, workers))
    if not as_json:
        say_next(*Typed(sweep, store).words("run" if made.open_runs or made.open_sources else "summary"))


@app.command(epilog="Example: frostline run my.yaml --store results --workers 4\n\nNext: frostline summary")
def run(
    sweep: Sweep,
    store: StoreOption = DEFAULT_STORE,
    runner: Annotated[Literal["ray", "local"], typer.Option(help="a Ray cluster, or this process alone")] = "ray",
    address: Annotated[str, typer.Option(help="of a running Ray cluster, or 'local' to start one here")] = "local",
    workers: Workers = None,
    gpus_per_run: Annotated[
        float, typer.Option(min=0, callback=_finite, help="share of a GPU that each run takes; 0 runs on CPU")
    ] = 0.0,
    threads_per_run: Annotated[int, typer.Option(min=1, help="CPU threads of each run")] = 1,
    wandb: Annotated[Literal["offline", "online", "disabled"], typer.Option(help="Weights & Biases")] = "offline",
    wandb_project: Project = "frostline",
    wandb_system: Annotated[
        bool, typer.Option("--wandb-system", help="W&B shows the machine's load too; needs --wandb online")
    ] = False,
    max_same_failure: Annotated[
        int, typer.Option(min=0, help="stop launching when so many jobs have failed alike; 0: never")
    ] = 5,
    prefer: Prefer = "longest",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="launch without a question")] = False,
    ask_above: Annotated[
        float, typer.Option(min=0, callback=_finite, help="hours of device time above which a person is asked")
    ] = ASK_ABOVE,
) -> None:
    """Run what is missing. The same command resumes, retries and extends a sweep."""
    check_address(address)
    here = runner == "local" or address == "local"
    check_resources(gpus_per_run, threads_per_run, on_this_machine=here, in_this_process=runner == "local")
    if wandb_system and wandb != "online":
        raise SpecError(f"--wandb-system: --wandb is {wandb}; allowed: online (others are written at a run's end)")
    made, ledger = _planned(sweep, store, thorough=True)
    for line in missing(made)[:1]:
        raise SpecError(f"{made.sweep.name}: {line}")
    made.check_files()
    made.check_weights(ledger.store)
    order = prefer_ranked(made, ledger, Typed(sweep, store).command("rank")) if prefer == "ranked" else []
    console = LastingConsole()
    ledger.open()
    save_record(made, ledger)
    ledger.save_contents(contents_of(job.spec for job in made.runs.values()))
    weight_paths.write(ledger.store, made.runs.values())
    if not made.open_runs and not made.open_sources:
        code = _nothing_to_do(made, ledger)
        say_next(*Typed(sweep, store).words("summary"))
        raise typer.Exit(code)
    from orchestrator.launch import Launch, launch

    how = Launch(
        runner,
        address,
        workers,
        gpus_per_run,
        threads_per_run,
        wandb,
        wandb_project,
        wandb_system,
        max_same_failure or None,
    )
    expected = forecast(made, how.expected_workers(), gpus_per_run > 0)
    with unread_is_no_error():
        print_plan(made, expected, ledger, as_json=False, warnings=warnings_of(made, ledger), order=order)
    if not confirmed(expected, ask_above, yes):
        print("nothing was launched")
        raise typer.Exit(NOT_ALL_DONE)
    code = launch(made, expected, ledger, how, Typed(sweep, store), console)
    if code == 0:
        say_next(*Typed(sweep, store).words("summary"))
    raise typer.Exit(code)


def _nothing_to_do(made: Plan, ledger: Ledger) -> int:
    """Say so; the exit code: 1 where runs have no result and cannot have one."""
    blocked = obstacles.blocked_lines(made)
    done = len(made.runs) - sum(map(len, made.blocked().values()))
    if not blocked:
        say(f"{made.sweep.name}: nothing to do, all {done} runs are in {ledger.location}")
        return 0
    say(f"{made.sweep.name}: nothing can be run; {done} of {len(made.runs)} runs are in {ledger.location}")
    say_lines(blocked)
    return NOT_ALL_DONE


@app.command(epilog="Example: frostline reset my.yaml --state failed --state diverged\n\nNext: frostline run")
def reset(
    sweep: Sweep,
    store: StoreOption = DEFAULT_STORE,
    state: Annotated[list[State] | None, typer.Option(help="which; default: failed. May be given again")] = None,
) -> None:
    """Forget what failed or diverged runs left (`missing`: what was begun), so that `run` begins them anew.

    Source models too. Everything is moved to the store's quarantine, from where `gc --delete` removes it.
    """
    made, ledger = _planned(sweep, store)
    reset_sweep(made, ledger, state or [State.failed])


@app.command(epilog="Example: frostline cancel my.yaml --state waiting\n\nNext: frostline run, which goes on")
def cancel(
    sweep: Sweep,
    store: StoreOption = DEFAULT_STORE,
    state: Annotated[
        Literal["running", "waiting"],
        typer.Option(help="running: all ends, with its epochs saved; waiting: what runs is finished, no more is begun"),
    ] = "running",
) -> None:
    """End the launches that run a sweep now, on whichever machine. `run` goes on later."""
    made, ledger = _planned(sweep, store)
    cancel_sweep(made, ledger, state)


app.command(epilog="Example: frostline show 1a2b --store store\n\nNext: frostline rerun")(show)
app.command(epilog="Example: frostline rerun 1a2b --debugger\n\nNext: frostline show")(rerun)
app.command(epilog="Example: frostline verify store\n\nNext: frostline run, which repairs")(verify)
app.command(epilog="Example: frostline gc store --delete\n\nNext: frostline verify")(gc)
app.command(epilog="Example: frostline store copy store s3://bucket/ann\n\nNext: frostline verify")(store_copy.store)
app.command(epilog="Example: frostline upgrade store\n\nNext: frostline verify")(upgrade)


def _planned(sweep: str, store: str, thorough: bool = False) -> tuple[Plan, Ledger]:
    ledger = ledger_at(store)
    return planned(sweep, ledger, thorough), ledger


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns its exit code: 2 with one line on standard error where the input is at fault."""
    return run_command(app, arguments)
