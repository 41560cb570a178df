"""Which hosts get no runs for a while: those where workers end before they begin one, or one after the other, and those
where runs fail that do not fail elsewhere.

A host on which nothing can start, or each run fails at once (a broken GPU), is free at once, so that it would draw more
jobs than any other (a black hole).
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3600.0
"""Seconds without runs after a host's first failure; each further one in a row doubles them."""
MOST_DEATHS = 2
"""Workers in a row that may die on a host while they run something, before it counts as failing."""
MOST_RAISED = 2
"""Runs in a row that may fail alike on a host, before it counts as failing."""
HOSTS_ALIKE = 3
"""Hosts on which a job may fail alike before its failures are its own; two, where one of them has completed a run."""

NEVER_STARTED = ("RuntimeEnvSetupError", "runtime_env", "runtime environment")
"""What Ray says where a worker's process was never there."""
NO_FAULT = ("exit_actor", "its node has died")
"""What Ray says where a worker's end is no sign that the next one would end too: it was told to go, or there is no node
any more."""

_ADDRESS = re.compile(r"\[Node (?P<agent>[0-9A-Fa-f.:]+)\]|^\s*ip: (?P<actor>[0-9A-Fa-f.:]+)\s*$", re.MULTILINE)


def address_in(reason: str) -> str | None:
    """The address of the node that Ray names in what it says of a worker's end; None where it names none.

    Example:
        >>> address_in("[Node 10.0.0.7] Failed to download runtime_env file package")
        '10.0.0.7'
    """
    found = _ADDRESS.search(reason)
    return None if found is None else found["agent"] or found["actor"]


def told(reason: str, after: str = "") -> str:
    """What Ray says of a worker's end in one line: the last error that it names, or its end; or what follows on the
    last mention of a word."""
    if after:
        return reason[reason.rindex(after) :].splitlines()[0].partition(": ")[2].partition("] ")[2]
    errors = _ERROR.findall(reason)
    return " ".join((errors[-1] if errors else reason[-400:]).split())[:400]


_ERROR = re.compile(r"^\S*(?:Error|Exception): .*", re.MULTILINE)


@dataclass
class _Pause:
    """For one cause; of several pauses of a host the longest holds."""

    failures: int = 0
    until: float = 0.0

    def begin(self, now: float) -> float:
        """Returns for how many seconds. What fails meanwhile was sent there before, and counts no further."""
        if self.until <= now:
            self.failures += 1
            self.until = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self.failures - 1))
        return self.until - now


@dataclass
class _Host:
    deaths: int = 0
    raised: int = 0
    """Runs in a row that failed there with an error of one kind, and which."""
    kind: str = ""
    for_ends: _Pause = field(default_factory=_Pause)
    """Where workers died, or ended before they began a run."""
    for_errors: dict[str, _Pause] = field(default_factory=dict)
    """Where runs failed, by the kind of their error."""

    @property
    def until(self) -> float:
        return max(pause.until for pause in (self.for_ends, *self.for_errors.values()))


class NodeHealth:
    """What is known of hosts, by address, from how workers ended on them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._failed_on: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        """Where a job failed with an error of a kind, by job and kind."""
        self._completed: set[str] = set()
        """Where a run of this launch was completed."""
        self._no_hosts: set[str] = set()
        """Kinds of errors that are no host's fault."""

    def failed(self, address: str) -> float:
        """A worker ended there before it began anything. Returns for how many seconds the host is avoided for that."""
        return self._hosts.setdefault(address, _Host()).for_ends.begin(self._clock())

    def died(self, address: str) -> float:
        """A worker died there while it ran something. Returns for how many seconds the host is avoided, 0 if not."""
        host = self._hosts.setdefault(address, _Host())
        host.deaths += 1
        return self.failed(address) if host.deaths >= MOST_DEATHS else 0.0

    def at_fault(self, address: str, job: str, kind: str) -> bool:
        """A job failed there with an error of this kind: whether that may be the host's own fault.

        It is not once one job has failed so on two hosts of which one has completed a run in this launch, or on
        HOSTS_ALIKE: the same may be missing on several. Hosts that are avoided for such failures are so no more, but
        for whatever else happened there.
        """
        hosts = self._failed_on[job, kind]
        hosts.add(address)
        if len(hosts) >= HOSTS_ALIKE or (len(hosts) > 1 and hosts & self._completed):
            self._no_hosts.add(kind)
            self._forgive(kind)
        return kind not in self._no_hosts

    def _forgive(self, kind: str) -> None:
        for host in self._hosts.values():
            host.for_errors.pop(kind, None)
            if host.kind == kind:
                host.raised = 0

    def raised(self, address: str, kind: str) -> float:
        """A run failed there that is the host's own fault, maybe. Returns for how many seconds the host is avoided, 0
        if not."""
        host = self._hosts.setdefault(address, _Host())
        host.raised, host.kind = (host.raised + 1 if host.kind == kind else 1), kind
        if host.raised < MOST_RAISED:
            return 0.0
        return host.for_errors.setdefault(kind, _Pause()).begin(self._clock())

    def worked(self, address: str, completed: bool = True) -> None:
        """A worker came to the end of a run there, or of its part in one where this is not `completed`: what was
        before is forgotten."""
        self._hosts.pop(address, None)
        if completed:
            self._completed.add(address)

    def avoided(self) -> frozenset[str]:
        """Addresses of the hosts that are to get no runs now."""
        now = self._clock()
        return frozenset(address for address, host in self._hosts.items() if host.until > now)
