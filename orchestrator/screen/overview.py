"""A plan in lines for a person: what is asked for, what is there, what the rest takes, and warnings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from orchestrator.runners.limits import usable_cores
from orchestrator.schedule import launch_log
from orchestrator.schedule.forecast import Forecast, forecast
from orchestrator.schedule.plan import Plan
from orchestrator.schedule.plan_warnings import Warnings
from orchestrator.screen.labels import NETWORK, Labels
from orchestrator.screen.obstacles import lines as obstacle_lines
from orchestrator.store.ledger import Ledger
from sweeps.identity import model_name
from sweeps.naming import field_values

MOST_RUNNING = 12
MOST_VALUES = 12


def plan_lines(
    made: Plan,
    left: Forecast,
    ledger: Ledger,
    warnings: Warnings | None = None,
    past: dict[str, Any] | None = None,
) -> list[str]:
    """`warnings` where they were looked for, by `plan` and `run`: then what the sweep is comes first. `past`: the last
    launch."""
    found = [f"{made.sweep.name}: {len(made.runs)} runs: {_counted(made.counts(made.runs))}"]
    if warnings is not None:
        found += [f"  {line}" for line in _asked(made)]
    found.append(f"  source models: {len(made.sources)}: {_counted(made.counts(made.sources))}")
    found.append(f"  to do: {left.sources} source models, {left.runs} runs")
    found += [f"  {line}" for line in (*running_lines(made), *obstacle_lines(made, ledger))]
    found += [f"  {line}" for line in (*left.lines(), *([launch_log.line(past)] if past is not None else []))]
    if made.attempts:
        most = max(made.attempts.values())
        found.append(f"  more than one attempt: {len(made.attempts)} results, at most {most} each")
    if made.damaged:
        found.append(
            f"  damaged: {len(made.damaged)}, counted as missing; `run` moves them to quarantine. The first of them:"
        )
        found.append(f"    {next(iter(made.damaged.values()))}")
    return [*found, *(f"  warning: {line}" for line in (warnings.lines() if warnings is not None else []))]


def status_lines(made: Plan, ledger: Ledger, workers: int | None) -> list[str]:
    """`plan_lines` for a sweep that may be running: the time left is for so many workers, by default those of now."""
    left = status_forecast(made, workers)
    return plan_lines(made, left, ledger, past=launch_log.last(ledger, made.sweep.name))


def status_forecast(made: Plan, workers: int | None) -> Forecast:
    running = sum(status == "running" for status in made.statuses.values())
    return forecast(made, workers or running or usable_cores())


def running_lines(made: Plan) -> list[str]:
    """What runs now, by what differs, on which host, in which process, and which epoch it has reached."""
    if not made.leases:
        return []
    labels, shown = Labels(made.runs.values()), []
    for id, lease in list(made.leases.items())[:MOST_RUNNING]:
        job = made.runs.get(id) or made.sources[id]
        at = f"{lease.get('host', 'an unknown host')}, process {lease.get('pid', 'unknown')}"
        shown.append(f"running: {labels.of(job)}: epoch {lease['progress']} of {lease['epochs']}, on {at}")
    rest = len(made.leases) - len(shown)
    return [*shown, *([f"running: {rest} more (all of them: --json)"] if rest > 0 else [])]


def _asked(made: Plan) -> Iterator[str]:
    """What the sweep is about, its networks, its data, and the fields that differ with their values."""
    if made.sweep.about:
        yield made.sweep.about
    specs = [job.spec for job in made.runs.values()]
    networks = Counter(model_name(spec.model) for spec in specs)
    yield f"networks: {_first([f'{name} {number} runs' for name, number in networks.items()])}"
    pairs = dict.fromkeys(
        f"{'scratch' if spec.source is None else f'{spec.source.task} ({spec.source.size})'} -> "
        f"{spec.target.task} ({spec.target.size})"
        for spec in specs
    )
    yield f"data (training samples): {_first(list(pairs))}"
    varied = {field: values for field, values in field_values(specs).items() if len(values) > 1}
    told = [f"{field} {_values(values)}" for field, values in varied.items() if field not in NETWORK]
    yield f"varies: {'; '.join(told) or 'nothing but the network'}"
    yield f"edition: {made.sweep.edition}"


def _values(texts: Iterable[str]) -> str:
    """Values of a field in a few words: `0 to 4`, `0, 3, 6`."""
    values = [json.loads(text) for text in texts]
    missing = ["none"] if None in values else []
    numbers = sorted(value for value in values if type(value) in (int, float))
    words = sorted(str(value) for value in values if value is not None and type(value) not in (int, float))
    if len(numbers) > 2 and numbers == list(range(int(numbers[0]), int(numbers[0]) + len(numbers))):
        return _first([*missing, f"{numbers[0]} to {numbers[-1]}", *words])
    return _first([*missing, *(f"{number:g}" for number in numbers), *words])


def _first(parts: list[str]) -> str:
    more = f" and {len(parts) - MOST_VALUES} more" if len(parts) > MOST_VALUES else ""
    return ", ".join(parts[:MOST_VALUES]) + more


def _counted(counts: Counter[Any]) -> str:
    return ", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "none"
