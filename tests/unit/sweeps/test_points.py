"""Identity of points: keys and random streams."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from initatlas.experiments.forward_kernel import ForwardKernelParameters as Point
from initatlas.sweeps.points import canonical_json, point_generator, point_key

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
identities = st.dictionaries(st.text(max_size=6), scalars, max_size=5)


def key(point, *, root_seed=2018, data_sha256=""):
    return point_key(point.identity(), root_seed=root_seed, data_sha256=data_sha256)


def stream(point, *, root_seed=2018):
    return point_generator(point.identity(), root_seed=root_seed).random(4).tolist()


@given(identities, st.randoms())
def test_the_order_of_the_parameters_does_not_count(identity, random):
    items = list(identity.items())
    random.shuffle(items)
    shuffled = dict(items)
    assert canonical_json(shuffled) == canonical_json(identity)
    assert json.loads(canonical_json(identity)) == identity


def test_no_text_for_nan():
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json({"a": float("nan")})


@pytest.mark.parametrize(
    "same",
    [
        Point(width=64, depth=1, seed=0, activation="relu", weight_variance=None),
        Point(seed=0, width=64),
        Point(width=64, weights=" gaussian ( ) "),
    ],
    ids=["defaults given", "order", "spelling of a label"],
)
def test_the_same_point_has_one_key_and_one_stream(same):
    assert key(same) == key(Point(width=64))
    assert stream(same) == stream(Point(width=64))


@pytest.mark.parametrize(
    "other",
    [Point(width=65), Point(width=64, seed=1), Point(width=64, depth=2), Point(width=64, weights="uniform"), Point()],
)
def test_other_points_have_other_keys_and_streams(other):
    assert key(other) != key(Point(width=64))
    assert stream(other) != stream(Point(width=64))


def test_a_whole_number_for_a_real_parameter_is_the_same_point():
    assert key(Point(weight_variance=2)) == key(Point(weight_variance=2.0))
    assert key(Point(weight_variance=2)) != key(Point())


def test_the_root_seed_changes_key_and_stream():
    assert key(Point(), root_seed=1) != key(Point(), root_seed=2)
    assert stream(Point(), root_seed=1) != stream(Point(), root_seed=2)


def test_the_content_of_the_data_set_changes_the_key():
    keys = {key(Point(), data_sha256=sha256) for sha256 in ("", "0a", "0b")}
    assert len(keys) == 3


def test_a_point_stays_the_same_when_its_experiment_learns_a_parameter():
    class Learned(Point):
        tilt: float = 0.0

    assert key(Learned(width=64)) == key(Point(width=64))
    assert stream(Learned(width=64)) == stream(Point(width=64))
    assert key(Learned(width=64, tilt=1.0)) != key(Point(width=64))


def test_a_stream_is_the_same_for_ever():
    """The keys of all stored points hang on this: to change it is to change every published number."""
    drawn = point_generator({"width": 64}, root_seed=2018).integers(0, 2**32, size=3)
    assert drawn.tolist() == [1240567017, 1931980181, 2680308649]
    assert point_key({"width": 64}, root_seed=2018, data_sha256="").startswith("b39f88443549200c")


def test_streams_of_neighbouring_points_are_independent():
    draws = np.array([point_generator({"seed": seed}, root_seed=0).standard_normal(400) for seed in range(50)])
    correlations = np.corrcoef(draws)[np.triu_indices(50, 1)]
    assert abs(correlations.mean()) < 4 / np.sqrt(len(correlations) * 400)
    assert np.abs(correlations).max() < 5 / np.sqrt(400)
