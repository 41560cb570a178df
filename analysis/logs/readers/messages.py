"""Logs written for people: `Epoch 3/60 - loss: 0.51 - val_acc: 0.62`, `epoch=3 test_error=0.38`."""

from __future__ import annotations

import re

import numpy as np

from analysis.logs.readers.table import Column, Table
from analysis.logs.readers.words import EPOCH, plain

_PAIR = re.compile(
    r"(?<![\w.])([A-Za-z][\w/@.-]*?(?: (?:acc(?:uracy)?|error|err|loss))?)\s*[:=]\s*"
    r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan)\s*(%?)(?![\w:])",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"\bepochs?\b\W{0,3}(\d+)", re.IGNORECASE)
SAMPLE = 60


def are_messages(lines: list[str]) -> bool:
    """Whether lines, none of them blank, are a log of names with numbers: a third of them are, as are four or more."""
    sample = [line[:2000] for line in lines[:SAMPLE]]
    number = sum(bool(_pairs(line)) for line in sample)
    return number >= max(4, len(sample) / 3) and any(_EPOCH.search(line) for line in sample)


def _pairs(line: str) -> list[tuple[str, str, str]]:
    return [(k.strip(), v, p) for k, v, p in _PAIR.findall(line) if plain(k) not in EPOCH]


def read_messages(lines: list[tuple[int, str]], name: str, where: str) -> list[Table]:
    """A row per epoch, a column per name; of a name that comes twice in an epoch, the last. Epochs that fall back begin
    a block of their own.
    """
    rows: dict[tuple[int, float], dict[str, str]] = {}
    first: dict[tuple[int, float], int] = {}
    epoch, silent, block = None, 0, 0
    for number, line in lines:
        marked = _EPOCH.search(line)
        pairs = _pairs(line)
        if marked:
            block += epoch is not None and float(marked[1]) < epoch
            epoch = float(marked[1])
        if epoch is None or not pairs:
            silent += not marked
            continue
        first.setdefault((block, epoch), number)
        rows.setdefault((block, epoch), {}).update({key: value + percent for key, value, percent in pairs})
    columns: dict[str, Column] = {"epoch": np.array([epoch for _, epoch in rows])}
    for key in dict.fromkeys(key for row in rows.values() for key in row):
        column = np.empty(len(rows), dtype=object)
        column[:] = [row.get(key) for row in rows.values()]
        columns[key] = column
    said = ["log of names and numbers", *([f"{silent} other lines skipped"] if silent else [])]
    blocks = np.array([number for number, _ in rows], dtype=np.intp) if block else None
    return [Table(columns, name, where, logged=True, said=said, blocks=blocks, lines=list(first.values()))]
