"""The commands `rank` and `transferability`. What they need is imported when one of them is run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from frostline.options import DEFAULT_STORE, StoreOption

Sweep = Annotated[str, typer.Argument(help="a sweep's YAML file, or its name in sweeps/catalog")]
AsJson = Annotated[bool, typer.Option("--json", help="machine-readable output")]


def rank(
    sweep: Sweep,
    store: StoreOption = DEFAULT_STORE,
    train: Annotated[bool, typer.Option("--train", help="train source models that have no result, here")] = False,
    across_models: Annotated[
        bool, typer.Option("--across-models", help="compare starts of different networks with each other")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="a CSV file to write: a row per pair and seed")] = None,
    as_json: AsJson = False,
) -> None:
    """Rank a sweep's sources before its runs.

    From training samples alone: every score, the bound of task transfer analysis first, and what each took. The ranking
    is kept in the store, for `plan` and `run` with `--prefer ranked` and for `transferability`.
    """
    from frostline.transfer.ranking import rank as ranked
    from frostline.transfer.ranking_text import lines, write_csv
    from orchestrator.features.ranking_file import save
    from orchestrator.runners.limits import usable_cores
    from orchestrator.schedule.forecast import forecast
    from orchestrator.schedule.plan import make_plan, save_record
    from orchestrator.store import weight_paths
    from orchestrator.store_commands import Typed, ledger_at
    from sweeps.sweep import read

    ledger = ledger_at(store)
    ledger.check()
    made = make_plan(read(sweep), ledger)
    ledger.open()
    save_record(made, ledger)
    weight_paths.write(ledger.store, made.runs.values())
    found = ranked(made, ledger, Typed(sweep, store), train, across_models, lambda line: print(line, file=sys.stderr))
    save(found, ledger)
    cells = {**forecast(made, usable_cores()).costs.seconds, **made.seconds}
    if out is not None:
        write_csv(found, out)
    for line in [found.model_dump_json(indent=1)] if as_json else lines(found, cells):
        print(line)


def transferability(sweep: Sweep, store: StoreOption = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """What the scores of `rank` were worth.

    Each score against what the sweep's runs measured, by frozen depth: correlations and top-1 regret.
    """
    from analysis.tables.load import StoreError, read_sweep
    from frostline.transfer.measured import as_json as group_as_json
    from frostline.transfer.measured import bound_check, groups, ranking_of
    from frostline.transfer.measured_text import lines
    from orchestrator.store_commands import Typed
    from sweeps.sweep import read

    stored = read_sweep(read(sweep), store)
    ranking = ranking_of(stored, Typed(sweep, store))
    found, check = groups(ranking, stored), bound_check(ranking, stored)
    if not found:
        raise StoreError(f"{ranking.name}: fewer than two ranked sources have a result yet")
    if as_json:
        content = {"named": ranking.named, "at": ranking.at, "runs_done_then": ranking.runs_done}
        content |= {"bound": check._asdict(), "groups": [group_as_json(group) for group in found]}
        print(json.dumps(content, indent=1, allow_nan=False))
        return
    for line in lines(ranking, found, check):
        print(line)
