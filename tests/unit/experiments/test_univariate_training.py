"""Univariate networks: how they start, and what the experiment says of them."""

import numpy as np
import pytest

from initatlas.experiments.target_labels import target_function
from initatlas.experiments.train_univariate import EXPERIMENT, TrainUnivariateParameters
from initatlas.piecewise.deep import pieces
from initatlas.piecewise.descent import Descent
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
from initatlas.piecewise.trained import half_sum, trained, view


def generator(seed=0):
    return np.random.default_rng(seed)


def trained_point(seed=0, **parameters):
    (found,) = EXPERIMENT.run([TrainUnivariateParameters(**parameters)], [generator(seed)], None)
    return found


@pytest.mark.parametrize(
    ("scheme", "variances"),
    [("he", (2.0, 2 / 300, 2 / 200)), ("glorot", (2 / 301, 2 / 500, 2 / 201)), ("pytorch", (1 / 3, 1 / 900, 1 / 600))],
)
def test_weights_have_the_variance_of_their_scheme(scheme, variances):
    networks = [drawn([300, 200], scheme=scheme, rng=generator(seed)) for seed in range(20)]
    for layer, variance in enumerate(variances):
        squares = np.array([(network.weights[layer] ** 2).mean() for network in networks])
        assert squares.mean() == pytest.approx(variance, abs=5 * squares.std() / 20**0.5)


def test_biases_are_those_of_pytorch_or_normal():
    for layer, bound in enumerate((1.0, 300**-0.5, 200**-0.5)):
        biases = np.concatenate([drawn([300, 200], scheme="he", rng=generator(s)).biases[layer] for s in range(60)])
        assert 0.9 * bound < abs(biases).max() <= bound
    wide = drawn([4000, 3], scheme="he", biases="normal", bias_deviation=0.5, rng=generator())
    assert wide.biases[0].std() == pytest.approx(0.5, rel=0.05)
    assert wide.biases[2].tolist() == [0.0]


def test_a_scale_multiplies_all_parameters():
    one, two = (drawn([5, 4], scheme="he", scale=scale, rng=generator(1)) for scale in (1.0, 3.0))
    for small, large in zip((*one.weights, *one.biases), (*two.weights, *two.biases), strict=True):
        np.testing.assert_allclose(large, 3.0 * small, rtol=1e-15)


@pytest.mark.parametrize(("hidden", "expected"), [([4], 4), ([2, 2, 2], 8), ([8, 4, 2], 64)])
def test_a_folding_network_multiplies_its_pieces(hidden, expected):
    function, _ = pieces(*folding(hidden, low=0.0, high=1.0))
    inside = function.simplified()
    assert ((inside.knots > 0) & (inside.knots < 1)).sum() + 1 == expected
    np.testing.assert_allclose(function([0.0, 1.0 / expected, 2.0 / expected]), [0.0, 1.0, 0.0], atol=1e-12)


def test_layers_and_shallow_networks_are_the_same():
    network = drawn([6], scheme="he", rng=generator())
    x = np.linspace(-3.0, 3.0, 7)
    np.testing.assert_allclose(shallow_of(network)(x), pieces(*network)[0](x), rtol=1e-12)
    for one, other in zip(layers_of(shallow_of(network)), network, strict=True):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, same)
    with pytest.raises(ValueError, match="2 hidden layers, give one"):
        shallow_of(drawn([2, 2], scheme="he", rng=generator()))


def test_knots_lie_inside():
    np.testing.assert_allclose(knots_between(-1.0, 1.0, 3, kind="even", rng=generator()), [-0.5, 0.0, 0.5])
    knots = knots_between(2.0, 4.0, 2000, kind="random", rng=generator())
    assert (np.diff(knots) > 0).all()
    assert (knots.mean(), knots.var()) == (pytest.approx(3.0, abs=0.06), pytest.approx(1 / 3, rel=0.06))


@pytest.mark.parametrize("norms", ["balanced", "unit"])
def test_placed_breakpoints_keep_the_values_of_the_function(norms):
    function = shallow_of(drawn([21], scheme="he", rng=generator()))
    knots = knots_between(-2.0, 2.0, 20, kind="random", rng=generator(1))
    exact = with_breakpoints(function, knots, low=-2.0, high=2.0, noise=0.0, rng=generator())
    network = realised(exact, low=-2.0, norms=norms)
    places = np.array([-2.0, *knots, 2.0])
    np.testing.assert_allclose(network(places), function(places), atol=1e-11)
    np.testing.assert_allclose(np.sort(network.breakpoints)[1:], knots, rtol=1e-12)
    sizes = abs(network.input_weights) / (1.0 if norms == "unit" else abs(network.output_weights))
    np.testing.assert_allclose(sizes, 1.0)
    noisy = with_breakpoints(function, knots, low=-2.0, high=2.0, noise=0.1, rng=generator(2))
    assert 0.06 < (noisy(places) - exact(places)).std() < 0.15


