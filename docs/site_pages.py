"""What mkdocs does to the pages so that the same files read well on a forge and as a site.

The pages beside docs/ become pages of the site. Links to them lead there; links to other files of the repository, which
the site does not hold, become plain text. Headings get the anchors that a forge gives them.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
BESIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "LOG.md": "log.md",
    "BENCHMARKS.md": "benchmarks.md",
}
"""Pages of the repository's root, and what they are called on the site."""
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```.*?^```)$", re.MULTILINE | re.DOTALL)


def anchor(heading: str, separator: str = "-") -> str:
    """As GitHub makes it of a heading."""
    kept = "".join(c for c in heading.lower().strip() if c in " -_" or unicodedata.category(c)[0] in "LN")
    return kept.replace(" ", separator)


def linked(markdown: str, page: str) -> str:
    """The page with its links as the site has them. page: its path in the repository."""
    folder = posixpath.dirname(page)

    def change(found: re.Match[str]) -> str:
        mark, text, target = found.groups()
        path, hash_, fragment = target.partition("#")
        if re.match(r"[a-z]+:", target) or not path:
            return found[0]
        there = posixpath.normpath(posixpath.join(folder, path))
        if there in BESIDE:
            there = f"docs/{BESIDE[there]}"
        elif not there.startswith("docs/") or there.endswith(".py"):
            return f"{mark}{text}" if not mark else text
        here = f"docs/{BESIDE[page]}" if page in BESIDE else page
        return f"{mark}[{text}]({posixpath.relpath(there, posixpath.dirname(here))}{hash_}{fragment})"

    parts = _FENCE.split(markdown)
    return "".join(part if part.startswith("```") else _LINK.sub(change, part) for part in parts)


def on_config(config: Any) -> Any:
    config.mdx_configs["toc"]["slugify"] = anchor
    return config


def on_files(files: Any, config: Any) -> Any:
    for name, page in BESIDE.items():
        content = linked((ROOT / name).read_text(encoding="utf-8"), name)
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    return markdown if page.file.src_uri in BESIDE.values() else linked(markdown, f"docs/{page.file.src_uri}")
