"""Where a store is: a folder, or a prefix of a bucket (`s3://bucket/prefix`); and opening it for reading."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from sweeps.errors import shown
from sweeps.store.folder import Folder
from sweeps.store.interface import Reading, StoreError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/ =,@+-]*")
ALLOWED = "a folder, or s3://BUCKET/PREFIX"


@dataclass(frozen=True)
class S3Location:
    """A bucket of an object store that speaks S3, and what the keys of the store begin with there.

    It names no endpoint and no key: these come from the environment (AWS_ENDPOINT_URL and others) of each process.
    """

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".removesuffix("/")

    @property
    def name(self) -> str:
        """As one name of a folder, another for each place."""
        readable = str(self).removeprefix("s3://").replace("/", "-")
        return f"{readable}-{hashlib.sha256(str(self).encode()).hexdigest()[:8]}"


Location = Path | S3Location


def location_of(given: str | Path | S3Location) -> Location:
    """The place that a person named, a folder as an absolute path. Raises StoreError, in one line, where it is none.

    Example:
        >>> str(location_of("s3://results/ann/"))
        's3://results/ann'
    """
    if isinstance(given, S3Location):
        return given
    scheme = _SCHEME.fullmatch(given) if isinstance(given, str) else None
    if scheme is None:
        try:
            return Path(given).expanduser().resolve()
        except (RuntimeError, OSError, ValueError) as problem:  # no such user, a loop of links, a zero byte
            raise StoreError(f"--store {given}: {getattr(problem, 'strerror', None) or problem}") from None
    if scheme[1].lower() != "s3":
        raise StoreError(f"--store {shown(given)}: scheme {scheme[1]!r} is not supported; allowed: {ALLOWED}")
    bucket, _, prefix = scheme[2].partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise StoreError(f"--store {shown(given)}: {bucket!r} is no name of a bucket; allowed: {ALLOWED}")
    parts = prefix.split("/") if prefix else []
    if not _PREFIX.fullmatch(prefix) or any(part in ("", ".", "..") for part in parts):
        raise StoreError(f"--store {shown(given)}: {prefix!r} is no prefix of keys; allowed: {ALLOWED}")
    return S3Location(bucket, prefix)


def reading_at(given: str | Path | S3Location) -> Reading:
    """The store there, for reading. Raises StoreError where there is none."""
    location = location_of(given)
    if isinstance(location, S3Location):
        from sweeps.store.objects.reading import ObjectReading
        from sweeps.store.objects.s3 import bucket_at

        return ObjectReading(bucket_at(location), location)
    folder = Path(str(given)).expanduser()  # relative as it was given, for messages
    try:
        there = folder.is_dir()
    except OSError as problem:
        raise StoreError(f"store {str(given)!r}: {problem.strerror}") from None
    if not there:
        raise StoreError(f"store {str(given)!r}: no such folder; --store or FROSTLINE_STORE names another")
    return Folder(folder)


def is_usual(store: str) -> bool:
    """Whether a command takes this store without being told."""
    usual = os.environ.get("FROSTLINE_STORE") or "store"
    return store == usual or ("://" not in store + usual and Path(store) == Path(usual))
