"""Networks of infinite width as estimators: against linear algebra with 60 digits, refits, and scikit-learn's own checks."""

import warnings

import mpmath as mp
import numpy as np
import pytest
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, LeaveOneOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from initatlas.estimators.flow import NetworkFlowClassifier, NetworkFlowRegressor
from initatlas.estimators.kernel import NetworkKernel
from initatlas.estimators.ridge import NetworkRidgeClassifier, NetworkRidgeRegressor

DEEP = NetworkKernel("ntk", depth=3, bias_variance=0.1)


@parametrize_with_checks(
    [NetworkRidgeRegressor(), NetworkRidgeClassifier(), NetworkFlowRegressor(), NetworkFlowClassifier()]
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def sample(n=12, d=3, outputs=None, seed=0):
    """Inputs of any norm, targets, and other inputs."""
    rng = np.random.default_rng(seed)
    shape = (n,) if outputs is None else (n, outputs)
    return rng.normal(size=(n, d)), rng.normal(size=shape), rng.normal(size=(5, d))


def precise(matrix):
    """An mpmath matrix of the very numbers."""
    return mp.matrix(np.atleast_2d(matrix).tolist())


def doubles(matrix):
    """Back to numpy."""
    return np.array(matrix.tolist(), dtype=np.float64)


@pytest.fixture
def digits():
    """Sixty digits."""
    with mp.workdps(60):
        yield


def precise_flow(gram, tau):
    """K^-1 (1 - exp(-tau K)) with sixty digits."""
    values, vectors = mp.eigsy(precise(gram))
    return vectors * mp.diag([-mp.expm1(-tau * value) / value for value in values]) * vectors.T


@pytest.mark.parametrize("ridge", [0.0, 1e-6, 0.3])
@pytest.mark.parametrize("outputs", [None, 2])
def test_ridge_against_sixty_digits(digits, ridge, outputs):
    x, y, other = sample(outputs=outputs)
    fitted = NetworkRidgeRegressor(DEEP, ridge).fit(x, y)
    inverse = mp.inverse(precise(DEEP(x)) + ridge * mp.eye(len(x)))
    cross = precise(DEEP(other, x))
    expected = doubles(cross * inverse * precise(y.reshape(len(x), -1))).reshape(fitted.predict(other).shape)
    assert fitted.predict(other) == pytest.approx(expected, rel=1e-9, abs=1e-11)
    variance = np.diag(doubles(precise(DEEP(other)) - cross * inverse * cross.T))
    values, deviation = fitted.predict(other, return_std=True)
    assert np.array_equal(values, fitted.predict(other))
    assert deviation == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_the_deviation_is_that_of_the_gaussian_process():
    x, y, other = sample(n=30)
    ours = NetworkRidgeRegressor(DEEP, 0.2).fit(x, y).predict(other, return_std=True)
    theirs = GaussianProcessRegressor(DEEP, alpha=0.2, optimizer=None).fit(x, y).predict(other, return_std=True)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-9)
    assert ours[1] == pytest.approx(theirs[1], rel=1e-9)


def test_the_ridge_is_that_of_kernel_ridge():
    x, y, other = sample(n=30, outputs=2)
    theirs = KernelRidge(alpha=0.2, kernel="precomputed").fit(DEEP(x), y).predict(DEEP(other, x))
    assert NetworkRidgeRegressor(DEEP, 0.2).fit(x, y).predict(other) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("time", [1e-3, 2.0, 1e4])
def test_flow_against_sixty_digits(digits, time):
    x, y, other = sample(outputs=2)
    fitted = NetworkFlowRegressor(DEEP, time).fit(x, y)
    flow = precise_flow(DEEP(x), mp.mpf(time) / len(x))
    expected = doubles(precise(DEEP(other, x)) * flow * precise(y))
    assert fitted.predict(other) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_flow_without_end_interpolates():
    x, y, other = sample()
    fitted = NetworkFlowRegressor(DEEP, np.inf).fit(x, y)
    assert fitted.predict(x) == pytest.approx(y, abs=1e-9)
    assert fitted.predict(other) == pytest.approx(NetworkRidgeRegressor(DEEP, 0.0).fit(x, y).predict(other), rel=1e-8)


