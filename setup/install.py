"""Installs the locked packages and says how far it is: `python setup/install.py PYTHON LOCK`. Used by `make setup`.

pip by itself is silent for minutes or prints hundreds of lines. Needs the standard library alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
KEPT = 20  # last lines of pip, for a failure


def pinned(lock: str) -> int:
    """How many packages a lock file names."""
    return len(re.findall(r"^[A-Za-z0-9][\w.-]*==", lock, re.MULTILINE))


def progress(lines: Iterable[str], packages: int) -> Iterator[str]:
    """What to say of pip's lines as they come."""
    fetched, number, megabytes = set(), 0, 0.0
    for line in lines:
        found = re.search(r"(?:Downloading|Using cached) (\S+?)-[^/\s]*\.(?:whl|tar\.gz) \(([\d.]+) (\w+)\)", line)
        if found and found[1] not in fetched:
            fetched.add(found[1])
            number += 1
            size = float(found[2]) * UNITS.get(found[3], 0.0)
            megabytes += size
            yield f"  package {number} of {packages}: {found[1]} ({size:,.1f} MB; {megabytes / 1e3:,.2f} GB so far)"
        elif line.startswith("Installing collected packages"):
            yield f"  unpacking {packages} packages ({megabytes / 1e3:,.2f} GB fetched) ..."


def main(python: str, lock: Path) -> int:
    """Runs pip; returns its exit code, after its last lines where it failed."""
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--require-hashes", "--no-deps", "-r", str(lock)]
    last: deque[str] = deque(maxlen=KEPT)
    terminal = sys.stdout.isatty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None

        def kept() -> Iterator[str]:
            for line in pip.stdout or ():
                last.append(line)
                yield line

        for said in progress(kept(), pinned(lock.read_text(encoding="utf-8"))):
            print(f"\r\x1b[K{said}" if terminal else said, end="" if terminal else "\n", flush=True)
    if terminal:
        print()
    if pip.returncode:
        print("".join(last), end="", file=sys.stderr)
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
