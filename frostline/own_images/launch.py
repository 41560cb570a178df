"""Write the sweep for a folder of images, show its cost, run it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import typer

from frostline.data import prepare
from frostline.own_images.budget import fitting, seconds_of
from frostline.own_images.pictures import look_at
from frostline.own_images.sweep import Choice, Network, network_of, sweep_text
from orchestrator import cli
from orchestrator.runners.limits import usable_cores
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.store.ledger import Ledger
from orchestrator.store_commands import ledger_at
from sweeps.errors import InputError, command_line, printable
from sweeps.expand import expand
from sweeps.sweep import parse
from tasks import missing_data

Runner = Literal["ray", "local"]


@dataclass(frozen=True)
class Request:
    """What was asked on the command line."""

    images: Path
    model: str
    weights: str
    store: str
    budget: str | None
    out: Path | None
    side: int | None
    epochs: int
    seeds: int
    runner: Runner
    workers: int | None

    def line(self) -> str:
        """The command, as far as it decides which sweep is written."""
        given = {"--budget": self.budget, "--side": self.side, "--epochs": self.epochs, "--seeds": self.seeds}
        options = [word for name, value in given.items() if value is not None for word in (name, value)]
        words = ["--images", self.images, "--model", self.model, "--weights", self.weights, *options]
        return printable(f"frostline advise {shlex.join(map(str, words))}")


def write_sweep(asked: Request) -> tuple[Path, bool]:
    """Choose the sweep and write it: the file, and whether it is new.

    A file that this command has written before is left as it is, edited or not: the command goes on with it. Raises
    InputError, in one line, for another file at that place and where something does not fit.
    """
    file = asked.out or Path(f"advise-{_stem(asked.images)}.yaml")
    if file.suffix != ".yaml":
        raise InputError(f"--out {file}: allowed is a file that ends in .yaml")
    if file.exists():
        if f"# {asked.line()}" in file.read_text(encoding="utf-8", errors="replace").splitlines():
            return file, False
        again = f"`{command_line('run', file)}`, then `{command_line('advise', file)}`"
        raise InputError(f"--out {file}: is there already, and not from this command; to go on with it: {again}")
    pictures = look_at(asked.images)
    network = network_of(asked.model, asked.weights, pictures, asked.side)
    ledger = ledger_at(asked.store)
    ledger.check()

    def text_of(choice: Choice) -> str:
        return sweep_text(pictures, network, choice, asked.epochs, file, asked.line())

    budget = None if asked.budget is None else seconds_of(asked.budget)
    workers = 1 if asked.runner == "local" else asked.workers or usable_cores()
    text = fitting(text_of, asked.seeds, budget, ledger, workers)
    _check_weights(text, network, ledger)
    file.write_text(text, encoding="utf-8")
    return file, True


def plan(asked: Request, file: Path) -> None:
    """Show what the sweep costs, and launch nothing."""
    cli.plan(str(file), asked.store, workers=1 if asked.runner == "local" else asked.workers)


def run(asked: Request, file: Path) -> int:
    """Decode the images where that was not done, then `frostline run` of the sweep; its exit code."""
    specs = list(expand(parse(file.read_text(encoding="utf-8")), KnownWords()).values())
    if missing_data(specs):
        print(prepare("images", asked.images.expanduser(), specs[0].model.image_size, None))
    try:
        cli.run(str(file), asked.store, asked.runner, workers=asked.workers, wandb="disabled")
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def _check_weights(text: str, network: Network, ledger: Ledger) -> None:
    """As `frostline run` does it, before the sweep is written."""
    from orchestrator.train.start import check_weights

    specs = expand(parse(text), KnownWords()).values()
    try:
        check_weights(next(spec for spec in specs if spec.model.weights is not None), ledger.store)
    except ValueError as problem:
        raise InputError(f"--weights {network.fields['weights']}: {problem}") from None


def _stem(images: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", images.expanduser().resolve().stem).strip("-")[:60] or "images"
