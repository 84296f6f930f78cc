"""The warm parent: imports once what stages import, and forks a child for every stage that asks.

It has one thread, and never opens a file of data. It ends with the Snakemake that it belongs to, when the stages that it has
forked, which follow the same Snakemake, are gone.
"""

import ctypes
import gc
import marshal
import os
import select
import shutil
import signal
import socket
import sys
import sysconfig
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import initatlas
from initatlas.caches import use_writable_caches
from initatlas.stopping import stands_for
from initatlas.warm.client import SIZE, STATUS
from initatlas.warm.situation import PASSED_ON, situation
from initatlas.warm.usage import Usage, note_usage

MODULES = (
    *("numpy", "scipy.special", "numba", "pandas", "xarray", "netCDF4", "yaml", "pydantic", "filelock"),
    *("matplotlib.figure", "matplotlib.style", "matplotlib.ticker"),
    *("matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf", "matplotlib.backends.backend_svg"),
    *("initatlas.cli", "initatlas.commands.stages", "initatlas.commands.sweeps", "initatlas.sweeps.engine"),
    *("initatlas.cubes", "initatlas.report.style", "initatlas.report.tables", "initatlas.studies.judge"),
)
"""What it imports: packages that take long, and those of our modules that most stages need. No experiment, study or component:
what is found by its name is imported where it is named. Neither torch nor Ray, which start threads."""

SECONDS_TO_SEND = 5.0
"""How long a client may take for its request: nobody else is served meanwhile."""

SECONDS_TO_FOLLOW = 8.0
"""How long children may take to end after their Snakemake, before they are killed; by themselves they take 3 s at most."""

_WITHOUT_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""Has pandas' Arrow start no thread when it is imported; children do not see it."""

_PR_SET_PDEATHSIG = 1


def serve(owner: int, listener: int, folder: Path) -> None:
    """Fork a child for each request until the owner is gone. **Returns in the children alone**, each of which then is a stage.

    Parameters
    ----------
    owner
        Process id of the Snakemake of the run.
    listener
        Where requests come in: the descriptor of a socket.
    folder
        A folder for this process; removed at the end.
    """
    me = os.getpid()
    try:
        parent = _Parent(owner, listener, folder)
        if parent.is_ready() and parent.forks_until_the_end():
            return
    finally:
        if os.getpid() == me:
            shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def files_of_code() -> dict[str, tuple[int, int, int]]:
    """What tells the files of this package, and the list of installed packages, from later ones."""
    packages = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    states = {str(path): path.lstat() for path in [*Path(initatlas.__path__[0]).rglob("*.py"), *packages]}
    return {path: (state.st_ino, state.st_size, state.st_mtime_ns) for path, state in states.items()}


def set_up_compiler() -> None:
    """Have numba set itself up, which takes 0.4 s of the first call in a process, also where a cache has the machine code."""
    import numba

    numba.njit("float64(float64[::1])")(_sum)


def _sum(values: Any) -> Any:
    """Something to compile."""
    return values.sum()


@dataclass(frozen=True)
class _Job:
    """A child, and the line to its client."""

    process: int
    handle: int
    line: socket.socket
    arguments: tuple[str, ...]


