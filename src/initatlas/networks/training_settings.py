"""What a training run is told: kept apart from PyTorch, so that a workflow can plan with it.

Standard library only.
"""

from dataclasses import dataclass
from typing import Literal

CURVE_INPUTS = 1024
"""Training inputs on which the training curve's loss is taken."""

NORM_INPUTS = 128
"""Training inputs on which the norm ratio is taken."""

LossName = Literal["cross_entropy", "squared_mean", "squared_sum", "squared_half_sum"]
"""Cross entropy of classes, mean over a minibatch; squared error of numbers: mean, sum, or half the sum over a minibatch."""

Parametrisation = Literal["standard", "ntk", "mup"]
"""See `initatlas.networks.parametrisations`."""

Residual = Literal["none", "plain", "scaled"]
"""Whether a hidden layer adds to the pre-activations before it, and whether it is multiplied by 1 / sqrt(depth) before."""

SmallActivation = Literal["tanh", "relu", "identity"]
"""Activations of the small networks that are trained one by one in double precision."""


@dataclass(frozen=True)
class TrainingSettings:
    """What all networks of a batch share.

    Attributes
    ----------
    width, depth
        `depth` hidden layers of `width` units each.
    activation
        Label of `initatlas.activations.base.ACTIVATIONS`.
    outputs
        Number of outputs; of classes, where the targets are classes.
    steps
        Number of minibatch updates.
    batch_size
        Inputs per minibatch.
    optimiser
        ``sgd`` or ``adam``.
    momentum
        Heavy-ball momentum of ``sgd``, in [0, 1); not read by ``adam``.
    evaluations
        Number of points of the training curve, from step 0 to the last, or the last alone;
        see `initatlas.networks.training.evaluation_steps`.
    device
        Where to train. Bit-identical records are promised on ``cpu`` only.
    loss
        What is minimised; see `initatlas.networks.losses`.
    parametrisation, base_width
        How variances and learning rates go with the width; see `initatlas.networks.parametrisations`.
    residual
        Without: h_l = phi(W_l h_(l-1) + b_l). With: z_1 = W_1 x + b_1, z_l = z_(l-1) + W_l phi(z_(l-1)) + b_l and h_l = phi(z_l);
        ``scaled`` divides W_l and b_l from the second layer on by sqrt(depth).
    mirrored
        Whether a network is (g_1 - g_2) / sqrt(2), with two networks g that are equal at initialisation: it starts at 0.
    """

    width: int
    depth: int
    activation: str
    outputs: int
    steps: int
    batch_size: int
    optimiser: Literal["sgd", "adam"]
    momentum: float
    evaluations: int
    device: Literal["cpu", "cuda"]
    loss: LossName = "cross_entropy"
    parametrisation: Parametrisation = "standard"
    base_width: int = 64
    residual: Residual = "none"
    mirrored: bool = False

    @property
    def halves(self) -> int:
        """Networks that one network is made of."""
        return 2 if self.mirrored else 1


@dataclass(frozen=True)
class NetworkSettings:
    """What one network has of its own.

    Attributes
    ----------
    weights
        Weight distribution, a label of `initatlas.weights.base.WEIGHTS`.
    weight_variance
        sigma_w^2 of the mean-field literature: every hidden layer has Var(W) = sigma_w^2 / fan_in. The read-out has
        variance 1 / fan_in whatever sigma_w^2 is, so that the first logits differ only by what the hidden layers do.
    bias_variance
        sigma_b^2: Gaussian biases of this variance in the hidden layers. The read-out's biases start at 0.
    learning_rate
        Step size of the optimiser.
    """

    weights: str
    weight_variance: float
    bias_variance: float
    learning_rate: float
