"""Weight distributions against their closed forms."""

from dataclasses import fields
from math import gamma, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from initatlas.weights.base import WEIGHTS, family_of

VARIANCE = 0.37


def gennorm_kurtosis(beta):
    return gamma(5 / beta) * gamma(1 / beta) / gamma(3 / beta) ** 2


KURTOSIS = {
    "gaussian": 3.0,
    "uniform": 1.8,
    "laplace": 6.0,
    "generalized_normal(beta=0.5)": gennorm_kurtosis(0.5),
    "generalized_normal(beta=1)": 6.0,
    "generalized_normal(beta=2)": 3.0,
    "generalized_normal(beta=3.3)": gennorm_kurtosis(3.3),
    "generalized_normal(beta=8)": gennorm_kurtosis(8.0),
    "student_t(nu=20)": 3.0 + 6.0 / 16.0,
}


def reference(label):
    """The marginal distribution of one entry, from scipy, with scales written out independently of the package."""
    name, _, rest = label.partition("(")
    number = float(rest.rstrip(")").split("=")[1]) if rest else 0.0
    sd = sqrt(VARIANCE)
    return {
        "gaussian": lambda: stats.norm(scale=sd),
        "uniform": lambda: stats.uniform(-sqrt(3) * sd, 2 * sqrt(3) * sd),
        "laplace": lambda: stats.laplace(scale=sd / sqrt(2)),
        "generalized_normal": lambda: stats.gennorm(number, scale=sd * sqrt(gamma(1 / number) / gamma(3 / number))),
        "student_t": lambda: stats.t(number, scale=sd * sqrt((number - 2) / number)),
        "multivariate_t": lambda: stats.t(number, scale=sd * sqrt((number - 2) / number)),
    }[name]()


