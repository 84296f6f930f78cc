"""Compute batches in a process of their own, which may die alone."""

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any

from initatlas.sweeps.batches import Batch
from initatlas.sweeps.execute import BatchOutcome, execute_batch
from initatlas.sweeps.limits import Limits
from initatlas.sweeps.registry import carried

_PR_SET_PDEATHSIG = 1

_SECONDS_BETWEEN_LOOKS = 1.0


class ProcessDiedError(Exception):
    """The process ended while it computed; says how, as ``SIGSEGV`` or ``exit code 3``."""


class ApartProcess:
    """A process that computes one batch after the other; it is started when one comes, and again after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection[Any, Any] | None = None

    def compute(self, experiment: str, batch: Batch, *, root_seed: int, limits: Limits, data: Any) -> BatchOutcome:
        """Compute a batch as `execute_batch` does.

        Raises
        ------
        ProcessDiedError
            If the process ended on the way, whether by a signal or by itself.
        """
        process, line = self._started()
        try:
            line.send((carried(experiment), batch, {"root_seed": root_seed, "limits": limits, "data": data}))
            while not line.poll(_SECONDS_BETWEEN_LOOKS):
                if process.poll() is not None and not line.poll(0):  # what it started may hold the line open
                    raise EOFError
            answer = line.recv()
        except (EOFError, OSError):
            code = process.wait()
            self.close()
            raise ProcessDiedError(_ending(code)) from None
        if isinstance(answer, BaseException):
            raise answer
        outcome: BatchOutcome = answer
        return outcome

    def _started(self) -> "tuple[subprocess.Popen[bytes], Connection[Any, Any]]":
        """The process and the line to it."""
        if self._process is None or self._line is None:
            self._line, other = Pipe()
            command = [sys.executable, "-m", __name__, str(other.fileno()), str(os.getpid())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[other.fileno()])
            other.close()
            self._line.send(sys.path)
        return self._process, self._line

    def close(self) -> None:
        """End the process."""
        if self._process is not None and self._line is not None:
            self._line.close()
            self._process.kill()
            self._process.wait()
        self._process = self._line = None


def _ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def serve(line: "Connection[Any, Any]") -> None:
    """Compute what comes along the line until it is closed."""
    with suppress(EOFError, OSError):
        sys.path[:] = line.recv()
        while True:
            experiment, batch, rest = line.recv()
            try:
                answer: BatchOutcome | Exception = execute_batch(experiment, batch, **rest)
            except Exception as error:
                answer = error
            line.send(answer)


def _main(descriptor: int, parent: int) -> None:
    """The process: it ends with its parent, which alone hears of Ctrl-C."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getppid() == parent:
        serve(Connection(descriptor))


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
