"""How small do p-values of nulls get? What a q over many verdicts rests on is far below .05.

`python -m analysis.scoring.tails` prints the tables of docs/detection.md: of curves without a double descent, the share
with p at most each level, and the share that is called at it too (the shape must be a double descent as well).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from analysis.detector.descent import detect
from analysis.detector.smoothing import Array
from analysis.detector.verdict import Verdict
from analysis.scoring import short_axes, synthetic
from analysis.scoring.curve_families import NULLS
from analysis.scoring.score import EXACT_NULLS, wilson

LEVELS = (0.05, 0.01, 0.002, 0.001, 0.0005, 0.0001)
PARTS = 20
"""Of one draw, each with a seed of its own; they are independent and may be read by several processes."""


def nulls_over_epochs(number: int, seeds: int, seed: int, families: tuple[str, ...] = NULLS) -> Iterator[Verdict]:
    """Verdicts of curves over epochs whose truth is no double descent."""
    for cell in synthetic.cells(number, seeds, seed, families):
        yield detect(cell.x, cell.errors)


def level_over_epochs(number: int, seeds: int, seed: int) -> Iterator[Verdict]:
    """Of those that are level where a peak could be: the null at its boundary."""
    return nulls_over_epochs(number, seeds, seed, EXACT_NULLS)


def nulls_on_short_axes(number: int, seeds: int, seed: int) -> Iterator[Verdict]:
    """The same along frozen units, width and the other short axes."""
    for cell in short_axes.cells(2 * number, seeds, seed):
        if not cell.double_descent:
            yield detect(cell.x, cell.errors, axis=cell.axis)


DRAWN = {
    "over epochs, level tails": level_over_epochs,
    "over epochs, all nulls": nulls_over_epochs,
    "short axes": nulls_on_short_axes,
}


def tail(name: str, number: int, seeds: int, seed: int) -> Array:
    """(verdicts, 2): the p-value (1 without a test), and 1 where the shape is a double descent."""
    found = [
        (
            1.0 if verdict.p is None else verdict.p,
            verdict.shape == "double_descent" and verdict.cause != "co_adaptation",
        )
        for verdict in DRAWN[name](number, seeds, seed)
    ]
    return np.array(found, dtype=float).reshape(-1, 2)


def rows(name: str, found: Array) -> list[str]:
    """Rows of a Markdown table: the level, and both shares with their Wilson intervals."""
    p, shaped = found.T
    texts = []
    for level in LEVELS:
        below = p <= level * (1 + 1e-9)
        shares = [wilson(int(which.sum()), len(p)) for which in (below, below & (shaped > 0))]
        cells = [f"{share.value:.4f} [{share.low:.4f}, {share.high:.4f}]" for share in shares]
        texts.append(f"| {name} | {len(p):,} | {level:g} | {' | '.join(cells)} |")
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=4000, help="curves of each kind")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of each curve")
    parser.add_argument("--seed", type=int, default=4100, help="of the draw")
    asked = parser.parse_args()
    head = "| nulls | n | level | p at most the level | and the shape is a double descent |"
    print(f"{head}\n|{5 * ' --- |'}")
    with ProcessPoolExecutor() as pool:
        for name in DRAWN:
            size = max(1, asked.number // PARTS)
            parts = [pool.submit(tail, name, size, asked.seeds, asked.seed + part) for part in range(PARTS)]
            print("\n".join(rows(name, np.concatenate([part.result() for part in parts]))), flush=True)


if __name__ == "__main__":
    main()
