"""docs/catalog.md is what the files of the catalog say; tests/frostline/test_catalog.py holds their numbers."""

from __future__ import annotations

from sweeps.sweep import CATALOG
from tests.docs.catalog_page import PAGE, page, row


def test_the_page_is_that_of_the_files() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m tests.docs.catalog_page"


def test_every_sweep_has_one_row_with_its_question() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for file in CATALOG.glob("*.yaml"):
        each = row(file.stem)
        assert text.count(f"\n| `{each.name}` | ") == 1 and each.question
