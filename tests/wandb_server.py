"""A W&B server on the loopback interface: just enough of its interface for runs to arrive, and to be refused."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


class WandbServer(ThreadingHTTPServer):
    """`runs` holds what each W&B id was created with, `rows` its history.

    Faults: `refuse` answers uploads with a status, `refuse_all` everything; `hang` leaves uploads without an answer,
    `hang_reading` what is asked about runs; `lose` drops the rows at these places and says that all is well.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, dict[int, dict[str, Any]]] = {}
        self.exits: dict[str, int] = {}
        self.requests = 0
        self.refuse: int | None = None
        self.refuse_all: int | None = None
        self.hang = self.hang_reading = False
        self.lose: set[int] = set()
        self.ended = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silence: a client that is killed breaks its connections off."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def wandb_server() -> Iterator[WandbServer]:
    server = WandbServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = cast(WandbServer, self.server)
        server.requests += 1
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if server.refuse_all is not None:
            self._answer(server.refuse_all, {})
        elif self.path == "/graphql":
            self._answer(200, {"data": self._graphql(server, json.loads(body))})
        elif self.path.endswith("/file_stream"):
            if server.hang:
                server.ended.wait()
            if server.refuse is None:
                _take(server, self.path.split("/")[-2], json.loads(body))
            self._answer(server.refuse or 200, {})
        else:
            self._answer(200, {})

    do_PUT = do_POST

    def _graphql(self, server: WandbServer, request: dict[str, Any]) -> dict[str, Any]:
        asked = request.get("variables") or {}
        if "upsertBucket" in request["query"]:
            server.runs.setdefault(asked["name"], {}).update(
                {name: value for name, value in asked.items() if value is not None}
            )
            project = {"id": "1", "name": asked["project"], "entity": {"id": "2", "name": "someone"}}
            bucket = {"id": "3", "name": asked["name"], "displayName": "", "config": "{}", "project": project}
            return {"upsertBucket": {"bucket": {**bucket, "historyLineCount": 0}, "inserted": True}}
        if "createRunFiles" in request["query"]:
            files = [{"name": name, "uploadUrl": f"{server.url}/file/{name}"} for name in asked["files"]]
            return {"createRunFiles": {"runID": "3", "uploadHeaders": [], "files": files}}
        if "viewer" in request["query"]:
            return {"viewer": {"id": "2", "entity": "someone", "username": "someone", "flags": "{}", "teams": None}}
        if "run(name:" in request["query"]:
            if server.hang_reading:
                server.ended.wait()
            return {"project": {"run": _shown(server, asked)}}
        return {}

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: the default writes to stderr."""


def _shown(server: WandbServer, asked: dict[str, Any]) -> dict[str, Any] | None:
    """What the public interface asks of a run: its description, and the rows from minStep to maxStep."""
    name = asked.get("name") or asked.get("runName") or asked.get("run")
    if name not in server.runs:
        return None
    rows = server.rows.get(name, {}).values()
    low, high = asked.get("minStep", 0), asked.get("maxStep", math.inf)
    return {
        "id": "3",
        "name": name,
        "projectId": "1",
        "state": "finished",
        "config": "{}",
        "summaryMetrics": "{}",
        "systemMetrics": "{}",
        "historyLineCount": len(rows),
        "historyKeys": {"lastStep": max((row["_step"] for row in rows), default=-1)},
        "parquetHistory": {"parquetUrls": [], "liveData": []},
        "history": [json.dumps(row) for row in rows if low <= row["_step"] < high],
    }


def _take(server: WandbServer, run: str, sent: dict[str, Any]) -> None:
    # Rows lie at an offset, as on the real server: what is sent again replaces what was there.
    history = sent.get("files", {}).get("wandb-history.jsonl")
    if history:
        rows = server.rows.setdefault(run, {})
        for number, line in enumerate(history["content"], start=history["offset"]):
            if number not in server.lose:
                rows[number] = json.loads(line)
    if sent.get("complete"):
        server.exits[run] = sent["exitcode"]
