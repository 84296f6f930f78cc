"""Random networks layer by layer: our one pass for all angles and layers, and a plain NumPy loop."""

from functools import partial
from math import sqrt

import numpy as np

from benchmarks.result import Case, Outcome, TimingTable, make_case
from benchmarks.timing import time_competitors
from benchmarks.weights import RECIPES, SHAPE, VARIANCE, Recipe
from initatlas.networks.forward import RandomNetwork, pair_signals

LAYERS = (1, 2, 4, 8, 16)
ANGLES = np.linspace(0.0, np.pi, 61)
ROUNDS = 3


def run() -> Outcome:
    """Time every family of weights."""
    rng = np.random.default_rng(0)
    cases = [_timed(label, recipe, rng=rng) for label, recipe in RECIPES.items()]
    return Outcome(
        settings={"units": SHAPE[0], "layers": LAYERS[-1], "pairs": len(ANGLES), "rounds": ROUNDS, "threads": 1},
        timings=[TimingTable(title="One network, all angles, 16 layers", measure="s", cases=cases)],
    )


def _timed(label: str, recipe: Recipe, *, rng: np.random.Generator) -> Case:
    """Time one family."""
    competitors = {
        "initatlas": partial(_ours, label),
        "NumPy loop": partial(_loop, recipe),
        "NumPy loop, a network per depth": partial(_loop_per_depth, recipe),
    }
    return make_case(label, time_competitors(competitors, rounds=ROUNDS, rng=rng))


def _ours(label: str) -> np.ndarray:
    """Cosines in all recorded layers by one pass."""
    network = RandomNetwork("relu", label, 2.0, depth=LAYERS[-1], width=SHAPE[0])
    generator = np.random.Generator(np.random.SFC64(0))
    return pair_signals(ANGLES, network, layers=LAYERS, input_dimension=SHAPE[1], rng=generator).cosine


def _loop(recipe: Recipe, depth: int = LAYERS[-1]) -> list[np.ndarray]:
    """The same as one would write it: double precision, the textbook's samplers, the default generator."""
    rng = np.random.default_rng(0)
    x, y = np.zeros((2, len(ANGLES), SHAPE[1]))
    x[:, 0] = 1.0
    y[:, 0], y[:, 1] = np.cos(ANGLES), np.sin(ANGLES)
    cosines = []
    for _ in range(depth):
        weights = recipe(rng) * sqrt(2.0 / SHAPE[1] / VARIANCE)
        x, y = np.maximum(x @ weights.T, 0.0), np.maximum(y @ weights.T, 0.0)
        cosines.append(np.sum(x * y, axis=1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)))
    return cosines


def _loop_per_depth(recipe: Recipe) -> list[np.ndarray]:
    """Every depth its own network, as a sweep over the depth would do."""
    return [_loop(recipe, depth)[-1] for depth in LAYERS]
