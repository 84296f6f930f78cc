"""Spoilt cubes of tsuchida2018: depth, norms, networks beyond the paper, and misprints."""

import json

import numpy as np
import xarray as xr
from claim_cubes import Trial, changed

from initatlas.studies.tsuchida2018 import printed
from initatlas.studies.tsuchida2018.erratum_claims import ERRATA
from initatlas.studies.tsuchida2018.norm_claims import relative_variance

STUDY = "tsuchida2018"
SLOPES = {f"leaky_relu(slope={slope})": slope for slope in (0.2, 0.5, 0.8)}
LEAKY, SMALL = "leaky_relu(slope=0.2)", "leaky_relu(slope=0.01)"
ANGLES = np.linspace(0.0, 180.0, 13)
DEEP = [*(2**k for k in range(14)), 10000]
NETWORKS = 24
T = "multivariate_t(nu=10)"


def noise(rng, **sizes):
    """Standard normal numbers with named dimensions, whose mean over the networks is zero."""
    numbers = xr.DataArray(rng.standard_normal(tuple(sizes.values())), dims=tuple(sizes))
    return numbers - numbers.mean("seed")


def along(name, values):
    return xr.DataArray(values, {name: values}, (name,))


def with_spec(cube, **fixed):
    cube.attrs["spec"] = json.dumps({"fixed": fixed})
    return cube


def theory():
    """Layers of the right recursion."""
    gaps = np.empty((1 + len(SLOPES), len(DEEP), len(ANGLES)))
    for row, slope in enumerate((0.0, *SLOPES.values())):
        cosine = np.cos(np.radians(ANGLES))
        for layer in range(1, DEEP[-1] + 1):
            cosine = printed.normalised_kernel(cosine, slope)
            if layer in DEEP:
                gaps[row, DEEP.index(layer)] = 1.0 - cosine
    coordinates = {"activation": ["relu", *SLOPES], "layer": DEEP, "angle": ANGLES}
    gap = xr.DataArray(gaps, coordinates, tuple(coordinates))
    return xr.Dataset({"cosine": 1.0 - gap, "one_minus_cosine": gap})


def fixed_points():
    """Angles that come nearer to a fixed point by the same factor in every layer."""
    layer, angle = along("layer", DEEP[:9]), along("angle", ANGLES[::2])
    goal = xr.DataArray([50.0, 31.0], {"activation": ["elu", "gelu"]}, ("activation",))
    return xr.Dataset({"one_minus_cosine": 1.0 - np.cos(np.radians(goal + (angle - goal) * 0.95**layer))})


def deep_networks(limits, rng):
    """Rectifiers that follow the theory."""
    labels = ["relu", LEAKY]
    gaps = limits["one_minus_cosine"].sel(activation=labels, layer=DEEP[:8], angle=ANGLES[::2])
    numbers = noise(rng, activation=2, weights=2, seed=NETWORKS, layer=8, angle=7)
    numbers = numbers.assign_coords(
        weights=["gaussian", T], activation=gaps.activation, layer=gaps.layer, angle=gaps.angle
    )
    cube = {"cosine": 1.0 - gaps + 0.01 * numbers, "squared_difference": 2.0 * gaps * np.exp(0.1 * numbers)}
    return with_spec(xr.Dataset(cube), width=400)


def growth(rng):
    """Norms that grow as the variance says, and as the width takes from them."""
    slopes, variances = np.array([0.2] * 4 + [0.01]), np.array([2, 2.04, 2.0 / 1.04, 2.04 / 1.04, 2])
    slope, variance = (xr.DataArray(values, dims="network") for values in (slopes, variances))
    layer = along("layer", DEEP[:8])
    factor = 0.5 * variance * (1.0 + slope**2) * np.exp(-0.5 * relative_variance(slope) / 400)
    ratios = factor ** (0.5 * layer) * np.exp(0.1 * noise(rng, network=5, seed=NETWORKS, layer=8, input=3))
    labels = ("network", [f"leaky_relu(slope={slope:g})" for slope in slopes])
    cube = xr.Dataset({"norm_ratio": ratios}, {"activation": labels, "weight_variance": ("network", variances)})
    return with_spec(cube, width=400)


