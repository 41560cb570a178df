"""How deep to freeze: the best depths of each network, those to avoid, and why."""

from __future__ import annotations

from html import escape

from analysis.advice.decide import advise
from analysis.advice.more_data import MoreData
from analysis.advice.network import NetworkAdvice
from analysis.advice.wording import (
    DEPTH_HEAD,
    DEPTH_NUMBERS,
    HOW,
    depth_texts,
    more_data_lines,
    network_lines,
    short_text,
)
from analysis.report import html
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables

MOST_ADVISED = 24


def advice_section(tables: Tables, verdicts: tuple[AxisVerdict, ...]) -> str:
    """A line for each network, its table folded below it; how it was decided at the end."""
    advice = advise(tables, verdicts)
    if advice.reason is not None:
        return html.paragraph(f"No advice: {advice.reason}.", "quiet")
    parts = [_network(each) for each in advice.networks[:MOST_ADVISED]]
    if len(advice.networks) > MOST_ADVISED:
        parts.append(html.paragraph(f"and {len(advice.networks) - MOST_ADVISED} more: frostline advise", "quiet"))
    parts += [_more_data(each) for each in advice.more_data[:MOST_ADVISED]]
    how = "".join(html.paragraph(text) for text in HOW)
    return f"{''.join(parts)}<details><summary>How this was decided</summary>{how}</details>"


def _network(each: NetworkAdvice) -> str:
    rows = [depth_texts(each, depth) for depth in each.depths]
    table = html.table((*DEPTH_HEAD[:-1], "remark"), rows, DEPTH_NUMBERS, f"Depths of {each.group}")
    return (
        f"<details><summary><b>{escape(each.group)}</b> {escape(short_text(each))}</summary>"
        f"{html.listing(network_lines(each))}{table}</details>"
    )


def _more_data(each: MoreData) -> str:
    return (
        f"<details><summary><b>More target data</b> {escape(each.group)}</summary>"
        f"{html.listing(more_data_lines(each))}</details>"
    )
