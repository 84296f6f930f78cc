"""Shallow univariate ReLU networks, as networks and in function space.

f(x) = c + sum_i v_i relu(w_i x + b_i). Unit i breaks at beta_i = -b_i / w_i, where the slope jumps by |w_i| v_i from left to
right. Sahs et al. 2020 (section 2) call mu_i = w_i v_i the delta-slope, s_i = sign(w_i) the orientation: the jump is s_i mu_i.
"""

from dataclasses import dataclass
from math import inf
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles
from initatlas.piecewise.arrays import finite, interval
from initatlas.piecewise.linear import PiecewiseLinear


def _set_checked(instance: object, names: tuple[str, ...], per_network: str) -> None:
    """Make the arrays of a frozen class float64 and hold their shapes against each other."""
    units = [finite(name, getattr(instance, name)) for name in names]
    shape = units[0].shape
    if not shape:
        raise ValueError(f"{names[0]}: no units, give an array of shape (..., units)")
    for name, array in zip(names, units, strict=True):
        if array.shape != shape:
            raise ValueError(f"{name}: shape {array.shape}, that of {names[0]} is {shape}")
        object.__setattr__(instance, name, array)
    constant = finite(per_network, getattr(instance, per_network))
    object.__setattr__(instance, per_network, np.broadcast_to(constant, shape[:-1]))


