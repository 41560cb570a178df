"""From a sweep to its runs: axes crossed, blocks added, the filter applied, every spec validated."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from sweeps.editions import EDITIONS, filled
from sweeps.errors import SpecError, from_pydantic, shown, suggestion
from sweeps.identity import run_id, run_name
from sweeps.language.task_text import parameter_values
from sweeps.language.where import Filter
from sweeps.memo import cached
from sweeps.spec import LabelledSet, ModelSpec, RunSpec, Spec, TransferSpec
from sweeps.sweep import RUN_KEYS, SweepSpec, overlay
from sweeps.vocabulary import Vocabulary

MOST_RUNS = 1_000_000
_RANGE = re.compile(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)(?:\s*\.\.\s*(\d+))?\s*")
_FROZEN = "transfer.frozen"
FIELDS = tuple(f"{path}.{field}".lstrip(".") for path, fields in RUN_KEYS.items() for field in fields)
"""Every dotted name in a run: what an axis may be and what a filter may speak of, beside parameters of tasks."""
TASKS = ("source.task", "target.task")


def expand(sweep: SweepSpec, vocabulary: Vocabulary) -> dict[str, RunSpec]:
    """The sweep's runs by run_id, in the order written; a run asked for twice is one run.

    `vocabulary` gives canonical names and the rules of networks and tasks: each distinct section is brought to its
    canonical form once, and rules that span sections are asked of every run that the filter keeps. `transfer.frozen:
    all` is every depth from 0 to the length of the network's ladder less one. Fields that the sweep does not mention
    have the values of its edition. To runs with `transfer.inherit` come those from scratch that they are compared with,
    filtered or not; the rules and the limit hold for these too. Raises SpecError with one line.
    """
    fields = (*FIELDS, *(f"{task}.{name}" for task in TASKS for name in sorted(vocabulary.task_parameters())))
    spellings = {task: vocabulary.task for task in TASKS}
    keep = Filter(sweep.where, fields, spellings) if sweep.where is not None else None
    grids = [(place, base, _choices(f"{place}axes", axes, fields)) for place, base, axes in sweep.grids()]
    _limit(sum(math.prod(map(len, choices.values())) for _, _, choices in grids))
    runs: dict[str, RunSpec] = {}
    asked = 0
    for place, base, choices in grids:
        for spec in _grid(place, base, choices, sweep.edition, vocabulary):
            asked += 1
            _limit(asked)  # again: `all` is counted once above and is as many runs as the ladder has units
            if keep is None or keep(flat(spec)):
                _check(place, spec, vocabulary)
                runs[run_id(spec)] = spec
    if not runs:
        because = "its filter keeps none" if keep is not None else "an axis has no values"
        raise SpecError(f"{sweep.name}: the sweep has no runs ({because})")
    for spec in [spec.from_scratch() for spec in runs.values() if spec.transfer.inherit is not None]:
        id = run_id(spec)
        if id not in runs:
            _check("", spec, vocabulary)
            runs[id] = spec
            _limit(len(runs))
    return runs


def flat(spec: RunSpec) -> dict[str, Any]:
    """A run's fields by dotted name, in the order of the specification. `source` is None in a run without one.

    Parameters of a task stand beside its text: `target.task` and `target.task.universal`.
    """
    fields: dict[str, Any] = {}
    for name, part in vars(spec).items():
        if isinstance(part, Spec):
            fields.update(_dotted(name, part))
        else:
            fields[name] = part
    return fields


@cached
def _dotted(name: str, part: Spec) -> dict[str, Any]:
    def walk(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for key, item in value.items():
            if isinstance(item, dict):
                yield from walk(item, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", item

    fields = dict(walk(part.model_dump(mode="json"), f"{name}."))
    if isinstance(part, LabelledSet):
        fields |= {f"{name}.task.{key}": value for key, value in parameter_values(part.task).items()}
    return fields


def _check(place: str, spec: RunSpec, vocabulary: Vocabulary) -> None:
    """Rules that span sections: they hold of a run, however its sections came together."""
    try:
        vocabulary.check(spec)
    except ValueError as problem:
        raise SpecError(f"{place}{problem}; first in the run {run_name(spec)}") from None


def _limit(runs: int) -> None:
    if runs > MOST_RUNS:
        raise SpecError(f"{runs:,} runs are asked for; allowed: at most {MOST_RUNS:,} in one sweep")


def _choices(place: str, axes: dict[str, Any], known: Sequence[str]) -> dict[str, Sequence[Any]]:
    for key in axes:
        if key not in known:
            raise SpecError(f"{place}: unknown key {shown(key)}{suggestion(key, known)}")
    return {key: _values(f"{place}.{key}", key, value) for key, value in axes.items()}


def _grid(
    place: str, base: dict[str, Any], choices: dict[str, Sequence[Any]], edition: int, vocabulary: Vocabulary
) -> Iterator[RunSpec]:
    """The runs of one grid. Its distinct sections are validated once and shared between runs; of each of their
    combinations only the rules that span sections are checked."""
    names = dict.fromkeys((*base, *map(_section, choices), *_unwritten(edition)))
    sections = {name: _Section(name, base, choices, edition) for name in names}
    shared = _Shared(place, vocabulary)
    for point in itertools.product(*(range(len(values)) for values in choices.values())):
        yield from shared.runs({name: section.at(point) for name, section in sections.items()})


def _unwritten(edition: int) -> list[str]:
    """The sections that a sweep may leave out, and of which its edition says something."""
    return [name for name in EDITIONS[edition] if not RunSpec.model_fields[name].is_required()]


class _Section:
    """One top-level key of a grid's runs, the axes that say something of it, and its edition."""

    def __init__(self, name: str, base: dict[str, Any], choices: dict[str, Sequence[Any]], edition: int) -> None:
        self._name = name
        self._edition = edition
        self._base = {name: base[name]} if name in base else {}
        self._axes = [(index, key, values) for index, (key, values) in enumerate(choices.items())]
        self._axes = [axis for axis in self._axes if _section(axis[1]) == name]
        self._made: dict[tuple[int, ...], _Laid] = {}

    def at(self, point: tuple[int, ...]) -> _Laid:
        """The section as laid over the base at a point of the grid, the same object for the same choices."""
        chosen = tuple(point[index] for index, _, _ in self._axes)
        if chosen not in self._made:
            value = self._base
            for index, key, values in self._axes:
                value = overlay(value, _nested(key, values[point[index]]))
            self._made[chosen] = _Laid(filled(self._edition, self._name, value.get(self._name, {})))
        return self._made[chosen]


