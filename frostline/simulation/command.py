"""The command `simulate`. What it needs is imported when it is run."""

from __future__ import annotations

import json
import math
from typing import Annotated

import typer

from frostline.options import DEFAULT_STORE, StoreOption

WORKERS = (8, 64, 256, 1024)


def _finite(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


def simulate(
    sweeps: Annotated[list[str], typer.Argument(metavar="SWEEP", help="YAML files, or names in the catalog")],
    store: StoreOption = DEFAULT_STORE,
    workers: Annotated[list[int] | None, typer.Option(min=1, help="runs at a time; may be given again")] = None,
    gpus: Annotated[bool, typer.Option("--gpus", help="workers have a GPU each")] = False,
    replay: Annotated[bool, typer.Option("--replay", help="play results again, as long as they took")] = False,
    per_node: Annotated[int, typer.Option(help="workers that share a node")] = 8,
    price_per_hour: Annotated[float | None, typer.Option(min=0, callback=_finite, help="of one worker")] = None,
    lost_per_hour: Annotated[float, typer.Option(help="share of nodes lost in an hour, such as 0.05")] = 0.0,
    notice: Annotated[float, typer.Option(help="seconds that a node is told before it is lost")] = 0.0,
    replaced: Annotated[float, typer.Option(help="seconds until a lost node's place is taken")] = 300.0,
    slow_nodes: Annotated[float, typer.Option(help="share of nodes that are slow")] = 0.0,
    slow_factor: Annotated[float, typer.Option(help="how many times as long runs take there")] = 1.5,
    spread: Annotated[
        float | None, typer.Option(help="of equal runs: sd of the log of their time  [default: 0.065]")
    ] = None,
    start: Annotated[float, typer.Option(help="seconds until a new node works")] = 30.0,
    driver: Annotated[float, typer.Option(help="seconds of the driver for each batch of jobs")] = 0.025,
    store_rate: Annotated[float, typer.Option(help="operations a second that the store can do")] = 2000.0,
    beat: Annotated[float, typer.Option(help="seconds between two heartbeats of a run")] = 2.0,
    seed: Annotated[int, typer.Option(help="of what is drawn: times, slow nodes, losses")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable output")] = False,
) -> None:
    """Play sweeps through on clusters of any size.

    Says how long they take, what share of the time is used, and what it costs. Launches nothing. Several sweeps
    are played as one: a run that two ask for is computed once. docs/scaling.md says where the figures come from.
    """
    from frostline.simulation.text import Simulated, lines
    from frostline.simulation.text import as_json as told
    from frostline.simulation.together import together
    from orchestrator.schedule.agenda import BATCH_SECONDS
    from orchestrator.schedule.cluster_model import SPREAD, Cluster
    from orchestrator.schedule.simulate import simulate as played
    from orchestrator.store_commands import ledger_at
    from sweeps.console import say_lines

    ledger = ledger_at(store)
    clusters = [
        Cluster(
            number,
            per_node,
            start=start,
            driver=driver,
            store_rate=store_rate,
            beat=beat,
            spread=(0.0 if replay else SPREAD) if spread is None else spread,
            slow_nodes=slow_nodes,
            slow_factor=slow_factor,
            lost_per_hour=lost_per_hour,
            notice=notice,
            replaced=replaced,
        )
        for number in workers or WORKERS
    ]
    asked = together(sweeps, ledger, gpus, replay)
    found = [
        Simulated(
            cluster,
            played(asked.plan, asked.expected, cluster, actual=asked.actual, batch_seconds=BATCH_SECONDS, seed=seed),
        )
        for cluster in clusters
    ]
    if as_json:
        print(json.dumps(told(asked, found, price_per_hour), indent=1))
    else:
        say_lines(lines(asked, found, price_per_hour))
