"""Test errors against the number of samples: finite networks and their limit, against direct computations and each other."""

import numpy as np
import pytest
from scipy.linalg import expm

from initatlas.datasets.sphere_regression import sphere_regression
from initatlas.experiments import kernel_flow, ntk_regression, wide_regression
from initatlas.kernels.api import nngp, ntk
from initatlas.networks.fused_descent import Inputs, mirrored_start, standard_start

FLOW = kernel_flow.KernelFlowParameters(samples=15, tests=40, dimension=3)
WIDE = wide_regression.WideRegressionParameters(samples=15, tests=40, dimension=3)


def run(experiment, point, seed=0):
    """One point."""
    (result,) = experiment.EXPERIMENT.run([point], [np.random.default_rng(seed)], None)
    return {name: np.asarray(value) for name, value in result.items()}


def test_a_sample_of_the_sphere():
    sample = sphere_regression(4000, 50, 5, noise=0.2, bias=False, rng=np.random.default_rng(0))
    assert np.linalg.norm(sample.x, axis=1) == pytest.approx(1.0)
    assert sample.truth == pytest.approx(sample.other.sum(axis=1) ** 2)
    noise = sample.y - sample.x.sum(axis=1) ** 2
    assert noise.std() == pytest.approx(0.2, rel=0.05)
    assert sample.error(np.stack([sample.truth, sample.truth + 0.5])) == pytest.approx([0.0, 0.25])
    again = sphere_regression(4000, 50, 5, noise=0.2, bias=True, rng=np.random.default_rng(0))
    assert np.array_equal(again.x, np.column_stack([sample.x, np.ones(4000)]))
    assert np.array_equal(again.other[:, -1], np.ones(50))
    assert np.array_equal(again.y, sample.y)


@pytest.mark.parametrize("bias", [False, True])
def test_flow_is_best_at_its_best_time(bias):
    point = FLOW.model_copy(update={"bias": bias})
    found = run(kernel_flow, point)
    rng = np.random.default_rng(0)
    sample = sphere_regression(15, 40, 3, noise=0.2, bias=bias, rng=rng)
    gram, cross = ntk(sample.x), ntk(sample.other, sample.x)
    covariance = nngp(np.vstack([sample.x, sample.other])) + 1e-10 * np.eye(55)
    draws = np.linalg.cholesky(covariance) @ rng.standard_normal((55, 2))
    for number, start in enumerate([np.zeros(55), *draws.T]):
        rest = sample.y - start[:15]

        def error(time, start=start, rest=rest):
            """Equation 17, with its sign and time mended."""
            moved = np.linalg.solve(gram, rest - expm(-time * gram / 15) @ rest)
            return np.mean((start[15:] + cross @ moved - sample.truth) ** 2)

        best = found["best_time"][number]
        assert found["test_error"][number] == pytest.approx(error(best), rel=1e-6)
        others = best * np.array([1e-2, 0.5, 0.9, 1.1, 2.0, 1e2])
        assert all(error(time) >= found["test_error"][number] * (1 - 1e-6) for time in others)
        assert found["initial_error"][number] == pytest.approx(np.mean((start[15:] - sample.truth) ** 2))


def test_trained_networks_at_their_best_epoch():
    found = run(wide_regression, WIDE)
    rng = np.random.default_rng(0)
    sample = sphere_regression(15, 40, 3, noise=0.2, bias=False, rng=rng)
    seed = int(rng.integers(2**63))
    inputs, others = Inputs.of(sample.x), Inputs.of(sample.other)
    for number, start in enumerate((mirrored_start, standard_start)):

        def error(epochs, start=start):
            """After so many epochs of 300 units."""
            network = start(300, 3, rng=np.random.default_rng(seed))
            network.train(inputs, sample.y, rate=0.6, epochs=epochs)
            return sample.error(network.outputs(others))

        assert found["initial_error"][number] == pytest.approx(error(0), rel=1e-6)
        assert found["last_error"][number] == pytest.approx(error(150), rel=1e-3)
        assert found["test_error"][number] == pytest.approx(error(int(found["best_epoch"][number])), rel=1e-3)
        assert found["test_error"][number] <= min(error(1), error(150)) * (1 + 1e-3)
    assert found["initial_error"][0] == pytest.approx(np.mean(sample.truth**2))


def test_a_wide_network_learns_as_its_limit():
    sample = sphere_regression(12, 30, 3, noise=0.2, bias=False, rng=np.random.default_rng(2))
    network = mirrored_start(20_000, 3, rng=np.random.default_rng(3))
    network.train(Inputs.of(sample.x), sample.y, rate=0.5, epochs=40)
    gram = ntk(sample.x)
    moved = np.linalg.solve(gram, sample.y - np.linalg.matrix_power(np.eye(12) - 0.5 * gram / 12, 40) @ sample.y)
    limit = ntk(sample.other, sample.x) @ moved
    assert network.outputs(Inputs.of(sample.other)) == pytest.approx(limit, abs=0.03)
    assert np.abs(limit).max() > 0.5


def test_epochs_of_the_test_error():
    epochs = wide_regression._epochs(wide_regression.WideRegressionParameters(samples=100))
    assert epochs[[0, 1, -1]].tolist() == [0, 1, 1000]
    assert 40 <= len(epochs) <= 61
    assert (np.diff(epochs) > 0).all()
    assert (epochs[30:] / epochs[29:-1]).max() < 1.2


def test_networks_beside_regression_with_their_kernel():
    point = ntk_regression.NtkRegressionParameters(samples=12, tests=30, dimension=3, epochs=40, width=400)
    measured = run(ntk_regression, point)
    rng = np.random.default_rng(0)
    sample = sphere_regression(12, 30, 3, noise=0.2, bias=False, rng=rng)
    seed = int(rng.integers(2**63))
    epochs = np.unique(np.rint(np.geomspace(1, 40, 40)).astype(int))
    both = Inputs.of(np.vstack([sample.x, sample.other]))
    kernels = {"distance": ntk, "other_distance": nngp}
    for number, start in enumerate((mirrored_start, standard_start)):
        largest = dict.fromkeys(kernels, 0.0)
        begin = start(400, 3, rng=np.random.default_rng(seed)).outputs(both).astype(float)
        for steps in epochs:
            network = start(400, 3, rng=np.random.default_rng(seed))
            network.train(Inputs.of(sample.x), sample.y, rate=0.6, epochs=int(steps))
            for name, kernel in kernels.items():
                gram, rest = kernel(sample.x), sample.y - begin[:12]
                left = np.linalg.matrix_power(np.eye(12) - 0.6 * gram / 12, int(steps)) @ rest
                expected = begin[12:] + kernel(sample.other, sample.x) @ np.linalg.solve(gram, rest - left)
                largest[name] = max(largest[name], np.abs(network.outputs(both)[12:] - expected).max())
        for name in kernels:
            assert measured[name][number] == pytest.approx(largest[name], rel=1e-3)
    assert max(measured["distance"]) < 0.5 * min(measured["other_distance"])
