"""Advice on a terminal: a table of depths for each network, then the sentences."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.advice.decide import Advice
from analysis.advice.network import NetworkAdvice
from analysis.advice.wording import DEPTH_HEAD, DEPTH_NUMBERS, HOW, depth_texts, more_data_lines, network_lines
from sweeps.errors import printable

WIDTH = 122
"""Columns, where the output is no terminal."""


def print_advice(advice: Advice, console: Console | None = None) -> None:
    """Prints to standard output; colour and width follow the terminal, if it is one."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console = Console(file=console.file, width=WIDTH, no_color=True, highlight=False)

    def line(text: str, style: str = "") -> None:
        console.print(Text(printable(text), style=style), soft_wrap=True)

    if advice.reason is not None:
        line(f"{advice.sweep}: no advice: {advice.reason}")
        return
    for network in advice.networks:
        line(f"{advice.sweep}: {network.group}", "bold")
        console.print(_table(network))
        for text in network_lines(network):
            line(text)
        console.print()
    for more in advice.more_data:
        line(f"more target data: {more.group}", "bold")
        for text in more_data_lines(more):
            line(text)
        console.print()
    for text in HOW:
        line(text, "dim")


def _table(network: NetworkAdvice) -> Table:
    table = Table(box=None, pad_edge=False)
    for name, right in zip(DEPTH_HEAD, DEPTH_NUMBERS, strict=True):
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "", overflow="fold")
    for depth in network.depths:
        table.add_row(*(Text(printable(text)) for text in depth_texts(network, depth)))
    return table
