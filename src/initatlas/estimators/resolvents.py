"""Ridge regression and gradient flow as sums of resolvents, Re sum c (K + s)^-1, for matrices too large to decompose."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log

import numpy as np

from initatlas.arrays import Doubles
from initatlas.estimators.leave_one_out import Numbers, talbot

CONTOUR_RATE = 3.89
"""By how much the error of Talbot's contour falls with every point."""


@dataclass(frozen=True)
class Resolvents:
    """g(K) = Re sum weights (K + shifts)^-1.

    Attributes
    ----------
    shifts, weights
        Shape (m,).
    """

    shifts: Numbers
    weights: Numbers

    @property
    def reaches(self) -> Doubles:
        """The largest norm of every term on positive semidefinite matrices, shape (m,)."""
        distances = np.where(self.shifts.real >= 0.0, np.abs(self.shifts), np.abs(self.shifts.imag))
        largest: Doubles = np.abs(self.weights) / distances
        return largest

    def tolerances(self, wanted: float) -> list[float]:
        """How small the residual of every system is to be, relative to its right side: the smaller its term, the larger."""
        return [min(float(wanted * self.reaches.max() / reach), 1.0) for reach in self.reaches]

    def combined(self, values: Sequence[Numbers]) -> Doubles:
        """Re sum weights X, from X for every shift."""
        terms = [(weight * value).real for weight, value in zip(self.weights, values, strict=True)]
        combined: Doubles = np.sum(terms, axis=0)
        return combined

    def fitted(self, targets: Doubles, values: Sequence[Numbers], residuals: Sequence[Numbers]) -> Doubles:
        """K g(K) Y, as far as X and the residuals Y - (K + s) X are known: K X = Y - s X - residual."""
        rows = zip(self.shifts, values, residuals, strict=True)
        return self.combined([targets - shift * value - residual for shift, value, residual in rows])

    def error(self, residuals: Sequence[Numbers]) -> float:
        """Bound of the norm of what g(K) Y is off, from the residuals, for any positive semidefinite K."""
        return float(self.reaches @ [np.linalg.norm(residual) for residual in residuals])


def ridge_resolvents(ridge: float) -> Resolvents:
    """(K + ridge)^-1."""
    return Resolvents(np.array([ridge]), np.ones(1))


def flow_resolvents(tau: float, accuracy: float) -> Resolvents:
    """(1 - exp(-tau K)) / K, to some accuracy relative to tau.

    It is the inverse Laplace transform, from s to tau, of 1 / (s (s + K)), taken by Talbot's contour
    (`initatlas.estimators.leave_one_out.talbot`).
    """
    nodes, weights = talbot(2 * ceil(0.5 * log(1.0 / accuracy) / log(CONTOUR_RATE)) + 4)
    return Resolvents(nodes / tau, weights / nodes)
