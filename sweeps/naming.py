"""Names that show what differs between the runs of one sweep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sweeps.identity import canonical, canonical_json, run_name, slug, source_name
from sweeps.spec import RunSpec, Spec
from sweeps.sweep import RUN_KEYS

NAMED = frozenset(
    {
        *("source.task", "source.size", "source.seed", "target.task", "target.size", "transfer.frozen"),
        *("model.family", "model.depth", "model.width"),
    }
)
"""Fields that every name shows, and the seed."""
ALWAYS = frozenset({"model.family", "model.depth", "model.width", "model.name", "transfer.frozen", "seed"})
"""Fields that a label shows where they differ, whether or not others say them too."""
LEAVES = {
    section: tuple(
        f"{path}.{field}".removeprefix(f"{section}.")
        for path, fields in RUN_KEYS.items()
        for field in fields
        if f"{path}.".startswith(f"{section}.") and f"{path}.{field}" not in RUN_KEYS
    )
    for section in RUN_KEYS[""]
}
"""The fields of each section that hold a value, in the specification's order: `inherit.share` of `transfer`."""


def differing(specs: Iterable[RunSpec]) -> tuple[str, ...]:
    """The dotted fields, beside `NAMED` and the seed, that have more than one value among these runs (`varying`)."""
    return tuple(field for field in varying(specs) if field not in NAMED and field != "seed")


def telling(specs: Iterable[RunSpec]) -> tuple[str, ...]:
    """The fields of `varying` that it takes to tell runs apart, and source models; network, frozen units, seed always.

    A field that follows from others is left out: where each network has learning rate and epochs of its own, the
    network says them. Of fields that follow from each other the first in the specification's order is kept.
    """
    specs = list(specs)
    kept = list(varying(specs))
    columns = {field: _column(specs, field) for field in kept}
    starts = [spec.source is not None for spec in specs]

    def told(fields: list[str]) -> tuple[int, int]:
        """How many runs, and how many source models, these fields tell apart."""
        of_source = [field for field in fields if field.partition(".")[0] in ("source", "model", "seed")]
        runs = zip(starts, *(columns[field] for field in fields), strict=True)
        sources = zip(starts, *(columns[field] for field in of_source), strict=True)
        return len(set(runs)), len({values for values in sources if values[0]})

    whole = told(kept)
    for field in reversed(tuple(kept)):
        fewer = [each for each in kept if each != field]
        if field not in ALWAYS and told(fewer) == whole:
            kept = fewer
    return tuple(kept)


def varying(specs: Iterable[RunSpec]) -> tuple[str, ...]:
    """The dotted fields that have more than one value among these runs: in the specification's order, the seed last.

    A part that some runs lack (source: null) is not counted: names say `scratch` for it.
    """
    return tuple(field for field, found in field_values(specs).items() if len(found) > 1)


def field_values(specs: Iterable[RunSpec]) -> dict[str, set[str]]:
    """The values that each dotted field has among these runs, as canonical JSON; null: it is not given."""
    parts: dict[tuple[str, int], Spec] = {}
    seeds: set[int] = set()
    for spec in specs:
        seeds.add(spec.seed)
        for section, part in vars(spec).items():
            if isinstance(part, Spec):
                parts[section, id(part)] = part  # runs of a sweep share few distinct parts
    values: dict[str, set[str]] = {}
    for (section, _), part in parts.items():
        given = _given(part)
        for field in LEAVES[section]:
            values.setdefault(f"{section}.{field}", set()).add(canonical_json(given.get(field)))
    return {**values, "seed": set(map(str, seeds))}


def name_of_run(spec: RunSpec, varied: tuple[str, ...]) -> str:
    """A run's short name, with its values of the fields that differ in its sweep.

    For example resnet8-w1_scratch_digits-50_frozen0_seed0_label_noise0.2_learning_rate0.01
    """
    return slug("_".join((run_name(spec), *_values(spec, varied, ("source", "target", "model", "transfer", "train")))))


def name_of_source(spec: RunSpec, varied: tuple[str, ...]) -> str:
    """The same for the source model that the run starts from: of it only the source and the network say anything."""
    return slug("_".join((source_name(spec), *_values(spec, varied, ("source", "model")))))


def _column(specs: list[RunSpec], field: str) -> list[str]:
    """Each run's value of a field, as canonical JSON."""
    section, _, leaf = field.partition(".")
    found: dict[int, str] = {}  # by part: runs of a sweep share few distinct ones
    column = []
    for spec in specs:
        part = getattr(spec, section)
        if id(part) not in found:
            value = _given(part).get(leaf) if isinstance(part, Spec) else part
            found[id(part)] = canonical_json(value)
        column.append(found[id(part)])
    return column


def _given(part: Spec) -> dict[str, Any]:
    """A section's fields that are not None, by dotted name."""

    def walk(value: dict[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
        for key, item in value.items():
            if isinstance(item, dict):
                yield from walk(item, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", item

    return dict(walk(canonical(part), ""))


def _values(spec: RunSpec, varied: tuple[str, ...], sections: tuple[str, ...]) -> Iterable[str]:
    shown = [field for field in varied if field.partition(".")[0] in sections]
    last = [field.partition(".")[2] for field in shown]
    for field, short in zip(shown, last, strict=True):
        section = field.partition(".")[0]
        part: Any = getattr(spec, section)
        value = None if part is None else _given(part).get(short)
        if value is not None:
            label = short if last.count(short) == 1 else f"{section}.{short}"
            text = value if isinstance(value, str) else canonical_json(value).replace("e+", "e")  # a slug has no plus
            yield f"{label}{text}"
