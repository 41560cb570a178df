"""The option that commands of this package share. The orchestrator's own is not imported: help loads none of it."""

from __future__ import annotations

from typing import Annotated

import typer

DEFAULT_STORE = "store"
StoreOption = Annotated[
    str,
    typer.Option("--store", metavar="STORE", envvar="FROSTLINE_STORE", help="folder of results, or s3://BUCKET/PREFIX"),
]