@dataclass(frozen=True)
class ShallowNetwork:
    """One hidden layer of ReLU units, for one network or many of the same width.

    Attributes
    ----------
    input_weights, biases, output_weights
        w, b and v, shape (..., units). A width of 0 is a constant.
    output_bias
        c, shape (...).

    Raises
    ------
    ValueError
        If shapes do not fit or a number is not finite.
    """

    input_weights: Doubles
    biases: Doubles
    output_weights: Doubles
    output_bias: ArrayLike = 0.0

    def __post_init__(self) -> None:
        _set_checked(self, ("input_weights", "biases", "output_weights"), "output_bias")

    def __call__(self, x: ArrayLike) -> Doubles:
        """Outputs, shape (..., n), for inputs of shape (n,)."""
        inputs = np.atleast_1d(np.asarray(x, dtype=np.float64))
        hidden = np.maximum(self.input_weights[..., None] * inputs + self.biases[..., None], 0.0)
        outputs: Doubles = (self.output_weights[..., None] * hidden).sum(axis=-2) + np.asarray(self.output_bias)[
            ..., None
        ]
        return outputs

    @property
    def breakpoints(self) -> Doubles:
        """beta, shape (..., units); nan where the input weight is 0, for such a unit is a constant."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            positions = -self.biases / self.input_weights
        return np.where(np.isfinite(positions), positions + 0.0, np.nan)

    @property
    def delta_slopes(self) -> Doubles:
        """mu = w v, shape (..., units)."""
        return self.input_weights * self.output_weights

    @property
    def jumps(self) -> Doubles:
        """Change of the slope at each breakpoint, from left to right: |w| v, shape (..., units)."""
        return abs(self.input_weights) * self.output_weights

    @property
    def orientations(self) -> Doubles:
        """1 for a unit that is active right of its breakpoint, -1 left of it, 0 for a constant one, shape (..., units)."""
        return np.sign(self.input_weights)

    def roughness(self, low: float = -inf, high: float = inf) -> Doubles:
        """Sum of mu_i^2 over the units that break between `low` and `high`, ends excluded, shape (...).

        Where breakpoints coincide the function itself may be smoother: see `PiecewiseLinear.roughness`.

        Raises
        ------
        ValueError
            If an end is nan, or `high` is below `low`.

        References
        ----------
        Sahs et al. 2020, section 2 and theorem 2.
        """
        low, high = interval(low, high)
        inside = (self.breakpoints > low) & (self.breakpoints < high)
        total: Doubles = (self.delta_slopes**2 * inside).sum(axis=-1)
        return total

    def function(self) -> PiecewiseLinear:
        """The function of a single network, a knot per distinct breakpoint.

        Raises
        ------
        ValueError
            If there are several networks.
        """
        if self.input_weights.ndim != 1:
            raise ValueError(f"the function of one network, not of {self.input_weights.shape[:-1]}")
        knots = np.unique(self.breakpoints[~np.isnan(self.breakpoints)])
        edges = np.concatenate([[-inf], knots, [inf]])
        position = np.searchsorted(knots, self.breakpoints)
        piece = np.arange(edges.size - 1)[:, None]
        right, left = self.orientations > 0, self.orientations < 0
        active = (right & (piece > position)) | (left & (piece <= position)) | self._always
        slopes = (active * self.delta_slopes).sum(axis=1)
        intercepts = (active * (self.output_weights * self.biases)).sum(axis=1) + float(np.asarray(self.output_bias))
        return PiecewiseLinear(knots, slopes, intercepts)

    @property
    def _always(self) -> np.ndarray:
        """Units that are active everywhere: constants above zero."""
        return np.isnan(self.breakpoints) & (self.biases > 0)

    def in_function_space(self) -> "FunctionSpace":
        """Breakpoints, delta-slopes and orientations.

        Raises
        ------
        ValueError
            If a unit has no breakpoint: its input weight is 0.
        """
        if np.isnan(self.breakpoints).any():
            raise ValueError("a unit with the input weight 0 has no breakpoint")
        return FunctionSpace(self.breakpoints, self.delta_slopes, self.orientations, self.output_bias)


@dataclass(frozen=True)
class FunctionSpace:
    """A shallow network by what it does: beta, mu and s of every unit.

    Attributes
    ----------
    breakpoints, delta_slopes, orientations
        Shape (..., units); orientations are 1 or -1.
    constant
        Output bias, shape (...).

    Raises
    ------
    ValueError
        If shapes do not fit, a number is not finite, or an orientation is neither 1 nor -1.
    """

    breakpoints: Doubles
    delta_slopes: Doubles
    orientations: Doubles
    constant: ArrayLike = 0.0

    def __post_init__(self) -> None:
        _set_checked(self, ("breakpoints", "delta_slopes", "orientations"), "constant")
        if (abs(self.orientations) != 1.0).any():
            raise ValueError("orientations: give 1 or -1")

    @classmethod
    def of_function(
        cls, function: PiecewiseLinear, *, low: float, orientations: ArrayLike | None = None, margin: float = 1.0
    ) -> Self:
        """Units that realise a continuous piecewise linear function on the right of `low`, exactly: one more than knots.

        The jumps fix the delta-slopes. The slope on the far left is left over; it goes to a further unit, the first, which breaks
        `margin` left of `low`.

        Parameters
        ----------
        function
            Its knots lie on the right of `low`.
        orientations
            1 or -1 per knot, shape (k,); by default all 1.

        Raises
        ------
        ValueError
            If the function jumps, or a knot lies left of `low`.

        References
        ----------
        Sahs et al. 2020, appendix: the "spiky" initialisation takes it for random knots.
        """
        scale = 1.0 + float(abs(function.intercepts).max()) + float(abs(function.slopes).max() * abs(low))
        if (abs(function.gaps) > 1e-9 * scale).any():
            raise ValueError("the function is not continuous")
        if (function.knots <= low).any():
            raise ValueError(f"low: {low:g} is not left of all knots")
        facing = np.ones(function.knots.size) if orientations is None else np.asarray(orientations, dtype=np.float64)
        leftwards = facing < 0
        first = low - margin
        # units that face left have minus the sum of their jumps as slope on the left of all knots
        missing = function.slopes[0] + float(function.jumps[leftwards].sum())
        at_first = float(function(first)) - float(
            (function.jumps * np.maximum(function.knots - first, 0.0))[leftwards].sum()
        )
        return cls(
            np.concatenate([[first], function.knots]),
            np.concatenate([[missing], facing * function.jumps]),
            np.concatenate([[1.0], facing]),
            at_first,
        )

    def network(self, norms: ArrayLike | None = None) -> ShallowNetwork:
        """A network with these units.

        Parameters
        ----------
        norms
            |w| per unit, above 0, which function space does not know; by default sqrt(|mu|), so that |w| = |v|, and 1 where mu
            is 0.

        Raises
        ------
        ValueError
            If a norm is not above 0, or there are not as many as units.
        """
        balanced = np.where(self.delta_slopes == 0, 1.0, np.sqrt(abs(self.delta_slopes)))
        scale = balanced if norms is None else finite("norms", norms)
        if scale.shape not in ((), balanced.shape):
            raise ValueError(
                f"norms: shape {scale.shape}, give one number, or the shape of the units, {balanced.shape}"
            )
        if (scale <= 0).any():
            raise ValueError("norms: must be above 0")
        weights = self.orientations * scale
        return ShallowNetwork(weights, -weights * self.breakpoints, self.delta_slopes / weights, self.constant)
