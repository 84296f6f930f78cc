"""The recursion of NNGP and NTK through the layers of a network of infinite width, for pairs of inputs given by norms and angle.

The network has `depth` hidden layers. Its pre-activations have the covariances

    S_1 = input_variance <x, y> + bias_variance,        S_(l+1) = weight_variance E[phi(u) phi(v)] + bias_variance,

with (u, v) Gaussian of covariance S_l; the output layer takes the place of the last step with its own variances. The NTK
is T_1 = S_1, T_(l+1) = S_(l+1) + weight_variance E[phi'(u) phi'(v)] T_l (Jacot et al. 2018, theorem 1; all layers trained).

The state of a pair is its two variances and its *angle*. An angle is found from 1 - cosine, which is a sum of positive
terms, so that small angles keep all digits through any depth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from initatlas.arrays import Doubles
from initatlas.duals.base import Dual, covariance
from initatlas.duals.rectifier import Rectifier
from initatlas.kernels.architecture import Architecture


@dataclass(frozen=True)
class PairState:
    """Pre-activations of one layer for pairs of inputs: arrays that broadcast.

    Attributes
    ----------
    p, q
        Variances.
    theta
        Angle, in [0, pi].
    covariance
        Theirs.
    ntk
        Neural tangent kernel up to this layer; None where the activation has none.
    """

    p: Doubles
    q: Doubles
    theta: Doubles
    covariance: Doubles
    ntk: Doubles | None


def hidden_states(
    architecture: Architecture, p: Doubles, q: Doubles, theta: Doubles, *, exact_angles: bool = True
) -> Iterator[PairState]:
    """States of the hidden layers 1, ..., depth for inputs of squared norms p and q at an angle theta.

    Parameters
    ----------
    architecture
        The network. Odd activations without bias are right for all angles; for others, an angle whose distance to pi is
        below 1e-8 counts as pi after the first layer.
    p, q
        Squared norms of the inputs, float64, 0 or more.
    theta
        Angles in radians, float64, in [0, pi]; shapes broadcast.
    exact_angles
        Whether small angles keep all digits. Otherwise they are only as good as their cosine, which does for the kernel's
        values where the activation is smooth, and is faster.

    Raises
    ------
    ValueError
        If a variance overflows, naming the layer.
    """
    a, b = architecture.hidden_variance, architecture.bias_variance
    before = p, q
    state = _first_state(architecture, p, q, theta, exact_angles)
    for layer in range(1, architecture.depth + 1):
        if layer > 1:
            before = state.p, state.q
            state = _next_state(state, architecture.dual, a, b, exact_angles)
        refuse_overflow(architecture, layer, (state.p, state.q), before)
        yield state


def refuse_overflow(
    architecture: Architecture, layer: int, variances: Sequence[Doubles], before: Sequence[Doubles]
) -> None:
    """Refuse pre-activations of infinite variance.

    Parameters
    ----------
    architecture
        The network.
    layer
        Hidden layers are 1, 2, ...; the output is the one behind the last.
    variances
        Those of the layer, arrays of any shape; a nan may stand for an input that is nan.
    before
        Those of the layer before, or the squared norms of the inputs.

    Raises
    ------
    ValueError
        If one is infinite, naming the layer and the variances.
    """
    if not any(np.isinf(values).any() for values in variances):
        return
    largest = max(float(np.max(values, initial=0.0, where=~np.isnan(values))) for values in before)
    source, weights = f"up to {largest:.3g} in layer {layer - 1}", f"weight_variance {architecture.hidden_variance:.3g}"
    if layer == 1:
        source, weights = f"squared norms up to {largest:.3g}", f"input_variance {architecture.input_variance:.3g}"
    place = f"layer {layer} of {architecture.depth}"
    if layer > architecture.depth:
        place, weights = "the output layer", f"output_weight_variance {architecture.output_variance:.3g}"
    raise ValueError(
        f"{place}: the variance of its pre-activations overflows ({source}, {weights}, "
        f"bias_variance {architecture.bias_variance:.3g}); take smaller variances or inputs, or fewer layers"
    )


def output_kernels(architecture: Architecture, state: PairState) -> tuple[Doubles, Doubles | None]:
    """NNGP and NTK of the output layer on top of a hidden layer, without the output's bias.

    Raises
    ------
    ValueError
        If the NNGP overflows. The NTK may be infinite where gradients grow from layer to layer: that is for those who use it.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        nngp, ntk = _propagate(state, architecture.dual, architecture.output_variance, 0.0)
    refuse_overflow(architecture, architecture.depth + 1, [nngp], (state.p, state.q))
    return nngp, ntk


def _first_state(architecture: Architecture, p: Doubles, q: Doubles, theta: Doubles, exact_angles: bool) -> PairState:
    """State of the first hidden layer: the step of an identity activation, whose NTK is its covariance."""
    a, b = architecture.input_variance, architecture.bias_variance
    with np.errstate(over="ignore", invalid="ignore"):
        state = PairState(a * p, a * q, theta, covariance(a * p, a * q, theta), None)
    if b > 0.0:  # without, the angle stays, to its last digit near pi too
        state = _next_state(replace(state, p=p, q=q), Rectifier(1.0), a, b, exact_angles)
    return replace(state, ntk=state.covariance if architecture.dual.differentiable else None)


def _next_state(state: PairState, dual: Dual, a: float, b: float, exact_angles: bool) -> PairState:
    """The next layer's state, for weight variance a and bias variance b; who asks for it refuses a variance that overflows."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        p, q = a * dual.moment(state.p) + b, a * dual.moment(state.q) + b
        next_covariance, ntk = _propagate(state, dual, a, b)
        norms = np.sqrt(p) * np.sqrt(q)
        if exact_angles:
            gap = a * dual.gap(state.p, state.q, state.theta) / norms
            gap += dual.mismatch(state.p, state.q, weight_variance=a, bias_variance=b)
        else:
            gap = 1.0 - next_covariance / norms
    # A signal of norm 0 has no angle, and needs none; any one does
    half = np.where(norms > 0.0, np.clip(0.5 * gap, 0.0, 1.0), 0.5)
    return PairState(p, q, 2.0 * np.arcsin(np.sqrt(half)), next_covariance, ntk)


def _propagate(state: PairState, dual: Dual, a: float, b: float) -> tuple[Doubles, Doubles | None]:
    """Covariance and NTK behind an activation and a layer with weight variance a and bias variance b."""
    nngp = a * dual.product(state.p, state.q, state.theta) + b
    if state.ntk is None:
        return nngp, None
    return nngp, nngp + a * dual.derivative(state.p, state.q, state.theta) * state.ntk
