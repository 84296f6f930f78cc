"""A kernel that no module of ours knows: of a convolutional network of infinite width, in one file as docs/kernels.md says."""

from dataclasses import dataclass

import numpy as np

from initatlas.activations.base import activation_of
from initatlas.kernels.kernel import Kernel


@dataclass(frozen=True)
class Convolution(Kernel):
    """NNGP and NTK of one convolutional layer with periodic borders, and a dense output over all its pixels.

    Weights have variance 1 / patch in the convolution and 2 / (channels pixels) in the output (Arora et al. 2019, section 4).
    """

    signals: np.ndarray
    patch: int = 3
    activation: str = "relu"

    names = ("nngp", "ntk")
    side = 16

    @property
    def shape(self):
        return len(self.signals), len(self.signals)

    def modules(self):
        return (__name__, f"initatlas.activations.{self.activation}")

    def block(self, rows, columns, *, threads=1):
        dual = activation_of(self.activation).dual
        patches = np.stack([np.roll(self.signals, shift, axis=1) for shift in range(self.patch)], axis=-1)
        norms = np.mean(patches**2, axis=-1)
        covariance = np.einsum("ipk,jpk->ijp", patches[rows], patches[columns]) / self.patch
        p, q = norms[rows, None], norms[None, columns]
        theta = np.arccos(np.clip(covariance / np.sqrt(p * q), -1.0, 1.0))
        nngp = 2.0 * dual.product(p, q, theta)
        yield nngp.mean(axis=-1)
        yield (nngp + 2.0 * dual.derivative(p, q, theta) * covariance).mean(axis=-1)
