"""Sound and spoilt cubes for the claims of atlas: networks that learn up to a border, in depth scales, and not beyond."""

import numpy as np
import xarray as xr
from claim_cubes import Trial, both, changed, copied

STUDY = "atlas"

DEPTHS = [1, 2, 4, 8, 16, 32]
VARIANCES = np.geomspace(0.5, 8.0, 9)
WEIGHTS = ["gaussian", "uniform", "laplace", "multivariate_t(nu=3)"]
SEEDS = 6

HEAVY = "student_t(nu=2.1)"

BORDER = 6.0
"""Depth scales up to which networks learn."""

RATIOS = np.multiply.outer(DEPTHS, np.abs(np.log(VARIANCES / 2.0)))


def depth_scales():
    """Theory's depth scale over the finer grid; infinite at the variance 2."""
    variance = np.geomspace(0.5, 8.0, 129)
    logs = np.abs(np.log(variance / 2.0))
    scale = np.divide(1.0, logs, out=np.full_like(logs, np.inf), where=logs > 1e-12)
    return xr.Dataset({"depth_scale": ("weight_variance", scale)}, {"weight_variance": variance})


def cubes():
    """Accuracy 0.9 where networks learn and 0.1 elsewhere, with little noise; the smaller width learns nothing."""
    learns = np.repeat((RATIOS <= BORDER)[:, :, None], SEEDS, axis=2)
    rng = np.random.default_rng(0)
    accuracy = np.where(learns, 0.9, 0.1) + rng.uniform(-0.005, 0.005, (1, len(WEIGHTS), 2, *learns.shape))
    accuracy[:, :, 0] = 0.0
    dims = ("dataset", "weights", "width", "depth", "weight_variance", "seed")
    coordinates = dict(zip(dims, (["glyphs"], WEIGHTS, [32, 64], DEPTHS, VARIANCES, range(SEEDS)), strict=True))
    digits = xr.Dataset(
        {"test_accuracy": (dims, accuracy[..., :1])}, {**coordinates, "dataset": ["digits"], "seed": [0]}
    )
    maps = boundaries()
    return {
        "trainability": xr.Dataset({"test_accuracy": (dims, accuracy)}, coordinates),
        "trainability_digits": digits,
        "depth_scale": depth_scales(),
        "invariance": learning_curves(),
        "boundary_networks": maps,
        **learning_rates(),
        "init_to_smoothness": functions(),
        **chaos(),
        **{name: maps.isel(network=0) for name in ("boundary", "boundary_near", "boundary_close")},
    }


def losses(best, sizes, axis, seeds=8):
    """A loss that is least at some learning rate for each size, a few percent beside it for each seed."""
    rates = np.geomspace(2.0**-12, 1.0, 25)
    places = np.log(best)[:, None, None] + 0.05 * np.random.default_rng(5).standard_normal((len(sizes), 1, seeds))
    values = 0.1 + (np.log(rates)[None, :, None] - places) ** 2
    return xr.DataArray(
        values, {axis: sizes, "learning_rate": rates, "seed": range(seeds)}, (axis, "learning_rate", "seed")
    )


WIDTHS, LAYERS = np.array([32, 64, 128, 256]), np.array([2, 4, 8, 16])
KEPT, FALLING = np.full(4, 0.04), 0.16 * 2.0 ** -np.arange(4)


def learning_rates():
    """Best rates that stay, and that fall with the size, where theory has them."""

    def cube(name, axis, sizes, **rows):
        loss = xr.concat([losses(best, sizes, axis) for best in rows.values()], name).assign_coords({name: list(rows)})
        return xr.Dataset({"train_loss": loss.expand_dims(dataset=["digits"])})

    return {
        "learning_rate": cube("parametrisation", "width", WIDTHS, standard=FALLING, mup=KEPT),
        "learning_rate_ntk": cube("parametrisation", "width", WIDTHS, ntk=KEPT),
        "learning_rate_cross_entropy": cube("parametrisation", "width", WIDTHS, standard=FALLING),
        "learning_rate_depth": cube("residual", "depth", LAYERS, none=FALLING, scaled=KEPT),
        "coordinate_check": coordinates(),
    }


