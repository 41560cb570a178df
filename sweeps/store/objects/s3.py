"""Opening a bucket that speaks S3: endpoint, region and credentials are those of the environment, as AWS names them."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from sweeps.store.interface import StoreError
from sweeps.store.location import S3Location

if TYPE_CHECKING:
    from sweeps.store.objects.bucket import Bucket

EXTRA = "`make setup` installs it"


def bucket_at(location: S3Location) -> Bucket:
    """The bucket, as the environment of now has it: nothing is asked yet. Raises StoreError where obstore is missing,
    or a variable is none that it takes."""
    given = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
    return _opened(location, given, os.getpid())


@lru_cache(maxsize=8)
def _opened(location: S3Location, environment: tuple[tuple[str, str], ...], pid: int) -> Bucket:
    """One client, with its connections, for all that a process opens at a place."""
    try:
        from obstore.store import S3Store

        from sweeps.store.objects.bucket import Bucket
    except ImportError:
        raise StoreError(f"--store {location}: the package obstore is missing: {EXTRA}") from None
    given = dict(environment)
    endpoint = given.get("AWS_ENDPOINT_URL_S3") or given.get("AWS_ENDPOINT_URL") or given.get("AWS_ENDPOINT") or ""
    try:
        store = S3Store(
            location.bucket,
            prefix=location.prefix or None,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": "5s",
                "read_timeout": "30s",
                "timeout": "600s",  # of a whole upload or download
            },
            # Shorter than a lease's expiry: a heartbeat that takes longer is none.
            retry_config={"max_retries": 6, "retry_timeout": timedelta(seconds=20)},
        )
    except Exception as problem:  # obstore has several of its own, all of one value in the environment
        raise StoreError(f"--store {location}: AWS_* variables: {type(problem).__name__}") from None
    return Bucket(store, str(location))
