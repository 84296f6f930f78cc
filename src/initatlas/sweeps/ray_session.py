"""Which Ray a sweep uses: a cluster that is there, the one that the running workflow shares, or one of its own.

Starting Ray costs seconds and half a gigabyte, and a workflow runs many sweeps. So the first sweep of a workflow run that
needs Ray starts a keeper process, which holds one private Ray on loopback; the others join it; the keeper ends it when the
workflow's process is gone. Nothing here stops a Ray that it has not started.
"""

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
from filelock import FileLock

from initatlas.errors import UserError
from initatlas.files import atomic_path
from initatlas.sweeps.backends import cluster_cpus

log = logging.getLogger(__name__)

OWNER_VARIABLE = "INITATLAS_WORKFLOW"
"""Environment variable by which the workflow tells its sweeps who owns the shared Ray: ``host:process id``."""

START_SECONDS = 120.0

SECONDS_TO_ANSWER = 10.0

_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING, "configure_logging": False}


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


def connector(*, workers: int, session_folder: Path) -> Callable[[], int]:
    """A function that joins or starts the Ray of this sweep and returns its number of CPUs.

    Parameters
    ----------
    workers
        CPUs to give to a Ray that is started here.
    session_folder
        Where the keeper of a workflow's shared Ray leaves its address.
    """

    def connect() -> int:
        _prepare_environment()
        given = os.environ.get("RAY_ADDRESS")
        owner = _local_owner()
        if given:
            _join(given)
        elif owner is not None:
            shared = _shared_session(owner, workers, session_folder)
            _keep_private(shared.token)
            _join(shared.address)
        else:
            start_private_ray(workers, token=secrets.token_hex(32))
        return cluster_cpus(default=workers)

    return connect


def cluster_is_given() -> bool:
    """Whether the user points us to a running cluster."""
    return bool(os.environ.get("RAY_ADDRESS"))


def start_private_ray(workers: int, *, token: str) -> None:
    """Start a Ray that listens on loopback alone and answers to `token` alone."""
    _keep_private(token)
    import ray

    with _own_signal_handlers():
        ray.init(address="local", num_cpus=workers, include_dashboard=False, **_QUIET)


def _join(address: str) -> None:
    """Join a running Ray.

    Raises
    ------
    UserError
        If nothing answers at the address.
    """
    if not _answers(address):
        raise UserError(f"RAY_ADDRESS={address}: nothing listens there; start Ray or unset RAY_ADDRESS")
    import ray

    try:
        with _own_signal_handlers():
            ray.init(address=address, **_QUIET)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"RAY_ADDRESS={address}: no Ray answers there ({reason}); start it or unset RAY_ADDRESS"
        ) from None


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


@contextmanager
def _own_signal_handlers() -> Iterator[None]:
    """Ray puts a handler of its own on SIGTERM; afterwards ours is there again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def _prepare_environment() -> None:
    """Before Ray is imported: thread counts are a task's own affair, and signals are ours.

    Snakemake exports thread counts for the whole job; a Ray worker takes what its task declares.
    """
    os.environ["RAY_DISABLE_FAILURE_SIGNAL_HANDLER"] = "1"
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.pop(variable, None)


def _keep_private(token: str) -> None:
    """Have Ray use loopback (the only switch for that bears the name of other systems) and a token; before its import."""
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}


def _shared_session(owner: int, workers: int, folder: Path) -> Session:
    """The Ray that the running workflow shares, started if need be."""
    path = folder / f"{owner}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        session = _read_session(path)
        return (
            session if session and is_running(session.process, session.created) else _start_keeper(owner, workers, path)
        )


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


def _start_keeper(owner: int, workers: int, path: Path) -> Session:
    """Start the keeper as a process of its own, and wait for its session."""
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "initatlas", "ray-keeper", str(owner), str(workers), str(path)]
    with path.with_suffix(".log").open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        session = _read_session(path)
        if session is not None:
            return session
        time.sleep(0.1)
    raise RuntimeError(f"Ray did not start; see {path.with_suffix('.log')}")


def keep_ray(owner: int, workers: int, path: Path) -> None:
    """Hold one private Ray until the process `owner` is gone; leave its session in `path` meanwhile.

    Parameters
    ----------
    owner
        Process id of the workflow.
    workers
        CPUs of the Ray.
    path
        The file to write, for this user's eyes alone; removed at the end, with its lock and its log.
    """
    signal.signal(signal.SIGTERM, _leave)
    born = psutil.Process(owner).create_time()
    me = psutil.Process()
    token = secrets.token_hex(32)
    start_private_ray(workers, token=token)
    import ray

    session = Session(ray.get_runtime_context().gcs_address, token, me.pid, me.create_time())
    try:
        _write_for_this_user(path, json.dumps(asdict(session)))
        while is_running(owner, born):
            time.sleep(0.5)
    finally:
        for leftover in (path, path.with_suffix(".lock"), path.with_suffix(".log")):
            leftover.unlink(missing_ok=True)
        ray.shutdown()


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


def _leave(number: int, frame: FrameType | None) -> None:
    """Turn SIGTERM into an orderly end."""
    raise SystemExit(0)
