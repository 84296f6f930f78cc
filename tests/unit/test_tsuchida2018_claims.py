"""The claims of tsuchida2018 on synthetic cubes: every verdict follows the numbers, and so does what a reason states."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from initatlas.config import load_published
from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018 import claims, deviations, printed, statistics, tables
from initatlas.studies.tsuchida2018.erratum_claims import erratum_claims
from initatlas.studies.tsuchida2018.kernel_claims import kernel_claims
from initatlas.studies.tsuchida2018.norm_claims import norm_claims

LEAKY = "leaky_relu(slope=0.2)"
ACTIVATIONS = {"relu": 0.0, LEAKY: 0.2, "leaky_relu(slope=0.5)": 0.5}
ANGLES = np.linspace(0.0, 180.0, 13)
DEEP = [*(2**k for k in range(14)), 10000]
VARIANCE = 0.4
GENERALIZED = [f"generalized_normal(beta={beta})" for beta in ("0.5", "2")]
STUDENTS = [f"multivariate_t(nu={nu})" for nu in ("2.5", "10")]


def noisy(rng, **sizes):
    """Standard normal numbers with named dimensions, whose mean over the seeds is zero."""
    noise = xr.DataArray(rng.standard_normal(tuple(sizes.values())), dims=tuple(sizes))
    return noise - noise.mean("seed")


def with_spec(cube, **fixed):
    cube.attrs["spec"] = json.dumps({"fixed": fixed})
    return cube


def theory_cube():
    """Layers of the right recursion."""
    gaps = np.empty((len(ACTIVATIONS), len(DEEP), len(ANGLES)))
    for row, slope in enumerate(ACTIVATIONS.values()):
        cosine = np.cos(np.radians(ANGLES))
        for layer in range(1, DEEP[-1] + 1):
            cosine = printed.normalised_kernel(cosine, slope)
            if layer in DEEP:
                gaps[row, DEEP.index(layer)] = 1.0 - cosine
    gap = xr.DataArray(
        gaps,
        {"activation": list(ACTIVATIONS), "layer": DEEP, "angle": ANGLES},
        ("activation", "layer", "angle"),
    )
    variance = xr.full_like(gap.isel(layer=0, drop=True), VARIANCE)
    return xr.Dataset({"cosine": 1.0 - gap, "one_minus_cosine": gap, "sampling_variance": variance})


def forward_cubes(theory, rng):
    """Cubes of networks that follow the theory."""
    inside = (theory.angle > 0.0).astype(float)

    def network(label, layers, size, **sizes):
        limit = theory["cosine"].sel(activation=label, layer=layers).drop_vars(("activation", "layer"))
        noise = noisy(rng, **sizes, layer=len(layers), angle=len(ANGLES))
        cosine = limit + inside * size * noise
        return cosine.assign_coords(layer=layers)

    fig2 = xr.Dataset({"cosine": network("relu", [1], (VARIANCE / 1000) ** 0.5, seed=20)})
    fig2 = fig2.assign(norm_ratio=xr.ones_like(fig2["cosine"]))
    layers = DEEP[:8]
    weights = GENERALIZED + STUDENTS
    fig4 = xr.Dataset({"cosine": network(["relu", LEAKY], layers, 0.01, activation=2, weights=4, seed=4)})
    fig4 = fig4.assign_coords(activation=["relu", LEAKY], weights=weights)
    fig4 = fig4.assign(squared_difference=2.0 * (1.0 - fig4["cosine"]))
    return {
        "fig2": with_spec(fig2, activation="relu", width=1000),
        "fig4": with_spec(fig4, width=400, depth=128),
    }


def norm_cubes(theory, rng):
    """Cubes of norms, and of networks beyond the paper."""
    layer = xr.DataArray(DEEP[:8], dims="layer")
    growth = xr.DataArray([1.04, 1.0], dims="weight_variance")
    fig5 = growth ** (0.5 * layer) * np.exp(0.01 * noisy(rng, weight_variance=2, seed=8, layer=8, input=5))
    weights = ["gaussian", "laplace", "uniform", "multivariate_t(nu=10)"]
    dimension = xr.DataArray([250, 500, 1000], dims="input_dimension")
    shape = xr.concat([xr.ones_like(dimension, dtype=float), 500.0 / dimension], "fan")
    squares = shape * (1.0 + 0.01 * noisy(rng, weights=4, fan=2, input_dimension=3, seed=40, layer=1, input=5))
    cor10 = xr.Dataset({"norm_ratio": squares**0.5}).assign_coords(
        weights=weights, fan=["out", "in"], input_dimension=dimension, layer=[1]
    )
    layers = DEEP[:6]
    final = xr.DataArray(np.cos(np.radians([5.0, 8.0, 70.0, 45.0, 9.0, 8.0])), dims="variant")
    cosine = final * xr.ones_like(theory["cosine"].sel(activation="relu", layer=layers, drop=True))
    ones = xr.ones_like(cosine.isel(angle=0, drop=True))
    extensions = xr.Dataset({"cosine": (cosine + 1e-3 * noisy(rng, variant=6, seed=8, layer=6, angle=13)).clip(-1, 1)})
    extensions["norm_ratio"] = xr.ones_like(extensions["cosine"])
    extensions = extensions.assign_coords(input_dimension=("variant", [400] * 6))
    return {
        "fig5": with_spec(fig5.assign_coords(layer=layer).to_dataset(name="norm_ratio"), width=400),
        "cor10": with_spec(cor10, width=500),
        "extensions": with_spec(extensions, width=400, depth=32),
        "extensions_limit": xr.Dataset({"cosine": cosine, "norm_ratio": ones}),
    }


def input_cubes(rng):
    """The cube of theorem 6."""
    m = xr.DataArray(2 ** np.arange(2, 11), dims="m")
    departure = 0.5 / m * (1.0 + 0.01 * noisy(rng, activation=4, weights=2, seed=4, m=9, angle=3))
    thm6 = xr.Dataset({"departure": departure, "cosine": printed.elu_right_angle(as_printed=False) + 0.001 * departure})
    thm6 = thm6.assign_coords(
        activation=["relu", LEAKY, "elu", "erf"], weights=["laplace", "uniform"], m=m, angle=[60.0, 90.0, 120.0]
    )
    return {"thm6": thm6}


@pytest.fixture(scope="module", autouse=True)
def few_draws():
    """The interval of a bootstrap costs the time of its draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "_DRAWS", 200)
        yield