def coordinates():
    """Signals of the last of two layers that move by as much, or as 1 / sqrt(width), and so do kernels; the first do not move."""
    runs = ["standard", "ntk", "mup"]
    exponents = np.array([0.0, -0.5, 0.0])[:, None, None]
    noise = np.random.default_rng(6).normal(0.0, 0.02, (3, 4, 8))
    change = np.exp(exponents * np.log(WIDTHS)[None, :, None] + noise)
    values = np.zeros((1, 3, 4, 8, 2, 2))
    values[0, ..., 1, 1] = change
    dims = ("dataset", "run", "width", "seed", "evaluation", "layer")
    distance = np.stack([WIDTHS[None, :, None] ** -0.5 * np.exp(noise), change], -1)[None]
    kernels = dict.fromkeys(("kernel_distance", "kernel_change"), (dims[:-1], distance))
    places = {"dataset": ["digits"], "run": range(3), "width": WIDTHS, "evaluation": range(2)}
    coordinates = {**places, "parametrisation": ("run", runs)}
    return xr.Dataset({"signal_change": (dims, values), **kernels}, coordinates)


def moved_best(sweep, best, **where):
    """Other best learning rates, by width."""
    return changed(sweep, "train_loss", lambda loss: losses(best, WIDTHS, "width").broadcast_like(loss), **where)


def parametrisation(of, to):
    """The losses of one parametrisation for another's."""
    return copied("learning_rate", "train_loss", of={"parametrisation": of}, to={"parametrisation": to})


def branches(of, to):
    """The losses of one kind of branches for the other's."""
    return copied("learning_rate_depth", "train_loss", of={"residual": of}, to={"residual": to})


def movement(of, to):
    """The signals of one run for another's."""
    return copied("coordinate_check", "signal_change", of={"run": of}, to={"run": to})


def kernels(output, of, to, **where):
    """Distances or changes of the kernels of one run after training for another's, before it or after."""
    return copied("coordinate_check", output, of={"run": of, "evaluation": 1}, to={"run": to, **where})


def chaos():
    """Tanh networks that learn up to six correlation depths, which are longest at a variance that grows with the bias."""
    biases, variances, depths = [0.0, 0.3], np.geomspace(0.5, 8.0, 9), [2, 4, 8, 16, 32]
    plane = {"bias_variance": biases, "weight_variance": variances}
    logs = np.abs(np.log(variances[None, :] / np.array([1.03, 2.1])[:, None]))
    theory = xr.Dataset({"correlation_depth": (tuple(plane), 1.0 / logs)}, plane)
    ratios = np.array(depths)[None, :, None] * logs[:, None, :]
    noise = np.random.default_rng(8).uniform(-0.005, 0.005, (3, *ratios.shape))
    accuracy = np.where(ratios <= BORDER, 0.9, 0.1) + noise
    dims = ("dataset", "seed", "bias_variance", "depth", "weight_variance")
    coordinates = {"dataset": ["digits"], "depth": depths, **plane}
    networks = xr.Dataset({"test_accuracy": (dims, accuracy[None])}, coordinates)
    return {"trainability_tanh": networks, "edge_of_chaos": theory}


def _symmetric(accuracy):
    """Networks that learn up to six correlation depths which are longest at the middle of the variances."""
    ratio = accuracy.depth * np.abs(np.log(accuracy.weight_variance / 2.0))
    return xr.where(ratio <= BORDER, 0.9, 0.1).broadcast_like(accuracy)


def correlation(change):
    """Spoil theory's correlation depth."""
    return changed("edge_of_chaos", "correlation_depth", change)


def functions():
    """Bending of 2 where networks do not start at 0, of 1 where they do, at every depth, and of nothing before training."""
    coordinates = {
        "dataset": ["digits"],
        "activation": ["relu", "tanh"],
        "mirrored": [False, True],
        "depth": [1, 4],
        "weight_variance": [1.0, 2.0],
        "seed": range(6),
        "evaluation": [0, 1],
    }
    dims = tuple(coordinates)
    noise = np.random.default_rng(7).normal(0.0, 0.02, tuple(len(values) for values in coordinates.values()))
    bending, smoothness = np.exp(noise), 1.5 + noise
    bending[:, :, 0] *= 2.0
    bending[:, :, :, :, 0] *= 10.0
    bending[:, :, 1, :, :, :, 0] = 0.0
    smoothness[:, 1] += 0.5
    smoothness[:, :, 1, ..., 0] = np.nan
    return xr.Dataset({"bending": (dims, bending), "smoothness": (dims, smoothness)}, coordinates)


