"""The advice of a sweep: how deep to freeze each of its networks, and what more target data did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.advice.more_data import MoreData, more_data
from analysis.advice.network import NetworkAdvice, advise_network
from analysis.tables.along_axes import FROZEN, AxisVerdict, freezing_wise
from analysis.tables.collect import Tables
from analysis.tables.groups import from_scratch

NOTHING = "no network of the sweep starts from a source or from given weights at two or more frozen depths"


@dataclass(frozen=True)
class Advice:
    """What a sweep's runs say about how deep to freeze. `reason`: why nothing is said, where no network is advised."""

    sweep: str
    reason: str | None
    networks: tuple[NetworkAdvice, ...]
    more_data: tuple[MoreData, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values; a missing one is None."""
        value = _plain(asdict(self))
        for given, more in zip(value["more_data"], self.more_data, strict=True):
            for name in ("steps", "hurt"):
                for step, its in zip(given[name], getattr(more, name), strict=True):
                    step["effect"] = its.effect
        return value


def advise(tables: Tables, along: Sequence[AxisVerdict] | None = None) -> Advice:
    """The advice of a collected sweep. along: its verdicts along frozen units where they are known already; others
    among them are passed over.

    Each group of cells that differ in frozen units alone and start from a source or from given weights is one network.
    """
    verdicts = freezing_wise(tables) if along is None else [each for each in along if each.group.axis == FROZEN]
    transferring = [each for each in verdicts if not from_scratch(each.group.fields) and len(each.group.values) > 1]
    networks = [(each, advise_network(tables, each)) for each in transferring]
    return Advice(
        sweep=tables.sweep.record.name,
        reason=None if networks else NOTHING,
        networks=tuple(advice for _, advice in networks),
        more_data=more_data(networks),
    )


def advice_frame(advice: Advice) -> pd.DataFrame:
    """A row per network and depth: the fields of `DepthAdvice`, `best`, and `decision` of the network.

    Missing values are empty; `avoid` is the reasons with blanks between them.
    """
    rows = [
        {
            "group": network.group,
            "decision": network.decision,
            "seeds": network.seeds,
            "best": depth.frozen == network.best,
            **asdict(depth),
            "avoid": " ".join(depth.avoid),
        }
        for network in advice.networks
        for depth in network.depths
    ]
    return pd.DataFrame(rows)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value
