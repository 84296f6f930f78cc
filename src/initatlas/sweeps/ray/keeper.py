"""The process that holds a private Ray: the keeper.

It ends its Ray, to the last process, when its owner is gone, whichever way that went, or when a part of Ray is, also while Ray
still starts. Nobody does that for a keeper that is killed itself: whoever misses it ends what it has left (`end_orphans`).
"""

import json
import logging
import os
import secrets
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import psutil
from filelock import FileLock, Timeout

from initatlas.errors import UserError
from initatlas.files import atomic_path, remove_drafts
from initatlas.machine import megabytes_of_the_job
from initatlas.stopping import adopt_orphans, end_descendants, end_now, is_running

log = logging.getLogger(__name__)

QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING, "configure_logging": False}
"""How Ray is started and joined: it leaves our messages alone."""

TOKEN_VARIABLE = "INITATLAS_RAY_TOKEN"
"""Holds the token of a private Ray that this process has joined."""

NOT_NEEDED = 3
"""Exit code of a keeper that finds another one at work for the same owner."""

SECONDS_BETWEEN_CHECKS = 0.1

_PARTS = ("gcs_server", "raylet")
"""The processes without which a Ray is none."""

LONGEST_FOLDER = 40
"""Characters of a folder for Ray: the paths of its sockets are longer by 64, and the system takes 107."""

_FOLDER = "initatlas-ray-"

SHARED_MEMORY = Path("/dev/shm")

_SHARE_OF_STORE, _LEAST_STORE = 0.3, 80_000_000
"""Ray's own share of the memory, and the least that it takes, in bytes."""

_SECONDS_TO_DIE = 3.0

_ENDING = threading.Lock()
"""Held for ever by the thread that ends this process: the first reason counts, and nothing is begun any more."""


@dataclass(frozen=True)
class Session:
    """What a keeper leaves for the sweeps that join its Ray.

    Attributes
    ----------
    address, token
        Where the Ray listens, and what it wants to hear: nobody else on the machine may use it. Both are empty while it starts.
    process, created
        The keeper: its process id, and when it was born (ids are used again).
    parts
        The processes without which this Ray is none, likewise.
    """

    address: str
    token: str
    process: int
    created: float
    parts: tuple[tuple[int, float], ...] = ()

    def is_kept(self) -> bool:
        """Whether the keeper and all parts run."""
        return all(is_running(*part) for part in ((self.process, self.created), *self.parts))


def read_session(path: Path) -> Session | None:
    """The session in a file, if there is one."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Session(**{**record, "parts": tuple((int(process), float(born)) for process, born in record["parts"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def end_orphans(path: Path) -> None:
    """End what a keeper that was killed has left: its Ray, which lives in the keeper's session of the system, and its files."""
    session = read_session(path)
    if session is None or is_running(session.process, session.created):
        return
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == session.process and process.create_time() >= session.created:
                process.kill()
    remove_ray_folder(session.process)
    _remove_files(path)


