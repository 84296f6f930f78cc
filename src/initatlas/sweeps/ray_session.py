"""Which Ray a sweep uses: a cluster that is there, the one that the running workflow shares, or one of its own.

Starting Ray costs seconds and half a gigabyte, and a workflow runs many sweeps. So a workflow run that needs Ray starts a
keeper, beside its first jobs: a process that holds one private Ray on loopback. Its sweeps join it. A sweep outside of a
workflow has a keeper of its own. A sweep joins in the background, and computes meanwhile.

The keeper ends its Ray, to the last process, when its owner is gone, whichever way that went; and it ends with its Ray.
Nothing here stops a Ray that it has not started.
"""

import ctypes
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn, Self

import psutil
from filelock import FileLock, Timeout

from initatlas.errors import UserError
from initatlas.files import atomic_path
from initatlas.stopping import end_descendants, end_now, leave_alone, stop_for

log = logging.getLogger(__name__)

RAY_IS_GONE = "Ray's control service is gone; finished points are stored; run the same command again"

BackendName = Literal["serial", "ray", "auto"]

SECONDS_WORTH_RAY = 30.0
"""Starting Ray costs some seconds: a sweep shorter than this runs in the driver's own process."""

OWNER_VARIABLE = "INITATLAS_WORKFLOW"
"""Environment variable by which the workflow tells its sweeps who owns the shared Ray: ``host:process id``."""

START_SECONDS = 120.0

SECONDS_TO_ANSWER = 10.0

SECONDS_TO_LEAVE = 2.0
"""How long the end of a sweep waits for a Ray that it is just joining; see `initatlas.stopping` for how long it may take."""

SECONDS_OF_SILENCE = {"private": 1.0, "given": 30.0}
"""After how long a control service that refuses connections is held to be gone; Ray itself ends the driver after 60 s. That
of a cluster may come back."""

SECONDS_BETWEEN_CHECKS = 0.25

_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING, "configure_logging": False}

_PARTS = ("gcs_server", "raylet")
"""The processes without which a Ray is none."""

_NOT_NEEDED = 3
"""Exit code of a keeper that finds another one at work for the same owner."""

_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Session:
    """What a keeper leaves for the sweeps that join its Ray.

    Attributes
    ----------
    address, token
        Where the Ray listens, and what it wants to hear: nobody else on the machine may use it.
    process, created
        The keeper: its process id, and when it was born (ids are used again).
    """

    address: str
    token: str
    process: int
    created: float


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
        owner = _local_owner() or os.getpid()
        self._workers = workers
        self._path = session_folder / f"{owner}.json"
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

    def prepare(self) -> None:
        """Start a Ray if there is none; who joins it later need not wait."""
        if not cluster_is_given():
            self._session()

    def start(self) -> None:
        """Join the Ray in the background; if there is none, start it."""
        if self._thread is None:
            _prepare_environment()
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
            If nothing answers at ``RAY_ADDRESS``.
        RuntimeError
            If a Ray of our own does not start.
        """
        self.start()
        return self._cpus.result()

    def _settle(self) -> None:
        """Join, and keep what comes of it for `join`."""
        try:
            self._cpus.set_result(self._join())
        except BaseException as error:
            self._cpus.set_exception(error)

    def _join(self) -> int:
        """Join the Ray of the user, or a private one; its number of CPUs."""
        if cluster_is_given():
            _join(os.environ["RAY_ADDRESS"], "given")
        else:
            session = self._wait_for_session()
            _keep_private(session.token)
            _join(session.address, "private")
        return cluster_cpus(default=self._workers)

    def _session(self) -> Session | None:
        """The session of a Ray that runs; a keeper is started if there is none and none is starting here."""
        session = _read_session(self._path)
        if session is not None and is_running(session.process, session.created):
            return session
        if (self._keeper is None or self._keeper.poll() == _NOT_NEEDED) and not _is_kept(self._path):
            self._keeper = _start_keeper(self._owner, self._workers, self._path)
        return None

    def _wait_for_session(self) -> Session:
        """Wait until the Ray runs."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self._unwanted.wait(0.05):
            session = self._session()
            if session is not None:
                return session
            if self._keeper is not None and self._keeper.poll() not in (None, _NOT_NEEDED):
                break
        raise RuntimeError(f"Ray did not start; see {self._path.with_suffix('.log')}")


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


def cluster_is_given() -> bool:
    """Whether the user points us to a running cluster."""
    return bool(os.environ.get("RAY_ADDRESS"))


