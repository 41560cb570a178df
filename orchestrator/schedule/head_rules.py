"""The rule of `transfer.head`: `vocabulary.RULES` has it."""

from __future__ import annotations

from sweeps.spec import RunSpec
from tasks import is_regression, outputs_of


def source_head_fits(run: RunSpec) -> None:
    """`transfer.head: source` needs a source whose task has as many outputs, of the same kind."""
    if run.transfer.head is None:
        return
    place = f"transfer.head = {run.transfer.head!r}"
    if run.source is None:
        raise ValueError(f"{place}: allowed with a source")
    kinds = [(outputs_of(part.task), is_regression(part.task)) for part in (run.source, run.target)]
    if kinds[0] != kinds[1]:
        (theirs, ours) = (f"{count} {'values' if real else 'classes'}" for count, real in kinds)
        raise ValueError(f"{place}: source.task = {run.source.task!r} has {theirs}, the target {ours}; allowed: equal")
