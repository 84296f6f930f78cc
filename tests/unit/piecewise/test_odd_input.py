"""What a stranger may give to the public functions: every mistake is one line, and odd but right data have their answers."""

import re

import numpy as np
import pytest

from initatlas.piecewise.deep import pieces
from initatlas.piecewise.deep_descent import train_deep
from initatlas.piecewise.descent import Descent, train_shallow
from initatlas.piecewise.linear import interpolation
from initatlas.piecewise.normalised_descent import train_normalised
from initatlas.piecewise.partitions import continuous_partitions
from initatlas.piecewise.segments import greedy_merge, segment, segment_continuous, segment_many
from initatlas.piecewise.shallow import ShallowNetwork
from initatlas.piecewise.starts import drawn, knots_between
from initatlas.piecewise.tracking import changes_by_layer, match, match_in_order

X, Y = np.linspace(-1.0, 1.0, 5), np.array([1.0, 0.0, 2.0, 0.0, 1.0])
SHALLOW = ShallowNetwork([1.0, -1.0], [0.0, 0.5], [1.0, 1.0])
WEIGHTS = [np.array([[1.0], [-1.0]]), np.array([[-1.0, -1.0], [1.0, 2.0]]), np.ones((1, 2))]
BIASES = [np.zeros(2), np.ones(2), np.zeros(1)]
BREAKS = pieces(WEIGHTS, BIASES)[1]
STEP = Descent(1e-3)


def rng():
    return np.random.default_rng(0)


