"""What a command's process takes from the environment it is started in: as little as it can.

It is prepared before anything else is imported: no file of the current directory, no variable of another tool and no
setting of the user's changes what is loaded, drawn or printed. A notebook that imports `frostline` keeps all its own;
there only our packages are put first, where another's would be taken for one of them.
"""

from __future__ import annotations

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = ("sweeps", "tasks", "architectures", "orchestrator", "analysis")
UNSET = ("PYTHONWARNINGS", "PYTHONSTARTUP", "PYTHONINSPECT")
"""Variables that would turn a library's warning into an error, or open a prompt, in our processes and their workers."""


def packages_first() -> None:
    """Put the folder of our packages first on the path where another module would be taken for one of them."""
    for name in OURS:
        for folder in sys.path:
            if os.path.exists(os.path.join(folder, name)) or os.path.exists(os.path.join(folder, f"{name}.py")):
                if os.path.realpath(folder) != os.path.realpath(ROOT):
                    sys.path.insert(0, ROOT)
                    return
                break


def prepare() -> None:
    """Make this process, one of a command, independent of the environment. To be called once, at its beginning."""
    if os.environ.pop("PYTHONOPTIMIZE", "") and sys.flags.optimize:
        # It takes asserts away, and docstrings, which Ray edits when it is imported: the same command without it.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    _open_standard_streams()
    _leave_out_the_current_directory()
    if os.environ.get("PYTHONWARNINGS"):
        _warn_as_python_does()
    for name in UNSET:
        os.environ.pop(name, None)
    _use_matplotlib_as_shipped()


def _open_standard_streams() -> None:
    """Give the null device to what is closed: the next file that is opened would get its number."""
    for descriptor, mode, name in ((0, os.O_RDONLY, "stdin"), (1, os.O_WRONLY, "stdout"), (2, os.O_WRONLY, "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
            setattr(sys, name, os.fdopen(descriptor, "r" if mode == os.O_RDONLY else "w", closefd=False))


def _leave_out_the_current_directory() -> None:
    """`python -m frostline` has it first on the path: a `torch.py` there would be taken for torch."""
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # libraries abort in it
        print("error: the current directory is not there any more; change to one that is", file=sys.stderr)
        raise SystemExit(2) from None
    kept = [folder for folder in sys.path if folder and os.path.realpath(folder) != here]
    sys.path[:] = [ROOT, *(folder for folder in kept if os.path.realpath(folder) != os.path.realpath(ROOT))]


def _warn_as_python_does() -> None:
    import warnings

    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)
    sys.warnoptions.clear()


def _use_matplotlib_as_shipped() -> None:
    """No window, no style of the user's, and no word of what is wrong with their files.

    matplotlib reads `matplotlibrc` of the current directory when it is imported, and only then looks where it is told.
    """
    import logging
    from importlib.util import find_spec

    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        return
    shipped = os.path.join(os.path.dirname(found.origin), "mpl-data", "matplotlibrc")
    if os.path.isfile(shipped):
        os.environ["MATPLOTLIBRC"] = shipped
    if os.path.exists("matplotlibrc"):
        here = os.getcwd()
        os.chdir(os.path.dirname(shipped))
        try:
            import matplotlib  # noqa: F401 - what counts is where it is imported
        finally:
            os.chdir(here)
