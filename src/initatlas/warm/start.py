"""Start a warm parent beside a Snakemake, which then tells its jobs of it in their environment."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from initatlas.warm.situation import VARIABLE

LONGEST_PATH = 100
"""Characters of the path of a socket; the system takes 107."""

_THREADS = (
    *(f"{name}_NUM_THREADS" for name in ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")),
    "VECLIB_MAXIMUM_THREADS",
)
_TEMPORARY = ("TMPDIR", "TMP", "TEMPDIR", "TEMP")


def start_parent(stages: int) -> Path | None:
    """Start a warm parent of this process, if `initatlas run` has asked for it.

    Parameters
    ----------
    stages
        How many stages are going to run on this machine.

    Returns
    -------
    Path or None
        The folder of the parent, which ends with this process; None if there is none.
    """
    fewest = os.environ.pop(VARIABLE, "")
    if not fewest.isdecimal() or stages < int(fewest) or not is_possible():
        return None
    folder = _folder()
    if folder is None:
        return None
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "socket"))
            listener.listen(256)
            python = Path(sys.executable).with_name("python")  # by which the rules call it
            subprocess.Popen(
                [python, "-m", "initatlas", "warm-parent", str(os.getpid()), str(listener.fileno()), str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ | _of_a_job_with_one_thread(),
                pass_fds=[listener.fileno()],
                start_new_session=True,  # what a terminal sends reaches the clients, who pass it on
            )
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    os.environ[VARIABLE] = str(folder / "socket")
    return folder


def is_possible() -> bool:
    """Whether this system has what a warm parent needs."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):  # no Linux, or one from before 2019
        return False
    return Path("/proc/self/task").is_dir()


def _folder() -> Path | None:
    """A new folder of this user alone, with a path that is short enough for a socket."""
    for parent in (tempfile.gettempdir(), "/tmp"):
        if len(f"{parent}/initatlas-warm-12345678/socket") <= LONGEST_PATH:
            with suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="initatlas-warm-", dir=parent))
    return None


def _of_a_job_with_one_thread() -> dict[str, str]:
    """What Snakemake puts into the environment of a job."""
    return dict.fromkeys(_THREADS, "1") | dict.fromkeys(_TEMPORARY, tempfile.gettempdir())
