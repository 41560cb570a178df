"""The command `frostline`: the command lines of orchestrator and analysis as one.

Each half is imported when one of its commands is run: `frostline detect` loads nothing of the orchestrator. Help and
shell completion load neither.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from frostline.options import DEFAULT_STORE, StoreOption
from frostline.simulation.command import simulate
from frostline.transfer.commands import rank, transferability
from sweeps.console import say_next
from sweeps.errors import NOT_ALL_DONE, run_command

# What a list of commands says of each; `frostline COMMAND --help` is the command's own.
RUNNING = {
    "plan": "Show what a sweep would run, and how long it takes.",
    "run": "Run what is missing of a sweep.",
    "status": "Show how far a sweep is, and the time left.",
    "publish": "Send results to Weights & Biases.",
    "show": "Show one run: spec, curve, failure, files.",
    "rerun": "Compute one run again, in this process.",
    "reset": "Let failed or diverged runs begin anew.",
    "cancel": "End the launches that run a sweep.",
}
ANALYSIS = {
    "summary": "Tables, figures and page, and what they say.",
    "tables": "Write a sweep's tables.",
    "figures": "Draw a sweep's figures.",
    "report": "Write one HTML page with all of it.",
    "claims": "Decide the claims C1 to C4 on a sweep.",
    "negative-transfer": "Compare transfer with training from scratch.",
    "detect": "Find double descent in anybody's curves.",
    "score": "Score the detector on curves of known truth.",
}
STORE = {
    "verify": "Re-hash every result of a store.",
    "gc": "List or delete what no sweep reaches.",
    "upgrade": "Bring an older store to this version's format.",
    "store": "Copy a store to another place.",
}
FROM_ORCHESTRATOR = RUNNING | STORE
OF_BOTH = ("publish", "report")
"""Commands that need both halves."""

EXAMPLES = """Examples:

\b
  frostline run quickstart                  run a sweep of the catalog
  frostline plan my.yaml --workers 8        what a sweep would run
  frostline summary quickstart              its verdicts, tables and figures
  frostline detect curves.csv --plot a.png  anybody's curves
  frostline doctor                          what this machine has

Exit codes: 0 done; 1 something has no result, is damaged or was refused;
2 bad input, one line on standard error; 130 interrupted or cancelled.
"""


class Commands(TyperGroup):
    """Lists commands without importing them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        lines = {**RUNNING, **ANALYSIS, **STORE}
        self.commands = {**{name: TyperCommand(name, help=line) for name, line in lines.items()}, **self.commands}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself: to run it, for its help, to complete its options."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in OF_BOTH:
            from frostline.window.cli import app as window

            command = typer.main.get_group(window).commands[name]
        elif name in FROM_ORCHESTRATOR:
            from orchestrator.cli import app as orchestrator

            command = typer.main.get_group(orchestrator).commands[name]
        elif name in ANALYSIS:
            from analysis.cli import app as analysis

            command = typer.main.get_group(analysis).commands[name]
        return name, command, rest


