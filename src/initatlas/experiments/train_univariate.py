"""Train a univariate ReLU network on a function, exactly, and look at it in function space on the way.

Sahs et al. 2020. The network starts at drawn weights; or, with one hidden layer, at breakpoints that lie over the whole interval;
or at a spiky function.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import nan
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from initatlas.experiments.target_labels import TargetLabel, check_interval, evenly_spaced, target_function
from initatlas.piecewise.descent_cost import LOOK_SECONDS, update_seconds
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.piecewise.descent import Descent
    from initatlas.piecewise.starts import Parameters as Network
    from initatlas.piecewise.trained import View


class TrainUnivariateParameters(Parameters):
    """One network, its start, its data and its training."""

    target: TargetLabel = Field(default="sine", description="function that it learns")
    low: float = Field(default=-2.0, description="left end of the interval")
    high: float = Field(default=2.0, description="right end of the interval")
    samples: int = Field(default=401, ge=1, description="training points")
    sampling: Literal["grid", "random"] = Field(
        default="grid", description="training points: evenly spaced with both ends, or drawn uniformly"
    )
    gap: float = Field(
        default=0.0, ge=0, description="training points nearer to the middle of the interval are left out"
    )
    test_samples: int = Field(default=401, ge=2, description="test points, evenly spaced with both ends")
    width: int = Field(default=21, ge=1, description="units per hidden layer")
    depth: int = Field(default=1, ge=1, description="number of hidden layers")
    scheme: Literal["he", "glorot", "pytorch"] = Field(
        default="he",
        description="weights: N(0, 2 / fan-in), N(0, 2 / (fan-in + fan-out)), or uniform within 1 / sqrt(fan-in)",
    )
    biases: Literal["pytorch", "normal"] = Field(
        default="pytorch", description="biases: uniform within 1 / sqrt(fan-in), or N(0, bias_deviation^2)"
    )
    bias_deviation: float = Field(default=1.0, ge=0, description="standard deviation of normal biases")
    scale: float = Field(default=1.0, gt=0, description="factor of all weights and biases at the start")
    start: Literal["drawn", "uniform", "spiky", "folding"] = Field(
        default="drawn",
        description=(
            "the drawn network; the same function with its breakpoints all over the interval (one hidden layer); a spiky "
            "function, which a deeper network is first trained to; or the network of most pieces, whose layers fold the interval"
        ),
    )
    knots: Literal["random", "even"] = Field(
        default="random", description="breakpoints that are placed in the interval"
    )
    norms: Literal["balanced", "unit"] = Field(
        default="balanced",
        description="units that are placed: input and output weight of one size, or input weights of size 1",
    )
    noise: float = Field(default=0.01, ge=0, description="standard deviation of the values at placed breakpoints")
    spikes: float = Field(default=2.0, gt=0, description="largest value of a spiky function at its knots")
    spiky_knots: int = Field(
        default=20, ge=1, description="knots of the spiky function that a deep network is trained to"
    )
    pretraining: int = Field(default=10_000, ge=1, description="updates that train a deep network to a spiky function")
    optimiser: Literal["gd", "adam", "sgd_batch_norm"] = Field(
        default="gd",
        description=(
            "descent or Adam over all data in each step; or descent over batches, with batch normalisation before the rectifiers "
            "(one hidden layer, drawn start)"
        ),
    )
    batch: int = Field(
        default=50, ge=2, description="training points in a batch of `sgd_batch_norm`; an epoch has them all"
    )
    learning_rate: float = Field(default=1e-4, gt=0, description="step size of the optimiser")
    loss: Literal["half_sum", "sum", "mean"] = Field(
        default="half_sum", description="of the squared residuals, what the optimiser descends"
    )
    epochs: int = Field(default=10_000, ge=0, description="updates")
    records: int = Field(
        default=2, ge=1, description="times at which the network is looked at, the last one at the end"
    )
    spacing: Literal["even", "tenfold"] = Field(
        default="even",
        description="looks: evenly spaced; or, behind the start, each after ten times as many updates as the one before",
    )
    inner: float = Field(
        default=0.5, gt=0, description="half the width of the window around the middle of the interval"
    )
    curve_points: int = Field(default=2, ge=2, description="places at which the function is recorded, with both ends")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        """Refuse an empty interval, placed breakpoints in deep networks, and more records than updates."""
        check_interval(self.low, self.high, self.gap)
        if self.start == "uniform" and self.depth > 1:
            raise ValueError(
                f"start = uniform with depth = {self.depth}: breakpoints can be placed in one hidden layer alone"
            )
        if self.optimiser == "sgd_batch_norm" and (self.depth > 1 or self.start != "drawn"):
            raise ValueError(
                f"optimiser = sgd_batch_norm with depth = {self.depth}, start = {self.start}: take 1 and drawn"
            )
        recorded = recorded_epochs(self)
        if len({*recorded}) < len(recorded):
            raise ValueError(
                f"records = {self.records} with epochs = {self.epochs}, spacing = {self.spacing}: two looks after as many updates"
            )
        return self


def _coordinates(parameters: TrainUnivariateParameters) -> Mapping[str, Coordinate]:
    """Records, layers, units of the first layer, and places of the curve."""
    return {
        "record": Coordinate(range(parameters.records), "time at which the network is looked at"),
        "layer": Coordinate(range(1, parameters.depth + 1), "hidden layer"),
        "unit": Coordinate(range(parameters.width), "unit of the first hidden layer, from left to right"),
        "place": _places(parameters.low, parameters.high, parameters.curve_points),
    }


@lru_cache(maxsize=64)
def _places(low: float, high: float, count: int) -> Coordinate:
    """Evenly spaced places with both ends."""
    return Coordinate([low + (high - low) * i / (count - 1) for i in range(count)], "input")


def _run(
    points: Sequence[TrainUnivariateParameters], rngs: Sequence["np.random.Generator"], data: Any
) -> list[dict[str, Any]]:
    """Each point is one network."""
    return [_trained(point, rng) for point, rng in zip(points, rngs, strict=True)]


def _trained(point: TrainUnivariateParameters, rng: "np.random.Generator") -> dict[str, Any]:
    """Train one network and look at it."""
    import numpy as np

    target = target_function(point.target, point.low, point.high)
    x = _training_inputs(point, rng)
    y = target(x)
    epochs = recorded_epochs(point)
    networks = _networks(point, (x, y), epochs, rng)
    test = np.linspace(point.low, point.high, point.test_samples)
    looks = [_look(point, network, (x, y), (test, target(test))) for network in networks]
    outputs = {name: np.stack([look[name] for look in looks]) for name in looks[0]}
    return {"epoch": np.array(epochs), "diverged": networks[-1] is None, **outputs}


def _networks(
    point: TrainUnivariateParameters,
    train: tuple["np.ndarray", "np.ndarray"],
    epochs: list[int],
    rng: "np.random.Generator",
) -> "list[Network | None]":
    """The network after some numbers of epochs."""
    from initatlas.piecewise.normalised_descent import train_normalised
    from initatlas.piecewise.starts import layers_of, shallow_of
    from initatlas.piecewise.trained import if_usable, trained

    start = _start(point, rng)
    if point.optimiser != "sgd_batch_norm":
        return trained(start, *train, _descent(point), record=epochs)
    networks = train_normalised(shallow_of(start), *train, _descent(point), batch=point.batch, record=epochs, rng=rng)
    return [None if one is None else if_usable(layers_of(one)) for one in networks]


def recorded_epochs(point: TrainUnivariateParameters) -> list[int]:
    """Numbers of updates after which the network is looked at."""
    if point.records == 1:
        return [point.epochs]
    last = point.records - 1
    if point.spacing == "tenfold":
        return [0, *(round(point.epochs * 0.1 ** (last - place)) for place in range(1, point.records))]
    return [round(point.epochs * place / last) for place in range(point.records)]


def _training_inputs(point: TrainUnivariateParameters, rng: "np.random.Generator") -> "np.ndarray":
    """Training points outside the gap, in order."""
    import numpy as np

    if point.sampling == "grid":
        return evenly_spaced(point.low, point.high, point.gap, point.samples)
    middle, reach = 0.5 * (point.low + point.high), 0.5 * (point.high - point.low)
    along = rng.uniform(-1.0, 1.0, point.samples)
    return np.sort(middle + np.sign(along) * (point.gap + (reach - point.gap) * abs(along)))


def _start(point: TrainUnivariateParameters, rng: "np.random.Generator") -> "Network":
    """The network before training."""
    from initatlas.piecewise.starts import (
        drawn,
        folding,
        knots_between,
        layers_of,
        realised,
        shallow_of,
        spiky,
        with_breakpoints,
    )

    hidden, ends = [point.width] * point.depth, {"low": point.low, "high": point.high}
    if point.start == "folding":
        return folding(hidden, **ends)
    network = drawn(
        hidden,
        scheme=point.scheme,
        biases=point.biases,
        bias_deviation=point.bias_deviation,
        scale=point.scale,
        rng=rng,
    )
    if point.start == "drawn":
        return network
    count = point.width - 1 if point.depth == 1 else point.spiky_knots  # a unit is left over for the slope on the left
    knots = knots_between(**ends, count=count, kind=point.knots, rng=rng)
    if point.start == "spiky":
        function = spiky(knots, **ends, height=point.spikes, rng=rng)
    else:
        function = with_breakpoints(shallow_of(network), knots, **ends, noise=point.noise, rng=rng)
    if point.depth == 1:
        return layers_of(realised(function, low=point.low, norms=point.norms))
    return _pretrained(point, network, function)


def _pretrained(point: TrainUnivariateParameters, network: "Network", function: Any) -> "Network":
    """A deep network trained to a function at the test points."""
    import numpy as np

    from initatlas.piecewise.trained import trained

    x = np.linspace(point.low, point.high, point.test_samples)
    (run,) = trained(network, x, function(x), _descent(point), record=[point.pretraining])
    if run is None:
        raise ValueError("the network diverged before it had learned the spiky function; take a smaller learning_rate")
    return run


def _descent(point: TrainUnivariateParameters) -> "Descent":
    """How the network is trained."""
    from initatlas.piecewise.descent import Descent

    optimiser: Literal["gd", "adam"] = "adam" if point.optimiser == "adam" else "gd"
    return Descent(point.learning_rate, loss=point.loss, optimiser=optimiser)


def _look(
    point: TrainUnivariateParameters,
    network: "Network | None",
    train: tuple["np.ndarray", "np.ndarray"],
    test: tuple["np.ndarray", "np.ndarray"],
) -> dict[str, Any]:
    """What is recorded of a network at one time; nan once it is no longer finite."""
    import numpy as np

    from initatlas.piecewise.trained import half_sum, view

    if network is None:
        shapes = {"layer": point.depth, "unit": point.width, "place": point.curve_points}
        return {output.name: np.full([shapes[dim] for dim in output.dims[1:]], nan) for output in LOOKS}
    seen = view(network)
    return {
        "train_loss": half_sum(seen.function, *train),
        "test_loss": half_sum(seen.function, *test),
        **_counts(point, seen),
        **_first_layer(point, seen),
        "curve": seen.function(np.array(_places(point.low, point.high, point.curve_points).values)),
    }


def _counts(point: TrainUnivariateParameters, seen: "View") -> dict[str, Any]:
    """Breakpoints, pieces and roughness."""
    import numpy as np

    def by_layer(layers: "np.ndarray") -> "np.ndarray":
        return np.bincount(layers - 1, minlength=point.depth).astype(float)

    breaks = seen.breakpoints
    within = breaks.within(point.low, point.high)
    middle = 0.5 * (point.low + point.high)
    inner = (middle - point.inner, middle + point.inner)
    knots = seen.function.knots
    return {
        "breakpoints": by_layer(breaks.layers),
        "breakpoints_within": by_layer(within.layers),
        "active": by_layer(breaks.layers[breaks.active]),
        "active_within": by_layer(within.layers[within.active]),
        "pieces": float(knots.size + 1),
        "pieces_within": float(((knots > point.low) & (knots < point.high)).sum() + 1),
        "roughness": seen.function.roughness(),
        "roughness_within": seen.function.roughness(point.low, point.high),
        "roughness_inner": seen.function.roughness(*inner),
        "roughness_by_layer": breaks.roughness(point.depth),
        "roughness_by_layer_within": within.roughness(point.depth),
    }


def _first_layer(point: TrainUnivariateParameters, seen: "View") -> dict[str, "np.ndarray"]:
    """Where the units of the first layer break, and what the output's slope does there; in order of place."""
    import numpy as np

    first = seen.breakpoints.layers == 1
    places, jumps = seen.breakpoints.positions[first], seen.breakpoints.jumps[first]
    missing = np.full(point.width - places.size, nan)  # units with an input weight of 0
    return {"breakpoint": np.concatenate([places, missing]), "jump": np.concatenate([jumps, missing])}