def test_a_spiky_function_has_values_within_its_height():
    knots = knots_between(-2.0, 2.0, 500, kind="even", rng=generator())
    values = spiky(knots, low=-2.0, high=2.0, height=3.0, rng=generator())(knots)
    assert 2.9 < abs(values).max() <= 3.0
    assert values.var() == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("hidden", [[5], [3, 3]])
def test_a_network_that_leaves_the_numbers_is_none_from_then_on(hidden):
    x = np.linspace(-1.0, 1.0, 50)
    found = trained(drawn(hidden, scheme="he", rng=generator()), x, x**2, Descent(10.0), record=[0, 500])
    assert found[0] is not None
    assert found[1] is None


@pytest.mark.parametrize("hidden", [[8], [8, 8, 8, 8, 8]])
def test_a_network_is_none_as_soon_as_its_function_has_no_finite_loss(hidden):
    """On its way out of the numbers a network has finite parameters for some updates, but no function."""
    x = np.linspace(-3.0, 3.0, 61)
    y = 0.5 * x**2
    looked_at = 0
    for seed in range(6):
        start = drawn(hidden, scheme="he", rng=generator(seed))
        for rate in np.geomspace(1e-3, 10.0, 9):
            for network in trained(start, x, y, Descent(rate), record=range(12)):
                if network is not None:
                    function = view(network).function
                    assert np.isfinite([half_sum(function, x, y), function.roughness()]).all()
                    looked_at += half_sum(function, x, y) > 1e12
    assert looked_at > 10


def test_the_view_of_a_network_leaves_out_what_does_not_bend():
    network = drawn([6, 3], scheme="he", rng=generator(3))
    network.weights[2][0, 1] = 0.0
    seen = view(network)
    dead = (seen.breakpoints.units == 1) & (seen.breakpoints.layers == 2)
    assert seen.function.knots.size == seen.breakpoints.active.sum()
    assert not seen.breakpoints.active[dead].any()


def test_half_the_sum_of_squares():
    assert (
        half_sum(view(layers_of(shallow_of(drawn([1], scheme="he", rng=generator())))).function, *np.zeros((2, 0))) == 0
    )
    function = spiky(np.array([0.0]), low=-1.0, high=1.0, height=1.0, rng=generator())
    x = np.array([-0.5, 0.25, 0.75])
    assert half_sum(function, x, function(x) + np.array([1.0, 2.0, -3.0])) == pytest.approx(7.0)


@pytest.mark.parametrize("depth", [1, 2])
def test_what_is_recorded_belongs_together(depth):
    found = trained_point(depth=depth, width=6, epochs=400, records=3, curve_points=401, learning_rate=1e-3, inner=1.0)
    assert found["epoch"].tolist() == [0, 200, 400]
    assert found["train_loss"][0] > found["train_loss"][2]
    residuals = found["curve"] - np.sin(np.pi * np.linspace(-2.0, 2.0, 401))
    np.testing.assert_allclose(found["test_loss"], 0.5 * (residuals**2).sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found["train_loss"], found["test_loss"], rtol=1e-12)
    assert (found["breakpoints"][:, 0] == 6).all()
    for everywhere in ("breakpoints", "active"):
        assert (found[f"{everywhere}_within"] <= found[everywhere]).all()
    assert (found["active"].sum(axis=1) == found["pieces"] - 1).all()
    assert (found["active_within"].sum(axis=1) == found["pieces_within"] - 1).all()
    np.testing.assert_allclose(found["roughness_by_layer"].sum(axis=1), found["roughness"], rtol=1e-6)
    np.testing.assert_allclose(found["roughness_by_layer_within"].sum(axis=1), found["roughness_within"], rtol=1e-6)
    if depth == 1:
        inner = np.where(abs(found["breakpoint"]) < 1.0, found["jump"], 0.0)
        np.testing.assert_allclose((inner**2).sum(axis=1), found["roughness_inner"], rtol=1e-6)


@pytest.mark.parametrize(("spacing", "epochs"), [("even", [0, 150, 300]), ("tenfold", [0, 30, 300])])
def test_looks_are_even_or_each_ten_times_as_late(spacing, epochs):
    found = trained_point(width=4, epochs=300, records=3, spacing=spacing)
    assert found["epoch"].tolist() == epochs
    for place, epoch in enumerate(epochs):
        alone = trained_point(width=4, epochs=epoch, records=1)
        assert found["train_loss"][place] == alone["train_loss"][0]


