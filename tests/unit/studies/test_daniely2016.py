"""The study daniely2016: its experiments against exact laws, and what its claims say of right and of spoilt cubes."""

from math import asin, pi, sinh

import matplotlib.pyplot as plt
import numpy as np
import pytest
import spoilt_daniely2016
import xarray as xr

from initatlas.activations.relu import Relu
from initatlas.config import load_published, load_study
from initatlas.experiments import dual_activation, kernel_interpolation, printed_kernel, random_features, two_point_fit
from initatlas.report.style import figure_style
from initatlas.studies.daniely2016 import (
    claims,
    depth_claims,
    figures,
    measures,
    replication_claims,
    summary_claims,
    tables,
)
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import judge
from initatlas.sweeps.registry import load_experiment


def measured(name, *, seeds=1, **parameters):
    """Results of an experiment for some generators."""
    experiment = load_experiment(name)
    points = [experiment.parameters(**parameters)] * seeds
    return experiment.run(points, [np.random.default_rng(seed) for seed in range(seeds)], None)


# ---- experiments

DUALS = {
    "relu": lambda r: (np.sqrt(1 - r * r) + (pi - np.arccos(r)) * r) / pi,
    "step": lambda r: 1 - np.arccos(r) / pi,
    "exp": lambda r: np.exp(r - 1),
    "sin": lambda r: np.sinh(r) / sinh(1),
    "erf": lambda r: np.arcsin(2 * r / 3) / asin(2 / 3),
    "hermite(degree=2)": lambda r: r * r,
}


@pytest.mark.parametrize("activation", DUALS)
def test_duals_are_those_of_the_paper_four_ways(activation):
    rho = np.linspace(-1, 1, 21)
    found = measured("dual_activation", activation=activation, correlations=21, draws=20_000)[0]
    np.testing.assert_allclose(found["dual"], DUALS[activation](rho), atol=1e-12)
    np.testing.assert_allclose(found["dual_integral"], DUALS[activation](rho), atol=1e-12)
    if activation != "step":
        np.testing.assert_allclose(found["derivative_integral"][1:-1], found["derivative"][1:-1], atol=1e-10)
    slopes = np.abs(found["dual_slope"] - found["derivative"])[1:-1]
    assert np.all(slopes <= found["dual_slope_error"][1:-1])
    assert np.all(found["dual_slope_error"][1:-1] < 1e-7)
    inner = abs(rho) < 0.85
    np.testing.assert_allclose(found["dual_series"][inner], found["dual"][inner], atol=1e-8)
    np.testing.assert_allclose(found["derivative_series"][inner], found["derivative"][inner], atol=1e-6)
    errors = np.abs(found["dual_sampled"] - found["dual"])
    assert np.all(errors <= 5 * found["dual_standard_error"] + 1e-12)
    assert (
        abs(found["second_moment_sampled"] - found["second_moment"]) < 5 * found["second_moment_standard_error"] + 1e-9
    )


def test_the_step_has_no_dual_of_its_derivative():
    found = measured("dual_activation", activation="step", correlations=5, draws=100)[0]
    assert np.isnan(found["derivative"]).tolist() == [True, False, False, False, True]
    assert np.isnan(found["derivative_sampled"]).all()
    np.testing.assert_allclose(found["derivative"][2], 1 / pi)


def test_the_deviation_of_a_linear_layer_is_that_of_wishart():
    """r E[(k_w - k)^2] = 1 + cos^2 for one layer of identities, whatever the width."""
    results = measured("replication", seeds=400, activation="identity", width=30, depth=1, inputs=2, dimension=3)
    squares = np.array([result["pair_deviation"][0] ** 2 for result in results])
    assert abs(30 * squares.mean() - 1.25) < 5 * 30 * squares.std() / 20


