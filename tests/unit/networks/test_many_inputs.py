"""The kernel of finitely many inputs against layers of many neurons, and against the Gaussian limit."""

from math import pi, sqrt

import numpy as np
import pytest
from pydantic import ValidationError

from initatlas.experiments.many_inputs import EXPERIMENT, ManyInputsParameters
from initatlas.experiments.product_law import EXPERIMENT as PRODUCT_LAW
from initatlas.experiments.product_law import ProductLawParameters
from initatlas.networks.many_inputs import WeightLaw, excess_kurtosis, flat_cosines, product_distance, sampled_law
from initatlas.weights.base import family_of


def law_of(label, samples=1_000_000):
    return sampled_law(label, samples=samples, rng=np.random.default_rng(0))


def test_the_law_has_the_moments_of_its_distribution():
    for label, expected in (("gaussian", 0.0), ("laplace", 3.0), ("uniform", -1.2)):
        law = law_of(label)
        points = (np.arange(len(law.masses)) - len(law.masses) // 2) * law.spacing
        assert law.masses.sum() == pytest.approx(1.0)
        assert law.masses @ points**2 == pytest.approx(1.0, rel=1e-12)
        assert law.masses @ points == pytest.approx(0.0, abs=1e-12)
        assert excess_kurtosis(law) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("activation", ["relu", "elu", "erf"])
@pytest.mark.parametrize(("label", "inputs"), [("laplace", 4), ("uniform", 8), ("generalized_normal(beta=0.5)", 16)])
def test_flat_kernel_against_neurons(activation, label, inputs):
    from initatlas.activations.base import activation_of

    opposite = inputs // 4
    rng = np.random.default_rng(1)
    weights = family_of(label).draw((1_000_000, inputs), variance=1.0 / inputs, rng=rng)
    signs = np.where(np.arange(inputs) < opposite, -1.0, 1.0).astype(np.float32)
    first, second = (
        activation_of(activation).phi(weights @ x).astype(np.float64) for x in (np.ones_like(signs), signs)
    )
    norm = np.mean(first**2)
    residue = first * second - np.mean(first * second) / norm * first**2
    (found,) = flat_cosines(law_of(label), activation, inputs, [opposite])
    # The sample of a million weights has an error of its own, of the order of that of the neurons.
    assert found == pytest.approx(np.mean(first * second) / norm, abs=8 * residue.std() / norm / sqrt(len(first)))


@pytest.mark.parametrize(("inputs", "opposite"), [(4, [1, 2, 3]), (7, [2, 5, 0])])
@pytest.mark.parametrize("activation", ["elu", "erf"])
def test_flat_kernel_against_all_sums(activation, inputs, opposite):
    """Every value of both sums, with its probability by repeated convolution."""
    from functools import reduce

    from initatlas.activations.base import activation_of

    masses = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
    law, phi = WeightLaw(masses, sqrt(1.0 / 1.2)), activation_of(activation).phi

    def sums(terms):
        total = reduce(np.convolve, [masses] * terms, np.ones(1))
        return total, (np.arange(len(total)) - len(total) // 2) * law.spacing / sqrt(inputs)

    whole, values = sums(inputs)
    expected = []
    for count in opposite:
        (p, equal), (q, turned) = sums(inputs - count), sums(count)
        equal, turned = equal[:, None], turned[None]
        expected.append((p[:, None] * q * phi(equal + turned) * phi(equal - turned)).sum() / (whole @ phi(values) ** 2))
    np.testing.assert_allclose(flat_cosines(law, activation, inputs, opposite), expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("inputs", [4, 64, 1024])
def test_gaussian_weights_have_the_limit_at_any_number(inputs):
    (found,) = flat_cosines(law_of("gaussian"), "relu", inputs, [inputs // 2])
    # The sampled excess kurtosis is off by some sqrt(24 / 10^6), a lattice step of 0.04 adds about 2e-5.
    assert found == pytest.approx(1.0 / pi, abs=1e-4)


def test_the_error_falls_as_the_inverse_number():
    (result,) = EXPERIMENT.run(
        [ManyInputsParameters(weights="laplace", inputs=512, samples=500_000)], [np.random.default_rng(2)], None
    )
    ratio = result["departure"][-1] / result["departure"][-2]
    np.testing.assert_allclose(ratio, 0.5, atol=0.02)
    np.testing.assert_allclose(result["departure"], result["cosine"] - result["limit"])


def test_weights_that_share_a_scale_are_refused():
    with pytest.raises(ValidationError, match="independent"):
        ManyInputsParameters(weights="multivariate_t(nu=5)")


@pytest.mark.parametrize(
    ("label", "activation"), [("laplace", "relu"), ("uniform", "erf"), ("student_t(nu=3.5)", "leaky_relu(slope=0.2)")]
)
def test_the_distance_in_law_against_samples(label, activation):
    from scipy import stats

    from initatlas.activations.base import activation_of

    count = 1_000_000
    rng = np.random.default_rng(3)
    signs = np.array([1.0, 1.0, -1.0, -1.0])
    drawn = family_of(label).draw((count, 4), variance=0.25, rng=rng, dtype="float64")
    limit = rng.standard_normal((2, count))
    phi = activation_of(activation).phi
    products = [phi(x) * phi(y) for x, y in ((drawn.sum(axis=1), drawn @ signs), limit)]
    expected = stats.ks_2samp(*products).statistic
    assert product_distance(law_of(label), activation, 4) == pytest.approx(expected, abs=4 / sqrt(count))
    assert expected > 10 / sqrt(count)


def test_the_distance_in_law_of_gaussian_weights_vanishes_and_falls_for_others():
    assert product_distance(law_of("gaussian"), "relu", 4) < 1e-4
    (found,) = PRODUCT_LAW.run([ProductLawParameters(weights="laplace", inputs=256)], [np.random.default_rng(0)], None)
    assert len(found["distance"]) == 4
    np.testing.assert_allclose(np.diff(np.log(found["distance"]))[1:], -np.log(4.0), rtol=0.03)