class _Parent:
    """The parent, and what a child has of it."""

    def __init__(self, owner: int, listener: int, folder: Path) -> None:
        self._situation = situation()  # before all that follows
        self._process = os.getpid()
        self._code = files_of_code()
        self._owner = os.pidfd_open(owner)
        self._listener = socket.socket(fileno=listener)
        self._folder = folder
        self._jobs: dict[int, _Job] = {}
        for number in PASSED_ON:
            signal.signal(number, signal.SIG_IGN)

    def is_ready(self) -> bool:
        """Import; whether nothing was said on the way, which every stage would have said for itself."""
        with (self._folder / "said").open("wb") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        gc.disable()
        os.environ |= _WITHOUT_THREADS
        use_writable_caches()
        for name in MODULES:
            import_module(name)
        set_up_compiler()
        gc.freeze()  # no child looks for garbage here, which would cost it copies of these pages
        sys.stdout.flush()
        return not (self._folder / "said").stat().st_size

    def forks_until_the_end(self) -> bool:
        """Serve until the owner and all children are gone, and then give false; true in each child."""
        while self._owner not in (ready := self._ready(self._owner, self._listener.fileno())):
            if self._listener.fileno() in ready and self._fork(self._listener.accept()[0]):
                return True
        self._listener.close()
        deadline = time.monotonic() + SECONDS_TO_FOLLOW
        while self._jobs and (left := deadline - time.monotonic()) > 0:
            self._ready(seconds=left)
        for job in self._jobs.values():
            signal.pidfd_send_signal(job.handle, signal.SIGKILL)
        return False

    def _ready(self, *others: int, seconds: float | None = None) -> set[int]:
        """Wait for a child, a client, or something else; see to the first two, and tell which of all were ready."""
        poll = select.poll()
        for descriptor in (*others, *(job.handle for job in self._jobs.values())):
            poll.register(descriptor, select.POLLIN)
        for job in self._jobs.values():
            poll.register(job.line, 0)  # tells of the end of the client alone
        ready = {descriptor for descriptor, _ in poll.poll(None if seconds is None else 1000 * seconds)}
        for job in [*self._jobs.values()]:
            if job.line.fileno() in ready:
                signal.pidfd_send_signal(job.handle, signal.SIGKILL)
            if {job.handle, job.line.fileno()} & ready:
                self._conclude(job)
        return ready

    def _conclude(self, job: _Job) -> None:
        """Tell a client how its child has ended, and note what it took."""
        _, status, used = os.wait4(job.process, 0)
        del self._jobs[job.process]
        with suppress(OSError):
            note_usage(self._folder, job.arguments, Usage(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))
        with suppress(OSError):
            job.line.sendall(STATUS.pack(status))
        _close(job.line, job.handle)

    def _fork(self, line: socket.socket) -> bool:
        """Read a request and fork; true in the child. A request that cannot be met is answered by the end of the line."""
        try:
            request, streams = _read(line)
        except (OSError, ValueError, EOFError, TypeError):
            line.close()
            return False
        process = -1
        if self._can_be(request["situation"]):
            with suppress(OSError):
                process = os.fork()
        if process == 0:
            self._become(request, line, streams)
            return True
        if process > 0:
            self._jobs[process] = job = _Job(process, os.pidfd_open(process), line, tuple(request["arguments"]))
            with suppress(OSError):  # the client is gone: the child, which waits for its word, ends
                socket.send_fds(line, [b"\0"], [job.handle])
            _close(None, *streams)
        else:
            _close(line, *streams)
        return False

    def _can_be(self, wanted: object) -> bool:
        """Whether nobody could tell a fork from a process of its own in some situation."""
        try:
            threads = [*Path("/proc/self/task").iterdir()]  # all but one would be missing in the child
            return wanted == self._situation and len(threads) == 1 and files_of_code() == self._code
        except OSError:  # a file of the code has just been removed
            return False

    def _become(self, request: dict[str, Any], line: socket.socket, streams: list[int]) -> None:
        """In the child: be the process that the client would have been."""
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != self._process:  # it was killed before that
            os._exit(128 + signal.SIGTERM)
        self._listener.close()
        os.close(self._owner)
        for job in self._jobs.values():
            _close(job.line, job.handle)
        for number in PASSED_ON:
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, signal.SIG_IGN if number in request["situation"]["ignored"] else usual)
        if not line.recv(1):
            os._exit(1)  # nobody waits for it
        line.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        _close(None, *streams)
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv[1:] = request["arguments"]
        for text in (sys.stdout, sys.stderr):
            if isinstance(text, TextIOWrapper):
                text.reconfigure(line_buffering=text is sys.stderr or text.isatty())
        _draw_anew()
        stands_for(request["client"])
        gc.enable()


def _read(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """A request, and the standard streams of its client.

    Raises
    ------
    OSError, ValueError, EOFError, TypeError
        If it does not come in time, or is none.
    """
    line.settimeout(SECONDS_TO_SEND)
    size, streams, _, _ = socket.recv_fds(line, SIZE.size, 3)
    try:
        (length,) = SIZE.unpack(size.ljust(SIZE.size, b"\xff"))
        text = b""
        while len(text) < length and (piece := line.recv(min(length - len(text), 2**20))):
            text += piece
        request: dict[str, Any] = marshal.loads(text)
    except BaseException:
        _close(None, *streams)
        raise
    line.settimeout(None)
    return request, streams


def _draw_anew() -> None:
    """Give numpy's own generator a new state, as a new process has it; Python's own gets one at every fork."""
    import numpy as np

    np.random.seed()  # noqa: NPY002  # users' code may draw from it


def _close(line: socket.socket | None, *descriptors: int) -> None:
    """Close a socket and descriptors."""
    if line is not None:
        line.close()
    for descriptor in descriptors:
        os.close(descriptor)
