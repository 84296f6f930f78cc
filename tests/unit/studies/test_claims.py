"""The claims of atlas and chen2024 on synthetic cubes."""

import numpy as np
import pytest
import spoilt_atlas
import spoilt_chen2024
import xarray as xr
from claim_cubes import both, changed

from initatlas.config import load_published
from initatlas.studies.atlas import claims as atlas
from initatlas.studies.atlas import tables as atlas_tables
from initatlas.studies.atlas import trainability_claims
from initatlas.studies.atlas.trainability import best_variance
from initatlas.studies.chen2024 import claims as chen2024
from initatlas.studies.chen2024 import tables as chen2024_tables
from initatlas.studies.chen2024.smoothness import decay, slopes_by_window
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import judge_study

# ---- atlas


def atlas_evidence(root, *spoils):
    """The sound cubes of the atlas, spoilt."""
    return both(*spoils)(Evidence(spoilt_atlas.cubes(), load_published(root, "atlas").claims))


def accuracies(change, **where):
    return changed("trainability", "test_accuracy", change, **where)


def finding(claim, evidence):
    return atlas.CLAIMS[claim](evidence)


def shares(finding):
    return {label: estimate.value for label, estimate in finding.parts.items()}


def test_networks_are_counted_from_six_and_up_to_one_depth_scale(root):
    evidence = atlas_evidence(root)
    beyond, within = finding("beyond_depth_scale", evidence), finding("within_depth_scale", evidence)
    independent = {"gaussian", "uniform", "laplace"}
    assert "Shares of 108 networks of each distribution (18 cells of the map)" in beyond.reason
    assert "Of multivariate_t(nu=3), which is not counted, 0 of 108." in beyond.reason
    assert "Shares of 72 networks of each distribution (12 cells of the map)" in within.reason
    assert "Of multivariate_t(nu=3), which is not counted, 72 of 72." in within.reason
    assert shares(beyond) == dict.fromkeys(independent, 0.0)
    assert shares(within) == dict.fromkeys(independent, 1.0)
    assert {name: parts["laplace"].value for name, parts in beyond.controls.items()} == {"one_scale": 144 / 252}
    assert {name: parts["laplace"].value for name, parts in within.controls.items()} == {"six_scales": 0.0}
    assert within.parts["laplace"].low == pytest.approx((0.05 / 6) ** (1 / 72))


@pytest.mark.parametrize(("scale", "cells"), [(1.9999, 9), (2.0, 18)])
def test_a_network_as_deep_as_the_scale_is_within_it(root, scale, cells):
    flat = changed("depth_scale", "depth_scale", lambda found: xr.full_like(found, scale))
    assert f"({cells} cells of the map)" in finding("within_depth_scale", atlas_evidence(root, flat)).reason


@pytest.mark.parametrize(("scale", "cells"), [(4 / 6 * 0.9999, 36), (4 / 6 * 1.0001, 27)])
def test_a_network_deeper_than_six_scales_is_beyond(root, scale, cells):
    flat = changed("depth_scale", "depth_scale", lambda found: xr.full_like(found, scale))
    assert f"({cells} cells of the map)" in finding("beyond_depth_scale", atlas_evidence(root, flat)).reason


@pytest.mark.parametrize(("accuracy", "learned"), [(0.4555, 1.0), (0.4465, 0.0)])
def test_a_network_has_learned_at_half_of_the_best_accuracy(root, accuracy, learned):
    evidence = atlas_evidence(
        root,
        accuracies(lambda found: found.clip(max=0.9)),
        accuracies(lambda found: 0.0 * found + accuracy, weights="uniform"),
    )
    assert shares(finding("within_depth_scale", evidence))["uniform"] == learned
    assert shares(finding("beyond_depth_scale", evidence))["uniform"] == learned


@pytest.mark.parametrize(("accuracy", "measured"), [(0.199, False), (0.201, True)])
def test_networks_that_barely_guess_say_nothing(root, accuracy, measured):
    evidence = atlas_evidence(root, accuracies(lambda found: found.where(found < 0.5, accuracy)))
    for claim in trainability_claims.CLAIMS:
        assert (finding(claim, evidence).parts is not None) == measured


def test_a_distribution_whose_deepest_networks_do_not_learn_has_no_best_variance(root):
    evidence = atlas_evidence(root, accuracies(lambda found: 0.0 * found + 0.1, weights="laplace", depth=32))
    found = finding("norm_preserving_variance", evidence)
    assert set(found.parts) == {"gaussian", "uniform", "multivariate_t(nu=3)"}


def test_half_a_step_of_the_grid_widens_the_best_variance(root):
    found = finding("norm_preserving_variance", atlas_evidence(root)).parts["gaussian"]
    assert found.numbers == pytest.approx((2.0, 2.0 * 2**-0.25, 2.0 * 2**0.25))


def test_a_grid_without_deep_networks_measures_nothing(root):
    evidence = atlas_evidence(root)
    evidence.cubes["trainability"] = evidence.cubes["trainability"].isel(depth=[0])
    assert "too coarse" in finding("beyond_depth_scale", evidence).reason
    assert "too coarse" in finding("within_depth_scale", evidence).reason
    assert "too coarse" in finding("border_in_depth_scales", evidence).reason
    assert set(finding("universality_t", evidence).parts) == {"multivariate_t(nu=3), one depth scale or less"}


