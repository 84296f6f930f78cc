"""Families of weight distributions: one class per module, found by the module's name.

`WEIGHTS` is the room; `family_of` makes one from its label. A weight matrix has one row per neuron. Rows are independent and
identically distributed; entries of a row are uncorrelated, symmetric around zero, and independent except where a family says
otherwise.
"""

from initatlas.components import Room
from initatlas.weights.base import Family

WEIGHTS: Room[Family] = Room("initatlas.weights", Family)
"""All families by name."""


def family_of(label: str) -> Family:
    """The distribution of a label such as ``gaussian`` or ``multivariate_t(nu=5)``.

    Raises
    ------
    ValueError
        If there is none of this name, or a parameter is missing, unknown or out of its bounds.
    """
    return WEIGHTS.make(label)
