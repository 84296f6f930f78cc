"""Weight variances that keep a mean square: of pre-activations, or of signals."""

from math import sqrt

import numpy as np
import pytest

from initatlas.activations.base import activation_of
from initatlas.errors import UserError
from initatlas.kernels.preserving import preactivation_preserving_variance, signal_preserving_variance


@pytest.mark.parametrize("rms", [0.3, 1.0, 40.0])
def test_homogeneous_activations_have_one_variance(rms):
    for label, variance in {"relu": 2.0, "identity": 1.0, "abs": 1.0, "leaky_relu(slope=0.2)": 2 / 1.04}.items():
        assert signal_preserving_variance(label, rms=rms) == pytest.approx(variance, rel=1e-15)
        assert preactivation_preserving_variance(activation_of(label).dual, rms) == pytest.approx(variance, rel=1e-14)


@pytest.mark.parametrize(("rms", "scale"), [(0.5, 1.59058), (1.0, 1.46801), (5.0, 1.41494)])
def test_variance_of_gelu_as_published(rms, scale):
    """Standard deviations in the public code of Tsuchida et al. 2021 (arXiv 2002.08517)."""
    assert sqrt(signal_preserving_variance("gelu", rms=rms)) == pytest.approx(scale, abs=1e-5)


@pytest.mark.parametrize(
    ("label", "of_preactivations", "of_signals"), [("gelu", 2.352, 2.155), ("elu", 1.551, 1.633)], ids=["gelu", "elu"]
)
def test_the_two_kinds_differ_where_the_norm_matters(label, of_preactivations, of_signals):
    assert preactivation_preserving_variance(activation_of(label).dual) == pytest.approx(of_preactivations, abs=5e-4)
    assert signal_preserving_variance(label, rms=1.0) == pytest.approx(of_signals, abs=5e-4)


@pytest.mark.parametrize("label", ["gelu", "elu", "erf", "tanh", "softplus"])
def test_both_are_one_relation(label):
    # A signal of mean square m(q) comes from pre-activations of variance q; both are kept by q / m(q).
    q = 0.7
    moment = float(activation_of(label).dual.moment(np.asarray(q)))
    variance = signal_preserving_variance(label, rms=sqrt(moment))
    assert variance == pytest.approx(preactivation_preserving_variance(activation_of(label).dual, q), rel=1e-9)


@pytest.mark.parametrize("label", ["gelu", "elu"])
def test_signals_keep_their_mean_square(label):
    variance = signal_preserving_variance(label, rms=1.3)
    z = sqrt(variance) * 1.3 * np.random.default_rng(0).standard_normal(4_000_000)
    assert np.mean(activation_of(label).phi(z) ** 2) == pytest.approx(1.3**2, rel=5e-3)


def test_no_variance_preserves_what_is_beyond_the_range():
    with pytest.raises(UserError, match=r"tanh.*root mean square 2"):
        signal_preserving_variance("tanh", rms=2.0)
