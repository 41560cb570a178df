"""How to run a sweep again, and the files that came with the page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

import yaml

from analysis.report import html
from analysis.report.page.columns import address
from analysis.tables.collect import Tables
from sweeps.sweep import SweepSpec


def sweep_file(sweep: SweepSpec) -> str:
    """A sweep as YAML, which reads back as the same sweep: its edition is always written out."""
    said = {**sweep.model_dump(mode="json", exclude_defaults=True), "edition": sweep.edition}
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=100).rstrip()


def commits(tables: Tables) -> list[str]:
    """The commits of the code that computed the results."""
    found = {run.result.provenance.get("git_sha") for run in tables.sweep.runs if run.result is not None}
    return sorted(str(commit) for commit in found if commit is not None) or ["of no commit"]


def again(tables: Tables) -> str:
    """The sweep as a file, and the commands that compute and judge it."""
    sweep = tables.sweep.asked
    file = f"{sweep.name}.yaml"
    lines = [f"frostline {command} {file}" for command in ("plan", "run", "summary")]
    about = f"Results are of the code {', '.join(commits(tables))}. Save the sweep as {file}, then:"
    return (
        f"{html.paragraph(about)}{_code('commands', lines)}<details><summary>{escape(file)}</summary>"
        f"{_code(file, sweep_file(sweep).splitlines())}</details>"
    )


def _code(what: str, lines: Iterable[str]) -> str:
    text = escape("\n".join(lines))
    return f'<div class="code"><pre tabindex="0" aria-label="{escape(what)}"><code>{text}</code></pre></div>'


def files_section(files: tuple[Path, ...], page: Path) -> str:
    """Links to the files that were written with the page."""
    if not files:
        return html.paragraph("`frostline summary` writes the tables and figures as files beside this page.", "quiet")
    links = [f'<li><a href="{escape(address(path, page))}">{escape(path.name)}</a></li>' for path in files]
    return f'{html.heading(3, "Files")}<ul class="files">{"".join(links)}</ul>'