def bent(sweep_value, **where):
    """Spoil the bending at the norm-preserving variance."""
    return changed("init_to_smoothness", "bending", sweep_value, weight_variance=2.0, activation="relu", **where)


def smooth(by, **where):
    """Spoil the smoothness at initialisation."""
    return changed("init_to_smoothness", "smoothness", lambda value: value + by, evaluation=0, **where)


def learning_curves():
    """Curves that rise to 0.8, with little noise; those of the heavy tails to 0.6."""
    weights = ["gaussian", "laplace", "generalized_normal(beta=0.5)", HEAVY]
    dims = ("dataset", "weights", "width", "seed", "evaluation")
    shape = (1, len(weights), 2, 8, 5)
    rise = np.linspace(0.1, 0.8, 5) - np.array([0.0, 0.0, 0.0, 0.2]).reshape(1, 4, 1, 1, 1)
    accuracy = rise + np.random.default_rng(3).normal(0.0, 0.01, shape)
    coordinates = dict(zip(dims, (["glyphs"], weights, [16, 64], range(8), range(5)), strict=True))
    return xr.Dataset({"curve_test_accuracy": (dims, accuracy)}, coordinates)


def learns_less(label, by):
    """Spoil the curves of some weights at the larger width."""
    return changed("invariance", "curve_test_accuracy", lambda curve: curve - by, weights=label, width=64)


def boundaries():
    """Maps of networks that train up to 2 over the sharpness, not beyond 4, and three times in four, at random, between them."""
    side, rates = 64, np.geomspace(0.5, 8.0, 64)
    shape = (5, side, side)
    random = np.random.default_rng(1).random(shape) < 0.25
    diverged = np.where(rates < 2.0, False, np.where(rates < 4.0, random, True))
    return xr.Dataset(
        {"diverged": (BOUNDARY_DIMS, diverged.astype("int8")), "sharpness": (BOUNDARY_DIMS, np.ones(shape))},
        dict(zip(BOUNDARY_DIMS, (range(5), np.geomspace(0.1, 10.0, side), rates), strict=True)),
    )


BOUNDARY_DIMS = ("network", "weight_variance", "learning_rate")


def fate(change):
    """Spoil which networks diverge."""
    return changed("boundary_networks", "diverged", change)


def among(low, high, value):
    """One fate for all networks whose learning rate times sharpness, which is 1, is in a band."""
    return fate(
        lambda diverged: diverged.where((diverged.learning_rate < low) | (diverged.learning_rate >= high), value)
    )


def scattered(sharpness):
    """Sharpness that scatters about the line of linear stability."""
    return sharpness * np.random.default_rng(2).uniform(0.5, 1.5, sharpness.shape)


def accuracies(change, **where):
    """Spoil the accuracy of networks."""
    return changed("trainability", "test_accuracy", change, **where)


def steps_off(steps):
    """The map read some steps of the variance off, as if its axis were."""
    return accuracies(lambda accuracy: accuracy.shift(weight_variance=steps, fill_value=0.1))


def longer(factor):
    """A depth scale times some factor."""
    return changed("depth_scale", "depth_scale", lambda scale: factor * scale)


def everywhere(accuracy, *, where):
    """One accuracy for all networks of some ratios of depth and depth scale."""
    ratio = xr.DataArray(RATIOS, {"depth": DEPTHS, "weight_variance": VARIANCES}, ("depth", "weight_variance"))
    return accuracies(lambda found: xr.where(where(ratio), accuracy, found))


ALL_LEARN = everywhere(0.9, where=lambda ratio: ratio >= 0.0)
T = "multivariate_t(nu=3)"

