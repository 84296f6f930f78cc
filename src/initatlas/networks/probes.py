"""What goes on inside a network while it trains: signals, weights, kernel and function, followed on some inputs.

A network is taken out of the stack and looked at alone, in double precision, so that its record does not depend on the networks
beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from initatlas.activations.base import Activation
from initatlas.arrays import Doubles
from initatlas.networks.evaluation import Networks
from initatlas.networks.width_limit import LimitKernels

Weights = list[tuple[Doubles, Doubles]]
"""Weights (fan_out, fan_in) and biases (fan_out,) of each layer, read-out last."""


_ROUNDING = 1e-13
"""Second differences of so small a share of the values are rounding."""


@dataclass(frozen=True)
class Probe:
    """Inputs on which networks are followed.

    Attributes
    ----------
    inputs
        Shape (p, d), p even: neighbours are the pairs whose cosine is taken, and the ends of the lines.
    line_points
        Points of each line, ends included; at least 5.
    limit
        Whether the kernels are held against their limits of infinite width.
    """

    inputs: Doubles
    line_points: int
    limit: bool = False


@dataclass(frozen=True)
class ProbeRecord:
    """One network at the points of its training curve; NaN once it has diverged.

    Attributes
    ----------
    signal_ratio
        Shape (evaluations, depth): mean over the inputs of |h_l(x)| / |x|; inputs x = 0 are left out.
    signal_cosine
        Shape (evaluations, depth): mean cosine between the signals of the pairs; pairs with a silent one are left out.
    signal_change
        Shape (evaluations, depth): |h_l - h_l(0)| / |h_l(0)|, norms over all inputs; h_l(0) is that before training.
    weight_change
        Shape (evaluations, depth + 1): |W - W(0)| / |W(0)|, Frobenius norms.
    kernel_change
        Shape (evaluations,): |Theta - Theta(0)| / |Theta(0)|, Frobenius norms, with the kernel of `training_kernel`.
    signal_kernel_change
        The same of the products of the last signals, <h(x), h(x')>.
    kernel_distance, signal_kernel_distance
        Shape (evaluations,): |Theta - Theta_limit| / |Theta_limit|, of both kernels, with the limits of `limit_kernels`; NaN
        where the probe does not ask for them.
    output_size
        Shape (evaluations,): root mean square of the outputs.
    bending
        Shape (evaluations,): total variation of the slope along a line, mean over lines and outputs; see `bending`.
    smoothness
        Shape (evaluations,): see `smoothness`.
    """

    signal_ratio: Doubles
    signal_cosine: Doubles
    signal_change: Doubles
    weight_change: Doubles
    kernel_change: Doubles
    signal_kernel_change: Doubles
    kernel_distance: Doubles
    signal_kernel_distance: Doubles
    output_size: Doubles
    bending: Doubles
    smoothness: Doubles


@dataclass(frozen=True)
class Signals:
    """A forward pass of one network.

    Attributes
    ----------
    before, after
        z_l and h_l of the hidden layers, each of shape (inputs, width).
    outputs
        Shape (inputs, outputs).
    """

    before: list[Doubles]
    after: list[Doubles]
    outputs: Doubles


def run_network(layers: Weights, inputs: Doubles, activation: Activation, *, residual: bool) -> Signals:
    """Send inputs (n, d) through one network; `initatlas.networks.training_settings` says what residual layers do."""
    before: list[Doubles] = []
    after: list[Doubles] = []
    for weight, bias in layers[:-1]:
        z = (after[-1] if after else inputs) @ weight.T + bias
        before.append(z + before[-1] if residual and before else z)
        after.append(activation.phi(before[-1]))
    weight, bias = layers[-1]
    return Signals(before, after, (after[-1] if after else inputs) @ weight.T + bias)


def training_kernel(
    layers: Weights,
    inputs: Doubles,
    signals: Signals,
    activation: Activation,
    *,
    residual: bool,
    rates: Sequence[tuple[float, float]],
) -> Doubles:
    """The empirical NTK that gradient descent sees: every parameter counts with the factor on its learning rate.

    Parameters
    ----------
    layers, activation, residual
        The network.
    inputs, signals
        Inputs (n, d), and what `run_network` gave for them.
    rates
        Factors of each layer's weights and biases (`initatlas.networks.parametrisations.layer_rates`).

    Returns
    -------
    ndarray, shape (n, n)
        Mean over the outputs c of sum_p rate_p (df_c(x) / dp) (df_c(x') / dp). With delta_l = df_c / dz_l a layer gives
        (rate_w <h_(l-1), h'_(l-1)> + rate_b) <delta_l, delta'_l>, the read-out the first factor alone.
    """
    below = [inputs, *signals.after]
    products = [weight * (h @ h.T) + bias for h, (weight, bias) in zip(below, rates, strict=True)]
    kernel = products[-1]
    gradient = np.ones((len(layers[-1][0]), len(inputs), 1))
    for layer in reversed(range(len(signals.before))):
        last = layer == len(signals.before) - 1
        above = layers[-1][0][:, np.newaxis, :] if last else gradient @ layers[layer + 1][0]
        pulled = above * activation.derivative(signals.before[layer])
        gradient = pulled + gradient if residual and not last else pulled
        kernel = kernel + products[layer] * np.einsum("cin,cjn->ij", gradient, gradient, optimize=True) / len(gradient)
    return kernel


def line_values(probe: Probe) -> Doubles:
    """Points of the lines between neighbouring inputs, shape (p / 2, line_points, d)."""
    starts, ends = probe.inputs[0::2, np.newaxis], probe.inputs[1::2, np.newaxis]
    share = np.linspace(0.0, 1.0, probe.line_points)[:, np.newaxis]
    points: Doubles = (1.0 - share) * starts + share * ends
    return points


def second_differences(values: Doubles, lag: int = 1) -> Doubles:
    """f(t + lag) - 2 f(t) + f(t - lag) along the second axis of (lines, points, outputs)."""
    differences: Doubles = values[:, 2 * lag :] - 2.0 * values[:, lag:-lag] + values[:, : -2 * lag]
    return differences


def bending(values: Doubles) -> float:
    """Total variation of the slope of f along lines whose length is 1, mean over lines and outputs.

    Parameters
    ----------
    values
        f at evenly spaced points, shape (lines, points, outputs).

    Returns
    -------
    float
        Of a straight line 0; of a piecewise linear f the sum of the absolute changes of its slope, of a smooth one the
        integral of its absolute second derivative. Points close enough together for that are the caller's business.
    """
    return float((np.abs(second_differences(values)).sum(1) * (values.shape[1] - 1)).mean())


def smoothness(values: Doubles) -> float:
    """Exponent s of second differences, which are of size lag^s in mean square: from lags of one and of two points.

    2 for a function with two derivatives, 3/2 for one with kinks, whose second difference is of size lag on a share lag of the
    line, 1/2 for a Brownian path. NaN if all values lie on straight lines, up to rounding.
    """
    one, two = (float(np.square(second_differences(values, lag)).mean()) for lag in (1, 2))
    rounding = float(np.square(_ROUNDING * values).mean())
    return 0.5 * float(np.log2(two / one)) if min(one, two) > rounding else float("nan")


class Follower:
    """Fills the records of a group of networks.

    Parameters
    ----------
    probe
        Inputs.
    activation
        Of the networks.
    mlp
        They, before training.
    rates
        Factors on the learning rate, see `training_kernel`.
    sizes
        Units of the layers without padding: inputs, hidden layers, outputs.
    limits
        Of each network the limits of its kernels; None if the probe does not ask for them.
    evaluations
        Points of the training curve.
    """

    def __init__(
        self,
        probe: Probe,
        activation: Activation,
        mlp: Networks,
        rates: Sequence[tuple[float, float]],
        sizes: Sequence[int],
        limits: Sequence[LimitKernels] | None,
        evaluations: int,
    ) -> None:
        self._probe, self._activation, self._rates, self._sizes = probe, activation, rates, sizes
        self._limits = limits
        self._lines = line_values(probe)
        self._start = [self._look(self._halves(mlp, index), mlp.residual) for index in range(mlp.networks)]
        self.records = [_unfilled(evaluations, mlp.depth) for _ in range(mlp.networks)]

    def record(self, point: int, alive: Sequence[int], mlp: Networks) -> None:
        """Fill one point of the curve for the networks `alive`, which are those of `mlp`."""
        for position, network in enumerate(alive):
            now = self._look(self._halves(mlp, position), mlp.residual)
            numbers = compare(now, self._start[network], self._probe.inputs)
            if self._limits:
                numbers |= distances(now, self._limits[network])
            for name, value in numbers.items():
                getattr(self.records[network], name)[point] = value

    def _halves(self, mlp: Networks, position: int) -> list[Weights]:
        """The halves of a network, or itself, without padding."""
        stacked = range(position * mlp.halves, (position + 1) * mlp.halves)
        fans = list(zip(self._sizes[1:], self._sizes, strict=False))
        return [
            [
                (
                    weight[index, :fan_out, :fan_in].double().cpu().numpy(),
                    bias[index, 0, :fan_out].double().cpu().numpy(),
                )
                for weight, bias, (fan_out, fan_in) in zip(mlp.weights, mlp.biases, fans, strict=True)
            ]
            for index in stacked
        ]

    def _look(self, halves: list[Weights], residual: bool) -> "Look":
        """What there is to see of a network now."""
        inputs, activation = self._probe.inputs, self._activation
        seen = [run_network(half, inputs, activation, residual=residual) for half in halves]
        kernels = [
            training_kernel(half, inputs, signals, activation, residual=residual, rates=self._rates)
            for half, signals in zip(halves, seen, strict=True)
        ]
        flat = self._lines.reshape(-1, self._lines.shape[-1])
        lines = [run_network(half, flat, activation, residual=residual).outputs for half in halves]
        return Look(
            weights=[
                np.stack(parts) for parts in zip(*[[weight for weight, _ in half] for half in halves], strict=True)
            ],
            signals=[np.stack(parts) for parts in zip(*[signals.after for signals in seen], strict=True)],
            outputs=_put_together([signals.outputs for signals in seen]),
            kernel=np.mean(kernels, axis=0),
            lines=_put_together(lines).reshape(*self._lines.shape[:2], -1),
        )


@dataclass(frozen=True)
class Look:
    """A network at one time.

    Attributes
    ----------
    weights, signals
        By layer, shape (halves, fan_out, fan_in) and (halves, inputs, width).
    outputs, kernel
        On the inputs: (inputs, outputs) and (inputs, inputs).
    lines
        Outputs along the lines, (lines, points, outputs).
    """

    weights: list[Doubles]
    signals: list[Doubles]
    outputs: Doubles
    kernel: Doubles
    lines: Doubles

    @cached_property
    def signal_kernel(self) -> Doubles:
        """Products of the last signals, summed over the halves; without hidden layers the kernel."""
        products: Doubles = (
            np.einsum("hin,hjn->ij", self.signals[-1], self.signals[-1]) if self.signals else self.kernel
        )
        return products


def compare(now: Look, start: Look, inputs: Doubles) -> dict[str, Doubles | float]:
    """The numbers of a `ProbeRecord` at one time, from a network now and before training."""
    lengths = np.linalg.norm(inputs, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "signal_ratio": np.array(
                [np.mean((np.linalg.norm(h, axis=2) / lengths)[:, lengths > 0.0]) for h in now.signals]
            ),
            "signal_cosine": np.array([_mean_cosine(h) for h in now.signals]),
            "signal_change": _changes(now.signals, start.signals),
            "weight_change": _changes(now.weights, start.weights),
            "kernel_change": float(_changes([now.kernel], [start.kernel])[0]),
            "signal_kernel_change": float(_changes([now.signal_kernel], [start.signal_kernel])[0]),
            "output_size": float(np.sqrt(np.mean(np.square(now.outputs)))),
            "bending": bending(now.lines),
            "smoothness": smoothness(now.lines),
        }


def distances(now: Look, limits: LimitKernels) -> dict[str, Doubles | float]:
    """The distances of a `ProbeRecord` at one time, from a network now and the limits of its kernels."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "kernel_distance": float(_changes([now.kernel], [limits.kernel])[0]),
            "signal_kernel_distance": float(_changes([now.signal_kernel], [limits.signal_kernel])[0]),
        }


def _unfilled(evaluations: int, depth: int) -> ProbeRecord:
    """A record of NaN alone."""
    by_layer = dict.fromkeys(("signal_ratio", "signal_cosine", "signal_change"), (depth,))
    lengths = {**by_layer, "weight_change": (depth + 1,)}
    shapes = {field.name: (evaluations, *lengths.get(field.name, ())) for field in fields(ProbeRecord)}
    return ProbeRecord(**{name: np.full(shape, np.nan) for name, shape in shapes.items()})


def _put_together(outputs: list[Doubles]) -> Doubles:
    """Outputs of a network from those of its halves."""
    return outputs[0] if len(outputs) == 1 else (outputs[0] - outputs[1]) * np.sqrt(0.5)


def _changes(now: list[Doubles], start: list[Doubles]) -> Doubles:
    """Norm of the change over the norm at the start; NaN where that is 0."""
    ratios = [
        np.linalg.norm((one - other).ravel()) / np.linalg.norm(other.ravel())
        for one, other in zip(now, start, strict=True)
    ]
    return np.where(np.isfinite(ratios), ratios, np.nan)


def _mean_cosine(signals: Doubles) -> float:
    """Mean cosine of neighbouring inputs' signals, shape (halves, inputs, width); pairs with a silent one are left out."""
    units = signals / np.linalg.norm(signals, axis=2, keepdims=True)
    cosines = np.sum(units[:, 0::2] * units[:, 1::2], axis=2)
    kept = cosines[np.isfinite(cosines)]
    return float(kept.mean()) if kept.size else float("nan")