def one_layer_norms(rng, *fans):
    """Squared norms of layers of 500 units."""
    weights, inputs = (
        along("weights", ["gaussian", "laplace", "uniform", T]),
        along("input_dimension", [250, 500, 1000]),
    )
    shape = xr.concat([500.0 / inputs if fan == "in" else 1.0 + 0.0 * inputs for fan in fans], "fan")
    numbers = noise(rng, weights=4, fan=len(fans), input_dimension=3, seed=NETWORKS, layer=1, input=3)
    squares = (shape * np.exp(0.01 * numbers)).assign_coords(weights=weights, fan=list(fans), layer=[1])
    return with_spec(xr.Dataset({"norm_ratio": squares**0.5}), width=500)


VARIANT_COSINES = [0.6, 0.5, 0.4, 0.4, 0.7, 0.8]
OFF_COSINES = [0.9, 0.43, 0.43, 0.73]


def beyond(rng):
    """Networks beyond the paper, their recursions, and wrong ones."""
    layer, angle = along("layer", DEEP[:6]), along("angle", ANGLES)

    def recursion(cosines):
        cosine = (
            along("variant", range(len(cosines))) * 0.0
            + xr.DataArray(cosines, dims="variant")
            + 0.0 * layer
            + 0.0 * angle
        )
        return xr.Dataset({"cosine": cosine, "norm_ratio": 1.0 + 0.0 * cosine.isel(angle=0, drop=True)})

    limit = recursion(VARIANT_COSINES)
    numbers = noise(rng, variant=6, seed=NETWORKS, layer=6, angle=13)
    shape = xr.DataArray([1.0] * 5 + [2.0], dims="variant")
    cube = {
        "cosine": limit["cosine"] + 1e-3 * numbers,
        "norm_ratio": shape * np.exp(0.01 * numbers) + 0.0 * limit["cosine"],
    }
    samples = xr.Dataset(cube).assign_coords(input_dimension=("variant", [400] * 5 + [100]))
    width = along("width", [200, 400, 800])
    scatter = noise(rng, activation=2, width=3, seed=NETWORKS, layer=2, angle=13).assign_coords(
        activation=["elu", "gelu"], layer=[1, 32], angle=ANGLES
    )
    return {
        "extensions": with_spec(samples, width=400),
        "extensions_limit": limit,
        "extensions_off": recursion(OFF_COSINES),
        "extension_width": apart(0.4 + 0.5 * scatter * width**-0.5),
    }


def apart(cosine):
    """Networks that keep inputs apart."""
    return xr.Dataset({"cosine": cosine, "squared_difference": 2.0 * (1.0 - cosine)})


def one_layer():
    """The kernels of corollaries 3 and 4 at a weight variance of one."""
    angle = along("angle", ANGLES)
    cosines = np.cos(np.radians(ANGLES))
    kernels = [0.5 * (1.0 + slope**2) * printed.normalised_kernel(cosines, slope) for slope in (0.0, 0.2)]
    cube = {
        "kernel": ("angle", kernels[0]),
        "leaky_kernel": ("angle", kernels[1]),
        "quadrature_error": 0.0 * angle + 1e-9,
    }
    return xr.Dataset(cube).expand_dims({"weights": ["gaussian"], "turn": [0]})


def many_inputs(rng):
    """The kernel of ELU with many inputs."""
    numbers = noise(rng, activation=1, weights=1, seed=NETWORKS, m=3, angle=1)
    cosine = printed.elu_right_angle("product") + 1e-3 * numbers
    return xr.Dataset(
        {"cosine": cosine}, {"activation": ["elu"], "weights": ["laplace"], "m": [4, 8, 16], "angle": [90.0]}
    )


