"""docs/tables.md has every column of every table, with a unit that its type and its values bear out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import frostline as fl
from analysis.loaded import LoadedSweep
from analysis.tables.measures import MEASURES
from analysis.tables.schema import CELLS, EPOCHS, RUNS, spec_types
from analysis.tables.verdict_frame import verdict_schema
from tests.docs.pages import ROOT

GOLDEN = ROOT / "tests" / "golden"
PAGE = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
FIELDS = "Fields of the specification"
SCHEMAS = {"epochs": EPOCHS, "runs": RUNS, "cells": CELLS, "verdicts": verdict_schema()}
TYPES = {
    "text": {pa.string()},
    "flag": {pa.bool_()},
    **{unit: {pa.float64()} for unit in ("fraction", "probability", "loss", "axis", "seconds")},
    **{unit: {pa.int64()} for unit in ("samples", "steps", "runs", "attempts", "scalars")},
    **{unit: {pa.int64()} for unit in ("layers", "channels", "pixels", "units")},
    "epochs": {pa.int64(), pa.float64()},  # a median of epochs need not be whole
    "number": {pa.int64(), pa.float64()},
}
"""The units there are, and the types that a column of such a unit may have."""
SIGNED = {"strength_low", "strength_high", "adaptation_harm"}  # differences of two fractions


def documented(heading: str, page: str = PAGE) -> dict[str, str]:
    """Column -> unit of the tables in a section that begins with the heading. A column stands there once."""
    (section,) = re.findall(rf"^## {re.escape(heading)}\b[^\n]*\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    found: dict[str, str] = {}
    for names, unit in re.findall(r"^\| (`[^|]+`) \| ([a-z]+) \|", section, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", names):
            assert name not in found, f"{name} stands there twice"
            found[name] = unit
    return found


UNITS = {name: documented(name) for name in SCHEMAS} | {FIELDS: documented(FIELDS)}


@pytest.fixture(scope="module")
def golden() -> LoadedSweep:
    return fl.load(GOLDEN / "sweep.yaml", GOLDEN / "store")


def test_every_field_of_the_specification_has_a_unit() -> None:
    assert UNITS[FIELDS].keys() == spec_types().keys()
    assert {name: unit for name, unit in UNITS[FIELDS].items() if spec_types()[name] not in TYPES[unit]} == {}


@pytest.mark.parametrize("table", list(SCHEMAS))
def test_every_column_has_a_unit_that_fits_its_type(table: str, golden: LoadedSweep) -> None:
    columns = [field for field in SCHEMAS[table] if field.name not in spec_types()]
    assert UNITS[table].keys() == {field.name for field in columns}
    assert {field.name: str(field.type) for field in columns if field.type not in TYPES[UNITS[table][field.name]]} == {}
    frame = getattr(golden, table)
    assert set(frame.columns) - spec_types().keys() == UNITS[table].keys()


def test_the_table_of_measures_is_documented() -> None:
    found = documented("measures")
    assert list(found) == MEASURES.names
    assert all(MEASURES.field(name).type in TYPES[unit] for name, unit in found.items())


@pytest.mark.parametrize("table", list(SCHEMAS))
def test_values_are_what_the_unit_allows(table: str, golden: LoadedSweep) -> None:
    frame: pd.DataFrame = getattr(golden, table)
    seen = 0
    for name, unit in UNITS[table].items():
        values = frame[name].dropna()
        if unit in ("text", "flag") or not len(values):
            continue
        numbers = values.to_numpy(dtype=np.float64)
        assert (np.isfinite(numbers).all() and (numbers >= 0).all()) or name in SIGNED, name
        if unit in ("fraction", "probability"):
            assert np.abs(numbers).max() <= 1, name
        elif unit in ("samples", "steps", "runs", "attempts", "scalars"):
            assert (numbers == np.round(numbers)).all(), name
        seen += 1
    assert seen > 3


def test_a_missing_column_and_a_second_unit_are_found() -> None:
    row = "| `test_error` | fraction |"
    assert "test_error" not in documented("epochs", PAGE.replace(row, "| text |"))
    with pytest.raises(AssertionError, match="twice"):
        documented("epochs", PAGE.replace(row, f"{row} again |\n| `epoch`, `test_error` | epochs |"))


def test_the_packages_that_latex_needs_are_those_of_the_file(tmp_path: Path) -> None:
    from analysis.report.papers.latex import NEEDS

    for package in re.findall(r"\\usepackage(?:\[\w+\])?\{[\w,]+\}", NEEDS):
        assert f"`{package}`" in PAGE, package
