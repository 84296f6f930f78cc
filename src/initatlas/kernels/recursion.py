"""NNGP and NTK of deep fully connected networks of infinite width, for pairs of inputs given by norms and angle.

The network has `depth` hidden layers. Its pre-activations have the covariances

    S_1 = input_variance <x, y> + bias_variance,        S_(l+1) = weight_variance E[phi(u) phi(v)] + bias_variance,

with (u, v) Gaussian of covariance S_l; the output layer takes the place of the last step with its own variances. The NTK
is T_1 = S_1, T_(l+1) = S_(l+1) + weight_variance E[phi'(u) phi'(v)] T_l (Jacot et al. 2018, theorem 1; all layers trained).

The state of a pair is its two variances and its *angle*. An angle is found from 1 - cosine, which is a sum of positive
terms, so that small angles keep all digits through any depth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite, pi

import numpy as np
from numpy.typing import NDArray

from initatlas.activations import ACTIVATIONS, activation_of
from initatlas.duals.base import Dual, covariance
from initatlas.duals.rectifier import Rectifier
from initatlas.kernels.arguments import MOST_LAYERS, check_variance, check_whole
from initatlas.kernels.preserving import preactivation_preserving_variance
from initatlas.validation import shown

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Architecture:
    """A fully connected network of infinite width.

    Attributes
    ----------
    activation
        A label of `initatlas.activations.ACTIVATIONS`, or a `Dual` of one's own.
    depth
        Number of hidden layers, from 0 to `initatlas.kernels.arguments.MOST_LAYERS`.
    weight_variance
        Variance of a weight times the fan-in, in every layer after the first. None takes the one that preserves a pre-activation
        variance of 1 (`initatlas.kernels.preserving`), 1 / E[phi(Z)^2] for a standard normal Z: 2 for the ReLU.
    bias_variance
        Variance of a bias of a hidden layer.
    input_variance
        Variance of a weight of the first layer, which is not multiplied by the fan-in: 1 takes scalar products as they are,
        sigma^2 / d is the usual scaling with the dimension d.
    output_weight_variance
        As `weight_variance`, for the output layer; None takes the same.
    output_bias_variance
        Variance of the output's bias.

    Raises
    ------
    TypeError
        If a value is of another type.
    ValueError
        If a variance is negative or not finite, the depth is out of its range, or there is no such activation.
    """

    activation: str | Dual = "relu"
    depth: int = 1
    weight_variance: float | None = None
    bias_variance: float = 0.0
    input_variance: float = 1.0
    output_weight_variance: float | None = None
    output_bias_variance: float = 0.0

    def __post_init__(self) -> None:
        check_whole("depth", self.depth, 0, MOST_LAYERS)
        for name in (
            "weight_variance",
            "bias_variance",
            "input_variance",
            "output_weight_variance",
            "output_bias_variance",
        ):
            value = getattr(self, name)
            if value is not None or name not in ("weight_variance", "output_weight_variance"):
                check_variance(name, value)
        if not isinstance(self.activation, str | Dual):
            raise TypeError(
                f"activation = {shown(self.activation)}: give a label ({', '.join(ACTIVATIONS)}), or a dual; that of a "
                "function of your own is initatlas.duals.numerical.Numerical(function, derivative)"
            )
        _ = self.dual  # an activation that does not exist is refused here

    @cached_property
    def dual(self) -> Dual:
        """The activation's dual."""
        return self.activation if isinstance(self.activation, Dual) else activation_of(self.activation).dual

    @property
    def hidden_variance(self) -> float:
        """`weight_variance`, or the one that preserves pre-activations."""
        given = self.weight_variance
        return preactivation_preserving_variance(self.dual) if given is None else given

    @property
    def output_variance(self) -> float:
        """`output_weight_variance`, or that of the hidden layers."""
        return self.hidden_variance if self.output_weight_variance is None else self.output_weight_variance

    @property
    def homogeneous(self) -> bool:
        """Whether the kernel, but for the output's bias, is (|x| |y|)^degree times a function of the angle."""
        return self.depth == 0 or (self.dual.degree is not None and self.bias_variance == 0.0)

    @property
    def degree(self) -> int:
        """Degree of homogeneity in the inputs, where there is one."""
        return 1 if self.depth == 0 else (self.dual.degree or 0)


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
    if layer > architecture.depth:
        weights = f"output_weight_variance {architecture.output_variance:.3g}"
    raise ValueError(
        f"layer {layer} of {architecture.depth}: the variance of its pre-activations overflows ({source}, {weights}, "
        f"bias_variance {architecture.bias_variance:.3g}); take smaller variances or inputs, or fewer layers"
    )


