"""Archives (.tar, .tar.gz, .zip, .gz): whether they are what was published, and what is in them.

Nothing is extracted to disk: members are read into memory one after the other, so an archive cannot write anywhere.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

MOST_MEMBERS = 5_000_000
MOST_BEHIND = 2**24
PIECE = 2**16


class MissingData(FileNotFoundError, ValueError):
    """Data that are not on this machine; the message, one line, says what to do."""


class BadArchive(ValueError):
    """A file that is truncated, altered or hostile; the message is one line."""


class Member(NamedTuple):
    """One regular file of an archive. `read` gives its content, as long as the next member was not asked for."""

    name: str
    size: int
    read: Callable[[], bytes]


def check_sha256(path: Path, sha256: str) -> None:
    """Raise BadArchive unless the file has the published checksum."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise BadArchive(f"{path}: SHA-256 {found}, published {sha256}; truncated or altered, fetch it again")


def members(path: Path, most_bytes: int, most_total: int) -> Iterator[Member]:
    """The regular files of a .zip, .tar or .tar.gz, in the archive's order.

    Raises BadArchive where the archive cannot be read to its end; where a member is larger than `most_bytes`, or all
    are larger than `most_total` together; and where any member would be extracted to, or link to, a place outside its
    folder, or is a device (for a tar the rules of tarfile's `data` filter, PEP 706; links in a .zip are all refused).
    """
    with reading(path):
        found = _zip_members(path) if zipfile.is_zipfile(path) else _tar_members(path)
        total = 0
        for number, member in enumerate(found):
            total += member.size
            if member.size > most_bytes:
                raise BadArchive(f"{path}: {member.name} is not a file of at most {most_bytes} bytes")
            if total > most_total or number >= MOST_MEMBERS:
                raise BadArchive(f"{path}: refused, its members are larger than {most_total} bytes together")
            yield member


def read_members(path: Path, names: Iterable[str], most_bytes: int, most_total: int = 2**33) -> dict[str, bytes]:
    """The named files of an archive. Raises BadArchive as `members` does, and where one is absent."""
    wanted, found = set(names), {}
    for member in members(path, most_bytes, most_total):
        if member.name in wanted:
            found[member.name] = member.read()
    if absent := wanted - found.keys():
        raise BadArchive(f"{path}: no member {', '.join(sorted(absent))}")
    return found


def gunzip(path: Path, most_bytes: int, sha256: str | None = None) -> bytes:
    """The content of a .gz. Raises BadArchive where it cannot be read to its end, is larger than `most_bytes`, or has
    not the published checksum, which is that of the content: gzip may compress one content to many files."""
    with reading(path), gzip.open(path) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise BadArchive(f"{path}: holds more than {most_bytes} bytes")
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise BadArchive(f"{path}: SHA-256 of its content {found}, published {sha256}; delete it and fetch it again")
    return content


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What the libraries say against an archive becomes one line: BadArchive."""
    try:
        yield
    except tarfile.FilterError as error:
        raise BadArchive(f"{path}: refused, it holds an unsafe member ({error})") from None
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadArchive(f"{path}: cannot be read to its end ({reason}); delete it and fetch it again") from None


def _tar_members(path: Path) -> Iterator[Member]:
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            tarfile.data_filter(member, str(path.parent))
            archive.members.clear()  # or all headers stay in memory  # pyright: ignore[reportAttributeAccessIssue]
            if member.isreg():
                yield Member(member.name, member.size, _reader(path, archive.extractfile, member))
        _read_to_end(path, archive)


def _read_to_end(path: Path, archive: tarfile.TarFile) -> None:
    """What follows the last member is little; a compressed file's checksum stands behind it."""
    assert archive.fileobj is not None
    for _ in range(MOST_BEHIND // PIECE):
        if not archive.fileobj.read(PIECE):
            return
    raise BadArchive(f"{path}: refused, more than {MOST_BEHIND} bytes follow its last member")


def _zip_members(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            outside = posixpath.normpath(info.filename).startswith(("/", "..")) or "\\" in info.filename
            special = stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR)
            if outside or special or info.flag_bits & 1:
                raise BadArchive(f"{path}: refused, it holds an unsafe member ({info.filename!r})")
            if not info.is_dir():
                yield Member(info.filename, info.file_size, _reader(path, archive.open, info))


def _reader(path: Path, opened: Callable[..., object], member: object) -> Callable[[], bytes]:
    def read() -> bytes:
        with reading(path):
            file = opened(member)
            assert file is not None, "a regular file has content"
            with file:  # pyright: ignore[reportGeneralTypeIssues]
                return file.read()  # pyright: ignore[reportAttributeAccessIssue]

    return read