def test_all_layers_of_a_wide_network_are_near_their_limits():
    result = measured("replication", activation="erf", width=2000, depth=3, inputs=5)[0]
    assert np.all(result["max_error"] < 0.2)
    assert np.all(result["spectral_error"] < 0.2)
    assert np.all(np.abs(result["pair_deviation"]) <= result["max_error"])


@pytest.mark.parametrize(("activation", "constant"), [("erf", 1.65546), ("sin", 1.52091), ("relu", np.nan)])
def test_the_constant_of_bounded_activations(activation, constant):
    """Largest of the normalised erf, sine and their derivatives: that of erf' and of sin."""
    found = measured("replication", activation=activation, width=4, depth=1, inputs=2)[0]["bound_constant"]
    np.testing.assert_allclose(found, constant, rtol=1e-4)


def test_the_error_of_unbiased_weights_has_its_exact_mean():
    """m E[error] = (d + 2) / d - E f^2 for ReLU features and a target of norm 1."""
    results = measured("random_features", seeds=300, width=16, dimension=3, centres=4, points=100, targets=3)
    sums = np.array([16 * result["unbiased_error"] + result["mean_square"] for result in results])
    assert abs(sums.mean() - 5 / 3) < 5 * sums.std() / np.sqrt(300)
    unbiased, fitted, shuffled = (
        np.mean([result[f"{name}_error"] for result in results]) for name in ("unbiased", "fitted", "shuffled")
    )
    assert fitted < unbiased < shuffled


def test_features_of_another_size_are_biased():
    """Both the features and the weights have the factor: the mean is 4 f, and the error tends to 9 E f^2."""
    results = measured("random_features", seeds=10, width=4000, dimension=3, centres=4, points=50, feature_scale=2.0)
    for result in results:
        np.testing.assert_allclose(result["unbiased_error"], 9.0 * result["mean_square"], rtol=0.5)


def test_the_worst_target_is_the_top_of_what_the_features_leave():
    """By all eigenvalues of what is left, from the same draws; with a feature per point nothing is left."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    features = np.maximum(x @ rng.standard_normal((3, 5)), 0.0)
    rest = np.eye(60) - features @ np.linalg.pinv(features)
    gram = DUALS["relu"](np.clip(x @ x.T, -1, 1))
    expected = np.linalg.eigvalsh(rest @ gram @ rest / 60)[-1]
    found = measured("random_features", target="worst", width=5, dimension=3, points=60)[0]["fitted_error"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert measured("random_features", target="worst", width=60, dimension=3, points=20)[0]["fitted_error"] < 1e-7


def test_least_squares_of_features_that_depend_or_outnumber_the_points():
    """The residual is that of numpy's solver, and the weights are the shortest ones."""
    rng = np.random.default_rng(0)
    features, values = rng.standard_normal((30, 5)), rng.standard_normal((30, 2))
    twice = np.column_stack([features, features[:, 0]])
    for matrix in (features, twice, features.T):
        wanted = values[: len(matrix)]
        expected = np.linalg.lstsq(matrix, wanted, rcond=None)[0]
        np.testing.assert_allclose(random_features._least_squares(matrix, wanted), expected, rtol=1e-9, atol=1e-12)


def test_the_error_for_neurons_is_that_of_least_squares():
    """At many points of the sphere, and the same layer and directions."""
    rng = np.random.default_rng(0)
    layer, neurons = (rng.standard_normal((count, 3)) for count in (6, 2))
    layer, neurons = (w / np.linalg.norm(w, axis=1, keepdims=True) for w in (layer, neurons))
    x = np.random.default_rng(1).standard_normal((200_000, 3))
    x *= np.sqrt(3.0) / np.linalg.norm(x, axis=1, keepdims=True)
    features, wanted = (np.maximum(x @ w.T, 0.0) for w in (layer, neurons))
    rest = wanted - features @ np.linalg.lstsq(features, wanted, rcond=None)[0]
    found = measured("random_features", target="neuron", width=6, dimension=3, neurons=2)[0]
    np.testing.assert_allclose(found["fitted_error"], np.mean(rest**2), rtol=0.03)
    assert found["mean_square"] == pytest.approx(0.5)