def output_kernels(architecture: Architecture, state: PairState) -> tuple[Doubles, Doubles | None]:
    """NNGP and NTK of the output layer on top of a hidden layer, without the output's bias.

    Raises
    ------
    ValueError
        If one overflows.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        kernels = _propagate(state, architecture.dual, architecture.output_variance, 0.0)
    found = [values for values in kernels if values is not None]
    refuse_overflow(architecture, architecture.depth + 1, found, (state.p, state.q))
    return kernels


def kernels_at_angle(
    architecture: Architecture, theta: Doubles, *, squared_norm: float = 1.0
) -> tuple[Doubles, Doubles | None]:
    """NNGP and NTK of two inputs of equal norm, as functions of their angle.

    Parameters
    ----------
    architecture
        The network.
    theta
        Angles in radians, any shape, in [0, pi].
    squared_norm
        Squared norm of both inputs; for homogeneous networks it scales the result.

    Returns
    -------
    nngp, ntk : ndarray
        Same shape as `theta`; the NTK is None where the activation has none (step).

    Raises
    ------
    ValueError
        If the variance of the last layer overflows double precision.
    """
    theta = np.asarray(theta, dtype=np.float64)
    if architecture.depth == 0:
        linear = architecture.input_variance * squared_norm * np.cos(theta)
        return linear + architecture.output_bias_variance, linear + architecture.output_bias_variance
    folded = _Folded(architecture, theta, squared_norm)
    *_, state = folded.states()
    return folded.output(architecture.depth, state)


def kernels_by_depth(
    architecture: Architecture, theta: Doubles, *, squared_norm: float = 1.0
) -> Iterator[tuple[Doubles, Doubles | None]]:
    """`kernels_at_angle` of the networks of depth 1, 2, ..., `architecture.depth`."""
    folded = _Folded(architecture, np.asarray(theta, dtype=np.float64), squared_norm)
    for depth, state in enumerate(folded.states(), start=1):
        yield folded.output(depth, state)


class _Folded:
    """A network for inputs of equal norm, with norm-preserving layers where it is homogeneous.

    The kernel of an odd network without bias is odd in the cosine: a fold at the right angle keeps the digits of angles near pi.
    """

    def __init__(self, architecture: Architecture, theta: Doubles, squared_norm: float) -> None:
        self._given = self._scaled = architecture
        if architecture.homogeneous:
            self._scaled = replace(architecture, weight_variance=None, output_weight_variance=None, input_variance=1.0)
        folds = architecture.dual.parity == -1 and architecture.bias_variance == 0.0
        obtuse = folds & (theta > 0.5 * pi)
        self._theta = np.where(obtuse, pi - theta, theta)
        self._sign = np.where(obtuse, -1.0, 1.0)
        self._squared_norm = squared_norm

    def states(self) -> Iterator[PairState]:
        """Of the hidden layers."""
        norm = np.asarray(1.0 if self._given.homogeneous else self._squared_norm)
        return hidden_states(self._scaled, norm, norm, self._theta)

    def output(self, depth: int, state: PairState) -> tuple[Doubles, Doubles | None]:
        """NNGP and NTK of an output layer on top of so many hidden ones."""
        sign = self._sign * _scale(self._given, depth, self._squared_norm)
        nngp, ntk = output_kernels(replace(self._scaled, depth=depth), state)
        bias = self._given.output_bias_variance
        return sign * nngp + bias, None if ntk is None else sign * ntk + bias


def one_minus_cosine(
    angles: Doubles,
    depth: int,
    activation: str = "relu",
    *,
    weight_variance: float | None = None,
    bias_variance: float = 0.0,
) -> Doubles:
    """1 - cos theta_depth, as in `layerwise_one_minus_cosine`."""
    rows = layerwise_one_minus_cosine(
        angles, depth, activation, weight_variance=weight_variance, bias_variance=bias_variance
    )
    last: Doubles = rows[-1]
    return last


def layerwise_one_minus_cosine(
    angles: Doubles,
    depth: int,
    activation: str = "relu",
    *,
    weight_variance: float | None = None,
    bias_variance: float = 0.0,
    squared_norm: float = 1.0,
) -> Doubles:
    """1 - cos theta_j for the signals phi(z_j) of every layer j = 0, ..., depth, with full relative accuracy.

    Parameters
    ----------
    angles
        theta_0 between two inputs of equal norm, in radians, any shape, in [0, pi].
    depth
        Number of hidden layers, 0 or more.
    activation, weight_variance, bias_variance
        As in `Architecture`.
    squared_norm
        Squared norm of the inputs: the variance of the first layer's pre-activations, less the bias.

    Returns
    -------
    ndarray, shape (depth + 1, *angles.shape)
        Without bias and with a rectifier the rows fall as 1 / j^2, slower than any geometric sequence: theta = 0 is the
        only fixed point (Tsuchida et al. 2018, corollary 8) and the map has slope 1 there.
    """
    angles = np.asarray(angles, dtype=np.float64)
    architecture = Architecture(activation, depth, weight_variance, bias_variance)
    rows = np.empty((depth + 1, *angles.shape))
    rows[0] = 2.0 * np.sin(0.5 * angles) ** 2
    norm = np.asarray(squared_norm)
    for layer, state in enumerate(hidden_states(architecture, norm, norm, angles), start=1):
        gap = architecture.dual.gap(state.p, state.q, state.theta)
        rows[layer] = gap / architecture.dual.moment(state.p)
    return rows


def _scale(architecture: Architecture, depth: int, squared_norm: float) -> float:
    """Factor between the kernel and that of norm-preserving layers and unit inputs."""
    if not architecture.homogeneous:
        return 1.0
    preserving = preactivation_preserving_variance(architecture.dual)
    scale = architecture.output_variance / preserving
    if architecture.degree == 1:
        growth = architecture.hidden_variance / preserving
        try:
            scale *= squared_norm * architecture.input_variance * growth ** (depth - 1)
        except OverflowError:
            scale = np.inf
    if not isfinite(scale * (depth + 1.0)):  # the NTK is up to depth + 1 times the NNGP
        raise ValueError(
            f"the variance overflows at depth {depth}: weight_variance {architecture.hidden_variance:g} is "
            f"{architecture.hidden_variance / preserving:g} times the norm-preserving one; take a smaller one, or fewer layers"
        )
    return scale


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
