"""Who runs what: a lease with a heartbeat and a fencing token.

The holder of a run is whoever holds the highest token. Taking over is a step that one process alone can do
(orchestrator/store/objects/lease_keys.py); the former holder finds out before it commits. What a lease says, and what
one look at it can tell, is in sweeps/store/leases.py; who looks more than once has a `Watch`.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestrator.store.interface import Store
from orchestrator.store.objects.lease_keys import LeaseKeys, keys_of
from orchestrator.store.settings import DEFAULT, Settings
from sweeps.layout import Place
from sweeps.store import leases
from sweeps.store.leases import current, may_be_alive, this_process
from sweeps.store.many import look_at_each

BEATS = 5
"""Heartbeats in the time of the expiry, at least."""
SHORTEST_GAP = 1.0
"""Seconds between two looks that are no gap, however short the expiry: a look takes its time."""


def beat_seconds(store: Store, settings: Settings) -> float:
    """Between two heartbeats."""
    return min(store.beat_seconds, settings.lease_expiry / BEATS)


class Held(Exception):
    """Another process runs this now."""


class Fenced(Exception):
    """The lease was taken over: what this process computed must not be committed."""


@dataclass
class Lease:
    """This process's hold on one run. `progress` (epochs done) travels with the heartbeat.

    `last_reset`: the token of the last reset before it.
    """

    store: Store
    place: Place
    token: int
    holder: str
    keys: LeaseKeys
    settings: Settings = DEFAULT
    progress: int = 0
    epochs: int = 0
    launch: str = ""
    last_reset: int = 0
    _beat: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    @property
    def attempt(self) -> int:
        """Which attempt this is since the run was begun or reset; the first is 1."""
        return self.token - self.last_reset

    def check(self) -> None:
        """Raise Fenced unless this lease is still the one that holds. Raises OSError."""
        last = None if self.keys.lost else current(self.store, self.place)
        if last is None or last["holder"] != self.holder:
            raise Fenced(f"{self.place.kind} {self.place.id}: taken over by another process")

    def take(self) -> bool:
        """False if another process was quicker. Raises OSError."""
        return self.keys.take(self.token, self._content())

    def beat(self) -> None:
        """Show that the holder lives, unless the lease is not this process's any more."""
        with self._one_at_a_time:
            self._beat += 1
            # A heartbeat that cannot be written (disk full, say) must not end the run: at worst it is taken over.
            with contextlib.suppress(OSError):
                self.keys.beat(self._content())

    def reached(self, epoch: int) -> None:
        """An epoch is trained: the next heartbeat says so. A place where tests put faults."""
        self.progress = epoch
        self.settings.faults.point("epoch", f"{self.place.kind} {self.place.id} {epoch}")

    def release(self) -> None:
        """Stop the heartbeat and give the run back."""
        self.stop_beating()
        with self._one_at_a_time, contextlib.suppress(OSError):
            self.keys.give_back()

    def stop_beating(self) -> None:
        self._stop.set()

    def keep_beating(self) -> None:
        def beats() -> None:
            while not self._stop.wait(beat_seconds(self.store, self.settings)):
                self.beat()

        threading.Thread(target=beats, name="heartbeat", daemon=True).start()

    def _content(self) -> bytes:
        content: leases.Lease = {
            "holder": self.holder,
            "token": self.token,
            "beat": self._beat,
            "progress": self.progress,
            "epochs": self.epochs,
            "launch": self.launch,
            **this_process(),
        }
        return json.dumps(content).encode()


