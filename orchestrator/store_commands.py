"""The commands that take a store and no sweep."""

from __future__ import annotations

import sys
from typing import Annotated, NamedTuple

import typer

from orchestrator.store.ledger import Damaged, Ledger, StoreError
from orchestrator.store.settings import from_environment
from sweeps.errors import NOT_ALL_DONE, command_line
from sweeps.layout import FEATURES
from sweeps.store.location import Location, is_usual, location_of
from sweeps.store.records import unreadable

DEFAULT_STORE = "store"


StoreArgument = Annotated[
    str, typer.Argument(envvar="FROSTLINE_STORE", help="folder of results, or s3://BUCKET/PREFIX")
]
StoreOption = Annotated[
    str,
    typer.Option("--store", metavar="STORE", envvar="FROSTLINE_STORE", help="folder of results, or s3://BUCKET/PREFIX"),
]


class Typed(NamedTuple):
    """A sweep and a store as a user gave them: commands that are printed can be pasted where they were typed."""

    sweep: str
    store: str

    def command(self, verb: str, *options: str) -> str:
        """`frostline VERB SWEEP OPTIONS`, with the store where the command would take another without it."""
        return command_line(*self.words(verb, *options))

    def words(self, verb: str, *options: str) -> tuple[object, ...]:
        """The same without the program."""
        return (verb, self.sweep, *options, *self._store())

    def about(self, run: str, verb: str = "rerun") -> str:
        """The same for a command that takes a run."""
        return command_line(verb, run, *self._store())

    def _store(self) -> tuple[object, ...]:
        return () if is_usual(self.store) else ("--store", self.store)


def verify(store: StoreArgument = DEFAULT_STORE) -> None:
    """Re-hash every result and stored activation of a store and report what is damaged. Changes nothing."""
    from orchestrator.store.verify import problems

    ledger = ledger_at(store)
    ledger.check()
    found = [problem for _, problem in problems(ledger.store)]
    wrong = [problem for problem in found if problem is not None] + _of_features(ledger)
    damaged = sum(isinstance(problem, Damaged) for problem in wrong)
    unread = len(wrong) - damaged
    for problem in wrong:
        print(problem)
    print(f"{len(found)} results, {damaged} damaged{f', {unread} not read' if unread else ''}")
    if damaged:
        print("`run` of its sweep moves each damaged one to quarantine and computes it again", file=sys.stderr)
    if unread:
        print("what could not be read may be whole: the same command looks again", file=sys.stderr)
    if wrong:
        raise typer.Exit(NOT_ALL_DONE)


def _of_features(ledger: Ledger) -> list[StoreError]:
    """What is wrong with stored activations."""
    try:
        if not ledger.store.exists(FEATURES):  # torch is not imported where there is nothing to read
            return []
        from orchestrator.train import prefix_files

        return list(prefix_files.problems(ledger.store))
    except OSError as problem:
        return [unreadable(ledger.store, FEATURES, problem)]


def gc(
    store: StoreArgument = DEFAULT_STORE,
    delete: Annotated[bool, typer.Option("--delete", help="delete what is listed; without it nothing changes")] = False,
) -> None:
    """List what no recorded sweep reaches and what crashes left behind; with --delete, remove it."""
    from orchestrator.store.gc import garbage, remove
    from orchestrator.store.lease import Watch

    ledger = ledger_at(store)
    ledger.check()
    watch = Watch(ledger.settings)
    try:
        found = garbage(ledger.store, ledger.settings, watch)
        gone = remove(ledger.store, found, ledger.settings, watch) if delete else found
    except OSError as problem:
        raise StoreError(f"{problem.filename or ledger.location}: {problem.strerror}") from None
    for item in gone:
        print(f"{item.bytes:>12,} bytes  {item.what:17}  {ledger.store.where(item.key)}")
    total = sum(item.bytes for item in gone)
    print(f"{len(gone)} {'deleted' if delete else 'to delete, with --delete'}: {total:,} bytes")
    if len(gone) < len(found):
        print(f"{len(found) - len(gone)} left: in use by now")


def upgrade(store: StoreArgument = DEFAULT_STORE) -> None:
    """Bring a store that an older version wrote to this version's format. Runs keep their ids and their results."""
    from orchestrator.store.upgrade import upgrade as bring_up

    done = bring_up(location_of(store), from_environment())
    for problem in done.problems:
        print(problem)
    print(f"{done.files} files brought to the new format, {len(done.problems)} damaged ones left as they are")


def ledger_at(store: str | Location) -> Ledger:
    """The ledger of a command, with its settings from the environment. Raises StoreError, SpecError."""
    return Ledger(location_of(store), from_environment())
