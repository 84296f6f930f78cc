"""Tiles of a matrix as Ray tasks."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from initatlas.errors import UserError
from initatlas.kernels.tiles import Array, Block, Tile, TileRunner, compute_tile

MAX_RETRIES = 3
"""How often a tile is started again when its worker dies."""


def ray_tiles(connect: Callable[[], int]) -> TileRunner:
    """A runner that computes tiles on Ray, with the same bits as `initatlas.kernels.tiles.serial_tiles`.

    The block goes to the workers once; a task runs on one thread; finished tiles come back in the order in which they
    finish. At most two tiles per worker are under way or wait to be fetched.

    Parameters
    ----------
    connect
        Joins or starts Ray and returns the number of CPUs there; called when the first tile is due.
    """

    def run(block: Block, tiles: Sequence[Tile], dtype: "np.dtype[Any]") -> Iterator[tuple[Tile, Array]]:
        window = 2 * max(connect(), 1) if tiles else 0
        # Only now: Ray reads its environment, which `connect` sets, when it is imported.
        import ray

        task: Any = ray.remote(num_cpus=1, max_retries=MAX_RETRIES)(cast(Any, compute_tile))
        shared = ray.put(block) if tiles else None
        waiting, running = deque(tiles), dict[Any, Tile]()
        try:
            while waiting or running:
                while waiting and len(running) < window:
                    tile = waiting.popleft()
                    running[task.remote(shared, tile, dtype)] = tile
                ready, _ = ray.wait(list(running), num_returns=1, timeout=0.5)
                for reference in ready:
                    yield running.pop(reference), _fetched(reference)
        except GeneratorExit:
            for reference in running:  # not by force: Ray aborts this process if a result arrives meanwhile
                ray.cancel(reference)
            raise

    return run


def _fetched(reference: Any) -> Array:
    """A finished tile."""
    import ray

    try:
        tile: Array = ray.get(reference)
    except (ray.exceptions.RaySystemError, ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        raise UserError(
            f"Ray lost a tile for good ({type(error).__name__}); finished tiles are kept: run again with fewer workers"
        ) from None
    return tile
