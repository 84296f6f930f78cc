"""Gradient descent of univariate networks: ours in function space, loops and stacks of PyTorch, JAX, Ray Tune."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import jax_descent
from benchmarks.peer import Peer
from benchmarks.ray_tune import run_trials, start_ray, tune_is_there, tune_setting
from benchmarks.result import Case, Outcome, TimingTable, make_case
from benchmarks.timing import per_unit, time_competitors
from initatlas.piecewise.deep_descent import train_deep
from initatlas.piecewise.descent import Descent, train_shallow
from initatlas.piecewise.shallow import ShallowNetwork

Doubles = NDArray[np.float64]

WIDTHS: Sequence[tuple[int, ...]] = ((21,), (128,), (500,), (8, 8, 8, 8))
COUNTS = (1, 64, 512)
X = np.arange(-2.0, 2.001, 0.01)
Y = np.sin(np.pi * X)
LEARNING_RATE = 1e-6
ROUNDS = 2
NETWORK_EPOCHS = {"initatlas": 256_000, "PyTorch loop": 128, "PyTorch, vmap": 640, "JAX": 1280}
"""About how many network-epochs a call does; each is measured by its own number."""
LEAST_EPOCHS = 5
"""Of a call, so that what comes before and after the epochs weighs little."""
IN_THE_LOOP = 2
"""Networks of the first that the loop trains, one after the other: more take as long each."""
TRIALS, TRIAL_EPOCHS = 4, 1000
"""The first networks, a trial of Ray Tune each, and the epochs of a trial: its start is part of the time."""


def run() -> Outcome:
    """Time every width at every number of networks."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    if tune_is_there():
        start_ray(workers=1)
    with Peer.start(jax_descent.PYTHON, jax_descent.__file__) as jax:
        cases = [_timed(widths, count, jax, rng=rng) for widths in WIDTHS for count in COUNTS]
    return Outcome(
        settings={
            "points": X.size,
            "rounds": ROUNDS,
            "threads": 1,
            "precision": "float64",
            "ray_tune": tune_setting(),
            "trials": TRIALS,
            "epochs_of_a_trial": TRIAL_EPOCHS,
        },
        timings=[TimingTable(title="Full-batch gradient descent", measure="µs per network-epoch", cases=cases)],
    )


def draw_networks(widths: Sequence[int], count: int, *, rng: np.random.Generator) -> list[Doubles]:
    """Weights and biases per layer, weights first, with He's variance."""
    sizes = [1, *widths, 1]
    fans = list(pairwise(sizes))
    weights = [rng.normal(size=(count, out, into)) * np.sqrt(2 / into) for into, out in fans]
    return [*weights, *(rng.normal(size=(count, out)) for _, out in fans)]


def _timed(widths: Sequence[int], count: int, jax: Peer, *, rng: np.random.Generator) -> Case:
    """Time one width at one number of networks."""
    parameters = draw_networks(widths, count, rng=rng)
    trained = {name: min(count, IN_THE_LOOP) if name == "PyTorch loop" else count for name in NETWORK_EPOCHS}
    epochs = {name: max(LEAST_EPOCHS, total // trained[name]) for name, total in NETWORK_EPOCHS.items()}
    in_loop = [one[: trained["PyTorch loop"]] for one in parameters]
    calls: dict[str, Callable[[], object]] = {
        "initatlas": partial(in_function_space, parameters, epochs["initatlas"]),
        "PyTorch loop": partial(in_a_loop, in_loop, epochs["PyTorch loop"]),
        "PyTorch, vmap": partial(under_vmap, parameters, epochs["PyTorch, vmap"]),
    }
    if jax.available:
        layers = len(parameters) // 2
        arrays = {f"{'wb'[place // layers]}{place % layers}": one for place, one in enumerate(parameters)}
        settings = {"learning_rate": LEARNING_RATE, "epochs": epochs["JAX"]}
        calls["JAX"] = jax.prepared({**arrays, "x": X, "y": Y}, **settings)
    works = {competitor: float(trained[competitor] * epochs[competitor]) for competitor in calls}
    if tune_is_there():
        trials = min(count, TRIALS)
        calls["Ray Tune"] = partial(in_ray_tune, parameters, trials, TRIAL_EPOCHS)
        works["Ray Tune"] = float(trials * TRIAL_EPOCHS)
    name = f"{' x '.join(map(str, widths))}, {count} network{'' if count == 1 else 's'}"
    return make_case(name, per_unit(time_competitors(calls, rounds=ROUNDS, rng=rng), works))


def in_function_space(parameters: Sequence[Doubles], epochs: int) -> Doubles:
    """Ours: the losses at the end."""
    layers = len(parameters) // 2
    weights, biases = parameters[:layers], parameters[layers:]
    descent = Descent(LEARNING_RATE)
    if layers > 2:
        return train_deep(weights, biases, X, Y, descent, record=[epochs]).losses
    network = ShallowNetwork(weights[0][..., 0], biases[0], weights[1][:, 0], biases[1][:, 0])
    return train_shallow(network, X, Y, descent, record=[epochs]).losses


def _outputs(parameters: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Outputs of one network."""
    layers = len(parameters) // 2
    signal = x[:, None]
    for place in range(layers):
        signal = torch.nn.functional.linear(signal, parameters[place], parameters[layers + place])
        signal = torch.relu(signal) if place < layers - 1 else signal
    return signal[:, 0]


def _half_sum(parameters: Sequence[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Half the sum of squared residuals."""
    return 0.5 * ((_outputs(parameters, x) - y) ** 2).sum()


def in_a_loop(parameters: Sequence[Doubles], epochs: int) -> list[float]:
    """One network after the other, as one would write it first: the losses at the end."""
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    networks = ([torch.tensor(one[i], requires_grad=True) for one in parameters] for i in range(len(parameters[0])))
    return [_train_one(network, x, y, epochs) for network in networks]


def _train_one(parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor, epochs: int) -> float:
    """A plain training loop."""
    optimiser = torch.optim.SGD(parameters, lr=LEARNING_RATE)
    for _ in range(epochs):
        optimiser.zero_grad()
        _half_sum(parameters, x, y).backward()
        optimiser.step()
    return float(_half_sum(parameters, x, y).detach())


def in_ray_tune(parameters: Sequence[Doubles], trials: int, epochs: int) -> None:
    """The loop for each of the first networks as a trial of Ray Tune, in one worker."""
    first = [one[:trials] for one in parameters]
    run_trials(partial(trial, parameters=first, epochs=epochs), trials, workers=1)


def trial(config: Mapping[str, int], parameters: Sequence[Doubles], epochs: int) -> dict[str, float]:
    """One network by its number: its loss at the end."""
    network = [one[config["index"]][None] for one in parameters]
    return {"loss": in_a_loop(network, epochs)[0]}


def under_vmap(parameters: Sequence[Doubles], epochs: int) -> Any:
    """All networks together with torch.func: the losses at the end."""
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    networks = tuple(torch.tensor(one) for one in parameters)
    slopes = torch.func.vmap(torch.func.grad(_half_sum), in_dims=(0, None, None))
    for _ in range(epochs):
        networks = tuple(
            value - LEARNING_RATE * slope for value, slope in zip(networks, slopes(networks, x, y), strict=True)
        )
    return torch.func.vmap(_half_sum, in_dims=(0, None, None))(networks, x, y)
