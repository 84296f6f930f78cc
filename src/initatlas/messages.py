"""What is said and where: our lines on standard error, and with all else in the log of the command.

Ray writes to standard output and error by itself, also from code that is not Python: a paragraph for every worker that dies.
Once it is joined, that goes to the log.
"""

import logging
import os
import sys
import threading
from pathlib import Path
from typing import TextIO

from initatlas.errors import UserError
from initatlas.files import must_be_file
from initatlas.runs import MARK, MARK_VARIABLE, QUIET_VARIABLE
from initatlas.terminal import Colour, painted

log = logging.getLogger("initatlas")

_OF_THE_COMMAND: list[Path] = []
"""The log of this command, if it has one."""

_OURS: list[TextIO] = []
"""Standard error as it was, once libraries have been sent elsewhere."""


_OWNED = threading.Event()
"""Whether this process is that of a command, so that its standard output and error are ours."""

_QUIET = threading.Event()
"""Whether only warnings and errors are to be seen."""

_COLOURS: dict[int, Colour] = {logging.ERROR: "red", logging.WARNING: "yellow"}


class Console:
    """Standard error, for our words alone; a stream for handlers and bars."""

    def write(self, text: str) -> int:
        """Write text."""
        return _console().write(text)

    def flush(self) -> None:
        """Flush."""
        _console().flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return _console().isatty()

    def shows_bars(self) -> bool:
        """Whether somebody looks, and did not ask for quiet."""
        return self.isatty() and not _QUIET.is_set()


def _console() -> TextIO:
    """Where our words go now."""
    return _OURS[0] if _OURS else sys.stderr


class _Marked(logging.Formatter):
    """Marks every line, so that a front end can tell it from those of Snakemake."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(f"{MARK}{line}" for line in super().format(record).splitlines())


class _Painted(logging.Formatter):
    """The first line of a warning or an error is in its colour where the console takes colours."""

    def format(self, record: logging.LogRecord) -> str:
        first, *rest = super().format(record).split("\n")
        return "\n".join([painted(first, _COLOURS.get(record.levelno), Console()), *rest])


def set_up_logging(path: Path | None, *, quiet: bool = False) -> None:
    """Messages go to standard error; with `path` also, with their time and the tracebacks of failures, to a file.

    Parameters
    ----------
    path
        The file.
    quiet
        Whether standard error is for warnings and errors alone; the file has all in any case.
    """
    _QUIET.set() if quiet or os.environ.get(QUIET_VARIABLE) else _QUIET.clear()
    log.setLevel(logging.DEBUG)
    log.handlers.clear()
    console = logging.StreamHandler(Console())
    console.setLevel(logging.WARNING if _QUIET.is_set() else logging.INFO)
    console.setFormatter((_Marked if os.environ.get(MARK_VARIABLE) else _Painted)("%(message)s"))
    log.addHandler(console)
    _OF_THE_COMMAND[:] = [] if path is None else [path]
    if path is not None:
        _empty(path)
        file = logging.FileHandler(path, mode="a", encoding="utf-8")  # others write there too
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(file)


def own_the_streams() -> None:
    """Say that this process is that of a command: only then `send_libraries_to_the_log` touches its streams."""
    _OWNED.set()


def send_libraries_to_the_log(otherwise: Path) -> Path:
    """From now on what libraries write to standard output and error goes to the log of the command.

    Where a command runs inside of another program, nothing happens: its streams are not ours.

    Parameters
    ----------
    otherwise
        The file for a command without a log; emptied first.

    Returns
    -------
    Path
        The file.
    """
    path = _OF_THE_COMMAND[0] if _OF_THE_COMMAND else otherwise
    if _OURS or not _OWNED.is_set():
        return path
    if not _OF_THE_COMMAND:
        _empty(path)
    _OURS.append(os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1))
    sys.stdout.flush()
    sys.stderr.flush()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    return path


def _empty(path: Path) -> None:
    """Make a file without content, with its folder."""
    must_be_file(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    except OSError as error:
        raise UserError(
            f"{path}: the log cannot be written ({error.strerror}); make room or give write access"
        ) from None
