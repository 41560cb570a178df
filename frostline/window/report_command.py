"""`frostline report --wandb`: the page, the W&B report's specification beside it, and the report on a server."""

from __future__ import annotations

import sys
from pathlib import Path

from analysis.tables.load import StoreError
from frostline.window.report import build_report, write_spec
from frostline.window.results import PAGE, write_results
from frostline.window.send_report import send_report
from orchestrator.store_commands import Typed, ledger_at
from orchestrator.tracking.api_key import key_place
from orchestrator.tracking.options import TrackingOptions
from sweeps.console import say_next
from sweeps.errors import printable
from sweeps.sweep import read


def report_sweep(sweep: str, store: str, out: Path | None, project: str, send: bool) -> int:
    """Write the page to `out`, by default results/<sweep>/report.html, all else beside it, and save the report.

    Returns the exit code: 1 where it was to be sent and has not arrived. Raises InputError, in one line.
    """
    ledger = ledger_at(store)
    ledger.check()
    spec = read(sweep)
    if out is not None and out.is_dir():
        raise StoreError(f"--out {out}: a folder; a file such as {out / PAGE} is allowed")
    page = out if out is not None else Path("results") / spec.name / PAGE
    folder = page.parent
    try:
        results = write_results(spec, ledger.store, folder, page.name)
        path = write_spec(build_report(results, project), folder)
    except OSError as problem:
        raise StoreError(f"--out {folder}: {problem.strerror}; it must be a folder that can be written") from None
    print(results.page)
    print(path)
    options = TrackingOptions(store=ledger.location, mode="online", project=project)
    if not send:
        say_next(*Typed(sweep, store).words("report", "--wandb", *options.words), why="to send it")
        return 0
    if key_place() is None:
        print("not sent: no W&B key is found; `wandb login` adds one, --no-send does without", file=sys.stderr)
        return 1
    try:
        saved = send_report(results, ledger.store, options)
    except Exception as problem:  # of wandb's own classes, which are not imported here
        said = " ".join(f"{type(problem).__name__}: {problem}".split())
        again = Typed(sweep, store).command("publish", *options.words)
        print(f"not sent: {printable(said)}; `{again}` makes the project", file=sys.stderr)
        return 1
    print(f"{saved.url} ({'updated' if saved.updated else 'new'})")
    say_next(*Typed(sweep, store).words("claims"), why="the tests behind the claims")
    return 0
