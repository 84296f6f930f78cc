"""Specs of sweeps: axes, overlays, exclusions, and every mistake that can be made in them."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from initatlas.errors import UserError
from initatlas.sweeps import resolving, written_axes
from initatlas.sweeps.grid import grid
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.resolving import resolve
from initatlas.sweeps.spec import SweepConfig
from initatlas.sweeps.written_axes import geomspace, linspace, logspace

ends = st.floats(-1e6, 1e6, allow_subnormal=False)
positive = st.floats(1e-6, 1e6)
counts = st.integers(2, 40)


def sweep_of(axes, *, experiment="forward_kernel", scale="quick", datasets=None, **rest):
    config = SweepConfig(experiment=experiment, axes=axes, **rest)
    return resolve(
        config,
        study="own",
        name="trial",
        scale=scale,
        root_seed=1,
        experiment=load_experiment(experiment),
        where="own.yaml: sweeps.trial",
        datasets=datasets,
    )


def values(sweep, name):
    (found,) = [axis.values[name] for axis in sweep.axes if name in axis.values]
    return found


def points(sweep):
    return [point for _, point in grid(sweep, load_experiment(sweep.experiment))]


@given(ends, ends, counts)
def test_linspace(start, stop, count):
    np.testing.assert_allclose(
        linspace(start, stop, count),
        np.linspace(start, stop, count),
        rtol=1e-11,
        atol=1e-11 * max(abs(start), abs(stop)),
    )


@given(st.floats(-12, 12), st.floats(-12, 12), counts)
def test_logspace(first, last, count):
    np.testing.assert_allclose(logspace(first, last, count), np.logspace(first, last, count), rtol=1e-9)


@given(positive, positive, counts)
def test_geomspace(start, stop, count):
    assume(abs(np.log(stop / start)) > 1e-3)
    np.testing.assert_allclose(geomspace(start, stop, count), np.geomspace(start, stop, count), rtol=1e-10)


def test_grid_values_read_as_written():
    assert geomspace(1, 128, 8) == [1, 2, 4, 8, 16, 32, 64, 128]
    assert all(isinstance(value, int) for value in geomspace(1, 128, 8))
    assert linspace(0, 1, 11) == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
    assert logspace(-3, 3, 7) == [0.001, 0.01, 0.1, 1, 10, 100, 1000]
    assert linspace(5, 9, 1) == [5]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([3, 1, 2], [3, 1, 2]),
        ({"geomspace": [1, 8, 4]}, [1, 2, 4, 8]),
        ({"linspace": [1, 5, 3]}, [1, 3, 5]),
        ({"logspace": [0, 2, 3]}, [1, 10, 100]),
    ],
)
def test_values_of_an_axis(written, expected):
    assert values(sweep_of({"depth": written}), "depth") == expected


LARGEST = {
    "product": lambda n: {"axes": {"depth": [*range(1, n + 1)], "width": [4]}},
    "seeds": lambda n: {"axes": {}, "seeds": n},
    "grid": lambda n: {"axes": {"depth": {"linspace": [1, n, n]}}},
    "labels": lambda n: {"axes": {"weights": [{"name": "generalized_normal", "beta": [*range(1, n + 1)]}]}},
}


@pytest.mark.parametrize("written", LARGEST.values(), ids=LARGEST)
def test_as_many_points_as_are_allowed_and_not_one_more(monkeypatch, written):
    monkeypatch.setattr(resolving, "MOST_POINTS", 6)
    monkeypatch.setattr(resolving, "MOST_VALUES", 6)
    monkeypatch.setattr(written_axes, "MOST_VALUES", 6)
    for count in (1, 6):
        assert sweep_of(**written(count)).shape in ((count,), (count, 1))
    with pytest.raises(UserError, match="6"):
        sweep_of(**written(7))


def test_records_expand_to_labels():
    written = [{"name": "generalized_normal", "beta": [0.5, 1]}, "gaussian", {"name": "multivariate_t", "nu": 5.0}]
    assert values(sweep_of({"weights": written}), "weights") == [
        "generalized_normal(beta=0.5)",
        "generalized_normal(beta=1)",
        "gaussian",
        "multivariate_t(nu=5)",
    ]


def test_the_grid_is_the_product_in_the_order_of_the_axes():
    sweep = sweep_of({"depth": [1, 2], "width": [8, 16, 32]}, fixed={"angles": 3})
    assert sweep.shape == (2, 3)
    found = list(grid(sweep, load_experiment("forward_kernel")))
    assert [index for index, _ in found] == [(i, j) for i in range(2) for j in range(3)]
    assert [(point.depth, point.width, point.angles) for _, point in found] == [
        (depth, width, 3) for depth in (1, 2) for width in (8, 16, 32)
    ]


def test_a_sweep_without_axes_is_one_point():
    (point,) = points(sweep_of({}, fixed={"width": 8}))
    assert point.width == 8


def test_zipped_parameters_move_together():
    sweep = sweep_of({"shape": {"zip": {"depth": [1, 2, 4], "width": {"geomspace": [4, 16, 3]}}}, "angles": [2, 3]})
    assert sweep.shape == (3, 2)
    assert [(point.depth, point.width, point.angles) for point in points(sweep)] == [
        (depth, width, angles) for depth, width in ((1, 4), (2, 8), (4, 16)) for angles in (2, 3)
    ]


@pytest.mark.parametrize(
    ("seeds", "expected"), [(3, [0, 1, 2]), ([7, 5], [7, 5]), (None, None)], ids=["count", "list", "none"]
)
def test_seeds_are_the_last_axis(seeds, expected):
    sweep = sweep_of({"depth": [1, 2]}, seeds=seeds)
    assert [axis.name for axis in sweep.axes] == (["depth"] if expected is None else ["depth", "seed"])
    if expected is not None:
        assert values(sweep, "seed") == expected


def test_an_overlay_replaces_what_it_names_at_its_scale_alone():
    scales = {
        "smoke": {"axes": {"width": [4]}, "fixed": {"angles": 2}, "seeds": 1},
        "paper": {"seeds": [9]},
    }
    written = {"fixed": {"angles": 5, "depth": 3}, "seeds": 2, "scales": scales}
    smoke, quick, paper = (
        sweep_of({"width": [8, 16], "weights": ["gaussian", "uniform"]}, scale=scale, **written)
        for scale in ("smoke", "quick", "paper")
    )
    assert (smoke.shape, quick.shape, paper.shape) == ((1, 2, 1), (2, 2, 2), (2, 2, 1))
    assert smoke.fixed == {"angles": 2, "depth": 3}
    assert quick.fixed == paper.fixed == {"angles": 5, "depth": 3}
    assert values(paper, "seed") == [9]


def test_an_exclusion_matches_points_that_agree_in_all_its_entries():
    sweep = sweep_of(
        {"depth": [1, 2, 3], "width": [8, 16]},
        fixed={"weights": "gaussian"},
        exclude=[{"depth": [1, 2], "width": 16}, {"depth": 3, "weights": "uniform"}],
    )
    kept = [point is not None for point in points(sweep)]
    assert kept == [True, False, True, False, True, True]


def test_an_exclusion_may_spell_a_label_its_own_way():
    sweep = sweep_of(
        {"weights": ["gaussian", "multivariate_t(nu=5)"]}, exclude=[{"weights": "multivariate_t( nu = 5.0 )"}]
    )
    assert [point is None for point in points(sweep)] == [False, True]


def test_a_resolved_sweep_reads_back_from_its_json():
    sweep = sweep_of({"weights": ["gaussian", "uniform"]}, seeds=2, exclude=[{"seed": 1}])
    assert type(sweep).model_validate_json(sweep.model_dump_json()) == sweep


def test_the_data_sets_of_a_sweep():
    sweep = sweep_of({"dataset": ["glyphs", "digits"]}, experiment="smoothness")
    assert sweep.datasets == ["glyphs", "digits"]
    assert sweep_of({}, experiment="smoothness", fixed={"dataset": "digits"}).datasets == ["digits"]
    assert sweep_of({}).datasets == []


def test_the_default_data_set_counts():
    assert sweep_of({"samples": [100]}, experiment="smoothness").datasets == ["digits"]


def test_the_default_data_set_is_asked_for_only_where_no_other_is_named():
    for written in ({"axes": {}, "fixed": {"dataset": "mine"}}, {"axes": {"dataset": ["mine"]}}):
        assert sweep_of(experiment="smoothness", datasets=["mine"], **written).datasets == ["mine"]
    with pytest.raises(UserError) as caught:
        sweep_of({}, experiment="smoothness", datasets=["mine"])
    assert str(caught.value) == (
        "own.yaml: sweeps.trial.fixed.dataset (by default) = 'digits': there is no such data set; config/datasets.yaml has: mine"
    )


MISTAKES = {
    "unknown parameter": (
        {"axes": {"heigth": [1]}},
        "axes.heigth: unknown parameter 'heigth'; allowed: seed, activation, depth, angles",
    ),
    "unknown fixed parameter": ({"fixed": {"heigth": 1}}, "fixed.heigth: unknown parameter 'heigth'; allowed: "),
    "unknown parameter in exclude": (
        {"exclude": [{"heigth": 1}]},
        "exclude[0].heigth: unknown parameter 'heigth'; allowed: ",
    ),
    "text for a number": ({"axes": {"width": [8, "wide"]}}, "axes.width[1] = 'wide': input should be a valid integer"),
    "fraction for a whole number": ({"fixed": {"depth": 1.5}}, "fixed.depth = 1.5: input should be a valid integer"),
    "truth for a number": ({"fixed": {"depth": True}}, "fixed.depth = True: input should be a valid integer"),
    "fraction in a grid": ({"axes": {"depth": {"geomspace": [1, 10, 3]}}}, "axes.depth[1] = 3.1622776"),
    "negative variance": (
        {"axes": {"weight_variance": [1, -2]}},
        "axes.weight_variance[1] = -2: input should be greater than 0",
    ),
    "number below its bound": (
        {"fixed": {"angles": 1}},
        "fixed.angles = 1: input should be greater than or equal to 2",
    ),
    "unknown activation": (
        {"axes": {"activation": ["relu", "mish"]}},
        "axes.activation[1] = 'mish': 'mish' does not exist; allowed: abs, cos, elu, erf, exp",
    ),
    "weights that do not fit": (
        {"experiment": "many_inputs", "fixed": {"weights": "multivariate_t(nu=3)"}},
        "fixed.weights = 'multivariate_t(nu=3)': its weights share a scale; here",
    ),
    "label parameter out of bounds": (
        {"axes": {"weights": [{"name": "multivariate_t", "nu": [3, 2]}]}},
        "axes.weights[1] = 'multivariate_t(nu=2)': nu must lie in (2, inf): with 2 degrees",
    ),
    "label parameter missing": ({"fixed": {"weights": "multivariate_t"}}, "fixed.weights = 'multivariate_t': "),
    "label parameter that is text": (
        {"axes": {"weights": [{"name": "multivariate_t", "nu": "many"}]}},
        "axes.weights",
    ),
    "label parameter that is nothing": (
        {"axes": {"weights": [{"name": "multivariate_t", "nu": None}]}},
        "axes.weights",
    ),
    "empty axis": ({"axes": {"width": []}}, "axes.width is empty; give at least one value"),
    "axis that is no list": ({"axes": {"width": 8}}, "axes.width = 8: give a list, or one of linspace, logspace,"),
    "unknown rule": ({"axes": {"width": {"range": [1, 2]}}}, "axes.width = {'range': [1, 2]}: give a list, or one of"),
    "rule with two numbers": ({"axes": {"width": {"linspace": [1, 2]}}}, "axes.width.linspace = [1, 2]: give [start,"),
    "rule with text": (
        {"axes": {"width": {"linspace": ["a", 2, 3]}}},
        "axes.width.linspace = ['a', 2, 3]: give [start",
    ),
    "rule without points": ({"axes": {"width": {"linspace": [1, 2, 0]}}}, "axes.width.linspace = [1, 2, 0]: give"),
    "geomspace through zero": ({"axes": {"width": {"geomspace": [0, 2, 3]}}}, "axes.width.geomspace = [0, 2, 3]: give"),
    "powers beyond all numbers": (
        {"axes": {"weight_variance": {"logspace": [0, 400, 3]}}},
        "axes.weight_variance.logspace = [0, 400, 3]: give",
    ),
    "value twice": ({"axes": {"width": [8, 16, 8]}}, "axes.width[2] = 8 is there twice; remove one"),
    "value twice as whole and real": (
        {"axes": {"weight_variance": [2, 2.0]}},
        "axes.weight_variance[1] = 2.0 is there twice",
    ),
    "label twice in two spellings": (
        {"axes": {"weights": ["multivariate_t(nu=5.0)", {"name": "multivariate_t", "nu": 5}]}},
        "axes.weights[1] = 'multivariate_t(nu=5)' is there twice",
    ),
    "zip of unequal length": (
        {"axes": {"shape": {"zip": {"width": [8, 16], "depth": [1]}}}},
        "axes.shape.zip: the lists must have one length, not {'width': 2, 'depth': 1}",
    ),
    "empty zip": ({"axes": {"shape": {"zip": {"width": []}}}}, "axes.shape.zip: the lists must have one length"),
    "zip of nothing": ({"axes": {"shape": {"zip": {}}}}, "axes.shape.zip: give a mapping of parameters to lists"),
    "combination twice": (
        {"axes": {"shape": {"zip": {"width": [8, 8], "depth": [1, 1]}}}},
        "axes.shape.zip: the same combination is there twice",
    ),
    "parameter on an axis and fixed": (
        {"axes": {"width": [8]}, "fixed": {"width": 8}},
        ": width is given twice; keep it either under axes or under fixed",
    ),
    "parameter on two axes": (
        {"axes": {"width": [8], "shape": {"zip": {"width": [8], "depth": [1]}}}},
        ": width is given twice",
    ),
    "seed on an axis and as seeds": (
        {"axes": {"seed": [4, 5]}, "seeds": 3},
        ".seeds: there is an axis seed as well; keep one of the two",
    ),
    "no seed at all": ({"seeds": 0}, ".seeds = 0: give a count from 1 to 1000000, or a list of seeds"),
    "negative seed": ({"seeds": [-1]}, ".seeds[0] = -1: input should be greater than or equal to 0"),
    "everything excluded": ({"axes": {"width": [8]}, "exclude": [{"width": 8}]}, ""),
    "exclusion of everything": ({"axes": {"width": [8]}, "exclude": [{}]}, ""),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_with_place_value_and_mend(name):
    written, message = MISTAKES[name]
    with pytest.raises(UserError) as error:
        sweep_of(**{"axes": {}, **written})
    text = str(error.value)
    assert text.startswith("own.yaml: sweeps.trial")
    assert message in text
    assert "\n" not in text
    assert "Value error" not in text


def test_parameters_that_contradict_each_other_name_the_sweep():
    sweep = sweep_of({"width": [8]})
    broken = sweep.model_copy(update={"fixed": {"depth": 0}})
    with pytest.raises(UserError, match=r"^sweep own/trial: depth = 0: input should be greater than or equal to 1$"):
        points(broken)
