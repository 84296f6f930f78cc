"""Training: many networks stacked by PyTorch and JAX, and one after the other by us, PyTorch and Ray Tune."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import sqrt
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks import jax_descent, training_jax
from benchmarks.peer import Peer
from benchmarks.ray_tune import run_trials, start_ray, tune_is_there, tune_setting
from benchmarks.result import Case, FigureTable, Outcome, TimingTable, make_case
from benchmarks.timing import time_competitors
from initatlas.networks.evaluation import Split
from initatlas.networks.training import train_networks
from initatlas.networks.training_settings import NetworkSettings, TrainingSettings

Singles = NDArray[np.float32]

SHAPES = ((64, 4, 784), (16, 8, 784), (16, 8, 64), (64, 32, 784), (256, 4, 784))
NETWORKS, STEPS, BATCH, CLASSES = 16, 60, 64, 10
TRAIN, TEST = 256, 64
LEARNING_RATE = 0.01
ROUNDS = 3


SIDE = 2000
"""Of the matrices whose product in single precision tells what the core can do."""

PRODUCT = "product"


def run() -> Outcome:
    """Time all of them at every shape; network-steps are the updates of all networks."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    if tune_is_there():
        start_ray(1)
    with Peer.start(jax_descent.PYTHON, training_jax.__file__) as jax:
        cases = [_timed(*shape, jax, rng=rng) for shape in SHAPES]
    shares = [_shares(width, depth, inputs, case) for (width, depth, inputs), case in zip(SHAPES, cases, strict=True)]
    return Outcome(
        settings={
            "networks": NETWORKS,
            "steps": STEPS,
            "batch_size": BATCH,
            "optimiser": "sgd",
            "train": TRAIN,
            "rounds": ROUNDS,
            "threads": 1,
            "product": SIDE,
            "ray_tune": tune_setting(),
        },
        timings=[
            TimingTable(title=f"Training {NETWORKS} ReLU networks", measure="network-steps per second", cases=cases)
        ],
        figures=[
            FigureTable(
                title="Share of the rate of the matrix product (%)",
                columns=["", *(name for name in cases[0].median if name != PRODUCT)],
                rows=shares,
            )
        ],
    )


def _timed(width: int, depth: int, inputs: int, jax: Peer, *, rng: np.random.Generator) -> Case:
    """Time one shape, and a matrix product."""
    train, test = random_split(TRAIN, inputs, rng=rng), random_split(TEST, inputs, rng=rng)
    stack = Stack.draw(width, depth, inputs, rng=rng)
    factor = rng.standard_normal((SIDE, SIDE), dtype=np.float32)
    calls: dict[str, Callable[[], object]] = {
        "initatlas": partial(train_ours, width, depth, train, test),
        "PyTorch loop": partial(train_in_a_loop, width, depth, train),
        "PyTorch, vmap": partial(train_under_vmap, stack, train),
        "PyTorch, vmap, compiled": partial(train_under_vmap, stack, train, torch.compile(stacked_step)),
    }
    if jax.available:
        arrays = dict(zip("xy", train, strict=True)) | {"chosen": stack.chosen} | stack.named()
        calls["JAX"] = jax.prepared(arrays, layers=depth + 1, rate=LEARNING_RATE)
    if tune_is_there():
        calls["Ray Tune"] = partial(run_trials, partial(train_in_a_trial, width, depth, train), NETWORKS, workers=1)
    calls[PRODUCT] = lambda: factor @ factor
    name = f"width {width}, depth {depth}, {inputs} inputs"
    return make_case(name, time_competitors(calls, rounds=ROUNDS, rng=rng), work=NETWORKS * STEPS)


def _shares(width: int, depth: int, inputs: int, case: Case) -> list[float | str]:
    """Operations a second of each competitor, in percent of those of the product; two for each weight, image and pass.

    Of the first layer there are two passes, as its inputs need no gradient.
    """
    sizes = [inputs, *[width] * depth, CLASSES]
    products = [into * out for into, out in pairwise(sizes)]
    operations = 2 * BATCH * (3 * sum(products) - products[0]) * NETWORKS * STEPS
    rate = 2 * SIDE**3 / case.median[PRODUCT]
    return [case.name, *(100 * operations / case.median[name] / rate for name in case.median if name != PRODUCT)]


def random_split(n: int, inputs: int, *, rng: np.random.Generator) -> Split:
    """Random inputs with random classes."""
    return rng.standard_normal((n, inputs), dtype=np.float32), rng.integers(CLASSES, size=n)


