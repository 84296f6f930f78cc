"""Training: many networks stacked, and the same networks one after the other in a plain PyTorch loop."""

from functools import partial

import numpy as np
import torch
from torch import nn

from benchmarks.result import Case, Outcome, TimingTable, make_case
from benchmarks.timing import time_competitors
from initatlas.networks.evaluation import Split
from initatlas.networks.training import train_networks
from initatlas.networks.training_settings import NetworkSettings, TrainingSettings

SHAPES = ((64, 4, 784), (16, 8, 784), (16, 8, 64), (64, 32, 784))
NETWORKS, STEPS, BATCH, CLASSES = 16, 60, 64, 10
TRAIN, TEST = 256, 64
LEARNING_RATE = 0.01
ROUNDS = 3


def run() -> Outcome:
    """Time both at every shape; network-steps are the updates of all networks."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    return Outcome(
        settings={
            "networks": NETWORKS,
            "steps": STEPS,
            "batch_size": BATCH,
            "optimiser": "sgd",
            "train": TRAIN,
            "rounds": ROUNDS,
            "threads": 1,
        },
        timings=[
            TimingTable(
                title=f"Training {NETWORKS} ReLU networks",
                measure="network-steps per second",
                cases=[_timed(*shape, rng=rng) for shape in SHAPES],
            )
        ],
    )


def _timed(width: int, depth: int, inputs: int, *, rng: np.random.Generator) -> Case:
    """Time one shape."""
    train, test = _random_split(TRAIN, inputs, rng=rng), _random_split(TEST, inputs, rng=rng)
    competitors = {
        "initatlas": partial(train_stacked, width, depth, train, test),
        "PyTorch loop": partial(train_in_a_loop, width, depth, train),
    }
    name = f"width {width}, depth {depth}, {inputs} inputs"
    return make_case(name, time_competitors(competitors, rounds=ROUNDS, rng=rng), work=NETWORKS * STEPS)


def _random_split(n: int, inputs: int, *, rng: np.random.Generator) -> Split:
    """Random inputs with random classes."""
    return rng.standard_normal((n, inputs), dtype=np.float32), rng.integers(CLASSES, size=n)


def train_stacked(width: int, depth: int, train: Split, test: Split) -> None:
    """Train the networks as a sweep does."""
    settings = TrainingSettings(
        width=width,
        depth=depth,
        activation="relu",
        outputs=CLASSES,
        steps=STEPS,
        batch_size=BATCH,
        optimiser="sgd",
        momentum=0.0,
        evaluations=2,
        device="cpu",
    )
    network = NetworkSettings("gaussian", weight_variance=2.0, bias_variance=0.0, learning_rate=LEARNING_RATE)
    rngs = [np.random.default_rng(seed) for seed in range(NETWORKS)]
    train_networks(settings, [network] * NETWORKS, train, test, rngs=rngs)


def train_in_a_loop(width: int, depth: int, train: Split) -> None:
    """Train the networks one by one, as one would write it first."""
    x, y = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    for seed in range(NETWORKS):
        torch.manual_seed(seed)
        _train_one(_network(width, depth, x.shape[1]), x, y)


def _network(width: int, depth: int, inputs: int) -> nn.Sequential:
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
