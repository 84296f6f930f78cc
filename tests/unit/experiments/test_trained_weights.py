"""What the weights of a network are like before and after training."""

import numpy as np
import pytest
from scipy import stats

from initatlas.experiments.trained_weights import EXPERIMENT, TrainedWeightsParameters, look_at


def test_independent_entries_score_one():
    rng = np.random.default_rng(1)
    looks = [look_at(rng.standard_normal((20, 20)), 20, rng) for _ in range(200)]
    assert np.mean([look["outlier"] for look in looks]) == pytest.approx(1.0, abs=0.02)
    for name in ("mean", "skewness"):
        assert np.sqrt(np.mean([look[name] ** 2 for look in looks])) == pytest.approx(1.0, abs=0.15)


def test_a_spike_a_mean_and_a_skewness_are_seen():
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((30, 30))
    direction = np.where(np.arange(30) % 2, 1.0, -1.0) / 30**0.5
    spiked = look_at(noise + 30.0 * np.outer(direction, direction), 20, rng)
    assert spiked["outlier"] > 1.8
    assert abs(spiked["mean"]) < 3.0
    assert look_at(noise + 0.5, 20, rng)["mean"] == pytest.approx(15.0, abs=3.0)
    assert look_at(np.exp(noise), 20, rng)["skewness"] > 20.0
    assert look_at(-np.exp(noise), 20, rng)["skewness"] < -20.0
    expected = stats.skew(np.exp(noise).ravel()) * np.sqrt(noise.size / 6.0)
    assert look_at(np.exp(noise), 20, rng)["skewness"] == pytest.approx(expected, rel=1e-12)


def test_the_first_row_is_the_start_and_the_second_the_end():
    short, longer = (
        EXPERIMENT.run([TrainedWeightsParameters(width=12, epochs=epochs)], [np.random.default_rng(3)], None)[0]
        for epochs in (1, 300)
    )
    assert short["outlier"].shape == (2, 2)
    np.testing.assert_allclose(short["mean"][0], longer["mean"][0])
    np.testing.assert_allclose(short["mean"][0], short["mean"][1], atol=0.1)
    assert abs(longer["mean"][1] - longer["mean"][0]).max() > 0.2


def test_a_network_that_diverges_is_named():
    point = TrainedWeightsParameters(width=12, learning_rate=1e300, epochs=3)
    with pytest.raises(ValueError, match="diverged"):
        EXPERIMENT.run([point], [np.random.default_rng(3)], None)
