"""Sound and spoilt cubes for the claims of sahs2020: networks that give what is printed, with a little scatter."""

import json

import numpy as np
import xarray as xr
from claim_cubes import ROOT, Trial, both, changed, contracted, copied

from initatlas.config import load_published
from initatlas.piecewise.densities import GaussianInitialisation, UniformInitialisation
from initatlas.studies.sahs2020 import breakpoint_claims, density_claims, piece_claims, spiky_claims, unit_claims

STUDY = "sahs2020"

NETWORKS = 60
SEEDS = {"seed": np.arange(NETWORKS)}
FIRST_HALF, SECOND_HALF = list(range(NETWORKS // 2)), list(range(NETWORKS // 2, NETWORKS))
PRINTED = load_published(ROOT, STUDY).claims
SCATTER = np.tile(np.random.default_rng(0).permutation(np.linspace(-1.0, 1.0, NETWORKS // 2)), 2)
"""The same in both halves, so that they do not differ."""


def scattered(value, share=0.01):
    """Networks around a value."""
    return value * (1.0 + share * SCATTER)


def table1():
    """Test losses at the start, after a tenth of the training and at the end."""
    losses = {cell: PRINTED[name].value for name, cell in breakpoint_claims.CELLS.items()}
    targets, starts = (breakpoint_claims.SINE, breakpoint_claims.QUADRATIC, "sin"), ("drawn", "uniform")
    values = (
        [[[100.0, 10.0, 1.0]] * 2]
        * 3
        * np.array([[[losses.get((target, start), 0.1)] for start in starts] for target in targets])
    )
    return xr.Dataset(
        {"test_loss": (("target", "start", "record", "seed"), scattered(values[..., None]))},
        {"target": list(targets), "start": list(starts), "record": [0, 1, 2], **SEEDS},
    )


def table2_choices():
    """A function as it is and with another choice, and a function that may have been meant."""
    cube = table2().isel(shape=[1, 2]).expand_dims(choice=[0, 1])
    both = [cube.sel(target="sine"), cube.sel(target="arctan").assign_coords(target="sin")]
    written = {name: ("choice", ["a", "b"]) for name in piece_claims.CHOICES}
    return xr.concat(both, "target").assign_coords(written)


def table1_choices():
    """The same, as it is and with another choice."""
    cube = table1().expand_dims(choice=[0, 1])
    written = {name: ("choice", ["a", "b"]) for name in breakpoint_claims.CHOICES}
    return cube.assign_coords(written)


def table2():
    """Breakpoints by layer, all of them in the first; they vary more with five layers than with two."""
    depths = piece_claims.DEPTHS
    dims = ("target", "shape", "record", "layer", "seed")
    breakpoints = np.zeros((6, 4, 2, 5, NETWORKS))
    for column, name in enumerate(piece_claims.FUNCTIONS):
        scatter = np.random.default_rng(column).normal(size=NETWORKS // 2)
        scatter = np.tile((scatter - scatter.mean()) / scatter.std(), 2)
        for row, depth in enumerate(depths):
            breakpoints[column, row, :, depth:] = np.nan
            breakpoints[column, row, 0, 0] = 40.0
            breakpoints[column, row, 1, 0] = (
                PRINTED[f"table2_{name}_{depth}"].value + scatter * (0.0, 0.3, 0.5, 0.9)[row]
            )
    coords = {
        "target": list(piece_claims.FUNCTIONS.values()), "depth": ("shape", list(depths)), "shape": [0, 1, 2, 3],
        "record": [0, 1], **SEEDS,
    }  # fmt: skip
    cube = xr.Dataset({"breakpoints": (dims, breakpoints)}, coords)
    inside = cube["breakpoints"].sum("layer") * 0.7
    return cube.assign(active=cube.breakpoints, breakpoints_within=0.7 * cube.breakpoints, pieces_within=inside)


def table2_folding():
    """Breakpoints of folding networks."""
    depths, widths = np.array(piece_claims.DEPTHS), np.array([40.0, 20.0, 10.0, 8.0])
    counts = np.zeros((4, 1, 5))
    counts[:, 0, 0] = widths**depths
    coords = {"depth": ("shape", depths), "shape": [0, 1, 2, 3], "record": [0]}
    return xr.Dataset({"breakpoints": (("shape", "record", "layer"), counts)}, coords)


def table3(columns):
    """Losses and roughness of standard and spiky starts, before and after training."""
    targets = [*spiky_claims.FUNCTIONS.values(), "sin"]
    printed = [[PRINTED[f"table3_{name}_{column}"].value for column in columns] for name in spiky_claims.FUNCTIONS]
    end = 0.5 * np.array([*printed, [1.0, 4.0]])
    dims = ("target", "start", "record", "seed")
    losses = np.stack([np.full_like(end, 2500.0), end], axis=-1)[..., None]
    roughness = np.broadcast_to(np.array([1.0, 100.0])[:, None, None], losses.shape)
    train = np.broadcast_to(np.array([1.02, 0.94])[:, None, None], losses.shape)
    values = {"test_loss": losses, "roughness_within": roughness, "train_loss": train}
    return xr.Dataset(
        {name: (dims, scattered(array)) for name, array in values.items()},
        {"target": targets, "start": ["drawn", "spiky"], "record": [0, 1], **SEEDS},
    )


def table3_choices():
    """Two functions, as they are and with another choice."""
    cube = table3(("shallow", "spiky_shallow")).sel(target=["sine", "polynomial(c2=0.5)"]).expand_dims(choice=[0, 1])
    return cube.assign_coords({name: ("choice", ["a", "b"]) for name in spiky_claims.CHOICES})


def with_fixed(cube, **fixed):
    """A cube that says what its sweep has fixed."""
    return cube.assign_attrs(spec=json.dumps({"fixed": fixed}))


def thm1():
    """Distances from the right laws, from those of larger weights and from those of the other family."""
    distances = np.broadcast_to([0.002, 0.03, 0.05], (2, 3))
    variables = dict.fromkeys(unit_claims.LAWS, (("family", "law"), distances))
    return with_fixed(xr.Dataset(variables, {"family": ["gaussian", "uniform"], "law": [0, 1, 2]}), units=100_000)


def thm2():
    """Roughness with the moments of the theory, and tails below the bound."""
    widths, presets = (5, 21, 100, 500), ("he", "glorot")
    kinds = {"gaussian": GaussianInitialisation, "uniform": UniformInitialisation}
    shape = (2, 2, 4, NETWORKS)
    theory = [
        [[kind.preset(preset, width).roughness(width) for width in widths] for preset in presets]
        for kind in kinds.values()
    ]
    mean = np.array([[[law.mean for law in row] for row in rows] for rows in theory])[..., None] * np.ones(shape)
    variance = np.array([[[law.variance for law in row] for row in rows] for rows in theory])[..., None] * np.ones(
        shape
    )
    excess = np.array([1.0, 2.0, 4.0])
    bound = np.broadcast_to(1.0 / (1.0 + excess**2), (*shape, 3))
    per = ("family", "preset", "width", "seed")
    beyond = np.floor(100 * 0.3 * bound).astype(int)
    # excesses over half the mean: in wide networks all are beyond
    half = np.where(np.array(widths)[:, None, None] > 50, 90, beyond)
    cube = xr.Dataset(
        {
            "mean": (per, scattered(mean, 0.005)),
            "mean_squared_distance": (per, scattered(variance)),
            "theory_mean": (per, mean),
            "theory_variance": (per, variance),
            "beyond": ((*per, "excess"), beyond),
            "beyond_half": ((*per, "excess"), half),
            "bound": ((*per, "excess"), bound),
        },
        {"family": list(kinds), "preset": list(presets), "width": list(widths), "excess": excess, **SEEDS},
    )
    return cube.assign_coords(networks=("width", [100] * len(widths)))


def remark1():
    """As many lonely partitions as the birthday problem has."""
    alpha, points = np.array([0.5, 1.0, 4.0, 16.0]), np.array([10, 30])
    pieces = alpha * points[:, None] ** 2 + 1.0
    birthday = np.exp(-points[:, None] * (points[:, None] - 1) / (2.0 * pieces)) * np.ones((2, 2, 4))
    dims = ("placing", "points", "alpha")
    return with_fixed(
        xr.Dataset(
            {
                "lonely": (dims, np.round(20_000 * birthday).astype(int)),
                "birthday": (dims, birthday),
                "printed": (dims, 1.0 - np.exp(-(points[:, None] ** 2) / pieces) * np.ones((2, 2, 4))),
            },
            {"placing": ["even", "random"], "points": points, "alpha": alpha},
        ),
        draws=20_000,
    )


def thm5():
    """Distances that fall with the step where the law is right."""
    steps = np.array([1e-3, 1e-4, 1e-5, 1e-6])
    by_law = np.stack([steps, np.ones(4), np.ones(4)])[:, None, :, None]
    distances = by_law * np.exp(0.1 * SCATTER) * np.ones((3, 2, 4, NETWORKS))
    dims = ("laws", "target", "step", "seed")
    coords = {"laws": ["right", "no_correlation", "gradient"], "target": ["sine", "polynomial(c2=0.5)"], "step": steps}
    return xr.Dataset(dict.fromkeys(("breakpoint", "delta_slope"), (dims, distances)), {**coords, **SEEDS})


def fig3():
    """Networks whose first layers are rough before training, and whose last ones are after it."""
    before, after = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1.0, 2.0, 10.0, 20.0])
    roughness = np.stack([before, after])[..., None] * np.ones((3, 2, 4, NETWORKS))
    dims = ("target", "record", "layer", "seed")
    coords = {"target": ["polynomial(c2=0.5)", "sine", "sin"], "record": [0, 1], "layer": [1, 2, 3, 4], **SEEDS}
    return xr.Dataset({"roughness_by_layer": (dims, scattered(roughness, 0.1))}, coords)


def fig5(axis, places, power):
    """Roughness as a power of the width or the scale."""
    places = np.array(places)
    roughness = (places**power)[:, None] * np.ones((2, 1, places.size, NETWORKS))
    dims = ("target", "record", axis, "seed")
    coords = {"target": ["tanh(scale=2)", "step"], "record": [0], axis: places, **SEEDS}
    return xr.Dataset({"roughness_inner": (dims, scattered(roughness, 0.1))}, coords)


FIG1_LOSSES = {"fig1_gd": 0.3, "fig1_batch_norm": 0.03, "fig1_adam": 0.003}


def fig1_networks(sweep):
    """Losses of trained networks, which are those of an optimal fit with 13, 22 and 40 pieces at most."""
    widths = np.array([5.0, 10.0, 20.0, 40.0, 80.0])
    losses = FIG1_LOSSES[sweep] * np.ones((1, widths.size, NETWORKS))
    return xr.Dataset({"train_loss": (("record", "width", "seed"), scattered(losses))}, {"width": widths, **SEEDS})


def fig1_segments():
    """Losses that fall with the fourth power of the pieces; greedy merging takes half as many again."""
    pieces = np.array([5, 9, 17, 33, 65])
    taken = np.array([1.0, 1.0, 1.5])[:, None] * pieces
    return xr.Dataset(
        {
            "pieces_taken": (("algorithm", "pieces"), taken),
            "loss": (("algorithm", "pieces"), 70.0 / pieces**4.0 * np.ones((3, 1))),
        },
        {"algorithm": ["separate", "continuous", "merged"], "pieces": pieces},
    )


def thm3_4():
    """Gradients and losses that are rounding, and others that are not."""
    dims, shape = ("width", "residuals", "seed"), (3, 1, NETWORKS)
    return xr.Dataset(
        {
            "gradient": (dims, scattered(np.array([1e-15, 0.05])[:, None] * np.ones(shape))),
            "lonely_loss": (dims, scattered(1e-26 * np.ones((3, 2, NETWORKS)))),
            "crowded_loss": (dims, scattered(1e-3 * np.ones((3, 2, NETWORKS)))),
        },
        {"width": [5, 20, 80], "residuals": ["orthogonal", "free"], **SEEDS},
    )


def fig2():
    """Breakpoints that change and travel more from layer to layer."""
    growing = np.array([1.0, 2.0, 3.0, 4.0, 5.0])[:, None] * np.ones((2, 5, NETWORKS))
    dims = ("target", "layer", "seed")
    return xr.Dataset(
        {
            "births": (dims, np.round(10 * growing).astype(int)),
            "deaths": (dims, np.round(10 * growing).astype(int)),
            "breakpoints": (dims, scattered(8.0 + 0.0 * growing)),
            "travelled": (dims, scattered(growing)),
            "stayed": (dims, np.full(growing.shape, 800)),
            "looks": (("target", "seed"), np.full((2, NETWORKS), 101)),
        },
        {"target": ["tanh(scale=2)", "step"], "layer": [1, 2, 3, 4, 5], **SEEDS},
    )


def table4():
    """Correlations as printed for the cells; on the simple function they stay."""
    printed = [
        [[PRINTED[f"table4_{name}_{depth}_{when}"].value for depth in (1, 4)] for when in density_claims.TIMES]
        for name in density_claims.FUNCTIONS
    ]
    dims = ("target", "time", "shape", "seed")
    correlation = np.array([*printed, [[-0.5, -0.5]] * 2])[..., None] + 0.005 * SCATTER
    coords = {"target": [*density_claims.FUNCTIONS.values(), density_claims.SIMPLE], "time": ["before", "after"]}
    return xr.Dataset(
        {"correlation": (dims, correlation)}, {**coords, "depth": ("shape", [1, 4]), "shape": [0, 1], **SEEDS}
    )


def fig7():
    """Numbers that grow with the square of both, of ever more."""
    points, used = np.array([4, 8, 16]), np.arange(17)
    squares = (points[:, None] * np.maximum(used, 1.0)) ** 2.0
    dims = ("points", "used", "seed")
    counts = {"continuous": squares, "partitions": squares**2}
    variables = {name: (dims, scattered(array[..., None])) for name, array in counts.items()}
    return xr.Dataset(variables, {"points": points, "used": used, **SEEDS})


def regimes():
    """Travel that falls with width and scale; with the output at the start not with the scale."""
    widths, scales = np.array([10, 40, 80, 160]), np.array([0.5, 1.0, 2.0, 5.0])
    by_scale = np.stack([np.ones(scales.size), scales**-2.0])[:, None, :, None]
    travel = scattered(by_scale * (widths**-1.5)[:, None, None], 0.1)
    coords = {"output_at_start": ["kept", "removed"], "width": widths, "scale": scales, "network": SEEDS["seed"]}
    return xr.Dataset({"travel": (tuple(coords), travel)}, coords)


def cubes():
    """All sweeps."""
    return {
        "table1": table1(),
        "table1_choices": table1_choices(),
        "table2": table2(),
        "table2_folding": table2_folding(),
        "table2_choices": table2_choices(),
        "table3_shallow": table3(("shallow", "spiky_shallow")),
        "table3_deep": table3(("deep", "spiky_deep")),
        "table3_choices": table3_choices(),
        **{sweep: fig1_networks(sweep) for sweep in FIG1_LOSSES},
        "fig1_segments": fig1_segments(),
        "fig2": fig2(),
        "fig3": fig3(),
        "fig5_width": fig5("width", (10.0, 20.0, 40.0, 80.0, 160.0), -0.5),
        "fig5_variance": fig5("scale", (0.5, 0.7, 1.0, 1.4, 2.0), 0.8),
        "thm1": thm1(),
        "thm2": thm2(),
        "remark1": remark1(),
        "table4": table4(),
        "fig7": fig7(),
        "regimes": regimes(),
        "regimes_fresh": regimes(),
        "thm3_4": thm3_4(),
        "thm5": thm5(),
    }


def plus(difference):
    return lambda values: values + difference


def times(factor):
    return lambda values: factor * values


def gain(target):
    """Every second pair gains much and the others nothing, which looks the same after an exchange."""

    def change(values):
        even = xr.where(values.seed % 2 == 0, np.exp(2.0), 1.0)
        return values.sel(start="uniform") * xr.where(values.start == "drawn", even, 1.0)

    return changed("table1", "test_loss", change, target=target)


def cell1(target, start):
    """The last loss is ten times as large; the loss after a tenth of the training is the last one."""
    here = {"target": target, "start": start}
    return Trial(
        verdict="holds",
        spoil=changed("table1", "test_loss", times(10.0), **here, record=2),
        becomes="differs",
        blunt=copied("table1", "test_loss", of={"record": 2}, to={"record": 1}),
    )


def cell2(target, depth):
    """Three times as many breakpoints; folding networks with as many as a trained one."""
    counts = changed("table2", "breakpoints", times(3.0), target=target, shape=piece_claims.DEPTHS.index(depth))
    if depth == 1:
        return Trial("holds", counts, "fails", changed("table2", "pieces_within", lambda pieces: 0.0 * pieces + 40.0))
    printed = table2()["breakpoints"].sel(target=target, record=1, drop=True).sum("layer").mean("seed")
    few = changed("table2_folding", "breakpoints", lambda counts: xr.where(counts > 0, printed, 0.0))
    return Trial("holds", counts, "fails", few)


def cell3(column, target):
    """The last loss is far too large; the networks did not change in training."""
    sweep, start = spiky_claims.COLUMNS[column]
    here = {"target": target, "start": start}
    small = changed(sweep, "test_loss", lambda losses: losses + 1000.0, **here, record=1)
    return Trial(
        "holds", small, _becomes(column, target), copied(sweep, "test_loss", of={"record": 1}, to={"record": 0})
    )


def _becomes(column, target):
    """A loss that is too large, and larger than that of the function itself, is no success; a spiky one is worse, as stated."""
    name = {target: name for name, target in spiky_claims.FUNCTIONS.items()}[target]
    contract = PRINTED[f"table3_{name}_{column}"]
    above = contract.null is not None and contract.value - contract.reach > contract.null
    return "differs" if above else "fails"


def cell4(name, depth, when):
    """A correlation that is off; a contract that says nothing."""
    here = {"target": density_claims.FUNCTIONS[name], "time": density_claims.TIMES[when], "shape": (1, 4).index(depth)}
    claim = f"table4_{name}_{depth}_{when}"
    return Trial("holds", changed("table4", "correlation", plus(-0.3), **here), "fails", contracted(claim, margin=3.0))


def halves(sweep, variable):
    """The first half of the standard starts is far from the other."""
    return changed(sweep, variable, times(100.0), start="drawn", seed=FIRST_HALF)


def worse(sweep):
    """In print the sawtooth is no exception; here it is made one."""
    sawtooth = changed(sweep, "test_loss", times(10.0), start="spiky", target="triangle(peaks=4)")
    return Trial("fails", sawtooth, "holds", halves(sweep, "test_loss"))


def remembered(sweep):
    """Spiky starts that end as smooth as standard ones, on one function."""
    smooth = changed(sweep, "roughness_within", times(0.01), start="spiky", target="sine")
    return Trial("holds", smooth, "fails", halves(sweep, "roughness_within"))


def training(sweep):
    """Spiky starts that learn worse, on one function; test losses that are alike."""
    slow = changed(sweep, "train_loss", times(10.0), start="spiky", target="arctan")
    alike = copied(sweep, "test_loss", of={"start": "drawn"}, to={"start": "spiky"})
    return Trial("holds", slow, "fails", alike)


def laws(family):
    """Units that are far from one law; those of larger weights that are not."""
    name = "distance_delta_slope_given"
    near = [
        changed("thm1", distance, lambda values: 0.05 * values, family=family, law=1) for distance in unit_claims.LAWS
    ]
    return Trial("holds", changed("thm1", name, times(15.0), family=family, law=0), "fails", both(*near))


def moment(variable, where, factor, other, back):
    """A moment that is off; the control brought to where the claim is."""
    return Trial(
        "holds", changed("thm2", variable, times(factor), **where), "fails", changed("thm2", variable, back, **other)
    )


GAUSSIAN, UNIFORM = {"family": "gaussian"}, {"family": "uniform"}


def same_as(**of):
    """The values that are elsewhere in the cube."""
    return lambda values: values.sel(of, drop=True)


def narrow(factor):
    """A moment without what tells 2 / H from 2 / (H + 1): every width gets what makes both formulas hold."""
    return contracted(factor, margin="90 %")


def falling(sweep, axis, smallest):
    """The smooth end is as rough as the other; rows that are turned back beforehand, so that the control turns them right."""

    def turned_back(values):
        rows = values.transpose("seed", "target", "record", axis)
        return rows.copy(data=np.stack([np.roll(row, -place, axis=-1) for place, row in enumerate(rows.values)]))

    rough = changed(sweep, "roughness_inner", times(100.0), **{axis: smallest, "target": "step"})
    return Trial("holds", rough, "fails", changed(sweep, "roughness_inner", turned_back))


def turned_back(values):
    """Rows of the widths from 40 on that are turned beforehand, so that the control turns them right."""
    rows = values.transpose("network", "output_at_start", "scale", "width")
    wide = [np.roll(row[..., 1:], -place, axis=-1) for place, row in enumerate(rows.values)]
    return rows.copy(data=np.concatenate([rows.values[..., :1], wide], axis=-1))


def obeyed_by(laws):
    """Velocities that follow other laws."""
    right, other = {"laws": "right"}, {"laws": laws}
    return both(*(copied("thm5", name, of=right, to=other) for name in ("breakpoint", "delta_slope")))


TRIALS = {
    "thm1_gaussian": laws("gaussian"),
    "thm1_uniform": laws("uniform"),
    "thm1_kurtosis_gaussian": moment(
        "mean_squared_distance", GAUSSIAN | {"width": 21}, 1.2, UNIFORM | {"width": 21}, same_as(**GAUSSIAN)
    ),
    "thm1_kurtosis_uniform": moment(
        "mean_squared_distance", UNIFORM | {"width": 21}, 1.1, GAUSSIAN | {"width": 21}, same_as(**UNIFORM)
    ),
    "thm2_he_mean": moment("mean", {"preset": "he", "width": 100}, 1.05, {"preset": "glorot"}, same_as(preset="he")),
    "thm2_he_mean_appendix": Trial(
        "fails",
        changed("thm2", "mean", times(0.5), preset="he"),
        "holds",
        changed("thm2", "mean", lambda mean: 2.0 + 0.0 * mean, preset="glorot"),
    ),
    "thm2_he_variance": moment(
        "mean_squared_distance", GAUSSIAN | {"preset": "he", "width": 5}, 1.2, UNIFORM, same_as(**GAUSSIAN)
    ),
    "thm2_glorot_mean": Trial(
        "holds", changed("thm2", "mean", times(1.1), preset="glorot", width=500), "fails", narrow("thm2_glorot_mean")
    ),
    "thm2_glorot_variance": Trial(
        "holds",
        changed("thm2", "mean_squared_distance", times(1.3), preset="glorot", width=500),
        "fails",
        narrow("thm2_glorot_variance"),
    ),
    "thm2_tail": Trial(
        "holds",
        changed("thm2", "beyond", times(8), **GAUSSIAN, width=21, excess=2.0),
        "fails",
        changed("thm2", "beyond_half", times(0)),
    ),
    "remark1_probability": Trial(
        "fails",
        changed("remark1", "printed", lambda _: cubes()["remark1"]["birthday"]),
        "holds",
        changed("remark1", "birthday", times(0.5)),
    ),
    "remark1_grows": Trial(
        "holds",
        changed("remark1", "lonely", lambda counts: counts // 2, placing="random", points=10, alpha=16.0),
        "fails",
        changed("remark1", "lonely", lambda counts: 0 * counts + 19_900, alpha=1.0),
    ),
    "thm3": Trial(
        "holds",
        changed("thm3_4", "gradient", times(1e8), residuals="orthogonal", width=20, seed=3),
        "fails",
        changed("thm3_4", "gradient", times(1e-9), residuals="free", width=20, seed=3),
    ),
    "thm4": Trial(
        "holds",
        changed("thm3_4", "lonely_loss", times(1e20), width=20, seed=3),
        "fails",
        changed("thm3_4", "crowded_loss", times(1e-9), width=20, seed=3),
    ),
    "fig1_dp": Trial(
        "holds",
        changed("fig1_segments", "loss", times(10.0), algorithm="separate", pieces=65),
        "fails",
        changed("fig1_segments", "loss", times(1e-4), algorithm="separate", pieces=9),
    ),
    "fig1_merge": Trial(
        "holds",
        changed("fig1_segments", "loss", times(4.0), algorithm="merged", pieces=33),
        "fails",
        changed("fig1_gd", "train_loss", lambda _: 70.0 / 60.0**4, width=80.0),
    ),
    "fig1_more_pieces": Trial(
        "holds",
        changed("fig1_adam", "train_loss", lambda _: 70.0 / 60.0**4, width=80.0),
        "fails",
        changed("fig1_segments", "pieces_taken", times(2.5), algorithm="continuous"),
    ),
    "fig1_adam": Trial(
        "holds",
        changed("fig1_adam", "train_loss", times(20.0), width=20.0),
        "fails",
        changed("fig1_adam", "train_loss", times(3.0), seed=FIRST_HALF),
    ),
    "fig1_batch_norm": Trial(
        "holds",
        changed("fig1_batch_norm", "train_loss", times(20.0), width=20.0),
        "fails",
        changed("fig1_batch_norm", "train_loss", times(3.0), seed=FIRST_HALF),
    ),
    "fig2_births": Trial(
        "holds",
        both(*(changed("fig2", name, times(0), layer=3, target="step") for name in ("births", "deaths"))),
        "fails",
        changed("fig2", "births", times(5), layer=1, seed=FIRST_HALF),
    ),
    "fig2_velocity": Trial(
        "holds",
        changed("fig2", "travelled", times(0.2), layer=4, target="step"),
        "fails",
        changed("fig2", "travelled", times(2.0), layer=1, seed=FIRST_HALF),
    ),
    "fig3_initial": Trial(
        "holds",
        changed("fig3", "roughness_by_layer", times(4.0), record=0, layer=4),
        "fails",
        changed("fig3", "roughness_by_layer", times(3.0), record=0, layer=1, seed=FIRST_HALF),
    ),
    "fig3_later": Trial(
        "holds",
        changed("fig3", "roughness_by_layer", times(0.01), record=1, layer=[3, 4], target="sine"),
        "fails",
        copied("fig3", "roughness_by_layer", of={"record": 1}, to={"record": 0}),
    ),
    "fig5_width": falling("fig5_width", "width", 160.0),
    "fig5_variance": falling("fig5_variance", "scale", 0.5),
    "thm5_laws": Trial(
        "holds",
        changed("thm5", "delta_slope", lambda found: found**0.5, laws="right", target="sine"),
        "fails",
        obeyed_by("no_correlation"),
    ),
    "thm5_gradient": Trial(
        "fails",
        obeyed_by("gradient"),
        "holds",
        changed("thm5", "breakpoint", lambda found: found**0.5, laws="right"),
    ),
    **{name: cell1(*cell) for name, cell in breakpoint_claims.CELLS.items()},
    "table1_rescue": Trial(
        "holds", copied("table1", "test_loss", of={"start": "drawn"}, to={"start": "uniform"}), "fails", gain("sine")
    ),
    "table1_less_effect": Trial(
        "holds",
        changed("table1", "test_loss", times(0.3), target="polynomial(c2=0.5)", start="uniform"),
        "fails",
        gain("sine"),
    ),
    **{
        f"table2_{name}_{depth}": cell2(target, depth)
        for depth in piece_claims.DEPTHS
        for name, target in piece_claims.FUNCTIONS.items()
    },
    "table2_not_exponential": Trial(
        "holds",
        changed("table2", "breakpoints", times(30.0), shape=3, record=1, target="exp"),
        "fails",
        changed("table2_folding", "breakpoints", lambda counts: counts.isel(shape=0)),
    ),
    "table2_variability": Trial(
        "holds",
        changed("table2", "breakpoints", lambda counts: counts.isel(shape=1).fillna(0.0), shape=3, record=1),
        "fails",
        changed("table2", "breakpoints", lambda counts: counts.mean("seed") + 9.0 * (counts - counts.mean("seed")),
                shape=1, seed=SECOND_HALF),
    ),
    "table2_once_per_unit": Trial(
        "holds",
        changed("table2", "breakpoints", times(0.5), shape=2, record=0),
        "fails",
        changed("table2_folding", "breakpoints", lambda counts: xr.where(counts > 0, 40.0, 0.0)),
    ),
    **{
        f"table3_{name}_{column}": cell3(column, target)
        for name, target in spiky_claims.FUNCTIONS.items()
        for column in spiky_claims.COLUMNS
    },
    **{
        f"table4_{name}_{depth}_{when}": cell4(name, depth, when)
        for name in density_claims.FUNCTIONS
        for depth in density_claims.DEPTHS
        for when in density_claims.TIMES
    },
    "fig7_polynomial": Trial(
        "holds",
        changed("fig7", "continuous", times(0.003), points=16),
        "fails",
        changed("fig7", "partitions", lambda counts: 0.0 * counts + 1.0),
    ),
    **{
        f"{sweep}_width": Trial(
            "holds",
            changed(sweep, "travel", times(30.0), width=160),
            "fails",
            changed(sweep, "travel", turned_back),
        )
        for sweep in ("regimes", "regimes_fresh")
    },
    **{
        f"{sweep}_scale": Trial(
            "holds",
            changed(sweep, "travel", times(30.0), scale=5.0, output_at_start="removed"),
            "fails",
            copied(sweep, "travel", of={"output_at_start": "removed"}, to={"output_at_start": "kept"}),
        )
        for sweep in ("regimes", "regimes_fresh")
    },
    "table4_moved": Trial(
        "holds",
        changed("table4", "correlation", plus(-0.6), time="after", target="chirp", shape=1),
        "fails",
        changed("table4", "correlation", plus(3.0), time="before"),
    ),
    "table4_deeper": Trial(
        "holds",
        changed("table4", "correlation", plus(-0.5), time="after", target="chirp", shape=1),
        "fails",
        changed("table4", "correlation", plus(-0.3), time="after", shape=0, seed=FIRST_HALF),
    ),
    "table4_simple": Trial(
        "holds",
        changed("table4", "correlation", plus(0.3), time="after", target="exp", shape=0),
        "fails",
        changed("table4", "correlation", lambda values: 0.0 * values + 0.99, target="exp"),
    ),
    "table3_spiky_worse_shallow": worse("table3_shallow"),
    "table3_spiky_worse_deep": worse("table3_deep"),
    "fig4_remembered": remembered("table3_shallow"),
    "fig6_remembered": remembered("table3_deep"),
    "fig4_training": training("table3_shallow"),
    "fig6_training": training("table3_deep"),
}  # fmt: skip
