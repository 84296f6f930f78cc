"""Parametrisations: how the scale of a layer's weights and of its updates goes with width and depth.

A parametrisation writes the weights of a layer as W = a w, draws w and trains it at the rate eta c (Yang and Hu 2021). Only
two numbers of it can be seen from W: its variance, and the rate at which it moves, a^2 c eta under gradient descent and a c eta
under Adam, whose steps do not depend on the size of the gradient. So the networks here hold W, and each layer has a rate of its
own. Standard library only.
"""

from math import sqrt

from initatlas.networks.training_settings import NetworkSettings, TrainingSettings


def layer_variances(settings: TrainingSettings, network: NetworkSettings, input_dim: int) -> list[tuple[float, float]]:
    """Variance of the weights and of the biases of every layer, read-out last.

    Parameters
    ----------
    settings
        Shape, parametrisation and residual connections.
    network
        sigma_w^2 and sigma_b^2.
    input_dim
        Number of inputs d.

    Notes
    -----
    Hidden weights have sigma_w^2 over the fan-in, the read-out's 1 over the fan-in; with mup (Yang et al. 2022, table 3) that
    times base_width over the width. Depth-scaled branches are divided by sqrt(depth), so their variances by the depth.
    """
    fans = [input_dim, *[settings.width] * settings.depth]
    branch = settings.depth if settings.residual == "scaled" else 1
    hidden = [
        (network.weight_variance / fan_in / by, network.bias_variance / by)
        for fan_in, by in zip(fans[:-1], [1, *[branch] * (settings.depth - 1)], strict=False)
    ]
    return [*hidden, (1 / fans[-1] / (_widening(settings) if settings.parametrisation == "mup" else 1), 0.0)]


def layer_rates(settings: TrainingSettings, input_dim: int) -> list[tuple[float, float]]:
    """Factors on the learning rate of the weights and of the biases of every layer, read-out last.

    Parameters
    ----------
    settings
        Shape, parametrisation, residual connections and optimiser.
    input_dim
        Number of inputs d.

    Notes
    -----
    With the fan-in n of a layer, and m the width over base_width:

    - standard: 1.
    - ntk (Jacot et al. 2018): weights are w / sqrt(n), so 1 / n under gradient descent and 1 / sqrt(n) under Adam, biases 1;
      sigma_w stands in the law of w.
    - mup (Yang et al. 2022, table 3): under gradient descent m for the first layer and the hidden biases, 1 for hidden weights,
      1 / m for the read-out's; under Adam 1 for the first layer and all biases, 1 / m for the other weights.

    Depth-scaled branches: over the depth. Under Adam too, where the multiplier gives 1 / sqrt(depth), and coherent steps of all
    branches need another 1 / sqrt(depth) (Yang et al. 2023, table 1).
    """
    fans = [input_dim, *[settings.width] * settings.depth]
    rates = [_rates(settings, layer, fan_in) for layer, fan_in in enumerate(fans)]
    if settings.residual == "scaled":
        rates[1:-1] = [(weight / settings.depth, bias / settings.depth) for weight, bias in rates[1:-1]]
    return rates


def _widening(settings: TrainingSettings) -> float:
    """Width over the base width; 1 for a linear model, which has none."""
    return settings.width / settings.base_width if settings.depth else 1.0


def _rates(settings: TrainingSettings, layer: int, fan_in: int) -> tuple[float, float]:
    """Factors of one layer, but for a branch's."""
    adam, last, wide = settings.optimiser == "adam", layer == settings.depth, _widening(settings)
    match settings.parametrisation:
        case "standard":
            return 1.0, 1.0
        case "ntk":
            return (1.0 / sqrt(fan_in) if adam else 1.0 / fan_in), 1.0
        case "mup" if adam:
            return (1.0 if layer == 0 else 1.0 / wide), 1.0
        case "mup":
            hidden = wide if layer == 0 else 1.0
            return (1.0 / wide, 1.0) if last else (hidden, wide)