def test_distributions_are_compared_with_gaussian_weights_of_the_same_seed(root):
    lower = accuracies(lambda found: found - 0.06, weights="uniform", seed=[0, 2, 4])
    parts = finding("universality_independent", atlas_evidence(root, lower)).parts
    assert len(parts) == 4
    found = parts["uniform, more than six depth scales"]
    assert found.value == pytest.approx(-0.03, abs=0.002)
    reach = 4.2193 * np.std([-0.06, 0.0] * 3, ddof=1) / np.sqrt(6)  # Student's 1 - 0.05 / 8 for 5 degrees of freedom
    assert found.high - found.value == pytest.approx(reach, rel=0.1)
    assert parts["laplace, more than six depth scales"].value == pytest.approx(0.0, abs=0.002)


def test_the_border_is_the_best_place_between_two_ratios():
    positions = np.array([1.0, 2.0, 4.0, 8.0, 8.0])
    centre, gap = trainability_claims.parting(positions, np.array([True, True, True, False, False]))
    assert (np.exp(centre), np.exp(gap)) == pytest.approx((32**0.5, 2.0))
    centre, _ = trainability_claims.parting(positions, np.array([True, True, False, True, False]))
    assert np.exp(centre) == pytest.approx(8**0.5)


def test_the_border_has_half_a_gap_to_each_side(root):
    found = finding("border_in_depth_scales", atlas_evidence(root))
    low, high = 8 * np.log(2), 8 * 1.5 * np.log(2)
    assert found.parts["laplace"].numbers == pytest.approx(((low * high) ** 0.5, low, high), rel=1e-6)
    assert found.controls["twice"]["laplace"].value == pytest.approx(0.5 * (low * high) ** 0.5)
    assert found.controls["half"]["laplace"].value == pytest.approx(2.0 * (low * high) ** 0.5)


def test_the_control_has_twice_the_variance(root):
    parts = finding("universality_t", atlas_evidence(root)).controls["twice"]
    # of the 12 cells two cross the border: the depths 16 and 32 at the variance 2, which goes to 4
    assert parts["twice the variance, one depth scale or less"].value == pytest.approx(-0.8 * 2 / 12, abs=0.005)


def test_weights_that_are_not_in_the_sweep_are_not_compared(root):
    evidence = atlas_evidence(root)
    cube = evidence.cubes["trainability"]
    evidence.cubes["trainability"] = cube.sel(weights=["gaussian", "multivariate_t(nu=3)"])
    assert finding("universality_independent", evidence).parts is None
    assert finding("universality_t", evidence).parts is not None


def test_the_table_of_best_variances(root):
    evidence = atlas_evidence(
        root, accuracies(lambda found: xr.where(found.depth == 2, found.weight_variance / 10, found))
    )
    table = atlas_tables.best_variances(evidence)
    assert len(table.rows) == 2 * 4 * 6
    first = dict(zip([column.header for column in table.columns], table.rows[1], strict=True))
    assert (first["data set"], first["weights"], first["depth"]) == ("glyphs", "gaussian", 2)
    assert first["best test accuracy"] == pytest.approx(0.8)
    assert first["accuracy at the norm-preserving variance"] == pytest.approx(0.2)
    assert (first["best weight variance"], first["within 0.02 of it: from"], first["to"]) == pytest.approx(
        (8.0, 8.0, 8.0)
    )
    assert [row[0] for row in table.rows] == ["glyphs"] * 24 + ["digits"] * 24


@pytest.mark.parametrize(("less", "lowest"), [(0.0199, 4.0), (0.0201, 8.0)])
def test_a_variance_is_close_to_the_best_within_two_percent(less, lowest):
    accuracies = xr.DataArray([0.5, 0.9 - less, 0.9], {"weight_variance": [2.0, 4.0, 8.0]}, "weight_variance")
    assert best_variance(accuracies)[1:] == (lowest, 8.0)


# ---- chen2024


def smooth_evidence(root, datasets):
    """The sound cube of table 1, of some data sets."""
    cubes = spoilt_chen2024.cubes()
    return Evidence({**cubes, "table1": cubes["table1"].sel(dataset=datasets)}, load_published(root, "chen2024").claims)


def test_numbers_of_absent_data_are_not_measured(root):
    evidence = smooth_evidence(root, ["glyphs", "mnist"])
    verdicts = {claim.name: claim.judged for claim in judge_study("chen2024", chen2024.CLAIMS, evidence)}
    assert verdicts["table1_mnist_short"].verdict == "holds"
    for name in ("table1_cifar10", "table1_cifar10_short", "one_window"):
        assert verdicts[name].verdict == "not measured"
        assert "CIFAR-10" in verdicts[name].reason
    assert "Without Fashion-MNIST and CIFAR-10" in verdicts["smoother_than_initial"].reason


