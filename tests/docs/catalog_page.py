"""Writes the page of the catalog: `python -m tests.docs.catalog_page` writes docs/catalog.md from sweeps/catalog."""

from __future__ import annotations

import re
from typing import NamedTuple

from sweeps.sweep import CATALOG, read
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "catalog.md"
SECTIONS = {"": "On a CPU, in minutes", "_cifar": "On one GPU", "_full": "On a cluster"}
"""By how the names of a scale end; names without such an end are of the first."""
COST = re.compile(
    r"^# Cost: ([\d,]+) runs?(?:, ([\d,]+) source models?)?; about ([\d,]+ (?:CPU minutes|GPU hours))", re.MULTILINE
)
RESULT = re.compile(r"^# (?:Found|Seen|What came out|What comes out)\b", re.MULTILINE)
HEAD = """\
# The catalog

{number} sweeps come with Frostline. `frostline plan NAME` shows what one would run, `frostline run NAME` runs it.
`frostline catalog` lists which of their runs two sweeps have in common. [paper.md](paper.md) says which of them decide
the paper's claims.

The head comment of each file in `sweeps/catalog/` says what to expect, on which paper it rests, and what came out where
that is known. **Result** says whether a result is on record there. Costs are of one core or of one GPU; those in GPU
hours are by a count of operations.

`python -m tests.docs.catalog_page` writes this page from these files. A test holds that their numbers are those of the
plans.
"""
COLUMNS = """\
| sweep | question | runs | source models | cost, about | result |
| --- | --- | --- | --- | --- | --- |
"""


class Row(NamedTuple):
    """One sweep of the catalog, as its file's head comment has it."""

    name: str
    question: str
    runs: str
    sources: str
    cost: str
    has_result: bool

    def text(self) -> str:
        result = "yes" if self.has_result else "no"
        question = self.question.replace("|", "/")
        return f"| `{self.name}` | {question} | {self.runs} | {self.sources} | {self.cost} | {result} |\n"


def row(name: str) -> Row:
    """Raises ValueError for a file whose head comment has no cost."""
    text = (CATALOG / f"{name}.yaml").read_text(encoding="utf-8")
    cost = COST.search(text)
    if cost is None:
        raise ValueError(f"{name}.yaml: its head comment has no line `# Cost: ...`")
    runs, sources, about = cost.groups("0")
    return Row(name, " ".join(read(name).about.split()), runs, sources, about, RESULT.search(text) is not None)


def section_of(name: str) -> str:
    return next((end for end in SECTIONS if end and name.endswith(end)), "")


def page() -> str:
    names = sorted(file.stem for file in CATALOG.glob("*.yaml"))
    parts = [HEAD.format(number=len(names))]
    for end, title in SECTIONS.items():
        rows = "".join(row(name).text() for name in names if section_of(name) == end)
        parts.append(f"## {title}\n\n{COLUMNS}{rows}")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
