"""Text tables as people have them: what stands around the numbers does not change the verdict."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.logs.ingest import read_curves
from tests.analysis.logs.curve_files import EPOCHS, FALL, TEST, assert_both, assert_dd, refused, said, verdict, verdicts

ROWS = [(int(e), f"{v:.6f}") for e, v in zip(EPOCHS, TEST, strict=True)]
FALLS = [(int(e), f"{v:.6f}") for e, v in zip(EPOCHS, FALL, strict=True)]


def lines(separator: str, rows=ROWS, head: str | None = "epoch,test_error") -> str:
    top = [] if head is None else [head.replace(",", separator)]
    return "\n".join([*top, *(f"{e}{separator}{v}" for e, v in rows)]) + "\n"


ACC = "\n".join(["epoch;test_acc", *(f"{e};{1 - float(v):.6f}".replace(".", ",") for e, v in ROWS)])
STYLES: dict[str, tuple[str, str]] = {
    "tab": (lines("\t"), "separated by tabs"),
    "blanks": (lines("   "), "separated by blanks"),
    "semicolon": (lines(";"), "separated by semicolons"),
    "bar": (lines(" | "), "separated by bars"),
    "comma and blank": (lines(", "), "x = epoch"),
    "decimal commas": (ACC, "decimal commas"),
    "banner": ('"model: mlp, 3 layers | lr 0.1"\n\n' + lines(","), "1 line above the header skipped"),
    "banner of many words": ("Trained on 4 GPUs, seed 3\nby me\n" + lines("\t"), "2 lines above the header skipped"),
    "comments": ("# lr: 0.1, noise: 0.2\n% a\n" + lines(","), "x = epoch"),
    "comments between": (lines(",").replace("\n60,", "\n# rate drops\n60,"), "1 comments between the rows skipped"),
    "header in a comment": ("# epoch test_error\n" + lines(" ", head=None), "x = epoch"),
    "byte order mark": ("\ufeff" + lines(","), "x = epoch"),
    "carriage returns": (lines(",").replace("\n", "\r\n"), "x = epoch"),
    "trailing separators": (lines(",").replace("\n", ",\n"), "x = epoch"),
    "blank lines": (lines(",").replace("\n", "\n\n"), "x = epoch"),
    "Markdown": ("| epoch | test error |\n|---|:--:|\n" + "".join(f"| {e} | {v} |\n" for e, v in ROWS), "bars"),
    "row names of R": ('"epoch" "test_error"\n' + "".join(f'"{e + 1}" {e} {v}\n' for e, v in ROWS), "blanks"),
    "percent signs": (
        "epoch,error\n" + "".join(f"{e},{100 * float(v):.4f} %\n" for e, v in ROWS),
        "error is in percent",
    ),
    "log of Keras": (
        "".join(f"Epoch {e}/120\n5/5 - 0s - val_accuracy: {1 - float(v):.6f}\n" for e, v in ROWS),
        "log of",
    ),
    "key=value": ("".join(f"2026-01-01 10:00:00 INFO epoch={e} test_error={v}\n" for e, v in ROWS), "log of names"),
    "bracketed": ("".join(f"[Epoch {e}] Test Acc: {100 - 100 * float(v):.4f}%\n" for e, v in ROWS), "in percent"),
}


@pytest.mark.parametrize("style", STYLES)
def test_the_same_curve_in_every_style(tmp_path: Path, style: str) -> None:
    text, note = STYLES[style]
    path = tmp_path / "log.txt"
    path.write_text(text, encoding="utf-8")
    (run,) = read_curves(path).runs
    np.testing.assert_allclose(run.x, EPOCHS)
    np.testing.assert_allclose(run.errors[0], TEST, atol=2e-6)
    assert_dd(verdict(path))
    assert note in said(path) and said(path).count("\n") == 1


def test_other_encodings(tmp_path: Path) -> None:
    for name, data in (
        ("utf16.csv", lines("\t").encode("utf-16")),
        ("latin.csv", ("# Größe\n" + lines(",")).encode("latin-1")),
        ("packed.csv.gz", gzip.compress(lines(",").encode())),
    ):
        (tmp_path / name).write_bytes(data)
        assert_dd(verdict(tmp_path / name))


def test_numpy_and_pandas_texts(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "a.txt", np.c_[EPOCHS, TEST], header="epoch test_error")
    (tmp_path / "b.txt").write_text(pd.DataFrame({"epoch": EPOCHS, "test_error": TEST}).to_string())
    pd.DataFrame({"val_accuracy": 1 - TEST, "loss": TEST}).to_csv(tmp_path / "c.csv")  # the index is the epoch
    for name in ("a.txt", "b.txt", "c.csv"):
        assert_dd(verdict(tmp_path / name))
    np.savetxt(tmp_path / "d.txt", TEST)
    assert "--metric value --better high (or low)" in refused(tmp_path / "d.txt")
    assert_dd(verdict(tmp_path / "d.txt", "--better", "low"))
    assert "rows are counted from 1" in said(tmp_path / "d.txt", "--better", "low")
    np.savetxt(tmp_path / "e.txt", np.c_[EPOCHS, TEST])
    assert "among 1, 2; name it with --metric COLUMN" in refused(tmp_path / "e.txt")
    assert_dd(verdict(tmp_path / "e.txt", "--x", "1", "--metric", "2", "--better", "low"))


def test_blank_lines_and_repeated_headers_between_runs(tmp_path: Path) -> None:
    named = "run,epoch,test_error\n" + "".join(f"a,{e},{v}\n" for e, v in ROWS) + "\n\n"
    (tmp_path / "named.csv").write_text(named + "".join(f"b,{e},{v}\n" for e, v in FALLS))
    assert_both(verdicts(tmp_path / "named.csv"), "a", "b")
    for name, text in (
        ("gap", lines(" ") + "\n\n" + lines(" ", FALLS, head=None)),
        ("again", lines(",") + lines(",", FALLS)),
        ("log", "".join(f"epoch: {e} test_error: {v}\n" for e, v in [*ROWS, *FALLS])),
    ):
        (tmp_path / name).write_text(text)
        assert_both(verdicts(tmp_path / name), f"{name} block 1", f"{name} block 2")
        assert "a run per block" in said(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (lines(",") + "best: 0.1\n", "epoch: 'best: 0.1' in line 122 is not a number"),
        (lines(",").replace("\n9,", '\n"9,'), "line 11: a quote is opened and not closed"),
        (lines(",", [("1,000", v) for _, v in ROWS]).replace("1,000", '"1,000"'), "1,000 may be 1000 or 1.000"),
        ("hello\nworld\n", "no table: no line of numbers"),
        ("<html><p>1</p></html>", "HTML or XML"),
        (lines(",") + "120\x00,.1\n", "a binary file of no known kind"),
        ("epoch,1,2,3\n" + "".join(f"{e},{v},{v},{v}\n" for e, v in ROWS), "if each column is a seed: --seed '*'"),
    ],
)
def test_what_is_refused_says_why(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "c.csv").write_text(text)
    assert line in refused(tmp_path / "c.csv")


def test_a_million_columns_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(",".join(f"c{i}" for i in range(10**6)) + "\n" + ",".join(["1"] * 10**6) + "\n")
    assert "1000000 columns; at most 100000 are allowed" in refused(tmp_path / "c.csv")
