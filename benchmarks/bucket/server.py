"""moto's server with a store of a sweep's results in it, put there in memory: by requests it would take an hour.

    python -m benchmarks.bucket.server --port 5001 --runs 100000 --by-order

`--by-order`: listings find their page in a sorted list of keys. moto itself goes through all keys of the bucket for
every page, and sorts those with the prefix: at 300,000 objects that is nearly all of a listing's time, and no service
does it. All else of an answer is moto's.
"""

from __future__ import annotations

import json
import sys
import tempfile
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import S3Backend, s3_backends
from werkzeug.serving import WSGIRequestHandler, run_simple

from benchmarks.plan_scale import record, sweep_text
from orchestrator.schedule.plan import make_plan
from orchestrator.store.epoch_file import to_parquet
from orchestrator.store.ledger import Ledger
from sweeps import layout
from sweeps.layout import FORMAT, FORMAT_KEY
from sweeps.records import EpochRecord
from sweeps.self_digest import seal, sha256_of
from sweeps.sweep import parse

BUCKET, PREFIX, COUNTS = "plan", "ann", "/requests-since-the-last-call"


def fill(put: Callable[[str, bytes], None], text: str) -> None:
    """All that a sweep leaves, as it leaves it: records, and of each job result, curve, weights, lease."""
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
        put(place.result, seal(record(job, epochs, weights).model_dump_json(indent=1).encode()))


class ByOrder(S3Backend):
    """Listings by a sorted list of names, made anew when there are more or fewer objects than there were."""

    names: tuple[str, ...] = ()

    def list_objects_v2(
        self,
        bucket: Any,
        prefix: str | None,
        delimiter: str | None,
        continuation_token: str | None,
        start_after: str | None,
        max_keys: int,
    ) -> Any:
        keys, prefix = bucket.keys, prefix or ""
        names = ByOrder.names
        if len(names) != len(keys):
            names = ByOrder.names = tuple(sorted(keys))
        after = self._pagination_tokens.get(continuation_token) if continuation_token else start_after
        at = max(bisect_left(names, prefix), bisect_right(names, after or ""))
        found: list[Any] = []
        while at < len(names) and names[at].startswith(prefix) and len(found) <= max_keys:
            name = names[at]
            below, divided, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
            if divided:
                found.append(f"{prefix}{below}{delimiter}")
                at = bisect_right(names, f"{prefix}{below}{delimiter}\U0010ffff")
            else:
                found.append(keys[name])
                at += 1
        return self._truncate_result(found, max_keys)


class Counted:
    """The server, and how many requests of which kind it had, by a request of its own."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._counts: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == COUNTS:
            told, self._counts = json.dumps(self._counts).encode(), Counter()
            start("200 OK", [("Content-Type", "application/json")])
            return [told]
        query = environ.get("QUERY_STRING", "")
        kind = "LIST" if "list-type" in query else "DELETE many" if "delete" in query else environ["REQUEST_METHOD"]
        self._counts[kind] += 1
        return self._app(environ, start)


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def main(port: int, runs: int = 1000, by_order: bool = False) -> None:
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    if by_order:
        backend.__class__ = ByOrder
    backend.create_bucket(BUCKET, "us-east-1")
    fill(lambda key, content: backend.put_object(BUCKET, f"{PREFIX}/{key}", content) and None, sweep_text(runs))
    print(f"{len(backend.get_bucket(BUCKET).keys)} objects", flush=True)
    sys.stdout.close()
    run_simple("127.0.0.1", port, Counted(), threaded=True, request_handler=Quiet)


if __name__ == "__main__":
    typer.run(main)
