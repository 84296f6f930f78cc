"""Weight variances that preserve the norm of a signal from layer to layer."""

from initatlas.errors import UserError
from initatlas.vocabulary import ACTIVATIONS, canonical_label, parse_label


def norm_preserving_variance(activation: str) -> float:
    """Variance of a weight times the number of neurons at which a layer preserves the norm of its input.

    Parameters
    ----------
    activation
        A label of `initatlas.vocabulary.ACTIVATIONS`: identity, relu or leaky_relu.

    Returns
    -------
    float
        n E[W^2]: 1 for the identity, 2 for the ReLU, 2 / (1 + a^2) for the leaky ReLU with slope a. Here n is the
        number of neurons of the layer (its fan-out), not the number of inputs.

    Raises
    ------
    UserError
        If no variance does it for every norm, because the activation is not homogeneous (erf, tanh).
    ValueError
        If the label is not in the vocabulary.

    References
    ----------
    Tsuchida et al. 2018, corollary 10 and equation 10.
    """
    name, parameters = parse_label(canonical_label(activation, ACTIVATIONS))
    if name == "identity":
        return 1.0
    if name in ("relu", "leaky_relu"):
        return float(2.0 / (1.0 + parameters.get("slope", 0.0) ** 2))
    raise UserError(
        f"activation {activation!r}: the norm-preserving variance depends on the norm of the input; "
        "give the weight variance as a number"
    )
