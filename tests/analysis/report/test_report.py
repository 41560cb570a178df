"""The page: self-contained, escaped, well-formed, and it says what is missing. tests/browser opens it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.claims.decide import all_claims
from analysis.report.citations import citations
from analysis.report.page.columns import run_columns
from analysis.report.page.curves import STEPS, pack
from analysis.report.page.overview import head
from analysis.report.page.provenance import what_was_run
from analysis.report.page.shell import ASSETS
from analysis.report.page.write import page
from analysis.tables.along_axes import along_every_axis
from analysis.tables.collect import collect
from analysis.tables.curves import Curves
from analysis.tables.load import read_sweep
from sweeps.sweep import parse
from tests.analysis.store_factory import failed, finished, planned, sweep_text, whole

VOID = {"meta", "img", "br", "link", "hr", "input"}
EMBEDDED = ("page-data", "page-curves", "page-plotly")


class Page(HTMLParser):
    """Keeps the tags, their attributes and the text, and checks that every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif not self.open or self.open[-1] != "style":
            self.text += data

    def embedded(self, name: str) -> bytes:
        """What the browser inflates."""
        ids = [attributes.get("id") for tag, attributes in self.tags if tag == "script"]
        return zlib.decompress(base64.b64decode(self.scripts[ids.index(name)]))

    def data(self) -> dict[str, Any]:
        return json.loads(self.embedded("page-data"))


def _page(store: Path, sweep) -> str:
    tables = collect(read_sweep(sweep, store))
    verdicts = along_every_axis(tables)
    return page(tables, verdicts, all_claims(tables, along=verdicts), store / "out" / "report.html")


def test_nothing_is_requested_and_only_known_scripts_run(tmp_path: Path) -> None:
    parsed = Page(_page(tmp_path, whole(tmp_path, sweep_text(epochs=30))))
    kinds = [attributes.get("type") for tag, attributes in parsed.tags if tag == "script"]
    assert kinds == ["text/plain"] * len(EMBEDDED) + [None]
    for _, attributes in parsed.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    (policy,) = [
        attributes["content"] or "" for tag, attributes in parsed.tags if tag == "meta" and "http-equiv" in attributes
    ]
    assert policy.startswith("default-src 'none'; ") and "connect" not in policy
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    scripts = [parsed.scripts[-1].encode(), parsed.embedded("page-plotly")]
    assert allowed == {base64.b64encode(hashlib.sha256(each).digest()).decode() for each in scripts}
    assert "unsafe" not in policy.partition("script-src")[2].partition(";")[0]


def test_same_store_same_page(tmp_path: Path) -> None:
    sweep = whole(tmp_path, sweep_text(epochs=12, frozen="[0, 5]", last_seed=1))
    assert _page(tmp_path, sweep) == _page(tmp_path, sweep)


def test_it_holds_the_verdict_the_cells_and_the_versions(tmp_path: Path) -> None:
    parsed = Page(_page(tmp_path, whole(tmp_path, sweep_text(epochs=40))))
    assert "Double descent along frozen units in resnet14-w4 (weak)" in parsed.text
    assert "freezing-wise: double descent (weak)" in parsed.text and "peak at frozen = 10, prominence 0." in parsed.text
    assert "Interpolation is lost between frozen = 10 and frozen = 11." in parsed.text
    assert "42 runs: 42 done" in parsed.text and "C3: supported" in parsed.text
    assert "0" * 40 in parsed.text and "glyphs[A-Z]" in parsed.text and "doi:10.24432/C50P49" in parsed.text
    data = parsed.data()
    columns = {column["title"]: column for column in data["cells"]["columns"]}
    assert columns["frozen"]["values"] == list(range(14)) and columns["seeds"]["texts"] == ["3"] * 14
    assert columns["test error %"]["texts"][10].startswith("3") and "[" in columns["test error %"]["texts"][10]
    assert [len(rows) for rows in data["cells"]["runs"]] == [3] * 14
    assert data["cells"]["labels"][3] == "resnet14-w4, frozen = 3"
    (group,) = data["axes"]
    assert group["points"]["peak"][0] == 10 and group["threshold"] == [10, 11] and group["called"]
    (chart,) = data["epochMaps"]
    assert len(chart["cells"]) == 14 and "freezing-wise double descent at" in chart["text"]
    assert data["gridMaps"] == []


