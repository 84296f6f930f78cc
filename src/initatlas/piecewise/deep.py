"""All pieces and breakpoints of deep univariate ReLU networks, exactly.

Behind any number of layers every unit is a piecewise linear function of the input. Layer by layer the knots of all units are
known; between two of them each pre-activation is a line, which crosses zero at most once: there its unit breaks. Nothing is
sampled. Whether it crosses is read from its signs at the knots, each computed once, so that rounding cannot lose or double one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from initatlas.arrays import Doubles, Flags, Integers
from initatlas.piecewise.arrays import finite, interval, whole
from initatlas.piecewise.linear import PiecewiseLinear


@dataclass(frozen=True)
class Breakpoints:
    """Where the units of a network break, ordered by position.

    Attributes
    ----------
    positions
        Shape (m,).
    layers, units
        Which unit breaks there, shape (m,): hidden layers from 1, units from 0. One unit may break several times, and several at
        one place.
    jumps
        Change of the output's slope from left to right that comes from this unit, shape (m,); 0 where all later units that see it
        are dead there: the breakpoint is not active.
    """

    positions: Doubles
    layers: Integers
    units: Integers
    jumps: Doubles

    @property
    def active(self) -> Flags:
        """Whether the output bends because of it, shape (m,)."""
        return np.asarray(self.jumps != 0.0)

    def roughness(self, layers: int) -> Doubles:
        """Sum of the squared jumps by hidden layer, shape (layers,).

        Raises
        ------
        ValueError
            If breakpoints are of a later layer.
        """
        whole("layers", layers, int(self.layers.max(initial=1)))
        total: Doubles = np.bincount(self.layers - 1, weights=self.jumps**2, minlength=layers).astype(np.float64)
        return total

    def within(self, low: float, high: float) -> "Breakpoints":
        """Those between `low` and `high`, ends excluded.

        Raises
        ------
        ValueError
            If an end is nan, or `high` is below `low`.
        """
        low, high = interval(low, high)
        inside = (self.positions > low) & (self.positions < high)
        return Breakpoints(self.positions[inside], self.layers[inside], self.units[inside], self.jumps[inside])


class Layer(NamedTuple):
    """Weights of shape (units, inputs) and biases of shape (units,)."""

    weights: Doubles
    biases: Doubles


def checked_layers(weights: Sequence[ArrayLike], biases: Sequence[ArrayLike]) -> list[Layer]:
    """The layers of a network of one input and one output.

    Parameters
    ----------
    weights
        One matrix per layer, the output's among them, shape (units, inputs).
    biases
        One vector per layer, shape (units,).

    Raises
    ------
    ValueError
        If shapes do not fit or a number is not finite.
    """
    if not weights or len(weights) != len(biases):
        raise ValueError(f"biases: {len(biases)} layers for {len(weights)} matrices of weights, give one each")
    layers = [
        Layer(finite(f"weights[{place}]", one), finite(f"biases[{place}]", other))
        for place, (one, other) in enumerate(zip(weights, biases, strict=True))
    ]
    inputs = 1
    for place, layer in enumerate(layers):
        units = layer.biases.size
        if layer.weights.shape != (units, inputs) or layer.biases.ndim != 1:
            raise ValueError(f"weights[{place}]: shape {layer.weights.shape}, give {(units, inputs)}")
        inputs = units
    if inputs != 1:
        raise ValueError(f"weights[{len(layers) - 1}]: {inputs} outputs, give one")
    return layers


class _Signals(NamedTuple):
    """The signals of a layer on the line, cut at the knots of all units so far.

    Attributes
    ----------
    knots
        Increasing, shape (k,).
    values
        Signals at the knots, shape (k, units); where there is no knot yet, at 0, shape (1, units).
    slopes
        Slopes of the signals on the pieces, shape (k + 1, units).
    """

    knots: Doubles
    values: Doubles
    slopes: Doubles

    def affine(self, layer: Layer) -> "_Signals":
        """The signals behind the weights of a layer."""
        return _Signals(self.knots, self.values @ layer.weights.T + layer.biases, self.slopes @ layer.weights.T)

    def anchors(self) -> tuple[Doubles, Doubles]:
        """A place of each piece with the signals there: its left knot, of the first piece the right one."""
        if not self.knots.size:
            return np.zeros(1), self.values
        return np.concatenate([self.knots[:1], self.knots]), np.concatenate([self.values[:1], self.values])

    def signs(self) -> tuple[Doubles, Doubles]:
        """Signs at the left and right end of each piece, shape (k + 1, units); at infinity those of the outer pieces' trend."""
        signs, trend = np.sign(self.values), np.sign(self.slopes)
        far_left = np.where(trend[:1] == 0, signs[:1], -trend[:1])
        far_right = np.where(trend[-1:] == 0, signs[-1:], trend[-1:])
        if not self.knots.size:
            return far_left, far_right
        return np.concatenate([far_left, signs]), np.concatenate([signs, far_right])


def _crossings(signals: _Signals, crosses: Flags) -> Doubles:
    """Where each signal crosses zero on each piece, shape (k + 1, units); infinite where it does not, or out of reach."""
    places, values = signals.anchors()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        zeros = places[:, None] - values / signals.slopes
    if (
        signals.knots.size > 1
    ):  # between two knots the values at both ends tell more than the slope: the place is inside
        left, right = signals.values[:-1], signals.values[1:]
        with np.errstate(invalid="ignore"):
            share = abs(left) / (abs(left) + abs(right))
        zeros[1:-1] = signals.knots[:-1, None] + share * np.diff(signals.knots)[:, None]
    bounds = np.concatenate([[-np.inf], signals.knots, [np.inf]])[:, None]
    high = np.nextafter(bounds[1:], -np.inf)
    low = np.nextafter(bounds[:-1], np.inf)
    inside = np.where(
        low <= high, np.clip(zeros, low, high), bounds[1:]
    )  # neighbouring numbers have no place between them
    return np.where(crosses & np.isfinite(zeros), inside, np.inf)


