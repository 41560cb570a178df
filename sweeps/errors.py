"""One-line errors for users: the field, the value, what is allowed; and how every command line ends with them."""

from __future__ import annotations

import difflib
import io
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a file of curves is read without it
    from pydantic import ValidationError

NOT_ALL_DONE = 1
"""Exit code where the command did its work and something has no result, is damaged or was refused."""
USAGE = 2
"""Exit code where the input is at fault."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell has it."""


class InputError(ValueError):
    """What was given cannot be used: a sweep, a store, a file of curves. Its text is one line, for a person."""


class SpecError(InputError):
    """A sweep that cannot be run as written. Its text is one line."""


def shown(value: Any, limit: int = 80) -> str:
    """A value as it may stand inside a one-line message."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python prints no integer of more than 4,300 digits
        text = "a number too long to print"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def printable(text: str) -> str:
    """A text on one line that steers no terminal: control characters and invisible ones stand as their escapes.

    Names, errors and paths may hold anything, escape sequences among it.
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def command_line(*words: object) -> str:
    """A command of ours as it can be pasted into the shell that this process was started from.

    Example: `command_line("status", "my sweep.yaml")` is `frostline status 'my sweep.yaml'`, with the path of the
    command where a shell would not find it.
    """
    program = "frostline"
    if shutil.which(program) is None:
        beside = os.path.join(os.path.dirname(sys.executable), program)
        program = shlex.quote(beside) if os.access(beside, os.X_OK) else f"{shlex.quote(sys.executable)} -m frostline"
    return " ".join([program, *(shlex.quote(str(word)) for word in words)])


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or the allowed words where none is near."""
    known = sorted(allowed)
    if not known:
        return ""
    near = difflib.get_close_matches(word[:80], known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(known)}"


def from_pydantic(error: ValidationError, fields_of: dict[str, tuple[str, ...]], where: str = "") -> SpecError:
    """The first complaint as one line, the number of others behind it.

    `fields_of` maps a dotted path ('' for the root, `*` for a place in a list) to the keys allowed there.
    """
    complaints = error.errors(include_url=False)
    # A misspelt key also makes the right one missing: the misspelling is what to say.
    first = min(complaints, key=lambda complaint: complaint["type"] != "extra_forbidden")
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        *parents, key = first["loc"]
        text = f"unknown key {shown(path)}{suggestion(str(key), fields_of.get(_place(parents), ()))}"
    elif first["type"] == "missing":
        text = f"{path}: missing; it has no default"
    else:
        keys = ", ".join(fields_of.get(_place(first["loc"]), ()))
        wanted = {"model_type": f"a mapping with the keys {keys}", "dict_type": "a mapping", "tuple_type": "a list"}
        message = first["msg"].removeprefix("Value error, ").replace("Input should be", "allowed:")
        if first["type"] in wanted:
            message = f"allowed: {wanted[first['type']]}"
        given = "" if isinstance(first["input"], dict) else f" = {shown(first['input'])}"
        text = f"{path}{given}: {message}"
    more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
    return SpecError(" ".join(f"{where}{text}{more}".split()))


def _place(parts: Iterable[int | str]) -> str:
    """The dotted path of a specification's field, `*` for a place in a list."""
    return ".".join("*" if isinstance(part, int) else part for part in parts)


def run_command(app: Callable[..., object], arguments: Sequence[str] | None = None, name: str | None = None) -> int:
    """Run a command of a typer application and return its exit code.

    app: the application, called with the arguments (those of the process by default; none: its help). name: of the
    program, as help shows it; by default as it was started. Bad input (InputError, a wrong option, a file that cannot
    be read or written) is one line on standard error and USAGE.
    """
    _show_what_the_terminal_can()
    if arguments is None:  # a process of the command's own, not a notebook
        # It shows no window, and with a backend that is not installed matplotlib cannot be imported at all; Lightning
        # imports it too. Notebooks hand theirs on to every process that they start.
        os.environ["MPLBACKEND"] = "agg"
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given or ["--help"], prog_name=name, standalone_mode=False)
        print(end="", flush=True)  # what a closed pipe has to say is heard here, and not when Python ends
    except InputError as problem:
        complain(str(problem))
        return USAGE
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        discard_output()
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


def discard_output() -> None:
    """Nobody reads standard output any more: what is still to be printed goes nowhere, without an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_what_the_terminal_can() -> None:
    """Characters that an output's encoding lacks become `?`: no command ends half-way for a name or a table's line."""
    for stream in (sys.stdout, sys.stderr):
        # Of a notebook or a test it need not be a text file.
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def complain(text: str) -> None:
    """One line on standard error."""
    print(f"error: {printable(' '.join(text.split()))}", file=sys.stderr)
