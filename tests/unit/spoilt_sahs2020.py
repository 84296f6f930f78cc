"""Sound and spoilt cubes for the claims of sahs2020: networks that give what is printed, with a little scatter."""

import numpy as np
import xarray as xr
from claim_cubes import ROOT, Trial, changed, copied

from initatlas.config import load_published
from initatlas.studies.sahs2020 import breakpoint_claims, piece_claims, spiky_claims

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


def cubes():
    """All sweeps."""
    return {
        "table1": table1(),
        "table1_choices": table1_choices(),
        "table2": table2(),
        "table2_folding": table2_folding(),
        "table3_shallow": table3(("shallow", "spiky_shallow")),
        "table3_deep": table3(("deep", "spiky_deep")),
    }


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


TRIALS = {
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
    "table3_spiky_worse_shallow": worse("table3_shallow"),
    "table3_spiky_worse_deep": worse("table3_deep"),
    "fig4_remembered": remembered("table3_shallow"),
    "fig6_remembered": remembered("table3_deep"),
    "fig4_training": training("table3_shallow"),
    "fig6_training": training("table3_deep"),
}  # fmt: skip
