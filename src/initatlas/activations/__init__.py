"""Activations: one class per module, found by the module's name.

`ACTIVATIONS` is the room; `activation_of` makes one from its label.
"""

from functools import lru_cache

from initatlas.activations.base import Activation
from initatlas.components import Room

ACTIVATIONS: Room[Activation] = Room("initatlas.activations", Activation)
"""All activations by name."""


def activation_of(label: str) -> Activation:
    """The activation of a label such as ``relu`` or ``leaky_relu(slope=0.2)``.

    Raises
    ------
    ValueError
        If there is none of this name, or a parameter is missing, unknown or out of its bounds.
    """
    activation = _made(label)
    ACTIVATIONS.note(type(activation).__module__.rpartition(".")[2])
    return activation


@lru_cache(maxsize=256)
def _made(label: str) -> Activation:
    """Make an activation once: its dual keeps what was compiled for it."""
    return ACTIVATIONS.make(label)
