"""Every key in the store, in one place.

A key is a name with `/` between its parts, relative to the store: `runs/ab/ab12.../result.json`. Keys are text, not
paths: what they stand for (files of a folder, objects of a bucket) is known to sweeps/store alone.

    FORMAT                             the version of what is described here
    runs/<2 hex>/<run_id>/             one folder per run; sources/ likewise
      result.json                      the commit: created once, never changed; carries its own digest
      epochs-<sha>.parquet             one row per epoch; named by its own digest, as result.json gives it
      weights-<sha>.safetensors        sources only
      lease-<token>.json               who runs it now; the highest token holds (folder)
      released-<token>                 a lease given back without a result: its token is not used again (folder)
      lease.json                       who runs it now, or who did: replaced under a condition (object store)
      reset-<token>                    `reset` began it anew: attempts are counted from the tokens after this one
      checkpoint-<epoch>-<sha>.ckpt    the last two while it is under way
      failure-<n>.json                 what went wrong, attempt by attempt
    sweeps/<name>/<digest>.json        the expanded sweep: its runs and their specs; carries its own digest
    sweeps/<name>/launches/<when>.json what a launch was forecast to take, and what it took
    rankings/<name>/<digest>.json      sources ranked before the runs (`frostline rank`); carries its own digest
    theory/<name>/<digest>.json        what theory predicts of runs (`frostline theory`); carries its own digest
    drivers/<launch>.json              a launch that is under way: its sweep and process; written anew while it lives
    stops/<launch>                     a launch that was asked to stop: its workers save their epoch and end
    stops/<launch>-waiting             one that was asked to begin nothing more: what runs is finished
    features/<2 hex>/<id>.safetensors  activations of frozen prefixes that take long to compute: a cache
    contents/<digest>.json             images of the user's own: what a task's digest stands for, and where they were
    weights/<digest>.json              where a file of pre-trained weights lies on the machines of a launch
    index/<kind>s/<1 hex>              object store: results of 16 folders together, so that a plan reads few objects
    quarantine/<kind>-<id>-<n>/        a result that was found altered, with reason.json; `gc` deletes it
    wandb/                             offline W&B runs; wandb/published/<id>.json marks what W&B has;
                                       wandb/sweeps/<name>/ is what a sweep's own W&B run was made of

Files named by their digest cannot be overwritten by a late writer with other content.

Example:
    >>> place("run", "ab12").result
    'runs/ab/ab12/result.json'
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

Kind = Literal["run", "source"]
KINDS: tuple[Kind, ...] = ("source", "run")
FORMAT = 2
"""Raised when files change their shape; ids of runs stay. orchestrator/store/upgrade.py brings older stores to it."""

DIGITS = 16
"""Hex digits of a SHA-256 that a name carries."""

FORMAT_KEY = "FORMAT"
ONE_LEASE, RESULT = "lease.json", "result.json"
SWEEPS, STOPS, FEATURES, QUARANTINE, WANDB = "sweeps", "stops", "features", "quarantine", "wandb"
CONTENTS, WEIGHTS, DRIVERS, RANKINGS, THEORY, INDEX = "contents", "weights", "drivers", "rankings", "theory", "index"

PUBLISHED = f"{WANDB}/published"


class Place(NamedTuple):
    """Where one run or source model is kept: its keys, and which of the names there mean what.

    The methods that take `names` take the names that the store lists in `folder`, and return keys.
    """

    kind: Kind
    id: str
    folder: str

    @property
    def result(self) -> str:
        return f"{self.folder}/{RESULT}"

    def epochs(self, sha256: str) -> str:
        return f"{self.folder}/epochs-{sha256[:DIGITS]}.parquet"

    def weights(self, sha256: str) -> str:
        return f"{self.folder}/weights-{sha256[:DIGITS]}.safetensors"

    @property
    def one_lease(self) -> str:
        return f"{self.folder}/{ONE_LEASE}"

    def lease(self, token: int) -> str:
        return f"{self.folder}/lease-{token:06d}.json"

    def released(self, token: int) -> str:
        return f"{self.folder}/released-{token:06d}"

    def reset(self, token: int) -> str:
        return f"{self.folder}/reset-{token:06d}"

    def checkpoint(self, epoch: int, sha256: str) -> str:
        return f"{self.folder}/checkpoint-{epoch:08d}-{sha256[:DIGITS]}.ckpt"

    def failure(self, number: int) -> str:
        return f"{self.folder}/failure-{number:04d}.json"

    def named(self, names: Iterable[str], *starts: str) -> list[str]:
        """Keys whose names start with one of `starts`, in alphabetical order."""
        return sorted(f"{self.folder}/{name}" for name in names if name.startswith(starts))

    def leases(self, names: Iterable[str]) -> list[str]:
        """Lowest token first."""
        return [key for key in self.named(names, "lease-") if key.endswith(".json")]

    def holding(self, names: Collection[str]) -> list[str]:
        """Leases that may hold, highest token first: who gave one back had taken over all before it."""
        given_back = _highest(self.named(names, "released-"))
        return [key for key in self.leases(names)[::-1] if _highest([key]) > given_back]

    def last_token(self, names: Iterable[str]) -> int:
        """The highest token ever given out here, 0 if none."""
        return _highest(self.named(names, "lease-", "released-", "reset-"))

    def last_reset(self, names: Iterable[str]) -> int:
        """The token under which the last reset was made, 0 if none: up to it tokens are no attempts."""
        return _highest(self.named(names, "reset-"))

    def checkpoints(self, names: Iterable[str]) -> list[str]:
        """Latest epoch first."""
        return [key for key in self.named(names, "checkpoint-") if key.endswith(".ckpt")][::-1]

    def failures(self, names: Iterable[str]) -> list[str]:
        """First attempt first."""
        return [key for key in self.named(names, "failure-") if key.endswith(".json")]


def _highest(keys: Iterable[str]) -> int:
    """The highest token in names of keys, 0 if none has one."""
    tokens = [last_part(key).removesuffix(".json").rpartition("-")[2] for key in keys]
    return max((int(token) for token in tokens if token.isdecimal()), default=0)


def shelf(kind: Kind) -> str:
    """Where all runs, or all source models, are kept."""
    return f"{kind}s"


def place(kind: Kind, id: str) -> Place:
    return Place(kind, id, f"{kind}s/{id[:2]}/{id}")


def sweep(name: str, digest: str) -> str:
    """The record of one version of a sweep."""
    return f"{SWEEPS}/{name}/{digest[:20]}.json"


def ranking(name: str, digest: str) -> str:
    """The ranking of the sources of one version of a sweep."""
    return f"{RANKINGS}/{name}/{digest[:20]}.json"


def theory(name: str, digest: str) -> str:
    """What theory predicts of the runs of one version of a sweep."""
    return f"{THEORY}/{name}/{digest[:20]}.json"


def launches(name: str) -> str:
    return f"{SWEEPS}/{name}/launches"


def driver(launch: str) -> str:
    """There while a launch is under way, from before its first run begins."""
    return f"{DRIVERS}/{launch}.json"


def stop(launch: str) -> str:
    return f"{STOPS}/{launch}"


def stop_waiting(launch: str) -> str:
    """The same, but what runs is finished first."""
    return f"{STOPS}/{launch}-waiting"


def feature(id: str) -> str:
    return f"{FEATURES}/{id[:2]}/{id}.safetensors"


def index(shelf: str) -> str:
    """A copy of the results below folders such as `runs/ab`, in one object for each first digit: `index/runs/a`."""
    return f"{INDEX}/{shelf[:-1]}"


def content(digest: str) -> str:
    return f"{CONTENTS}/{digest}.json"


def weight_path(digest: str) -> str:
    """Where the file of pre-trained weights with this digest (`sha256:...`) lies on the machines of a launch."""
    return f"{WEIGHTS}/{digest.removeprefix('sha256:')}.json"


def published(id: str) -> str:
    return f"{PUBLISHED}/{id}.json"


def last_part(key: str) -> str:
    """The name at the end of a key: `result.json` of `runs/ab/ab12/result.json`."""
    return key.rpartition("/")[2]


def parent(key: str) -> str:
    """What stands before the last part, empty where there is nothing: `runs/ab/ab12` of `runs/ab/ab12/result.json`."""
    return key.rpartition("/")[0]
