"""Which activations the compiled training loop knows: kept apart from it, so that a workflow can plan with it.

Standard library only.
"""

from initatlas.activations.base import Activation

RELU, RECTIFIER, TANH = 0, 1, 2
"""What the loop calls them: max(z, 0), max(z, a z), and the hyperbolic tangent."""


def loop_form(activation: Activation) -> tuple[int, float] | None:
    """What the loop calls an activation, with the slope a of a rectifier; None if it does not know it."""
    if activation.rectifier_slope is not None:
        return (RECTIFIER if activation.rectifier_slope else RELU), activation.rectifier_slope
    return (TANH, 0.0) if activation.is_tanh else None
