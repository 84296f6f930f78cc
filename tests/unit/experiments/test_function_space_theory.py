"""Experiments on the theorems of networks in function space."""

from math import comb, prod

import numpy as np
import pytest
from scipy import stats

from initatlas.experiments import (
    breakpoint_changes,
    breakpoint_density,
    breakpoint_travel,
    flow_laws,
    initial_roughness,
    lonely_partition,
    partition_count,
    unit_laws,
)
from initatlas.piecewise.partitions import continuous_partitions
from initatlas.piecewise.shallow import ShallowNetwork
from initatlas.piecewise.starts import drawn, shallow_of
from initatlas.piecewise.trained import view


def one(experiment, seed=0, **parameters):
    point = experiment.parameters(**parameters)
    (found,) = experiment.run([point], [np.random.default_rng(seed)], None)
    return found


DISTANCES = [output.name for output in unit_laws.EXPERIMENT.outputs if output.name.startswith("distance")]
SCALES = {"input_scale": 2.0, "bias_scale": 0.7, "output_scale": 1.3, "units": 20_000}


def test_a_distance_of_distribution_functions_is_that_of_kolmogorov_and_smirnov():
    for probabilities in (np.random.default_rng(1).random(50) ** 2, np.random.default_rng(2).random(7) ** 0.5):
        expected = stats.kstest(probabilities, "uniform").statistic
        assert unit_laws.largest_distance(probabilities) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("family", ["gaussian", "uniform"])
def test_units_follow_their_laws_and_no_others(family):
    right = one(unit_laws.EXPERIMENT, family=family, **SCALES)
    assert max(right[name] for name in DISTANCES) < 1.63 / 20_000**0.5  # the 1 % point of Kolmogorov's statistic
    larger = one(unit_laws.EXPERIMENT, family=family, law_factor=1.1, **SCALES)
    assert min(larger[name] for name in DISTANCES if "delta_slope" in name and "breakpoint_g" not in name) > 0.02
    assert larger["distance_breakpoint"] > 0.013
    other = one(unit_laws.EXPERIMENT, family=family, law_family="other", **SCALES)
    assert min(other[name] for name in DISTANCES) > 0.02


@pytest.mark.parametrize(("family", "square", "fourth"), [("gaussian", 1.0, 9.0), ("uniform", 1 / 9, 1 / 25)])
def test_moments_of_delta_slopes_are_in_scales_of_the_weights(family, square, fourth):
    found = one(unit_laws.EXPERIMENT, family=family, **{**SCALES, "units": 400_000})
    assert found["mean_square"] == pytest.approx(square, rel=0.02)
    assert found["mean_fourth_power"] == pytest.approx(fourth, rel=0.1)


def test_histograms_are_densities_in_scales_of_the_law():
    found = one(unit_laws.EXPERIMENT, family="gaussian", bins=8, **SCALES)
    cauchy = np.diff(np.arctan(np.linspace(-4.0, 4.0, 9))) / np.pi
    np.testing.assert_allclose(found["breakpoint_density"], cauchy, atol=0.01)


@pytest.mark.parametrize(
    ("family", "preset", "mean", "variance"),
    [
        ("gaussian", "he", 4.0, 128 / 21),
        ("gaussian", "glorot", 4 * 21 / 22**2, 128 * 21 / 22**4),
        ("uniform", "he", 4.0, 16 * 2.24 / 21),
    ],
)
def test_roughness_has_the_moments_of_theorem_2(family, preset, mean, variance):
    found = one(initial_roughness.EXPERIMENT, family=family, preset=preset, width=21, networks=20_000)
    assert found["theory_mean"] == pytest.approx(mean, rel=1e-12)
    assert found["theory_variance"] == pytest.approx(variance, rel=1e-12)
    assert found["mean"] == pytest.approx(mean, rel=0.02)
    assert found["mean_squared_distance"] == pytest.approx(variance, rel=0.1)