app = typer.Typer(
    cls=Commands,
    help="Double descent in transfer learning: from one YAML file to verdicts, tables and figures.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        from frostline.versions import frostline_version

        print(f"frostline {frostline_version()}")
        raise typer.Exit()


@app.callback()
def frostline(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of the command as a whole."""


@app.command(epilog="Example: frostline doctor --store store --json\n\nNext: frostline plan")
def doctor(
    store: StoreOption = DEFAULT_STORE,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable output")] = False,
) -> None:
    """Check what this machine has for a run.

    Versions, cores, memory, devices, data sets, the store, the W&B key. Exit code 1 where a run could not begin.
    """
    from frostline.doctor import examine

    found = examine(store)
    print(found.as_text() if not as_json else found.as_json())
    if found.healthy and not as_json:
        say_next("plan", "quickstart")
    raise typer.Exit(0 if found.healthy else NOT_ALL_DONE)


@app.command(epilog="Example: frostline catalog --scale full\n\nNext: frostline plan")
def catalog(
    scale: Annotated[str | None, typer.Option(help="digits (CPU minutes), cifar (one GPU) or full (a cluster)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable output")] = False,
) -> None:
    """List the sweeps that come with Frostline.

    How many runs and source models each asks for, and which runs it shares with others. Launches nothing.
    """
    from frostline.catalog import catalog as listed

    found = listed(scale)
    print(json.dumps(found.as_json(), indent=1) if as_json else found.as_text())


@app.command(epilog="Example: frostline compare nakkiran_resnet_cifar10_cifar --out results\n\nNext: frostline report")
def compare(
    sweep: Annotated[str, typer.Argument(help="a sweep's YAML file, or its name in the catalog")],
    store: StoreOption = DEFAULT_STORE,
    out: Annotated[Path | None, typer.Option(help="folder to write to; default: results/<sweep name>")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable output")] = False,
) -> None:
    """Compare a sweep's errors with published ones.

    A table of differences, whether they are within the stated tolerances, and a figure with both laid over each other.
    """
    from frostline.published.files import compared

    print(compared(sweep, store, out, as_json))


@app.command(epilog="Example: frostline data food101 --side 64\n\nNext: frostline plan")
def data(
    task: Annotated[str, typer.Argument(help="a data set, such as cifar100")],
    origin: Annotated[Path | None, typer.Option("--from", help="its files, where they need not be fetched")] = None,
    side: Annotated[int, typer.Option(min=8, max=224, help="of the images that are made of pictures of any size")] = 64,
    workers: Annotated[int | None, typer.Option(min=1, help="processes that decode; default: all cores")] = None,
) -> None:
    """Fetch a data set and decode it once."""
    from frostline.data import prepare

    print(prepare(task, origin, side, workers))
    say_next("plan", "SWEEP", why="of a sweep that uses it")


app.command(epilog="Example: frostline rank my.yaml --train --out ranking.csv")(rank)
app.command(epilog="Example: frostline transferability my.yaml --json")(transferability)
app.command(epilog="Example: frostline simulate my.yaml --gpus --workers 64 --price-per-hour 2 --lost-per-hour 0.05")(
    simulate
)


@app.command(epilog="Example: frostline advise --images photos --model resnet18 --weights w.safetensors --budget 15m")
def advise(
    sweep: Annotated[str | None, typer.Argument(help="a sweep's YAML file, or its name; or give --images")] = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable output")] = False,
    images: Annotated[Path | None, typer.Option(help="your images: a folder with a folder for each class")] = None,
    model: Annotated[str | None, typer.Option(help="of timm, such as resnet18, or resnet14-w8")] = None,
    weights: Annotated[str | None, typer.Option(help="its .safetensors file, or 'pretrained'")] = None,
    budget: Annotated[str | None, typer.Option(help="longest time that it is expected to take, such as 15m")] = None,
    out: Annotated[Path | None, typer.Option(help="the sweep to write. [default: advise-<folder>.yaml]")] = None,
    side: Annotated[int | None, typer.Option(min=8, max=224, help="pixels. [default: the images', at most 64]")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="of each training. [default: 30]")] = None,
    seeds: Annotated[int | None, typer.Option(min=3, max=100, help="replicates, at most. [default: 5]")] = None,
    runner: Annotated[
        Literal["ray", "local"] | None, typer.Option(help="as in `frostline run`. [default: ray]")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="runs at a time; default: all cores it may use")] = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="write the sweep and show its cost, no more")] = False,
) -> None:
    """Say how deep to freeze: a sweep, own images.

    With --images a sweep is written, its cost shown, and run. It can be edited, extended and run like any other.
    """
    from frostline.own_images.answer import Options, answer

    options = Options(images, model, weights, budget, out, side, epochs, seeds, runner, workers, only_plan)
    raise typer.Exit(answer(sweep, store, as_json, options))


@app.command(epilog="Example: frostline theory infinite_width_linear --out results")
def theory(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="A sweep's file, or its name in the catalog.")],
    store: StoreOption = DEFAULT_STORE,
    out: Annotated[Path | None, typer.Option(help="folder to write to; default: results/<sweep name>")] = None,
) -> None:
    """Put what theory predicts beside what was measured."""
    from frostline.theory import write_theory

    lines, files = write_theory(sweep, store, out)
    print("\n".join([*lines, *map(str, files)]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns its exit code: 2 with one line on standard error where the input is at fault."""
    return run_command(app, arguments, name="frostline")
