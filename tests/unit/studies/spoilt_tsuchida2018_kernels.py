"""Spoilt cubes of tsuchida2018, first half: kernels of one layer, deep networks, theorem 6, hypothesis 5."""

import json

import numpy as np
import xarray as xr
from claim_cubes import Trial, changed, contracted, copied

from initatlas.studies.tsuchida2018 import printed
from initatlas.vocabulary import parse_label

STUDY = "tsuchida2018"

LEAKY = "leaky_relu(slope=0.2)"
SLOPES = {"relu": 0.0, LEAKY: 0.2}
ANGLES = np.linspace(0.0, 180.0, 61)
LAYERS = [1, 2, 4, 8]
VARIANCE = 0.4
SPARSE = "generalized_normal(beta=0.5)"
STUDENTS = [f"multivariate_t(nu={nu})" for nu in ("2.5", "3", "6", "10", "100")]


def noisy(rng, *, spread=1.0, **sizes):
    """Normal numbers with named dimensions, whose mean over the seeds is zero and whose mean square is that of `spread`."""
    noise = xr.DataArray(rng.standard_normal(tuple(sizes.values())), dims=tuple(sizes))
    noise = noise - noise.mean("seed")
    return spread * noise / (noise**2).mean("seed") ** 0.5


def cubes():
    """Networks that follow the theory, and weights that do what theorems say of them."""
    rng = np.random.default_rng(1)
    theory = theory_cube()
    made = {
        "theory": theory,
        "fig2": fig2_cube(theory, rng),
        "fig4": fig4_cube(theory, rng),
        "fig4_flat": flat_cube(theory, rng),
        "cor3_4": rotation_cube(theory, rng),
        "thm6_sparse": sparse_cube(theory, rng),
        "weight_integral": integral_cube(),
        "thm6": kernel_cube(rng),
        "thm6_law": law_cube(rng),
        "fig6": coordinate_cube(rng),
    }
    return {name: numbered(cube) for name, cube in made.items()}


def numbered(cube):
    """Every dimension with a coordinate."""
    return cube.assign_coords({dim: np.arange(size) for dim, size in cube.sizes.items() if dim not in cube.coords})


def theory_cube():
    """Layers of the right recursion."""
    curves = []
    for slope in SLOPES.values():
        cosine, kept = np.cos(np.radians(ANGLES)), []
        for layer in range(1, LAYERS[-1] + 1):
            cosine = printed.normalised_kernel(cosine, slope)
            if layer in LAYERS:
                kept.append(cosine)
        curves.append(kept)
    coordinates = {"activation": list(SLOPES), "layer": LAYERS, "angle": ANGLES}
    cosine = xr.DataArray(np.array(curves), coordinates, ("activation", "layer", "angle"))
    variance = xr.full_like(cosine.isel(layer=0, drop=True), VARIANCE)
    return xr.Dataset({"cosine": cosine, "sampling_variance": variance})


def followed(theory, noise, **chosen):
    """The theory, and noise where the angle is not 0."""
    limit = theory["cosine"].sel(chosen)
    return limit + noise.assign_coords(angle=limit.angle) * (limit.angle > 0.0)


def with_width(cosine, width):
    cube = cosine.to_dataset(name="cosine")
    cube.attrs["spec"] = json.dumps({"fixed": {"width": width, "activation": "relu"}})
    return cube


def fig2_cube(theory, rng):
    noise = noisy(rng, spread=(VARIANCE / 1000) ** 0.5, seed=150, layer=1, angle=61)
    return with_width(followed(theory, noise, activation="relu", layer=[1]), 1000)


def fig4_cube(theory, rng):
    weights = [SPARSE, "generalized_normal(beta=2)", *STUDENTS[:1], *STUDENTS[3:]]
    noise = noisy(rng, spread=0.02, activation=2, weights=len(weights), seed=12, layer=4, angle=61)
    return with_width(followed(theory, noise).assign_coords(weights=weights), 400)


