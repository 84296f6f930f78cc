"""When the Ray that was joined is gone: Ray itself says so late, or ends the process without a word of ours."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from initatlas.errors import UserError
from initatlas.stopping import stop_for, stops_in_order
from initatlas.sweeps.ray.address import answers
from initatlas.sweeps.ray.keeper import SECONDS_BETWEEN_CHECKS

RAY_IS_GONE = "Ray has ended; what is finished is stored; run the same command again"

SECONDS_TO_END = 1.0
"""A Ray of which a part has ended is gone within that time."""


@contextmanager
def ray_ends() -> Iterator[None]:
    """Around what asks Ray for something: whatever it raises when it has ended is one line.

    Raises
    ------
    UserError
        In place of an exception, if Ray is gone.
    """
    try:
        yield
    except UserError:
        raise
    except Exception:
        if _ray_is_gone():
            raise UserError(RAY_IS_GONE) from None
        raise


def _ray_is_gone() -> bool:
    """Whether the Ray that was joined is gone, or just going."""
    import ray

    try:
        control = ray.get_runtime_context().gcs_address
    except Exception:  # Ray raises whatever comes to its mind once it is shut down
        return True
    deadline = time.monotonic() + SECONDS_TO_END
    while answers(control):
        if time.monotonic() > deadline:
            return False
        time.sleep(SECONDS_BETWEEN_CHECKS)
    return True


_LEFT = threading.Event()
"""Whether the Ray that this process had joined is gone, where no signal tells the main thread."""


def _leave() -> None:
    """Let go of a Ray that is gone: it would end the process a minute later, which may be a notebook."""
    import ray

    time.sleep(SECONDS_TO_END)  # whoever waits for a task there looks up meanwhile
    ray.shutdown()
    _LEFT.clear()


def check_ray() -> None:
    """Raise if the Ray that was joined is gone.

    Raises
    ------
    UserError
        If it is.
    """
    if _LEFT.is_set():
        raise UserError(RAY_IS_GONE)


def watch_ray(is_there: Callable[[], bool], patience: float, farewell: Callable[[], None] | None = None) -> None:
    """Stop when Ray has been gone for some seconds: it would end this process without a word of ours, or wait for minutes."""
    import ray

    seen = time.monotonic()
    was_joined = False
    while not was_joined or ray.is_initialized():
        was_joined = was_joined or ray.is_initialized()
        if is_there():
            seen = time.monotonic()
        elif time.monotonic() - seen >= patience:
            ours = stops_in_order()  # asked first: the main thread may be at its end at once
            stop_for(RAY_IS_GONE)
            if not ours:
                _LEFT.set()
            if farewell is not None:
                farewell()
            if not ours:
                _leave()
            return
        time.sleep(SECONDS_BETWEEN_CHECKS)