def test_the_windows_that_give_the_number_are_named(root):
    evidence = smooth_evidence(root, ["mnist"])
    cube = evidence.cubes["table1"]
    steeper = xr.where(cube.index < 1000, cube["tail_sum"], cube["tail_sum"] * (cube.index / 1000.0) ** -2)
    evidence.cubes["table1"] = cube.assign(tail_sum=steeper.where(cube.target == "class_index", cube["tail_sum"]))
    reason = chen2024.CLAIMS["table1_mnist_short"](evidence).reason
    slopes = slopes_by_window(evidence.cubes["table1"].sel(dataset="mnist", target="class_index")).mean("seed")
    last = int(slopes.window[abs(slopes - 0.40) <= 0.02].max())
    assert 1000 < last < 1200
    assert f"Windows from i < 20 to i < {last} come within 0.02" in reason
    assert "5 draws of 3000 of 10000 images, i < 400" in reason
    assert "Over random coefficients it would be 0.350 to 0.450" in reason
    floor = 1.96 * np.std([0.002, -0.002, 0.0, 0.001, -0.001], ddof=1) * np.sqrt(3 / 7)
    assert f"more draws bring it to {floor:.3f} on each side at best" in reason


def test_no_window_may_give_the_number(root):
    evidence = smooth_evidence(root, ["mnist"])
    cube = evidence.cubes["table1"]
    evidence.cubes["table1"] = cube.assign(tail_sum=cube["tail_sum"] ** 2)
    assert "No window comes within 0.02" in chen2024.CLAIMS["table1_mnist_short"](evidence).reason


def test_the_best_window_is_the_one_where_the_farthest_data_set_is_nearest(root):
    evidence = smooth_evidence(root, ["mnist", "fashion_mnist"])
    cube = evidence.cubes["table1"]
    bent = xr.where(cube.index < 500, 1.0, (cube.index / 500.0) ** -1.0)
    evidence.cubes["table1"] = cube.assign(tail_sum=cube["tail_sum"] ** 0.9 * bent)
    finding = chen2024.CLAIMS["one_window"](evidence)
    table = evidence.cubes["table1"].sel(target="class_index")
    powers = [(name, spoilt_chen2024.POWERS[name]) for name in ("mnist", "fashion_mnist")]
    off = [abs(slopes_by_window(table.sel(dataset=name)).mean("seed") - power) for name, power in powers]
    best = int(xr.concat(off, "dataset").max("dataset").idxmin())
    assert best > 500
    assert f"The best window is i < {best} of 3000." in finding.reason


def test_the_rounding_of_the_printed_numbers_widens_their_distance_from_shuffled_labels(root):
    flat = changed("table1", "slope", lambda slope: 0.0 * slope + 0.05, target="shuffled")
    parts = chen2024.CLAIMS["table1_window"](flat(smooth_evidence(root, ["glyphs", "mnist"]))).parts
    assert parts["MNIST"].numbers == pytest.approx((0.35, 0.345, 0.355))
    assert parts["CIFAR-10"].numbers == pytest.approx((0.04, 0.035, 0.045))


def test_the_differences_of_each_coding_are_named(root):
    evidence = smooth_evidence(root, ["glyphs", "mnist"])
    off = changed("table1", "slope", lambda slope: slope + 0.1, dataset="mnist", target="parity")
    reason = chen2024.CLAIMS["coding"](off(evidence)).reason
    assert "one hot +0.000 to +0.000, parity +0.000 to +0.100, first or rest +0.000 to +0.000." in reason


def test_data_sets_that_are_used_whole_say_nothing_of_the_draw(root):
    evidence = smooth_evidence(root, ["glyphs"])
    cube = evidence.cubes["table1"]
    evidence.cubes["table1"] = cube.assign(population=cube["sample_size"])
    for name in ("table1_window", "coding"):
        finding = chen2024.CLAIMS[name](evidence)
        assert finding.parts is None
        assert "used whole" in finding.reason
    rows = chen2024_tables.table1(evidence).rows
    assert rows[0][5:7] == [None, None]


def test_the_table_of_slopes(root):
    evidence = smooth_evidence(root, ["mnist", "glyphs"])
    table = chen2024_tables.table1(evidence)
    assert len(table.rows) == 2 * (5 + 6 * 2)
    first = table.rows[0]
    assert first[:4] == ["MNIST", "class index", 3000, "i < 270"]
    reach = 2.776445 * np.std([0.002, -0.002, 0.0, 0.001, -0.001], ddof=1) * np.sqrt(1 / 5 + 3 / 7)
    assert first[4:9] == pytest.approx([0.40, 0.40 - reach, 0.40 + reach, 0.35, 0.45])
    assert first[9:] == [pytest.approx(0.0247, abs=1e-4), 0.40]
    assert table.rows[-1][-1] is None


def test_the_decay_leaves_empty_places_out():
    cube = xr.Dataset({"tail_sum": ("index", [4.0, 2.0, 0.0, np.nan])}, {"index": [1, 2, 3, 4]})
    index, tail = decay(cube)
    assert (index.tolist(), tail.tolist()) == ([1, 2], [1.0, 0.5])
