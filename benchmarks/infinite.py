"""Fit and prediction of networks of infinite width: our estimators, scikit-learn's KernelRidge, neural-tangents."""

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.kernel_ridge import KernelRidge

from benchmarks import infinite_peer, neural_tangents
from benchmarks.peer import Peer
from benchmarks.result import Case, FigureTable, Outcome, TimingTable, make_case
from benchmarks.timing import time_competitors
from initatlas.estimators.flow import NetworkFlowRegressor
from initatlas.estimators.kernel import NetworkKernel
from initatlas.estimators.ridge import NetworkRidgeRegressor

Doubles = NDArray[np.float64]

SIZES = (1000, 3000, 8000)
TESTS, INPUTS, DEPTH = 1000, 50, 3
RIDGE, TIME = 0.1, 1e4
ROUNDS = 1


def run() -> Outcome:
    """Time both methods at every size."""
    rng = np.random.default_rng(0)
    cases: list[Case] = []
    rows: list[list[float | str]] = []
    with Peer.start(neural_tangents.PYTHON, infinite_peer.__file__) as peer:
        for size in SIZES:
            arrays = draw(size, rng=rng)
            for method in ("ridge", "flow"):
                name = f"{method}, n = {size}"
                case, differences = _timed(name, method, arrays, peer, rng=rng)
                cases.append(case)
                rows.append([name, *differences])
    return Outcome(
        settings={"inputs": INPUTS, "depth": DEPTH, "tests": TESTS, "ridge": RIDGE, "time": TIME, "rounds": ROUNDS},
        timings=[TimingTable(title="Fit and prediction, float64, one thread", measure="ms", cases=cases)],
        figures=[
            FigureTable(
                title="Largest difference of the predictions from ours, relative to the largest prediction",
                columns=["", "KernelRidge", "neural-tangents"],
                rows=rows,
            )
        ],
    )


def draw(size: int, *, rng: np.random.Generator) -> dict[str, Doubles]:
    """Training inputs and targets, and test inputs, in the order of the arguments of the calls."""
    x, other = rng.normal(size=(size, INPUTS)), rng.normal(size=(TESTS, INPUTS))
    return {"x": x, "y": np.sin(x[:, :1]) + 0.1 * rng.normal(size=(size, 1)), "other": other}


def network() -> NetworkKernel:
    """The network of all, in our conventions: neural-tangents divides by the fan-in in the first layer too."""
    return NetworkKernel(depth=DEPTH, weight_variance=2.0, input_variance=2.0 / INPUTS, output_weight_variance=1.0)


def _timed(
    name: str, method: str, arrays: Mapping[str, Doubles], peer: Peer, *, rng: np.random.Generator
) -> tuple[Case, list[float | str]]:
    """Time one method at one size, and compare the predictions."""
    kept: dict[str, Doubles] = {}

    def keeping(competitor: str, call: Callable[..., Doubles]) -> Callable[[], None]:
        """A call whose result is kept."""
        return lambda: kept.update({competitor: call(**arrays)})

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "predictions.npy"
        calls: dict[str, Any] = {"initatlas": keeping("initatlas", partial(ours, method))}
        if method == "ridge":
            calls["KernelRidge"] = keeping("KernelRidge", kernel_ridge)
        if peer.available:
            settings = {"ridge": RIDGE, "time": None} if method == "ridge" else {"ridge": 0.0, "time": TIME}
            calls["neural-tangents"] = peer.prepared(arrays, depth=DEPTH, output=str(output), **settings)
        case = make_case(name, time_competitors(calls, rounds=ROUNDS, rng=rng))
        if peer.available:
            kept["neural-tangents"] = np.load(output)
    size = np.abs(kept["initatlas"]).max()
    others = ("KernelRidge", "neural-tangents")
    differences = [float(np.abs(kept[one] - kept["initatlas"]).max() / size) if one in kept else "–" for one in others]
    return case, list(differences)


def ours(method: str, x: Doubles, y: Doubles, other: Doubles) -> Doubles:
    """Our predictions."""
    kernel = network()
    estimator = NetworkRidgeRegressor(kernel, RIDGE) if method == "ridge" else NetworkFlowRegressor(kernel, TIME)
    predicted: Doubles = estimator.fit(x, y).predict(other)
    return predicted


def kernel_ridge(x: Doubles, y: Doubles, other: Doubles) -> Doubles:
    """Those of scikit-learn, on our kernel."""
    kernel = network()
    fitted = KernelRidge(alpha=RIDGE, kernel="precomputed").fit(kernel(x), y)
    predicted: Doubles = fitted.predict(kernel(other, x))
    return predicted
