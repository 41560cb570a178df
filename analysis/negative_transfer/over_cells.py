"""How many cells show negative transfer: of each network and of all, with the interval of a share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.negative_transfer.comparison import CellComparison
from analysis.statistics.intervals import share_interval
from analysis.tables.groups import network_name

ALL = "all networks"


@dataclass(frozen=True)
class ShareOfCells:
    """tested: cells with enough seeds. Of them: negative, positive, undertrained; the others are not distinguished.

    share: negative / tested, None without a tested cell; low, high: its 95 % interval (Wilson 1927), which takes cells
    as independent.
    """

    network: str
    tested: int
    negative: int
    positive: int
    undertrained: int
    share: float | None
    low: float
    high: float

    def text(self) -> str:
        """`negative transfer in 3 of 12 cells (25 %, 95 % interval 9 to 53 %), positive in 5`."""
        if not self.tested:
            return "no cell has enough seeds with a partner from scratch"
        assert self.share is not None
        interval = f"95 % interval {100 * self.low:.0f} to {100 * self.high:.0f} %"
        worse = f", {self.undertrained} worse at the end and not at equal train loss" if self.undertrained else ""
        cells = f"{self.tested} cell{'s' * (self.tested != 1)}"
        return (
            f"negative transfer in {self.negative} of {cells} ({100 * self.share:.0f} %, {interval}), "
            f"positive in {self.positive}{worse}"
        )


def shares(compared: Sequence[CellComparison]) -> tuple[ShareOfCells, ...]:
    """All networks first, then each by itself where there are several."""
    networks = list(dict.fromkeys(network_name(dict(each.fields)) for each in compared))
    groups = {ALL: list(compared)}
    if len(networks) > 1:
        groups |= {name: [each for each in compared if network_name(dict(each.fields)) == name] for name in networks}
    return tuple(_share(name, cells) for name, cells in groups.items())


def _share(network: str, cells: list[CellComparison]) -> ShareOfCells:
    outcomes = Counter(cell.outcome for cell in cells)
    tested = len(cells) - outcomes["not tested"]
    low, high = share_interval(outcomes["negative"], tested)
    return ShareOfCells(
        network=network,
        tested=tested,
        negative=outcomes["negative"],
        positive=outcomes["positive"],
        undertrained=outcomes["undertrained"],
        share=outcomes["negative"] / tested if tested else None,
        low=low,
        high=high,
    )
