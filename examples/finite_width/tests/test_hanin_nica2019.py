"""The theory against networks and against samples of its own, and each claim against numbers that are spoilt."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.stats import ks_2samp

from initatlas.config import load_published
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import judge_study
from my_experiments.finite_networks import EXPERIMENT, FiniteNetworksParameters
from my_studies.hanin_nica2019 import claims, theory
from my_studies.hanin_nica2019.claims import CLAIMS

ATLAS = Path(__file__).parents[1]


def sampled(widths, count, rng, activation="relu"):
    """Mean squares of the last hidden layer and diagonals of the NTK, of their exact law: the layers of theory.py, drawn."""
    squares = rng.standard_normal(count) ** 2
    gradients, tails, norms = np.ones(count), np.ones(count), np.ones(count)
    for width in reversed(widths):
        active = rng.binomial(width, 0.5, count) if activation == "relu" else np.full(count, width)
        scale = 2.0 / width if activation == "relu" else 1.0 / width
        alive = active > 0
        forward = np.where(alive, rng.chisquare(np.maximum(active, 1)), 0.0)
        across = np.where(active > 1, rng.chisquare(np.maximum(active - 1, 1)), 0.0)
        gradients = scale * alive * (squares + across * gradients)
        squares, norms = scale * forward * squares, scale * forward * norms
        tails = gradients + scale * forward * tails
    return norms, (2.0 if activation == "relu" else 1.0) * tails


@pytest.mark.parametrize("activation", ["relu", "identity"])
@pytest.mark.parametrize(("depth", "width"), [(1, 3), (3, 5), (6, 20)])
def test_networks_have_the_law_of_the_theory(activation, depth, width):
    """Two samples of 4000: their laws are told apart where they differ by 4 % anywhere."""
    point = FiniteNetworksParameters(activation=activation, depth=depth, width=width, networks=4000)
    (found,) = EXPERIMENT.run([point], [np.random.default_rng(depth)], None)
    for name, expected in zip(
        ("norm", "ntk"), sampled([width] * depth, 4000, np.random.default_rng(99), activation), strict=True
    ):
        assert ks_2samp(found[name], expected).pvalue > 1e-3, name


def test_the_input_dimension_changes_no_law():
    points = [FiniteNetworksParameters(depth=2, width=8, networks=4000, input_dimension=n) for n in (1, 10)]
    one, ten = EXPERIMENT.run(points, [np.random.default_rng(3), np.random.default_rng(4)], None)
    for name in ("norm", "ntk"):
        assert ks_2samp(one[name], ten[name]).pvalue > 1e-3


@pytest.mark.parametrize("activation", ["relu", "identity"])
@pytest.mark.parametrize("widths", [[4], [6, 3, 5], [16, 16], [12, 30]])
def test_the_moments_are_those_of_the_law(widths, activation):
    norms, kernels = sampled(widths, 200_000, np.random.default_rng(5), activation)
    kernels = kernels / (len(widths) + 1.0) / (2.0 if activation == "relu" else 1.0)
    assert kernels.mean() == pytest.approx(1.0, abs=5 * kernels.std() / 447)
    for values, expected in (
        (norms, theory.norm_second_moment(widths, activation)),
        (kernels, theory.ntk_second_moment(widths, activation)),
    ):
        assert (values**2).mean() == pytest.approx(expected, abs=4 * (values**2).std() / 447)


def test_the_second_moment_of_norms_is_the_product():
    assert theory.norm_second_moment([4, 10]) == pytest.approx((1 + 5 / 4) * (1 + 5 / 10), rel=1e-14)
    assert theory.norm_second_moment([4, 10], "identity") == pytest.approx((1 + 2 / 4) * (1 + 2 / 10), rel=1e-14)


@pytest.mark.parametrize("beta", [0.05, 0.5, 2.0])
def test_the_limit_of_wide_layers(beta):
    """The recursion differs from it by a multiple of one over the width."""
    errors = [theory.ntk_second_moment([n] * round(beta * n)) / theory.ntk_limit(beta) - 1.0 for n in (400, 1600)]
    assert abs(errors[1]) < 0.02
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)


def test_the_limit_at_both_ends():
    assert theory.ntk_limit(1e-3) == pytest.approx(1 + 11 / 3 * 1e-3, abs=1e-5)
    assert theory.ntk_limit(50.0) / np.exp(250.0) == pytest.approx(1 / 3 + 2 / 450 - 1 / 67500, rel=1e-12)


@pytest.mark.parametrize("width", [3, 20, 200])
def test_the_log_of_a_norm(width):
    rng = np.random.default_rng(6)
    norms = sampled([width], 200_000, rng)[0]
    logs = np.log(norms[norms > 0.0])
    mean, variance = theory.log_norm_mean_and_variance(width)
    assert logs.mean() == pytest.approx(mean, abs=4 * logs.std() / 447)
    assert logs.var() == pytest.approx(variance, rel=0.02)


def cube(depths, widths, networks, activation="relu"):
    """A cube as the sweep writes it, of the exact law."""
    rng = np.random.default_rng(7)
    numbers = {
        (depth, width): sampled([width] * depth, networks, rng, activation) for depth in depths for width in widths
    }
    arrays = np.array([[numbers[depth, width] for width in widths] for depth in depths])[..., np.newaxis, :]
    dims = ("depth", "width", "seed", "network")
    return xr.Dataset(
        {name: (dims, arrays[:, :, number]) for number, name in enumerate(("norm", "ntk"))},
        coords={"depth": depths, "width": widths},
    )


@pytest.fixture(scope="module")
def cubes():
    """What the sweeps would give at scale paper."""
    return {
        "moments": cube([1, 2, 4], [16, 32, 64], 64_000),
        "deep": cube([4, 8, 16, 32], [32, 128], 8_000),
        "linear": cube([2, 16], [16, 128], 8_000, "identity"),
    }


def verdicts(cubes, *names):
    """Claim to verdict, of some claims or all."""
    chosen = names or tuple(CLAIMS)
    published = load_published(ATLAS, "hanin_nica2019").claims
    evidence = Evidence(cubes, {name: published[name] for name in chosen})
    judged = judge_study("hanin_nica2019", {name: CLAIMS[name] for name in chosen}, evidence)
    return {claim.name: claim.judged.verdict for claim in judged}


def test_what_is_true_holds(cubes):
    assert set(verdicts(cubes).values()) == {"holds"}


def spoilt(cubes, sweep, **changes):
    """Cubes with some variables of one of them changed."""
    return {**cubes, sweep: cubes[sweep].assign({name: change(cubes[sweep][name]) for name, change in changes.items()})}


def grown(ntk):
    """NTKs whose logs fluctuate less at depth 16 and width 128, by a third."""
    return ntk.where(~((ntk.depth == 16) & (ntk.width == 128)), 4.0 * (ntk / 4.0) ** 0.6)


SPOILT = {
    "log_norm_variance": ("deep", {"norm": lambda norm: norm**1.1}),
    "log_norm_mean": ("deep", {"norm": lambda norm: norm**1.2}),
    "norm_second_moment": ("moments", {"norm": lambda norm: 1.05 * norm}),
    "ntk_second_moment": ("moments", {"ntk": lambda ntk: 0.95 * ntk}),
    "ntk_stays_random": ("deep", {"ntk": grown}),
}


@pytest.mark.parametrize("claim", SPOILT)
def test_a_spoilt_number_does_not_hold(cubes, claim):
    sweep, changes = SPOILT[claim]
    assert verdicts(spoilt(cubes, sweep, **changes), claim)[claim] in ("fails", "differs")


def test_another_rate_does_not_hold(cubes, monkeypatch):
    moment = claims.ntk_second_moment
    monkeypatch.setattr(claims, "ntk_second_moment", lambda *arguments, **named: moment(*arguments, **named) ** 1.1)
    assert verdicts(cubes, "ntk_rate")["ntk_rate"] == "differs"


def test_controls_that_would_pass_decide_nothing(cubes):
    """Networks without an activation in the place of the control that fluctuate as ReLU networks do."""
    passing = {**cubes, "linear": cube([2, 16], [16, 128], 8_000)}
    names = ("log_norm_variance", "log_norm_mean", "norm_second_moment")
    assert verdicts(passing, *names) == dict.fromkeys(names, "undecided")


def test_a_sweep_without_the_shapes_says_so(cubes):
    small = {**cubes, "deep": cubes["deep"].sel(depth=[4, 8], width=[32])}
    assert verdicts(small, "ntk_stays_random")["ntk_stays_random"] == "not measured"