def test_widths_and_frozen_units_make_a_map(tmp_path: Path) -> None:
    text = (
        sweep_text(epochs=6, frozen="[0, 5, 13]", last_seed=1) + "  model.width: [4, 8]\n  target.size: [500, 1000]\n"
    )
    data = Page(_page(tmp_path, whole(tmp_path, text))).data()
    maps = {(each["y"], each["x"], each["label"]): each for each in data["gridMaps"]}
    one = maps["model.width", "frozen", "resnet14, target.size = 500"]
    assert (one["columns"], one["rows"]) == ([0, 5, 13], [4, 8])
    labels = [[data["cells"]["labels"][cell] for cell in row] for row in one["cells"]]
    assert labels[1][2] == "resnet14-w8, target.size = 500, frozen = 13"
    assert {(y, x) for y, x, _ in maps} == {
        ("model.width", "frozen"), ("target.size", "frozen"), ("target.size", "model.width"),
    }  # fmt: skip


def test_curves_are_those_of_the_runs(tmp_path: Path) -> None:
    sweep = whole(tmp_path, sweep_text(epochs=9, frozen="[0, 5]", last_seed=1))
    curves = collect(read_sweep(sweep, tmp_path)).curves
    codes = np.frombuffer(Page(_page(tmp_path, sweep)).embedded("page-curves"), "<u2").reshape(4, 2, 9)
    for which, errors in enumerate((curves.test_error, curves.train_error)):
        assert np.abs(codes[:, which] / STEPS - errors.reshape(4, 9)).max() <= 0.5 / STEPS + 1e-12


@pytest.mark.parametrize("top", [1.0, 3.0])
def test_long_sparse_and_missing_curves(top: float) -> None:
    """Runs of 0, 4 and 1,000 epochs, thinned; errors above 1 take four bytes; NaN comes back as such."""
    offsets = np.array([0, 0, 4, 1004])
    test = np.linspace(0.0, top, 1004)
    test[1] = np.nan
    packed = pack(Curves(offsets, test, test / 2, np.arange(1, 1005) * 2), most=502)
    lengths, size = packed.about["lengths"], 2 if top <= 1 else 4
    assert lengths[0] == 0 and lengths[1] == 2 and 100 < lengths[2] <= 500
    assert packed.about["kind"] == f"{'u2' if top <= 1 else 'f4'}" and packed.about["epochs"] is True
    assert len(packed.data) == sum(lengths) * (2 * size + 4)
    tail = np.frombuffer(packed.data[-4 * lengths[2] :], "<u4")
    assert (tail[0], tail[-1]) == (10, 2008) and (np.diff(tail.astype(int)) > 0).all()
    whole_curves = pack(Curves(offsets, test, test / 2))
    assert whole_curves.about["lengths"] == [0, 4, 1000] and whole_curves.about["epochs"] is False
    first = np.frombuffer(whole_curves.data[: 4 * size], f"<{'u2' if top <= 1 else 'f4'}")
    assert first[1] == STEPS + 1 if top <= 1 else np.isnan(first[1])


def test_it_says_how_deep_to_freeze(tmp_path: Path) -> None:
    text = Page(_page(tmp_path, whole(tmp_path, sweep_text(epochs=30, last_seed=4)))).text
    section = text.rpartition("How deep to freeze")[2].partition("Cells and curves")[0]
    assert "freeze 12: " in section and "stay away from 10 (peak)" in section
    assert "up to" in section and "behind the best" in section and "At least 3 seeds" in section


