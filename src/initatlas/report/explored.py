"""Which activations the kernel explorer of the report shows. Standard library only: every parse of the workflow asks."""

from initatlas.activations.base import ACTIVATIONS

_WITH_PARAMETERS = ("leaky_relu(slope=0.2)", "swish(beta=1)", "hermite(degree=2)", "hermite(degree=3)")


def explored_activations() -> tuple[str, ...]:
    """Labels of all activations without parameters that have an NTK, the ReLU first, and of some with parameters."""
    names = sorted(ACTIVATIONS, key=lambda name: (name != "relu", name))
    plain = [name for name in names if not ACTIVATIONS[name].bounds and not ACTIVATIONS[name].undefined_derivative]
    return (*plain, *_WITH_PARAMETERS)
