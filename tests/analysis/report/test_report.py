"""The page: self-contained, escaped, well-formed, and it says what is missing."""

from html.parser import HTMLParser
from pathlib import Path

from analysis.claims.decide import all_claims
from analysis.report.citations import citations
from analysis.report.figures import draw_figures
from analysis.report.page import page
from analysis.tables.along_axes import freezing_wise
from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from tests.analysis.store_factory import failed, finished, planned, sweep_text, whole

VOID = {"meta", "img", "br", "link", "hr"}


class Page(HTMLParser):
    """Keeps the tags, their attributes and the text, and checks that every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def _page(store: Path, sweep) -> str:
    tables = collect(read_sweep(sweep, store))
    verdicts = freezing_wise(tables)
    return page(tables, verdicts, draw_figures(tables, verdicts, store / "out"), all_claims(tables))


def test_nothing_is_requested_and_no_script_runs(tmp_path: Path) -> None:
    parsed = Page(_page(tmp_path, whole(tmp_path, sweep_text(epochs=30))))
    assert "script" not in {tag for tag, _ in parsed.tags}
    for _, attributes in parsed.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("data:image/png;base64,", "#"))
    assert len([tag for tag, _ in parsed.tags if tag == "img"]) == 3
    assert all(attributes.get("alt") for tag, attributes in parsed.tags if tag == "img")


def test_same_store_same_page(tmp_path: Path) -> None:
    sweep = whole(tmp_path, sweep_text(epochs=12, frozen="[0, 5]", last_seed=1))
    assert _page(tmp_path, sweep) == _page(tmp_path, sweep)


def test_it_holds_the_verdict_the_cells_and_the_versions(tmp_path: Path) -> None:
    parsed = Page(_page(tmp_path, whole(tmp_path, sweep_text(epochs=40))))
    assert "freezing-wise: double descent (weak), peak at frozen = 10, prominence 0." in parsed.text
    assert "Interpolation is lost between frozen = 10 and frozen = 11." in parsed.text
    assert "42 runs: 42 done" in parsed.text
    assert "0" * 40 in parsed.text
    assert "glyphs[A-Z]" in parsed.text
    assert "doi:10.24432/C50P49" in parsed.text
    rows = [tag for tag, _ in parsed.tags if tag == "tr"]
    assert len(rows) == 2 + 15 + 2 + 15  # results, advice by depth, claim C3, the cells


def test_it_says_how_deep_to_freeze(tmp_path: Path) -> None:
    text = Page(_page(tmp_path, whole(tmp_path, sweep_text(epochs=30, last_seed=4)))).text
    section = text.partition("How deep to freeze\n")[2].partition("Claims")[0]
    assert "freeze 12: " in section and "stay away from 10 (peak)" in section
    assert "up to" in section and "behind the best" in section and "At least 3 seeds" in section


def test_text_from_files_is_escaped(tmp_path: Path) -> None:
    sweep, runs = planned(sweep_text(epochs=6, frozen="[0]", last_seed=2), tmp_path)
    first, second, _ = runs.values()
    finished(tmp_path, first, device="<script>alert(1)</script>", provenance={"git_sha": '"><img src=x>'})
    failed(tmp_path, second)
    text = _page(tmp_path, sweep)
    parsed = Page(text)
    assert "Test <only> & nothing else." in parsed.text
    assert "<script>alert(1)</script>" in parsed.text
    assert "RuntimeError: <b>no</b>" in parsed.text
    assert not {"script", "b", "only"} & {tag for tag, _ in parsed.tags}
    assert not any(attributes.get("src") == "x" for _, attributes in parsed.tags)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    sweep, runs = planned(sweep_text(epochs=6, frozen="[0, 1]", last_seed=1), tmp_path)
    finished(tmp_path, next(iter(runs.values())))
    parsed = Page(_page(tmp_path, sweep))
    assert "4 runs: 1 done, 3 not run yet" in parsed.text
    assert "no verdict: 1 of 2 points have a result; 4 are needed" in parsed.text
    assert "1/2" in parsed.text


def test_every_data_set_is_cited_once() -> None:
    recorded = {"digits": "Alpaydin (1998).", "signal_noise": "Ours.", "another": "Not used."}
    used = ["signal_noise[0-1](universal=4)", "digits[0-4]", "digits", "signal_noise(universal=2)", "glyphs[A-Z]"]
    assert citations(used, recorded) == [
        "Alpaydin (1998).",
        "glyphs: no reference is on record; `frostline run` of the sweep records it.",
        "Ours.",
    ]
