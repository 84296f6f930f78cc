"""What a verdict is made from, and the claims of atlas and chen2024 on synthetic cubes."""

import numpy as np
import pytest
import spoilt_chen2024
import xarray as xr

from initatlas.config import load_published
from initatlas.errors import UserError
from initatlas.studies.atlas import claims as atlas
from initatlas.studies.atlas import tables as atlas_tables
from initatlas.studies.atlas.trainability import best_variance
from initatlas.studies.chen2024 import claims as chen2024
from initatlas.studies.chen2024 import tables as chen2024_tables
from initatlas.studies.chen2024.smoothness import decay, slopes_by_window
from initatlas.studies.claim import Published
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import judge_study
from initatlas.studies.uncontracted import Measurement, below, ledger, misprint, within


def published(value, tolerance=0.0):
    return Published(statement="s", where="w", value=value, tolerance=tolerance)


@pytest.mark.parametrize(
    ("value", "interval", "tolerance", "reached"),
    [
        (1.0, {}, 0.0, True),
        (1.1, {}, 0.09, False),
        (1.1, {}, 0.11, True),
        (0.9, {}, 0.09, False),
        (0.9, {}, 0.11, True),
        (1.3, {"low": 1.2, "high": 1.4}, 0.19, False),
        (1.3, {"low": 1.2, "high": 1.4}, 0.21, True),
        (0.7, {"low": 0.6, "high": 0.8}, 0.19, False),
        (0.7, {"low": 0.6, "high": 0.8}, 0.21, True),
        (0.7, {"low": 0.0, "high": 1.0}, 0.0, True),
        (1.3, {"low": 1.0, "high": 2.0}, 0.0, True),
    ],
)
def test_a_number_is_reached_within_the_interval_and_the_tolerance_and_no_farther(value, interval, tolerance, reached):
    assert within(value, published(1.0, tolerance), **interval) == reached


def test_nothing_can_be_within_reach_of_no_number():
    with pytest.raises(ValueError, match="no published number"):
        within(1.0, published(None))


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.5, 0.9, "holds"), (1.1, 2.0, "fails"), (0.9, 1.1, "not measured"), (1.0, 1.0, "not measured")],
)
def test_a_bound_is_kept_broken_or_undecided(low, high, verdict):
    assert below(1.0, low=low, high=high) == verdict


@pytest.mark.parametrize(
    ("printed", "right", "verdict", "remark"),
    [
        (3.0, 1.1, "fails", ""),
        (0.9, 3.0, "holds", "with the printed one"),
        (0.9, 1.1, "not measured", "with both"),
        (3.0, 1.5, "fails", "nearer to the right"),
        (1.5, 3.0, "not measured", "nearer to the printed"),
        (1.5, 0.5, "not measured", "nearer to the printed"),
        (float("nan"), 1.1, "fails", ""),
        (float("nan"), 3.0, "fails", "nearer to the right"),
    ],
)
def test_a_misprint_is_judged_by_the_interval(printed, right, verdict, remark):
    found = misprint(printed, right, value=1.0, low=0.8, high=1.2)
    assert found[0] == verdict
    assert remark in found[1]
    assert bool(found[1]) == bool(remark)


def test_the_ledger_pairs_what_was_published_with_what_was_measured():
    statement, found = published(1.0), Measurement("holds", "")
    (claim,) = ledger("study", {"one": statement}, {"one": found})
    assert (claim.study, claim.name, claim.published, claim.judged.verdict) == ("study", "one", statement, "holds")
    with pytest.raises(UserError, match=r"study.yaml: claim 'two'"):
        ledger("study", {"one": statement}, {"one": found, "two": found})


# ---- atlas

DEPTHS = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64]
CLOSE = [2.0 * float(np.exp(ratio / 64)) for ratio in (0.995, 1.005, 5.97, 6.03)]
"""At depth 64 little below and above one depth scale, and six."""