def _seconds(parameters: TrainUnivariateParameters) -> float:
    """Updates by the pieces of the network, on the data and before on the spiky function; and looks."""
    width, depth, adam = parameters.width, parameters.depth, parameters.optimiser == "adam"
    if parameters.optimiser == "sgd_batch_norm":
        training = parameters.epochs * parameters.samples * (2.6e-8 + 7e-10 * width)
    else:
        training = parameters.epochs * update_seconds(width, depth, parameters.samples, adam=adam)
    if parameters.start == "spiky" and depth > 1:
        training += parameters.pretraining * update_seconds(width, depth, parameters.test_samples, adam=adam)
    return training + LOOK_SECONDS * (parameters.records + 1)


_DIVERGED = "the network diverged"


def _looked(
    name: str, long_name: str, units: str = "1", dims: tuple[str, ...] = (), nan_means: str = _DIVERGED
) -> Output:
    """An output of every look."""
    return Output(name, long_name, units, dims=("record", *dims), nan_means=nan_means)


LOOKS = (
    _looked("train_loss", "half the sum of the squared residuals at the training points"),
    _looked("test_loss", "half the sum of the squared residuals at the test points"),
    _looked("breakpoints", "breakpoints of all units, everywhere", dims=("layer",)),
    _looked("breakpoints_within", "breakpoints of all units inside the interval", dims=("layer",)),
    _looked("active", "breakpoints at which the output bends, everywhere", dims=("layer",)),
    _looked("active_within", "breakpoints at which the output bends, inside the interval", dims=("layer",)),
    _looked("pieces", "pieces of the function, everywhere"),
    _looked("pieces_within", "pieces of the function inside the interval"),
    _looked("roughness", "sum of the squared changes of the slope, everywhere"),
    _looked("roughness_within", "sum of the squared changes of the slope inside the interval"),
    _looked("roughness_inner", "sum of the squared changes of the slope within `inner` of the middle"),
    _looked("roughness_by_layer", "sum of the squared changes of the slope that a layer's units make", dims=("layer",)),
    _looked(
        "roughness_by_layer_within",
        "sum of the squared changes of the slope that a layer's units make inside the interval",
        dims=("layer",),
    ),
    _looked(
        "breakpoint",
        "breakpoint of a unit of the first layer",
        dims=("unit",),
        nan_means=f"{_DIVERGED}, or the unit has an input weight of 0",
    ),
    _looked(
        "jump",
        "change of the output's slope at the breakpoint of a unit of the first layer",
        dims=("unit",),
        nan_means=f"{_DIVERGED}, or the unit has an input weight of 0",
    ),
    _looked("curve", "function", dims=("place",)),
)

EXPERIMENT = Experiment(
    summary="A univariate ReLU network that learns a function: losses, breakpoints, pieces and roughness during training.",
    parameters=TrainUnivariateParameters,
    outputs=(
        Output("epoch", "updates done", dims=("record",), dtype="int64"),
        Output("diverged", "whether the network stopped being finite", dtype="bool"),
        *LOOKS,
    ),
    run=_run,
    static=("depth", "width", "records", "curve_points", "low", "high"),
    coordinates=_coordinates,
    seconds=_seconds,
)
