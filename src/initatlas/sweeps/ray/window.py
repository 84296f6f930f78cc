"""A window of tasks on Ray: so many are under way or wait to be fetched, the others wait here."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

from initatlas.sweeps.ray.watch import check_ray

SECONDS_BETWEEN_LOOKS = 0.5
"""How often at least the driver looks up: for a signal, and for nodes that joined or left."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_window(
    waiting: "deque[Item]",
    submit: Callable[[Item], Any],
    settle: Callable[[Any, Item], Iterable[Result]],
    workers: Callable[[], int],
) -> Generator[Result]:
    """Run everything that waits, and yield the results in the order in which tasks finish.

    Parameters
    ----------
    waiting
        What to run, in this order; `settle` may put something back.
    submit
        Starts a task and returns Ray's reference.
    settle
        Gets the reference of a finished task, and what it was for; returns what comes of it, which may be nothing.
    workers
        How many tasks the cluster runs at a time, now: twice as many are in the window. Asked between any two tasks.
    """
    # Only now: Ray reads its environment, which connecting sets, when it is imported.
    import ray

    running: dict[Any, Item] = {}
    try:
        while waiting or running:
            check_ray()  # before Ray is asked for anything: it would answer after a minute, or never
            while waiting and len(running) < 2 * max(workers(), 1):
                item = waiting.popleft()
                running[submit(item)] = item
            ready, _ = ray.wait(list(running), num_returns=1, timeout=SECONDS_BETWEEN_LOOKS)
            for reference in ready:
                yield from settle(reference, running.pop(reference))
    except (GeneratorExit, KeyboardInterrupt):
        # Nobody wants the rest, and a notebook goes on after Ctrl-C. Not by force: Ray aborts this process if a result arrives
        # meanwhile. After another exception the process ends, and Ray ends what it has left.
        for reference in running:
            ray.cancel(reference)
        raise
