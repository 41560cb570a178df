"""Names that show what differs between the runs of one sweep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sweeps.identity import canonical, canonical_json, run_name, slug, source_name
from sweeps.spec import RunSpec, Spec

NAMED = frozenset(
    {
        *("source.task", "source.size", "source.seed", "target.task", "target.size", "transfer.frozen"),
        *("model.family", "model.depth", "model.width"),
    }
)
"""Fields that every name shows, and the seed."""


def differing(specs: Iterable[RunSpec], besides: frozenset[str] = NAMED) -> tuple[str, ...]:
    """The dotted fields, beside `besides`, with more than one value among these runs: in the specification's order.

    A part that some runs lack (source: null) is not counted: the name says `scratch` for it.
    """
    parts: dict[tuple[str, int], Spec] = {}
    for spec in specs:
        for section, part in vars(spec).items():
            if isinstance(part, Spec):
                parts[section, id(part)] = part  # runs of a sweep share few distinct parts
    values: dict[str, set[str]] = {}
    for (section, _), part in parts.items():
        given = canonical(part)
        for field in type(part).model_fields:
            values.setdefault(f"{section}.{field}", set()).add(canonical_json(given.get(field)))
    return tuple(field for field, found in values.items() if len(found) > 1 and field not in besides)


def name_of_run(spec: RunSpec, varied: tuple[str, ...]) -> str:
    """A run's short name, with its values of the fields that differ in its sweep.

    For example resnet8-w1_scratch_digits-50_frozen0_seed0_label_noise0.2_learning_rate0.01
    """
    return slug("_".join((run_name(spec), *_values(spec, varied, ("source", "target", "model", "transfer", "train")))))


def name_of_source(spec: RunSpec, varied: tuple[str, ...]) -> str:
    """The same for the source model that the run starts from: of it only the source and the network say anything."""
    return slug("_".join((source_name(spec), *_values(spec, varied, ("source", "model")))))


def _values(spec: RunSpec, varied: tuple[str, ...], sections: tuple[str, ...]) -> Iterable[str]:
    shown = [field for field in varied if field.partition(".")[0] in sections]
    last = [field.partition(".")[2] for field in shown]
    for field, short in zip(shown, last, strict=True):
        section = field.partition(".")[0]
        part: Any = getattr(spec, section)
        value = None if part is None else canonical(part).get(short)
        if value is not None:
            label = short if last.count(short) == 1 else f"{section}.{short}"
            text = value if isinstance(value, str) else canonical_json(value).replace("e+", "e")  # a slug has no plus
            yield f"{label}{text}"
