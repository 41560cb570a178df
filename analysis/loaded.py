"""A sweep in a notebook: its tables as pandas frames, made when they are first asked for."""

from __future__ import annotations

import html
import os
import textwrap
from collections import Counter
from functools import cached_property
from pathlib import Path

import pandas as pd

from analysis.negative_transfer.comparison import CellComparison, compare_with_scratch
from analysis.negative_transfer.frame import negative_transfer_frame
from analysis.tables.along_axes import AxisVerdict, along_every_axis
from analysis.tables.collect import Tables, collect, epoch_frame
from analysis.tables.load import StoredSweep, read_sweep
from analysis.tables.verdict_frame import verdict_frame
from sweeps.expand import flat
from sweeps.sweep import SweepSpec, read

FRAMES = {
    "epochs": "a row per epoch of each finished run",
    "runs": "a row per run",
    "cells": "a row per specification without its seed: means over seeds, epoch-wise verdict",
    "verdicts": "a row per group and axis: shape, three points with intervals, prominence, p, q",
}
"""The tables of a sweep (docs/tables.md), in the order in which they build on one another."""


class LoadedSweep:
    """A sweep as a store held it when it was loaded. Errors are fractions. Nothing is ever written to the store.

    Frames (pandas, missing values as NaN or NA): `epochs`, `runs`, `cells`, `verdicts`. Each is computed when it is
    first asked for, and kept. `load` again to see what has been added to the store since.
    """

    def __init__(self, stored: StoredSweep) -> None:
        self.stored = stored

    @property
    def name(self) -> str:
        return self.stored.record.name

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """One row per epoch of every finished run, with its `run_id`, in the order of `runs`."""
        return epoch_frame(self.stored)

    @property
    def runs(self) -> pd.DataFrame:
        """One row per run: its specification, status, final errors, when it interpolates, provenance."""
        return self.tables.runs

    @property
    def cells(self) -> pd.DataFrame:
        """One row per specification without its seed: means over seeds with 95 % intervals, the epoch-wise verdict."""
        return self.tables.cells

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row per group and axis that varies, then one per cell for its epochs (see `verdict_frame`)."""
        return verdict_frame(self.tables, self.axis_verdicts)

    @cached_property
    def negative_transfer(self) -> pd.DataFrame:
        """One row per cell that has a partner from scratch: the gain over it, paired by seed, and what that says."""
        return negative_transfer_frame(self.tables, self.comparisons)

    @cached_property
    def comparisons(self) -> tuple[CellComparison, ...]:
        """The same as objects, with their pairs."""
        return compare_with_scratch(self.tables)

    @cached_property
    def tables(self) -> Tables:
        """What the frames are made of: curves as arrays, verdicts as objects."""
        return collect(self.stored)

    @cached_property
    def axis_verdicts(self) -> tuple[AxisVerdict, ...]:
        """Verdicts of final errors along every axis that varies, frozen units first."""
        return along_every_axis(self.tables)

    def __repr__(self) -> str:
        """A few lines from the specifications and statuses alone: no curve is read for it."""
        rows = [f"{label}: {textwrap.shorten(text, 100, placeholder=' ...')}" for label, text in self._facts()]
        width = max(map(len, FRAMES))
        return "\n".join([*rows, "frames:", *(f"  {name:<{width}}  {about}" for name, about in FRAMES.items())])

    def _repr_html_(self) -> str:
        """The same as a table, for a notebook."""
        rows = [*self._facts(), *((f".{name}", about) for name, about in FRAMES.items())]
        cells = (f"<tr><th>{html.escape(label)}</th><td>{html.escape(text)}</td></tr>" for label, text in rows)
        style = "text-align: left"
        body = "".join(cells).replace("<th>", f'<th style="{style}">').replace("<td>", f'<td style="{style}">')
        return f"<table>{body}</table>"

    def _facts(self) -> list[tuple[str, str]]:
        runs = self.stored.runs
        statuses = Counter(run.status for run in runs)
        counted = ", ".join(f"{number} {status}" for status, number in statuses.most_common())
        values: dict[str, set[object]] = {}
        for run in runs:
            for name, value in flat(run.spec).items():
                values.setdefault(name, set()).add(value)
        varying = [f"{name} ({len(found)})" for name, found in values.items() if len(found) > 1]
        about = [("about", self.stored.record.about)] if self.stored.record.about else []
        return [
            (self.name, f"{len(runs)} runs ({counted}) in {self.stored.store.where()}"),
            *about,
            ("varies", ", ".join(varying) or "nothing"),
        ]


def load(sweep: str | Path | SweepSpec, store: str | Path | None = None) -> LoadedSweep:
    """What a store holds of a sweep.

    sweep: the path of its YAML file, its name in the catalog, or a SweepSpec. store: the folder of results, or
    s3://BUCKET/PREFIX; by default FROSTLINE_STORE, or `store` in the current folder. Raises SpecError for a sweep that
    cannot be read and StoreError for a store without it (both InputError, with one line); a damaged file of epochs is
    StoreError once it is read.

    Example: `load("quickstart", "store").cells[["transfer.frozen", "final_test_error"]]`.
    """
    spec = sweep if isinstance(sweep, SweepSpec) else read(str(sweep))
    where = store if store is not None else os.environ.get("FROSTLINE_STORE") or "store"
    return LoadedSweep(read_sweep(spec, where))
