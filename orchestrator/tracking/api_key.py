"""Whether W&B will find a key, without reading more of it than that it is there."""

from __future__ import annotations

import netrc
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_SERVER = "https://api.wandb.ai"


def key_place(environment: Mapping[str, str] = os.environ) -> str | None:
    """Where wandb would find its key: `WANDB_API_KEY` or the path of a netrc file; None where there is none.

    As in https://docs.wandb.ai/guides/track/environment-variables: the environment first, then the entry for the
    server (WANDB_BASE_URL) in NETRC, ~/.netrc or ~/_netrc. The key itself is never returned or kept.
    """
    if environment.get("WANDB_API_KEY"):
        return "WANDB_API_KEY"
    host = urlsplit(environment.get("WANDB_BASE_URL") or DEFAULT_SERVER).hostname or ""
    named = environment.get("NETRC")
    home = Path(environment.get("HOME") or Path.home())
    for path in [Path(named).expanduser()] if named else [home / ".netrc", home / "_netrc"]:
        try:
            if host in netrc.netrc(path).hosts:
                return str(path)
        except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
            continue
    return None
