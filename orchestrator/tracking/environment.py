"""Which of W&B's environment variables reach wandb: those that say where the server is and who is asking."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READ = frozenset(
    {
        "WANDB_API_KEY",
        "WANDB_APP_URL",
        "WANDB_BASE_URL",
        "WANDB_CACHE_DIR",
        "WANDB_CONFIG_DIR",
        "WANDB_CREDENTIALS_FILE",
        "WANDB_DATA_DIR",
        "WANDB_ENTITY",
        "WANDB_ERROR_REPORTING",
        "WANDB_HTTP_PROXY",
        "WANDB_HTTPS_PROXY",
        "WANDB_IDENTITY_TOKEN_FILE",
        "WANDB_INSECURE_DISABLE_SSL",
    }
)
"""The others describe a run, and a run is described by its sweep. Some of them (WANDB_SWEEP_ID, WANDB_LAUNCH) make
wandb ignore the id that it is given."""


@contextmanager
def only_ours() -> Iterator[None]:
    """Takes other variables of W&B out of this process's environment, and puts them back afterwards."""
    others = {name: value for name, value in os.environ.items() if name.startswith("WANDB_") and name not in READ}
    for name in others:
        del os.environ[name]
    # Read when wandb is imported and when its service starts; there is no setting for it.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    if "WANDB_CACHE_DIR" not in os.environ and not _has_cache_folder():
        os.environ["WANDB_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"frostline-wandb-{os.getuid()}")
    try:
        yield
    finally:
        os.environ.update(others)


def _has_cache_folder() -> bool:
    """Whether wandb can make its folder for logs where it does by itself. If not, it complains on the terminal."""
    base = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("HOME") and f"{os.environ['HOME']}/.cache")
    if not base:
        return False
    try:
        os.makedirs(Path(base) / "wandb", exist_ok=True)
    except OSError:
        return False
    return os.access(Path(base) / "wandb", os.W_OK)
