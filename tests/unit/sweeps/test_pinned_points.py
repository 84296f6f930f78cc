"""Keys and random streams of points, pinned: stores of years ago are found again, and published numbers come out again."""

import hashlib
import json

import pytest
from toy.sweeps import make_sweep

from initatlas.sweeps.grid import grid
from initatlas.sweeps.keys import GridKeys, written_keys
from initatlas.sweeps.places import GridPlaces
from initatlas.sweeps.points import Generators, point_generator
from initatlas.sweeps.registry import load_experiment

CONTENTS = {"digits": "aa" * 32, "glyphs": ""}

SWEEPS = {
    "one point": {"axes": {}},
    "whole numbers, the default among them": {"axes": {"width": [32, 64, 128]}, "seeds": 3},
    "real numbers": {"axes": {"gain": [None, 0, 2, -1.5, 0.1, 1e-7, 1e22, 123456789.123456789, 5e-324]}},
    "flags and texts": {
        "axes": {"flag": [False, True], "note": ["", "a b", 'quotes " and \\', "ä 数", "\u2028", "null", "1"]}
    },
    "labels": {
        "axes": {"activation": ["relu", "tanh", "leaky_relu(slope=0.2)"], "second": [None, "relu", "erf"]},
    },
    "data sets": {"axes": {"dataset": ["glyphs", "digits"]}, "seeds": [7, 0, 2**40]},
    "zipped": {
        "axes": {
            "pair": {"zip": {"width": [64, 8, 8], "gain": [None, 0.5, 1.0], "activation": ["tanh", "relu", "tanh"]}},
            "flag": [True, False],
        },
        "fixed": {"note": "fixed"},
    },
    "excluded": {
        "axes": {"width": [1, 2, 3], "flag": [False, True]},
        "seeds": 2,
        "exclude": [{"width": [1, 3], "flag": True}, {"seed": 1, "flag": False}],
        "fixed": {"second": "erf"},
    },
    "negative zero": {"axes": {"gain": [-0.0, 1]}, "fixed": {"width": 64, "seed": 5}, "root_seed": 2**53},
    "rules": {"axes": {"gain": {"linspace": [0, 1, 11]}, "width": {"geomspace": [1, 1024, 11]}}},
}

PINNED = {
    "one point": (1, "0f487ec8a54ce5f3a01e9d7f1d73f1d6", "5c583271ebbf978786a6554b949e5890"),
    "whole numbers, the default among them": (
        9,
        "28db54ba8c1a9080ffbcf337ff626e72",
        "ca280be2ac9c6068f2533ff442ec667b",
    ),
    "real numbers": (9, "10736c1bfe3d00942ebc75b4a083f226", "74723f04f8640c4d4cdd9b326ac0ac89"),
    "flags and texts": (14, "d7256291742f4ac53a4a01ae31ba57e2", "a1f195aa1ada3126ce22c05132550f21"),
    "labels": (9, "c3d596085628461985f92bd7af7f869e", "6d8d523edd146a0b8d174d58c0689f8f"),
    "data sets": (6, "3b31fe5d50d1f2a3ba9f2efbe5dcbfd0", "ddd4fd6626188a9ff7bb9ee1e5ed88cb"),
    "zipped": (6, "5c9f41f8ed48cbcf3158430612726504", "40cbe1ee895b4cd8b55f451ca804b145"),
    "excluded": (5, "7556462048c6247c422207439757f634", "462611a6250e1995bfc60ee3e7509169"),
    "negative zero": (2, "27f656a2e9328f93f53ac3aebfc69469", "5efa8bc65c170fa3ad28fe6024481293"),
    "rules": (121, "47e5d75d2741476f0e4df6773f953f00", "77ba34f7d378d90667b03e65fc77b2ce"),
}
"""Number of points, digest of their keys, digest of a draw at each."""


def digest(values):
    return hashlib.sha256(values.encode()).hexdigest()[:32]


def keys_of(sweep, contents, in_pieces=True):
    """The keys of all points, made in the way that is expected."""
    places = GridPlaces(sweep, load_experiment(sweep.experiment))
    keys = GridKeys(places, contents)
    assert keys.in_pieces == in_pieces
    return [key for block in places.blocks() for key in written_keys(keys.at(block))]


@pytest.mark.parametrize("name", SWEEPS)
def test_keys_and_streams_are_the_same_for_ever(name, monkeypatch):
    """The versions of components are made up: those of the real ones change with their code."""
    monkeypatch.setattr(
        "initatlas.sweeps.code.code_version", lambda module: hashlib.sha256(module.encode()).hexdigest()
    )
    sweep = make_sweep("toy.labels", **SWEEPS[name])
    points = [point for _, point in grid(sweep, load_experiment("toy.labels")) if point is not None]
    keys = keys_of(sweep, CONTENTS)
    draws = [int(rng.integers(0, 2**63)) for rng in Generators(points, root_seed=sweep.root_seed)]
    assert (len(keys), digest("\n".join(keys)), digest(json.dumps(draws))) == PINNED[name]


def test_a_generator_is_made_once_and_goes_on_where_it_was():
    points = [load_experiment("toy.labels").parameters(seed=seed) for seed in range(4)]
    rngs = Generators(points, root_seed=7)
    expected = [point_generator(point.identity(), root_seed=7).random(2).tolist() for point in points]
    assert [rngs[0].random(), rngs[0].random()] == expected[0]
    assert [rng.random() for rng in rngs[1:3]] + [rngs[2].random()] == [expected[1][0], *expected[2]]
    assert rngs[-1] is rngs[3]
    assert len(rngs) == len(list(rngs)) == 4
    with pytest.raises(IndexError):
        rngs[4]