@pytest.fixture(scope="module")
def evidence(root):
    rng = np.random.default_rng(1)
    theory = theory_cube()
    cubes = {**forward_cubes(theory, rng), **norm_cubes(theory, rng), **input_cubes(rng)}
    for name, cube in cubes.items():
        cubes[name] = cube.assign_coords(
            {dim: np.arange(size) for dim, size in cube.sizes.items() if dim not in cube.coords}
        )
    cubes["theory"] = theory
    return Evidence(cubes, load_published(Path(root), "tsuchida2018").claims)


@pytest.fixture(scope="module")
def as_found(evidence):
    return claims.measure(evidence)


def judged(evidence, cube, variable, spoil, claim):
    """A claim on cubes of which one variable is spoilt; `spoil` takes the cube."""
    whole = evidence.cubes[cube]
    changed = whole.assign({variable: spoil(whole)})
    changed.attrs = whole.attrs
    spoilt = Evidence({**evidence.cubes, cube: changed}, evidence.published)
    return next(measure for measure, names in GROUPS.items() if claim.startswith(names))(spoilt)[claim]


GROUPS = {
    kernel_claims: ("cor8", "cor9"),
    norm_claims: ("fig5", "cor10", "extension"),
    erratum_claims: ("erratum",),
}
MISPRINTS = ("composition", "derivative", "contraction", "definite", "initial_value", "integral", "elu")
AS_FOUND = dict.fromkeys((f"erratum_{name}" for name in MISPRINTS), "fails")


def test_networks_that_follow_the_theory_have_the_verdicts_of_the_theory(evidence, as_found):
    assert set(as_found) == {name for name, claim in evidence.published.items() if claim.test is None}
    assert {name: found.verdict for name, found in as_found.items()} == {
        name: AS_FOUND.get(name, "holds") for name in as_found
    }


def at(cube, **where):
    """1 at some labels of a cube, else 0."""
    place = 1.0
    for name, value in where.items():
        place = place * (cube[name] == value)
    return place


def geometric(c):
    """A gap that falls by a factor of 1.01 in each layer at first; not below what can be divided."""
    return 0.0 * c.one_minus_cosine + 2.0 * 0.999**c.layer


def stretched(c, exponent):
    """A gap whose rate of decay falls, but not as that of a power."""
    return 0.0 * c.one_minus_cosine + np.exp(-0.1 * c.layer**exponent)


def alternating(c):
    """Cosines of 3 and of 60 degrees."""
    return 0.0 * c.cosine + np.cos(np.radians(3.0 + 57.0 * (c.seed % 2)))


