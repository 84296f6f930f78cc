"""A stage that has a warm parent: it waits for its child, passes signals on, and ends as the child ends."""

import marshal
import os
import resource
import signal
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from initatlas.warm.situation import PASSED_ON, VARIABLE, situation

SECONDS_TO_ANSWER = 120.0
"""How long the parent may take: it may be importing yet, on a busy machine. Then the stage runs without it."""

SIZE = struct.Struct("!I")
STATUS = struct.Struct("!i")


def run_warm(arguments: Sequence[str]) -> None:
    """Have the warm parent run a stage, and end as it ends; where there is no such parent, or it cannot, return.

    Parameters
    ----------
    arguments
        Those of the command line.
    """
    path = os.environ.get(VARIABLE, "")
    if not path.startswith("/"):
        return
    before = signal.getsignal(signal.SIGINT)
    if before != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback while it waits
    child = None
    line = socket.socket(socket.AF_UNIX)
    with suppress(OSError):
        child = _child(line, path, arguments)
    if child is not None:
        _be(line, child)
    line.close()  # a child that comes too late hears of it, and ends
    if _owner_is_gone():  # a stage that started now would follow nobody
        os._exit(128 + signal.SIGTERM)
    signal.signal(signal.SIGINT, before)


def _owner_is_gone() -> bool:
    """Whether the Snakemake of this run is no more, which the warm parent belonged to."""
    owner = os.environ.get("INITATLAS_WORKFLOW", "").rpartition(":")[2]
    return owner.isdigit() and not os.path.exists(f"/proc/{owner}")  # noqa: PTH110


def _child(line: socket.socket, path: str, arguments: Sequence[str]) -> int | None:
    """Ask for a child; give its handle (pidfd), or None if the parent declines. The child waits for a word to begin."""
    line.settimeout(SECONDS_TO_ANSWER)
    line.connect(path)
    request = marshal.dumps(
        {
            "arguments": [*arguments],
            "situation": situation(),
            "environment": dict(os.environ),
            "client": os.getpid(),
        }
    )
    socket.send_fds(line, [SIZE.pack(len(request))], [0, 1, 2])
    line.sendall(request)
    answer, handles, _, _ = socket.recv_fds(line, 1, 1)
    return handles[0] if answer and handles else None


def _be(line: socket.socket, child: int) -> NoReturn:
    """Be the child for everybody outside."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(OSError):
            signal.pidfd_send_signal(child, number)

    for number in PASSED_ON:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, pass_on)
    line.settimeout(None)
    try:
        line.sendall(b"\0")
        answer = line.recv(STATUS.size, socket.MSG_WAITALL)
    except OSError:
        answer = b""
    if len(answer) < STATUS.size:  # the parent was killed; its children end in order
        _wait(child)
        os._exit(128 + signal.SIGTERM)
    end_as(STATUS.unpack(answer)[0])


def _wait(child: int) -> None:
    """Wait until a process is gone, which is no child of this one."""
    import select

    select.select([child], [], [])


def end_as(status: int) -> NoReturn:
    """End this process as another one ended: by the same signal, or with the same code.

    Parameters
    ----------
    status
        What the system says of the other one, as `os.waitpid` gives it.
    """
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # one core is enough
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))