def test_tails_are_counted_beyond_the_mean_and_beyond_half_of_it():
    found = one(initial_roughness.EXPERIMENT, width=200, networks=2000)
    np.testing.assert_allclose(found["bound"], 1.0 / (1.0 + np.array(initial_roughness.EXCESSES) ** 2))
    assert (np.diff(found["beyond"]) <= 0).all()
    assert found["beyond"][2] / 2000 == pytest.approx(0.15, abs=0.03)  # one standard deviation of a nearly normal law
    assert found["beyond_half"][3] > 1000 > found["beyond"][0]


def test_lonely_partitions_of_even_and_of_random_breakpoints():
    even = one(lonely_partition.EXPERIMENT, points=4, alpha=1.0, draws=20_000)
    assert even["units"] == 16
    assert even["exact"] == pytest.approx(prod(1 - i / 17 for i in range(4)), rel=1e-12)
    assert even["birthday"] == pytest.approx(np.exp(-12 / 34), rel=1e-12)
    assert even["printed"] == pytest.approx(1 - np.exp(-16 / 17), rel=1e-12)
    assert even["lonely"] / 20_000 == pytest.approx(even["exact"], abs=0.012)
    random = one(lonely_partition.EXPERIMENT, points=4, alpha=1.0, placing="random", draws=20_000)
    assert random["exact"] == pytest.approx(comb(17, 4) / comb(20, 4), rel=1e-12)
    assert random["lonely"] / 20_000 == pytest.approx(random["exact"], abs=0.012)


def test_more_data_points_than_pieces_are_never_lonely():
    for placing in ("even", "random"):
        found = one(lonely_partition.EXPERIMENT, points=10, alpha=0.05, placing=placing, draws=50)
        assert (found["units"], found["lonely"], found["exact"]) == (5, 0, 0.0)


def test_only_the_right_laws_are_those_of_small_steps():
    for name in ("breakpoint", "delta_slope"):
        right = one(flow_laws.EXPERIMENT, seed=1)[name]
        np.testing.assert_allclose(right[1:-1] / right[2:], 10.0, rtol=0.2)
        assert right[-1] < 1e-3
        for laws in ("no_correlation", "gradient"):
            assert one(flow_laws.EXPERIMENT, seed=1, laws=laws)[name][-1] > 0.1


def test_the_first_layer_neither_bears_nor_loses_breakpoints_but_at_the_ends():
    found = one(breakpoint_changes.EXPERIMENT, low=-50.0, high=50.0, samples=2001, width=6, depth=3, epochs=400,
                every=50, learning_rate=1e-6, reach=5.0)  # fmt: skip
    assert found["looks"] == 9
    assert found["births"][0] == found["deaths"][0] == 0
    assert found["stayed"][0] == 8 * found["breakpoints"][0]
    assert 0 < found["travelled"][0] < 5.0 * found["stayed"][0]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"low": 1.0, "high": 0.0}, "give low < high"),
        ({"gap": 3.0}, "leaves no training point"),
        ({"epochs": 10, "every": 20}, "take at most epochs"),
    ],
)
def test_a_sweep_of_changes_refuses_what_cannot_be(parameters, message):
    with pytest.raises(ValueError, match=message):
        breakpoint_changes.BreakpointChangesParameters(**parameters)


def test_a_density_counts_breakpoints_by_length():
    places = np.linspace(-8.0, 8.0, 4001)
    heights = breakpoint_density.density(np.array([-1.0, 2.0, 2.0]), places, 0.25)
    assert heights.sum() * 0.004 == pytest.approx(3.0, rel=1e-9)
    assert heights[places == 2.0] == pytest.approx(2.0 / (0.25 * (2 * np.pi) ** 0.5), rel=1e-9)
    spread = (heights * (places - places @ heights / heights.sum()) ** 2).sum() * 0.004 / 3.0
    assert spread == pytest.approx(2.0 + 0.25**2, rel=1e-9)