def test_text_from_files_is_escaped(tmp_path: Path) -> None:
    sweep, runs = planned(sweep_text(epochs=6, frozen="[0]", last_seed=2), tmp_path)
    first, second, _ = runs.values()
    finished(tmp_path, first, device="</script><script>alert(1)</script>", provenance={"git_sha": '"><img src=x>'})
    failed(tmp_path, second)
    parsed = Page(_page(tmp_path, sweep))
    assert "Test <only> & nothing else." in parsed.text
    assert "<script>alert(1)</script>" in parsed.text
    assert "RuntimeError: <b>no</b>" in parsed.text
    assert not {"only", "img"} & {tag for tag, _ in parsed.tags} and len(parsed.scripts) == len(EMBEDDED) + 1
    (device,) = [column for column in parsed.data()["runs"]["columns"] if column["title"] == "device"]
    assert "</script><script>alert(1)</script>" in device["values"]


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    sweep, runs = planned(sweep_text(epochs=6, frozen="[0, 1]", last_seed=1), tmp_path)
    first, second, *_ = runs.values()
    record = finished(tmp_path, first)
    failed(tmp_path, second, kind="source")
    parsed = Page(_page(tmp_path, sweep))
    assert "4 runs: 1 done, 2 blocked, 1 not run yet" in parsed.text
    assert "Not in the results: 2 blocked: source " in parsed.text
    assert "no verdict: 1 of 2 points have a result; 4 are needed" in parsed.text
    columns = {column["title"]: column for column in parsed.data()["runs"]["columns"]}
    assert sorted(columns["status"]["values"]) == ["blocked", "blocked", "done", "missing"]
    assert sum(reason is not None for reason in columns["why not done"]["values"]) == 2
    (links,) = [each for each in columns["run"]["links"] if each is not None]
    assert links["record"] == f"../runs/{record.id[:2]}/{record.id}/result.json"
    assert (tmp_path / "out" / links["curve"]).exists() or (tmp_path / links["curve"].removeprefix("../")).exists()


def test_an_empty_sweep_has_a_page(tmp_path: Path) -> None:
    sweep, _ = planned(sweep_text(epochs=6, frozen="[0, 1]", last_seed=0), tmp_path)
    parsed = Page(_page(tmp_path, sweep))
    assert "No verdict yet: too few points have a result." in parsed.text
    assert parsed.data()["curves"]["lengths"] == [0, 0] and parsed.embedded("page-curves") == b""


def test_it_says_how_to_run_it_again(tmp_path: Path) -> None:
    text = sweep_text(epochs=6, frozen="[0, 1]", last_seed=0)
    parsed = Page(_page(tmp_path, whole(tmp_path, text)))
    assert "frostline run made-up.yaml" in parsed.text
    written = parsed.text.partition("name: made-up\n")[2].partition("\n\n")[0]
    read = "name: made-up\n" + written[: written.index("edition:") + len("edition: 2")]
    assert parse(read).digest == parse(text).digest


def test_text_stands_out_from_what_is_behind_it() -> None:
    """Contrast, dark and light: of text at least 4.5 : 1, of curves 3 : 1 (WCAG 2.2, AA)."""
    style = (ASSETS / "page.css").read_text()
    light, dark, chosen = re.findall(r"color-scheme: (?:light|dark);(.*?)}", style, re.DOTALL)
    assert chosen.split() == dark.split()  # of the system, and of the button
    for theme in (light, dark):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", theme))
        for behind in ("paper", "card", "tint", "note"):
            for name in ("ink", "quiet", "accent", "good", "bad"):
                assert contrast(colours[name], colours[behind]) >= 4.5, (name, behind)
        assert min(contrast(colours[name], colours["card"]) for name in ("test", "train")) >= 3


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_data_set_is_cited_once() -> None:
    recorded = {"digits": "Alpaydin (1998).", "signal_noise": "Ours.", "another": "Not used."}
    used = ["signal_noise[0-1](universal=4)", "digits[0-4]", "digits", "signal_noise(universal=2)", "glyphs[A-Z]"]
    assert citations(used, recorded) == [
        "Alpaydin (1998).",
        "glyphs: no reference is on record; `frostline run` of the sweep records it.",
        "Ours.",
    ]


def test_epochs_trained_are_counted_where_some_were_not_evaluated(tmp_path: Path) -> None:
    """Two runs of six rows, the last of them after epoch 40; the third has not run."""
    sweep, runs = planned(sweep_text(epochs=6, frozen="[0]", last_seed=2), tmp_path)
    for spec in list(runs.values())[:2]:
        finished(tmp_path, spec)
    tables = collect(read_sweep(sweep, tmp_path))
    tables = replace(tables, curves=replace(tables.curves, epoch=np.tile([1, 2, 4, 8, 20, 40], 2)))
    assert "<b>80</b> epochs trained" in head(tables, {}) and "trained</dt><dd>80</dd>" in "".join(what_was_run(tables))
    (shown,) = [each for each in run_columns(tables, tmp_path) if each["title"] == "epochs"]
    assert shown["values"] == [40, 40, None]