TRIALS = {
    "norm_preserving_variance": Trial("holds", spoil=steps_off(-2), becomes="fails", blunt=steps_off(2)),
    "beyond_depth_scale": Trial(
        "holds", spoil=longer(0.2), becomes="fails", blunt=everywhere(0.1, where=lambda ratio: ratio > 1.0)
    ),
    "within_depth_scale": Trial(
        "holds",
        spoil=everywhere(0.1, where=lambda ratio: (ratio > 0.0) & (ratio <= 1.0)),
        becomes="fails",
        blunt=everywhere(0.9, where=lambda ratio: ratio > 6.0),
    ),
    "border_in_depth_scales": Trial("holds", spoil=longer(4.0), becomes="fails", blunt=longer(2.0)),
    "universality_independent": Trial(
        "holds",
        spoil=accuracies(lambda accuracy: 0.5 * accuracy, weights="laplace", depth=[16, 32]),
        becomes="fails",
        blunt=ALL_LEARN,
    ),
    "universality_t": Trial(
        "holds",
        spoil=accuracies(lambda accuracy: 0.0 * accuracy + 0.1, weights=T, depth=[16, 32]),
        becomes="fails",
        blunt=ALL_LEARN,
    ),
    "invariance": Trial("holds", spoil=learns_less("laplace", 0.1), becomes="fails", blunt=learns_less(HEAVY, -0.2)),
    "learning_rate_mup": Trial(
        "holds", spoil=parametrisation("standard", "mup"), becomes="fails", blunt=parametrisation("mup", "standard")
    ),
    "learning_rate_ntk": Trial(
        "holds",
        spoil=moved_best("learning_rate_ntk", FALLING),
        becomes="fails",
        blunt=parametrisation("mup", "standard"),
    ),
    "learning_rate_standard": Trial(
        "holds", spoil=parametrisation("mup", "standard"), becomes="fails", blunt=parametrisation("standard", "mup")
    ),
    "learning_rate_cross_entropy": Trial(
        "holds",
        spoil=moved_best("learning_rate_cross_entropy", KEPT),
        becomes="fails",
        blunt=parametrisation("standard", "mup"),
    ),
    "learning_rate_depth": Trial(
        "holds", spoil=branches("none", "scaled"), becomes="fails", blunt=branches("scaled", "none")
    ),
    "one_border": Trial(
        "holds",
        spoil=correlation(lambda depth: xr.ones_like(depth)),
        becomes="fails",
        blunt=both(
            correlation(lambda depth: 1.0 / np.abs(np.log(depth.weight_variance / 2.0 + 0.0 * depth))),
            changed("trainability_tanh", "test_accuracy", _symmetric),
        ),
    ),
    "border_in_correlation_depths": Trial(
        "holds",
        spoil=correlation(lambda depth: 4.0 * depth),
        becomes="fails",
        blunt=correlation(lambda depth: 2.0 * depth),
    ),
    "mirrored_bends_less": Trial(
        "holds",
        spoil=bent(lambda bending: 0.5 * bending, mirrored=False, evaluation=1),
        becomes="fails",
        blunt=bent(lambda bending: bending.where(bending.seed % 2 == 0, 3.0 * bending), mirrored=True, evaluation=1),
    ),
    "start_smoothness": Trial(
        "holds", spoil=smooth(0.3, activation="relu", depth=4), becomes="fails", blunt=smooth(-0.5, activation="tanh")
    ),
    "coordinates_mup": Trial("holds", spoil=movement(1, 2), becomes="fails", blunt=movement(2, 1)),
    "coordinates_ntk": Trial("holds", spoil=movement(2, 1), becomes="fails", blunt=movement(1, 2)),
    "kernel_limit_ntk": Trial(
        "holds",
        spoil=kernels("kernel_distance", 2, 1, evaluation=0),
        becomes="fails",
        blunt=kernels("kernel_change", 1, 2, evaluation=1),
    ),
    "boundary_dimension": Trial(
        "holds",
        spoil=fate(lambda diverged: (diverged.learning_rate > 3.0).broadcast_like(diverged)),
        becomes="fails",
        blunt=changed("boundary_networks", "sharpness", scattered),
    ),
    "boundary_stable": Trial("holds", spoil=among(0.0, 1.0, 1), becomes="fails", blunt=among(4.0, 99.0, 0)),
    "boundary_catapult": Trial("holds", spoil=among(2.0, 3.0, 1), becomes="fails", blunt=among(4.0, 99.0, 0)),
}
