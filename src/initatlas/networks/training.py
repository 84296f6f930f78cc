"""Supervised training of many multilayer perceptrons of one shape at once.

Each network's record depends on its own settings and its own generator alone: it is the same, bit for bit, whatever
other networks are trained with it, in whatever order and however many, on the CPU with one thread
(``torch.set_num_threads(1)``, which the caller sets). `initatlas.networks.compiled_mlp`, for the activations that its loop knows,
and `initatlas.networks.stacked_mlp`, for all others, say why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import isfinite, nan, sqrt
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initatlas.activations.base import activation_of
from initatlas.errors import UserError
from initatlas.networks.compiled_mlp import CompiledRun
from initatlas.networks.evaluation import DeviceSplit, Networks, Scores, Split, evaluate, norm_ratios, to_device
from initatlas.networks.loop_form import loop_form
from initatlas.networks.losses import Loss, make_loss
from initatlas.networks.minibatches import minibatches
from initatlas.networks.optimisers import Adam, GradientDescent, Momentum, Optimiser
from initatlas.networks.parametrisations import layer_rates, layer_variances
from initatlas.networks.probes import Follower, Probe, ProbeRecord
from initatlas.networks.stacked_mlp import (
    Layer,
    StackedMLP,
    Workspace,
    at_halves,
    backward,
    forward,
    stack_networks,
)
from initatlas.networks.training_cost import networks_at_once
from initatlas.networks.training_settings import CURVE_INPUTS, NORM_INPUTS, NetworkSettings, TrainingSettings
from initatlas.networks.width_limit import limit_kernels
from initatlas.weights.base import family_of

__all__ = [
    "NetworkRecord",
    "NetworkSettings",
    "TrainingSettings",
    "draw_layers",
    "evaluation_steps",
    "minibatches",
    "train_networks",
]


@dataclass(frozen=True)
class NetworkRecord:
    """What training did to one network.

    Attributes
    ----------
    train_loss, test_loss
        Loss of the whole split after the last step; NaN if the network diverged.
    train_accuracy, test_accuracy
        Fraction of the split whose largest output is the target's (of a single output: its sign); 0 if the network diverged.
    diverged
        Whether the loss stopped being finite. Training then stops at the next evaluation.
    norm_ratio
        Shape (depth,): at initialisation, the mean over the first 128 training inputs of |h_l(x)| / |x|, with h_l the
        activations of hidden layer l. Inputs x = 0 are left out.
    curve_step
        Shape (evaluations,): steps done at each point of the curve.
    curve_train_loss
        Shape (evaluations,): loss of the first 1024 training inputs; NaN once diverged.
    curve_test_accuracy
        Shape (evaluations,): accuracy on the whole test split; 0 once the curve's loss is NaN.
    probed
        What happened inside, if a probe was given.
    """

    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float
    diverged: bool
    norm_ratio: NDArray[np.float64]
    curve_step: NDArray[np.int64]
    curve_train_loss: NDArray[np.float64]
    curve_test_accuracy: NDArray[np.float64]
    probed: ProbeRecord | None = None


def train_networks(
    settings: TrainingSettings,
    networks: Sequence[NetworkSettings],
    train: Split,
    test: Split,
    *,
    rngs: Sequence[np.random.Generator],
    probe: Probe | None = None,
) -> list[NetworkRecord]:
    """Train every network by minibatch descent on the loss of the settings.

    Parameters
    ----------
    settings
        What the networks share.
    networks
        What each has of its own.
    train, test
        Inputs (n, d) float32, which the caller standardises, and targets: classes (n,) int64, or numbers (n, outputs) float32.
    rngs
        One generator per network, the source of all its randomness: for each hidden layer its weights, then its
        biases; then the read-out's weights; then one permutation of the training inputs per epoch. An epoch is cut
        into whole minibatches; inputs left over wait for the next epoch.
    probe
        Inputs on which the networks are followed at every point of the training curve.

    Returns
    -------
    list of NetworkRecord
        In the order of `networks`.

    Raises
    ------
    UserError
        If a minibatch is larger than the training split, the test split is empty, a label has no class, or the curve
        has more points than steps.
    ValueError
        If the numbers of networks and generators differ.
    """
    _check(settings, networks, train, test, rngs)
    if not networks:
        return []
    loss = make_loss(settings.loss, settings.outputs)
    data = to_device(train, loss, settings.device), to_device(test, loss, settings.device)
    size = networks_at_once(settings, train[0].shape[1])
    records: list[NetworkRecord] = []
    with torch.inference_mode():
        for start in range(0, len(networks), size):
            group = slice(start, start + size)
            records += _train_group(settings, loss, networks[group], *data, train[0].shape[1], rngs[group], probe)
    return records


def evaluation_steps(steps: int, evaluations: int) -> NDArray[np.int64]:
    """Choose the steps at which the training curve is recorded: 0, then geometrically from 1 to `steps`, all different.

    Of one point it is the last step.

    Parameters
    ----------
    steps
        Number of training steps, at least ``evaluations - 1``.
    evaluations
        Number of points, at least 1.

    Returns
    -------
    ndarray of int64, shape (evaluations,)
        Strictly increasing to `steps`.
    """
    if evaluations == 1:
        return np.array([steps])
    geometric = np.rint(np.geomspace(1, steps, evaluations - 1)) if evaluations > 2 else np.array([steps])
    points: NDArray[np.int64] = np.maximum(np.concatenate([[0], geometric]), np.arange(evaluations)).astype(np.int64)
    return points


def _check(
    settings: TrainingSettings,
    networks: Sequence[NetworkSettings],
    train: Split,
    test: Split,
    rngs: Sequence[np.random.Generator],
) -> None:
    """Refuse settings that cannot be trained."""
    if len(networks) != len(rngs):
        raise ValueError(f"{len(networks)} networks need as many generators, not {len(rngs)}")
    if not 1 <= settings.batch_size <= len(train[0]):
        raise UserError(f"batch_size: {settings.batch_size} must lie between 1 and the {len(train[0])} training inputs")
    if len(test[0]) == 0:
        raise UserError("test: the data set has no test inputs; ask for some")
    for _, targets in (train, test):
        make_loss(settings.loss, settings.outputs).check(targets)
    if not 1 <= settings.evaluations <= settings.steps + 1:
        raise UserError(f"evaluations: {settings.evaluations} must lie between 1 and steps + 1 = {settings.steps + 1}")


def draw_layers(
    settings: TrainingSettings, network: NetworkSettings, input_dim: int, *, rng: np.random.Generator
) -> list[Layer]:
    """Draw one network at initialisation.

    Parameters
    ----------
    settings, network
        Shape and distribution.
    input_dim
        Number of inputs d.
    rng
        Gives, in this order, each hidden layer's weights and biases, then the read-out's weights.

    Returns
    -------
    list of (weights, biases)
        float32 arrays (fan_out, fan_in) and (fan_out,), read-out last.
    """
    layers: list[Layer] = []
    family, fan_in = family_of(network.weights), input_dim
    *hidden, (readout, _) = layer_variances(settings, network, input_dim)
    for weight_variance, bias_variance in hidden:
        weight = family.draw((settings.width, fan_in), variance=weight_variance, rng=rng, dtype=np.float32)
        bias = rng.standard_normal(settings.width) * sqrt(bias_variance)
        layers.append((weight, bias.astype(np.float32)))
        fan_in = settings.width
    weight = family.draw((settings.outputs, fan_in), variance=readout, rng=rng, dtype=np.float32)
    return [*layers, (weight, np.zeros(settings.outputs, dtype=np.float32))]


def _train_group(
    settings: TrainingSettings,
    loss: Loss,
    networks: Sequence[NetworkSettings],
    train: DeviceSplit,
    test: DeviceSplit,
    input_dim: int,
    rngs: Sequence[np.random.Generator],
    probe: Probe | None,
) -> list[NetworkRecord]:
    """Train networks that share the stacked tensors, and write their records."""
    layers = [draw_layers(settings, network, input_dim, rng=rng) for network, rng in zip(networks, rngs, strict=True)]
    run = _start(settings, loss, networks, layers, train, input_dim, rngs)
    ratios = norm_ratios(run.mlp, train.first(NORM_INPUTS))
    curve = _Curve(len(networks), evaluation_steps(settings.steps, settings.evaluations))
    follower = _follower(settings, networks, run.mlp, probe, input_dim) if probe else None
    for point, step in enumerate(curve.steps):
        run.advance(int(step))
        is_last = point == len(curve.steps) - 1
        seen = run.scores(train if is_last else train.first(CURVE_INPUTS))
        finals = dict(zip(run.alive, zip(seen.loss, seen.accuracy, strict=True), strict=True))
        curve.record(point, run.alive, seen, run.scores(test))
        run.keep_finite(curve.loss[run.alive, point])
        if follower:
            follower.record(point, run.alive, run.mlp)
    probed = follower.records if follower else [None] * len(networks)
    return [
        _record(*finals.get(index, (nan, 0.0)), ratios[index], curve, index, probed[index])
        for index in range(len(networks))
    ]


def _start(
    settings: TrainingSettings,
    loss: Loss,
    networks: Sequence[NetworkSettings],
    layers: Sequence[Sequence[Layer]],
    train: DeviceSplit,
    input_dim: int,
    rngs: Sequence[np.random.Generator],
) -> "Run":
    """Begin to train networks from their initial layers: by the compiled loop, or by PyTorch where it does not serve."""
    activation = activation_of(settings.activation)
    form = loop_form(activation) if settings.device == "cpu" else None
    if form is not None:
        return CompiledRun(settings, loss, networks, layers, form, train, input_dim, rngs)
    mlp = stack_networks(
        layers,
        activation,
        settings.device,
        padding_bias=loss.padding_bias,
        residual=settings.residual != "none",
        halves=settings.halves,
    )
    return _StackedRun(settings, loss, mlp, _optimiser(settings, networks, mlp, input_dim), train, rngs)


def _follower(
    settings: TrainingSettings, networks: Sequence[NetworkSettings], mlp: Networks, probe: Probe, input_dim: int
) -> Follower:
    """Follow what happens inside the networks."""
    sizes = [input_dim, *[settings.width] * settings.depth, settings.outputs]
    rates = layer_rates(settings, input_dim)
    limits = [limit_kernels(settings, network, probe.inputs) for network in networks] if probe.limit else None
    return Follower(probe, activation_of(settings.activation), mlp, rates, sizes, limits, settings.evaluations)


class _Curve:
    """The training curves of a group; a network that is gone keeps loss NaN and accuracy 0."""

    def __init__(self, networks: int, steps: NDArray[np.int64]) -> None:
        self.steps = steps
        self.loss = np.full((networks, len(steps)), nan)
        self.test_loss = np.full((networks, len(steps)), nan)
        self.accuracy = np.zeros((networks, len(steps)))

    def record(self, point: int, alive: list[int], train: Scores, test: Scores) -> None:
        """Fill one point for the networks `alive`; those whose training loss is not finite stay as they are."""
        finite = np.isfinite(train.early)
        chosen = np.array(alive, dtype=np.int64)[finite]
        self.loss[chosen, point] = np.array(train.early)[finite]
        self.test_loss[chosen, point] = np.array(test.loss)[finite]
        self.accuracy[chosen, point] = np.array(test.accuracy)[finite]


def _record(
    train_loss: float,
    train_accuracy: float,
    ratio: NDArray[np.float64],
    curve: _Curve,
    index: int,
    probed: ProbeRecord | None,
) -> NetworkRecord:
    """Assemble the record of network `index` from its final score on the training split and its curve."""
    test_loss = float(curve.test_loss[index, -1])
    diverged = not (isfinite(train_loss) and isfinite(test_loss))
    return NetworkRecord(
        train_loss=nan if diverged else train_loss,
        test_loss=nan if diverged else test_loss,
        train_accuracy=0.0 if diverged else train_accuracy,
        test_accuracy=0.0 if diverged else float(curve.accuracy[index, -1]),
        diverged=diverged,
        norm_ratio=ratio,
        curve_step=curve.steps,
        curve_train_loss=curve.loss[index],
        curve_test_accuracy=curve.accuracy[index],
        probed=probed,
    )


def _optimiser(
    settings: TrainingSettings, networks: Sequence[NetworkSettings], mlp: StackedMLP, input_dim: int
) -> Optimiser:
    """Make the optimiser that the settings name; the halves of a mirrored network have its learning rate."""
    own = [network.learning_rate for network in networks for _ in range(mlp.halves)]
    rates = torch.tensor(own, device=settings.device)[:, None, None]
    factors = layer_rates(settings, input_dim)
    if settings.optimiser == "adam":
        return Adam(mlp, rates, factors)
    return (
        Momentum(mlp, rates, factors, settings.momentum) if settings.momentum else GradientDescent(mlp, rates, factors)
    )


class Run(Protocol):
    """Networks in training."""

    alive: list[int]
    """Those whose loss is finite, by their places at the start."""

    @property
    def mlp(self) -> Networks:
        """The networks alive."""

    def advance(self, step: int) -> None:
        """Train until `step` steps are done; networks whose outputs are NaN may be dropped."""

    def scores(self, data: DeviceSplit) -> Scores:
        """Loss and accuracy of the networks alive."""

    def keep_finite(self, losses: NDArray[np.float64]) -> None:
        """Drop the networks whose loss is not finite."""


class _StackedRun:
    """Networks trained side by side by PyTorch: those still alive, their optimiser and their minibatches."""

    def __init__(
        self,
        settings: TrainingSettings,
        loss: Loss,
        mlp: StackedMLP,
        optimiser: Optimiser,
        train: DeviceSplit,
        rngs: Sequence[np.random.Generator],
    ) -> None:
        self.alive = list(range(mlp.networks))
        self._loss = loss
        self._mlp = mlp
        self._optimiser = optimiser
        self._train = train
        self._batch = settings.batch_size
        self._minibatches = [minibatches(len(train.y), settings.batch_size, rng=rng) for rng in rngs]
        self._steps_done = 0
        self._make_space()

    def _make_space(self) -> None:
        """Allocate what the steps write to."""
        count, device = self._mlp.stacked, self._train.x.device
        self._space = Workspace(self._mlp, self._batch)
        self._inputs = torch.empty((count, self._batch, self._train.x.shape[1]), device=device)

    def advance(self, step: int) -> None:
        """Train until `step` steps are done."""
        while self.alive and self._steps_done < step:
            count = min(step - self._steps_done, 64)
            orders = np.stack([list(islice(source, count)) for source in self._minibatches], axis=1)
            for chosen in torch.from_numpy(orders).to(self._train.x.device):
                self._step(chosen)
            self._steps_done += count

    def _step(self, chosen: Tensor) -> None:
        """One update of every network; `chosen` holds the inputs of their minibatches, (networks, batch)."""
        flat, seen = chosen.reshape(-1), chosen.repeat_interleave(self._mlp.halves, 0).reshape(-1)
        torch.index_select(self._train.x, 0, seen, out=self._inputs.view(len(seen), -1))
        targets = self._train.y.index_select(0, flat).view(*chosen.shape, *self._train.y.shape[1:])
        self._optimiser.begin_step()
        outputs = forward(self._mlp, self._inputs, self._space)
        gradient = at_halves(self._mlp, self._loss.gradient(outputs, targets))
        gradient.mul_(self._optimiser.loss_scale / self._loss.divisor(self._batch))
        backward(self._mlp, self._inputs, gradient, self._space, self._optimiser.update)

    @property
    def mlp(self) -> StackedMLP:
        """The networks alive."""
        return self._mlp

    def scores(self, data: DeviceSplit) -> Scores:
        """Loss and accuracy of the networks alive."""
        return evaluate(self._mlp, self._loss, data)

    def keep_finite(self, losses: NDArray[np.float64]) -> None:
        """Drop the networks whose loss is not finite."""
        chosen = np.flatnonzero(np.isfinite(losses))
        if len(chosen) == len(self.alive):
            return
        halves = self._mlp.halves
        stacked = (chosen[:, None] * halves + np.arange(halves)).ravel()
        index = torch.from_numpy(stacked).to(self._train.x.device)
        self.alive = [self.alive[position] for position in chosen]
        self._minibatches = [self._minibatches[position] for position in chosen]
        self._mlp = self._mlp.keep(index)
        self._optimiser = self._optimiser.keep(self._mlp, index)
        self._make_space()
