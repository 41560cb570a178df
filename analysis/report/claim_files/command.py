"""`frostline claims`: the verdicts of several sweeps, told and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.claims.by_family import claim_lines
from analysis.claims.decide import ClaimVerdict, all_claims
from analysis.claims.sources import UnknownTask
from analysis.report.claim_files.table import print_claims, write_claims
from analysis.report.summary import result_console
from analysis.report.wording import claim_name, claim_text, judged_texts
from analysis.tables.along_axes import AxisVerdict, freezing_wise
from analysis.tables.collect import Tables, collect
from analysis.tables.load import StoredSweep


@dataclass(frozen=True)
class Decided:
    """Sweeps by name: their tables, verdicts along frozen units, orders of source tasks and claims."""

    tables: Mapping[str, Tables]
    frozen: Mapping[str, Sequence[AxisVerdict]]
    related: Mapping[str, Sequence[str]]
    claims: Mapping[str, Sequence[ClaimVerdict]]

    def as_json(self) -> list[dict[str, Any]]:
        return [{"sweep": name, **claim.as_json()} for name, found in self.claims.items() for claim in found]


def decide(stored: Sequence[StoredSweep], order: Sequence[str]) -> Decided:
    """The claims on each sweep. order: source tasks from the most to the least related; of it, each sweep is given the
    tasks that it uses. Raises UnknownTask, in one line, for a task that no run of any sweep uses.
    """
    tables = {each.record.name: collect(each) for each in stored}
    used = {name: set(each.runs["source.task"].dropna()) for name, each in tables.items()}
    every = set().union(*used.values())
    for task in order:
        if task not in every:
            allowed = ", ".join(sorted(every)) or "none"
            raise UnknownTask(f"--related: no run has the source task {task!r}; allowed: {allowed}")
    related = {name: [task for task in order if task in tasks] for name, tasks in used.items()}
    frozen = {name: freezing_wise(each) for name, each in tables.items()}
    claims = {name: all_claims(each, related[name], frozen[name]) for name, each in tables.items()}
    return Decided(tables, frozen, related, claims)


def print_tests(found: Decided) -> None:
    """Every claim with every test it rests on."""
    for claim in (claim for claims in found.claims.values() for claim in claims):
        print(f"{claim_name(claim)} {claim_text(claim)}")
        print(f"   {claim.statement}")
        for test in claim.tests:
            group, measure, n, effect, q, outcome, detail = judged_texts(test)
            print(f"   {outcome}: {group}: {measure}: {effect}, n = {n}, q = {q}; {detail}")


def print_table(found: Decided) -> None:
    """The claims table."""
    print_claims(claim_lines(found.claims), result_console())


def write(found: Decided, out: Path) -> tuple[Path, ...]:
    """The claims table and a figure for each claim, as files in the folder `out`; returns them."""
    from analysis.report.claim_files.figures import draw_claims  # matplotlib, where figures are asked for

    files = write_claims(claim_lines(found.claims), out)
    return (*files, *draw_claims(found.tables, found.frozen, found.related, out))