@pytest.mark.parametrize("label", KURTOSIS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_variance_and_kurtosis(label, dtype):
    w = family_of(label).draw((500, 1000), variance=VARIANCE, rng=np.random.default_rng(1), dtype=dtype)
    w = w.astype(np.float64).ravel() / sqrt(VARIANCE)
    for power, expected in ((1, 0.0), (2, 1.0), (3, 0.0), (4, KURTOSIS[label])):
        moment = w**power
        assert abs(moment.mean() - expected) < 5 * moment.std() / sqrt(w.size)


@pytest.mark.parametrize(
    "label",
    [
        *KURTOSIS,
        "generalized_normal(beta=0.1)",
        "student_t(nu=2.5)",
        *(f"multivariate_t(nu={nu})" for nu in (2.5, 3, 10)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_marginal_distribution(label, dtype):
    # One column of a multivariate t is an independent sample of its marginal; so is one of any other family.
    w = family_of(label).draw((40_000, 2), variance=VARIANCE, rng=np.random.default_rng(2), dtype=dtype)[:, 1]
    assert stats.kstest(w.astype(np.float64), reference(label).cdf).pvalue > 1e-3


def test_multivariate_t_has_uncorrelated_but_dependent_entries_in_a_row():
    nu = 10.0
    w = family_of("multivariate_t(nu=10)").draw((200_000, 2), variance=1.0, rng=np.random.default_rng(3))
    a, b = w.astype(np.float64).T
    assert abs(np.mean(a * b)) < 5 / sqrt(len(a)) * 1.2
    # E[a^2 b^2] = E[(nu - 2)^2 / chi^4] = (nu - 2) / (nu - 4), not 1 as for independent entries.
    product = a**2 * b**2
    assert abs(product.mean() - (nu - 2) / (nu - 4)) < 5 * product.std() / sqrt(len(a))


def test_independent_t_has_independent_entries_in_a_row():
    w = family_of("student_t(nu=20)").draw((200_000, 2), variance=1.0, rng=np.random.default_rng(5)).astype(np.float64)
    product = w[:, 0] ** 2 * w[:, 1] ** 2
    assert abs(product.mean() - 1.0) < 5 * product.std() / sqrt(len(w))
    assert family_of("student_t(nu=20)").independent


def test_multivariate_t_rows_are_normal_up_to_one_scale():
    w = family_of("multivariate_t(nu=3)").draw((200, 4000), variance=1.0, rng=np.random.default_rng(4))
    unit = w / w.std(axis=1, keepdims=True)
    assert stats.kstest(unit[:, ::40].ravel().astype(np.float64), "norm").pvalue > 1e-3
    row_variance = w.astype(np.float64).var(axis=1)
    # The row variance is (nu - 2) / chi^2_nu up to sampling error of 1 / sqrt(4000).
    assert stats.kstest(1 / row_variance, stats.chi2(3).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    "label", ["gaussian", "uniform", "laplace", "generalized_normal(beta=0.5)", "multivariate_t(nu=4)"]
)
def test_a_family_says_whether_the_entries_of_a_row_are_independent(label):
    family = family_of(label)
    sizes = np.abs(family.draw((50_000, 2), variance=1.0, rng=np.random.default_rng(6)))
    dependence = stats.spearmanr(sizes[:, 0], sizes[:, 1]).statistic
    assert (abs(dependence) < 5 / sqrt(50_000)) == family.independent


@pytest.mark.parametrize("label", ["laplace", "generalized_normal(beta=0.5)", "multivariate_t(nu=4)"])
def test_entries_of_different_rows_are_independent(label):
    w = family_of(label).draw((2, 100_000), variance=1.0, rng=np.random.default_rng(5)).astype(np.float64)
    signs = np.sign(w)
    assert abs(np.mean(signs[0] * signs[1])) < 5 / sqrt(100_000)
    assert abs(np.mean(signs[:, :-1] * signs[:, 1:])) < 5 / sqrt(100_000)


@settings(max_examples=25, deadline=None)
@given(
    label=st.sampled_from([*KURTOSIS, "multivariate_t(nu=2.1)", "generalized_normal(beta=0.05)"]),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    double=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_same_generator_same_weights(label, shape, double, seed):
    dtype = np.float64 if double else np.float32
    first, second = (
        family_of(label).draw(shape, variance=2.0, rng=np.random.default_rng(seed), dtype=dtype) for _ in range(2)
    )
    assert first.shape == shape
    assert first.dtype == dtype
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)
    scaled = family_of(label).draw(shape, variance=8.0, rng=np.random.default_rng(seed), dtype=dtype)
    np.testing.assert_allclose(scaled, 2 * first, rtol=4 * np.finfo(dtype).eps)


HEAVY = ["generalized_normal(beta=0.2)", "multivariate_t(nu=2.05)", "multivariate_t(nu=2.5)"]
FAMILY_LABELS = [*KURTOSIS, *HEAVY, "multivariate_t(nu=10)"]


@pytest.mark.parametrize("label", ["laplace", *HEAVY])
def test_a_variance_that_is_off_by_two_percent_is_noticed(label):
    """The whole distribution, many draws: heavy tails too, whose sample variance tells nothing."""
    w = family_of(label).draw((4_000_000, 1), variance=VARIANCE, rng=np.random.default_rng(6))[:, 0].astype(np.float64)
    cdf = reference(label).cdf
    assert stats.kstest(w, cdf).pvalue > 1e-3
    assert stats.kstest(sqrt(1.02) * w, cdf).pvalue < 1e-3


@pytest.mark.parametrize("label", FAMILY_LABELS)
def test_the_stated_standard_deviation_is_that_of_the_sampler(label):
    family = family_of(label)
    w = family.sample((50_000, 1), np.random.default_rng(7), np.dtype(np.float64))[:, 0]
    scaled = w * (sqrt(VARIANCE) / family.standard_deviation())
    assert stats.kstest(scaled, reference(label).cdf).pvalue > 1e-3


def test_every_family_stands_in_its_room_under_its_name():
    assert set(WEIGHTS) == {"gaussian", "uniform", "laplace", "generalized_normal", "multivariate_t", "student_t"}
    for name, family in WEIGHTS.items():
        assert set(family.bounds) == {field.name for field in fields(family)}, name
        assert family.nanoseconds > 0
        assert family.__doc__


def test_a_variance_that_does_not_exist_is_refused_with_the_reason():
    with pytest.raises(
        ValueError, match=r"nu must lie in \(2, inf\): with 2 degrees of freedom or fewer .* no variance"
    ):
        family_of("multivariate_t(nu=2)")


@pytest.mark.parametrize(
    ("label", "variance", "dtype"),
    [
        ("cauchy", 1.0, np.float32),
        ("multivariate_t(nu=2)", 1.0, np.float32),
        ("gaussian", -1.0, np.float32),
        ("gaussian", np.nan, np.float32),
        ("gaussian", pi, np.float16),
    ],
)
def test_refused_arguments(label, variance, dtype):
    with pytest.raises(ValueError, match=r".+"):
        family_of(label).draw((2, 2), variance=variance, rng=np.random.default_rng(0), dtype=dtype)


def test_a_variance_may_be_zero_and_not_less():
    drawn = family_of("laplace").draw((2, 3), variance=0.0, rng=np.random.default_rng(0))
    assert drawn.shape == (2, 3)
    assert not drawn.any()
    with pytest.raises(ValueError, match="variance"):
        family_of("laplace").draw((2, 3), variance=-1e-9, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "label", ["gaussian", "uniform", "laplace", "generalized_normal(beta=0.5)", "multivariate_t(nu=4)"]
)
def test_every_entry_has_either_sign_as_often(label):
    """Also the last ones of a matrix whose size is no multiple of eight."""
    family = family_of(label)
    draws = [family.draw((1, 11), variance=1.0, rng=np.random.default_rng(seed))[0] for seed in range(400)]
    negative = (np.array(draws) < 0.0).sum(axis=0)
    assert abs(negative - 200).max() < 5 * 10


@pytest.mark.parametrize(("beta", "label"), [(1, "laplace"), (2, "gaussian")])
def test_two_generalised_normal_laws_have_names_of_their_own(beta, label):
    found, named = (
        family_of(name).draw((4, 5), variance=0.7, rng=np.random.default_rng(8), dtype=np.float64)
        for name in (f"generalized_normal(beta={beta})", label)
    )
    np.testing.assert_allclose(found, named, rtol=2e-9)


VECTORS = np.random.default_rng(1).standard_normal((3, 40)) * np.array([[1.0], [0.3], [2.0]])


@pytest.mark.parametrize("label", ["gaussian", "multivariate_t(nu=10)", "generalized_normal(beta=2)"])
def test_rotation_invariant_weights_are_drawn_in_the_space_of_the_vectors(label):
    family = family_of(label)
    assert (family.inputs_drawn(3, 40), family.inputs_drawn(10, 40), family.inputs_drawn(11, 40)) == (3, 10, 40)
    vectors = np.concatenate([VECTORS, VECTORS[:1]])
    found = family.products(vectors, 200_000, variance=0.5, rng=np.random.default_rng(2))
    explicit = vectors @ family.draw((200_000, 40), variance=0.5, rng=np.random.default_rng(3), dtype="float64").T
    assert found.shape == explicit.shape
    np.testing.assert_allclose(found[3], found[0], atol=1e-9)
    gram = 0.5 * vectors @ vectors.T
    np.testing.assert_allclose(found @ found.T / 200_000, gram, atol=0.02 * gram.max())
    for one, other in [*zip(found, explicit, strict=True), (found[0] + found[1], explicit[0] + explicit[1])]:
        assert stats.ks_2samp(one, other).pvalue > 1e-3
    # What two products share beside their covariance: the scale of the neuron
    squares = [np.corrcoef(abs(rows[1]), abs(rows[2]))[0, 1] for rows in (found, explicit)]
    assert squares[0] == pytest.approx(squares[1], abs=0.02)


def test_other_weights_are_drawn_whole():
    family = family_of("laplace")
    assert family.inputs_drawn(3, 40) == 40
    matrix = family.draw((7, 40), variance=0.5, rng=np.random.default_rng(2), dtype="float64")
    found = family.products(VECTORS, 7, variance=0.5, rng=np.random.default_rng(2))
    np.testing.assert_allclose(found, VECTORS @ matrix.T, rtol=1e-13, atol=1e-13)