COMPOSED = printed.printed_composition(2.0 * np.pi / 3.0, 8, 0.2)
ELU_AS_PRINTED = printed.elu_right_angle(as_printed=True)
STUDENT = "multivariate_t(nu=2.5)"
SPOILT = [
    ("theory", "one_minus_cosine", lambda c: 0 * c.one_minus_cosine + 0.5, "cor8_fixed_point", "fails"),
    ("theory", "one_minus_cosine", lambda c: c.one_minus_cosine + 1.0 * at(c, layer=64), "cor8_fixed_point", "fails"),
    ("theory", "one_minus_cosine", lambda c: c.one_minus_cosine * c.layer**0.1, "cor8_rate", "differs"),
    ("theory", "one_minus_cosine", lambda c: c.one_minus_cosine / c.layer, "cor8_rate", "differs"),
    ("fig4", "squared_difference", lambda c: c.squared_difference + 0.2, "cor9", "differs"),
    ("fig5", "norm_ratio", lambda c: c.norm_ratio * 1.01**c.layer, "fig5_he", "differs"),
    ("fig5", "norm_ratio", lambda c: c.norm_ratio * 1.01**c.layer, "fig5_preserving", "differs"),
    ("cor10", "norm_ratio", lambda c: 1.01 * c.norm_ratio, "cor10_gaussian", "differs"),
    ("cor10", "norm_ratio", lambda c: 0.99 * c.norm_ratio, "cor10_laplace", "differs"),
    ("cor10", "norm_ratio", lambda c: 1.01 * c.norm_ratio, "cor10_uniform", "differs"),
    ("cor10", "norm_ratio", lambda c: 1.01 * c.norm_ratio, "cor10_t", "differs"),
    ("cor10", "norm_ratio", lambda c: 1.02 * c.norm_ratio, "cor10_fan_in", "differs"),
    ("extensions", "cosine", lambda c: c.cosine + 0.02, "extension_bias", "differs"),
    ("extensions", "cosine", lambda c: c.cosine - 0.02, "extension_rectangular", "differs"),
    ("extensions", "cosine", lambda c: 0 * c.cosine + 0.8, "extension_elu_fixed_point", "differs"),
    ("extensions", "cosine", lambda c: 0 * c.cosine + 0.9999, "extension_elu_fixed_point", "fails"),
    ("extensions", "cosine", lambda c: 0 * c.cosine + 0.9999, "extension_gelu_fixed_point", "fails"),
    ("extensions", "cosine", alternating, "extension_gelu_fixed_point", "not measured"),
    ("fig4", "cosine", lambda c: 0 * c.cosine + COMPOSED + 0.01 * (c.seed - 1.5), "erratum_composition", "holds"),
    ("fig4", "cosine", lambda c: c.cosine + 0.3 * (c.seed - 1.5), "erratum_derivative", "not measured"),
    ("fig4", "cosine", lambda c: c.cosine - 0.1, "erratum_derivative", "not measured"),
    ("fig4", "cosine", lambda c: c.cosine + 0.1, "erratum_derivative", "fails"),
    ("fig4", "cosine", lambda c: c.cosine + (-1.0 - c.cosine.mean("seed")), "erratum_integral", "holds"),
    ("fig2", "cosine", lambda c: c.cosine + 1.0, "erratum_initial_value", "holds"),
    ("thm6", "cosine", lambda c: 0 * c.cosine + ELU_AS_PRINTED + 0.01 * (c.seed - 1.5), "erratum_elu", "holds"),
    ("theory", "one_minus_cosine", geometric, "erratum_contraction", "holds"),
    ("theory", "one_minus_cosine", lambda c: stretched(c, 0.5), "erratum_contraction", "fails"),
    ("theory", "one_minus_cosine", lambda c: stretched(c, 0.7), "erratum_contraction", "differs"),
    ("theory", "cosine", lambda c: c.cosine - 0.5, "erratum_definite", "holds"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cube", "variable", "spoil", "claim", "verdict"), SPOILT, ids=[f"{row[3]}-{row[4]}" for row in SPOILT]
)
def test_a_verdict_follows_the_numbers(evidence, cube, variable, spoil, claim, verdict):
    found = judged(evidence, cube, variable, spoil, claim)
    assert found.verdict == verdict, found


REASONS = [
    ("theory", "one_minus_cosine", lambda c: c.one_minus_cosine + 1.0 * at(c, layer=64), "cor8_fixed_point", "It falls in every"),
    ("cor10", "norm_ratio", lambda c: 1.1 * c.norm_ratio, "cor10_fan_in", "from 1.000 to 1.000"),
    ("extensions", "cosine", lambda c: 0 * c.cosine + 0.9999, "extension_elu_fixed_point", "ReLU network has less"),
    ("theory", "one_minus_cosine", geometric, "erratum_contraction", "vanishes as for a power law"),
    ("theory", "cosine", lambda c: c.cosine - 0.5, "erratum_definite", "not negative"),
]  # fmt: skip


@pytest.mark.parametrize(("cube", "variable", "spoil", "claim", "finding"), REASONS, ids=[row[3] for row in REASONS])
def test_a_reason_states_a_finding_only_where_the_numbers_do(evidence, cube, variable, spoil, claim, finding, as_found):
    assert finding in as_found[claim].reason
    assert finding not in judged(evidence, cube, variable, spoil, claim).reason


def exact(cube):
    """Cosines without the noise of the networks."""
    return cube.cosine.mean("seed") + 0.0 * cube.cosine


def falling(cube, share):
    """Gaps whose angle falls from 90 degrees to a share of it, by the same factor from one recorded layer to the next."""
    steps = xr.DataArray(np.arange(cube.sizes["layer"]) / (cube.sizes["layer"] - 1), dims="layer")
    return 0.0 * cube.one_minus_cosine + (1.0 - np.cos(np.pi / 2.0 * share**steps))


def two_rates(cube, ratio):
    """Gaps whose rate of decay from layer 4096 on is a multiple of that from layer 512 on."""
    logs = 0.1 * (cube.layer == 1024) + 1.0 * (cube.layer == 4096) + (1.0 + 0.8 * ratio) * (cube.layer == 8192)
    return 0.0 * cube.one_minus_cosine + np.exp(-logs)


EDGES = [
    ("theory", "one_minus_cosine", falling, "cor8_fixed_point", 0.0499, "holds", 0.0502, "fails"),
    (
        "extensions", "cosine", lambda c, x: 0 * c.cosine + np.cos(np.radians(70.0 * (1.0 + x))),
        "extension_elu_fixed_point", 0.0995, "holds", 0.1005, "differs",
    ),
    ("theory", "one_minus_cosine", two_rates, "erratum_contraction", 0.499, "fails", 0.502, "differs"),
    ("theory", "one_minus_cosine", two_rates, "erratum_contraction", 0.905, "holds", 0.898, "differs"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cube", "variable", "spoil", "claim", "near", "verdict", "far", "other"), EDGES, ids=[row[3] for row in EDGES]
)
def test_a_verdict_turns_where_it_is_said_to(evidence, cube, variable, spoil, claim, near, verdict, far, other):
    found = [judged(evidence, cube, variable, lambda c, x=x: spoil(c, x), claim).verdict for x in (near, far)]
    assert found == [verdict, other]


@pytest.mark.parametrize(("ratio", "unstable"), [(2.99, False), (3.01, True)])
def test_norms_that_have_run_away_are_blamed_by_their_ratio(evidence, ratio, unstable):
    found = judged(
        evidence, "extensions", "norm_ratio", lambda c: 0 * c.cosine + ratio ** (c.seed / 7.0), "extension_bias"
    )
    assert ("our reading" in found.reason) == unstable
    assert f"1.00 to {ratio:.2f} times" in found.reason


def test_the_table_of_deviations(evidence):
    cube = evidence.cubes["fig4"]
    changed = cube.assign(cosine=exact(cube) + 0.01 * cube.layer * at(cube, activation=LEAKY, weights=STUDENT))
    changed.attrs = cube.attrs
    table = tables.deviations(Evidence({**evidence.cubes, "fig4": changed}, evidence.published))
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    assert len(rows) == 4 * 2
    assert [column.header for column in table.columns[2:5]] == ["width", "layer 1", "layer 2"]
    assert rows["fig4d", STUDENT] == pytest.approx([400, *(0.01 * layer for layer in DEEP[:8])], abs=1e-12)
    assert rows["fig4c", STUDENT] == pytest.approx([400, *[0.0] * 8], abs=1e-12)


def test_the_table_of_misprints(evidence):
    rows = {row[0]: row[2:] for row in tables.errata(evidence).rows}
    assert set(rows) == {f"erratum_{name}" for name in MISPRINTS} - {"erratum_contraction", "erratum_definite"}
    assert rows["erratum_initial_value"][:3] == pytest.approx([0.5, 0.0, 0.0], abs=1e-9)
    assert rows["erratum_integral"][:2] == pytest.approx([-1.0, -0.4 / 1.04])
    for _, right, measured, low, high in rows.values():
        assert measured == pytest.approx(right, abs=0.001)
        assert low < measured < high


def test_squared_deviations_are_compared_where_both_inputs_are_seen(evidence):
    """From 15 to 165 degrees; one network per number."""
    cube, theory = evidence.cubes["fig2"], evidence.cubes["theory"]
    inside = (cube.angle >= 15.0) & (cube.angle <= 165.0)
    changed = cube.assign(cosine=exact(cube) + xr.where(inside, (cube.seed + 1.0) * (VARIANCE / 1000) ** 0.5, 9.0))
    changed.attrs = cube.attrs
    np.testing.assert_allclose(deviations.exact_ratio(changed, theory), np.arange(1.0, 21.0) ** 2)
    np.testing.assert_allclose(
        deviations.rms(xr.DataArray([[3.0, 4.0], [0.0, 0.0]], dims=("a", "b")), "a"), [12.5**0.5, 0.0]
    )
