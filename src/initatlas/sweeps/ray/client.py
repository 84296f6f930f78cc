"""Which Ray a sweep uses: a cluster that is there, the one that the running workflow shares, or one of its own.

Starting Ray costs seconds and half a gigabyte, and a workflow runs many sweeps. So a workflow run that needs Ray starts a
keeper, beside its first jobs: a process that holds one private Ray on loopback (`initatlas.sweeps.ray.keeper`). Its sweeps join
it. A sweep outside of a workflow has a keeper of its own. A sweep joins in the background, and computes meanwhile.

Nothing here stops a Ray that was not started here.
"""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from filelock import FileLock, Timeout

from initatlas.errors import UserError
from initatlas.messages import send_libraries_to_the_log
from initatlas.runs import local_owner
from initatlas.stopping import leave_alone
from initatlas.sweeps.ray.address import (
    ADDRESS_VARIABLE,
    answers,
    cluster_is_given,
    given_address,
    has_token,
    is_loopback,
)
from initatlas.sweeps.ray.keeper import (
    NOT_NEEDED,
    QUIET,
    SHARED_MEMORY,
    Session,
    end_broken_start,
    end_orphans,
    keep_private,
    prepare_environment,
    read_session,
    shared_memory_bytes,
    use_loopback,
)
from initatlas.sweeps.ray.watch import RAY_IS_GONE, watch_ray

log = logging.getLogger(__name__)

BackendName = Literal["serial", "ray", "auto"]

SECONDS_WORTH_RAY = 30.0
"""Starting Ray costs some seconds: a sweep shorter than this runs in the driver's own process."""

START_SECONDS = 120.0

ATTEMPTS_TO_START = 3

SHARED_BYTES_TO_BE_AT_EASE = 500_000_000
"""Holds the largest data set of ours, and what the workers answer."""

SECONDS_TO_JOIN = 60.0
"""How long a Ray that runs may take to let us join; where it is there, that takes a second."""

_LONGEST_REASON = 300
"""Characters of a message of Ray; some have several lines, as where its version or that of Python is another one."""

_ATTEMPTS_TO_JOIN = 3
"""How often Ray asks a control service that answers, but not as one."""

SECONDS_TO_LEAVE = 2.0
"""How long the end of a sweep waits for a Ray that it is just joining; see `initatlas.stopping` for how long it may take."""

SECONDS_OF_SILENCE = 30.0
"""After how long the control service of a cluster that refuses connections is held to be gone: it may come back, and Ray itself
ends the driver after 60 s."""


class RayOfTheSweep:
    """The Ray that this sweep uses: found, or started, and joined, all in the background.

    As a context: at its end nothing is on its way any more, so that the process can end.

    Parameters
    ----------
    workers
        CPUs to give to a Ray that is started here.
    session_folder
        Where the keeper of a private Ray leaves its address.
    """

    def __init__(self, *, workers: int, session_folder: Path) -> None:
        # All sweeps of a workflow look for the session of their Snakemake, and so find one Ray; a sweep by itself has its own.
        owner = local_owner() or os.getpid()
        self._workers = workers
        self._path = session_folder / f"{socket.gethostname()}-{owner}.json"  # the folder may be shared by nodes
        self._owner = owner
        self._keeper: subprocess.Popen[bytes] | None = None
        self._cpus: Future[int] = Future()
        self._thread: threading.Thread | None = None
        self._unwanted = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until the background is quiet: a process that ends while Ray is being joined would not end in order."""
        self._unwanted.set()
        if self._thread is not None:
            self._thread.join(SECONDS_TO_LEAVE)
        end_orphans(self._path)

    def prepare(self) -> None:
        """Start a Ray if there is none; who joins it later need not wait."""
        if not cluster_is_given():
            self._session()

    def start(self) -> None:
        """Join the Ray in the background; if there is none, start it."""
        if self._thread is None:
            prepare_environment()  # in this thread: the other one imports Ray, which reads the environment once
            self._thread = threading.Thread(target=self._settle, daemon=True)
            self._thread.start()

    def ready(self) -> bool:
        """Whether `join` would return at once; if not, things are under way from now on."""
        self.start()
        return self._cpus.done()

    def join(self) -> int:
        """Join the Ray, and wait for it if need be; return its number of CPUs.

        Raises
        ------
        UserError
            If no Ray lets us join at ``RAY_ADDRESS``, or one of our own does not start.
        """
        self.start()
        try:
            return self._cpus.result(
                SECONDS_TO_JOIN + (0.0 if cluster_is_given() else ATTEMPTS_TO_START * START_SECONDS)
            )
        except TimeoutError:
            raise _not_joined(f"no answer within {SECONDS_TO_JOIN:.0f} s") from None

    def _settle(self) -> None:
        """Join, and keep what comes of it for `join`."""
        try:
            self._cpus.set_result(self._join())
        except BaseException as error:  # whatever it is, `join` raises it where somebody waits
            self._cpus.set_exception(error)

    def _join(self) -> int:
        """Join the Ray of the user, or a private one; its number of CPUs."""
        said = self._path.parent.parent / "logs" / "ray.log"
        if _is_joined():  # by an earlier sweep of this process
            return cluster_cpus(default=self._workers)
        if cluster_is_given():
            _join_given(said)
        else:
            _join_private(self._wait_for_session(), self._path, said)
        return cluster_cpus(default=self._workers)

    def _session(self) -> Session | None:
        """The session of a Ray that runs; a keeper is started if there is none and none is starting here."""
        session = read_session(self._path)
        if session is not None and session.address and session.is_kept():
            return session
        # A keeper that was not needed has seen another one at work, which may have ended since.
        if (self._keeper is None or self._keeper.poll() == NOT_NEEDED) and not _is_kept(self._path):
            _warn_of_little_shared_memory()
            self._keeper = _start_keeper(self._owner, self._workers, self._path)
        return None

    def _wait_for_session(self) -> Session:
        """Wait until the Ray runs. One that ends while it starts is started again: Ray gives its own parts 15 s, and a machine
        that is busy may need more.
        """
        for attempts_left in reversed(range(ATTEMPTS_TO_START)):
            session = self._wait_for_start()
            if session is not None:
                return session
            reason = _why_not_started(self._path.with_suffix(".log"))  # before its log goes with what is left of it
            is_hanging = self._keeper is None or self._keeper.poll() is None
            end_orphans(self._path)
            if is_hanging or not attempts_left:
                break
            log.warning("Ray ended while it was starting; it is started again")
            self._keeper = None
        raise UserError(reason)

    def _wait_for_start(self) -> Session | None:
        """The session of a Ray, as soon as it runs; none if it ends before, or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self._unwanted.wait(0.05):
            session = self._session()
            if session is not None:
                return session
            end_broken_start(self._path)
            if self._keeper is not None and self._keeper.poll() not in (None, NOT_NEEDED):
                break
        return None


