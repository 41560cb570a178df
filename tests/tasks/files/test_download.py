"""Fetching files: what breaks off goes on, what is wrong goes away, and without a network one line says what to do."""

from __future__ import annotations

import gzip
import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread

import pytest

from frostline.cli import main
from tasks.files.archives import BadArchive, MissingData
from tasks.files.download import Download, fetch
from tests.tasks.files.published_files import BUILDERS, published, taken_for_published

CONTENT = bytes(range(256)) * 5000


@contextmanager
def served(
    content: bytes, ranges: bool = True, stop_after: int | None = None
) -> Iterator[tuple[str, list[str | None]]]:
    """A server on this machine that sends the content; the Range headers that it was asked with. `stop_after`: it
    closes the first connection after that many bytes."""
    asked: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Range"])
            start = int((self.headers["Range"] or "bytes=0-")[6:-1]) if ranges else 0
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = stop_after if stop_after is not None and len(asked) == 1 else len(content)
            self.wfile.write(content[start:end])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/file.bin", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def download(url: str, content: bytes = CONTENT) -> Download:
    return Download("file.bin", url, hashlib.sha256(content).hexdigest(), len(content))


def test_a_file_is_fetched_once(data: Path) -> None:
    with served(CONTENT) as (url, asked):
        path = fetch(download(url), data)
        assert path.read_bytes() == CONTENT and fetch(download(url), data) == path
    assert asked == [None] and [entry.name for entry in data.iterdir()] == ["file.bin"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_broke_off_goes_on(ranges: bool, data: Path) -> None:
    with served(CONTENT, ranges, stop_after=300_000) as (url, asked):
        with pytest.raises(MissingData, match=r"^[^\n]*cannot be fetched[^\n]*more expected[^\n]*$"):
            fetch(download(url), data)
        assert (data / "file.bin.part").stat().st_size == 300_000
        assert fetch(download(url), data).read_bytes() == CONTENT
    assert asked == [None, "bytes=300000-"]
    assert [entry.name for entry in data.iterdir()] == ["file.bin"]


def test_a_packed_download_that_broke_off_goes_on(data: Path) -> None:
    packed = gzip.compress(CONTENT, mtime=0)
    half = len(packed) // 2
    with served(packed, stop_after=half) as (url, asked):
        wanted = replace(download(url), packed=True)
        with pytest.raises(MissingData, match=r"^[^\n]*cannot be fetched[^\n]*more expected[^\n]*$"):
            fetch(wanted, data)
        assert (data / "file.bin.part").stat().st_size == half
        assert fetch(wanted, data).read_bytes() == packed
    assert asked == [None, f"bytes={half}-"]


@pytest.mark.parametrize("sent", [b"<html>404</html>", CONTENT + b"more", CONTENT[:-1] + b"x"])
def test_what_is_not_the_published_file_is_refused_and_removed(sent: bytes, data: Path) -> None:
    refusals = []
    with served(sent) as (url, _):
        for _ in range(2):  # a file that is too short might have been broken off: the next try finds that it is not
            with pytest.raises((BadArchive, MissingData), match=r"^[^\n]+$") as refusal:
                fetch(download(url), data)
            refusals.append(refusal.type)
            if refusal.type is BadArchive:
                break
    assert refusals[-1] is BadArchive and list(data.iterdir()) == []


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_without_a_network_one_line_says_which_file_to_put_where(data: Path) -> None:
    asked = download(f"http://127.0.0.1:{closed_port()}/file.bin")
    with pytest.raises(MissingData, match=r"^[^\n]+$") as refusal:
        fetch(asked, data)
    line = str(refusal.value)
    for part in (asked.url, str(asked.bytes), asked.sha256, f"at {data / 'file.bin'}"):
        assert part in line
    (data / "file.bin").write_bytes(CONTENT)
    assert fetch(asked, data) == data / "file.bin"


def test_the_command_prepares_from_files_and_says_what_it_made(
    data: Path, origin: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    BUILDERS["svhn"](origin)
    with published(import_module("tasks.datasets.svhn"), taken_for_published("svhn", origin)):
        assert main(["data", "svhn[0-4]", "--from", str(origin)]) == 0
        said = capsys.readouterr().out
        assert said.startswith("svhn: 10 classes, images 40 to train, 20 to test\nmean 0.5")
        assert main(["data", "svhn", "--from", str(origin)]) == 0
        assert capsys.readouterr().out == said
        monkeypatch.setattr("tasks.files.published.fetch", lambda *_: pytest.fail("the arrays are there"))
        assert main(["data", "svhn"]) == 0
        assert capsys.readouterr().out == said
    assert main(["data", "svhn", "--from", str(origin / "train_32x32.mat")]) == 2
    assert "allowed is a folder that holds train_32x32.mat, test_32x32.mat" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shvn"], "did you mean 'svhn'"),
        (["svhn", "--from", "nowhere"], "--from nowhere: there is nothing"),
        (["images"], "frostline data images --from FOLDER"),
        (["svhn", "--side", "7"], "--side"),
    ],
)
def test_a_wrong_command_is_told_in_one_line(
    arguments: list[str], said: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert list(data.iterdir()) == []


def test_what_needs_no_files_is_told_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "digits"]) == 0
    assert capsys.readouterr().out == "digits: nothing to prepare\n"
