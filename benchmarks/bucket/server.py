"""moto's server with a store of a sweep's results in it, put there in memory: by requests it would take an hour.

    python -m benchmarks.bucket.server 5001 --runs 100000 --fast-listing

`--fast-listing`: listings are answered here, from a sorted list of keys, in a few milliseconds a page. moto goes
through all keys of the bucket for every page, and spends an eighth of a second to write 1,000 of them down as XML. All
other answers are moto's in either case.
"""

from __future__ import annotations

import json
import sys
import tempfile
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import typer
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import WSGIRequestHandler, run_simple

from benchmarks.plan_scale import record, sweep_text
from orchestrator.schedule.plan import make_plan
from orchestrator.store.epoch_file import to_parquet
from orchestrator.store.ledger import Ledger
from sweeps import layout
from sweeps.layout import FORMAT, FORMAT_KEY
from sweeps.records import EpochRecord
from sweeps.self_digest import seal, sha256_of
from sweeps.store.objects.index import index_content
from sweeps.sweep import parse

BUCKET, PREFIX, COUNTS = "plan", "ann", "/requests-since-the-last-call"
PAGE = 1000
SECONDS_EACH = 0.12
"""Between two objects, by their times: 100,000 runs took ten hours."""
XML = '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}</ListBucketResult>'


def fill(put: Callable[[str, bytes], str], text: str, indexed: bool) -> None:
    """All that a sweep leaves, as it leaves it: records, and of each job result, curve, weights, lease; `indexed`: the
    index, too. `put` tells the ETag."""
    results: dict[str, list[tuple[str, str, bytes]]] = {}
    with tempfile.TemporaryDirectory(prefix="frostline-plan-") as empty:
        made = make_plan(parse(text), Ledger(Path(empty)))
    put(FORMAT_KEY, f"{FORMAT}\n".encode())
    sweep = made.record()
    put(layout.sweep(sweep.name, sweep.digest), seal(sweep.model_dump_json().encode()))
    epochs = to_parquet([EpochRecord(1, 16, 0.5, 1.5, 0.5, 1.5, 0.5, 0.5, 0.5, 0.02, 0.01)])
    for job in (*made.sources.values(), *made.runs.values()):
        place, weights = layout.place(job.kind, job.id), b"weights" if job.kind == "source" else None
        put(place.one_lease, json.dumps({"holder": "", "token": 1, "released": True}).encode())
        put(place.epochs(sha256_of(epochs)), epochs)
        if weights is not None:
            put(place.weights(sha256_of(weights)), weights)
        result = seal(record(job, epochs, weights).model_dump_json(indent=1).encode())
        index = layout.index(layout.parent(place.folder))
        results.setdefault(index, []).append((place.result, put(place.result, result), result))
    for index, listed in results.items() if indexed else ():
        put(index, index_content(listed))


class FastListing:
    """Pages of a bucket by a sorted list of names, made anew when there are more or fewer objects than there were."""

    def __init__(self, keys: Any) -> None:
        self._keys = keys
        self._names: tuple[str, ...] = ()
        self._written: dict[str, tuple[str, str]] = {}
        """By name, ETag and XML of an object."""

    def page(self, query: dict[str, list[str]]) -> bytes:
        """As S3 answers ListObjectsV2; the continuation token is the last name in hexadecimal digits."""
        prefix, delimiter = (query.get(name, [""])[0] for name in ("prefix", "delimiter"))
        token = bytes.fromhex(query.get("continuation-token", [""])[0]).decode()
        names = self._names
        if len(names) != len(self._keys):
            names = self._names = tuple(sorted(self._keys))
        at = max(bisect_left(names, prefix), bisect_right(names, token or query.get("start-after", [""])[0]))
        parts: list[str] = []
        last = ""
        while at < len(names) and names[at].startswith(prefix) and len(parts) < PAGE:
            below, divided, _ = names[at][len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if divided:
                last = f"{prefix}{below}{delimiter}\U0010ffff"
                parts.append(f"<CommonPrefixes><Prefix>{escape(last[:-1])}</Prefix></CommonPrefixes>")
                at = bisect_right(names, last)
            else:
                last = names[at]
                parts.append(self._object(last))
                at += 1
        more = at < len(names) and names[at].startswith(prefix)
        parts.append(f"<KeyCount>{len(parts)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>")
        if more:
            parts.append(f"<NextContinuationToken>{last.encode().hex()}</NextContinuationToken>")
        return XML.format("".join(parts)).encode()

    def _object(self, name: str) -> str:
        key = self._keys[name]
        known = self._written.get(name)
        if known is None or known[0] != key.etag:
            about = f"<Key>{escape(name)}</Key><LastModified>{key.last_modified_ISO8601}</LastModified>"
            about += f"<ETag>{escape(key.etag)}</ETag><Size>{key.size}</Size>"
            known = self._written[name] = (key.etag, f"<Contents>{about}</Contents>")
        return known[1]


class Counted:
    """The server, and how many requests of which kind it had, by a request of its own."""

    def __init__(self, listing: FastListing | None) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._listing = listing
        self._counts: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == COUNTS:
            told, self._counts = json.dumps(self._counts).encode(), Counter()
            start("200 OK", [("Content-Type", "application/json")])
            return [told]
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        kind = "LIST" if "list-type" in query else "DELETE many" if "delete" in query else environ["REQUEST_METHOD"]
        self._counts[kind] += 1
        if kind == "LIST" and self._listing is not None:
            start("200 OK", [("Content-Type", "application/xml")])
            return [self._listing.page(query)]
        return self._app(environ, start)


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def main(port: int, runs: int = 1000, fast_listing: bool = False, indexed: bool = False) -> None:
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    backend.create_bucket(BUCKET, "us-east-1")
    fill(lambda key, content: backend.put_object(BUCKET, f"{PREFIX}/{key}", content).etag, sweep_text(runs), indexed)
    keys = backend.get_bucket(BUCKET).keys
    for number, key in enumerate(reversed([*keys.values()])):
        key.last_modified -= timedelta(seconds=number * SECONDS_EACH)
    print(f"{len(keys)} objects", flush=True)
    sys.stdout.close()
    server = Counted(FastListing(keys) if fast_listing else None)
    run_simple("127.0.0.1", port, server, threaded=True, request_handler=Quiet)


if __name__ == "__main__":
    typer.run(main)
