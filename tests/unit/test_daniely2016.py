"""The study daniely2016: its experiments against exact laws, and what its claims say of right and of spoilt cubes."""

from math import asin, pi, sinh

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from toy.sweeps import run

from initatlas.config import load_published, load_study, load_workflow
from initatlas.cubes import open_cube
from initatlas.experiments import kernel_interpolation, printed_kernel
from initatlas.report.style import figure_style
from initatlas.studies.daniely2016 import claims, figures, measures, tables
from initatlas.studies.evidence import Evidence
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
def test_duals_are_those_of_the_paper_three_ways(activation):
    rho = np.linspace(-1, 1, 21)
    found = measured("dual_activation", activation=activation, correlations=21, draws=20_000)[0]
    np.testing.assert_allclose(found["dual"], DUALS[activation](rho), atol=1e-12)
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
    results = measured("random_features", seeds=300, width=16, dimension=3, centres=4, points=100)
    sums = np.array([16 * result["unbiased_error"] + result["mean_square"] for result in results])
    assert abs(sums.mean() - 5 / 3) < 5 * sums.std() / np.sqrt(300)
    assert np.mean([result["fitted_error"] for result in results]) < np.mean([r["unbiased_error"] for r in results])


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


# ---- the study, at scale smoke


@pytest.fixture(scope="module")
def evidence(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("daniely2016")
    sweeps = load_workflow(root, {"scale": "smoke"}).sweeps["daniely2016"]
    cubes = {}
    for name, sweep in sweeps.items():
        report, path = run(sweep, folder)
        assert not report.failures
        cubes[name] = open_cube(path)
    return Evidence(cubes, load_published(root, "daniely2016").claims)


VERDICTS = {
    "duals_exponential": "differs",
    "approximation_only_if": "fails",
    "depth_strict_relu": "fails",
    "separation": "fails",
    "universality_limit": "fails",
    "erratum_erf": "fails",
    "erratum_first_listing": "fails",
    "erratum_first_listing_returns": "fails",
    "erratum_second_listing": "fails",
    "erratum_normalised": "fails",
}


@pytest.fixture(scope="module")
def as_found(evidence):
    return claims.measure(evidence)


def test_every_claim_has_a_measurement_and_its_verdict(evidence, as_found):
    found = as_found
    assert set(found) == set(evidence.published)
    assert {name: found[name].verdict for name in found} == {name: VERDICTS.get(name, "holds") for name in found}
    for name, measurement in found.items():
        assert np.isfinite(measurement.value), name
        assert measurement.low is None or measurement.low <= measurement.value <= measurement.high, name


SPOILT = [
    ("duals", "dual", lambda v: v + 0.1, "duals_closed_form", "fails"),
    ("duals", "derivative", lambda v: 2.0 * v + 1.0, "duals_derivative", "fails"),
    ("duals", "dual", lambda v: v - v.correlation**4, "duals_shape", "fails"),
    ("duals", "dual", lambda v: 0 * v + v.correlation.clip(min=0.0) ** 0.5, "duals_shape", "fails"),
    ("duals", "second_moment_sampled", lambda v: 0 * v + np.exp(4.0), "duals_exponential", "holds"),
    ("replication", "max_error", lambda v: v * v.width, "replication_rate", "differs"),
    ("replication", "pair_deviation", lambda v: v * 1e4, "replication_bounded", "fails"),
    ("replication", "pair_deviation", lambda v: v * v.layer**3, "replication_relu", "fails"),
    ("approximation", "unbiased_error", lambda v: v * v.width**3, "approximation_rate", "differs"),
    ("approximation", "fitted_error", lambda v: v * 1e3, "approximation_bound", "fails"),
    ("approximation", "fitted_error", lambda v: v * v.width**3, "approximation_only_if", "holds"),
    ("depth_spectrum", "eigenvalue", lambda v: v / (1.0 + v.degree) ** v.depth, "depth_contains", "fails"),
    ("depth_spectrum", "eigenvalue", lambda v: v * (1.0 + v.degree) ** v.depth, "depth_strict_relu", "holds"),
    ("depth_spectrum", "eigenvalue", lambda v: 0 * v + 1.0 / (1.0 + v.degree), "depth_strict_erf", "fails"),
    ("depth_spectrum", "decay_odd", lambda v: v + 0.5, "depth_decay", "differs"),
    ("depth_spectrum", "share_error", lambda v: v + (v.degree == 7), "depth_odd", "fails"),
    ("depth_spectrum", "share", lambda v: v * (v.degree != 7), "universality_fixed", "fails"),
    ("separation", "eigenvalue", lambda v: v * v.dimension ** (1.0 * v.depth), "separation", "fails"),
    ("separation", "eigenvalue", lambda v: v * v.dimension ** (4.0 / 3.0 * (v.depth - 1.0)), "separation", "holds"),
    ("universality", "mixture_error", lambda v: v / v.layers**2, "universality_limit", "holds"),
    ("errata", "returns", lambda v: 0 * v + 1, "erratum_first_listing_returns", "holds"),
    ("errata", "simulated", lambda v: 2 * v, "erratum_normalised", "holds"),
]


@pytest.mark.parametrize(("cube", "variable", "spoil", "claim", "verdict"), SPOILT, ids=[row[3] for row in SPOILT])
def test_a_verdict_follows_the_numbers(evidence, cube, variable, spoil, claim, verdict):
    changed = evidence.cubes[cube].assign({variable: spoil(evidence.cubes[cube][variable])})
    found = claims.measure(Evidence({**evidence.cubes, cube: changed}, evidence.published))
    assert found[claim].verdict == verdict, found[claim]


@pytest.mark.parametrize(
    ("formula", "depth", "angle"), [("erf", 1, 60), ("first_listing", 3, 60), ("second_listing", 40, 0)]
)
def test_a_printed_formula_is_judged_by_the_simulation(evidence, formula, depth, angle):
    cube = evidence.cubes["errata"]

    def judged(**changed):
        errata = cube.assign({name: 0.0 * cube.right + new for name, new in changed.items()})
        found = claims._erratum(Evidence({"errata": errata}, {}), formula, depth=depth, angle=angle)
        return found.verdict, "agrees with neither" in found.reason

    assert judged(simulated=cube.right) == ("fails", False)
    assert judged(simulated=cube.printed) == ("holds", False)
    assert judged(simulated=cube.right, printed=cube.right) == ("not measured", False)
    assert judged(simulated=cube.right + 0.4 * (cube.printed - cube.right), standard_error=1e-20) == ("fails", True)
    assert judged(simulated=cube.right + 0.6 * (cube.printed - cube.right), standard_error=1e-20) == (
        "not measured",
        True,
    )


REASONS = [
    ("replication", "pair_deviation", lambda v: v * 1e4, "replication_bounded", "is generous"),
    ("approximation", "unbiased_error", lambda v: v * 0.01, "approximation_bound", "do not always keep the bound"),
    ("approximation", "fitted_error", lambda v: v * v.width**3, "approximation_only_if", "it falls"),
    (
        "depth_spectrum",
        "eigenvalue",
        lambda v: v * ((v.degree != 4) | (v.depth == 1)),
        "depth_contains",
        "no degree is lost",
    ),
    (
        "depth_spectrum",
        "eigenvalue",
        lambda v: v * 1.0 * v.dimension**v.depth,
        "depth_contains",
        "grows with the dimension for",
    ),
    ("depth_spectrum", "share", lambda v: 0 * v + 0.5, "depth_odd", "; zero within"),
]


@pytest.mark.parametrize(("cube", "variable", "spoil", "claim", "finding"), REASONS, ids=[row[3] for row in REASONS])
def test_a_reason_states_a_finding_only_where_the_numbers_do(evidence, as_found, cube, variable, spoil, claim, finding):
    changed = evidence.cubes[cube].assign({variable: spoil(evidence.cubes[cube][variable])})
    spoilt = claims.measure(Evidence({**evidence.cubes, cube: changed}, evidence.published))[claim]
    assert finding in as_found[claim].reason
    assert finding not in spoilt.reason


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


def test_the_jackknife_of_a_mean_is_students_interval():
    values = xr.DataArray([1.0, 2.0, 4.0, 7.0], dims="seed")
    found = measures.jackknife(lambda sample: float(sample.mean()), values)
    reach = 3.182446 * values.std("seed", ddof=1).item() / 2
    np.testing.assert_allclose(found, [3.5, 3.5 - reach, 3.5 + reach], rtol=1e-6)


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


def test_a_degree_beyond_the_resolved_ones_is_neither_there_nor_missing():
    whole = power_law()
    assert int(measures.reach(whole)) == 16  # 17^-4 is 1.2e-5, 19^-4 less than 1e-5
    assert bool(measures.present(whole).all())
    assert bool(measures.present(power_law(degree40=0.0)).all())
    gap = measures.present(power_law(degree7=1e-9))
    assert gap.degree.values[~gap.values].tolist() == [7]


def test_each_parity_has_a_trend_of_its_own():
    """The two have different ratios, and odd degrees are resolved to lower ones: together they would show a trend."""
    depth, degree = np.arange(1, 5), np.arange(200)
    odd = degree % 2 == 1
    share = np.where(odd, 0.5, 1.0) * (degree + 1.0) ** -4 * np.where(odd, 1.5, 1.2) ** depth[:, None]
    error = np.where(odd, 1e-10, 2e-11) * np.ones((4, 1))
    columns = {"share": share, "share_error": error, "eigenvalue": share, "eigenvalue_error": error}
    cube = xr.Dataset(
        {
            name: (("activation", "dimension", "depth", "degree"), values[None, None])
            for name, values in columns.items()
        },
        {"activation": ["relu"], "dimension": [3], "depth": depth, "degree": degree},
    )
    found = claims._strict(Evidence({"depth_spectrum": cube}, {}), "relu", first_depth=2)
    assert found.verdict == "fails"
    assert abs(found.value) < 1e-9


def powers(v, x):
    """Eigenvalues of which one more layer has the degree to a power times as much."""
    return 0.0 * v + (1.0 + v.degree) ** -6.0 * v.degree.clip(min=1) ** (x * v.depth)


EDGES = [
    ("duals", "dual_sampled", lambda c, x: c.dual + x * c.dual_standard_error.clip(min=1e-9), "duals_closed_form",
     4.98, "holds", 5.02, "fails"),
    ("depth_spectrum", "eigenvalue", lambda c, x: powers(c.eigenvalue, x), "depth_strict_erf", 0.497, "differs", 0.503, "holds"),
    ("depth_spectrum", "eigenvalue", lambda c, x: powers(c.eigenvalue, x), "depth_strict_relu",
     0.0497, "fails", 0.0503, "differs"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cube", "variable", "spoil", "claim", "near", "verdict", "far", "other"), EDGES, ids=[row[3] for row in EDGES]
)
def test_a_verdict_turns_where_it_is_said_to(evidence, cube, variable, spoil, claim, near, verdict, far, other):
    found = []
    for x in (near, far):
        changed = evidence.cubes[cube].assign({variable: spoil(evidence.cubes[cube], x)})
        found.append(claims.measure(Evidence({**evidence.cubes, cube: changed}, evidence.published))[claim].verdict)
    assert found == [verdict, other]


def test_intervals_of_a_simulation_are_those_of_the_normal_law(evidence, as_found):
    found = as_found
    error = np.exp(-4.0) * float(evidence.cubes["duals"].sel(activation="exp")["second_moment_standard_error"])
    single = found["duals_exponential"]
    np.testing.assert_allclose([single.value - single.low, single.high - single.value], 1.959964 * error, rtol=1e-4)
    point = evidence.cubes["errata"].sel(formula="second_listing", depth=1, angle=0)
    single = found["erratum_normalised"]
    expected = 1.959964 * float(point["standard_error"])
    np.testing.assert_allclose([single.value - single.low, single.high - single.value], expected, rtol=1e-4)
