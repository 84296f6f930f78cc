"""Tiles of a matrix as Ray tasks."""

import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from initatlas.errors import UserError
from initatlas.kernels.kernel import Kernel
from initatlas.kernels.tiles import Tile, TileRunner, Values, compute_tile
from initatlas.provenance import code_version, digest
from initatlas.sweeps.environment import environment
from initatlas.sweeps.foreign import OtherLibraries, cannot_compute, check_code
from initatlas.sweeps.ray.address import cluster_is_given
from initatlas.sweeps.ray.watch import ray_ends
from initatlas.sweeps.ray.window import in_window

MAX_RETRIES = 3
"""How often a tile is started again when its worker dies."""


class _Computed(NamedTuple):
    """A tile, and what computed it."""

    values: Values
    host: str
    code: str
    environment: Mapping[str, str]


def kernel_code(kernel: Kernel) -> str:
    """Version of the code that computes the tiles of a kernel."""
    return digest([*map(code_version, ("initatlas.kernels.tiles", *kernel.modules()))])


def ray_tiles(connect: Callable[[], int]) -> TileRunner:
    """A runner that computes tiles on Ray, with the same bits as `initatlas.kernels.tiles.serial_tiles`.

    The kernel goes to the workers once, and a node has to have the same code behind it; a task runs on one thread; finished
    tiles come back in the order in which they finish. At most two tiles per worker are under way or wait to be fetched.

    Parameters
    ----------
    connect
        Joins or starts Ray and returns the number of CPUs there; called when the first tile is due.
    """

    def run(kernel: Kernel, tiles: Sequence[Tile], dtype: "np.dtype[Any]") -> Iterator[tuple[Tile, Values]]:
        if not tiles:
            return
        workers = connect()
        # Only now: Ray reads its environment, which `connect` sets, when it is imported.
        import ray

        task: Any = ray.remote(num_cpus=1, max_retries=MAX_RETRIES)(cast(Any, _compute))
        expected, libraries = kernel_code(kernel), OtherLibraries()

        def settle(reference: Any, tile: Tile) -> list[tuple[Tile, Values]]:
            computed = _fetched(reference)
            check_code(computed.host, computed.code, expected=expected, what="kernel matrices")
            libraries.look(computed.host, computed.environment)
            return [(tile, computed.values)]

        with ray_ends():
            shared = ray.put(kernel)
            yield from in_window(deque(tiles), lambda tile: task.remote(shared, tile, dtype), settle, lambda: workers)

    return run


def _compute(kernel: Kernel, tile: Tile, dtype: "np.dtype[Any]") -> _Computed:
    """One tile, on a worker."""
    values = compute_tile(kernel, tile, dtype)
    return _Computed(values, socket.gethostname(), kernel_code(kernel), environment(gpu=False))


def _fetched(reference: Any) -> _Computed:
    """A finished tile."""
    import ray

    try:
        computed: _Computed = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if cluster_is_given():
            raise cannot_compute(error) from None
        raise
    except (ray.exceptions.RaySystemError, ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        raise UserError(
            f"Ray lost a tile for good ({type(error).__name__}); finished tiles are kept: run again with fewer workers"
        ) from None
    return computed
