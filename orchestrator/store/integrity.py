"""Is a committed result whole: its own digest, its place, the files that it speaks of?"""

from __future__ import annotations

from pydantic import ValidationError

from orchestrator.store.durable import sha256
from sweeps.errors import InputError
from sweeps.identity import digest
from sweeps.layout import Place
from sweeps.records import RunRecord
from sweeps.self_digest import Altered, unsealed


class StoreError(InputError):
    """The store cannot be used, or holds what it should not. Its text is one line."""


class Damaged(StoreError):
    """A committed result is not what was committed. `run` moves it to quarantine and computes it again."""


def read_record(place: Place) -> RunRecord | None:
    """The committed result, its digest checked; None if there is none. Raises Damaged, StoreError if unreadable."""
    path = place.result
    try:
        return RunRecord.model_validate_json(unsealed(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror}") from None
    except ValidationError as error:
        field = ".".join(map(str, error.errors(include_url=False)[0]["loc"])) or "file"
        raise Damaged(f"{path}: damaged ({field})") from None
    except Altered as problem:
        raise Damaged(f"{path}: damaged ({problem})") from None


def problem_of(record: RunRecord, place: Place) -> str | None:
    """What is wrong with the files that a result speaks of; None if nothing is. Reads and hashes all of them."""
    if record.id != place.id or digest(place.kind, record.spec) != place.id:
        return f"{place.result}: its spec is not the one its id stands for"
    expected = [(place.epochs(record.epochs_sha256), record.epochs_sha256)]
    if record.kind == "source":
        if record.weights_sha256 is None:
            return f"{place.result}: a source model without weights"
        expected.append((place.weights(record.weights_sha256), record.weights_sha256))
    for path, sha in expected:
        try:
            found = sha256(path.read_bytes())
        except OSError as problem:
            return f"{path}: {problem.strerror}"
        if found != sha:
            return f"{path}: damaged, its SHA-256 is not that of its result.json"
    return None