def test_densities_are_held_against_the_curvature():
    changes = one(breakpoint_density.EXPERIMENT, target="polynomial(c3=0.5)", width=6, depth=2, epochs=200)
    places = np.linspace(-2.0, 2.0, 81)
    np.testing.assert_allclose(changes["curvature"], 3.0 * abs(places), atol=1e-6)
    for place in range(2):
        expected = np.corrcoef(changes["density"][place], abs(places))[0, 1]
        assert changes["correlation"][place] == pytest.approx(expected, abs=1e-6)
    assert changes["loss"][1] < 0.9 * changes["loss"][0]
    start = drawn([6, 6], scheme="he", rng=np.random.default_rng(0))
    positions = view(start).breakpoints.positions
    np.testing.assert_array_equal(changes["density"][0], breakpoint_density.density(positions, places, 0.2))


def test_a_network_that_diverges_has_no_density_after_training():
    changes = one(breakpoint_density.EXPERIMENT, width=6, depth=2, epochs=200, learning_rate=10.0)
    assert np.isfinite(changes["correlation"]).tolist() == [True, False]
    assert np.isnan(changes["density"][1]).all()
    assert np.isnan(changes["loss"][1])


def test_without_curvature_there_is_no_correlation():
    straight = one(breakpoint_density.EXPERIMENT, target="polynomial(c1=1)", width=6, depth=1, epochs=5)
    assert np.isnan(straight["correlation"]).all()
    assert np.isfinite(straight["density"]).all()


def test_partitions_of_noisy_data_are_counted():
    counts = one(partition_count.EXPERIMENT, points=6, breakpoints=5, target="exp", noise=0.5)
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, 6)
    y = np.exp(x) + 0.5 * rng.standard_normal(6)
    assert list(counts["continuous"]) == list(continuous_partitions(x, y, pieces=6))
    assert counts["partitions"] == [comb(6 + used, 6) for used in range(6)]


def test_travel_is_that_of_breakpoints_inside_and_ends_at_the_ends():
    before, after = np.array([-3.0, 0.0, 0.5, 0.9, 0.1]), np.array([0.0, 0.25, 0.5, 7.0, -0.6])
    assert breakpoint_travel.travel(before, after, -1.0, 1.0) == pytest.approx((0.25 + 0.1) / 2)
    assert np.isnan(breakpoint_travel.travel(before[:1], after[:1], -1.0, 1.0))


def test_the_largest_curvature_is_that_of_the_loss():
    network = shallow_of(drawn([5], scheme="he", biases="normal", rng=np.random.default_rng(3)))
    x, step = np.linspace(-2.0, 2.0, 9), 1e-6
    parts = [network.input_weights, network.biases, network.output_weights, np.reshape(network.output_bias, 1)]
    theta = np.concatenate(parts)

    def outputs(values):
        return ShallowNetwork(values[:5], values[5:10], values[10:15], values[15])(x)

    jacobian = np.stack(
        [(outputs(theta + step * row) - outputs(theta - step * row)) / (2 * step) for row in np.eye(16)]
    )
    expected = np.linalg.eigvalsh(jacobian @ jacobian.T)[-1]
    assert breakpoint_travel.largest_curvature(network, x) == pytest.approx(expected, rel=1e-6)


def test_networks_that_are_wide_or_large_are_lazy():
    def far(**parameters):
        return one(breakpoint_travel.EXPERIMENT, networks=8, epochs=1000, **parameters)["travel"].mean()

    assert far(width=100) < 0.3 * far(width=10)
    large, usual = (far(width=40, scale=scale, output_at_start="removed") for scale in (4.0, 1.0))
    assert large < 0.2 * usual
    assert far(width=40, scale=4.0) > 2.0 * large


def test_without_their_output_at_the_start_networks_learn_the_same_function():
    point = {"networks": 1, "width": 30, "epochs": 1, "learned": 0.0, "step": 1e-9, "target": "exp"}
    kept, removed = (one(breakpoint_travel.EXPERIMENT, output_at_start=name, **point) for name in ("kept", "removed"))
    assert kept["loss_share"] == pytest.approx([1.0])
    assert removed["loss_share"] == pytest.approx([1.0])
    assert (kept["slope_change"] != removed["slope_change"]).all()