def flat_cube(theory, rng):
    noise = noisy(rng, spread=0.02, activation=2, weights=2, seed=60, layer=1, angle=7)
    cosine = followed(theory, noise, angle=ANGLES[::10], layer=[1])
    return with_width(cosine.assign_coords(weights=[SPARSE, "generalized_normal(beta=2)"]), 1000)


def rotation_cube(theory, rng):
    """Gaussian, t and independent t weights; the last have a kernel of their own."""
    weights = ["generalized_normal(beta=2)", *STUDENTS, "student_t(nu=5)"]
    width = xr.DataArray([100.0, 1000.0, 10000.0], dims="width")
    sizes = xr.concat([layer_size(label, width) for label in weights], "weights")
    noise = noisy(rng, activation=2, weights=7, width=3, seed=200, layer=1, angle=13) * sizes
    cosine = followed(theory, noise, angle=ANGLES[::5], layer=[1])
    cosine = cosine.assign_coords(weights=weights, width=[100, 1000, 10000])
    return with_width(cosine - 0.05 * (cosine.weights == "student_t(nu=5)") * (cosine.angle > 0.0), 1000)


def layer_size(label, width):
    """How far a layer is from theory: by its variance, or without a fourth moment by the stable law."""
    nu = parse_label(label)[1].get("nu", np.inf)
    if nu <= 4.0:
        return 0.5 * width ** -(1.0 - 2.0 / nu)
    factor = 1.0 if nu == np.inf else (nu - 2.0) / (nu - 4.0)
    return (factor * VARIANCE / width) ** 0.5


def sparse_cube(theory, rng):
    """Sparse inputs see the distribution of the weights, others do not."""
    weights = ["gaussian", "laplace", SPARSE]
    noise = noisy(rng, spread=0.02, weights=3, input_dimension=2, plane=3, seed=50, layer=1, angle=5)
    cosine = followed(theory, noise, activation="relu", angle=ANGLES[::15], layer=[1])
    cosine = cosine.assign_coords(weights=weights, input_dimension=[16, 1024], plane=["axes", "graded", "flat"])
    return with_width(cosine - 0.1 * (cosine.plane == "axes") * (cosine.weights != "gaussian"), 1000)


def integral_cube():
    """Kernels that solve their ODE; those of independent weights depend on the plane."""
    angle = xr.DataArray(ANGLES[::5], {"angle": ANGLES[::5]}, ("angle",))
    weights = ["gaussian", "multivariate_t(nu=2.5)", "student_t(nu=5)", "laplace"]
    own = xr.DataArray([0.0, 0.0, 1.0, 1.0], {"weights": weights}, ("weights",))
    turned = xr.DataArray([-1.0, 0.7], {"turn": [0.0, 30.0]}, ("turn",))
    bend = 0.02 * own * turned * np.sin(np.radians(angle)) ** 2
    curves = {
        name: 0.5 * (1.0 + slope**2) * printed.normalised_kernel(np.cos(np.radians(angle)), slope) + bend
        for name, slope in (("kernel", 0.0), ("leaky_kernel", 0.2))
    }
    forcing = np.sin(np.radians(angle)) / np.pi + 10.0 * bend
    error = xr.zeros_like(bend) + 1e-9
    return xr.Dataset({**curves, "solution": curves["kernel"], "forcing": forcing, "quadrature_error": error})


def falling(rng, weights, **sizes):
    """An error that falls as the moments of the weights make it, with a scatter of one percent."""
    noise = noisy(rng, spread=0.01, weights=len(weights), seed=8, **sizes)
    exponent = {"student_t(nu=2.2)": -0.2, "student_t(nu=3.5)": -0.75}
    powers = xr.DataArray([exponent.get(label, -1.0) for label in weights], {"weights": weights}, ("weights",))
    return (1.0 + noise).assign_coords(weights=weights), powers


def kernel_cube(rng):
    m = xr.DataArray(2 ** np.arange(2, 11), dims="m")
    scatter, powers = falling(rng, ["laplace", SPARSE, "student_t(nu=3.5)"], activation=5, m=9, angle=3)
    departure = (0.4 * m.astype(float) ** powers * scatter).assign_coords(
        activation=["relu", LEAKY, "elu", "erf", "symlog"], m=m, angle=[60.0, 90.0, 120.0]
    )
    return departure.to_dataset(name="departure")