def cluster_cpus(*, default: int) -> int:
    """CPUs of the joined Ray now: nodes join and leave."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return int(resources.get("CPU", default))


def start_private_ray(workers: int, *, token: str) -> None:
    """Start a Ray that listens on loopback alone and answers to `token` alone."""
    _prepare_environment()
    _keep_private(token)
    import ray

    _leave_out_helpers()
    before = signal.getsignal(signal.SIGTERM)  # Ray puts a handler of its own in its place
    ray.init(address="local", num_cpus=workers, include_dashboard=False, **_QUIET)
    signal.signal(signal.SIGTERM, before)


def _leave_out_helpers() -> None:
    """Start no autoscaler, no reader of logs and no reporter of usage: nobody asks a private Ray for them, and they take longer
    to start than all the rest.

    `ray.init` has no option for it. Where a later Ray has no such methods, this does nothing.
    """
    from ray._private.node import Node

    for name in ("start_monitor", "start_log_monitor", "start_api_server"):
        if hasattr(Node, name):
            setattr(Node, name, lambda node, **options: None)


def _join(address: str, kind: str) -> None:
    """Join a running Ray, and watch it from now on.

    Raises
    ------
    UserError
        If nothing answers at the address.
    """
    if not _answers(address):
        at_the_address = f"RAY_ADDRESS={address}: nothing listens there; start Ray or unset RAY_ADDRESS"
        raise UserError(at_the_address if kind == "given" else RAY_IS_GONE)
    if _is_loopback(address):
        _use_loopback()
    import ray

    # Where it is not the main thread, Ray leaves the handlers of signals alone, as we want, but warns of it.
    logging.getLogger("ray._private.worker").setLevel(logging.ERROR)
    try:
        ray.init(address=address, **_QUIET)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"RAY_ADDRESS={address}: no Ray answers there ({reason}); start it or unset RAY_ADDRESS"
        ) from None
    if "://" not in address:
        control = ray.get_runtime_context().gcs_address
        threading.Thread(target=_watch, args=(control, SECONDS_OF_SILENCE[kind]), daemon=True).start()


def _watch(address: str, patience: float) -> None:
    """Stop when the Ray that was joined has not listened for some seconds: Ray would end this process without a word of ours."""
    import ray

    answered = time.monotonic()
    while ray.is_initialized():
        if _answers(address):
            answered = time.monotonic()
        elif time.monotonic() - answered > patience:
            stop_for(RAY_IS_GONE)
            return
        time.sleep(SECONDS_BETWEEN_CHECKS)


def _answers(address: str) -> bool:
    """Whether something listens at ``host:port``; Ray itself would try for minutes. Other forms are left to Ray."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or "/" in host:
        return True
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS_TO_ANSWER):
            return True
    except OSError:
        return False


def _is_loopback(address: str) -> bool:
    """Whether ``host:port`` is on this machine's loopback."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _prepare_environment() -> None:
    """Before Ray is imported: thread counts are a task's own affair, and signals are ours.

    Snakemake exports thread counts for the whole job; a Ray worker takes what its task declares.
    """
    os.environ["RAY_DISABLE_FAILURE_SIGNAL_HANDLER"] = "1"
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.pop(variable, None)


def _keep_private(token: str) -> None:
    """Have Ray use loopback and a token; before its import."""
    _use_loopback()
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}


def _use_loopback() -> None:
    """Have Ray take a loopback address as it is; the only switch for that bears the name of other systems."""
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


def _read_session(path: Path) -> Session | None:
    """The session in a file, if there is one."""
    try:
        return Session(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _local_owner() -> int | None:
    """Process id of the workflow that runs this sweep, if it runs on this machine."""
    host, _, process = os.environ.get(OWNER_VARIABLE, "").rpartition(":")
    if host != socket.gethostname() or not process.isdigit() or not psutil.pid_exists(int(process)):
        return None
    return int(process)


def _is_kept(path: Path) -> bool:
    """Whether a keeper is at work, or about to be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.with_suffix(".lock")).acquire(timeout=0):
            return False
    except Timeout:
        return True


def _start_keeper(owner: int, workers: int, path: Path) -> "subprocess.Popen[bytes]":
    """Start a keeper as a process of its own, which ends by itself."""
    command = [sys.executable, "-m", "initatlas", "ray-keeper", str(owner), str(workers), str(path)]
    with path.with_suffix(".log").open("ab") as output:
        keeper = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    leave_alone(keeper.pid)
    return keeper


def keep_ray(owner: int, workers: int, path: Path) -> int:
    """Hold one private Ray until the process `owner` is gone; leave its session in `path` meanwhile.

    Parameters
    ----------
    owner
        Process id of the workflow, or of a sweep outside of one.
    workers
        CPUs of the Ray.
    path
        The file to write, for this user's eyes alone; removed at the end, with its lock and its log.

    Returns
    -------
    int
        Exit code: 0, or 3 if another keeper is at work for the same owner.
    """
    lock = FileLock(path.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _NOT_NEEDED
    _adopt_orphans()
    threading.Thread(target=_end_with_owner, args=(owner, path), daemon=True).start()
    try:
        _hold_ray(workers, path)
    except Exception:
        log.exception("Ray cannot be kept")
        end_descendants()
        end_now(1)
    finally:
        _end_ray(path)


def _hold_ray(workers: int, path: Path) -> None:
    """Start Ray, say where it is, and wait until a part of it is gone."""
    me = psutil.Process()
    token = secrets.token_hex(32)
    start_private_ray(workers, token=token)
    import ray

    parts = [(found.pid, found.create_time()) for found in me.children() if found.name() in _PARTS]
    session = Session(ray.get_runtime_context().gcs_address, token, me.pid, me.create_time())
    _write_for_this_user(path, json.dumps(asdict(session)))
    while all(is_running(*part) for part in parts):
        time.sleep(SECONDS_BETWEEN_CHECKS)


def _end_with_owner(owner: int, path: Path) -> None:
    """Wait until the owner is gone, also while Ray still starts."""
    with suppress(psutil.NoSuchProcess):
        born = psutil.Process(owner).create_time()
        while is_running(owner, born):
            time.sleep(SECONDS_BETWEEN_CHECKS)
    _end_ray(path)


def _end_ray(path: Path) -> NoReturn:
    """End Ray without its ceremony, which takes seconds, and this process; remove what the sweeps were told."""
    end_descendants()
    for leftover in (path, path.with_suffix(".log"), path.with_suffix(".lock")):
        leftover.unlink(missing_ok=True)
    end_now(0)


def _adopt_orphans() -> None:
    """Have the helpers of a raylet that was killed become children of this process, so that it can end them (on Linux)."""
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _write_for_this_user(path: Path, text: str) -> None:
    """Write a file that nobody else can read."""
    with atomic_path(path) as draft:
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")


def is_running(process: int, born: float) -> bool:
    """Whether a process still runs (and is not another one with its number)."""
    try:
        found = psutil.Process(process)
        return bool(found.create_time() == born and found.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