def test_flow_is_what_small_steps_of_gradient_descent_come_to():
    x, y, other = sample()
    gram, cross, step = DEEP(x), DEEP(other, x), 1e-4
    at_training, elsewhere = np.zeros(len(x)), np.zeros(len(other))
    for _ in range(5000):
        rest = (y - at_training) / len(x)
        at_training, elsewhere = at_training + step * gram @ rest, elsewhere + step * cross @ rest
    fitted = NetworkFlowRegressor(DEEP, 0.5).fit(x, y)
    assert fitted.predict(other) == pytest.approx(elsewhere, abs=2e-4)


def test_draws_of_trained_networks(digits):
    x, y, other = sample()
    initial = NetworkKernel("nngp", depth=3, bias_variance=0.1)
    fitted = NetworkFlowRegressor(DEEP, 3.0, initial=initial).fit(x, y)
    reach = precise(DEEP(other, x)) * precise_flow(DEEP(x), mp.mpf(3) / len(x))
    joint = precise(initial(np.vstack([other, x])))
    # f_t(x) = f_0(x) - A f_0(X) + A y
    both = mp.matrix(len(other), len(other) + len(x))
    both[:, : len(other)] = mp.eye(len(other))
    both[:, len(other) :] = -reach
    covariance = doubles(both * joint * both.T)
    mean, deviation = fitted.predict(other, return_std=True)
    assert mean == pytest.approx(doubles(reach * precise(y).T)[:, 0], rel=1e-9)
    assert deviation == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-9)
    draws = fitted.sample_y(other, 200_000, random_state=1)
    assert draws.shape == (5, 200_000)
    assert draws.mean(axis=1) == pytest.approx(mean, abs=5 * deviation.max() / np.sqrt(200_000))
    assert np.cov(draws) == pytest.approx(covariance, abs=8 * covariance.max() / np.sqrt(200_000))
    assert not np.array_equal(draws[:, :1], fitted.sample_y(other, 1, random_state=2))


def test_draws_of_several_outputs_start_apart():
    x, y, other = sample(outputs=2)
    fitted = NetworkFlowRegressor(DEEP, 0.1, initial=NetworkKernel("nngp")).fit(x, y)
    draws = fitted.sample_y(other, 20_000)
    assert draws.shape == (5, 2, 20_000)
    assert draws.mean(axis=2) == pytest.approx(fitted.predict(other), abs=0.1)
    assert abs(np.corrcoef(draws[0])[0, 1]) < 0.03


def test_from_zero_there_is_nothing_to_draw():
    x, y, other = sample()
    fitted = NetworkFlowRegressor(DEEP, 1.0).fit(x, y)
    values, deviation = fitted.predict(other, return_std=True)
    assert np.array_equal(deviation, np.zeros(5))
    assert fitted.sample_y(other, 2) == pytest.approx(np.stack([values, values], axis=1))


@pytest.mark.parametrize("number", [1e-9, 1e-3, 1.0, 100.0])
@pytest.mark.parametrize("kind", ["ridge", "flow"])
def test_leaving_one_out_in_closed_form_is_refitting(kind, number):
    from initatlas.estimators.eigenbasis import Eigenbasis
    from initatlas.estimators.leave_one_out import flow_predictions, ridge_predictions

    x, y, _ = sample(n=20, outputs=2)
    n = len(x)
    if kind == "ridge":
        closed = ridge_predictions(Eigenbasis.of(DEEP(x)), y, np.array([7.0, number]))[1]
        refitted = cross_val_predict(NetworkRidgeRegressor(DEEP, number), x, y, cv=LeaveOneOut())
    else:
        closed = flow_predictions(Eigenbasis.of(DEEP(x)), y, np.array([7.0, 1.0 / number]))[1]
        refitted = cross_val_predict(NetworkFlowRegressor(DEEP, (n - 1) / number), x, y, cv=LeaveOneOut())
    assert closed == pytest.approx(refitted, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize(("estimator", "name"), [(NetworkRidgeRegressor, "ridge"), (NetworkFlowRegressor, "time")])
def test_what_leaving_one_out_chooses_is_best(estimator, name):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 2))
    y = x[:, 0] ** 2 + 0.5 * rng.normal(size=40)

    def error(value):
        """By refitting."""
        left_out = cross_val_predict(estimator(DEEP, **{name: value}), x, y, cv=LeaveOneOut())
        return np.mean((left_out - y) ** 2)

    fitted = estimator(DEEP, **{name: "leave_one_out"}).fit(x, y)
    chosen = getattr(fitted, f"{name}_")
    least = error(chosen)
    assert fitted.leave_one_out_error_ == pytest.approx(least, rel=1e-6)
    assert all(error(chosen * factor) > least * (1 - 1e-6) for factor in (0.5, 0.9, 1.1, 2.0))


