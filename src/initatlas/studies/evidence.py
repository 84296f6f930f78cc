"""What a product is made from: the cubes it declares, and what the paper printed."""

from collections.abc import Mapping
from dataclasses import dataclass

from initatlas.cubes import Cubes
from initatlas.studies.claim import Published


@dataclass(frozen=True)
class Evidence:
    """The input of every figure, table and set of claims.

    Attributes
    ----------
    cubes
        The declared cubes by the name of their sweep.
    published
        The claims of the study's paper by name.
    """

    cubes: Cubes
    published: Mapping[str, Published]
