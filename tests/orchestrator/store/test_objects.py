"""What is an object store's own: answers that get lost, one lease, the cache of a machine, the index, refusals."""

from __future__ import annotations

import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.exceptions import GenericError
from obstore.store import MemoryStore as ObstoreMemory

from orchestrator.store import lease as lease_module
from orchestrator.store.folder import store_at
from orchestrator.store.lease import Fenced, Watch, claim, current
from orchestrator.store.ledger import Ledger
from orchestrator.store.objects.store import ObjectStore
from orchestrator.store.settings import Settings
from orchestrator.train.methods.checkpoint import PASSES
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState
from sweeps import layout
from sweeps.store.interface import StoreError
from sweeps.store.location import S3Location, location_of
from sweeps.store.objects import bucket as buckets
from sweeps.store.objects.bucket import Bucket
from sweeps.store.objects.cache import ObjectCache
from sweeps.store.objects.refusals import refusal
from tests.object_store import SECRET
from tests.orchestrator.small_runs import run_of, small
from tests.orchestrator.store.asked import Asked

PLACE = layout.place("run", "ab" * 10)
HERE = S3Location("memory", "a")


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore(Bucket(ObstoreMemory(), str(HERE)), HERE, cache=ObjectCache(tmp_path / "cache"))


def losing_answers(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """The first `number` writes are carried out and their answers get lost; the keys written."""
    put, told = obstore.put, []

    def lossy(store: Any, key: str, data: bytes, **more: Any) -> Any:
        answer = put(store, key, data, **more)
        told.append(key)
        if len(told) <= number:
            raise GenericError("HTTP error: connection reset")
        return answer

    monkeypatch.setattr(buckets.obstore, "put", lossy)
    monkeypatch.setattr(buckets.time, "sleep", lambda seconds: None)
    return told


@pytest.mark.parametrize("lost", [1, 2])
def test_who_created_is_told_so_although_the_answer_was_lost(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    losing_answers(monkeypatch, lost)
    assert objects.create("FORMAT", b"2\n")
    assert not objects.create("FORMAT", b"2\n")  # the same content, and another's


def test_a_create_that_never_answers_is_an_error(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    losing_answers(monkeypatch, 99)
    with pytest.raises(OSError, match="does not answer"):
        objects.replace("a", b"x")


def test_a_swap_whose_answer_was_lost_was_done(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert objects.swap("a", None, b"1") and not objects.swap("a", None, b"another")
    losing_answers(monkeypatch, 1)
    assert objects.swap("a", b"1", b"2") and objects.read("a") == b"2"
    assert not objects.swap("a", b"1", b"3") and objects.read("a") == b"2"


def test_a_heartbeat_that_failed_although_it_arrived_does_not_lose_the_run(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = claim(objects, PLACE, 5, Watch())
    lease.stop_beating()
    with monkeypatch.context() as patched:
        losing_answers(patched, buckets.TRIES)
        lease.beat()  # every answer lost: written, and not known to be
    lease.beat()
    lease.check()
    last = current(objects, PLACE)
    assert last is not None and last["beat"] == 2
    lease.release()


def test_who_was_taken_over_learns_it_from_its_own_heartbeat(objects: ObjectStore) -> None:
    """And asks nobody before it gives up: its next check costs no request."""
    sleeper = claim(objects, PLACE, 5, Watch())
    sleeper.stop_beating()
    there = objects.read(PLACE.one_lease)
    assert there is not None
    assert objects.swap(PLACE.one_lease, there, json.dumps({"holder": "other", "token": 2}).encode())
    sleeper.beat()
    objects.remove(PLACE.one_lease)  # not even then does it hold again
    with pytest.raises(Fenced):
        sleeper.check()
    sleeper.release()
    assert objects.read(PLACE.one_lease) is None


def test_a_token_is_kept_when_the_run_is_done(objects: ObjectStore) -> None:
    for token in (1, 2, 3):
        lease = claim(objects, PLACE, 5, Watch())
        assert lease.token == token
        if token == 2:
            objects.create(PLACE.result, b"{}")
        lease.release()
    assert current(objects, PLACE) is None and objects.exists(PLACE.result)


def test_a_heartbeat_is_as_frequent_as_the_expiry_asks(objects: ObjectStore) -> None:
    assert lease_module.beat_seconds(objects, Settings()) == 12
    assert lease_module.beat_seconds(objects, Settings(lease_expiry=600)) == 15
    assert lease_module.beat_seconds(objects, Settings(lease_expiry=5)) == 1


def test_the_cache_holds_what_the_store_holds_and_nothing_older(objects: ObjectStore, tmp_path: Path) -> None:
    objects.replace("weights", b"one")
    first = objects.local_path("weights")
    assert first.read_bytes() == objects.read_cached("weights") == b"one"
    objects.replace("weights", b"two")
    assert objects.read_cached("weights") == objects.local_path("weights").read_bytes() == b"two"
    objects.replace("weights", b"one")
    first = objects.local_path("weights")
    first.write_bytes(b"not what was kept")
    assert objects.read_cached("weights") == b"one" and first.read_bytes() == b"one"
    objects.remove("weights")
    assert objects.read_cached("weights") is None and not objects.local_path("weights").exists()


def test_the_cache_has_a_bound_and_what_was_used_last_stays(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "cache", most_bytes=250)
    for number, name in enumerate(("a", "b")):
        os.utime(cache.put(name, "1", name.encode() * 100), (number, number))
    assert cache.get("a", "1") is not None  # used: it is the newer one now
    cache.put("c", "1", b"c" * 100)
    assert [cache.get(name, "1") is not None for name in ("a", "b", "c")] == [True, False, True]


def test_a_cache_that_cannot_be_written_costs_a_download(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = ObjectStore(Bucket(ObstoreMemory(), str(HERE)), HERE, cache=ObjectCache(tmp_path / "file"))
    store.replace("weights", b"one")
    assert store.read_cached("weights") == b"one"


def test_a_snapshot_says_what_the_store_says_and_reads_the_index(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [layout.place("run", f"ab{number:018x}") for number in range(24)]
    for place in places[:16]:
        objects.create(place.result, place.id.encode())
    objects.replace(places[20].failure(1), b"{}")
    assert objects.gather() == 16 and objects.gather() == 0
    for place in places[16:18]:
        objects.create(place.result, place.id.encode())  # after the index
    objects.replace(places[3].result, b"altered")
    objects.remove(places[4].result)
    asked = Asked(monkeypatch)
    view = objects.snapshot(["runs/ab", "runs/cd"])
    found = [view.read(place.result) for place in places]
    assert asked.keys == [layout.index("runs/ab"), places[3].result, places[16].result, places[17].result]
    assert found == [objects.read(place.result) for place in places]
    assert sorted(view.list("runs/ab")) == sorted(objects.list("runs/ab")) and view.list("runs/cd") == []
    assert [view.exists(place.folder) for place in places] == [objects.exists(place.folder) for place in places]
    assert view.list(places[20].folder) == ["failure-0001.json"] and sorted(view.list("runs")) == ["ab"]


def test_a_curve_is_read_once_on_a_machine_and_again_where_it_was_altered(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tables read it, through a snapshot; who looks for damage reads the bucket (`read`)."""
    curves = [PLACE.epochs(letter * 64) for letter in "abc"]
    for key in curves:
        objects.replace(key, key.encode())
    asked = Asked(monkeypatch)
    for got in (3, 0):
        asked.clear()
        view = objects.snapshot(["runs/ab"])
        assert [view.read_cached(key) for key in curves] == [key.encode() for key in curves]
        assert asked.number["get"] == got and asked.number["head"] == 0
    objects.replace(curves[0], b"altered")
    objects.remove(curves[1])
    view = objects.snapshot(["runs/ab"])
    assert [view.read_cached(key) for key in curves] == [b"altered", None, curves[2].encode()]
    assert objects.read(curves[0]) == b"altered" and view.read_cached("FORMAT") is None


def of_version_1(index: dict[str, tuple[str, str]]) -> bytes:
    body = zlib.compress(json.dumps(index).encode())
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


@pytest.mark.parametrize("content", [b"", b"x", b"0" * 64 + b" 2\n" + b"x", of_version_1({"runs/ab/x": ("1", "{}")})])
def test_an_index_that_is_not_whole_counts_as_none(objects: ObjectStore, content: bytes) -> None:
    for number in range(16):
        objects.create(layout.place("run", f"ab{number:018x}").result, b"%d" % number)
    objects.replace(layout.index("runs/ab"), content)
    view = objects.snapshot(["runs/ab"])
    assert view.read(layout.place("run", f"ab{3:018x}").result) == b"3"
    assert objects.gather() == 16


def test_what_another_machine_gathered_since_is_read_and_not_what_is_kept(objects: ObjectStore, tmp_path: Path) -> None:
    """The index is replaced, the machine keeps the older one: nothing that is planned comes from it."""
    places = [layout.place("run", f"ab{number:018x}") for number in range(48)]
    for place in places[:32]:
        objects.create(place.result, b"first")
    elsewhere = ObjectStore(objects.bucket, HERE, cache=ObjectCache(tmp_path / "elsewhere"))
    assert elsewhere.gather() == 32
    assert objects.snapshot(["runs/ab"]).read(places[0].result) == b"first"  # and is kept
    objects.remove_all(places[0].folder)
    for place in places[1:17]:
        objects.replace(place.result, b"second")
    for place in places[32:]:
        objects.create(place.result, b"third")
    for _ in range(2):
        view = objects.snapshot(["runs/ab"])
        told = [view.read(place.result) for place in places]
        assert told == [None, *[b"second"] * 16, *[b"first"] * 15, *[b"third"] * 16]
        assert len(view.list("runs/ab")) == 47
        elsewhere.gather()


def test_two_drivers_that_write_the_index_lose_nothing_but_requests(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [layout.place("run", f"ab{number:018x}") for number in range(48)]
    for place in places[:16]:
        objects.create(place.result, place.id.encode())
    assert objects.gather() == 16
    earlier = objects.read(layout.index("runs/ab"))
    assert earlier is not None
    for place in places[16:32]:
        objects.create(place.result, place.id.encode())
    assert objects.gather() == 16
    objects.replace(layout.index("runs/ab"), earlier)  # by a driver that had listed before, and wrote later
    asked = Asked(monkeypatch)
    view = objects.snapshot(["runs/ab"])
    assert [view.read(place.result) for place in places] == [
        *(place.id.encode() for place in places[:32]),
        *[None] * 16,
    ]
    assert asked.number["get"] == 1 + 16
    assert objects.gather() == 16


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("gs://bucket/a", "scheme 'gs' is not supported; allowed: a folder, or s3://BUCKET/PREFIX"),
        ("az://bucket", "scheme 'az' is not supported"),
        ("file:///tmp/store", "scheme 'file' is not supported"),
        ("s3://", "'' is no name of a bucket"),
        ("s3://Bucket/a", "'Bucket' is no name of a bucket"),
        ("s3://bucket/a//b", "'a//b' is no prefix of keys"),
        ("s3://bucket/../b", "'../b' is no prefix of keys"),
        ("s3://user:password@bucket/a", "is no name of a bucket"),
    ],
)
def test_a_place_that_is_none_is_refused_in_one_line(given: str, told: str) -> None:
    with pytest.raises(StoreError) as refused:
        location_of(given)
    assert told in str(refused.value) and "\n" not in str(refused.value)


def test_places_are_read_as_they_are_written(tmp_path: Path) -> None:
    assert (
        location_of("s3://bucket/a/b/") == S3Location("bucket", "a/b")
        and str(location_of("s3://bucket")) == "s3://bucket"
    )
    assert location_of(str(tmp_path / ".." / tmp_path.name)) == tmp_path
    assert location_of(S3Location("b", "c")) == S3Location("b", "c")


def no_bucket(monkeypatch: pytest.MonkeyPatch) -> str:
    return "s3://no-such-bucket/a"


def no_credentials(monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    return "s3://bucket/a"


def nobody_there(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    return "s3://bucket/a"


REFUSED: dict[str, tuple[Callable[[pytest.MonkeyPatch], str], str]] = {
    "no such bucket": (no_bucket, "no such bucket"),
    "no credentials": (no_credentials, "no credentials; set AWS_ACCESS_KEY_ID"),
    "no server": (nobody_there, "the object store does not answer; see AWS_ENDPOINT_URL"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_store_that_cannot_be_used_is_told_in_one_line_before_anything_is_launched(
    s3: str, what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from analysis.cli import main as analysis
    from orchestrator.cli import main

    break_it, told = REFUSED[what]
    store = break_it(monkeypatch)
    began = time.monotonic()
    for verb in ("plan", "run", "verify"):
        command = ["verify", store] if verb == "verify" else [verb, "quickstart", "--store", store]
        assert main(command) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1 and f"{store}: {told}" in err and SECRET not in err, err
    assert analysis(["tables", "quickstart", "--store", store, "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and told in err and store in err, err
    assert time.monotonic() - began < 120


def test_without_obstore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "obstore.store", None)
    monkeypatch.setenv("AWS_REGION", "of-this-test")  # another environment: nothing that was opened before serves
    with pytest.raises(StoreError, match=r"obstore is missing: `make setup` installs it$"):
        store_at("s3://bucket/a")


def test_a_refusal_tells_its_code_and_nothing_of_the_request() -> None:
    text = "403: <Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>canary</AWSAccessKeyId></Error>"
    told = refusal(GenericError(text), "s3://b")
    assert "canary" not in str(told) and "AWS_SECRET_ACCESS_KEY" in str(told.strerror)
    assert "code Odd" in str(refusal(GenericError("500 <Code>Odd</Code>"), "s3://b"))


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("Server returned non-2xx status code: 503 Service Unavailable", True),
        ("503: <Code>InternalError</Code>", True),
        ("HTTP error: error sending request", True),
        ("Server returned non-2xx status code: 400 Bad Request", False),
        ("403: <Code>AccessDenied</Code>", False),
    ],
)
def test_what_the_service_cannot_do_just_now_is_told_from_what_it_will_not(text: str, passes: bool) -> None:
    assert (refusal(GenericError(text), "s3://b").errno in PASSES) is passes


def test_a_run_goes_on_from_its_checkpoint_where_the_cache_cannot_be_written(tmp_path: Path) -> None:
    """A machine whose disk is full: what an earlier attempt saved in the bucket is whole, and used."""
    (tmp_path / "file").write_text("")
    cache = ObjectCache(tmp_path / "file" / "cache")
    ledger = Ledger(HERE, store=ObjectStore(Bucket(ObstoreMemory(), str(HERE)), HERE, cache=cache))
    job, options = run_of(small(source=None, train={"epochs": 3})), TrialOptions(HERE)
    stopped = WorkerState(options, ledger)
    stopped.stop.set()
    assert run_trial(job, options, stopped) == "stopped"
    assert run_trial(job, options, WorkerState(options, ledger)) == "done"
    record = ledger.result(job)
    assert record is not None and record.attempts == 2
    assert not [note for note in record.notes if note is not None and "checkpoint" in note]