def machines(rng):
    """Machines that come nearer to their kernel, and stay away from another one."""
    width = along("width", [256, 1024, 4096])
    numbers = np.exp(0.1 * noise(rng, activation=2, weights=2, seed=NETWORKS, width=3))
    numbers = numbers.assign_coords(activation=["relu", LEAKY], weights=["gaussian", T], width=width)
    cube = {
        "distance": numbers * width**-0.5,
        "other_distance": numbers,
        "machine_error": numbers,
        "kernel_error": numbers,
    }
    return xr.Dataset(cube)


def trained(rng):
    """Matrices that are like independent weights before training, and are not afterwards."""
    state, layer = along("trained", [0, 1]), along("layer", [2, 3])
    numbers = noise(rng, trained=2, layer=2, seed=NETWORKS)
    numbers = numbers / (numbers**2).mean("seed") ** 0.5
    scores = (numbers * (1.0 + 4.0 * state)).assign_coords(layer=layer)
    outlier = ((1.0 + 0.5 * state) * np.exp(0.03 * numbers)).assign_coords(layer=layer)
    return xr.Dataset({"outlier": outlier, "mean": scores, "skewness": scores})


def after(variable, factor):
    """What training does to a score, undone; what it does not do to the control, done."""
    undone = changed("trained_weights", variable, lambda score: score / factor, trained=1)
    done = changed("trained_weights", variable, lambda score: score * factor, trained=0)
    return Trial("holds", undone, "fails", done)


def cubes():
    """All sweeps of these claims."""
    rng, limits = np.random.default_rng(1), theory()
    return {
        "theory": limits,
        "fixed_points": fixed_points(),
        "cor9": deep_networks(limits, rng),
        "fig5_growth": growth(rng),
        "cor10": one_layer_norms(rng, "out", "in"),
        "cor10_off": _two_percent_off(one_layer_norms(rng, "out").isel(fan=0, drop=True)),
        **beyond(rng),
        "weight_integral": one_layer(),
        "thm6": many_inputs(rng),
        "extreme_learning": machines(rng),
        "trained_weights": trained(rng),
    }


def _two_percent_off(cube):
    return cube.assign(norm_ratio=1.02**0.5 * cube["norm_ratio"])


def grown(factor, **where):
    """Norms that change by a factor per layer more."""
    return changed("fig5_growth", "norm_ratio", lambda ratio: ratio * factor ** (0.5 * ratio.layer), **where)


def scaled_norms(sweep, factor, **where):
    return changed(sweep, "norm_ratio", lambda ratio: ratio * factor, **where)


def moved(sweep, by, **where):
    return changed(sweep, "cosine", lambda cosine: cosine + by, **where)


def bent(by, **where):
    """Kernels with another linear term."""
    return changed("theory", "cosine", lambda cosine: cosine + by * np.cos(np.radians(cosine.angle)), **where)


def gaps(sweep, of_layer, **where):
    """Gaps that depend on the layer alone."""
    return changed(sweep, "one_minus_cosine", lambda gap: 0.0 * gap + of_layer(gap.layer), **where)


def truth(name, value):
    """Cubes by which the truth of a misprint is some number."""
    by = value - ERRATA[name].right
    if name == "erratum_composition":
        return moved("cor9", by, activation=LEAKY, weights="gaussian", layer=4, angle=120.0)
    if name == "erratum_elu":
        return moved("thm6", by)
    kernel, scale = ("kernel", 1.0) if name == "erratum_initial_value" else ("leaky_kernel", 0.52)
    return changed("weight_integral", kernel, lambda values: values + by * scale, angle=180.0)


def misprint(name):
    """What is printed becomes the truth; a wrong number that is to be refuted becomes it."""
    erratum = ERRATA[name]
    return Trial("fails", truth(name, erratum.printed), "holds", truth(name, *erratum.wrong.values()))


def extension(variant, off, shift):
    """Samples off their recursion; a wrong recursion that is right after all."""
    blunt = moved("extensions_off", shift, variant=off)
    return Trial("holds", moved("extensions", -0.02, variant=variant), "fails", blunt)


def inverse_square(layer):
    return 1.0 / layer**2


APART = changed("cor9", "squared_difference", lambda square: square + 0.2, activation="relu", angle=90.0)
ELU_VANISHES = changed("extension_width", "squared_difference", lambda square: 0.01 * square)
RIGHT_SQUARE = scaled_norms("cor10", 0.5**0.5, fan="out", input_dimension=1000)