class Watch:
    """Judges whether leases are alive, from what it saw of them before: keep one as long as the process lives.

    What counts as a holder's silence is time in which this process looked. A store that does not answer, or a job that
    is suspended and resumed, keeps the watcher from looking, and most likely the holder from its heartbeat as well. So
    of the time between two looks two heartbeats (of the rarest that are allowed) count at most, and after a longer gap
    nobody is called gone before the next look.
    """

    def __init__(self, settings: Settings = DEFAULT) -> None:
        self.settings = settings
        self.silent: dict[Place, tuple[str, int]] = {}
        """Holders whose heartbeat stood still for the expiry, and which it was. It holds as long as the lease says
        exactly this, for whoever is told: no holder has one heartbeat twice."""
        self._most_gap = max(SHORTEST_GAP, 2 * settings.lease_expiry / BEATS)
        self._seen: dict[tuple[Place, str], tuple[int, float, float]] = {}
        """The heartbeat of each holder, for how long it stood still, and when that was seen last."""

    def alive(self, place: Place, lease: leases.Lease) -> bool:
        """False if the holder is known to be gone, or if its heartbeat stood still for the expiry, by this clock."""
        if not may_be_alive(lease):
            return False
        holder, beat, now = lease["holder"], lease["beat"], time.monotonic()
        before, silence, looked = self._seen.get((place, holder), (None, 0.0, now))
        gap = now - looked
        silence = silence + min(gap, self._most_gap) if beat == before else 0.0
        self._seen[place, holder] = beat, silence, now
        if silence >= self.settings.lease_expiry and gap <= self._most_gap:
            self.silent[place] = holder, beat
        return self.silent.get(place) != (holder, beat)


def claim(store: Store, place: Place, epochs: int, watch: Watch, launch: str = "") -> Lease:
    """Take the lease of a run that nobody alive holds. Raises Held, OSError. `launch` says on whose behalf."""
    names = store.list(place.folder)
    keys, last, token = keys_of(store, place, names)
    if last is not None and watch.alive(place, last):
        raise Held(f"{place.kind} {place.id}: runs on {last.get('host')}, process {last.get('pid')}")
    reset = place.last_reset(names)
    lease = Lease(store, place, token + 1, uuid.uuid4().hex, keys, watch.settings, 0, epochs, launch, reset)
    if not lease.take():
        raise Held(f"{place.kind} {place.id}: another process was quicker")
    lease.keep_beating()
    return lease


def last_attempt(store: Store, place: Place) -> tuple[int, leases.Lease | None]:
    """The token of the latest attempt at a job, whoever made it (0 where there was none), and the lease that holds now.
    Raises OSError."""
    _, last, token = keys_of(store, place, store.list(place.folder))
    return token, last


def begun(store: Store, place: Place, after: int, launch: str) -> leases.Lease | None:
    """The lease of an attempt that a launch began at a job after token `after` and has not given back."""
    last = current(store, place)
    if last is None or last["holder"] == "" or last.get("launch") != launch:
        return None
    token = last.get("token")
    return last if isinstance(token, int) and token > after else None


def living(
    store: Store, places: Iterable[Place], settings: Settings = DEFAULT, watch: Watch | None = None
) -> list[Place]:
    """Those of the places whose holder shows life. Waits up to the expiry for what it cannot judge at once, up to twice
    that where looks take long.

    watch: who claims places afterwards gives its own, which then knows of each holder that it stood still.
    """
    watch = watch or Watch(settings)

    def look(places: Iterable[Place]) -> list[tuple[Place, leases.Lease | None]]:
        return look_at_each(store, lambda place: current(store, place), places)

    first = {place: last for place, last in look(places) if last is not None}
    for place, last in first.items():
        watch.alive(place, last)  # it counts from here
    deadline = time.monotonic() + 2 * settings.lease_expiry  # from here: in a large store the first look takes its time
    waiting, shown = list(first), []
    while waiting:
        late = time.monotonic() >= deadline
        for place, last in look(waiting):
            if last is None or not watch.alive(place, last):
                waiting.remove(place)
            elif last["beat"] != first[place]["beat"] or last["holder"] != first[place]["holder"]:
                waiting.remove(place)
                shown.append(place)
        if late:
            break
        time.sleep(beat_seconds(store, settings) / 4 if waiting else 0)
    return shown
