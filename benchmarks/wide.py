"""Full-batch gradient descent of a wide network of one hidden layer: ours, PyTorch, JAX, beside the rate of a matrix product."""

from collections.abc import Callable
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import jax_descent, wide_jax
from benchmarks.peer import Peer
from benchmarks.result import Case, FigureTable, Outcome, TimingTable, make_case
from benchmarks.timing import per_unit, time_competitors
from initatlas.networks.fused_descent import Inputs, WideNetwork

Doubles = NDArray[np.float64]

SAMPLES = (200, 600)
WIDTH_FACTOR, DIMENSION, RATE = 20, 5, 0.6
SIDE = 2000
"""Of the matrices whose product in single precision tells what the machine can do."""

ROUNDS = 3
EPOCHS = {"initatlas": 40, "PyTorch loop": 4, "torch.func": 4, "JAX": 4}
"""Of a call at the smallest number of samples; fewer at larger ones."""


def run() -> Outcome:
    """Time every number of samples."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    with Peer.start(jax_descent.PYTHON, wide_jax.__file__) as jax:
        cases = [_timed(samples, jax, rng=rng) for samples in SAMPLES]
    rows = [_shares(samples, case) for samples, case in zip(SAMPLES, cases, strict=True)]
    names = [name for name in cases[0].median if name != "product"]
    return Outcome(
        settings={"dimension": DIMENSION, "rounds": ROUNDS, "threads": 1, "precision": "float32", "product": SIDE},
        timings=[TimingTable(title="Gradient descent of a network of 20 n units", measure="ms", cases=cases)],
        figures=[
            FigureTable(
                title="Share of the rate of the matrix product, of (4 d + 6) n m operations an epoch (%)",
                columns=["", *names],
                rows=rows,
            )
        ],
    )


def _timed(samples: int, jax: Peer, *, rng: np.random.Generator) -> Case:
    """Milliseconds of an epoch at some number of samples, and of the product."""
    width = WIDTH_FACTOR * samples
    x, y = rng.normal(size=(samples, DIMENSION)), rng.normal(size=samples)
    w, v = rng.normal(size=(width, DIMENSION)), rng.normal(size=width)
    scale = sqrt(2.0 / width)
    epochs = {name: max(1, count * SAMPLES[0] ** 2 // samples**2) for name, count in EPOCHS.items()}
    factor = rng.normal(size=(SIDE, SIDE)).astype(np.float32)
    calls: dict[str, Callable[[], object]] = {
        "initatlas": lambda: fused(x, y, w, v, scale, epochs["initatlas"]),
        "PyTorch loop": lambda: in_a_loop(x, y, w, v, scale, epochs["PyTorch loop"]),
        "torch.func": lambda: with_torch_func(x, y, w, v, scale, epochs["torch.func"]),
        "product": lambda: factor @ factor,
    }
    if jax.available:
        settings = {"scale": scale, "rate": RATE, "epochs": epochs["JAX"]}
        calls["JAX"] = jax.prepared({"x": x, "y": y, "w": w, "v": v}, **settings)
    works = {name: float(epochs.get(name, 1)) for name in calls}
    return make_case(f"n = {samples}, m = {width}", per_unit(time_competitors(calls, rounds=ROUNDS, rng=rng), works))


def _shares(samples: int, case: Case) -> list[float | str]:
    """Rates over that of the product, in percent."""
    operations = (4 * DIMENSION + 6) * samples * WIDTH_FACTOR * samples
    peak = 2.0 * SIDE**3 / case.median["product"]
    shares = [100.0 * operations / seconds / peak for name, seconds in case.median.items() if name != "product"]
    return [case.name, *shares]


def fused(x: Doubles, y: Doubles, w: Doubles, v: Doubles, scale: float, epochs: int) -> NDArray[np.float32]:
    """Ours: the outputs at the end."""
    network, inputs = WideNetwork.of(w, v, scale), Inputs.of(x)
    network.train(inputs, y, rate=RATE, epochs=epochs)
    return network.outputs(inputs)


def _outputs(network: tuple[torch.Tensor, torch.Tensor], x: torch.Tensor, scale: float) -> torch.Tensor:
    """The function."""
    return scale * (torch.relu(x @ network[0].T) @ network[1])


def in_a_loop(x: Doubles, y: Doubles, w: Doubles, v: Doubles, scale: float, epochs: int) -> NDArray[np.float32]:
    """As one would write it first: the outputs at the end."""
    inputs, targets = (torch.tensor(one, dtype=torch.float32) for one in (x, y))
    weights, outputs = (torch.tensor(one, dtype=torch.float32, requires_grad=True) for one in (w, v))
    optimiser = torch.optim.SGD([weights, outputs], lr=RATE)
    for _ in range(epochs):
        optimiser.zero_grad()
        (0.5 * ((_outputs((weights, outputs), inputs, scale) - targets) ** 2).mean()).backward()
        optimiser.step()
    values: NDArray[np.float32] = _outputs((weights, outputs), inputs, scale).detach().numpy()
    return values


def with_torch_func(x: Doubles, y: Doubles, w: Doubles, v: Doubles, scale: float, epochs: int) -> NDArray[np.float32]:
    """By torch.func.grad: the outputs at the end."""
    inputs, targets, weights, outputs = (torch.tensor(one, dtype=torch.float32) for one in (x, y, w, v))

    def loss(network: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Half the mean square."""
        return 0.5 * ((_outputs(network, inputs, scale) - targets) ** 2).mean()

    network = (weights, outputs)
    for _ in range(epochs):
        first, second = torch.func.grad(loss)(network)
        network = (network[0] - RATE * first, network[1] - RATE * second)
    values: NDArray[np.float32] = _outputs(network, inputs, scale).numpy()
    return values