class _Cut(NamedTuple):
    """A layer's pre-activations cut at their own zeros too.

    Attributes
    ----------
    signals
        On the finer pieces.
    active
        Whether each unit is active on each of them.
    parents
        The coarser piece that each of them lies in.
    """

    signals: _Signals
    active: Flags
    parents: Integers


def _cut(signals: _Signals) -> _Cut:
    """Cut pre-activations at their zeros."""
    left, right = signals.signs()
    zeros = _crossings(signals, left * right < 0)
    knots = np.unique(np.concatenate([signals.knots, zeros[np.isfinite(zeros)]]))
    ends = np.append(knots, np.inf)
    parents = np.searchsorted(signals.knots, ends)
    crossed = ends[:, None] > zeros[parents]
    # without a crossing the sign is that of an end that is not zero, of an outer piece that at its knot
    plain = np.where(left == 0, right, left)
    plain[0] = np.where(right[0] == 0, left[0], right[0]) if signals.knots.size else plain[0]
    sign = np.where(np.isfinite(zeros[parents]), np.where(crossed, right[parents], left[parents]), plain[parents])
    values = _values_at(knots, signals, zeros, parents)
    return _Cut(_Signals(knots, values, signals.slopes[parents]), np.asarray(sign > 0), parents)


def _values_at(knots: Doubles, signals: _Signals, zeros: Doubles, parents: Integers) -> Doubles:
    """Signals at finer knots: those at old knots stay as they are, those at their own zeros are 0."""
    if not knots.size:
        return signals.values
    places, values = signals.anchors()
    inner = parents[:-1]
    refined = values[inner] + signals.slopes[inner] * (knots - places[inner])[:, None]
    refined[knots[:, None] == zeros[inner]] = 0.0
    refined[np.searchsorted(knots, signals.knots)] = signals.values[: signals.knots.size]
    return refined


def pieces(weights: Sequence[ArrayLike], biases: Sequence[ArrayLike]) -> tuple[PiecewiseLinear, Breakpoints]:
    """The function of a ReLU network of one input and one output, and every breakpoint of every unit.

    Parameters
    ----------
    weights
        One matrix per layer, the output's among them, shape (units, inputs).
    biases
        One vector per layer, shape (units,).

    Returns
    -------
    function
        A knot wherever some unit breaks, active or not; `PiecewiseLinear.simplified` leaves out the others.
    breakpoints
        With layer, unit, and what each adds to the slope of the output.

    Raises
    ------
    ValueError
        If shapes do not fit or a number is not finite.

    Notes
    -----
    Units that are zero on a whole piece are dead there. Where several units of different layers break at one place, their `jumps`
    need not add up to that of the function: the later one sees the earlier one's kink.
    """
    *hidden, output = checked_layers(weights, biases)
    signals = _Signals(np.empty(0), np.zeros((1, 1)), np.ones((1, 1)))
    alive: list[Flags] = []
    trends: list[Doubles] = []
    for layer in hidden:
        cut = _cut(signals.affine(layer))
        alive = [*(flags[cut.parents] for flags in alive), cut.active]
        trends = [*(slopes[cut.parents] for slopes in trends), cut.signals.slopes]
        signals = _behind_relu(cut)
    outputs = signals.affine(output)
    places, values = outputs.anchors()
    intercepts = values[:, 0] - outputs.slopes[:, 0] * places
    function = PiecewiseLinear(outputs.knots, outputs.slopes[:, 0], intercepts)
    return function, _breakpoints(outputs.knots, alive, trends, [*hidden, output])


def _behind_relu(cut: _Cut) -> _Signals:
    """The signals behind the rectifiers; at a knot those that are active on either side."""
    knots, values, slopes = cut.signals
    beside = cut.active[:-1] | cut.active[1:] if knots.size else cut.active
    return _Signals(knots, np.where(beside, np.maximum(values, 0.0), 0.0), slopes * cut.active)


def _breakpoints(
    knots: Doubles, alive: Sequence[Flags], trends: Sequence[Doubles], layers: Sequence[Layer]
) -> Breakpoints:
    """Read the breakpoints from the activity of all units on the final pieces."""
    seen = np.broadcast_to(layers[-1].weights, (knots.size + 1, layers[-1].weights.shape[1]))
    by_layer = []
    for place in range(len(alive), 0, -1):
        flags, slopes = alive[place - 1], trends[place - 1]
        at, units = np.nonzero(flags[:-1] != flags[1:])
        side = at + flags[1:][at, units]  # the piece on which the unit is active
        jumps = np.abs(slopes[side, units]) * seen[side, units]
        by_layer.append((knots[at], np.full(at.size, place), units, jumps))
        seen = (seen * flags) @ layers[place - 1].weights
    empty = (np.empty(0), np.empty(0), np.empty(0), np.empty(0))
    positions, places, units, jumps = (np.concatenate(parts) for parts in zip(empty, *by_layer, strict=True))
    order = np.lexsort((units, places, positions))
    return Breakpoints(positions[order], places[order].astype(int), units[order].astype(int), jumps[order])