class _Laid:
    """A section's value as written, and what it was read as, once it was part of a run that is valid."""

    __slots__ = ("depths", "part", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.part: Any = None
        self.depths: dict[int, TransferSpec] = {}


class _Shared:
    """Makes runs of sections, each of which is validated with the first run that it is part of, and not again."""

    def __init__(self, place: str, vocabulary: Vocabulary) -> None:
        self._place = place
        self._vocabulary = vocabulary
        self._read: set[_Laid] = set()

    def runs(self, laid: dict[str, _Laid]) -> Iterator[RunSpec]:
        all_depths = "transfer" in laid and _get(laid["transfer"].value, "frozen") == "all"
        run = self._run(laid, all_depths)
        if not all_depths:
            yield run
            return
        depths = laid["transfer"].depths
        for frozen in range(self._vocabulary.ladder_length(run.model)):
            if frozen not in depths:
                depths[frozen] = run.transfer.model_copy(update={"frozen": frozen})
            yield run.model_copy(update={"transfer": depths[frozen]})

    def _run(self, laid: dict[str, _Laid], all_depths: bool) -> RunSpec:
        if self._read and self._read.issuperset(laid.values()):
            return self._first.model_copy(update={name: section.part for name, section in laid.items()})
        value = {name: section.value for name, section in laid.items()}
        run = _validated(self._place, overlay(value, {"transfer": {"frozen": 0}}) if all_depths else value)
        if not self._read:
            self._first = run
        for name, section in laid.items():
            if section not in self._read:
                section.part = self._known(name, getattr(run, name))
                self._read.add(section)
        return run.model_copy(update={name: section.part for name, section in laid.items()})

    def _known(self, name: str, part: Any) -> Any:
        """A section in its canonical form, its own rules checked."""
        try:
            if isinstance(part, ModelSpec):
                return self._vocabulary.model(part)
            if isinstance(part, LabelledSet):
                return part.model_copy(update={"task": self._vocabulary.task(part.task)})
        except ValueError as problem:
            field = f"{name}.task: " if isinstance(part, LabelledSet) else ""
            raise SpecError(f"{self._place}{field}{problem}") from None
        return part


def _section(key: str) -> str:
    return key.partition(".")[0]


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
