"""What training one network costs: a rough model of time and memory.

It sizes batches and chooses a backend while the workflow is being planned: standard library only.
"""

from itertools import pairwise

from initatlas.activations.base import activation_of
from initatlas.networks.loop_form import TANH, loop_form
from initatlas.networks.padding import padded
from initatlas.networks.training_settings import CURVE_INPUTS, NORM_INPUTS, TrainingSettings

EVALUATION_CHUNK = 256
"""Inputs per pass when a whole split is evaluated."""

# By PyTorch.
_PRODUCT_SECONDS = 3.4e-11  # one multiplication and addition inside a GEMM
_UNIT_SECONDS = 3.6e-10  # one hidden unit, one input: bias and activation, there or back
_SCORE_SECONDS = 1.4e-7  # softmax, loss and class of one input
_CALL_SECONDS = 1.4e-6  # one call of PyTorch, shared by a full group
_WEIGHT_SECONDS = 5e-10  # one weight in one element-wise step of an optimiser

# By the compiled loop.
_LOOP_PRODUCT_SECONDS = 2e-11
_LOOP_UNIT_SECONDS = 3e-11
_LOOP_TANH_SECONDS = 7.3e-10  # one hidden unit, one input, forward
_LOOP_SCORE_SECONDS = 2.8e-7
_LOOP_STEP_SECONDS = 2.5e-7  # one minibatch
_LOOP_ADAM_SECONDS = 4.7e-10  # one weight in one step
_IMAGE_SHARE = 0.55  # of the first layer's products, where the inputs are mostly background

_DRAW_SECONDS = 1.2e-8  # one initial weight, drawn and put in its place
_LAYER_SECONDS = 4e-5  # one layer

_GROUP = {"cpu": 16, "cuda": 512}
_GROUP_MEGABYTES = {"cpu": 256.0, "cuda": 8192.0}


def networks_at_once(settings: TrainingSettings, input_dim: int) -> int:
    """How many networks share one call of PyTorch, and are held in memory at once; the results do not depend on it.

    On a CPU core 16 networks spread the cost of a call thin enough; more of them only leave the cache.

    Parameters
    ----------
    settings
        Shape of the networks.
    input_dim
        Number of inputs d.
    """
    room = _GROUP_MEGABYTES[settings.device] / _network_megabytes(settings, input_dim)
    return max(1, min(_GROUP[settings.device] // settings.halves, int(room)))


def training_megabytes(settings: TrainingSettings, input_dim: int, n_train: int, n_test: int) -> float:
    """Memory that `train_networks` takes beyond PyTorch itself: the data, and one group of networks.

    Parameters
    ----------
    settings
        Shape and schedule of the networks.
    input_dim
        Number of inputs d.
    n_train, n_test
        Sizes of the splits.

    Returns
    -------
    float
        Megabytes (10^6 bytes), rough.
    """
    data = 4e-6 * (n_train + n_test) * padded(input_dim)
    # Scores of a split: float32 on the device, then Python floats.
    scores = 40e-6 * max(n_train, n_test)
    return 2 * data + networks_at_once(settings, input_dim) * (_network_megabytes(settings, input_dim) + scores)


def _weights(settings: TrainingSettings, input_dim: int) -> int:
    """Weights of one padded network."""
    fans = [padded(input_dim), *[padded(settings.width)] * settings.depth, padded(settings.outputs)]
    return sum(fan_in * fan_out for fan_in, fan_out in pairwise(fans))


def _network_megabytes(settings: TrainingSettings, input_dim: int) -> float:
    """Parameters, optimiser state and hidden layers of one network."""
    copies = {"sgd": 3 if settings.momentum else 2, "adam": 6}[settings.optimiser]
    batch = max(settings.batch_size, EVALUATION_CHUNK)
    layers = settings.depth * (1 if settings.residual == "none" else 2) + 2
    hidden = batch * (padded(settings.width) * layers + padded(input_dim))
    return settings.halves * 4e-6 * (copies * _weights(settings, input_dim) + 2 * hidden)


def training_seconds(
    settings: TrainingSettings, input_dim: int, n_train: int, n_test: int, *, images: bool = False
) -> float:
    """Time to train and evaluate one network of a full group on one CPU core.

    Fitted to runs of 16 networks each on one core that multiplies matrices at 105 GFLOP/s: those of the loop (27 of width
    8 to 256, depth 2 to 32, d = 64 and 784, every optimiser) lie within 6 %, those by PyTorch within a factor of 2.

    Parameters
    ----------
    settings
        Shape and schedule of the networks.
    input_dim
        Number of inputs d.
    n_train, n_test
        Sizes of the splits.
    images
        Whether the inputs are mostly background, see `initatlas.networks.inputs`.

    Returns
    -------
    float
        Seconds, rough. On CUDA far fewer.
    """
    seen = n_test + min(n_train, CURVE_INPUTS)
    evaluated = n_train + n_test + NORM_INPUTS + (settings.evaluations - 1) * seen
    form = loop_form(activation_of(settings.activation)) if settings.device == "cpu" else None
    if form is None:
        return settings.halves * _pytorch_seconds(settings, input_dim, evaluated)
    share = _IMAGE_SHARE if images else 1.0
    return settings.halves * _loop_seconds(settings, input_dim, evaluated, share, is_tanh=form[0] == TANH)


def _loop_seconds(settings: TrainingSettings, input_dim: int, evaluated: int, share: float, *, is_tanh: bool) -> float:
    """Time by the compiled loop, with so many inputs evaluated and so much of the first layer multiplied.

    Inputs of the network need no gradient.
    """
    weights, units = _weights(settings, input_dim), padded(settings.width) * settings.depth
    first = padded(input_dim) * padded(settings.width if settings.depth else settings.outputs)
    seen = settings.steps * settings.batch_size
    forward = seen + evaluated
    return (
        (3 * seen + evaluated) * (weights - first) * _LOOP_PRODUCT_SECONDS
        + (2 * seen + evaluated) * first * share * _LOOP_PRODUCT_SECONDS
        + (seen + forward) * units * _LOOP_UNIT_SECONDS
        + forward * units * (_LOOP_TANH_SECONDS if is_tanh else 0.0)
        + evaluated * _LOOP_SCORE_SECONDS
        + settings.steps
        * (_LOOP_STEP_SECONDS + (weights * _LOOP_ADAM_SECONDS if settings.optimiser == "adam" else 0.0))
        + weights * _DRAW_SECONDS
        + (settings.depth + 1) * _LAYER_SECONDS
    )


def _pytorch_seconds(settings: TrainingSettings, input_dim: int, evaluated: int) -> float:
    """Time by PyTorch, with so many inputs evaluated."""
    weights, units = _weights(settings, input_dim), padded(settings.width) * settings.depth
    passes = 3 * settings.steps * settings.batch_size + evaluated
    per_unit = _UNIT_SECONDS + 1e-9 * activation_of(settings.activation).training_nanoseconds
    sweeps_over_weights = {"sgd": 2 if settings.momentum else 0, "adam": 20}[settings.optimiser]
    return (
        passes * (weights * _PRODUCT_SECONDS + units * per_unit)
        + evaluated * _SCORE_SECONDS
        + settings.steps * (6 * settings.depth + 12) * _CALL_SECONDS
        + settings.steps * sweeps_over_weights * weights * _WEIGHT_SECONDS
    )