VARIANCES = sorted([0.5, 1.0, 1.9, 2.0, 2.1, 4.0, 8.0, *CLOSE])


LABELS = [f"multivariate_t(nu={nu})" for nu in range(3, 103)]


def atlas_evidence(root, learns):
    """Networks whose accuracy is 0.9 where they learn, else that of guessing, and theory's depth scale."""
    variance = xr.DataArray(VARIANCES, {"weight_variance": VARIANCES}, "weight_variance")
    logs = abs(np.log(variance / 2.0))
    scale = (1.0 / logs.where(logs > 0.0)).fillna(np.inf)
    depth = xr.DataArray(DEPTHS, {"depth": DEPTHS}, "depth")
    sizes = {"weights": len(LABELS), "dataset": 1, "width": 2, "seed": 1}
    everywhere = xr.DataArray(np.ones(tuple(sizes.values())), dims=tuple(sizes)) * (depth / scale)
    accuracy = xr.where(learns(everywhere, depth, variance), 0.9, 0.1).broadcast_like(everywhere)
    accuracy = accuracy.assign_coords(dataset=["glyphs"], width=[32, 64], weights=LABELS)
    accuracy = xr.where(accuracy.width == 64, accuracy, 0.0)
    cubes = {
        "trainability": accuracy.to_dataset(name="test_accuracy"),
        "depth_scale": scale.to_dataset(name="depth_scale"),
    }
    return Evidence(cubes, load_published(root, "atlas").claims)


def first(wanted, fraction):
    """The networks of a share of the cells that `wanted` picks learn, and one that it does not pick."""

    def learns(ratio, depth, variance):
        inside = wanted(ratio).isel(width=1)
        order = inside.copy(data=np.cumsum(inside.values.ravel()).reshape(inside.shape))
        best = (depth == 2) & (variance == 1.0)
        return (inside & (order <= round(fraction * int(inside.sum())))) | best

    return learns


@pytest.mark.parametrize(
    ("fraction", "verdict"),
    [(0.0, "holds"), (0.0995, "holds"), (0.1005, "differs"), (0.4975, "differs"), (0.503, "fails")],
)
def test_deep_networks_should_not_learn(root, fraction, verdict):
    found = atlas.measure(atlas_evidence(root, first(lambda ratio: ratio > 6.0, fraction)))["beyond_depth_scale"]
    assert (found.verdict, found.value) == (verdict, pytest.approx(fraction, abs=5e-4)), found


@pytest.mark.parametrize(
    ("fraction", "verdict"),
    [(1.0, "holds"), (0.905, "holds"), (0.895, "differs"), (0.503, "differs"), (0.497, "fails")],
)
def test_shallow_networks_should_learn(root, fraction, verdict):
    found = atlas.measure(atlas_evidence(root, first(lambda ratio: ratio < 1.0, fraction)))["within_depth_scale"]
    assert (found.verdict, found.value) == (verdict, pytest.approx(fraction, abs=5e-4)), found


@pytest.mark.parametrize(
    ("claim", "counts"),
    [("beyond_depth_scale", lambda ratio: ratio > 6.0), ("within_depth_scale", lambda ratio: ratio < 1.0)],
)
def test_networks_are_counted_from_six_and_up_to_one_depth_scale(root, claim, counts):
    ratios = np.multiply.outer(DEPTHS, np.abs(np.log(np.array(VARIANCES) / 2.0)))
    found = atlas.measure(atlas_evidence(root, lambda ratio, depth, variance: ratio < 1.0))[claim]
    assert f"Share of {counts(ratios).sum() * len(LABELS)} cells" in found.reason


@pytest.mark.parametrize(("accuracy", "share"), [(0.4545, 1.0), (0.4455, 0.0)])
def test_a_network_has_learned_at_half_of_the_best_accuracy(root, accuracy, share):
    evidence = atlas_evidence(root, lambda ratio, depth, variance: (depth == 2) & (variance == 1.0))
    cube = evidence.cubes["trainability"]
    evidence.cubes["trainability"] = cube.where(cube.test_accuracy == 0.9, accuracy)
    assert atlas.measure(evidence)["beyond_depth_scale"].value == share


