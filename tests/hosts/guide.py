"""The commands of the pages about clusters: which stand there, and where each is given."""

from __future__ import annotations

import re

from tests.docs.pages import blocks
from tests.hosts.machines import ROOT

HEAD, WORKER, ALL, OUTSIDE = "head", "worker", "all", "outside"
"""Hosts: the first; the others; every one. And a machine that reaches them by ssh."""

WHERE = {
    "umask 077 && ray get-auth-token ": HEAD,
    "export ": ALL,
    "ray start --head": HEAD,
    "ray start --address=": WORKER,
    "frostline run ": WORKER,
    "frostline tables ": WORKER,
    "frostline report ": HEAD,
    "make sweep ": WORKER,
    "make status ": HEAD,
    "deploy/ssh/cluster.sh up ": OUTSIDE,
    "deploy/ssh/cluster.sh down ": OUTSIDE,
}
"""What a command begins with, and where it is given."""
ELSEWHERE = {
    "sbatch ": "needs Slurm, whose own tests give it there (`make slurm`)",
    "ray up ": "needs an account of a cloud, which it spends money of",
    "kubectl ": "needs a Kubernetes cluster with KubeRay",
}
"""The others, with the reason."""
ORDER = (
    ("cluster.md", "A running Ray"),  # before there is a token
    ("cluster.md", "The token"),
    ("hosts.md", ""),
    ("cluster.md", "ssh, cloud, Kubernetes"),
    ("cluster.md", "Slurm"),
)
"""Page and section of each block: one that starts no Ray uses that of the block before."""


def commands(page: str) -> dict[str, list[str]]:
    """The commands of a page's blocks by section, and those of Ray that a remark in a block puts in backticks."""
    found: dict[str, list[str]] = {}
    for block in blocks((ROOT / "docs" / page).read_text(encoding="utf-8")):
        for line in block.text.splitlines():
            command, _, remark = line.partition("# ")
            given = [command.strip(), *re.findall(r"`(ray [^`]+)`", remark)]
            found.setdefault(block.section, []).extend(filter(None, given))
    return found


def starts(command: str) -> list[str]:
    """Of the two tables, the rows that a command begins with."""
    return [start for start in (*WHERE, *ELSEWHERE) if command.startswith(start)]