TRIALS = {
    "cor8_fixed_point": Trial(
        "holds", gaps("theory", lambda _: 0.5, activation=LEAKY), "fails", gaps("fixed_points", inverse_square)
    ),
    "cor8_rate": Trial(
        "holds",
        changed("theory", "one_minus_cosine", lambda gap: gap * gap.layer**0.1, activation="relu"),
        "differs",
        gaps("theory", inverse_square),
    ),
    "cor9": Trial("holds", APART, "fails", ELU_VANISHES),
    "cor9_t": Trial("holds", APART, "fails", ELU_VANISHES),
    "deep_definite": Trial("holds", bent(-2.0, layer=64), "fails", bent(3.0, layer=1)),
    "elm_kernel_ridge": Trial(
        "holds",
        changed("extreme_learning", "distance", lambda distance: distance * distance.width**0.25, weights=T),
        "differs",
        changed("extreme_learning", "other_distance", lambda distance: distance * distance.width**-0.5),
    ),
    "trained_not_iid": after("outlier", 1.5),
    "trained_mean": after("mean", 5.0),
    "trained_asymmetric": after("skewness", 5.0),
    "fig5_he": Trial(
        "holds",
        grown(1.02, activation=LEAKY, weight_variance=2.0),
        "differs",
        grown(1.0 / 1.02, weight_variance=2.04),
    ),
    "fig5_preserving": Trial(
        "holds",
        grown(1.02, weight_variance=2.0 / 1.04),
        "fails",
        grown(1.0 / 1.02, weight_variance=2.04 / 1.04),
    ),
    "fig5_he_small_slope": Trial(
        "holds", grown(1.02, activation=SMALL), "fails", grown(1.0 / 1.04, activation=LEAKY, weight_variance=2.0)
    ),
    **{
        f"cor10_{name}": Trial(
            "holds",
            scaled_norms("cor10", 1.01, weights=label),
            "fails",
            scaled_norms("cor10_off", 1.02**-0.5, weights=label),
        )
        for name, label in {"gaussian": "gaussian", "laplace": "laplace", "uniform": "uniform", "t": T}.items()
    },
    "cor10_fan_in": Trial("holds", scaled_norms("cor10", 1.01, fan="in"), "differs", RIGHT_SQUARE),
    "extension_bias": extension(0, 0, 0.6 - 0.9),
    "extension_mean": extension(1, 0, 0.5 - 0.9),
    "extension_elu": extension(2, 1, -0.03),
    "extension_gelu": extension(3, 2, -0.03),
    "extension_residual": extension(4, 3, -0.03),
    "extension_rectangular": Trial(
        "holds", moved("extensions", -0.02, variant=5), "fails", scaled_norms("extensions", 0.5, variant=5)
    ),
    "extension_elu_fixed_point": Trial(
        "holds", gaps("fixed_points", inverse_square, activation="elu"), "fails", gaps("theory", lambda _: 0.1)
    ),
    "extension_gelu_fixed_point": Trial(
        "holds", gaps("fixed_points", inverse_square, activation="gelu"), "fails", gaps("theory", lambda _: 0.1)
    ),
    "extension_width": Trial(
        "holds",
        changed(
            "extension_width", "cosine", lambda cosine: 0.0 * cosine + 0.5 + 1e-4 * cosine.width, activation="gelu"
        ),
        "fails",
        moved("extensions_off", 0.4 - 0.9, variant=0),
    ),
    **{name: misprint(name) for name in ERRATA},
    "erratum_contraction": Trial(
        "fails",
        gaps("theory", lambda layer: 2.0 * 0.999**layer, activation="relu"),
        "holds",
        gaps("fixed_points", lambda layer: 0.2 + 1.0 / layer**2, activation="gelu"),
    ),
    "erratum_definite": Trial(
        "fails", bent(-2.0, layer=1, activation=list(SLOPES)), "holds", bent(-2.0, layer=1, activation="relu")
    ),
}
