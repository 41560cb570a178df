"""Write the sweep for a folder of images, show its cost, run it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import typer

from frostline.data import prepare
from frostline.own_images.budget import fitting, seconds_of
from frostline.own_images.pictures import Pictures, look_at
from frostline.own_images.sweep import Choice, Network, network_of, sweep_text
from orchestrator import cli
from orchestrator.runners.limits import usable_cores
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.store.ledger import Ledger
from orchestrator.store_commands import ledger_at
from sweeps.errors import InputError, command_line
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
    store: Path
    budget: str | None
    out: Path | None
    side: int | None
    epochs: int
    seeds: int
    runner: Runner
    workers: int | None


def write_sweep(asked: Request) -> Path:
    """Choose the sweep and write it; the file. Raises InputError, in one line, where something does not fit."""
    pictures = look_at(asked.images)
    network = network_of(asked.model, asked.weights, pictures, asked.side)
    file = asked.out or Path(f"advise-{_stem(pictures)}.yaml")
    if file.suffix != ".yaml":
        raise InputError(f"--out {file}: allowed is a file that ends in .yaml")
    ledger = ledger_at(asked.store)
    ledger.check()

    def text_of(choice: Choice) -> str:
        return sweep_text(pictures, network, choice, asked.epochs, file)

    budget = None if asked.budget is None else seconds_of(asked.budget)
    workers = 1 if asked.runner == "local" else asked.workers or usable_cores()
    text = fitting(text_of, asked.seeds, budget, ledger, workers)
    _check_weights(text, pictures, network, ledger)
    _write(file, text)
    return file


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


def _check_weights(text: str, pictures: Pictures, network: Network, ledger: Ledger) -> None:
    """Put the weights into the network once, so that a file of another network is told before anything is launched."""
    from orchestrator.train.start import network_of as placed
    from orchestrator.train.start import pretrained_of
    from orchestrator.train.worker_state import LruCache

    spec = next(iter(expand(parse(text), KnownWords()).values()))
    try:
        placed(spec, "target", len(pictures.classes), pretrained_of(spec.model, ledger.store, LruCache(0)))
    except ValueError as problem:
        raise InputError(f"--weights {network.fields['weights']}: {problem}") from None


def _write(file: Path, text: str) -> None:
    """A file that says something else is somebody's work: it is not overwritten."""
    if file.exists():
        if file.read_text(encoding="utf-8") == text:
            return
        again = f"`{command_line('run', file)}`, then `{command_line('advise', file)}`"
        raise InputError(f"--out {file}: is there already, with another content; go on with it: {again}")
    file.write_text(text, encoding="utf-8")


def _stem(pictures: Pictures) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", pictures.path.resolve().stem).strip("-")[:60] or "images"
