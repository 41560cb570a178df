"""Published files: where they are looked for, and how they are fetched."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tasks.files.archives import BadArchive, MissingData, check_sha256, gunzip
from tasks.files.progress import shown

TIMEOUT = 30.0
"""Seconds without a byte after which a download is given up. It goes on where it stopped."""
PIECE = 2**20


@dataclass(frozen=True)
class Download:
    """A file as its authors published it.

    `sha256` is of the file; of its content if `packed`, for a .gz that others have compressed again. `bytes` is the
    size of that file or content. `also` names folders in which an operating system may have put it.
    """

    file: str
    url: str
    sha256: str
    bytes: int
    packed: bool = False
    also: tuple[str, ...] = ()

    def check(self, path: Path) -> None:
        """Raise BadArchive, in one line, where the file is not what was published."""
        if self.packed:
            gunzip(path, self.bytes, self.sha256)
        else:
            check_sha256(path, self.sha256)

    def found(self, folder: Path) -> Path | None:
        """The file in a folder or where a system has it; None if it is in none."""
        places = (folder, *map(Path, self.also))
        return next((place / self.file for place in places if (place / self.file).is_file()), None)


def data_folder() -> Path:
    """Where downloads and prepared arrays are: the environment's FROSTLINE_DATA, or ~/.cache/frostline."""
    named = os.environ.get("FROSTLINE_DATA")
    return Path(named) if named else Path.home() / ".cache" / "frostline"


def fetch(download: Download, folder: Path) -> Path:
    """The file in the folder, fetched if it is not there and checked either way.

    A download that breaks off leaves `<file>.part`, and the next one goes on behind it. Raises MissingData, in one line
    that names the file and its place, where there is no connection; BadArchive where what came is not what was
    published, and nothing of it is left.
    """
    found = download.found(folder)
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        found = folder / download.file
        part = folder / f"{download.file}.part"
        try:
            _receive(download, part)
        except (OSError, http.client.HTTPException) as problem:
            reason = " ".join(str(getattr(problem, "reason", None) or problem).split()) or type(problem).__name__
            kind = "content" if download.packed else "file"
            raise MissingData(
                f"{download.url} cannot be fetched ({reason}); put that file ({download.bytes} bytes, SHA-256 of the "
                f"{kind} {download.sha256}) at {found}"
            ) from None
        try:
            download.check(part)
        except BadArchive:
            part.unlink()
            raise
        os.replace(part, found)
    else:
        download.check(found)
    return found


def _receive(download: Download, part: Path) -> None:
    """Append what is missing of the file to `part`; from its start where the server does not send parts of files."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(download.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as problem:
        if problem.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:  # all of it is there
            problem.close()
            return
        raise
    with response, part.open("ab" if response.status == http.client.PARTIAL_CONTENT else "wb") as file:
        have = file.tell()
        with shown(download.file, download.bytes, bytes_=True) as advance:
            advance(have)
            # One byte more than was published is enough to know that it is something else.
            while have <= download.bytes and (piece := response.read(PIECE)):
                file.write(piece)
                have += len(piece)
                advance(len(piece))
        # The size of a packed file is not known beforehand: the server says what it has not sent (Content-Length).
        short = (response.length or 0) if download.packed else download.bytes - have
        if have <= download.bytes and short > 0:
            raise http.client.IncompleteRead(b"", short)
