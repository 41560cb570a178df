"""How the lease of a run is kept: a key for each token where keys can be created alone, one object where a store can
replace under a condition.

A folder: taking over creates the next token's key, and the highest token holds. Giving back renames the key, so that
its token is not used again.

An object store: `lease.json` is created once and then replaced, each time on the condition that it still is what this
process saw; taking over, beating and giving back are all that one step. The object stays when the run is done, and with
it the token.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Protocol

from orchestrator.store.interface import ConditionalStore, Store
from sweeps.layout import Place
from sweeps.store import leases


class LeaseKeys(Protocol):
    """The keys of one lease, for the process that takes it."""

    lost: bool
    """A heartbeat found another holder: nothing can be committed any more."""

    def take(self, token: int, content: bytes) -> bool:
        """False if another process was quicker. Raises OSError."""
        ...

    def beat(self, content: bytes) -> None:
        """Replace what this process wrote, unless it is gone. Raises OSError."""
        ...

    def give_back(self) -> None:
        """Keep the token on record, and nobody as its holder. Raises OSError."""
        ...


class TokenKeys:
    """One key for each token."""

    lost = False

    def __init__(self, store: Store, place: Place) -> None:
        self._store, self._place = store, place
        self._token, self._written = 0, b""

    def take(self, token: int, content: bytes) -> bool:
        self._token, self._written = token, content
        return self._store.create(self._place.lease(token), content)

    def beat(self, content: bytes) -> None:
        if self._store.heartbeat(self._place.lease(self._token), self._written, content):
            self._written = content

    def give_back(self) -> None:
        """Without a result the token is kept on record: were it given out again, a sleeping former holder could take
        itself for the new one. So it is, too, where the store does not say whether there is one."""
        done = False
        with contextlib.suppress(OSError):
            done = self._store.exists(self._place.result)
        if done:
            for key in self._place.leases(self._store.list(self._place.folder)):
                self._store.remove(key)
        else:
            self._store.move(self._place.lease(self._token), self._place.released(self._token))


class LeaseObject:
    """One object. `before` is what it holds as this process has seen it last, None where there is none."""

    def __init__(self, store: ConditionalStore, place: Place, before: bytes | None) -> None:
        self.lost = False
        self._store, self._place, self._written = store, place, before

    def take(self, token: int, content: bytes) -> bool:
        return self._swap(content)

    def beat(self, content: bytes) -> None:
        """An earlier beat may have arrived although its answer did not: then the object names this holder."""
        if self.lost or self._swap(content):
            return
        there = self._store.read(self._place.one_lease)
        if there is not None and leases.parsed(there)["holder"] == leases.parsed(content)["holder"]:
            self._written = there
            self.lost = not self._swap(content)
        else:
            self.lost = True

    def give_back(self) -> None:
        content = {**leases.parsed(self._written or b""), "released": True}
        self.beat(json.dumps(content).encode())

    def _swap(self, content: bytes) -> bool:
        done = self._store.swap(self._place.one_lease, self._written, content)
        if done:
            self._written = content
        return done


def keys_of(store: Store, place: Place, names: Sequence[str]) -> tuple[LeaseKeys, leases.Lease | None, int]:
    """The keys of the next lease of a place, the lease that holds now, and the highest token ever given out.

    `names`: what the store lists in the place's folder. Raises OSError.
    """
    token = place.last_token(names)
    if not isinstance(store, ConditionalStore):
        return TokenKeys(store, place), leases.current(store, place, names), token
    before = store.read(place.one_lease) if place.one_lease.rpartition("/")[2] in names else None
    if before is None:
        return LeaseObject(store, place, None), None, token
    last = leases.parsed(before)
    known = last.get("token")
    with contextlib.suppress(TypeError, ValueError):
        token = max(token, int(known or 0))
    return LeaseObject(store, place, before), None if last.get("released") else last, token