def test_batch_normalisation_takes_its_batches_from_the_point():
    at = {"width": 5, "samples": 40, "epochs": 400, "learning_rate": 1e-3}
    small, whole = (trained_point(optimiser="sgd_batch_norm", batch=batch, **at)["train_loss"] for batch in (10, 40))
    assert max(small[1], whole[1]) < 0.5 * small[0]
    assert small[0] == whole[0]
    assert small[1] != whole[1]


def test_the_start_decides_the_first_record():
    even = {"knots": "even", "noise": 0.0, "width": 9, "epochs": 0, "records": 1, "curve_points": 10}
    drawn_at, placed = (trained_point(start=start, **even)["curve"][0] for start in ("drawn", "uniform"))
    knots = np.linspace(-2.0, 2.0, 10)
    np.testing.assert_allclose(placed, drawn_at, atol=1e-10)
    inside = trained_point(start="uniform", **even)
    assert inside["breakpoints_within"][0].tolist() == [8.0]
    np.testing.assert_allclose(inside["breakpoint"][0, 1:], knots[1:-1], rtol=1e-12)
    spikes = trained_point(start="spiky", spikes=3.0, **even)["curve"][0]
    assert 2.0 < abs(spikes).max() <= 3.0
    assert trained_point(start="folding", depth=2, width=4, epochs=0, records=1)["pieces_within"][0] == 16


def test_a_deep_spiky_network_was_trained_to_the_spiky_function():
    at = {"depth": 2, "width": 12, "epochs": 0, "records": 1, "curve_points": 401, "spiky_knots": 3, "knots": "even"}
    apart = []
    for updates in (1, 20_000):
        start = trained_point(start="spiky", pretraining=updates, **at)["curve"][0]
        apart.append(abs(np.diff(start, 2)).max())
    assert apart[1] > apart[0]


def test_random_points_are_drawn_outside_the_gap():
    from initatlas.experiments.train_univariate import _training_inputs

    random = TrainUnivariateParameters(sampling="random", samples=4000, gap=0.5, low=-1.0, high=3.0)
    x = _training_inputs(random, generator())
    assert ((x > 0.5) & (x < 1.5)).sum() == 0
    assert (x < 0.5).mean() == pytest.approx(0.5, abs=0.03)
    assert (x.min(), x.max()) == (pytest.approx(-1.0, abs=0.01), pytest.approx(3.0, abs=0.01))
    grid = _training_inputs(random.model_copy(update={"sampling": "grid", "samples": 9}), generator())
    assert grid.tolist() == [-1.0, -0.5, 0.0, 0.5, 1.5, 2.0, 2.5, 3.0]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"low": 1.0, "high": 1.0}, "low = 1, high = 1: give low < high"),
        ({"gap": 2.0}, "gap = 2: leaves no training point"),
        ({"start": "uniform", "depth": 2}, "one hidden layer alone"),
        ({"optimiser": "sgd_batch_norm", "depth": 2}, "sgd_batch_norm with depth = 2"),
        ({"optimiser": "sgd_batch_norm", "start": "uniform"}, "start = uniform: take 1 and drawn"),
        ({"epochs": 3, "records": 5}, "epochs = 3, spacing = even: two looks"),
        ({"epochs": 4, "records": 3, "spacing": "tenfold"}, "spacing = tenfold: two looks"),
        ({"target": "sime"}, "'sime' does not exist .did you mean 'sine'"),
        ({"target": "sine(freq=2)"}, "freq: Extra inputs"),
        ({"target": "triangle(peaks=1.5)"}, "peaks: Input should be a valid integer"),
        ({"target": "polynomial"}, "give its coefficients"),
        ({"target": "polynomial(d=1)"}, "a polynomial takes c0, c1"),
        ({"target": "piecewise_linear"}, "does not exist"),
    ],
)
def test_a_mistake_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        TrainUnivariateParameters(**parameters)


def test_labels_are_functions_of_their_numbers():
    x = np.array([-1.0, 0.5, 2.0])
    for label, values in {
        "polynomial(c3=0.25, c1=-0.5)": 0.25 * x**3 - 0.5 * x,
        "sine(frequency=0.5, amplitude=3)": 3 * np.sin(0.5 * np.pi * x),
        "exp(scale=0.5)": np.exp(0.5 * x),
    }.items():
        np.testing.assert_allclose(target_function(label, -2.0, 2.0)(x), values, rtol=1e-14)
    assert TrainUnivariateParameters(target="polynomial(c3=0.25,c1=-0.5)").target == "polynomial(c1=-0.5, c3=0.25)"
