"""What a sweep asks a cluster for: CPUs, memory and time, from its estimates, within what the user and the nodes allow."""

from dataclasses import dataclass
from math import ceil, prod
from typing import NamedTuple

from pydantic import Field

from initatlas.errors import UserError
from initatlas.machine import Node
from initatlas.sweeps.batches import MEGABYTES_PER_BATCH, SECONDS_PER_BATCH
from initatlas.sweeps.costs import expected_cost
from initatlas.sweeps.experiment import Experiment
from initatlas.sweeps.spec import Strict, Sweep

SECONDS_PER_CPU = 60.0
"""A further CPU is asked for where it has a minute of work: a job of a cluster waits longer than that for its turn."""

DRIVER_MEGABYTES, WORKER_MEGABYTES, RAY_MEGABYTES = 1000.0, 500.0, 1000.0
"""Memory of the driver, of a worker before it computes anything, and of Ray itself."""

SLACK, MINUTES_TO_START = 3.0, 10
"""How much longer than estimated a job may take on a slow node, and what it may take beside."""

MOST_SLICES = 500
"""Jobs of one sweep; a queue takes a thousand or so from one user."""


class ClusterLimits(Strict):
    """The most that one job of a cluster asks for."""

    cpus: int = Field(default=32, ge=1, description="CPUs of one job.")
    megabytes: float = Field(default=64000.0, gt=0, description="Memory of one job, in MB.")
    hours: float = Field(default=24.0, gt=0, description="Time limit of one job, in hours.")


@dataclass(frozen=True)
class Allocation:
    """What one job asks for: CPUs, memory in MB, and its time limit in minutes."""

    cpus: int
    megabytes: int
    minutes: int


def within_node(limits: ClusterLimits, node: Node | None) -> ClusterLimits:
    """The limits of the user, lowered to what the largest node has: a job that asks for more would wait for ever."""
    if node is None:
        return limits
    return ClusterLimits(
        cpus=min(limits.cpus, node.cpus),
        megabytes=min(limits.megabytes, node.megabytes),
        hours=min(limits.hours, node.hours),
    )


def allocation(
    sweep: Sweep,
    experiment: Experiment,
    limits: ClusterLimits,
    *,
    parallel: bool = True,
    attempt: int = 1,
    slices: int = 1,
) -> Allocation:
    """What the job of a sweep asks for.

    Parameters
    ----------
    sweep, experiment
        The sweep, and what it runs. What is stored already does not count: nobody has opened the store yet.
    limits
        The most that a job may ask for.
    parallel
        Whether it may run on Ray.
    attempt
        1, and one more after each failure: then it asks for more memory and time.
    slices
        Of how many jobs it is to be one.

    Raises
    ------
    UserError
        If no job within the limits has the memory that one batch declares.
    """
    wanted = _wanted(sweep, experiment, limits, parallel=parallel, slices=slices)
    return Allocation(
        wanted.cpus,
        ceil(min(attempt * wanted.megabytes, limits.megabytes)),
        ceil(min(attempt * (MINUTES_TO_START + wanted.minutes), 60.0 * limits.hours)),
    )


class _Wanted(NamedTuple):
    """What a job would ask for without a bound on its time: CPUs, MB, and the minutes that its points take at most."""

    cpus: int
    megabytes: float
    minutes: float


def _wanted(sweep: Sweep, experiment: Experiment, limits: ClusterLimits, *, parallel: bool, slices: int) -> _Wanted:
    """What one of so many jobs of a sweep would ask for; the parameters are those of `allocation`."""
    cost = expected_cost(sweep, experiment)
    seconds, points = cost.seconds / slices, prod(sweep.shape) / slices
    batch = _batch_megabytes(cost.megabytes, seconds / points)
    worker = WORKER_MEGABYTES + batch
    room = limits.megabytes - DRIVER_MEGABYTES - RAY_MEGABYTES
    if DRIVER_MEGABYTES + batch > limits.megabytes:
        raise UserError(
            f"sweep {sweep.title}: a batch needs about {batch:.0f} MB, and a job of the cluster has at most "
            f"{limits.megabytes:.0f} MB; raise cluster.megabytes in config/config.yaml, if its nodes have more, or make its "
            "points smaller"
        )
    most = min(limits.cpus, ceil(points), ceil(seconds / SECONDS_PER_CPU), int(room // worker))
    cpus = max(1, most) if parallel else 1
    megabytes = DRIVER_MEGABYTES + (batch if cpus == 1 else RAY_MEGABYTES + cpus * worker)
    return _Wanted(cpus, megabytes, SLACK * seconds / cpus / 60.0)


def slices_needed(sweep: Sweep, experiment: Experiment, limits: ClusterLimits, *, parallel: bool = True) -> int:
    """In how many jobs a sweep is done where none may take longer than the limits say; 1 if it fits into one.

    The parameters are those of `allocation`.
    """
    minutes = _wanted(sweep, experiment, limits, parallel=parallel, slices=1).minutes
    room = max(60.0 * limits.hours - MINUTES_TO_START, 1.0)
    return min(max(1, ceil(minutes / room)), MOST_SLICES, prod(sweep.shape))


def _batch_megabytes(point: float, seconds: float) -> float:
    """Memory of a batch, from the memory and the time of a point: of one point, or of as many as a batch may hold."""
    return max(point, min(MEGABYTES_PER_BATCH, point * max(1.0, SECONDS_PER_BATCH / max(seconds, 1e-9))))
