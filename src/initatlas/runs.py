"""What a run of the workflow needs around Snakemake: a lock that does not outlive it, an end in order, specs as files."""

import fcntl
import getpass
import hashlib
import io
import os
import shutil
import signal
import socket
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

from initatlas.errors import UserError
from initatlas.files import make_folder, write_text
from initatlas.layout import SETTINGS, SPECS, is_atlas
from initatlas.stopping import raise_for, stop_with, stopping_signals

MARK_VARIABLE = "INITATLAS_MARK"
"""Environment variable by which a front end asks the stages to mark their lines among those of Snakemake."""

QUIET_VARIABLE = "INITATLAS_QUIET"
"""Environment variable by which a quiet front end asks the stages for warnings and errors alone."""

MARK = "\x1e"
"""What stands before a line of ours then: the record separator, which nothing else prints."""

_SNAKEMAKE = Path(".snakemake")


_LONGEST_NAME = 254
"""Characters of a record's name in one piece; Snakemake makes folders of longer ones."""


OWNER_VARIABLE = "INITATLAS_WORKFLOW"
"""Environment variable by which the workflow tells its stages who it is: ``host:process id``."""


def without_record(paths: Iterable[Path]) -> list[Path]:
    """Files of which Snakemake holds no record of what they were made from: it would take them for new for ever.

    So it is with a copy of ``data`` and ``reports``, and where ``.snakemake`` was removed.

    Parameters
    ----------
    paths
        Products of the workflow, relative to the folder of the atlas, in which this runs; those that are not there are left out.
    """
    return [path for path in paths if path.is_file() and not _record(path).is_file()]


def call_unfinished(paths: Iterable[Path]) -> None:
    """Tell Snakemake that files without a record are unfinished, as after a kill: those that a run asks for it makes anew.

    Parameters
    ----------
    paths
        As in `without_record`.
    """
    for path in without_record(paths):
        marker = _record(path, "incomplete")
        make_folder(marker.parent)
        marker.write_text('{"external_jobid": null}', encoding="utf-8")


def _record(path: Path, kind: str = "metadata") -> Path:
    """Where Snakemake keeps what it knows of a file, of some kind."""
    name = urlsafe_b64encode(str(path).encode()).decode()
    pieces = [name[start : start + _LONGEST_NAME] for start in range(0, len(name), _LONGEST_NAME)]
    return _SNAKEMAKE.joinpath(kind, *(f"@{piece}" for piece in pieces[:-1]), pieces[-1])


class RunLock:
    """The lock of a run in a folder, which the system gives up when its process is gone, whichever way.

    Parameters
    ----------
    root
        The folder of the atlas.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / _SNAKEMAKE
        self._file: io.FileIO | None = None

    def take(self) -> bool:
        """Take the lock, and remove that of a Snakemake that was killed; whether no other run is at work here.

        Snakemake's own lock is a file: it stays behind where its process is killed, and would stop the next run. Where the file
        system knows no locks of processes, or the last run was on another machine, whose locks some file systems do not show
        here, nothing is removed, and Snakemake decides.
        """
        here = socket.gethostname().encode()
        try:
            self._folder.mkdir(exist_ok=True)
            self._file = (self._folder / "run.lock").open("a+b", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file.seek(0)
            last = self._file.read()
            self._file.truncate(0)
            self._file.write(here)
        except BlockingIOError:
            return False
        except OSError:
            return True
        if last in (b"", here):
            shutil.rmtree(self._folder / "locks", ignore_errors=True)
        return True

    def release(self) -> None:
        """Give it up."""
        if self._file is not None:
            self._file.close()


def atlas_folder(start: Path) -> Path:
    """The folder of an atlas, at or above a folder: the one that holds its config.

    Raises
    ------
    UserError
        If there is none.
    """
    atlas = _atlas_above(start)
    if atlas is None:
        raise UserError(f"{start}: no atlas here or above; go to the folder that holds {SETTINGS}")
    return atlas


def atlas_or_here(start: Path) -> Path:
    """The folder of an atlas at or above a folder, or that folder, where there is none."""
    return _atlas_above(start) or start


def _atlas_above(start: Path) -> Path | None:
    """The nearest folder of an atlas."""
    return next((folder for folder in (start, *start.parents) if is_atlas(folder)), None)


def check_place(folder: Path) -> None:
    """Refuse a clone whose path Snakemake would read as a pattern.

    Parameters
    ----------
    folder
        Where the Snakefile lies.

    Raises
    ------
    UserError
        If there are braces in its path.
    """
    if any(brace in str(folder.absolute()) for brace in "{}"):
        raise UserError(f"{folder.absolute()}: Snakemake cannot work from a path with braces; rename or move the clone")


def import_from_here() -> None:
    """Let Python find the user's studies and experiments in this folder first, as the stages do, which start in it."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def local_owner() -> int | None:
    """Process id of the workflow that runs this stage, if it runs on this machine."""
    host, _, process = os.environ.get(OWNER_VARIABLE, "").rpartition(":")
    if host != socket.gethostname() or not process.isdigit() or not psutil.pid_exists(int(process)):
        return None
    return int(process)


def end_with_workflow() -> None:
    """Stop this stage in order when the Snakemake that runs it is killed, or the shell between them."""
    owner = local_owner()
    if owner is not None:
        with suppress(psutil.NoSuchProcess):
            stop_with(owner, psutil.Process(owner).create_time())


def end_jobs_on_signals() -> None:
    """On a signal end the running jobs in order, then Snakemake, which by itself waits until they have run to their end."""
    finish = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: FrameType | None) -> None:
        for job in psutil.Process().children(recursive=True):
            _terminate(job)
        if callable(finish):
            finish(number, frame)

    for number in stopping_signals():
        signal.signal(number, end)


def cancel_jobs_on_signals() -> None:
    """On SIGINT and SIGTERM have Snakemake cancel the jobs of a cluster. A login that is cut leaves them to themselves."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: raise_for(number))


def _terminate(job: psutil.Process) -> None:
    """Send SIGTERM to a stage of ours; the shell around it ends with it.

    A keeper of Ray ends when its owner is gone, and so does a warm parent; its children hear of it from their clients.
    """
    with suppress(psutil.NoSuchProcess):
        words = job.cmdline()
        if "initatlas" in words and not {"ray-keeper", "warm-parent"}.intersection(words):
            job.terminate()


def name_the_user() -> None:
    """Give Snakemake a name for a user without one, as in a container that runs under some number."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = str(os.getuid())


def spec_file(text: str) -> Path:
    """The file that holds a spec; its name is the hash of its content, so that it changes with it.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    path = SPECS / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"
    try:
        if not path.is_file() or path.read_bytes() != text.encode():
            write_text(path, text)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); give write access to {SPECS}") from None
    return path
