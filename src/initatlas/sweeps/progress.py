"""Tell how a sweep goes: a bar on a terminal, a line now and then elsewhere and in the log file."""

import logging
import sys
import threading
import time
from types import TracebackType

from tqdm import tqdm

from initatlas.messages import Console

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 20.0


class Progress:
    """Counts points (or tiles) as they finish, from `with` to its end.

    Parameters
    ----------
    title
        The sweep.
    total
        Points that are to run.
    unit
        What is counted.
    """

    def __init__(self, title: str, total: int, unit: str = "point") -> None:
        self._title = title
        self._unit = unit
        self._total = total
        self._done = self._failed = 0
        self._start = time.monotonic()
        screen = Console()
        looked_at = screen.shows_bars() or "ipykernel" in sys.modules
        self._bar = tqdm(total=total, desc=title, unit=unit, file=screen, disable=not looked_at, leave=False)
        self._over = threading.Event()
        self._teller = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> "Progress":
        """Start telling."""
        self._teller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop telling, and remove the bar."""
        self._over.set()
        self._bar.close()

    @property
    def done(self) -> int:
        """Points that have a result."""
        return self._done

    def advance(self, done: int, failed: int) -> None:
        """Count points of one batch."""
        self._done += done
        self._failed += failed
        self._bar.update(done + failed)
        if self._failed:
            self._bar.set_postfix(failed=self._failed)

    def _tell(self) -> None:
        """A line every now and then, whether or not a batch has finished; beside a bar it goes to the log file alone."""
        level = logging.INFO if self._bar.disable else logging.DEBUG
        while not self._over.wait(SECONDS_BETWEEN_LINES):
            log.log(level, "%s", self._line())

    def _line(self) -> str:
        """Where the sweep stands, as text."""
        finished = self._done + self._failed
        rate = finished / max(time.monotonic() - self._start, 1e-9)
        left = f"about {(self._total - finished) / rate:.0f} s left" if rate else "none finished yet"
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._title}: {finished} of {self._total} {self._unit}s{failed}, {rate:.3g} {self._unit}s/s, {left}"