def in_batches(**changed):
    """Training in batches, with other arguments."""
    return train_normalised(SHALLOW, X, Y, **{"descent": STEP, "batch": 5, "record": [1], "rng": rng(), **changed})


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: segment(X, Y, pieces=2.5), "pieces: 2.5, give a whole number"),
        (lambda: segment_continuous(X, Y, pieces="2"), "pieces: '2', give a whole number"),
        (lambda: segment_continuous(X, Y, pieces=True), "pieces: True, give a whole number"),
        (lambda: greedy_merge(X, Y, pieces=1.5), "pieces: 1.5, give a whole number"),
        (lambda: continuous_partitions(X, Y, pieces=2.5), "pieces: 2.5, give a whole number"),
        (lambda: segment(X, Y, pieces=1, min_points=1.5), "min_points: 1.5, give a whole number"),
        (lambda: segment_continuous(X, Y, pieces=1, places=3.5), "places: 3.5, give a whole number"),
        (lambda: segment(X, Y, pieces=1, effort=np.nan), "effort: nan, give a number of at least 0"),
        (
            lambda: segment_continuous(X, Y, pieces=1, between=True, effort=-1),
            "effort: -1, give a number of at least 0",
        ),
        (lambda: segment_many(X, [Y], pieces=1, threads=0), "threads: 0, give at least 1"),
        (
            lambda: segment_continuous(X, 1e200 * Y, pieces=1),
            "y: 2e+200 is too large to be squared and added up; take other units",
        ),
        (
            lambda: segment(1e200 * X, Y, pieces=1),
            "x: 1e+200 is too large to be squared and added up; take other units",
        ),
        (
            lambda: segment_continuous([0.0, 1e-200, 1.0], [0.0, 1.0, 2.0], pieces=1),
            "x: two are 1e-200 apart, too close for a slope between them; take other units",
        ),
        (
            lambda: train_shallow(SHALLOW, X, Y, STEP, record=[0.5]),
            "record: give increasing whole numbers of updates, from 0 on",
        ),
        (lambda: train_shallow(SHALLOW, X, Y, STEP, record=[0], threads=0), "threads: 0, give at least 1"),
        (
            lambda: train_shallow(SHALLOW, X, Y, 0.1, record=[0]),
            "descent: 0.1, give a Descent, say Descent(learning_rate=0.001)",
        ),
        (
            lambda: train_deep(WEIGHTS, BIASES, X, Y, None, record=[0]),
            "descent: None, give a Descent, say Descent(learning_rate=0.001)",
        ),
        (lambda: Descent("0.1"), "learning_rate: '0.1', give a number above 0"),
        (lambda: Descent(np.inf), "learning_rate: inf, give a number above 0"),
        (lambda: Descent(0.1, betas=0.9), "betas: 0.9, give two numbers from 0 to below 1"),
        (lambda: Descent(0.1, betas=(0.9, "0.99")), "betas: (0.9, '0.99'), give two numbers from 0 to below 1"),
        (lambda: Descent(0.1, epsilon="1e-8"), "epsilon: '1e-8', give a number above 0"),
        (lambda: in_batches(descent=0.1), "descent: 0.1, give a Descent, say Descent(learning_rate=0.001)"),
        (
            lambda: in_batches(descent=Descent(0.1, optimiser="adam")),
            "optimiser: 'adam', batches are descended by gd alone",
        ),
        (
            lambda: in_batches(descent=Descent(0.1, train_output_bias=False)),
            "train_output_bias: False, with batches the output bias is trained",
        ),
        (lambda: in_batches(batch=2.5), "batch: 2.5, give a whole number"),
        (lambda: in_batches(batch=0), "batch: 0, give at least 1"),
        (lambda: in_batches(epsilon=-1e-5), "epsilon: -1e-05, give a number of at least 0"),
        (lambda: in_batches(momentum=1.5), "momentum: 1.5, give a number from 0 to 1"),
        (lambda: in_batches(momentum="0.1"), "momentum: '0.1', give a number from 0 to 1"),
        (
            lambda: train_deep(WEIGHTS, BIASES, X, Y, STEP, record=[]),
            "record: give increasing whole numbers of updates, from 0 on",
        ),
        (
            lambda: SHALLOW.in_function_space().network([1.0, 1.0, 1.0]),
            "norms: shape (3,), give one number, or the shape of the units, (2,)",
        ),
        (lambda: SHALLOW.roughness(1.0, -1.0), "high: -1.0, give at least low, 1.0"),
        (lambda: interpolation(X, Y).roughness(np.nan, 1.0), "high: 1.0, give at least low, nan"),
        (lambda: interpolation(X, Y).simplified(np.nan), "tolerance: nan, give a number of at least 0"),
        (lambda: BREAKS.within(2.0, 1.0), "high: 1.0, give at least low, 2.0"),
        (lambda: BREAKS.roughness(1), "layers: 1, give at least 2"),
        (lambda: match(BREAKS, BREAKS, reach=np.inf), "reach: inf, give a finite distance above 0"),
        (lambda: changes_by_layer([BREAKS], layers=2, reach=-1.0), "reach: -1.0, give a finite distance above 0"),
        (lambda: changes_by_layer([BREAKS], layers=1, reach=1.0), "layers: 1, give at least 2"),
        (lambda: match_in_order([1.0, 0.0], [0.0], reach=1.0), "before: must increase"),
        (lambda: match_in_order([0.0], [np.nan], reach=1.0), "after: nan or infinite at place (0,)"),
        (lambda: drawn([0], scheme="he", rng=rng()), "hidden: 0, give at least 1"),
        (lambda: drawn([3], scheme="xavier", rng=rng()), "scheme: 'xavier', allowed: he, glorot, pytorch"),
        (lambda: drawn([3], scheme="he", biases="none", rng=rng()), "biases: 'none', allowed: pytorch, normal"),
        (lambda: knots_between(0.0, 1.0, 3, kind="grid", rng=rng()), "kind: 'grid', allowed: random, even"),
        (lambda: knots_between(1.0, 0.0, 3, kind="even", rng=rng()), "high: 0.0, give at least low, 1.0"),
    ],
)
def test_a_mistake_is_one_line(call, line):
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        call()


def test_dead_units_leave_a_constant_and_train_the_bias_alone():
    dead = ShallowNetwork([1.0, 1.0], [-9.0, -9.0], [1.0, 1.0])
    function, breaks = pieces(
        [np.ones((2, 1)), -np.ones((1, 2)), np.ones((1, 1))], [np.zeros(2), -np.ones(1), np.ones(1)]
    )
    assert (function.simplified().knots.size, function(5.0), breaks.active.any()) == (0, 1.0, False)
    trained = train_shallow(dead, X, Y, Descent(0.2, loss="mean"), record=[0, 200])
    np.testing.assert_array_equal(trained.networks().input_weights, dead.input_weights)
    assert trained.networks().output_bias == pytest.approx(Y.mean())


@pytest.mark.parametrize("fit", [segment, segment_continuous, greedy_merge])
def test_one_point_and_one_place_are_a_constant(fit):
    for x, y in (([3.0], [2.0]), ([3.0, 3.0], [1.0, 3.0])):
        found = fit(x, y, pieces=1)
        function = found.function if fit is greedy_merge else found.functions[0]
        assert (function(-7.0), function.knots.size) == (2.0, 0)


def test_few_long_numbers_of_numpy_are_whole():
    assert segment(X, Y, pieces=np.int64(2)).squares.size == 2