def test_noise_alone_chooses_a_large_ridge_and_a_short_time():
    x, y, _ = sample(n=60, seed=5)
    assert NetworkRidgeRegressor(DEEP, "leave_one_out").fit(x, y).ridge_ > 10.0
    assert NetworkFlowRegressor(DEEP).fit(x, y).time_ < 1.0


SINE = np.linspace(-10 * np.pi, 10 * np.pi, 300)[:, None]
HARD = {
    "sine": (SINE, np.sin(SINE[:, 0])),
    "repeated": (np.repeat(np.eye(3), 4, axis=0), np.arange(12.0) % 5),
    "zero rows": (np.vstack([np.zeros((3, 2)), np.eye(2)]), np.array([0.0, 1.0, 0.0, 1.0, 1.0])),
    "only zeros": (np.zeros((4, 2)), np.array([1.0, 0.0, 1.0, 0.0])),
    "one": (np.ones((1, 2)), np.array([1.0])),
    "constant": (np.random.default_rng(0).normal(size=(9, 2)), np.ones(9)),
}
KERNELS = {"no bias": NetworkKernel(depth=3), "bias": NetworkKernel(depth=3, bias_variance=0.1)}


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize(
    "estimator",
    [
        NetworkRidgeRegressor(ridge=0.0),
        NetworkRidgeRegressor(ridge=1e-12),
        NetworkRidgeRegressor(ridge="leave_one_out"),
        NetworkFlowRegressor(time=1e12),
        NetworkFlowRegressor(time=np.inf, initial=NetworkKernel("nngp")),
        NetworkFlowRegressor(),
        NetworkRidgeClassifier(),
        NetworkFlowClassifier(),
    ],
    ids=str,
)
def test_hard_cases_give_numbers(case, kernel, estimator):
    x, y = HARD[case]
    labels = (y > 0.5).astype(int) if "Classifier" in str(estimator) else y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)
        fitted = clone(estimator).set_params(kernel=kernel).fit(x, labels)
    assert np.isfinite(fitted.predict(np.vstack([x, x + 0.3]))).all()
    assert np.isfinite(fitted.dual_coef_).all()
    if "Regressor" in str(estimator):
        assert np.isfinite(fitted.predict(x + 0.3, return_std=True)[1]).all()


@pytest.mark.parametrize(
    "estimator", [NetworkRidgeRegressor(ridge=0.0), NetworkRidgeRegressor(ridge=1e-14), NetworkFlowRegressor(time=1e18)]
)
def test_a_warning_has_the_condition_number(estimator):
    x, y = HARD["repeated"]
    with pytest.warns(LinAlgWarning, match=r"condition number \d\.?\d*e\+1\d.*(ridge|time)") as caught:
        fitted = estimator.fit(x, y)
    assert f"{fitted.condition_:.2g}" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert ("9 directions" in str(caught[0].message)) == (getattr(estimator, "ridge", None) == 0.0)


def test_repeated_inputs_are_interpolated_by_their_mean():
    x, y = HARD["repeated"]
    with pytest.warns(LinAlgWarning):
        fitted = NetworkRidgeRegressor(ridge=0.0).fit(x, y)
    assert fitted.predict(np.eye(3)) == pytest.approx(y.reshape(3, 4).mean(axis=1), abs=1e-12)


