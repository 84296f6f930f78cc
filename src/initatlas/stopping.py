"""Stop in order on SIGINT and SIGTERM; and stop all the same where a call into a library does not return in time.

Python runs signal handlers in the main thread, between two steps of the interpreter. While that thread sits in a long call
of a numerical library, nothing happens. So a second thread hears of the signal through the wake-up pipe, gives the
main thread some seconds for its orderly end, and then ends the process itself, with the Ray that it may have started.
"""

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

from initatlas.files import remove_drafts

log = logging.getLogger(__name__)

SECONDS_FOR_AN_ORDERLY_END = 3.0


@contextmanager
def orderly_stops() -> Iterator[None]:
    """Inside the block SIGTERM raises SystemExit and SIGINT KeyboardInterrupt; both end the process within seconds.

    Only to be used in the main thread.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writer)


def _stop(number: int, frame: FrameType | None) -> None:
    """The orderly end: what is open is closed on the way out."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _watch(reader: int) -> None:
    """Wait for a signal, then for the main thread, then lose patience."""
    heard = b""
    while not set(heard) & {signal.SIGINT, signal.SIGTERM}:
        heard = os.read(reader, 64)
        if not heard:
            return
    time.sleep(SECONDS_FOR_AN_ORDERLY_END)
    log.error("no orderly end within %g s: stopped all the same", SECONDS_FOR_AN_ORDERLY_END)
    remove_drafts()
    end_now(128 + heard[-1])


def end_now(code: int) -> NoReturn:
    """End this process and its descendants at once."""
    for descendant in reversed(psutil.Process().children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            descendant.kill()
    os._exit(code)
