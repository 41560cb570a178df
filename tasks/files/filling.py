"""Pictures into an array on disk, with several processes; what was finished is not done again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.files.pictures import Channels, decode
from tasks.files.progress import Advance

CHUNK = 256
"""Pictures that a process is handed at a time."""


class Picture(NamedTuple):
    """row: its place in the array; content: its bytes or its file; name: what it is called in messages."""

    row: int
    content: bytes | Path
    name: str


class Target(NamedTuple):
    """The array file to be filled: uint8 (N, channels, side, side) behind `offset` bytes of header."""

    path: Path
    offset: int
    side: int
    channels: Channels


def fill(target: Target, pictures: Iterable[Picture], workers: int, finished: Path, advance: Advance) -> None:
    """Decode all pictures into their rows. The order of `pictures` must be the same each time.

    Chunks that the file `finished` names are skipped: a call that was interrupted goes on. Raises BadArchive for a
    picture that cannot be read.
    """
    done = _read_finished(finished)
    with finished.open("ab") as journal:

        def close(number: int, pictures_in: int) -> None:
            journal.write(number.to_bytes(8, "little"))
            journal.flush()
            advance(pictures_in)

        for number, chunk in _open_chunks(pictures, done, advance) if workers == 1 else ():
            _decode_chunk(target, chunk)
            close(number, len(chunk))
        if workers > 1:
            _in_processes(target, _open_chunks(pictures, done, advance), workers, close)


def _in_processes(target: Target, chunks: Iterator[tuple[int, list[Picture]]], workers: int, close: object) -> None:
    assert callable(close)
    # Not forked: a process with threads (torch's, a progress bar's) does not survive that for sure.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running: dict[Future[None], tuple[int, int]] = {}

        def collect(most: int) -> None:
            while len(running) > most:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    number = running.pop(future)
                    future.result()
                    close(*number)

        try:
            for number, chunk in chunks:
                running[pool.submit(_decode_chunk, target, chunk)] = (number, len(chunk))
                collect(2 * workers)
            collect(0)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _open_chunks(pictures: Iterable[Picture], done: set[int], advance: Advance) -> Iterator[tuple[int, list[Picture]]]:
    left, number = iter(pictures), 0
    while chunk := list(islice(left, CHUNK)):
        if number in done:
            advance(len(chunk))
        else:
            yield number, chunk
        number += 1


def _decode_chunk(target: Target, chunk: list[Picture]) -> None:
    bytes_each = target.channels * target.side**2
    file = os.open(target.path, os.O_WRONLY)
    try:
        for picture in chunk:
            image = decode(picture.content, target.side, target.channels, picture.name)
            os.pwrite(file, np.ascontiguousarray(image).tobytes(), target.offset + picture.row * bytes_each)
        os.fsync(file)  # before the chunk is called finished
    finally:
        os.close(file)


def _read_finished(path: Path) -> set[int]:
    content = path.read_bytes() if path.exists() else b""
    return {int.from_bytes(content[at : at + 8], "little") for at in range(0, len(content) - 7, 8)}
