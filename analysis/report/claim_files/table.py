"""The claims table in the terminal, as CSV and as LaTeX: a line for each claim, sweep and family."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.claims.by_family import ClaimLine
from analysis.report.papers.latex import escaped
from analysis.report.table_files import csv_bytes, replaced
from analysis.report.wording import MISSING, p_text
from sweeps.errors import printable

HEAD = ("claim", "sweep", "family", "verdict", "groups", "measure", "effect, 95 %", "n", "q")
COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("claim", "part", "sweep", "family", "verdict")),
        *((name, pa.int64()) for name in ("groups", "satisfied")),
        *((name, pa.string()) for name in ("group", "measure")),
        *((name, pa.float64()) for name in ("effect", "effect_low", "effect_high")),
        ("n", pa.int64()),
        ("q", pa.float64()),
        ("detail", pa.string()),
    ]
)


def claims_table(lines: Sequence[ClaimLine]) -> pa.Table:
    """One row per line. `groups` and `satisfied` are of the family in the sweep; from `group` on, of the test that
    decided. `effect` is a prominence or a difference of errors (fractions), or Kendall's tau. Missing values are null.
    """
    return pa.Table.from_pylist([_row(line) for line in lines], schema=COLUMNS)


def write_claims(lines: Sequence[ClaimLine], out: Path) -> tuple[Path, ...]:
    """Writes claims.csv and claims.tex to the folder `out`, which must be there; returns the files."""
    csv, tex = out / "claims.csv", out / "claims.tex"
    with replaced(csv) as file:
        file.write(csv_bytes(claims_table(lines)))
    with replaced(tex) as file:
        file.write(_latex(lines).encode())
    return csv, tex


def print_claims(lines: Sequence[ClaimLine], console: Console) -> None:
    """The table, and under it what stands behind each line."""
    table = Table(box=None, pad_edge=False)
    for name in HEAD:
        table.add_column(name, justify="right" if name in ("n", "q") else "left", overflow="fold")
    for line in lines:
        table.add_row(*(Text(printable(text)) for text in _texts(line)))
    console.print(table)
    console.print()
    for line in lines:
        group = "" if line.test is None else f"{line.test.evidence.group}: "
        console.print(Text(printable(f"{_name(line)}, {group}{line.reason}")), soft_wrap=True)


def _name(line: ClaimLine) -> str:
    return line.claim if line.part is None else f"{line.claim} ({line.part})"


def _row(line: ClaimLine) -> dict[str, object]:
    row: dict[str, object] = {
        "claim": line.claim,
        "part": line.part,
        "sweep": line.sweep,
        "family": line.family,
        "verdict": line.decision,
        "groups": line.groups,
        "satisfied": line.satisfied,
        "detail": line.reason,
    }
    if line.test is not None:
        evidence = line.test.evidence
        row |= {"group": evidence.group, "measure": evidence.measure, "n": evidence.n, "q": line.test.q}
        row |= {"effect": evidence.effect, "effect_low": evidence.low, "effect_high": evidence.high}
    return row


def _texts(line: ClaimLine) -> list[str]:
    """A line under HEAD."""
    found = [_name(line), line.sweep or MISSING, line.family or MISSING, line.decision]
    found.append(f"{line.satisfied}/{line.groups}" if line.groups else MISSING)
    if line.test is None:
        return [*found, MISSING, MISSING, MISSING, MISSING]
    evidence = line.test.evidence
    effect = MISSING if evidence.effect is None else f"{evidence.effect:+.3f}"
    if evidence.low is not None and evidence.high is not None:
        effect += f" [{evidence.low:+.3f}, {evidence.high:+.3f}]"
    return [*found, evidence.measure, effect, f"{evidence.n}", p_text(line.test.q)]


def _latex(lines: Sequence[ClaimLine]) -> str:
    """A booktabs table that can be put into a paper as it is."""
    rows = [" & ".join(escaped(text) for text in _texts(line)) + r" \\" for line in lines]
    head = " & ".join(escaped(text) for text in HEAD) + r" \\"
    body = "\n".join([r"\toprule", head, r"\midrule", *rows, r"\bottomrule"])
    return f"\\begin{{tabular}}{{{'l' * 7}rr}}\n{body}\n\\end{{tabular}}\n"
