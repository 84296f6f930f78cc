"""Extreme learning machines are kernel ridge regression with the kernel of their features."""

import numpy as np
import pytest

from initatlas.datasets.unit_sphere import sphere_points
from initatlas.experiments.extreme_learning import EXPERIMENT, ExtremeLearningParameters, _features, _target


def found(**keys):
    point = ExtremeLearningParameters(**keys)
    return EXPERIMENT.run([point], [np.random.default_rng(5)], None)[0]


def test_the_machine_is_ridge_regression_of_its_output_weights():
    """The primal problem: (F'F / m + ridge) a = F'y / sqrt(m)."""
    point = ExtremeLearningParameters(width=30, samples=50, tests=40, ridge=0.3)
    rng = np.random.default_rng(5)
    x = sphere_points(90, 5, rng=rng)
    features, target = _features(point, x, rng) / np.sqrt(30), _target(x)
    fitted = np.linalg.solve(features[:50].T @ features[:50] + 0.3 * np.eye(30), features[:50].T @ target[:50])
    rest = features[50:] @ fitted - target[50:]
    expected = np.sqrt(np.mean(rest**2) / np.mean(target[50:] ** 2))
    assert found(width=30, samples=50, tests=40, ridge=0.3)["machine_error"] == pytest.approx(expected)


@pytest.mark.parametrize("weights", ["gaussian", "multivariate_t(nu=10)"])
def test_a_wide_machine_is_kernel_ridge_regression(weights):
    near, far = (found(weights=weights, width=width) for width in (40000, 400))
    assert near["distance"] < 0.02 < far["distance"]
    assert near["machine_error"] == pytest.approx(near["kernel_error"], abs=0.02)
    assert near["other_distance"] > 0.2


def test_a_linear_machine_is_near_to_the_linear_kernel():
    linear = found(activation="identity", other="relu", width=40000)
    assert linear["distance"] < 0.02
    assert linear["other_distance"] > 0.2


def test_signals_have_a_mean_square_of_one():
    point = ExtremeLearningParameters(width=200000, activation="leaky_relu(slope=0.2)")
    rng = np.random.default_rng(6)
    signals = _features(point, sphere_points(2, 5, rng=rng), rng)
    assert (signals**2).mean(axis=1) == pytest.approx(1.0, rel=0.02)
