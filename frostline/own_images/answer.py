"""`frostline advise`: how deep to freeze, from the results of a sweep, or of one written for a folder of images."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from analysis.advice import advise
from analysis.advice.show import print_advice
from analysis.loaded import load
from sweeps.errors import INTERRUPTED, InputError

DEFAULT_EPOCHS = 30
DEFAULT_SEEDS = 5


class Options(NamedTuple):
    """The options that go with --images, as they were given; None where they were not."""

    images: Path | None
    model: str | None
    weights: str | None
    budget: str | None
    out: Path | None
    side: int | None
    epochs: int | None
    seeds: int | None
    runner: Literal["ray", "local"] | None
    workers: int | None
    only_plan: bool


def answer(sweep: str | None, store: str, as_json: bool, options: Options) -> int:
    """Print the advice; the exit code: 0, or that of the launch where it did not end well.

    Raises InputError, in one line, for options that do not go together and for whatever cannot be read.
    """
    code = 0
    if options.images is not None:
        if sweep is not None:
            raise InputError(f"{sweep} and --images: a sweep or images; allowed is one of them")
        # What a launch prints is no JSON.
        with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
            sweep, code = _own(store, options)
        if options.only_plan or code == INTERRUPTED:
            return code
    elif sweep is None:
        raise InputError("advise: give a sweep, or --images with --model and --weights")
    else:
        _refuse_without_images(options)
    advice = advise(load(sweep, store).tables)
    if as_json:
        print(json.dumps(advice.as_json(), indent=1, allow_nan=False))
    else:
        print_advice(advice)
    return code


def _own(store: str, options: Options) -> tuple[str, int]:
    """Write the sweep for the images and run it, or show its plan: its file and the exit code."""
    from frostline.own_images import launch

    if options.images is None or options.model is None or options.weights is None:
        missing = "--model" if options.model is None else "--weights"
        raise InputError(f"{missing}: missing; --images needs --model and --weights (a .safetensors file)")
    asked = launch.Request(
        images=options.images,
        model=options.model,
        weights=options.weights,
        store=store,
        budget=options.budget,
        out=options.out,
        side=options.side,
        epochs=options.epochs or DEFAULT_EPOCHS,
        seeds=options.seeds or DEFAULT_SEEDS,
        runner=options.runner or "ray",
        workers=options.workers,
    )
    file, new = launch.write_sweep(asked)
    print(f"{file}: {'written' if new else 'there already, used as it is'}")
    if options.only_plan:
        launch.plan(asked, file)
        return str(file), 0
    return str(file), launch.run(asked, file)


def _refuse_without_images(options: Options) -> None:
    given = ("model", "weights", "budget", "out", "side", "epochs", "seeds", "runner", "workers")
    for name in given:
        if getattr(options, name) is not None:
            raise InputError(f"--{name} {getattr(options, name)}: allowed with --images alone")
    if options.only_plan:
        raise InputError("--plan: allowed with --images alone; `frostline plan` shows that of a sweep")