def train_ours(
    width: int,
    depth: int,
    train: Split,
    test: Split,
    *,
    networks: int = NETWORKS,
    steps: int = STEPS,
    device: Literal["cpu", "cuda"] = "cpu",
) -> None:
    """Train the networks as a sweep does."""
    settings = TrainingSettings(
        width=width,
        depth=depth,
        activation="relu",
        outputs=CLASSES,
        steps=steps,
        batch_size=BATCH,
        optimiser="sgd",
        momentum=0.0,
        evaluations=2,
        device=device,
    )
    network = NetworkSettings("gaussian", weight_variance=2.0, bias_variance=0.0, learning_rate=LEARNING_RATE)
    rngs = [np.random.default_rng(seed) for seed in range(networks)]
    train_networks(settings, [network] * networks, train, test, rngs=rngs)


@dataclass(frozen=True)
class Stack:
    """Networks that are trained together by others.

    Attributes
    ----------
    weights, biases
        By layer, each with all networks first.
    chosen
        Images of each minibatch, shape (networks, steps, images).
    """

    weights: Sequence[Singles]
    biases: Sequence[Singles]
    chosen: NDArray[np.int64]

    @classmethod
    def draw(cls, width: int, depth: int, inputs: int, *, rng: np.random.Generator) -> Self:
        """Draw initial weights, and minibatches in shuffled epochs."""
        sizes = [inputs, *[width] * depth, CLASSES]
        weights = [
            sqrt(2 / into) * rng.standard_normal((NETWORKS, out, into), dtype=np.float32)
            for into, out in pairwise(sizes)
        ]
        biases = [np.zeros((NETWORKS, out), dtype=np.float32) for out in sizes[1:]]
        epochs = -(-STEPS * BATCH // TRAIN)
        orders = rng.permuted(np.tile(np.arange(TRAIN), (NETWORKS, epochs, 1)), axis=2).reshape(NETWORKS, -1)
        return cls(weights, biases, orders[:, : STEPS * BATCH].reshape(NETWORKS, STEPS, BATCH))

    def named(self) -> dict[str, Singles]:
        """All parameters by name."""
        pairs = enumerate(zip(self.weights, self.biases, strict=True))
        return {f"{kind}{place}": values for place, pair in pairs for kind, values in zip("wb", pair, strict=True)}


def _loss(network: Sequence[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Cross entropy of one network; weights first, then biases."""
    layers = len(network) // 2
    for place in range(layers):
        x = nn.functional.linear(x, network[place], network[layers + place])
        x = torch.relu(x) if place < layers - 1 else x
    return nn.functional.cross_entropy(x, y)


def stacked_step(networks: tuple[torch.Tensor, ...], x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """One step of all networks, each on a minibatch of its own."""
    slopes = torch.func.vmap(torch.func.grad(_loss))(networks, x, y)
    return tuple(value - LEARNING_RATE * slope for value, slope in zip(networks, slopes, strict=True))


def train_under_vmap(stack: Stack, train: Split, step: Callable[..., Any] = stacked_step) -> None:
    """Train the networks together with torch.func."""
    x, y = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    networks = tuple(torch.from_numpy(values) for values in (*stack.weights, *stack.biases))
    for number in range(STEPS):
        chosen = torch.from_numpy(stack.chosen[:, number])
        networks = step(networks, x[chosen], y[chosen])


def train_in_a_trial(width: int, depth: int, train: Split, config: Mapping[str, int]) -> dict[str, float]:
    """Train one network as a trial of Ray Tune."""
    torch.set_num_threads(1)
    torch.manual_seed(config["index"])
    x, y = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    network = new_network(width, depth, x.shape[1])
    _train_one(network, x, y)
    return {"loss": float(nn.functional.cross_entropy(network(x), y).detach())}


def train_in_a_loop(width: int, depth: int, train: Split) -> None:
    """Train the networks one by one, as one would write it first."""
    x, y = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    for seed in range(NETWORKS):
        torch.manual_seed(seed)
        _train_one(new_network(width, depth, x.shape[1]), x, y)


def new_network(width: int, depth: int, inputs: int) -> nn.Sequential:
    """A multilayer perceptron."""
    fans = [inputs, *[width] * depth]
    hidden = [part for i in range(depth) for part in (nn.Linear(fans[i], fans[i + 1]), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(width, CLASSES))


def _train_one(network: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> None:
    """Minibatch gradient descent on the cross entropy, in shuffled epochs."""
    optimiser = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE)
    per_epoch = TRAIN // BATCH
    for step in range(STEPS):
        if step % per_epoch == 0:
            order = torch.randperm(TRAIN)
        chosen = order[step % per_epoch * BATCH :][:BATCH]
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x[chosen]), y[chosen]).backward()
        optimiser.step()