def law_cube(rng):
    m = xr.DataArray(4 ** np.arange(1, 6), dims="m")
    scatter, powers = falling(rng, ["laplace", "student_t(nu=3.5)", "student_t(nu=2.2)"], activation=2, m=5)
    distance = (0.2 * m.astype(float) ** powers * scatter).assign_coords(activation=["relu", "step"], m=m)
    return distance.to_dataset(name="distance")


def coordinate_cube(rng):
    """Four images or clips of five pieces each, with the law of bounded signals."""
    dimension = xr.DataArray(2.0 ** np.arange(16, 7, -1), dims="level")
    noise = noisy(rng, spread=0.1, dataset=2, centred=2, level=9, seed=20).rename(seed="piece")
    largest = 3.0 / dimension * np.exp(noise)
    origin = xr.DataArray(np.arange(20) // 5, dims="piece") * xr.ones_like(largest.isel(level=0), dtype=int)
    cube = xr.Dataset(
        {"largest": largest, "dimension": dimension * xr.ones_like(largest.isel(piece=0)), "origin": origin}
    )
    return cube.assign_coords(dataset=["photographs", "speech"], centred=[0, 1])


def more(by):
    """Add a number."""
    return lambda values: values + by


def times(by):
    """Multiply by a number."""
    return lambda values: values * by


def wider(by):
    """Spread the seeds around their mean."""
    return lambda values: values.mean("seed") + by * (values - values.mean("seed"))


def slower(by):
    """Multiply by a power of the number of inputs."""
    return lambda values: values * values.m.astype(float) ** by


def in_cosine(sweep, change, **where):
    return changed(sweep, "cosine", change, layer=1, **where)


def deep(name, activation, weights):
    return Trial(
        "holds",
        changed("fig4", "cosine", more(0.2), activation=activation, weights=weights, layer=8),
        "fails",
        contracted(name, value=1.0),
    )


def corollary(activation):
    return Trial(
        "holds",
        changed("thm6", "departure", times(1000.0), activation=activation, m=1024, weights="laplace"),
        "fails",
        changed("thm6", "departure", times(0.1), activation=activation, m=16),
    )


def coordinates(name, dataset, centred):
    return Trial(
        "holds",
        changed("fig6", "largest", lambda v: v * 2.0 ** (-0.7 * v.level), dataset=dataset, centred=centred),
        "differs",
        contracted(name, value=2.0),
    )


INDEPENDENT_LIKE_T = copied(
    "cor3_4", "cosine", of={"weights": "multivariate_t(nu=10)"}, to={"weights": "student_t(nu=5)"}
)

TRIALS = {
    "fig2_right_angle": Trial(
        "holds",
        in_cosine("fig2", more(0.02), angle=90.0),
        "fails",
        copied("fig2", "cosine", of={"angle": 90.0}, to={"angle": 87.0}),
    ),
    "fig2_curve": Trial(
        "holds", in_cosine("fig2", more(0.03), angle=120.0), "fails", contracted("fig2_curve", margin=0.2)
    ),
    "fig2_scatter": Trial("holds", in_cosine("fig2", wider(1.3)), "fails", contracted("fig2_scatter", margin=0.3)),
    "prop1": Trial(
        "holds",
        changed("weight_integral", "solution", more(1e-5), weights="laplace"),
        "fails",
        contracted("prop1", margin=1.0),
    ),
    "prop2": Trial(
        "holds",
        changed("weight_integral", "forcing", times(1.001), weights="multivariate_t(nu=2.5)"),
        "fails",
        copied("weight_integral", "forcing", of={"weights": "gaussian"}, to={"weights": "laplace"}),
    ),
    "cor3": Trial(
        "holds",
        changed("weight_integral", "kernel", times(1.001), weights="multivariate_t(nu=2.5)"),
        "fails",
        copied("weight_integral", "kernel", of={"weights": "gaussian"}, to={"weights": "student_t(nu=5)"}),
    ),
    "cor4": Trial(
        "holds",
        changed("weight_integral", "leaky_kernel", times(1.001), weights="gaussian"),
        "fails",
        copied("weight_integral", "leaky_kernel", of={"weights": "gaussian"}, to={"weights": "student_t(nu=5)"}),
    ),
    "cor3_4_scatter": Trial(
        "holds",
        in_cosine("cor3_4", wider(1.3), weights="multivariate_t(nu=10)"),
        "fails",
        in_cosine("cor3_4", wider(0.5**0.5), weights="multivariate_t(nu=6)"),
    ),
    "cor3_4_heavy": Trial(
        "holds",
        in_cosine("cor3_4", wider(0.2), weights="multivariate_t(nu=2.5)", width=10000),
        "fails",
        contracted("cor3_4_heavy", margin=0.5),
    ),
    "fig4a_one_layer": Trial(
        "holds",
        in_cosine("fig4_flat", more(0.05), activation="relu", weights=SPARSE, angle=90.0),
        "fails",
        copied("thm6_sparse", "cosine", of={"plane": "flat"}, to={"plane": "axes"}),
    ),
    "fig4b_one_layer": Trial(
        "holds",
        in_cosine("fig4_flat", more(0.05), activation=LEAKY, weights=SPARSE, angle=90.0),
        "fails",
        contracted("fig4b_one_layer", margin=0.2),
    ),
    "fig4c_one_layer": Trial(
        "holds",
        in_cosine("cor3_4", more(0.05), activation="relu", weights="multivariate_t(nu=10)", width=10000),
        "fails",
        INDEPENDENT_LIKE_T,
    ),
    "fig4d_one_layer": Trial(
        "holds",
        in_cosine("cor3_4", more(0.05), activation=LEAKY, weights="multivariate_t(nu=6)", width=10000),
        "fails",
        INDEPENDENT_LIKE_T,
    ),
    "fig4a_deep": deep("fig4a_deep", "relu", SPARSE),
    "fig4b_deep": deep("fig4b_deep", LEAKY, SPARSE),
    "fig4c_deep": deep("fig4c_deep", "relu", "multivariate_t(nu=10)"),
    "fig4d_deep": deep("fig4d_deep", LEAKY, "multivariate_t(nu=10)"),
    "thm6": Trial(
        "holds",
        changed("thm6_law", "distance", times(100.0), weights="laplace", m=1024),
        "fails",
        changed("thm6_law", "distance", times(0.01), m=4),
    ),
    "thm6_rate": Trial(
        "holds",
        changed("thm6_law", "distance", slower(0.7), weights="laplace"),
        "differs",
        changed("thm6_law", "distance", slower(-0.5), weights="student_t(nu=2.2)"),
    ),
    "thm6_kernel_rate": Trial(
        "holds",
        changed("thm6", "departure", slower(0.2), weights="laplace"),
        "differs",
        changed("thm6", "departure", slower(-0.25), weights="student_t(nu=3.5)"),
    ),
    "cor7": corollary("relu"),
    "cor11": corollary("symlog"),
    "cor12": corollary("erf"),
    "cor13": corollary(LEAKY),
    "cor14": corollary("elu"),
    "thm6_sparse": Trial(
        "holds",
        in_cosine("thm6_sparse", more(0.1), plane="axes", weights=SPARSE, input_dimension=1024),
        "fails",
        in_cosine("thm6_sparse", more(0.1), plane="axes", weights="gaussian"),
    ),
    "thm6_graded": Trial(
        "holds",
        in_cosine("thm6_sparse", more(0.05), plane="graded", weights="laplace", input_dimension=1024),
        "fails",
        copied("thm6_sparse", "cosine", of={"plane": "flat"}, to={"plane": "axes"}),
    ),
    "fig6_photographs": coordinates("fig6_photographs", "photographs", 0),
    "fig6_photographs_centred": coordinates("fig6_photographs_centred", "photographs", 1),
    "fig6_speech": coordinates("fig6_speech", "speech", 0),
    "fig6_speech_centred": coordinates("fig6_speech_centred", "speech", 1),
}