def end_broken_start(path: Path) -> None:
    """End the keeper of a Ray that has lost a part while it starts: it may sit in a call of Ray for half a minute."""
    session = read_session(path)
    if session is None or session.address:
        return
    with suppress(psutil.NoSuchProcess):
        keeper = psutil.Process(session.process)
        if any(child.name() in _PARTS and child.status() == psutil.STATUS_ZOMBIE for child in keeper.children()):
            keeper.kill()


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
        Exit code: 0, or 3 if another keeper is at work for the same owner; 1 if Ray does not start, and then the log stays.
    """
    lock = FileLock(path.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return NOT_NEEDED
    end_orphans(path)
    adopt_orphans()
    threading.Thread(target=_end_with_owner, args=(owner, path), daemon=True).start()
    try:
        _hold_ray(workers, path)
    except UserError as error:
        log.error("%s", error)
    except Exception:
        if not _ENDING.locked():  # a Ray that is being ended complains of it
            log.exception("Ray cannot be kept")
    finally:
        _end_ray(path, code=1)


def _hold_ray(workers: int, path: Path) -> NoReturn:
    """Start Ray, say where it is, and wait until a part of it is gone."""
    me = psutil.Process()
    # a process that has joined one Ray can join a further one with the same token alone
    token = os.environ.get(TOKEN_VARIABLE) or secrets.token_hex(32)
    _write_session(path, Session("", "", me.pid, me.create_time()))
    threading.Thread(target=_end_with_a_part, args=(path,), daemon=True).start()
    start_private_ray(workers, token=token)
    import ray

    address = ray.get_runtime_context().gcs_address
    _write_session(path, Session(address, token, me.pid, me.create_time(), tuple(_parts(me))))
    while True:
        time.sleep(1.0)


def _parts(me: psutil.Process) -> Iterator[tuple[int, float]]:
    """The parts of Ray below this process: process ids, and when they were born."""
    for child in me.children():
        with suppress(psutil.NoSuchProcess):
            if child.name() in _PARTS:
                yield child.pid, child.create_time()


def _end_with_a_part(path: Path) -> None:
    """End Ray when a part of it that was there is gone: with a complaint if it has not been up yet."""
    me = psutil.Process()
    known: set[tuple[int, float]] = set()
    while all(is_running(*part) for part in known):
        known.update(_parts(me))
        time.sleep(SECONDS_BETWEEN_CHECKS)
    session = read_session(path)
    is_up = session is not None and bool(session.address)
    if not is_up:
        log.error("a part of Ray ended while it was starting")
    _end_ray(path, code=0 if is_up else 1)


def _end_with_owner(owner: int, path: Path) -> None:
    """End Ray when the owner is gone, also while it still starts."""
    with suppress(psutil.NoSuchProcess):
        born = psutil.Process(owner).create_time()
        while is_running(owner, born):
            time.sleep(SECONDS_BETWEEN_CHECKS)
    _end_ray(path, code=0)


def _end_ray(path: Path, *, code: int) -> NoReturn:
    """End Ray without its ceremony, which takes seconds, and this process; remove what the sweeps were told."""
    _ENDING.acquire()
    end_descendants()
    remove_ray_folder(os.getpid())
    remove_drafts()  # first: the main thread may be writing the session, and then cannot give the draft its name any more
    _remove_files(path, log_too=not code)
    end_now(code)


def _remove_files(path: Path, *, log_too: bool = True) -> None:
    """Remove what a keeper writes."""
    for leftover in (path, path.with_suffix(".lock"), *([path.with_suffix(".log")] if log_too else [])):
        leftover.unlink(missing_ok=True)


def start_private_ray(workers: int, *, token: str) -> None:
    """Start a Ray that listens on loopback alone and answers to `token` alone.

    Raises
    ------
    UserError
        If there is no folder for its sockets.
    """
    prepare_environment()
    keep_private(token)
    with _ENDING:  # else the folder would outlive a keeper that just ends
        folder = ray_folder()
    import ray

    _leave_out_helpers()
    before = signal.getsignal(signal.SIGTERM)  # Ray puts a handler of its own in its place
    ray.init(
        address="local",
        num_cpus=workers,
        include_dashboard=False,
        object_store_memory=object_store_bytes(),
        _temp_dir=str(folder),
        **QUIET,
    )
    signal.signal(signal.SIGTERM, before)


def object_store_bytes() -> int | None:
    """Memory for what the workers share, in bytes, of a Ray inside a Slurm job: Ray itself would go by the whole node.

    None outside of a job; then Ray decides.
    """
    given = megabytes_of_the_job()
    if given is None:
        return None
    return max(_LEAST_STORE, min(int(_SHARE_OF_STORE * given * 1e6), int(0.95 * shared_memory_bytes())))


def shared_memory_bytes() -> int:
    """What is free where Ray keeps what the workers share, in bytes."""
    try:
        return shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        return 0


def ray_folder() -> Path:
    """A new folder of this user alone for what Ray writes, below TMPDIR where the path of a socket there is not too long.

    Raises
    ------
    UserError
        If there is none.
    """
    for parent in _parents_of_ray_folders():
        if len(str(parent / f"{_FOLDER}{os.getpid()}-12345678")) <= LONGEST_FOLDER:
            with suppress(OSError):
                return Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-", dir=parent))
    raise UserError(
        f"TMPDIR={tempfile.gettempdir()}: too long for the sockets of Ray, and /tmp cannot be written; "
        f"set RAY_TMPDIR to a folder of at most {LONGEST_FOLDER - len(_FOLDER) - 18} characters"
    )


def _parents_of_ray_folders() -> list[Path]:
    """Where folders for Ray may lie, the best first."""
    given = os.environ.get("RAY_TMPDIR")
    return [*([Path(given)] if given else []), Path(tempfile.gettempdir()), Path("/tmp"), SHARED_MEMORY]


def remove_ray_folder(keeper: int) -> None:
    """Remove the folders of the Ray of a keeper."""
    for parent in _parents_of_ray_folders():
        for folder in parent.glob(f"{_FOLDER}{keeper}-*"):
            deadline = time.monotonic() + _SECONDS_TO_DIE
            while folder.exists() and time.monotonic() < deadline:
                shutil.rmtree(folder, ignore_errors=True)  # a process that is just being killed may still write there


def _leave_out_helpers() -> None:
    """Start no autoscaler, no reader of logs and no reporter of usage: nobody asks a private Ray for them, and they take longer
    to start than all the rest.

    `ray.init` has no option for it. Where a later Ray has no such methods, this does nothing.
    """
    from ray._private.node import Node

    for name in ("start_monitor", "start_log_monitor", "start_api_server"):
        if hasattr(Node, name):
            setattr(Node, name, lambda node, **options: None)


def prepare_environment() -> None:
    """Before Ray is imported: thread counts are a task's own affair, and signals are ours.

    Snakemake exports thread counts for the whole job; a Ray worker takes what its task declares.
    """
    os.environ["RAY_DISABLE_FAILURE_SIGNAL_HANDLER"] = "1"
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.pop(variable, None)


def keep_private(token: str) -> None:
    """Have Ray use loopback and a token; before its import."""
    use_loopback()
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, TOKEN_VARIABLE: token}


def use_loopback() -> None:
    """Have Ray take a loopback address as it is; the only switch for that bears the name of other systems."""
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


def _write_session(path: Path, session: Session) -> None:
    """Write the session to a file that nobody else can read."""
    with atomic_path(path) as draft:
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(session)), encoding="utf-8")
