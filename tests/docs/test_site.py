"""The site is built, strictly and offline; CITATION.cff has what a citation needs; pictures can be drawn."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.docs.pages import ROOT
from tests.docs.pictures import NAMES, PICTURES, draw

GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    offline = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)],
        cwd=ROOT,
        env={**os.environ, **offline, "NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "WARNING" not in done.stderr + done.stdout
    return out


def test_every_page_is_on_the_site_and_in_its_contents(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    beside = {f"{name}.html" for name in ("index", "contributing", "changelog", "log", "benchmarks")}
    assert {path.relative_to(site).as_posix() for path in site.rglob("*.html")} == pages | beside | {"404.html"}
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    assert {name.removesuffix(".md") for name in re.findall(r"[\w/]+\.md", contents)} == {
        name.removesuffix(".html") for name in pages | beside
    }


def test_a_page_asks_nothing_of_another_host(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        asked = re.findall(r'<(?:script|img|link|iframe)[^>]*?(?:src|href)="?((?:https?:)?//[^"\s>]+)', text)
        assert [url for url in asked if not url.startswith("https://squidfunk.github.io")] == [], path
        assert "fonts.googleapis" not in text and "fonts.gstatic" not in text, path


def test_links_between_pages_of_the_repository_are_links_of_the_site(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="tutorial.html"' in index and 'src="pictures/quickstart_final.png"' in index
    assert 'href="docs/' not in index and ".py)" not in index
    assert 'href="benchmarks.html#data"' in (site / "data.html").read_text(encoding="utf-8")


def test_a_citation_has_what_the_format_asks_for() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)  # required by CFF 1.2.0
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "software" and cited["license"] == "Apache-2.0"
    assert [author["name"] for author in cited["authors"]] == ["Frostline developers"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{cited["version"]}"\n' in project
    for reference in cited["references"]:
        assert {"type", "title", "authors"} <= set(reference)
        assert all({"family-names", "given-names"} <= set(author) for author in reference["authors"])


def test_the_pictures_are_those_that_the_script_draws(tmp_path: Path) -> None:
    drawn = draw(GOLDEN / "sweep.yaml", GOLDEN / "store", tmp_path, dict.fromkeys(NAMES, "resnet14-w8"))
    assert {path.name for path in drawn} == set(NAMES.values()) == {path.name for path in PICTURES.glob("quickstart_*")}
    for path in drawn:
        with Image.open(path) as here, Image.open(PICTURES / path.name) as kept:
            assert here.width == kept.width == 1350 and kept.height > 300
