"""A W&B server on the loopback interface: just enough of its interface for runs to arrive, and to be refused."""

from __future__ import annotations

import base64
import json
import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


class WandbServer(ThreadingHTTPServer):
    """`runs` holds what each W&B id was created with, `rows` its history, `summaries` its summary, `events` samples
    of the machine's load, `files` all files that were uploaded by their path, `artifacts` each artifact by its id,
    `used` (run, artifact id) of each artifact that a run has used, `views` each report by its id, `operations` what
    was asked in GraphQL.

    Faults: `refuse` answers rows with a status, `refuse_files` files, `refuse_all` everything; `hang` leaves rows
    without an answer, `hang_reading` what is asked about runs; `lose` drops the rows at these places and says that all
    is well.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, dict[int, dict[str, Any]]] = {}
        self.exits: dict[str, int] = {}
        self.summaries: dict[str, dict[str, Any]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.files: dict[str, bytes] = {}
        self.artifacts: dict[str, dict[str, Any]] = {}
        self.used: set[tuple[str, str]] = set()
        self.views: dict[str, dict[str, Any]] = {}
        self.operations: list[str] = []
        self.requests = 0
        self.lock = threading.Lock()
        self.refuse: int | None = None
        self.refuse_all: int | None = None
        self.refuse_files: int | None = None
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
            if server.refuse_files is None:
                server.files[self.path.removeprefix("/file/")] = body
            self._answer(server.refuse_files or 200, {})

    do_PUT = do_POST

    def _graphql(self, server: WandbServer, request: dict[str, Any]) -> dict[str, Any]:
        asked = request.get("variables") or {}
        found = re.search(r"(?:query|mutation)\s+(\w+)", request["query"])
        with server.lock:
            server.operations.append(found[1] if found is not None else "")
            more = _artifacts(server, request["query"], asked) or _reports(server, request["query"], asked)
        if more is not None:
            return more
        if "upsertBucket" in request["query"]:
            server.runs.setdefault(asked["name"], {}).update(
                {name: value for name, value in asked.items() if value is not None}
            )
            project = {"id": "1", "name": asked["project"], "entity": {"id": "2", "name": "someone"}}
            bucket = {"id": "3", "name": asked["name"], "displayName": "", "config": "{}", "project": project}
            return {"upsertBucket": {"bucket": {**bucket, "historyLineCount": 0}, "inserted": True}}
        if "createRunFiles" in request["query"]:
            there = f"{server.url}/file/{asked['run']}"
            files = [{"name": name, "uploadUrl": f"{there}/{name}"} for name in asked["files"]]
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
    events = sent.get("files", {}).get("wandb-events.jsonl")
    if events:
        server.events.setdefault(run, []).extend(map(json.loads, events["content"]))
    summary = sent.get("files", {}).get("wandb-summary.json")
    if summary:
        server.summaries[run] = json.loads(summary["content"][-1])
    if sent.get("complete"):
        server.exits[run] = sent["exitcode"]


def _artifacts(server: WandbServer, query: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """What wandb-core asks to log and use artifacts. One with the name and digest of one that is there is that one."""
    if "createArtifact(" in query:
        given = asked["input"]
        same = ("artifactCollectionName", "artifactCollectionNames", "digest")
        for id, artifact in server.artifacts.items():
            if artifact["committed"] and all(artifact.get(name) == given.get(name) for name in same):
                return {"createArtifact": {"artifact": _created(id, artifact)}}
        id = base64.b64encode(f"Artifact:{len(server.artifacts)}".encode()).decode()
        server.artifacts[id] = {**given, "committed": False, "manifest": None}
        return {"createArtifact": {"artifact": _created(id, server.artifacts[id])}}
    if "createArtifactManifest(" in query or "updateArtifactManifest(" in query:
        id = asked.get("artifactID") or asked["artifactManifestID"]
        url = f"{server.url}/file/manifest/{id}"
        manifest = {"id": id, "file": {"id": "8", "uploadUrl": url, "uploadHeaders": []}}
        return {name: {"artifactManifest": manifest} for name in ("createArtifactManifest", "updateArtifactManifest")}
    if "createArtifactFiles(" in query:
        edges = []
        for file in asked["input"]["artifactFiles"]:
            path = f"artifact/{file['artifactID']}/{file['name']}"
            node = {"storagePath": path, "uploadUrl": f"{server.url}/file/{path}", "uploadHeaders": []}
            node |= {"uploadMultipartUrls": None, "artifact": {"id": file["artifactID"]}}
            edges.append({"node": node})
        return {"createArtifactFiles": {"files": {"edges": edges}}}
    if "commitArtifact(" in query:
        artifact = server.artifacts[asked["artifactID"]]
        artifact["committed"] = True
        artifact["manifest"] = json.loads(server.files[f"manifest/{asked['artifactID']}"])
        return {"commitArtifact": {"artifact": {"id": asked["artifactID"], "digest": artifact["digest"]}}}
    if "useArtifact(" in query:
        given = asked.get("input") or asked
        server.used.add((given["runName"], given["artifactID"]))
        return {"useArtifact": {"artifact": {"id": given["artifactID"]}}}
    if "clientIDMapping(" in query:
        found = [id for id, artifact in server.artifacts.items() if asked["clientID"] in artifact.values()]
        return {"clientIDMapping": {"serverID": found[0]} if found else None}
    if "query ArtifactType(" in query:
        return {"project": {"artifact": None}}
    if "query ArtifactByID" in query:
        artifact = server.artifacts[asked["id"]]
        return {"artifact": _described(asked["id"], artifact) if artifact["committed"] else None}
    return None


def _created(id: str, artifact: dict[str, Any]) -> dict[str, Any]:
    state = "COMMITTED" if artifact["committed"] else "PENDING"
    return {"id": id, "state": state, "artifactSequence": {"id": "9", "latestArtifact": None}}


def _described(id: str, artifact: dict[str, Any]) -> dict[str, Any]:
    project = {"id": "1", "internalId": "1", "name": artifact["projectName"], "entity": {"name": "someone"}}
    sequence = {"__typename": "ArtifactSequence", "name": _name_of(artifact), "project": project}
    return {
        "__typename": "Artifact",
        "id": id,
        "artifactSequence": sequence,
        "versionIndex": 0,
        "artifactType": {"name": artifact["artifactTypeName"]},
        "description": None,
        "metadata": artifact.get("metadata"),
        "ttlDurationSeconds": 0,
        "ttlIsInherited": False,
        "tags": [],
        "historyStep": None,
        "state": "COMMITTED",
        "size": 1,
        "digest": artifact["digest"],
        "commitHash": "c0ffee",
        "fileCount": 1,
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": None,
        "aliases": [],
    }


def _name_of(artifact: dict[str, Any]) -> str:
    return artifact.get("artifactCollectionName") or artifact["artifactCollectionNames"][0]


def _reports(server: WandbServer, query: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """What wandb-workspaces asks to save a report and to read it. The project is there once a run is."""
    projects = sorted({run["project"] for run in server.runs.values()})
    if "GetProjects" in query:
        nodes = [{"node": _project(name)} for name in projects]
        page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        return {"models": {"pageInfo": page, "edges": nodes}}
    if "ProjectInternalId" in query:
        there = asked["projectName"] in projects
        return {"project": {"id": "1", "internalId": "1"} if there else None}
    if "upsertView(" in query:
        id = asked["id"] or base64.b64encode(f"View:1:{len(server.operations):08d}".encode()).decode()
        inserted = id not in server.views
        project = {"id": "1", "name": asked["projectName"], "entityName": asked["entityName"]}
        kept = {name: asked[name] for name in ("type", "name", "displayName", "description", "spec")}
        server.views[id] = {"id": id, **kept, "project": project, "updatedAt": None, "createdAt": None}
        return {"upsertView": {"view": server.views[id], "inserted": inserted}}
    if "SpecificReport" in query:
        return {"view": server.views.get(asked["reportId"])}
    return None


def _project(name: str) -> dict[str, Any]:
    return {
        "__typename": "Project",
        "id": "1",
        "internalId": "1",
        "name": name,
        "entityName": "someone",
        "createdAt": "2026-01-01T00:00:00Z",
        "isBenchmark": False,
        "user": None,
    }
