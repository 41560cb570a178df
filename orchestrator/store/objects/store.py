"""A store in a bucket of an object store: needs strong consistency after a write, If-None-Match and If-Match.

S3 has all three since November 2024 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). A
write is one request: there is no half of one, and nothing to tidy up after a crash but parts of large uploads, which
the bucket's lifecycle rule removes (docs/store.md).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import chain

from orchestrator.store.faults import NO_FAULTS, Faults
from orchestrator.store.interface import Entry
from orchestrator.store.objects.index import write_index
from sweeps.layout import ONE_LEASE, RESULT, last_part
from sweeps.store.location import S3Location
from sweeps.store.objects.bucket import Bucket
from sweeps.store.objects.cache import ObjectCache
from sweeps.store.objects.listing import objects_below
from sweeps.store.objects.reading import ObjectReading

PROBE = ".probe-"
"""How the names of objects begin that only try whether the bucket can be written, or what its clock says."""
LAST = {RESULT: 0, ONE_LEASE: 2}
"""What of a folder is deleted before the rest, and what after it."""

MOST_SEEN = 256
"""Of keys that this process swaps; more are read again before they are swapped."""


class ObjectStore(ObjectReading):
    """The operations of `ConditionalStore`. Faults have the stages begin and done: a request is not two."""

    beat_seconds = 15.0

    def __init__(
        self, bucket: Bucket, location: S3Location, faults: Faults = NO_FAULTS, cache: ObjectCache | None = None
    ) -> None:
        super().__init__(bucket, location, cache)
        self._faults = faults
        self._seen: dict[str, tuple[bytes, str]] = {}
        """Content and ETag of keys that this process swaps, as it wrote or read them last."""

    def prepare(self) -> None:
        self._probe()

    def read(self, key: str) -> bytes | None:
        """Of a lease the ETag is remembered: who takes it over replaces what it has read."""
        found = self.bucket.get(key)
        if found is not None and last_part(key) == ONE_LEASE:
            self._remember(key, *found)
        return None if found is None else found[0]

    def create(self, key: str, data: bytes) -> bool:
        self._point(key, "begin")
        made = self.bucket.create(key, data)
        if made is not None:
            self._point(key, "done")
        return made is not None

    def replace(self, key: str, data: bytes) -> None:
        self._point(key, "begin")
        self.bucket.put(key, data)
        self._point(key, "done")

    def heartbeat(self, key: str, before: bytes, data: bytes) -> bool:
        return self.swap(key, before, data)

    def swap(self, key: str, before: bytes | None, data: bytes) -> bool:
        self._point(key, "begin")
        if before is None:
            etag = self.bucket.create(key, data)
        else:
            known = self._seen.get(key)
            if known is None or known[0] != before:
                known = self.bucket.get(key)
            etag = None if known is None or known[0] != before else self.bucket.update(key, known[1], data)
        if etag is None:
            self._seen.pop(key, None)
            return False
        self._remember(key, data, etag)
        self._point(key, "done")
        return True

    def move(self, key: str, to: str) -> bool:
        if not self.bucket.copy(key, to):
            return False
        self.bucket.delete(key)
        return True

    def remove(self, *keys: str) -> None:
        for key in keys:
            self._seen.pop(key, None)
        self.bucket.delete([*keys])

    def remove_all(self, *keys: str) -> None:
        """Results first: once they are away, nobody takes the rest for one. Leases last: till then nobody begins."""
        found = [*keys, *(each.key for each in objects_below(self.bucket, keys, self.readers))]
        order: dict[int, list[str]] = {}
        for key in found:
            order.setdefault(LAST.get(last_part(key), 1), []).append(key)
        for _, some in sorted(order.items()):
            self.remove(*some)

    def entries(self, folder: str, deep: bool = True) -> Iterator[Entry]:
        folders, objects = self.bucket.directly_in(folder)
        for each in chain(objects, objects_below(self.bucket, folders, self.readers) if deep else ()):
            probe = last_part(each.key).startswith(PROBE)
            yield Entry(each.key, each.bytes, each.written.timestamp(), unfinished=probe)

    def gather(self) -> int:
        return write_index(self, self.replace)

    def now(self) -> float:
        return self._probe()

    def _probe(self) -> float:
        """The time of an object written now, by the clock of the service."""
        key = f"{PROBE}{uuid.uuid4().hex[:12]}"
        self.bucket.put(key, b"")
        written = self.bucket.head(key)
        self.bucket.delete(key)
        if written is None:
            raise OSError(5, "what was written is not there", self.where(key))
        return written.written.timestamp()

    def _remember(self, key: str, content: bytes, etag: str) -> None:
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen[key] = (content, etag)

    def _point(self, key: str, stage: str) -> None:
        """Named as in a folder, after what is written: result.begin, lease.done."""
        self._faults.point(f"{last_part(key).partition('.')[0].partition('-')[0]}.{stage}", self.where(key))
