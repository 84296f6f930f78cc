"""Multilayer perceptrons of one shape that are trained on a CPU one after the other, by a compiled loop.

It serves the activations that the loop knows. All others, and CUDA, are left to PyTorch (`initatlas.networks.stacked_mlp`).
A network is computed by itself, and every sum runs in one order: nothing depends on the networks beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from math import inf
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initatlas.arrays import Floats, Integers
from initatlas.networks.compiled_training import ADAM, MOMENTUM, SGD, add_scores, fill_signals, train
from initatlas.networks.evaluation import DeviceSplit, Pass, Scores, chunks, put_together
from initatlas.networks.losses import Loss
from initatlas.networks.minibatches import minibatches
from initatlas.networks.padding import padded
from initatlas.networks.parametrisations import layer_rates
from initatlas.networks.stacked_mlp import Layer
from initatlas.networks.training_settings import CURVE_INPUTS, NetworkSettings, TrainingSettings

_STEPS = 64
"""Whose minibatches are dealt out at once."""

_NO_CLASSES = np.empty(0, dtype=np.int64)
_NO_NUMBERS = np.empty((0, 0), dtype=np.float32)


def _empty(*shape: int) -> Floats:
    """Room for numbers, which begins with a line of the cache."""
    room: Floats = torch.empty(shape, dtype=torch.float32).numpy()
    return room


@dataclass(frozen=True)
class CompiledMLP:
    """Networks of one shape.

    Attributes
    ----------
    parameters
        Shape (networks, halves, parameters), see `initatlas.networks.compiled_training`.
    fans
        Padded sizes of the layers, inputs first.
    form
        Activation and slope, see `initatlas.networks.loop_form`.
    residual
        Whether every hidden layer but the first adds to the pre-activations before it.
    """

    parameters: Floats
    fans: Integers
    form: tuple[int, float]
    residual: bool

    @property
    def networks(self) -> int:
        """How many networks there are."""
        return len(self.parameters)

    @property
    def halves(self) -> int:
        """How many networks make one: 2 if they are mirrored."""
        return int(self.parameters.shape[1])

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.fans) - 2

    @property
    def weights(self) -> list[Tensor]:
        """As in `initatlas.networks.stacked_mlp.StackedMLP`: views."""
        return [self._views(layer)[0] for layer in range(self.depth + 1)]

    @property
    def biases(self) -> list[Tensor]:
        """As in `initatlas.networks.stacked_mlp.StackedMLP`: views."""
        return [self._views(layer)[1] for layer in range(self.depth + 1)]

    def _views(self, layer: int) -> tuple[Tensor, Tensor]:
        """Weights (stacked, fan_out, fan_in) and biases (stacked, 1, fan_out) of a layer."""
        at = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(self.fans[: layer + 1].tolist()))
        fan_in, fan_out = self.fans[layer : layer + 2].tolist()
        numbers = torch.from_numpy(self.parameters).flatten(0, 1)[:, at : at + (fan_in + 1) * fan_out]
        both = numbers.view(-1, fan_in + 1, fan_out)
        return both[:, :-1].mT, both[:, -1:]

    def keep(self, chosen: Sequence[int]) -> "CompiledMLP":
        """Copy some of the networks."""
        parameters = _empty(len(chosen), *self.parameters.shape[1:])
        parameters[:] = self.parameters[np.array(chosen, dtype=np.int64)]
        return replace(self, parameters=parameters)

    def room(self, copies: int, lines: int, rows: int) -> tuple[Floats, Floats]:
        """Pre-activations and activations of so many networks and layers at so many inputs; one array if the loop allows it."""
        before = _empty(copies, max(lines, 1), rows * int(self.fans[-2]))
        return before, (_empty(*before.shape) if self.residual or self.form[1] < 0.0 else before)

    def scores(self, loss: Loss, data: DeviceSplit) -> Scores:
        """See `initatlas.networks.evaluation.evaluate`."""
        classes, numbers = targets_of(data)
        width, sums = int(self.fans[-1]), np.zeros((self.networks, 3))
        for seen in self.passes(data, signals=False):
            targets = classes[seen.rows], numbers[seen.rows]
            early = min(CURVE_INPUTS, len(data.y)) - seen.rows.start
            for outputs, own in zip(seen.outputs.numpy(), sums, strict=True):
                add_scores(outputs.ravel(), width, loss.outputs, *targets, loss.factor, early, own)
        return Scores(
            [loss.of_split(total, len(data.y)) for total in sums[:, 1].tolist()],
            (sums[:, 2] / len(data.y)).tolist(),
            [loss.of_split(total, min(CURVE_INPUTS, len(data.y))) for total in sums[:, 0].tolist()],
        )

    def passes(self, data: DeviceSplit, *, signals: bool) -> Iterator[Pass]:
        """See `initatlas.networks.evaluation.Networks.passes`."""
        width, stacked = int(self.fans[-2]), self.networks * self.halves
        for rows in chunks(len(data.x)):
            count = rows.stop - rows.start
            chosen, own = np.arange(rows.start, rows.stop), np.arange(count) * width
            places = np.empty(count, dtype=np.int64)
            outputs = _empty(stacked, count * int(self.fans[-1]))
            before, after = self.room(stacked if signals else 1, self.depth if signals else 2, count)
            for index, parameters in enumerate(self.parameters.reshape(stacked, self.parameters.shape[2])):
                room = before[index % len(before)], after[index % len(after)]
                network = parameters, self.fans, *room, outputs[index], own, *self.form, self.residual
                fill_signals(data.inputs, chosen, places, *network)
            hidden = torch.from_numpy(after).view(*after.shape[:2], count, width).unbind(1) if signals else ()
            together = torch.from_numpy(outputs).view(stacked, count, int(self.fans[-1]))
            yield Pass(rows, put_together(together, self.halves), hidden[: self.depth])


def compile_networks(
    networks: Sequence[Sequence[Layer]],
    form: tuple[int, float],
    *,
    padding_bias: float = -inf,
    residual: bool = False,
    halves: int = 1,
) -> CompiledMLP:
    """Put networks of one shape together: see `initatlas.networks.stacked_mlp.stack_networks`."""
    sizes = [networks[0][0][0].shape[1], *(len(bias) for _, bias in networks[0])]
    fans = np.array([padded(size) for size in sizes])
    total = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(fans.tolist()))
    parameters = _empty(len(networks), halves, total)
    parameters[:] = 0.0
    mlp = CompiledMLP(parameters, fans, form, residual)
    for layer, (weights, biases) in enumerate(zip(mlp.weights, mlp.biases, strict=True)):
        if layer == mlp.depth:
            biases[::halves] = padding_bias
        for stacked in range(len(weights)):
            weight, bias = networks[stacked // halves][layer]
            weights[stacked, : weight.shape[0], : weight.shape[1]] = torch.from_numpy(weight)
            biases[stacked, 0, : len(bias)] = torch.from_numpy(bias)
    return mlp


class _Space(NamedTuple):
    """What the steps of one network write to, see `initatlas.networks.compiled_training.train`."""

    before: Floats
    after: Floats
    outputs: Floats
    turned: Floats
    gradients: Floats


class CompiledRun:
    """Networks in training by the compiled loop: see `initatlas.networks.training.Run`."""

    def __init__(
        self,
        settings: TrainingSettings,
        loss: Loss,
        networks: Sequence[NetworkSettings],
        layers: Sequence[Sequence[Layer]],
        form: tuple[int, float],
        data: DeviceSplit,
        input_dim: int,
        rngs: Sequence[np.random.Generator],
    ) -> None:
        self.alive = list(range(len(networks)))
        self.mlp = compile_networks(
            layers,
            form,
            padding_bias=loss.padding_bias,
            residual=settings.residual != "none",
            halves=settings.halves,
        )
        self._loss, self._data, self._steps_done = loss, data, 0
        self._minibatches = [minibatches(len(data.y), settings.batch_size, rng=rng) for rng in rngs]
        self._factors = np.array(layer_rates(settings, input_dim), dtype=np.float32)
        self._rates = [network.learning_rate for network in networks]
        self._adam, self._momentum = settings.optimiser == "adam", settings.momentum
        lines = 2 if self._adam else 1 if self._momentum else 0
        self._state = _empty(
            len(networks), settings.halves, max(lines, 1), self.mlp.parameters.shape[2] if lines else 0
        )
        self._state[:] = 0.0
        self._space = self._make_space(settings.batch_size)

    def _make_space(self, batch: int) -> "_Space":
        """Make room for the steps of one network."""
        widest, halves = int(self.mlp.fans[1:].max()), self.mlp.halves
        return _Space(
            *self.mlp.room(halves, self.mlp.depth, batch),
            _empty(halves, batch * int(self.mlp.fans[-1])),
            _empty(widest * int(self.mlp.fans[-2])),
            _empty(2, batch * widest),
        )

    def advance(self, step: int) -> None:
        """Train until `step` steps are done."""
        self._keep([index for index in range(len(self.alive)) if not self._is_lost_at(index, step)])
        self._steps_done = step

    def _is_lost_at(self, index: int, step: int) -> bool:
        """Train one network until `step` steps are done, or until its outputs are NaN: whether they are."""
        for done in range(self._steps_done, step, _STEPS):
            orders = np.stack(list(islice(self._minibatches[index], min(step - done, _STEPS))))
            if self._train(index, orders, done) < len(orders):
                return True
        return False

    def _train(self, index: int, orders: Integers, done: int) -> int:
        """Take the steps of one network whose minibatches are given, and say how many it took."""
        rate, divisor = self._rates[index], self._loss.divisor(orders.shape[1])
        code = ADAM if self._adam else MOMENTUM if self._momentum else SGD
        taken: int = train(
            self._data.inputs,
            *targets_of(self._data),
            orders,
            self.mlp.parameters[index],
            self._state[index],
            self.mlp.fans,
            self._space.before,
            self._space.after,
            self._space.outputs,
            self._space.turned,
            self._space.gradients,
            self._factors * np.float32(rate) if self._adam else self._factors,
            (*self.mlp.form, self.mlp.residual),
            (code, self._momentum),
            1.0 / divisor if self._adam else rate / divisor,
            done,
        )
        return taken

    def scores(self, data: DeviceSplit) -> Scores:
        """Loss and accuracy of the networks alive."""
        return self.mlp.scores(self._loss, data)

    def keep_finite(self, losses: NDArray[np.float64]) -> None:
        """Drop the networks whose loss is not finite."""
        self._keep(np.flatnonzero(np.isfinite(losses)).tolist())

    def _keep(self, chosen: list[int]) -> None:
        """Drop all networks but those at some places."""
        if len(chosen) == len(self.alive):
            return
        self.alive = [self.alive[position] for position in chosen]
        self._minibatches = [self._minibatches[position] for position in chosen]
        self._rates = [self._rates[position] for position in chosen]
        self.mlp, self._state = self.mlp.keep(chosen), self._state[chosen]


def targets_of(data: DeviceSplit) -> tuple[Integers, Floats]:
    """Classes and numbers of a split, one of them empty."""
    targets = data.y.numpy()
    return (_NO_CLASSES, targets) if targets.ndim == 2 else (targets, _NO_NUMBERS)
