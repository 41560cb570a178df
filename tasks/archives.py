"""Downloaded archives: where they are, whether they are what was published, and what is in them.

Nothing is extracted to disk: the few members in use are read into memory, so an archive cannot write anywhere.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path


class MissingData(FileNotFoundError, ValueError):
    """A data set that is not on this machine; the message holds the command that fetches it."""


class BadArchive(ValueError):
    """An archive that is truncated, altered or hostile."""


def data_folder() -> Path:
    """Where downloads are looked for: the environment's FROSTLINE_DATA, or ~/.cache/frostline."""
    named = os.environ.get("FROSTLINE_DATA")
    return Path(named) if named else Path.home() / ".cache" / "frostline"


def find(name: str, url: str) -> Path:
    """The archive's path in the data folder; MissingData when it is not there."""
    path = data_folder() / name
    if not path.is_file():
        raise MissingData(f"{path} is missing; fetch it: curl -fL --create-dirs -o {shlex.quote(str(path))} {url}")
    return path


def verify(path: Path, md5: str) -> None:
    """Raise BadArchive unless the file has the published checksum."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != md5:
        raise BadArchive(f"{path}: MD5 {found}, published {md5}; truncated or altered, delete it and fetch it again")


def read_members(path: Path, names: Iterable[str], most_bytes: int) -> dict[str, bytes]:
    """The named regular files of a .tar.gz, none larger than `most_bytes`.

    Raises BadArchive where one is absent or too large, where the archive cannot be read to its end, and where any
    member, wanted or not, would be extracted to, or link to, a place outside its folder (the rules of tarfile's `data`
    filter, PEP 706).
    """
    wanted, found = set(names), {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                tarfile.data_filter(member, str(path.parent))
                if member.name not in wanted:
                    continue
                if not member.isreg() or member.size > most_bytes:
                    raise BadArchive(f"{path}: {member.name} is not a file of at most {most_bytes} bytes")
                content = archive.extractfile(member)
                assert content is not None, "a regular file has content"
                found[member.name] = content.read()
    except tarfile.FilterError as error:
        raise BadArchive(f"{path}: refused, it holds an unsafe member ({error})") from None
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise BadArchive(f"{path}: cannot be read to its end ({error}); delete it and fetch it again") from None
    if absent := wanted - found.keys():
        raise BadArchive(f"{path}: no member {', '.join(sorted(absent))}")
    return found
