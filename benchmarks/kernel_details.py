"""The kernels closer up: activations, what a pair costs, errors against 50 digits, and the time to compile a kernel."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from benchmarks.kernels import DTYPES, INPUTS, KERNELS, recursion_with_arccos
from benchmarks.result import Case, FigureTable, Outcome, TimingTable, make_case
from benchmarks.timing import Competitors, elapsed, time_competitors
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.chords import upper_chords
from initatlas.kernels.fillers import compiled_kernel
from initatlas.kernels.fully_connected import FullyConnected, fully_connected
from initatlas.kernels.gram import gram_matrices, gram_matrix
from initatlas.kernels.inputs import prepare_inputs

Floats = NDArray[Any]
Doubles = NDArray[np.float64]

ANGLES = (1e-8, 1e-6, 1e-3, 0.5, 2.0, 3.1415)
ACTIVATIONS = ("relu", "leaky_relu(slope=0.2)", "erf", "gelu", "elu", "sin", "tanh")
DIGITS = 50


def run() -> Outcome:
    """Time activations and parts, and check ways of computing single entries."""
    rng = np.random.default_rng(0)
    activations = TimingTable(
        title="NNGP and NTK at depth 3, float64, n = 1000", measure="ms", cases=[*_by_activation(rng=rng)]
    )
    return Outcome(
        settings={"inputs": INPUTS, "threads": 1, "digits": DIGITS},
        timings=[activations],
        figures=[_limits(rng=rng), _errors(rng=rng), _compilation()],
    )


def _by_activation(*, rng: np.random.Generator) -> Iterator[Case]:
    """Inputs on the sphere, where each activation is compiled, and of any norm with biases, layer by layer."""
    features = rng.standard_normal((1000, INPUTS))
    for activation in ACTIVATIONS:
        architecture = Architecture(activation, 3, None, 0.1, 1.0 / INPUTS)
        networks = [(kernel, architecture) for kernel in KERNELS]
        competitors: dict[str, Callable[[], object]] = {
            "on the sphere": lambda networks=networks: _made(fully_connected(features, networks, normalise=True)),
            "different norms, biases": lambda networks=networks: _made(fully_connected(features, networks)),
        }
        yield make_case(activation, time_competitors(competitors, rounds=1, rng=rng))


def _made(kernel: FullyConnected) -> list[int]:
    """Make the matrices of a kernel one by one; keep their sizes."""
    return [*map(np.size, gram_matrices(kernel))]


def reference(x: Doubles, y: Doubles, depth: int) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Evaluate the same recursion with many digits."""
    with mpmath.workdps(DIGITS):
        a, b = mpmath.matrix(x.tolist()), mpmath.matrix(y.tolist())
        scale = mpmath.norm(a) * mpmath.norm(b)
        nngp = ntk = mpmath.fdot(a, b) / scale
        for _ in range(depth):
            angle = mpmath.acos(nngp)
            nngp = (mpmath.sin(angle) + (mpmath.pi - angle) * nngp) / mpmath.pi
            ntk = nngp + ntk * (1 - angle / mpmath.pi)
        return scale * nngp, scale * ntk


def _limits(*, rng: np.random.Generator) -> FigureTable:
    """What a polynomial costs beside the half-chord of a pair (its inner product and a root), a root, an arcus cosine."""
    features = rng.standard_normal((3000, INPUTS))
    pairs = 3000 * 3001 / 2
    rows: list[list[float | str]] = []
    for dtype in DTYPES:
        rows_in = features.astype(dtype)
        unit = prepare_inputs(rows_in, normalise=False, bias=False, dtype=dtype).unit
        entries = rng.random(1_000_000).astype(dtype)
        competitors: Competitors = {
            "chords": partial(upper_chords, unit),
            "both": lambda rows_in=rows_in, dtype=dtype: gram_matrix(
                rows_in, kernel="ntk", architecture=Architecture("relu", 10), dtype=dtype
            ),
            "root": lambda entries=entries: [np.sqrt(entries) for _ in range(10)],
            "arccos": lambda entries=entries: [np.arccos(entries) for _ in range(10)],
        }
        seconds = make_case("", time_competitors(competitors, rounds=5, rng=rng)).median
        per_pair = [1e9 * seconds["chords"] / pairs, 1e9 * (seconds["both"] - seconds["chords"]) / pairs]
        rows.append([dtype, *per_pair, 100 * seconds["root"], 100 * seconds["arccos"]])
    columns = ["", "half-chord", "the rest, NTK at depth 10", "numpy.sqrt", "numpy.arccos (a layer takes one)"]
    return FigureTable(title="Nanoseconds per pair, n = 3000, one thread", columns=columns, rows=rows)


def _errors(*, rng: np.random.Generator) -> FigureTable:
    """Relative errors at pairs of inputs, from nearly equal to nearly opposite."""
    return FigureTable(
        title="Relative error of one entry",
        columns=["angle of the two inputs", "kernel", "entry / diagonal", "initatlas", "float32", "NumPy, arccos"],
        rows=[*_error_rows(rng)],
    )


def _error_rows(rng: np.random.Generator) -> Iterator[list[float | str]]:
    """One row per angle, kernel and depth."""
    for angle in ANGLES:
        pair = _pair(angle, rng=rng)
        for depth in (1, 10):
            exact = reference(pair[0], pair[1], depth)
            plain = recursion_with_arccos(pair, depth)
            for kernel, value, textbook in zip(KERNELS, exact, plain, strict=True):
                ours, single = (
                    gram_matrix(pair, kernel=kernel, architecture=Architecture("relu", depth), dtype=dtype)  # type: ignore[arg-type]
                    for dtype in DTYPES
                )
                errors = [float(abs(float(gram[0, 1]) - value) / abs(value)) for gram in (ours, single, textbook)]
                size = float(value) / np.sqrt(float(ours[0, 0]) * float(ours[1, 1]))
                yield [f"{angle:g}", f"{kernel.upper()}, depth {depth}", size, *errors]


def _pair(angle: float, *, rng: np.random.Generator) -> Doubles:
    """Two rows of different norms at an angle."""
    basis, _ = np.linalg.qr(rng.standard_normal((INPUTS, 2)))
    return np.stack([1.5 * basis[:, 0], 0.8 * (np.cos(angle) * basis[:, 0] + np.sin(angle) * basis[:, 1])])


def _compilation() -> FigureTable:
    """Time to turn a kernel into its polynomials, which a process does once for each, and their degrees."""
    compile_anew = compiled_kernel.__wrapped__
    rows: list[list[float | str]] = []
    for activation in ("relu", "erf", "gelu", "tanh"):
        for depth in (1, 3, 10):
            architecture = Architecture(activation, depth)
            series = compiled_kernel("ntk", architecture)
            milliseconds = 1e3 * elapsed(partial(compile_anew, "ntk", architecture))
            rows.append([f"{activation}, depth {depth}", milliseconds, len(series.near) - 1, len(series.far) - 1])
    columns = ["", "ms", "degree below 90 degrees", "degree above"]
    return FigureTable(title="Compiling an NTK to polynomials", columns=columns, rows=rows)