def test_neurons_are_targets_for_rectifiers_alone():
    with pytest.raises(ValueError, match=r"'erf': target 'neuron' is for rectifiers such as 'relu'"):
        load_experiment("random_features").parameters(target="neuron", activation="erf")


def test_two_layers_have_the_dual_of_the_dual():
    first = (np.sqrt(0.75) + 2 * pi / 3 * 0.5) / pi
    assert replication_claims._relu_limits(2) == pytest.approx({1: first, 2: DUALS["relu"](first)})


def test_heavier_weights_and_other_laws_reach_the_layers():
    """One layer of identities: the mean kernel grows with the square of the factor, whatever the law."""
    for law in ("gaussian", "laplace"):
        results = measured(
            "replication", seeds=50, activation="identity", width=400, depth=1, inputs=2, weights=law, weight_scale=1.5
        )
        deviations = np.array([result["pair_deviation"][0] for result in results])
        assert abs(deviations.mean() - 0.5 * 1.25) < 5 * deviations.std() / np.sqrt(50)


def test_the_condition_of_a_matrix():
    assert kernel_interpolation._condition(np.diag([0.5, 2.0, 8.0])) == pytest.approx(16.0)
    assert kernel_interpolation._condition(np.ones((2, 2))) == pytest.approx(2.0**52)


def test_harmonics_are_orthonormal():
    n = 200_000
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 4))
    harmonics = kernel_interpolation._harmonics(x[:, 0] / np.linalg.norm(x, axis=1), 4)
    np.testing.assert_allclose(harmonics.T @ harmonics / n, np.eye(4), atol=0.05)


def test_one_relu_layer_cannot_learn_the_third_harmonic():
    found = measured("kernel_interpolation", samples=200, tests=200, dimension=3, max_depth=3)[0]
    assert abs(found["share"][0, 2]) < 1e-12
    assert found["degree_error"][0, 2] > 0.5
    assert found["degree_error"][1, 2] < 0.05
    assert found["share"].shape == found["degree_error"].shape == (3, 4)


def test_printed_formulas():
    def at(formula, depth, angle=60.0):
        return measured("printed_kernel", formula=formula, depth=depth, angle=angle, draws=4000)[0]

    np.testing.assert_allclose(at("erf", 1)["printed"], 2 / pi * asin(0.25))
    np.testing.assert_allclose(at("erf", 1)["right"], 2 / pi * asin(1 / 3))
    for depth in (1, 5):
        result = at("text", depth)
        np.testing.assert_allclose(result["printed"], result["right"], rtol=1e-13)
    for depth in (1, 2):
        result = at("first_listing", depth)
        np.testing.assert_allclose(result["printed"], result["right"], rtol=1e-8)
    assert at("first_listing", 3)["printed"] > 1.2 * at("first_listing", 3)["right"]
    assert (at("first_listing", 1)["returns"], at("second_listing", 1)["returns"]) == (0, 1)
    np.testing.assert_allclose(at("second_listing", 5)["printed"], at("second_listing", 5)["right"], rtol=1e-7)
    assert at("second_listing", 40, 0.0)["printed"] * 2**40 > 20


@pytest.mark.parametrize("formula", ["second_listing", "erf"])
def test_the_simulation_agrees_with_the_recursion(formula):
    point = printed_kernel.PrintedKernelParameters(formula=formula, depth=3, draws=40_000)
    result = printed_kernel.EXPERIMENT.run([point], [np.random.default_rng(1)], None)[0]
    assert abs(result["simulated"] - result["right"]) < 5 * result["standard_error"]
    assert result["standard_error"] < 0.02 * result["right"] + 0.01


