"""Gram matrices: our compiled kernels, the matrix product that feeds them, and the recursion written out in NumPy."""

from collections.abc import Iterator
from functools import partial

import mpmath
import numpy as np
from numpy.typing import NDArray

from benchmarks.result import Case, FigureTable, Outcome, TimingTable, make_case
from benchmarks.timing import Competitors, elapsed, time_competitors
from initatlas.kernels.gram import KernelName, compiled_nngp_ntk, gram_matrix

Doubles = NDArray[np.float64]

KERNELS: tuple[KernelName, ...] = ("nngp", "ntk")
SIZES = (1000, 3000)
DEPTHS = (1, 3, 10)
INPUTS = 784
ROUNDS = 3
ANGLES = (1e-6, 1e-3, 0.5, 2.0, 3.1415)
DIGITS = 50


def run() -> Outcome:
    """Time the kernels, then check both ways of computing them against 50 digits."""
    rng = np.random.default_rng(0)
    cases = [
        _timed(kernel, n, depth, rng=rng)
        for n, kernel, depth in ((n, kernel, depth) for n in SIZES for kernel in KERNELS for depth in DEPTHS)
    ]
    return Outcome(
        settings={"inputs": INPUTS, "rounds": ROUNDS, "threads": 1, "dtype": "float64", "digits": DIGITS},
        timings=[TimingTable(title="Gram matrix", measure="ms", cases=cases)],
        figures=[_errors(rng=rng), _compilation()],
    )


def _timed(kernel: KernelName, n: int, depth: int, *, rng: np.random.Generator) -> Case:
    """Time one Gram matrix."""
    features = rng.standard_normal((n, INPUTS))
    competitors: Competitors = {
        "matrix product": lambda: features @ features.T,
        "initatlas": partial(gram_matrix, features, kernel=kernel, depth=depth, normalise=False, bias=False),
        "NumPy, arccos": partial(recursion_with_arccos, features, kernel, depth),
    }
    name = f"{kernel.upper()}, n = {n}, depth {depth}"
    return make_case(name, time_competitors(competitors, rounds=ROUNDS, rng=rng))


def recursion_with_arccos(features: Doubles, kernel: KernelName, depth: int) -> Doubles:
    """NNGP or NTK of a ReLU network in the textbook form: layer by layer, on the cosines of whole matrices."""
    norms = np.linalg.norm(features, axis=1)
    scale = np.outer(norms, norms)
    nngp = np.clip(features @ features.T / scale, -1.0, 1.0)
    ntk = nngp.copy()
    for _ in range(depth):
        angle = np.arccos(nngp)
        nngp = np.minimum((np.sqrt(1.0 - nngp**2) + (np.pi - angle) * nngp) / np.pi, 1.0)
        if kernel == "ntk":
            ntk = nngp + ntk * (1.0 - angle / np.pi)
    return scale * (ntk if kernel == "ntk" else nngp)


def reference(x: Doubles, y: Doubles, kernel: KernelName, depth: int) -> mpmath.mpf:
    """Evaluate the same recursion with many digits."""
    with mpmath.workdps(DIGITS):
        a, b = mpmath.matrix(x.tolist()), mpmath.matrix(y.tolist())
        scale = mpmath.norm(a) * mpmath.norm(b)
        nngp = ntk = mpmath.fdot(a, b) / scale
        for _ in range(depth):
            angle = mpmath.acos(nngp)
            nngp = (mpmath.sin(angle) + (mpmath.pi - angle) * nngp) / mpmath.pi
            ntk = nngp + ntk * (1 - angle / mpmath.pi)
        return scale * (ntk if kernel == "ntk" else nngp)


def _errors(*, rng: np.random.Generator) -> FigureTable:
    """Relative errors at pairs of inputs, from nearly equal to nearly opposite."""
    return FigureTable(
        title="Relative error of one entry",
        columns=["angle of the two inputs", "kernel", "entry / diagonal", "initatlas", "NumPy, arccos"],
        rows=[*_error_rows(rng)],
    )


def _error_rows(rng: np.random.Generator) -> Iterator[list[float | str]]:
    """One row per angle, kernel and depth."""
    for angle in ANGLES:
        pair = _pair(angle, rng=rng)
        for kernel in KERNELS:
            for depth in (1, 10):
                exact = reference(pair[0], pair[1], kernel, depth)
                ours = gram_matrix(pair, kernel=kernel, depth=depth, normalise=False, bias=False)
                plain = recursion_with_arccos(pair, kernel, depth)
                errors = [float(abs(value[0, 1] - exact) / abs(exact)) for value in (ours, plain)]
                size = float(exact) / np.sqrt(ours[0, 0] * ours[1, 1])
                yield [f"{angle:g}", f"{kernel.upper()}, depth {depth}", size, *errors]


def _pair(angle: float, *, rng: np.random.Generator) -> Doubles:
    """Two rows of different norms at an angle."""
    basis, _ = np.linalg.qr(rng.standard_normal((INPUTS, 2)))
    return np.stack([1.5 * basis[:, 0], 0.8 * (np.cos(angle) * basis[:, 0] + np.sin(angle) * basis[:, 1])])


def _compilation() -> FigureTable:
    """Time to turn a kernel into its polynomials, which a process does once for each."""
    compile_anew = compiled_nngp_ntk.__wrapped__
    rows: list[list[float | str]] = [
        [f"depth {depth}", *(1e3 * elapsed(partial(compile_anew, kernel, depth)) for kernel in KERNELS)]
        for depth in DEPTHS
    ]
    return FigureTable(title="Compiling a kernel to polynomials (ms)", columns=["", "NNGP", "NTK"], rows=rows)