@pytest.mark.parametrize("points", [100, 500])
def test_a_fast_sine_is_fitted(points):
    x = np.linspace(-10 * np.pi, 10 * np.pi, points)[:, None]
    fitted = NetworkFlowRegressor(KERNELS["bias"], 1e9).fit(x, np.sin(x[:, 0]))
    assert np.max(np.abs(fitted.predict(x) - np.sin(x[:, 0]))) < 0.05


def test_a_good_condition_is_told_and_not_warned_of():
    x, y, _ = sample()
    gram = DEEP(x)
    for ridge in (0.0, 0.5):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fitted = NetworkRidgeRegressor(DEEP, ridge).fit(x, y)
        # an estimate, of the 1-norm
        assert fitted.condition_ == pytest.approx(np.linalg.cond(gram + ridge * np.eye(12), 1), rel=0.5)
    chosen = NetworkRidgeRegressor(DEEP, "leave_one_out").fit(x, y)
    assert chosen.condition_ == pytest.approx(np.linalg.cond(gram + chosen.ridge_ * np.eye(12)), rel=1e-6)


@pytest.mark.parametrize("value", [-1.0, "best", np.nan, True, None])
def test_a_wrong_number_is_named(value):
    x, y, _ = sample()
    with pytest.raises(ValueError, match=r"ridge = .*: give a finite number of 0 or more, or 'leave_one_out'"):
        NetworkRidgeRegressor(ridge=value).fit(x, y)
    with pytest.raises(ValueError, match=r"time = .*: give a number, or infinity, of 0 or more, or 'leave_one_out'"):
        NetworkFlowRegressor(time=value).fit(x, y)
    with pytest.raises(ValueError, match="ridge = inf"):
        NetworkRidgeRegressor(ridge=np.inf).fit(x, y)


def test_pipelines_and_searches_over_networks():
    rng = np.random.default_rng(0)
    x = 10.0 + 3.0 * rng.normal(size=(80, 2))
    y = np.sin(x[:, 0])
    pipeline = make_pipeline(StandardScaler(), NetworkRidgeRegressor(NetworkKernel("nngp"), "leave_one_out"))
    grid = {
        "networkridgeregressor__kernel__depth": [1, 4],
        "networkridgeregressor__kernel__bias_variance": [0.0, 0.5],
    }
    search = GridSearchCV(pipeline, grid, cv=4).fit(x, y)
    assert search.best_params_["networkridgeregressor__kernel__bias_variance"] == 0.5
    assert search.score(x, y) > 0.9
    assert len({*search.cv_results_["mean_test_score"]}) == 4


def test_any_kernel_of_scikit_learn_will_do():
    x, y, other = sample(n=30)
    theirs = GaussianProcessRegressor(RBF(0.5), alpha=0.1, optimizer=None).fit(x, y).predict(other)
    assert NetworkRidgeRegressor(RBF(0.5), 0.1).fit(x, y).predict(other) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("estimator", [NetworkRidgeClassifier(DEEP), NetworkFlowClassifier(DEEP, 50.0)])
def test_classes_are_those_of_the_largest_output(estimator):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(150, 2))
    labels = np.array(["b", "a", "c"])[(x[:, 0] > 0.4).astype(int) + (x[:, 1] > 0.4)]
    fitted = estimator.fit(x[:100], labels[:100])
    assert fitted.score(x[100:], labels[100:]) > 0.8
    assert fitted.decision_function(x).shape == (150, 3)
    two = estimator.fit(x[:100], labels[:100] == "b")
    assert two.decision_function(x).shape == (150,)
    assert two.score(x[100:], labels[100:] == "b") > 0.85
    columns = 2.0 * (labels[:100, None] == np.array(["a", "b", "c"])) - 1.0
    regressor = {
        "NetworkRidgeClassifier": NetworkRidgeRegressor(DEEP),
        "NetworkFlowClassifier": NetworkFlowRegressor(DEEP, 50.0),
    }[type(estimator).__name__].fit(x[:100], columns)
    again = estimator.fit(x[:100], labels[:100])
    assert again.decision_function(x) == pytest.approx(regressor.predict(x), rel=1e-9, abs=1e-12)
