"""Laplace numbers against the quantiles of the law at the very bits that they are made from."""

import numpy as np
import pytest

from initatlas.exponentials import laplace_numbers

STREAMS = 32


def streams_of(seed):
    """The states of the generators, and of the one that fills up, as numpy's SFC64."""
    words = np.random.default_rng(seed).integers(2**64, size=(3, STREAMS + 1), dtype=np.uint64)
    sources = [np.random.SFC64(0) for _ in range(STREAMS + 1)]
    for source, state in zip(sources, words.T, strict=True):
        full = source.state
        full["state"]["state"] = np.append(state, np.uint64(1))
        source.state = full
        source.random_raw(12)
    return sources


def words_of(seed, rounds):
    """The 32 bits behind each number: the generators take turns, and the low half comes first."""
    rows = np.stack([source.random_raw(rounds) for source in streams_of(seed)[:STREAMS]], axis=1).ravel()
    return np.stack([rows & np.uint64(2**32 - 1), rows >> np.uint64(32)], axis=1).ravel()


def quantiles(words, shares):
    """Sizes with the signs of their bits."""
    lower = (words >> np.uint64(30)) & np.uint64(1) == 1
    return np.where(words >> np.uint64(31), -1.0, 1.0) * np.where(lower, -np.log1p(-shares), -np.log(shares))


def test_numbers_are_the_quantiles_at_their_bits():
    found = laplace_numbers((99, 101), rng=np.random.default_rng(5)).ravel()
    words = words_of(5, 157)[:9999]
    shares = ((words & np.uint64(2**30 - 1)).astype(float) + 0.5) / 2.0**31
    np.testing.assert_allclose(found, quantiles(words, shares), rtol=3e-7)


def test_numbers_far_out_take_further_bits():
    """Of 2^23 numbers some 8 lie in the last 2^-20 of either half of the law, where 30 bits would be coarse."""
    count = 1 << 23
    found = laplace_numbers((count,), rng=np.random.default_rng(7))
    words = words_of(7, count // (2 * STREAMS))
    steps = words & np.uint64(2**30 - 1)
    far = np.flatnonzero(steps < 2**10)
    assert 1 < len(far) < 24
    more = streams_of(7)[STREAMS].random_raw(len(far)) >> np.uint64(32)
    shares = (steps[far].astype(float) + (more.astype(float) + 0.5) * 2.0**-32) / 2.0**31
    np.testing.assert_allclose(found[far], quantiles(words[far], shares), rtol=1e-6)


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5), (2049,)])
def test_any_number_of_numbers_is_the_beginning_of_more(shape):
    found = laplace_numbers(shape, rng=np.random.default_rng(3))
    assert found.shape == shape
    assert found.dtype == np.float32
    more = laplace_numbers((4100,), rng=np.random.default_rng(3))
    np.testing.assert_array_equal(found.ravel(), more[: found.size])