def test_equal_inputs_stay_equal_in_the_simulation():
    """They keep half of their mean square in a layer, whatever is drawn, and one draw does for both."""
    rng, drawn = np.random.default_rng(0), []

    def draw():
        drawn.append(rng.standard_normal(400_000, dtype=np.float32))
        return drawn[-1]

    s, p, q = printed_kernel._next_layer(Relu().phi, (2.0, 2.0, 2.0), draw)
    assert s == p == q == pytest.approx(1.0, abs=0.01)
    assert len(drawn) == 1
    s, p, q = printed_kernel._next_layer(Relu().phi, (-2.0, 2.0, 2.0), draw)
    assert (s, p, q) == pytest.approx((0.0, 1.0, 1.0), abs=0.01)


# ---- the study, at scale smoke


@pytest.fixture(scope="module")
def evidence(root):
    return Evidence(spoilt_daniely2016.computed(), load_published(root, "daniely2016").claims)


FALSE = {
    "duals_exponential",
    "depth_contains_inputs",
    "depth_strict_relu",
    "separation",
    "universality_limit",
    "erratum_erf",
    "erratum_first_listing",
    "erratum_first_listing_returns",
    "erratum_second_listing",
    "erratum_normalised",
    "approximation_only_if",
    "summary_scaling",
    "summary_initialisations",
    "summary_conditioning",
    "summary_depth_rate",
}


def test_smoke_decides_nothing_wrongly(evidence):
    for name, claim in claims.CLAIMS.items():
        judgement = judge(evidence.published[name], claim(evidence))
        assert judgement.verdict in ("undecided", "fails" if name in FALSE else "holds"), (name, judgement)


def test_every_figure_and_table_is_made(evidence):
    study = load_study("daniely2016")
    for name in study.figures:
        with figure_style():
            figure = getattr(figures, name)(evidence)
        assert all(axes.get_xlabel() or axes.get_shared_x_axes().get_siblings(axes)[1:] for axes in figure.axes), name
        plt.close(figure)
    for name in study.tables:
        table = getattr(tables, name)(evidence)
        assert table.rows, name
        assert all(len(row) == len(table.columns) for row in table.rows), name


def test_the_exponent_of_a_power_leaves_nan_out():
    width = np.array([1.0, 2.0, 4.0, 8.0])
    values = xr.DataArray(np.where(width == 2.0, np.nan, 3.0 * width**-1.5), coords={"width": width})
    np.testing.assert_allclose(float(measures.exponent(values, "width")), -1.5)


def test_the_theorem_asks_for_its_width():
    """At the width of the theorem the accuracy is the one that it was asked for."""
    layers, constant, accuracy = np.array([1, 2]), 1.2, 0.3
    width = (4 * constant**4) ** (layers[1] + 1) * np.log(8 * layers[1] / 0.05) / accuracy**2
    cube = xr.Dataset({"bound_constant": ("width", [constant])}, coords={"width": [width], "layer": layers})
    np.testing.assert_allclose(measures.theorem_accuracy(cube).sel(layer=2), accuracy)


def power_law(**changed):
    """Shares (k + 1)^-4 that double precision shows up to some degree, at one depth; some degrees changed."""
    degree = np.arange(100)
    share = (degree + 1.0) ** -4
    for name, value in changed.items():
        share[int(name.removeprefix("degree"))] = value
    error = np.full(100, 1e-7)
    columns = {"share": share, "share_error": error, "eigenvalue": share, "eigenvalue_error": error}
    return xr.Dataset({name: ("degree", values) for name, values in columns.items()}, {"degree": degree})


def test_the_reach_ends_at_the_first_even_degree_that_is_not_resolved():
    for cube in (power_law(), power_law(degree40=0.0), power_law(degree7=0.0)):
        assert int(measures.reach(cube)) == 16  # 17^-4 is 1.2e-5, 19^-4 less than 1e-5
    assert int(measures.reach(power_law(degree8=0.0))) == 6


