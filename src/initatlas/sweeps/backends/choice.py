"""Which backend a sweep gets. A further one is a file beside these and a line in `FACTORIES`."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from initatlas.sweeps.backends.base import Backend
from initatlas.sweeps.backends.ray import RayBackend
from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.ray.client import BackendName, RayOfTheSweep, takes_ray


class Surroundings(NamedTuple):
    """What a backend may use.

    Attributes
    ----------
    ray
        The Ray to join, if one is taken.
    patient
        Whether the driver shall wait for others from the first batch on; otherwise it computes while they come.
    """

    ray: RayOfTheSweep
    patient: bool


FACTORIES: Mapping[str, Callable[[Surroundings], Backend]] = {
    "serial": lambda _: SerialBackend(),
    "ray": lambda around: RayBackend(around.ray.join, None if around.patient else around.ray.ready),
}
"""The backends by name."""


def choose_backend(name: BackendName, *, seconds: float, workers: int, ray: RayOfTheSweep) -> Backend:
    """The backend for a sweep of an estimated cost.

    Parameters
    ----------
    name, seconds, workers
        As in `takes_ray`; ``auto`` lets the driver compute while Ray is joined.
    ray
        The Ray to join, if one is taken.
    """
    chosen = "ray" if takes_ray(name, seconds=seconds, workers=workers) else "serial"
    return FACTORIES[chosen](Surroundings(ray, patient=name != "auto"))
