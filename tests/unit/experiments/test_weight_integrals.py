"""Kernels as integrals over densities of weights: against samples, closed forms and an ODE solver."""

from functools import partial
from math import pi, sqrt

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from initatlas.experiments.weight_integral import EXPERIMENT, WeightIntegralParameters
from initatlas.networks.weight_integrals import (
    forcing_term,
    kernel_integrals,
    ode_solution,
    pair_density,
    radial_moment,
)
from initatlas.weights.base import family_of

LABELS = ["gaussian", "laplace", "student_t(nu=5)", "generalized_normal(beta=0.5)", "generalized_normal(beta=4)"]
LABELS += ["multivariate_t(nu=2.5)", "multivariate_t(nu=5)"]


def moment_of(label):
    return partial(radial_moment, pair_density(label))


@pytest.mark.parametrize("label", LABELS)
def test_the_density_is_that_of_the_samples(label):
    """Probability of a square, and of a square beside it on an axis."""
    drawn = family_of(label).draw((400_000, 2), variance=1.0, rng=np.random.default_rng(1)).astype(np.float64)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    for left in (0.3, 1.0):
        u, v = np.meshgrid(left + 0.35 * (1.0 + nodes), 0.3 + 0.35 * (1.0 + nodes))
        expected = 0.35**2 * weights @ pair_density(label)(u, v) @ weights
        share = np.mean(
            np.all([drawn[:, 0] > left, drawn[:, 0] < left + 0.7, drawn[:, 1] > 0.3, drawn[:, 1] < 1.0], axis=0)
        )
        assert abs(share - expected) < 5 * sqrt(expected / len(drawn))


def test_densities_that_quadrature_does_not_take_are_refused():
    with pytest.raises(ValueError, match=r"uniform.*no continuous density"):
        pair_density("uniform")
    with pytest.raises(ValueError, match="nu"):
        pair_density("student_t(nu=1)")


@pytest.mark.parametrize("label", ["laplace", "student_t(nu=9)", "multivariate_t(nu=9)"])
@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_the_kernel_is_the_mean_over_neurons(label, slope):
    angle, turn = 1.1, 0.4
    w = family_of(label).draw((2_000_000, 2), variance=1.0, rng=np.random.default_rng(2)).astype(np.float64)
    first, second = (w @ [np.cos(turn + a), np.sin(turn + a)] for a in (0.0, angle))
    products = np.maximum(first, slope * first) * np.maximum(second, slope * second)
    found = kernel_integrals(moment_of(label), angle, turn, [0.5, slope], 16)[1]
    assert abs(found - products.mean()) < 5 * products.std() / sqrt(len(w))


@pytest.mark.parametrize("label", ["gaussian", "multivariate_t(nu=2.5)"])
def test_rotation_invariant_weights_have_the_printed_kernel_and_forcing_term(label):
    angles = np.linspace(0.1, 3.0, 4)
    curve = (np.sin(angles) + (pi - angles) * np.cos(angles)) / (2.0 * pi)
    both = [kernel_integrals(moment_of(label), angle, 0.3, (0.0, 0.2), 16) for angle in angles]
    found, leaky = np.transpose(both)
    np.testing.assert_allclose(found, curve, atol=1e-12)
    np.testing.assert_allclose(leaky, 0.64 * curve + 0.2 * np.cos(angles), atol=1e-12)
    np.testing.assert_allclose(forcing_term(moment_of(label), angles, 0.7), np.sin(angles) / pi, rtol=1e-12)


@pytest.mark.parametrize(("label", "turn"), [("laplace", 0.0), ("student_t(nu=5)", 0.5)])
def test_the_solution_is_that_of_the_ode(label, turn):
    moment = moment_of(label)

    def right_side(angle, state):
        return [state[1], float(forcing_term(moment, np.array([angle]), turn)[0]) - state[0]]

    solved = solve_ivp(right_side, (pi, 1.0), [0.0, 0.0], rtol=1e-7, atol=1e-9)
    assert ode_solution(moment, 1.0, turn, 16) == pytest.approx(solved.y[0, -1], abs=1e-6)
    assert ode_solution(moment, pi, turn, 16) == 0.0


def test_the_experiment_gives_integrals_with_their_error():
    (found,) = EXPERIMENT.run([WeightIntegralParameters(weights="laplace", turn=30, angles=5)], [None], None)
    assert found["quadrature_error"].max() < 1e-8
    np.testing.assert_allclose(found["kernel"], found["solution"], atol=1e-8)
    assert found["kernel"][0] == pytest.approx(0.5)
    assert found["leaky_kernel"][0] == pytest.approx(0.52)
    assert found["forcing"][2] != pytest.approx(1.0 / pi, rel=0.1)
    (coarse,) = EXPERIMENT.run([WeightIntegralParameters(weights="student_t(nu=5)", angles=5, nodes=8)], [None], None)
    assert coarse["quadrature_error"].max() > 1e-9
