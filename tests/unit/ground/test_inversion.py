"""Numbers by inversion against the quantiles of their laws at the very bits that they are made from."""

from math import gamma, sqrt

import numpy as np
import pytest
from scipy import stats

from initatlas.inversion import inverted
from initatlas.weights.base import family_of

LAWS = {
    "gaussian": stats.norm(),
    "laplace": stats.laplace(),
    "generalized_normal(beta=0.5)": stats.gennorm(0.5, scale=120**-0.5),
    "generalized_normal(beta=8)": stats.gennorm(8.0, scale=sqrt(gamma(1 / 8) / gamma(3 / 8))),
    "student_t(nu=2.1)": stats.t(2.1),
}
"""At the scale of `sample`: a generalised normal has variance one, the others their usual form."""


class Shares:
    """No law: its sizes are the shares themselves, those from zero above all others."""

    def exceeded(self, share):
        return share

    def not_reached(self, share):
        return 1.0 + share


def bits_of(seed, count):
    """The bits behind the numbers of a generator: numpy's SFC64, from a state that the generator gives."""
    source = np.random.SFC64(0)
    state = source.state
    state["state"]["state"] = np.append(
        np.random.default_rng(seed).integers(2**64, size=3, dtype=np.uint64), np.uint64(1)
    )
    source.state = state
    source.random_raw(12)
    return source.random_raw(count)


def numbers_of(law, bits, width):
    """Sign, half and share of whole numbers of some bits, and what the law's quantiles make of them."""
    signs = np.where(bits >> np.uint64(width - 1), -1.0, 1.0)
    lower = (bits >> np.uint64(width - 2)) & np.uint64(1) == 1
    shares = ((bits & np.uint64(2 ** (width - 2) - 1)).astype(float) + 0.5) / 2.0 ** (width - 1)
    return signs * np.where(lower, law.ppf(0.5 + 0.5 * shares), -law.ppf(0.5 * shares))


@pytest.mark.parametrize("label", LAWS)
def test_a_double_is_the_quantile_at_its_bits(label):
    found = inverted(family_of(label), (99, 101), rng=np.random.default_rng(5), dtype=np.float64)
    np.testing.assert_allclose(found.ravel(), numbers_of(LAWS[label], bits_of(5, 9999), 64), rtol=1e-8)


@pytest.mark.parametrize("label", LAWS)
def test_singles_are_the_quantiles_at_the_halves_of_the_bits(label):
    found = inverted(family_of(label), (99, 101), rng=np.random.default_rng(5), dtype=np.float32)
    words = bits_of(5, 5000)
    halves = np.stack([words & np.uint64(2**32 - 1), words >> np.uint64(32)], axis=1).ravel()[:9999]
    np.testing.assert_allclose(found.ravel(), numbers_of(LAWS[label], halves, 32), rtol=1e-6)


def test_singles_far_out_take_further_bits():
    """Of 2^24 numbers some 16 lie in the last 2^-20 of the law, where 30 bits would be coarse."""
    found = np.abs(inverted(Shares(), (1 << 24,), rng=np.random.default_rng(7), dtype=np.float32))
    far = np.sort(found[found < 2.0**-21].astype(float)) * 2.0**31
    assert 4 < len(far) < 36
    assert (far % 1.0 != 0.5).all()
    # The bits behind the first of them: its step and the share that the next 64 bits give
    words = bits_of(7, 1 << 23)
    halves = np.stack([words & np.uint64(2**32 - 1), words >> np.uint64(32)], axis=1).ravel()
    steps = halves & np.uint64(2**30 - 1)
    first = int(np.flatnonzero(steps < 2**10)[0])
    lower = float(halves[first] >> np.uint64(30) & np.uint64(1))
    share = (float(steps[first]) + (float(words[first // 2 + 1] >> np.uint64(32)) + 0.5) * 2.0**-32) * 2.0**-31
    assert found[first] == pytest.approx(lower + share, rel=1e-6)
