"""Requests to a bucket, through obstore: what can be asked, with one kind of error, OSError with one line.

What a request carries besides (headers, signatures, what the service says of the caller's key) is in no message: of a
refusal its code alone is told.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

import obstore
from obstore import exceptions as refused
from obstore.store import ObjectStore

from sweeps.store.objects.refusals import code_of, refusal

WRITER = "frostline-writer"
"""Metadata of an object that was created where nothing was: which call created it."""
TRIES = 3
"""Of a request whose answer got lost. Reads, and answers that say `try again`, are repeated by obstore itself."""
PAGE = 1000
"""The most objects that one request tells of, and the most keys that one request deletes."""
PATIENCE = 2.0
"""Seconds after which a request is not asked again."""
Answer = TypeVar("Answer")


class Object(NamedTuple):
    """One object of a listing. `etag` changes with the content."""

    key: str
    bytes: int
    written: datetime
    etag: str


class Bucket:
    """The objects below a prefix of a bucket. Safe to use from several threads; not after a fork.

    All methods raise OSError, in one line, where the service cannot be reached or refuses.
    """

    def __init__(self, store: ObjectStore, name: str) -> None:
        self._store = store
        self._name = name

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Content and ETag; None if there is nothing."""
        found = self._get(key)
        return None if found is None else (found.bytes().to_bytes(), found.meta["e_tag"] or "")

    def head(self, key: str) -> Object | None:
        """All but the content; None if there is nothing."""
        with contextlib.suppress(FileNotFoundError):
            return _object(self._ask(lambda: obstore.head(self._store, key)))

    def put(self, key: str, data: bytes) -> None:
        """Whatever was there. What is over 5 MiB goes in parts, which nobody sees before all are there."""
        self._ask(lambda: obstore.put(self._store, key, data))

    def create(self, key: str, data: bytes) -> str | None:
        """The new ETag; None, and nothing changed, if something is there.

        A request may be carried out although its answer is lost, and its repetition then finds its own object. So each
        call leaves a name of its own, and who finds something reads whose it is.
        """
        writer = uuid.uuid4().hex
        try:
            made = self._ask(
                lambda: obstore.put(
                    self._store, key, data, mode="create", attributes={WRITER: writer}, use_multipart=False
                )
            )
        except refused.AlreadyExistsError:
            there = self._get(key)
            own = there is not None and there.attributes.get(WRITER) == writer
            return (there.meta["e_tag"] or "") if there is not None and own else None
        return made["e_tag"] or ""

    def update(self, key: str, etag: str, data: bytes) -> str | None:
        """Replace the content that has this ETag; the new one, or None, and nothing changed, if it is another.

        Of a repeated request whose first answer was lost, content that nobody else writes tells that it was the
        caller's own.
        """
        try:
            made = self._ask(lambda: obstore.put(self._store, key, data, mode={"e_tag": etag}, use_multipart=False))
        except (refused.PreconditionError, FileNotFoundError):
            there = self.get(key)
            return there[1] if there is not None and there[0] == data else None
        return made["e_tag"] or ""

    def copy(self, key: str, to: str) -> bool:
        """Within the bucket, over what is there; False if there is nothing at `key`."""
        try:
            self._ask(lambda: obstore.copy(self._store, key, to))
        except FileNotFoundError:
            return False
        return True

    def delete(self, keys: str | list[str]) -> None:
        """A request for PAGE keys, one after the other. What is not there is no error."""
        given = [keys] if isinstance(keys, str) else keys
        for start in range(0, len(given), PAGE):
            with contextlib.suppress(FileNotFoundError):
                self._ask(lambda some=given[start : start + PAGE]: obstore.delete(self._store, some))

    def directly_in(self, folder: str) -> tuple[list[str], list[Object]]:
        """Folders and objects directly in a folder."""
        found = self._ask(lambda: obstore.list_with_delimiter(self._store, folder or None))
        return list(found["common_prefixes"]), [*map(_object, found["objects"])]

    def page(self, folder: str, after: str) -> list[Object]:
        """The first PAGE objects below a folder whose keys come after `after`, by one request; fewer than PAGE where
        there are no more."""
        return [*map(_object, self._ask(lambda: self._first(folder, after)))]

    def objects(self, folder: str, page: int = PAGE) -> Iterator[Object]:
        """All objects below a folder, as the pages come."""
        try:
            for found in obstore.list(self._store, folder or None, chunk_size=page):
                yield from map(_object, found)
        except (refused.BaseError, FileNotFoundError) as problem:
            raise refusal(problem, self._name) from None

    def _first(self, folder: str, after: str) -> Sequence[obstore.ObjectMeta]:
        return next(iter(obstore.list(self._store, folder or None, offset=after, chunk_size=PAGE)), [])

    def _get(self, key: str) -> obstore.GetResult | None:
        with contextlib.suppress(FileNotFoundError):
            return self._ask(lambda: obstore.get(self._store, key))

    def _ask(self, request: Callable[[], Answer]) -> Answer:
        """The answer of a request, asked again where none came soon: obstore has then not asked again itself.

        That a condition does not hold, or that there is no such key, is raised as obstore raises it.
        """
        began = time.monotonic()
        for attempt in range(1, TRIES + 1):
            try:
                return request()
            except (refused.AlreadyExistsError, refused.PreconditionError):
                raise
            except FileNotFoundError as problem:
                if code_of(problem) == "NoSuchBucket":
                    raise refusal(problem, self._name) from None
                raise
            except refused.BaseError as problem:
                late = attempt == TRIES or time.monotonic() - began > PATIENCE
                if late or code_of(problem) is not None:
                    raise refusal(problem, self._name) from None
                time.sleep(0.2 * attempt)
        raise AssertionError


def _object(meta: obstore.ObjectMeta) -> Object:
    return Object(meta["path"], meta["size"], meta["last_modified"], meta["e_tag"] or "")