@pytest.mark.parametrize(("factor", "verdict"), [(1.99, "not measured"), (2.01, "differs")])
def test_networks_that_barely_guess_say_nothing_of_the_variance(root, factor, verdict):
    evidence = atlas_evidence(root, lambda ratio, depth, variance: (depth > 0) & (variance == 8.0))
    cube = evidence.cubes["trainability"]
    evidence.cubes["trainability"] = cube.where(cube.test_accuracy != 0.9, 0.1 * factor)
    assert atlas.measure(evidence)["norm_preserving_variance"].verdict == verdict


@pytest.mark.parametrize(
    ("best", "verdict"),
    [([2.0], "holds"), ([1.9, 2.1], "holds"), ([4.0], "differs"), ([1.0], "differs"), ([], "not measured")],
)
def test_the_best_variance_is_compared_where_something_learns(root, best, verdict):
    found = atlas.measure(atlas_evidence(root, lambda ratio, depth, variance: (depth > 0) & variance.isin(best)))
    assert found["norm_preserving_variance"].verdict == verdict
    if best:
        assert found["norm_preserving_variance"].value == pytest.approx(np.exp(np.mean(np.log(best))))


def test_a_grid_without_deep_networks_measures_nothing(root):
    evidence = atlas_evidence(root, lambda ratio, depth, variance: ratio > -1.0)
    evidence.cubes["trainability"] = evidence.cubes["trainability"].isel(depth=[0], weight_variance=[3])
    found = atlas.measure(evidence)
    assert found["beyond_depth_scale"].verdict == "not measured"
    assert found["within_depth_scale"].verdict == "holds"  # also where the scale is infinite


def test_the_table_of_best_variances(root):
    evidence = atlas_evidence(root, lambda ratio, depth, variance: (depth <= variance) & (variance > 1.0))
    cube = evidence.cubes["trainability"]
    less = xr.where(cube.weight_variance == 4.0, 0.015, 0.0) + xr.where(cube.weight_variance == 2.0, 0.03, 0.0)
    evidence.cubes["trainability"] = cube - less.where(cube.test_accuracy > 0.5, 0.0)
    table = atlas_tables.best_variances(evidence)
    assert len(table.rows) == len(LABELS) * len(DEPTHS)
    first = dict(zip([column.header for column in table.columns], table.rows[DEPTHS.index(2)], strict=True))
    assert (first["data set"], first["weights"], first["depth"]) == ("glyphs", LABELS[0], 2)
    assert first["best test accuracy"] == pytest.approx(0.9)
    assert first["accuracy at the norm-preserving variance"] == pytest.approx(0.87)
    close = [variance for variance in VARIANCES if variance > 2.0]
    assert first["best weight variance"] == pytest.approx(np.exp(np.mean(np.log(close))))
    assert (first["within 0.02 of it: from"], first["to"]) == (close[0], 8.0)


@pytest.mark.parametrize(("less", "lowest"), [(0.0199, 4.0), (0.0201, 8.0)])
def test_a_variance_is_close_to_the_best_within_two_percent(less, lowest):
    accuracies = xr.DataArray([0.5, 0.9 - less, 0.9], {"weight_variance": [2.0, 4.0, 8.0]}, "weight_variance")
    assert best_variance(accuracies)[1:] == (lowest, 8.0)


# ---- chen2024


def smooth_evidence(root, datasets):
    """The sound cube of table 1, of some data sets."""
    table = spoilt_chen2024.cubes()["table1"].sel(dataset=datasets)
    return Evidence({"table1": table}, load_published(root, "chen2024").claims)


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
    assert f"would be {floor:.3f} to each side with draws without end" in reason


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
