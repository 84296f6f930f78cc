"""Systems (K + s) X = Y with several shifts s, real or complex, by block conjugate gradients that share their products with K.

A matrix in a file is read once per product, whatever the number of columns. Products may be in single precision: what they leave
is measured in double precision, and taken as a new right side until it is small (iterative refinement).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, solve

from initatlas.arrays import Doubles
from initatlas.estimators.leave_one_out import Numbers
from initatlas.estimators.nystrom import Nystrom

Multiply = Callable[[Doubles], Doubles]
"""K times real columns, shape (n, m)."""

REDUCTION = 1e-3
"""Of a residual, before it is measured again: single precision leads no further where K is ill-conditioned."""

MOST_PASSES = 300
"""Between two measurements."""


DEPENDENT = 1e-10
"""Share of a column that is left beside the others, below which it counts as one of their combinations."""


@dataclass(frozen=True)
class Matrix:
    """Two ways to multiply with K.

    Attributes
    ----------
    fast
        On the way.
    exact
        To measure what is left.
    """

    fast: Multiply
    exact: Multiply

    @classmethod
    def of(cls, fast: Any, exact: Any) -> "Matrix":
        """From two of `scipy.sparse.linalg.LinearOperator`, or matrices."""
        return cls(
            lambda columns: np.asarray(fast @ columns, dtype=np.float64),
            lambda columns: np.asarray(exact @ columns, dtype=np.float64),
        )


@dataclass(frozen=True)
class Solutions:
    """What was reached.

    Attributes
    ----------
    values
        X for every shift, shape (n, k) each.
    residuals
        Y - (K + s) X for every shift, in double precision.
    converged
        Whether all are as small as was wanted.
    """

    values: list[Numbers]
    residuals: list[Numbers]
    converged: bool


def solve_shifted(
    matrix: Matrix,
    targets: Doubles,
    shifts: Sequence[complex],
    *,
    tolerances: Sequence[float],
    preconditioner: Nystrom,
    start: Sequence[Numbers] | None = None,
    advanced: Callable[[Sequence[Numbers], float], None] = lambda values, residual: None,
) -> Solutions:
    """Solve (K + s) X = Y for all shifts.

    Parameters
    ----------
    matrix
        K, positive semidefinite.
    targets
        Y, shape (n, k).
    shifts
        Real ones above zero, or complex ones off the negative real axis.
    tolerances
        For every shift, the largest |Y - (K + s) X| / |Y| that is wanted, in each column.
    preconditioner
        Close to K.
    start
        X to begin with; zero if None.
    advanced
        Called after every pass over K with X for every shift as it is, from where a later call may start, and with the largest
        residual by its own reckoning, relative to the targets.

    Returns
    -------
    Solutions
        Not converged where a measurement shows no residual halved: products are not exact enough for this shift.

    Notes
    -----
    Conjugate gradients on blocks (O'Leary 1980) whose directions are made orthonormal in every step (Dubrulle 2001), with the
    bilinear product where a shift is complex.
    """
    values = [_typed(np.zeros_like(targets), shift) for shift in shifts] if start is None else list(start)
    residuals = _residuals(matrix, targets, values, shifts)
    norms = _column_norms(targets)
    while True:
        heights = [float(np.max(np.linalg.norm(residual, axis=0) / norms)) for residual in residuals]
        open_ones = [at for at, height in enumerate(heights) if height > tolerances[at]]
        if not open_ones:
            return Solutions(values, residuals, converged=True)
        systems = [
            _System(shifts[at], residuals[at], max(REDUCTION, 0.3 * tolerances[at] / heights[at]), preconditioner)
            for at in open_ones
        ]
        for _ in _passes(matrix.fast, systems):
            advanced(_moved(values, open_ones, systems), max(system.height(norms) for system in systems))
        moved = _moved(values, open_ones, systems)
        left = _residuals(matrix, targets, [moved[at] for at in open_ones], [shifts[at] for at in open_ones])
        better = {
            at: residual
            for at, residual in zip(open_ones, left, strict=True)
            if np.max(np.linalg.norm(residual, axis=0) / norms) < 0.5 * heights[at]
        }
        if not better:
            return Solutions(values, residuals, converged=False)
        for at, residual in better.items():
            values[at], residuals[at] = moved[at], residual


class _System:
    """One shift on the way to a smaller residual."""

    def __init__(self, shift: complex, residual: Numbers, reduction: float, preconditioner: Nystrom) -> None:
        self._shift = _fitting(shift, residual)
        self._preconditioner = preconditioner
        self._residual = residual
        self._goals = reduction * np.linalg.norm(residual, axis=0)
        self.change = np.zeros_like(residual)
        self.directions = _orthonormal(preconditioner.precondition(residual, self._shift))
        self.stuck = False

    @property
    def done(self) -> bool:
        """Whether nothing more is to be gained here."""
        return (
            self.stuck
            or not self.directions.size
            or bool(np.all(np.linalg.norm(self._residual, axis=0) <= self._goals))
        )

    def height(self, norms: Doubles) -> float:
        """The largest residual, relative to norms of the columns."""
        return float(np.max(np.linalg.norm(self._residual, axis=0) / norms))

    def advance(self, product: Numbers) -> None:
        """One step, from K times the directions."""
        p, image = self.directions, product + self._shift * self.directions
        inner = p.T @ image
        try:
            step = solve(inner, p.T @ self._residual)
            residual = self._residual - image @ step
            searched = self._preconditioner.precondition(residual, self._shift)
            self.directions = _orthonormal(searched - p @ solve(inner, image.T @ searched))
        except (LinAlgError, ValueError):
            self.stuck = True
            return
        self.change = self.change + p @ step
        self._residual = residual


def _passes(multiply: Multiply, systems: Sequence[_System]) -> Iterator[None]:
    """Passes over K until every system is done; stops after each."""
    for _ in range(MOST_PASSES):
        moving = [system for system in systems if not system.done]
        if not moving:
            return
        products = _multiplied(multiply, [system.directions for system in moving])
        for system, product in zip(moving, products, strict=True):
            system.advance(product)
        yield


def _multiplied(multiply: Multiply, blocks: Sequence[Numbers]) -> list[Numbers]:
    """K times blocks of columns that may be complex, in one product with real columns."""
    real = [np.ascontiguousarray(block).view(np.float64) for block in blocks]
    ends = np.cumsum([block.shape[1] for block in real])
    parts = np.split(multiply(np.hstack(real)), ends[:-1], axis=1)
    return [_viewed(part, block) for part, block in zip(parts, blocks, strict=True)]


def _viewed(real: Doubles, block: Numbers) -> Numbers:
    """Real columns as those of a block."""
    viewed: Any = np.ascontiguousarray(real).view(block.dtype)
    return viewed  # type: ignore[no-any-return]


def _residuals(matrix: Matrix, targets: Doubles, values: Sequence[Numbers], shifts: Sequence[complex]) -> list[Numbers]:
    """Y - (K + s) X in double precision."""
    products = _multiplied(matrix.exact, values)
    return [
        _left(targets, product, value, shift) for product, value, shift in zip(products, values, shifts, strict=True)
    ]


def _left(targets: Doubles, product: Numbers, value: Numbers, shift: complex) -> Numbers:
    """Y - K X - s X."""
    left: Any = targets - product - _fitting(shift, value) * value
    return left  # type: ignore[no-any-return]


def _moved(values: Sequence[Numbers], places: Sequence[int], systems: Sequence[_System]) -> list[Numbers]:
    """Solutions with the changes of some."""
    changes = {at: system.change for at, system in zip(places, systems, strict=True)}
    return [value + changes[at] if at in changes else value for at, value in enumerate(values)]


def _typed(zeros: Doubles, shift: complex) -> Numbers:
    """Complex where the shift is."""
    return zeros.astype(np.complex128) if isinstance(shift, complex) else zeros


def _fitting(shift: complex, block: Numbers) -> complex:
    """A shift, without an imaginary part where the columns have none."""
    return shift if np.iscomplexobj(block) else shift.real


def _orthonormal(block: Numbers) -> Numbers:
    """A basis of the columns, without what rounding makes of dependent ones: directions of no use would spoil those of use."""
    basis, upper = np.linalg.qr(block)
    independent = np.abs(np.diagonal(upper)) > DEPENDENT * np.linalg.norm(block, axis=0)
    kept: Any = np.ascontiguousarray(basis[:, independent])
    return kept  # type: ignore[no-any-return]


def _column_norms(block: Numbers) -> Doubles:
    """Norms of the columns; 1 for one of zeros."""
    norms: Doubles = np.linalg.norm(block, axis=0)
    return np.where(norms > 0.0, norms, 1.0)
