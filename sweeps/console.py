"""What every command line of the project does alike: exit codes, and one line instead of a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from sweeps.errors import InputError

USAGE = 2
"""Exit code where the input is at fault."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell has it."""


def run_command(app: Callable[..., object], arguments: Sequence[str] | None = None) -> int:
    """Run a command of a typer application and return its exit code.

    app: the application; it is called with the arguments (those of the process by default; none: its help). Bad input
    (InputError, a wrong option, a file that cannot be read or written) is one line on standard error and USAGE.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given or ["--help"], standalone_mode=False)
    except InputError as problem:
        complain(str(problem))
        return USAGE
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as problem:
        about = f"{problem.filename}: " if problem.filename else ""
        complain(f"{about}{problem.strerror or problem}")
        return USAGE
    except Exception as problem:
        if isinstance(problem.__cause__, KeyboardInterrupt | EOFError):  # Ctrl-C, as click wraps it
            return INTERRUPTED
        # typer brings its own copy of click or uses click's, by its version: its errors are known by what they can do.
        message = getattr(problem, "format_message", None)
        if message is None:
            raise
        complain(message())
        return USAGE
    return code if isinstance(code, int) else 0


def complain(text: str) -> None:
    """One line on standard error."""
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
