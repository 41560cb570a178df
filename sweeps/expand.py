"""From a sweep to its runs: axes crossed, blocks added, the filter applied, every spec validated."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from sweeps.errors import SpecError, from_pydantic, shown, suggestion
from sweeps.identity import run_id
from sweeps.spec import ModelSpec, RunSpec
from sweeps.sweep import RUN_KEYS, SweepSpec, overlay
from sweeps.where import Filter

LadderLength = Callable[[ModelSpec], int]

MOST_RUNS = 1_000_000
_RANGE = re.compile(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)(?:\s*\.\.\s*(\d+))?\s*")
_FROZEN = "transfer.frozen"
FIELDS = tuple(f"{path}.{field}".lstrip(".") for path, fields in RUN_KEYS.items() for field in fields)
"""Every dotted name in a run: what an axis may be and what a filter may speak of."""


def expand(sweep: SweepSpec, ladder_length: LadderLength) -> dict[str, RunSpec]:
    """The sweep's runs by run_id, in the order written; a run asked for twice is one run.

    `ladder_length` gives the number of units of a network, head included: `transfer.frozen: all` is every depth from
    0 to that number less one. Raises SpecError with one line.
    """
    keep = Filter(sweep.where, FIELDS) if sweep.where is not None else None
    grids = [(place, base, _choices(f"{place}axes", axes)) for place, base, axes in sweep.grids()]
    _limit(sum(math.prod(map(len, choices.values())) for _, _, choices in grids))
    specs = itertools.chain.from_iterable(_grid(*grid, ladder_length) for grid in grids)
    runs: dict[str, RunSpec] = {}
    for asked, spec in enumerate(specs, 1):
        _limit(asked)  # again: `all` is counted once above and is as many runs as the ladder has units
        if keep is None or keep(flat(spec)):
            runs[run_id(spec)] = spec
    if not runs:
        because = "its filter keeps none" if keep is not None else "an axis has no values"
        raise SpecError(f"{sweep.name}: the sweep has no runs ({because})")
    return runs


def flat(spec: RunSpec) -> dict[str, Any]:
    """A run's fields by dotted name, in the order of the specification. `source` is None in a run without one."""

    def walk(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for key, item in value.items():
            if isinstance(item, dict):
                yield from walk(item, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", item

    return dict(walk(spec.model_dump(mode="json"), ""))


def _limit(runs: int) -> None:
    if runs > MOST_RUNS:
        raise SpecError(f"{runs:,} runs are asked for; allowed: at most {MOST_RUNS:,} in one sweep")


def _choices(place: str, axes: dict[str, Any]) -> dict[str, Sequence[Any]]:
    for key in axes:
        if key not in FIELDS:
            raise SpecError(f"{place}: unknown key {shown(key)}{suggestion(key, FIELDS)}")
    return {key: _values(f"{place}.{key}", key, value) for key, value in axes.items()}


def _grid(
    place: str, base: dict[str, Any], choices: dict[str, Sequence[Any]], ladder_length: LadderLength
) -> Iterator[RunSpec]:
    for point in itertools.product(*choices.values()):
        value = base
        for key, item in zip(choices, point, strict=True):
            value = overlay(value, _nested(key, item))
        if value.get("transfer") is not None and _get(value, _FROZEN) == "all":
            yield from _all_depths(place, value, ladder_length)
        else:
            yield _validated(place, value)


def _all_depths(place: str, value: dict[str, Any], ladder_length: LadderLength) -> Iterator[RunSpec]:
    first = _validated(place, overlay(value, {"transfer": {"frozen": 0}}))
    for frozen in range(ladder_length(first.model)):
        transfer = first.transfer.model_copy(update={"frozen": frozen})
        yield first.model_copy(update={"transfer": transfer})


def _validated(place: str, value: dict[str, Any]) -> RunSpec:
    try:
        return RunSpec.model_validate(value)
    except ValidationError as error:
        raise from_pydantic(error, RUN_KEYS, place) from None


def _values(place: str, key: str, value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        if not value:
            raise SpecError(f"{place} = []: an axis needs at least one value")
        return value
    if value == "all":
        if key != _FROZEN:
            raise SpecError(f"{place} = 'all': only {_FROZEN} has 'all'; give a list or a range such as 0..4")
        return ["all"]
    if isinstance(value, str) and (match := _RANGE.fullmatch(value)):
        return _range(place, value, match)
    raise SpecError(f"{place} = {shown(value)}: an axis is a list or a range such as 0..4 or 0..100..10")


def _range(place: str, text: str, match: re.Match[str]) -> Sequence[int]:
    parts = [part for part in match.groups() if part is not None]
    if any(len(part.lstrip("-")) > 9 for part in parts):
        raise SpecError(f"{place} = {shown(text)}: numbers of at most 9 digits are allowed in a range")
    first, last, step = int(parts[0]), int(parts[1]), int(parts[2]) if len(parts) > 2 else 1
    if step < 1 or last < first:
        raise SpecError(f"{place} = {text!r}: a range goes up, from the first to the last, by a step of 1 or more")
    if (last - first) // step >= MOST_RUNS:
        raise SpecError(f"{place} = {text!r}: more than {MOST_RUNS:,} values")
    return range(first, last + 1, step)


def _nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def _get(value: Any, key: str) -> Any:
    for part in key.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value
