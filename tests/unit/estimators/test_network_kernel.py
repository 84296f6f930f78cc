"""NNGP and NTK as a kernel of scikit-learn, with gradients against derivatives of forty digits."""

import mpmath as mp
import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel

from initatlas.estimators.kernel import NetworkKernel, log_derivative
from initatlas.kernels.api import ntk

X = np.random.default_rng(0).normal(size=(7, 3))
ALL = {
    "weight_variance": 1.5,
    "bias_variance": 0.3,
    "input_variance": 0.7,
    "output_weight_variance": 0.9,
    "output_bias_variance": 0.2,
}


def kernel(name="ntk", **options):
    """All variances free, unless told otherwise."""
    return NetworkKernel(name, **{**ALL, "input_variance_bounds": (0.1, 10.0), **options})


def test_values_are_those_of_the_kernels():
    asked = kernel(depth=2, activation="erf", normalise=True)
    assert np.array_equal(asked(X, X[:2]), ntk(X, X[:2], depth=2, activation="erf", normalise=True, **ALL))


@pytest.mark.parametrize("name", ["nngp", "ntk"])
@pytest.mark.parametrize("options", [{}, {"bias_variance": 0.0}, {"activation": "erf"}, {"depth": 0}])
def test_the_diagonal(name, options):
    x = np.random.default_rng(1).normal(size=(150, 3))
    asked = kernel(name, **{"depth": 2, **options})
    assert asked.diag(x) == pytest.approx(np.diagonal(asked(x)), rel=1e-13)


def erf_nngp(p, q, c, theta):
    """Two hidden layers of erf (Williams 1997), as a function of the logarithms of the variances in alphabetic order."""
    bias, first, output_bias, output, weight = (mp.exp(value) for value in theta)
    p, q, c = (first * value + bias for value in (p, q, c))
    for scale, shift in ((weight, bias), (output, output_bias)):
        p, q, c = (
            scale * 2 / mp.pi * mp.asin(2 * s / mp.sqrt((1 + 2 * a) * (1 + 2 * b))) + shift
            for s, a, b in ((p, p, p), (q, q, q), (c, p, q))
        )
    return c


def relu_ntk(p, q, c, theta):
    """Two hidden layers of the ReLU (Cho and Saul 2009, Jacot et al. 2018)."""
    bias, first, output_bias, output, weight = (mp.exp(value) for value in theta)
    p, q, c = (first * value + bias for value in (p, q, c))
    tangent = c
    for scale, shift in ((weight, bias), (output, output_bias)):
        angle = mp.acos(c / mp.sqrt(p * q))
        slope = scale * (mp.pi - angle) / (2 * mp.pi)
        c = scale * mp.sqrt(p * q) * mp.sin(angle) / (2 * mp.pi) + slope * c + shift
        p, q = scale * p / 2 + shift, scale * q / 2 + shift
        tangent = c + slope * tangent
    return tangent


@pytest.mark.parametrize(("exact", "name", "activation"), [(erf_nngp, "nngp", "erf"), (relu_ntk, "ntk", "relu")])
def test_gradients_against_forty_digits(exact, name, activation):
    asked = kernel(name, depth=2, activation=activation)
    assert [parameter.name for parameter in asked.hyperparameters] == sorted(ALL)
    values, gradient = asked(X, eval_gradient=True)
    assert gradient.shape == (7, 7, 5)
    with mp.workdps(40):
        theta = [mp.log(ALL[key]) for key in sorted(ALL)]
        p, q, c = (mp.mpf(float(value)) for value in (X[0] @ X[0], X[3] @ X[3], X[0] @ X[3]))
        assert values[0, 3] == pytest.approx(float(exact(p, q, c, theta)), rel=1e-12)
        for number in range(5):
            order = tuple(int(at == number) for at in range(5))
            derivative = mp.diff(lambda *at: exact(p, q, c, at), tuple(theta), order)
            assert gradient[0, 3, number] == pytest.approx(float(derivative), rel=1e-10)


@pytest.mark.parametrize("depth", [1, 3, 30])
def test_gradients_of_powers(depth):
    asked = kernel("nngp", depth=depth, bias_variance=0.0, output_bias_variance=0.0, output_weight_variance=None)
    values, gradient = asked(X, eval_gradient=True)
    # without biases the kernel is input_variance weight_variance^depth times a function of the angle
    assert gradient[:, :, 0] == pytest.approx(values, rel=1e-11)
    assert gradient[:, :, 1] == pytest.approx(depth * values, rel=1e-11)


def test_the_difference_has_order_eight():
    errors = [abs(log_derivative(lambda s: np.array([np.exp(4.0 * s)]), step)[0] - 4.0) for step in (0.2, 0.1)]
    assert errors[0] / errors[1] == pytest.approx(2**8, rel=0.2)
    assert errors[1] == pytest.approx(4.0 * 0.4**8 / 630, rel=0.1)


def test_variances_without_a_logarithm_stay():
    asked = NetworkKernel(depth=2)
    assert asked.n_dims == 0
    assert asked(X, eval_gradient=True)[1].shape == (7, 7, 0)
    assert [parameter.name for parameter in kernel(bias_variance=0.0).hyperparameters if parameter.fixed] == [
        "bias_variance"
    ]
    assert NetworkKernel(weight_variance=2.0, weight_variance_bounds="fixed").n_dims == 0


def test_no_gradient_between_two_matrices():
    with pytest.raises(ValueError, match="where Y is not given"):
        kernel()(X, X, eval_gradient=True)


def test_a_gaussian_process_finds_its_variances():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 2))
    truth = NetworkKernel("nngp", depth=2, activation="erf", weight_variance=8.0, bias_variance=0.5)
    y = np.linalg.cholesky(truth(x) + 1e-4 * np.eye(60)) @ rng.normal(size=60)
    start = truth.clone_with_theta(np.log([0.01, 1.0]))
    process = GaussianProcessRegressor(start, alpha=1e-4).fit(x, y)
    assert process.log_marginal_likelihood_value_ >= process.log_marginal_likelihood(truth.theta)
    assert process.kernel_.weight_variance == pytest.approx(8.0, rel=0.7)
    value, slope = process.log_marginal_likelihood(start.theta, eval_gradient=True, clone_kernel=False)
    for number in range(2):
        step = 1e-5 * np.eye(2)[number]
        ends = [process.log_marginal_likelihood(start.theta + sign * step) for sign in (1, -1)]
        assert slope[number] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4)
    assert value < process.log_marginal_likelihood_value_


def test_sums_with_other_kernels():
    both = kernel() + WhiteKernel(0.5)
    assert both(X) == pytest.approx(kernel()(X) + 0.5 * np.eye(7))
    assert both.theta.shape == (6,)
    assert not both.is_stationary()


def test_modules_name_the_activation():
    assert NetworkKernel(activation="erf").modules() == ("initatlas.estimators.kernel", "initatlas.activations.erf")