def test_each_parity_has_a_trend_of_its_own():
    """The two have different ratios, and odd degrees are resolved to lower ones: together they would show a trend."""
    depth, degree = np.arange(1, 5), np.arange(200)
    odd = degree % 2 == 1
    share = np.where(odd, 0.5, 1.0) * (degree + 1.0) ** -4 * np.where(odd, 1.5, 1.2) ** depth[:, None]
    error = np.where(odd, 1e-10, 2e-11) * np.ones((4, 1))
    columns = {"share": share, "share_error": error, "eigenvalue": share, "eigenvalue_error": error}
    cube = xr.Dataset(
        {name: (("dimension", "depth", "degree"), values[None]) for name, values in columns.items()},
        {"dimension": [3], "depth": depth, "degree": degree},
    )
    found = depth_claims._growth_exponents(cube)
    assert set(found) == {"d = 3, even degrees", "d = 3, odd degrees"}
    assert max(abs(estimate.value) for estimate in found.values()) < 1e-9


@pytest.mark.parametrize("angle", [20.0, 90.0])
def test_differences_give_the_slope_of_the_dual(angle):
    """The dual of the ReLU's derivative: 1 - theta / pi, twice the mean square of a half."""
    found = dual_activation._slope_in_angle("relu", np.deg2rad([angle]), dual_activation._STEP)
    np.testing.assert_allclose(-found / np.sin(np.deg2rad(angle)), 0.5 * (1.0 - angle / 180.0), rtol=1e-8)


def test_two_points_that_a_space_cannot_follow():
    """h(2 x) = 2 h(x) against 1 and 0: h(x) = 1/3, an error of 2/3. h(-x) = -h(x) against 1 and 1: an error of 1."""
    ray = np.outer([1.0, 2.0], [1.0, 2.0])
    np.testing.assert_allclose(two_point_fit.largest_error(ray, np.array([1.0, 0.0])), 2.0 / 3.0)
    odd = np.array([[1.0, -1.0], [-1.0, 1.0]])
    np.testing.assert_allclose(two_point_fit.largest_error(odd, np.array([1.0, 1.0])), 1.0)
    assert two_point_fit.largest_error(np.diag([1.0, 1e-9]), np.ones(2)) == 0.0
    assert two_point_fit.largest_error(np.diag([1.0, 1e-11]), np.ones(2)) > 0.9


@pytest.mark.parametrize(
    ("activation", "domain", "bias", "expected"),
    [("relu", "sphere", 0.0, 0.0), ("relu", "ray", 0.0, 2 / 3), ("relu", "ray", 0.1, 0.0), ("erf", "sphere", 0.0, 1.0)],
)
def test_what_spaces_can_follow_does_not_depend_on_the_depth(activation, domain, bias, expected):
    for depth in (1, 2, 20):
        found = measured("two_point_fit", activation=activation, domain=domain, depth=depth, bias_variance=bias)[0]
        np.testing.assert_allclose(found["distance"], expected, atol=1e-9)


def test_a_simulated_kernel_has_students_interval_over_its_chains():
    point = xr.Dataset({"simulated": 0.5, "standard_error": 0.01})
    found = summary_claims._simulated(point)
    np.testing.assert_allclose([found.value - found.low, found.high - found.value], 2.093024 * 0.01, rtol=1e-6)
    relative = summary_claims._relative(0.6, point)
    np.testing.assert_allclose(relative.numbers, (0.2, 0.6 / found.high - 1.0, 0.6 / found.low - 1.0))
    wider = summary_claims._relative(0.6, point, parts=10)
    np.testing.assert_allclose(wider.high, 0.6 / (0.5 - 3.173725 * 0.01) - 1.0, rtol=1e-5)
    nothing = summary_claims._relative(0.6, point.assign(standard_error=0.3))
    assert (nothing.low, nothing.high) == (-np.inf, np.inf)
