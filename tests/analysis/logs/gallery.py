"""The page docs/curves.md: ten ways in which people have curves, the command, and what it answers.

`python -m tests.analysis.logs.gallery` writes the page anew; a test compares it, and each answer with the truth.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.cli import main
from analysis.scoring.known_curve import through

PAGE = Path(__file__).parents[3] / "docs" / "curves.md"
WIDTH = "104"

EPOCHS = np.arange(1.0, 101.0)
PEAK = through([1, 5, 16, 50, 100], [0.62, 0.14, 0.24, 0.15, 0.12])(EPOCHS)
"""Strong double descent: minimum at 5, peak at 16, end at 100."""
FALL = 0.12 + 0.5 * np.exp(-(EPOCHS - 1) / 7)
RISE = through([1, 8, 35, 100], [0.62, 0.15, 0.24, 0.24])(EPOCHS)
WIDTHS = [1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 32, 48]
BY_WIDTH = [0.70, 0.52, 0.40, 0.33, 0.36, 0.41, 0.45, 0.42, 0.37, 0.31, 0.28, 0.26]

Truth = dict[str, str]


@dataclass(frozen=True)
class Way:
    """One way to have curves. write: makes its files in the working folder. commands: with the shapes that are true of
    each run, or None where the right answer is a refusal.
    """

    title: str
    text: str
    write: Callable[[], None]
    shows: str | None
    commands: tuple[tuple[str, Truth | None], ...]


def noisy(curve: np.ndarray, seed: int) -> list[float]:
    noise = np.random.default_rng(seed).standard_normal(len(curve))
    return np.round(curve + 0.002 * noise, 4).tolist()


def save(name: str, lines: list[str]) -> None:
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def long_csv() -> None:
    rows = [
        f"{run},{seed},{e},{y}"
        for k, (run, curve) in enumerate((("resnet", PEAK), ("vgg", FALL)))
        for seed in range(3)
        for e, y in enumerate(noisy(curve, 10 * k + seed), 1)
    ]
    save("curves.csv", ["run,seed,epoch,test_error", *rows])


def keras_history() -> None:
    history = {
        "accuracy": np.round(EPOCHS / 100, 4).tolist(),
        "loss": np.round(2 - EPOCHS / 60, 4).tolist(),
        "val_accuracy": [round(1 - y, 4) for y in noisy(PEAK, 1)],
    }
    Path("history.json").write_text(json.dumps(history))


def printed_log() -> None:
    rows = zip(noisy(PEAK, 2), noisy(1 - EPOCHS / 110, 3), strict=True)
    lines = [f"[Epoch {e}/100] train loss: {t} | test acc: {100 - 100 * y:.2f}%" for e, (y, t) in enumerate(rows, 1)]
    save("train.log", lines)


def spreadsheet() -> None:
    rows = [f"{e}\t{y}".replace(".", ",") for e, y in enumerate(noisy(RISE, 4), 1)]
    save("export.tsv", ["Modell: MLP, 3 Schichten", "", "Epoch\tTest Error", *rows])


def json_lines() -> None:
    rows = [
        json.dumps({"epoch": e, "train": {"loss": 0.5}, "test": {"acc1": round(100 - 100 * y, 2), "acc5": 99.0}})
        for e, y in enumerate(noisy(FALL, 5), 1)
    ]
    save("log.jsonl", rows)


def event_files() -> None:
    from tensorboardX import SummaryWriter

    for run, curve in (("lr_0.1", PEAK), ("lr_0.01", FALL)):
        with SummaryWriter(f"runs/{run}") as writer:
            for e, y in enumerate(noisy(curve, len(run)), 1):
                writer.add_scalar("val/error", y, e)


def run_table() -> None:
    names = iter(f"brisk-sun-{i}" for i in range(1, 100))
    rows = [
        f'"{next(names)}","finished","{width}","{seed}","{round(100 - 100 * y + 0.2 * seed, 2)}"'
        for width, y in zip(WIDTHS, BY_WIDTH, strict=True)
        for seed in range(3)
    ]
    save("wandb_export.csv", ['"Name","State","width","seed","test_acc"', *rows])


def width_grid() -> None:
    rows = [
        f"{width},{epoch},{y + 0.3 * float(np.exp(-epoch / 15)):.4f}"
        for width, y in zip(WIDTHS, BY_WIDTH, strict=True)
        for epoch in (20, 40, 60, 80)
    ]
    save("grid.csv", ["width,epoch,test_error", *rows])


def arrays() -> None:
    np.savez("results.npz", epochs=EPOCHS, test_error=np.array([noisy(PEAK, seed) for seed in range(5)]))


def other_measures() -> None:
    rows = zip(noisy(PEAK, 7), noisy(PEAK, 8), strict=True)
    save(
        "segment.csv", ["epoch,val_iou,val_loss", *(f"{e},{1 - y:.4f},{4 * z:.4f}" for e, (y, z) in enumerate(rows, 1))]
    )


DD, MONOTONE = "double_descent", "monotone"
WAYS = (
    Way(
        "A long CSV with runs and seeds",
        "One row per run, seed and epoch. Three seeds or more have a p-value.",
        long_csv,
        "curves.csv",
        (("curves.csv", {"resnet": DD, "vgg": MONOTONE}),),
    ),
    Way(
        "A history of Keras",
        "Save it with `json.dump(history.history, file)`, or let Keras write it with `CSVLogger`. A pickle is "
        "not read, since reading one may run any code; the refusal has the line that turns it into JSON.",
        keras_history,
        None,
        (("history.json", {"history": DD}),),
    ),
    Way(
        "A log that was printed",
        "Lines of names and numbers, with the epoch in them or above them.",
        printed_log,
        "train.log",
        (("train.log", {"train": DD}),),
    ),
    Way(
        "A table from a spreadsheet",
        "Tabs, semicolons, bars or blanks; lines above the header; comments; decimal commas; any "
        "encoding with a mark; `.gz`.",
        spreadsheet,
        "export.tsv",
        (("export.tsv", {"export": "plateau"}),),
    ),
    Way(
        "JSON lines",
        "Flat or nested. Errors in percent are recognised.",
        json_lines,
        "log.jsonl",
        (("log.jsonl", {"log": MONOTONE}),),
    ),
    Way(
        "Folders of TensorBoard or Lightning",
        "One run per folder. Folders and files that differ in `seed0`, `seed1`, ... are seeds "
        "of one run; `--seed file` makes seeds of all.",
        event_files,
        None,
        (("runs", {"lr_0.1": DD, "lr_0.01": MONOTONE}),),
    ),
    Way(
        "One row per model",
        "A run table of W&B or MLflow: each row is a model, together they are one curve along `--axis width` "
        "(or size, depth, frozen).",
        run_table,
        "wandb_export.csv",
        (("wandb_export.csv", None), ("wandb_export.csv --axis width", {"wandb_export": DD})),
    ),
    Way(
        "A grid of widths by epochs",
        "The last epoch of each width counts, or that of `--at`, or the mean of the `--last` ones. "
        "`--run width` makes a curve over epochs of each width instead.",
        width_grid,
        "grid.csv",
        (("grid.csv", None), ("grid.csv --axis width", {"grid": DD}), ("grid.csv --axis width --at 40", {"grid": DD})),
    ),
    Way(
        "NumPy arrays",
        "A `.npz` with lists of one length, or an array whose axes are named with `--axes`.",
        arrays,
        None,
        (("results.npz", None), ("results.npz --axes seed,epoch", {"results": DD})),
    ),
    Way(
        "A measure whose name does not tell, and a loss",
        "Nothing is guessed. A loss has a rule of its own: its verdict does not depend on its unit.",
        other_measures,
        "segment.csv",
        (
            ("segment.csv", None),
            ("segment.csv --metric val_iou", None),
            ("segment.csv --metric val_iou --better high", {"segment": DD}),
            ("segment.csv --rule loss", {"segment": DD}),
        ),
    ),
)


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    before, width = Path.cwd(), os.environ.get("COLUMNS")
    os.chdir(folder)
    os.environ["COLUMNS"] = WIDTH
    try:
        yield
    finally:
        os.chdir(before)
        if width is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = width


def answer(arguments: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of `detect`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["detect", *shlex.split(arguments)])
    return code, out.getvalue(), err.getvalue()


def section(number: int, way: Way) -> str:
    lines = [f"## {number}. {way.title}", "", *textwrap.wrap(way.text, 120, break_on_hyphens=False), ""]
    if way.shows is not None:
        head = Path(way.shows).read_text(encoding="utf-8").splitlines()[:4]
        lines += ["```", *head, "...", "```", ""]
    lines.append("```")
    for arguments, _ in way.commands:
        _, out, err = answer(arguments)
        lines += [f"$ python -m analysis detect {arguments}", *err.splitlines(), *out.splitlines(), ""]
    return "\n".join([*lines[:-1], "```", ""])


def page() -> str:
    """The whole page, with answers computed here and now."""
    text = PAGE.read_text(encoding="utf-8")
    top, _, rest = text.partition("## 1. ")
    _, mark, bottom = rest.partition("## What is read")
    sections = []
    with tempfile.TemporaryDirectory() as folder, inside(Path(folder)):
        for number, way in enumerate(WAYS, 1):
            way.write()
            sections.append(section(number, way))
    return top + "\n".join(sections) + "\n" + mark + bottom


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
