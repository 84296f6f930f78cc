"""Bounds on what a point may take, so that one bad point costs its own time and memory and no more."""

import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pydantic import BaseModel, ConfigDict, Field


class Limits(BaseModel):
    """What a point may take; a point beyond a limit is recorded as failed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    seconds: float | None = Field(
        default=None, gt=0, description="Wall time of one point; a batch may take as much for each of its points."
    )
    megabytes: float | None = Field(
        default=None, gt=0, description="Memory that a worker may allocate for a batch; a batch beyond it is split."
    )


NO_LIMITS = Limits()


class TimeLimitError(Exception):
    """A batch took longer than its points may."""


@contextmanager
def within_limits(limits: Limits, *, points: int) -> Iterator[None]:
    """Raise `TimeLimitError` or `MemoryError` inside the block when it takes more than `points` points may.

    Time is kept by SIGALRM, which reaches the main thread of a worker between two steps of the interpreter: a single
    call into a library is not cut short. Memory is kept by the kernel, for this process alone.
    """
    with _time_limit(limits.seconds, points), _memory_limit(limits.megabytes):
        yield


@contextmanager
def _time_limit(seconds: float | None, points: int) -> Iterator[None]:
    """Set the alarm, and give back whatever handler there was."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(number: int, frame: FrameType | None) -> None:
        raise TimeLimitError(f"took more than {seconds:g} s for each of {points} points")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds * points)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _memory_limit(megabytes: float | None) -> Iterator[None]:
    """Let the kernel refuse memory beyond what the process has now and the limit."""
    if megabytes is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_data_bytes() + int(megabytes * 1e6), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    """Private writable memory of this process, as the kernel counts it against RLIMIT_DATA."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    return pages * resource.getpagesize()
