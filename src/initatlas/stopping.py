"""Stop in order on SIGINT, SIGTERM and SIGHUP; and stop all the same where a call into a library does not return in time.

Python runs signal handlers in the main thread, between two steps of the interpreter. While that thread sits in a long call
of a numerical library, nothing happens. So a second thread hears of the signal through the wake-up pipe, gives the
main thread some seconds for its orderly end, and then ends the process itself, with what it has started.
"""

import ctypes
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import psutil

from initatlas.errors import UserError
from initatlas.files import remove_drafts

log = logging.getLogger(__name__)

SECONDS_FOR_AN_ORDERLY_END = 3.0

SECONDS_BETWEEN_LOOKS = 0.2

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_PR_SET_CHILD_SUBREAPER = 36

_HEARD: list[int] = []
"""The signals that this process has heard."""

_REASONS: list[str] = []
"""Why this process stops itself; see `stop_for`."""

_ARMED = threading.Event()
"""Whether signals stop this process in order now."""

_CLIENT: list[int] = []
"""The process that this one stands for; see `stands_for`."""

_LEFT_ALONE: set[int] = set()
"""Children that end by themselves when this process is gone; see `leave_alone`."""


class Stopped(SystemExit):
    """SIGTERM came. Code that ends itself by `sys.exit` raises SystemExit, which is something else."""


@contextmanager
def orderly_stops() -> Iterator[None]:
    """Inside the block SIGTERM and SIGHUP raise SystemExit and SIGINT KeyboardInterrupt; all end the process within seconds.

    Only to be used in the main thread.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {number: signal.signal(number, _stop) for number in stopping_signals()}
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), daemon=True).start()
    _ARMED.set()
    try:
        yield
    except Exception:
        if _REASONS:  # a library may make something else of it on the way
            raise UserError(_REASONS[0]) from None
        raise
    finally:
        _ARMED.clear()
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writer)


def stopping_signals() -> list[signal.Signals]:
    """The signals that stop a command: not SIGHUP where `nohup` or the like has it ignored."""
    return [number for number in STOPS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]


def exit_code() -> int:
    """128 and the signal that was heard, as a shell gives it; that of SIGTERM if none was."""
    return 128 + (_HEARD[-1] if _HEARD else signal.SIGTERM)


def raise_for(number: int) -> NoReturn:
    """Raise what a signal stands for: KeyboardInterrupt or `Stopped`."""
    _HEARD.append(number)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Stopped(128 + number)


def stop_with(process: int, born: float) -> None:
    """Stop this process in order when another one is gone, or the one that has started this one."""
    threading.Thread(target=_follow, args=(process, born, _parent()), daemon=True).start()


def stands_for(process: int) -> None:
    """Say that this process does the work of another one: for `stop_with` that one's parent counts."""
    _CLIENT[:] = [process]


def _parent() -> int:
    """The process that has started this one, or the one that it stands for; 0 if the latter is gone."""
    if not _CLIENT:
        return os.getppid()
    try:
        return psutil.Process(_CLIENT[0]).ppid()
    except psutil.NoSuchProcess:
        return 0


def _follow(process: int, born: float, parent: int) -> None:
    """Wait for the end of one of both."""
    while _parent() == parent and is_running(process, born):
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os.kill(os.getpid(), signal.SIGTERM)


def is_running(process: int, born: float) -> bool:
    """Whether a process still runs (and is not another one with its number)."""
    try:
        parent = psutil.Process(process)
        return bool(parent.create_time() == born and parent.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def stop_for(reason: str) -> None:
    """Stop this process from any thread, for a reason that the user is told: as if a `UserError` came up in the main thread.

    Outside of `orderly_stops` nothing happens: the process is about to end anyway.
    """
    if not _REASONS:
        _REASONS.append(reason)
    if _ARMED.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def stops_in_order() -> bool:
    """Whether this process is that of a command, inside of `orderly_stops`, and not somebody else's."""
    return _ARMED.is_set()


def _stop(number: int, frame: FrameType | None) -> None:
    """The orderly end: what is open is closed on the way out."""
    if _REASONS:
        raise UserError(_REASONS[0])
    raise_for(number)


def came_from_outside(error: BaseException) -> bool:
    """Whether an exception that came up in somebody's code is a stop of the process, and no matter of that code.

    Ray marks the SystemExit by which it ends a worker.
    """
    return (
        isinstance(error, Stopped)
        or hasattr(error, "ray_terminate_msg")
        or (isinstance(error, UserError) and str(error) in _REASONS)
    )


def _watch(reader: int) -> None:
    """Wait for a signal, then for the main thread, then lose patience."""
    heard = b""
    while not set(heard) & {*STOPS}:
        heard = os.read(reader, 64)
        if not heard:
            return
    time.sleep(SECONDS_FOR_AN_ORDERLY_END)
    if _REASONS:
        log.error("initatlas: %s", _REASONS[0])
    else:
        log.error("no orderly end within %g s: stopped all the same", SECONDS_FOR_AN_ORDERLY_END)
    remove_drafts()
    end_now(2 if _REASONS else 128 + heard[-1])


def adopt_orphans() -> None:
    """Have what descendants of this process leave behind become its children, so that it can end them (on Linux)."""
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def leave_alone(process: int) -> None:
    """Name a child that watches this process and ends by itself: `end_now` does not touch it."""
    _LEFT_ALONE.add(process)


def end_now(code: int) -> NoReturn:
    """End this process and its descendants at once."""
    end_descendants()
    os._exit(code)


def end_descendants() -> None:
    """End what this process has started, except for those that end by themselves."""
    for child in psutil.Process().children():
        if child.pid not in _LEFT_ALONE:
            with suppress(psutil.NoSuchProcess):
                # Parents first, so that they start nothing in place of what is gone.
                for descendant in (child, *child.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        descendant.kill()
