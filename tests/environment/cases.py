"""The environments that commands are tried in: one list, of which docs/environments.md is the table."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

UV = shutil.which("uv")
COMMANDS = ("plan", "local", "ray", "status", "summary", "detect")
"""`local` and `ray` are `run` on either runner."""


@dataclass(frozen=True)
class Case:
    """One environment. `{folder}` in texts is the case's own folder, which is the working directory.

    variables: of the environment, None where one is taken away. files: in the working directory. shell: how a shell
    starts the command, which is its "$@". refused: for the commands that are refused, what their one line says.
    cut_off: nobody reads all of the output, and the exit code may be that of a closed pipe. columns: the width that
    tables must fit into. needs: a command that must work here, or the case is skipped. sample: the commands that
    `make test` tries it with; the long form tries all.
    """

    name: str
    variables: Mapping[str, str | None] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    shell: str = 'exec "$@"'
    refused: dict[str, str] = field(default_factory=dict)
    cut_off: bool = False
    columns: int | None = None
    needs: tuple[str, ...] = ()
    sample: tuple[str, ...] = ("plan",)

    def possible(self) -> bool:
        if self.needs and shutil.which(self.needs[0]) is None:
            return False
        return not self.needs or subprocess.run(self.needs, capture_output=True, check=False).returncode == 0


OTHER = 'raise SystemExit("another package of this name")\n'
SRUN = {"bin/srun": "#!/bin/sh\nexit 1\n"}
RC = "text.usetex: True\nfigure.figsize: 3, 3\naxes.grid: True\nlines.linewidth: 7\nno.such.key: 1\n"
SLURM = {
    "SLURM_JOB_ID": "77", "SLURM_JOBID": "77", "SLURM_NTASKS": "4", "SLURM_PROCID": "2", "SLURM_LOCALID": "2",
    "SLURM_JOB_NAME": "train", "SLURM_NODELIST": "n[1-2]", "SLURM_NNODES": "2", "SLURM_CPUS_PER_TASK": "1",
    "PATH": "{folder}/bin:" + os.environ["PATH"],
}  # fmt: skip
TORCHRUN = {
    "RANK": "3",
    "LOCAL_RANK": "3",
    "WORLD_SIZE": "4",
    "MASTER_ADDR": "10.0.0.1",
    "MASTER_PORT": "1",
    "NODE_RANK": "1",
}
LIGHTNING = {
    "PL_GLOBAL_SEED": "7", "PL_SEED_WORKERS": "1", "PL_TRAINER_MAX_EPOCHS": "1", "PL_TRAINER_FAST_DEV_RUN": "1",
    "PL_TRAINER_LIMIT_TRAIN_BATCHES": "0", "PL_TRAINER_GRADIENT_CLIP_VAL": "0.1",
    "PL_TRAINER_ACCUMULATE_GRAD_BATCHES": "3",
}  # fmt: skip
WANDB = {
    "WANDB_SWEEP_ID": "abc", "WANDB_MODE": "online", "WANDB_DIR": "/proc/nowhere", "WANDB_PROJECT": "other",
    "WANDB_RUN_ID": "x", "WANDB_RESUME": "must", "WANDB_SILENT": "maybe", "WANDB_NOTEBOOK_NAME": "x.ipynb",
}  # fmt: skip
RAY = {
    "RAY_ADDRESS": "127.0.0.1:1", "RAY_CHDIR_TO_TRIAL_DIR": "1", "RAY_AIR_NEW_OUTPUT": "1", "RAY_DEDUP_LOGS": "1",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "1", "RAY_RUNTIME_ENV_HOOK": "no.such.hook", "TUNE_RESULT_DIR": "/proc/x",
    "RAY_NAMESPACE": "other", "TUNE_MAX_PENDING_TRIALS_PG": "1", "RAY_PROFILING": "1",
    "RAY_JOB_CONFIG_JSON_ENV_VAR": "{}",
}  # fmt: skip
PROXY = "http://127.0.0.1:9"
PROXIES: dict[str, str] = dict.fromkeys(
    ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "grpc_proxy"), PROXY
)
UNDER_UV = f'cd "{Path(__file__).parents[2]}" && exec {UV} run --no-sync -- "$@"'
READ_ONLY = """unshare -m sh -c '
for f in "{root}" .; do mount --bind "$f" "$f" && mount -o remount,ro,bind "$f"; done; cd "$PWD"; exec "$@"' _ "$@"
"""
PACKAGES = ("tasks", "sweeps", "analysis", "orchestrator", "architectures")
MODULES = ("tasks", "torch", "numpy", "ray", "random", "yaml", "typing_extensions")

CASES = (
    Case("plain", sample=COMMANDS),
    Case("uv run", shell=UNDER_UV, needs=(f"{UV}", "--version"), sample=("ray",)),
    Case(
        "notebook kernel",
        {
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "JPY_PARENT_PID": "1",
            "PYDEVD_USE_FRAME_EVAL": "NO",
            "CLICOLOR": "1",
            "FORCE_COLOR": "1",
            "TERM": "xterm-color",
            "PAGER": "cat",
        },
        sample=("summary",),
    ),
    Case("a matplotlibrc here", files={"matplotlibrc": RC}, sample=("summary",)),
    Case(
        "MATPLOTLIBRC and styles of a user",
        {"MATPLOTLIBRC": "{folder}/rc", "MPLCONFIGDIR": "/proc/mpl"},
        {"rc": RC},
        sample=("summary",),
    ),
    Case("variables of W&B", WANDB, sample=("local",)),
    Case("variables of Ray", RAY, sample=("ray",)),
    Case("RAY_TMPDIR that cannot be written", {"RAY_TMPDIR": "/proc/ray"}, sample=("plan",)),
    Case("RAY_AUTH_MODE=token without a token", {"RAY_AUTH_MODE": "token", "HOME": "{folder}"}, sample=("plan",)),
    Case("variables of Lightning", LIGHTNING, sample=("local",)),
    Case("variables of torchrun", TORCHRUN, sample=("local",)),
    Case("a Slurm job with srun on PATH", SLURM, SRUN, 'chmod +x bin/srun; exec "$@"', sample=("local",)),
    Case(
        "OMP_NUM_THREADS and its like",
        {
            "OMP_NUM_THREADS": "7",
            "MKL_NUM_THREADS": "5",
            "OPENBLAS_NUM_THREADS": "3",
            "OMP_DYNAMIC": "TRUE",
            "KMP_AFFINITY": "compact",
        },
        sample=("local",),
    ),
    Case("proxies", PROXIES, sample=("plan",)),
    Case("PYTHONWARNINGS=error", {"PYTHONWARNINGS": "error"}, sample=("local", "summary")),
    Case("PYTHONOPTIMIZE=2", {"PYTHONOPTIMIZE": "2"}, sample=("local", "detect")),
    Case("PYTHONDEVMODE=1", {"PYTHONDEVMODE": "1"}, sample=("plan",)),
    Case(
        "PYTHONHASHSEED, PYTHONDONTWRITEBYTECODE, PYTHONUNBUFFERED",
        {"PYTHONHASHSEED": "4242", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        sample=("summary",),
    ),
    Case(
        "PYTHONSTARTUP, PYTHONBREAKPOINT",
        {"PYTHONSTARTUP": "/nowhere", "PYTHONBREAKPOINT": "nowhere.at_all"},
        sample=("status",),
    ),
    Case("PYTHONIOENCODING=ascii", {"PYTHONIOENCODING": "ascii"}, sample=("detect",)),
    Case(
        "PYTHONPATH with packages of our names",
        {"PYTHONPATH": "{folder}/other:{root}"},
        {f"other/{name}/__init__.py": OTHER for name in PACKAGES},
        sample=("plan", "detect"),
    ),
    Case(
        "files here with names of packages",
        files={**{f"{name}.py": OTHER for name in MODULES}, "analysis/__init__.py": OTHER, "sweeps/x": ""},
        sample=("ray", "plan"),
    ),
    Case(
        "LANG=C, LC_ALL=POSIX",
        {"LANG": "C", "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        sample=("local", "status"),
    ),
    Case(
        "a locale that is not there",
        {"LANG": "xx_YY.UTF-8", "LC_CTYPE": "xx_YY.UTF-8", "LANGUAGE": "xx"},
        sample=("status",),
    ),
    Case(
        "TERM=dumb, COLUMNS=40, NO_COLOR",
        {"TERM": "dumb", "COLUMNS": "40", "LINES": "3", "NO_COLOR": "1"},
        columns=40,
        sample=("status",),
    ),
    Case(
        "FORCE_COLOR, COLUMNS=no number",
        {"FORCE_COLOR": "1", "COLUMNS": "wide", "TTY_COMPATIBLE": "1"},
        sample=("status",),
    ),
    Case("no HOME", {"HOME": None}, sample=("plan",)),
    Case(
        "a HOME that cannot be written",
        {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/c", "XDG_CONFIG_HOME": "/proc/d"},
        sample=("local",),
    ),
    Case("TMPDIR of 90 characters", {"TMPDIR": "{folder}/" + "t" * 90}, {"t" * 90 + "/x": ""}, sample=("ray",)),
    Case("TMPDIR with blanks and accents", {"TMPDIR": "{folder}/tmp é ü"}, {"tmp é ü/x": ""}, sample=("local",)),
    Case("TMPDIR that is not there", {"TMPDIR": "/nowhere/at/all"}, sample=("local",)),
    Case("taskset -c 0", shell='exec taskset -c 0 "$@"', needs=("taskset", "-c", "0", "true"), sample=("plan",)),
    Case("umask 077", shell='umask 077; exec "$@"', sample=("plan",)),
    Case("umask 777", shell='umask 777; exec "$@"', sample=("plan",)),
    Case("standard input closed", shell='exec "$@" <&-', sample=("local",)),
    Case("standard output closed", shell='exec "$@" >&-', cut_off=True, sample=("plan",)),
    Case("standard error closed", shell='exec "$@" 2>&-', cut_off=True, sample=("plan",)),
    Case(  # unbuffered, so that the first line finds it closed
        "output to a pipe that nobody reads",
        {"PYTHONUNBUFFERED": "1"},
        shell='set -o pipefail; "$@" | true',
        cut_off=True,
        sample=("local",),
    ),
    Case("ulimit -n 256", shell='ulimit -n 256; exec "$@"', sample=("local",)),
    Case(
        "a checkout and a working directory that cannot be written",
        shell=READ_ONLY,
        needs=("unshare", "-m", "true"),
        sample=("plan",),
    ),
    Case(
        "a working directory that is gone",
        shell='mkdir gone; cd gone; rmdir ../gone; exec "$@"',
        refused=dict.fromkeys(COMMANDS, "the current directory is not there any more"),
        sample=("plan",),
    ),
)
"""Files and stores are given by absolute paths, so that a case may change the working directory."""