def takes_ray(backend: BackendName, *, seconds: float, workers: int) -> bool:
    """Whether a sweep runs on Ray.

    Parameters
    ----------
    backend
        What the config asks for; ``auto`` takes Ray where it pays.
    seconds
        Estimated cost of what is to run, on one core.
    workers
        CPUs at hand; a running cluster (``RAY_ADDRESS``) has more.
    """
    worth_it = seconds > SECONDS_WORTH_RAY and (workers > 1 or cluster_is_given())
    return backend == "ray" or (backend == "auto" and worth_it)


def _is_joined() -> bool:
    """Whether this process has joined a Ray that is still there; one that is gone is left.

    Asked without importing Ray, which would read its environment too early.
    """
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return False
    if answers(ray.get_runtime_context().gcs_address):
        return True
    ray.shutdown()
    return False


def cluster_cpus(*, default: int) -> int:
    """CPUs of the joined Ray now: nodes join and leave."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return int(resources.get("CPU", default))


def _join_given(said: Path) -> None:
    """Join the cluster of the user, and watch it from now on.

    Raises
    ------
    UserError
        If that is not possible.
    """
    address = given_address()
    send_libraries_to_the_log(said)
    if is_loopback(address):
        use_loopback()
    if os.environ[ADDRESS_VARIABLE] == "auto" and has_token():
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", str(_ATTEMPTS_TO_JOIN))
    try:
        _init(address, lambda: answers(address), SECONDS_OF_SILENCE)
    except Exception as error:
        raise _not_joined(" ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_REASON]) from None


def _join_private(session: Session, path: Path, said: Path) -> None:
    """Join a Ray of our own, and watch it from now on.

    Raises
    ------
    UserError
        If it ends meanwhile.
    """
    send_libraries_to_the_log(said)
    keep_private(session.token)
    try:
        _init(session.address, session.is_kept, 0.0, farewell=lambda: end_orphans(path))
    except Exception:
        if session.is_kept():
            raise
        raise UserError(RAY_IS_GONE) from None


def _init(
    address: str, is_there: Callable[[], bool], patience: float, farewell: Callable[[], None] | None = None
) -> None:
    """Have Ray join, under watch from the start."""
    import ray

    # Where it is not the main thread, Ray leaves the handlers of signals alone, as we want, but warns of it.
    logging.getLogger("ray._private.worker").setLevel(logging.ERROR)
    # Before `ray.init`, which would wait for minutes for a Ray that is just ending.
    threading.Thread(target=watch_ray, args=(is_there, patience, farewell), daemon=True).start()
    ray.init(address=address, **QUIET)


def _not_joined(reason: str) -> UserError:
    """Why there is no Ray, in one line."""
    if not cluster_is_given():
        return UserError(f"the private Ray of this run: {reason}; run the same command again, or with --backend serial")
    return UserError(
        f"{ADDRESS_VARIABLE}={os.environ[ADDRESS_VARIABLE]}: Ray does not let us join ({reason}); give the address of its "
        "control service, and its token if it wants one (RAY_AUTH_MODE=token)"
    )


def _why_not_started(words: Path) -> str:
    """What to say when a private Ray does not come up, with the last line of its keeper, if there is any."""
    try:
        lines = [line for line in words.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    reason = f" ({lines[-1].strip()}; see {words})" if lines else ""
    return (
        f"the private Ray of this run has not started{reason}; what is finished is stored; run the same command again"
    )


def _is_kept(path: Path) -> bool:
    """Whether a keeper is at work, or about to be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.with_suffix(".lock")).acquire(timeout=0):
            return False
    except Timeout:
        return True


def _warn_of_little_shared_memory() -> None:
    """Say where data sets will go through the disk."""
    free = shared_memory_bytes()
    if free < SHARED_BYTES_TO_BE_AT_EASE:
        log.warning(
            "warning: %s has %.0f MB free: what the workers of Ray share may go through the disk; give it more (in a container: "
            "--shm-size)",
            SHARED_MEMORY,
            free / 1e6,
        )


def _start_keeper(owner: int, workers: int, path: Path) -> "subprocess.Popen[bytes]":
    """Start a keeper as a process of its own, which ends by itself."""
    command = [sys.executable, "-m", "initatlas", "ray-keeper", str(owner), str(workers), str(path)]
    with path.with_suffix(".log").open("ab") as output:
        keeper = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    leave_alone(keeper.pid)
    return keeper
