"""Sound and spoilt cubes for the claims of chen2024: tail sums that fall as powers of the index, with the printed powers."""

import numpy as np
import xarray as xr
from claim_cubes import Trial, both, changed, copied

from initatlas.experiments.smoothness import CODINGS, INITIAL, SHUFFLED, WINDOWS
from initatlas.smoothness.slopes import decay_exponent, null_slope

STUDY = "chen2024"

N = 3000
POWERS = {"glyphs": 0.5, "mnist": 0.40, "fashion_mnist": 0.22, "cifar10": 0.09}
SEEDS = 5
INITIAL_POWER = 0.04


def powers():
    """Decay of the tail sums by data set, seed and target; nearly that of the labels in every coding."""
    jitter = 0.002 * np.array([-1.0, 1.0, 0.0, 0.5, -0.5])
    labels = np.array(list(POWERS.values()))[:, None, None] + jitter[:, None] + np.zeros(len(CODINGS))
    initial = np.broadcast_to(INITIAL_POWER + jitter[:, None], (len(POWERS), SEEDS, 1))
    return np.concatenate([labels, np.full_like(initial, np.nan), initial], axis=-1)


def tail_sums(exponents):
    """Tail sums of some powers; of labels without information where there is none."""
    index = np.arange(1.0, N + 1.0)
    flat = (N - index + 1.0) / N
    noise = np.exp(0.002 * np.array([-1.0, 1.0, 0.0, 0.5, -0.5])[:, None, None] * np.log(index))
    known = np.nan_to_num(exponents)[..., None]
    return np.where(np.isnan(exponents)[..., None], flat * noise, index**-known)


def cubes():
    """The cubes, that of table 1 with all data sets of the paper: every power is found over every window."""
    tails = tail_sums(powers())
    slopes = np.stack([decay_exponent(tails, window, inclusive=False) for window in WINDOWS], axis=-1)
    # the whole sums end, so a fit over the printed window sees more than the power
    slopes[:, :, : len(CODINGS), WINDOWS.index(2700)] += 0.5
    slopes[:, :, : len(CODINGS), WINDOWS.index(1000)] += 0.1
    everywhere = ("dataset", "seed", "target", "window")
    # shuffled labels have the smoothness 0
    exponents = np.nan_to_num(powers())
    counts = np.ones((len(POWERS), SEEDS), dtype=int)
    cube = xr.Dataset(
        {
            "tail_sum": (("dataset", "seed", "target", "index"), tails),
            "slope": (everywhere, slopes),
            "slope_low": (everywhere, slopes - 0.05),
            "slope_high": (everywhere, slopes + 0.05),
            "eigenvalue": (("seed", "index"), np.arange(1.0, N + 1.0) ** -1.2 * np.ones((SEEDS, 1))),
            "exponent": (everywhere[:3], exponents),
            "exponent_low": (everywhere[:3], exponents - 0.05),
            "exponent_high": (everywhere[:3], exponents + 0.05),
            "null_slope": ("window", [null_slope(N, window, inclusive=False) for window in WINDOWS]),
            "sample_size": (("dataset", "seed"), N * counts),
            "population": (("dataset", "seed"), 10000 * counts),
        },
        {
            "dataset": list(POWERS),
            "seed": range(SEEDS),
            "target": [*CODINGS, SHUFFLED, INITIAL],
            "window": list(WINDOWS),
            "index": np.arange(1, N + 1),
        },
    )
    return {
        "table1": cube,
        "sizes": sizes_cube(cube),
        "known_smoothness": known_cube(),
        **error_cubes(),
        **limit_cubes(),
    }


def sizes_cube(table):
    """Other draws from the 10000 images: a tenth, 15 % and all of them, with the numbers of the table."""
    kept = table[["slope", "null_slope", "exponent", "population"]]
    asked = [1000, 1500, 20000]
    cube = xr.concat([kept.roll(seed=turn).expand_dims(samples=[n]) for turn, n in enumerate(asked, 1)], "samples")
    # all images are no draw: what they give must not count, whatever it is
    cube["slope"].loc[{"samples": 20000}] += 3.0
    cube["exponent"].loc[{"samples": 20000}] += 3.0
    used = xr.DataArray([1000, 1500, 10000], {"samples": asked}, ("samples",))
    return cube.assign(sample_size=used * xr.ones_like(cube["population"]))


def known_cube():
    """Estimates that are right but for a small noise, intervals that miss in 3 of 100, and slopes that are far off."""
    dims, shape = ("dimension", "seed", "smoothness", "function"), (3, 10, 4, 8)
    rng = np.random.default_rng(2)
    known = np.array([0.2, 0.4, 0.8, 1.2])[:, None]
    exponents = known + 0.01 * rng.normal(size=shape)
    reach = 0.01 * 2.17
    slopes = (
        (known * np.array([1.5, 1.25, 10 / 9])[:, None, None, None])[..., None]
        + np.array([0.3, 0.8])
        + np.zeros((*shape, 2))
    )
    return xr.Dataset(
        {
            "exponent": (dims, exponents),
            "exponent_low": (dims, exponents - reach),
            "exponent_high": (dims, exponents + reach),
            "slope": ((*dims, "window"), slopes),
            "slope_low": ((*dims, "window"), slopes - 0.05),
            "slope_high": ((*dims, "window"), slopes + 0.05),
        },
        {
            "dimension": [3, 5, 10],
            "seed": range(10),
            "smoothness": known[:, 0],
            "function": range(8),
            "window": [400, 2700],
        },
    )


def error_cubes():
    """Cubes of figure 1 and of its limit: powers of n, two alike starts, and errors before training."""
    samples, dimensions = np.array([50, 100, 200, 400]), np.array([5, 10])
    jitter = 0.01 * np.random.default_rng(0).normal(size=(2, 2, 4, 10, 3))
    power = np.array([1.2, 0.6, 0.6])
    errors = np.exp(jitter) * samples[:, None, None] ** -power
    dims = ("dimension", "bias", "samples", "seed", "start")
    cube = xr.Dataset(
        {"test_error": (dims, errors), "initial_error": (dims, np.exp(jitter))},
        {
            "dimension": dimensions,
            "bias": [False, True],
            "samples": samples,
            "seed": range(10),
            "start": ["mirrored", "standard", "standard_again"],
        },
    )
    finite = cube.isel(bias=0, start=slice(0, 2)).drop_vars("bias")
    return {"fig1": finite, "fig1_limit": cube}


def limit_cubes():
    """Spectra that are powers of the degree, as in theory, and distances that fall as roots of the width."""
    dimensions, degrees = np.arange(3, 8), np.arange(201)
    places = degrees + 0.5 * (dimensions[:, None] - 2.0)
    dims = ("dimension", "kernel", "degree")
    powers = np.stack([places ** -dimensions[:, None], places ** -(dimensions[:, None] + 2.0)], axis=1)
    many = np.broadcast_to((dimensions[:, None, None] - 2) * np.log(places)[:, None], powers.shape)
    spectra = xr.Dataset(
        {"eigenvalue": (dims, powers), "log_multiplicity": (dims, many)},
        {"dimension": dimensions, "kernel": ["ntk", "nngp"], "degree": degrees},
    )
    widths = np.array([64, 256, 1024])
    jitter = np.exp(0.02 * np.random.default_rng(1).normal(size=(3, 10, 2)))
    distances = xr.Dataset(
        {
            "distance": (("width", "seed", "start"), jitter * widths[:, None, None] ** -0.5),
            "other_distance": (("width", "seed", "start"), jitter),
        },
        {"width": widths, "seed": range(10), "start": ["mirrored", "standard"]},
    )
    return {"gp_smoothness": spectra, "uniform_convergence": distances}


def slopes(change, **where):
    """Spoil slopes of the table."""
    return changed("table1", "slope", change, **where)


def blunt(dataset, window):
    """Shuffled labels of all data sets decay like the right ones of one."""
    return copied(
        "table1",
        "slope",
        of={"dataset": dataset, "target": "class_index", "window": window},
        to={"target": SHUFFLED, "window": window},
    )


def as_printed(dataset):
    """The printed window gives another number, until a window of 2700 behaves like that of 400."""
    where = {"dataset": dataset, "target": "class_index"}
    right = copied("table1", "slope", of={**where, "window": 400}, to={**where, "window": 2700})
    return Trial("fails", spoil=right, becomes="holds", blunt=both(right, blunt(dataset, 2700)))


def short(dataset):
    """The window of 400 gives the number, until the slope is half of the distance of data sets off."""
    off = slopes(lambda slope: slope + 0.06, dataset=dataset, target="class_index", window=400)
    return Trial("holds", spoil=off, becomes="fails", blunt=blunt(dataset, 400))


def without_window(dataset):
    """The estimate gives the number, until it is half of the distance of data sets off."""
    where = {"dataset": dataset, "target": "class_index"}
    off = changed("table1", "exponent", lambda exponent: exponent + 0.09, **where)
    blunt = copied("table1", "exponent", of=where, to={"target": SHUFFLED})
    return Trial("holds", spoil=off, becomes="fails", blunt=blunt)


def steady(name, drift, **where):
    """A number is the same at all sizes, until it moves by 0.1 with every doubling."""
    drifting = changed(
        "sizes",
        name,
        lambda number: number + drift * np.log2(number.samples / 3000),
        dataset="mnist",
        target="class_index",
        **where,
    )
    return Trial("holds", spoil=drifting, becomes="fails", blunt=as_labels("sizes", name, samples=1000, **where))


def as_labels(sweep, name="slope", **where):
    """Shuffled labels behave like the right ones."""
    return copied(sweep, name, of={**where, "target": "class_index"}, to={**where, "target": SHUFFLED})


def mirrored(sweep, worse):
    """Mirrored networks are better, until their errors in one dimension are those of standard ones."""
    alike = changed(
        sweep, "test_error", lambda error: error.sel(start="standard", drop=True), start="mirrored", dimension=10
    )
    return Trial(
        "holds",
        spoil=alike,
        becomes="fails",
        blunt=changed("fig1_limit", "test_error", worse, start="standard_again"),
    )


def as_known(slope):
    """Slopes that are the known smoothness times the decay of the eigenvalues."""
    return slope.smoothness * slope.dimension / (slope.dimension - 1.0) + 0.0 * slope


CENTRED = {"target": "class_index_centred", "window": 400}
REAL = ["mnist", "fashion_mnist", "cifar10"]

TRIALS = {
    "table1_window": Trial(
        "fails",
        spoil=slopes(lambda slope: 0.1 * slope, target=SHUFFLED, window=2700),
        becomes="holds",
        blunt=slopes(lambda slope: slope + 0.2, target=SHUFFLED, window=270),
    ),
    **{f"table1_{name}": as_printed(name) for name in REAL},
    **{f"table1_{name}_short": short(name) for name in REAL},
    "known_smoothness": Trial(
        "holds",
        spoil=changed("known_smoothness", "exponent", lambda value: value + 0.09, dimension=10, smoothness=0.8),
        becomes="fails",
        blunt=changed("known_smoothness", "slope", as_known, window=2700),
    ),
    "known_coverage": Trial(
        "holds",
        spoil=changed("known_smoothness", "exponent_low", lambda low: low + 0.02, dimension=5),
        becomes="fails",
        blunt=both(
            changed("known_smoothness", "slope_low", lambda low: 0.0 * low, window=400),
            changed("known_smoothness", "slope_high", lambda high: high + 9.0, window=400),
        ),
    ),
    **{f"table1_{name}_without_window": without_window(name) for name in REAL},
    "sizes_printed_window": steady("slope", 0.1, window=2700),
    "sizes_short_window": steady("slope", 0.1, window=400),
    "sizes_without_window": steady("exponent", -0.1),
    "sizes_order": Trial(
        "holds",
        spoil=changed("sizes", "slope", lambda slope: slope - 0.2, dataset="mnist", samples=1500, window=400),
        becomes="fails",
        blunt=both(*(as_labels(sweep, window=400) for sweep in ("sizes", "table1"))),
    ),
    "sizes_any": Trial(
        "fails",
        spoil=copied(
            "sizes",
            "slope",
            of={"samples": 1500, "target": "class_index", "window": 400},
            to={"samples": 1500, "target": "class_index", "window": 2700},
        ),
        becomes="holds",
        blunt=copied(
            "sizes",
            "slope",
            of={"samples": 1500, "target": "class_index", "window": 400},
            to={"samples": 1500, "target": SHUFFLED, "window": 2700},
        ),
    ),
    "one_window": Trial(
        "holds",
        spoil=changed("table1", "tail_sum", lambda tails: tails**1.2, dataset="mnist", target="class_index"),
        becomes="fails",
        blunt=copied("table1", "tail_sum", of={"target": "class_index"}, to={"target": SHUFFLED}),
    ),
    "coding": Trial(
        "holds",
        spoil=slopes(lambda slope: slope + 0.1, dataset="mnist", target="first_or_rest"),
        becomes="fails",
        blunt=copied("table1", "slope", of={"target": "class_index"}, to={"target": SHUFFLED}),
    ),
    "smoother_than_initial": Trial(
        "holds",
        spoil=slopes(lambda slope: slope + 0.2, dataset="cifar10", target=INITIAL),
        becomes="fails",
        blunt=slopes(lambda slope: slope + 0.2, target=SHUFFLED),
    ),
    **{f"{sweep}_order": mirrored(sweep, lambda error: error * error.samples**0.6) for sweep in ("fig1", "fig1_limit")},
    **{f"{sweep}_gap": mirrored(sweep, lambda error: 2.0 * error) for sweep in ("fig1", "fig1_limit")},
    "fig1_limit_rate": Trial(
        "holds",
        spoil=changed(
            "fig1_limit", "test_error", lambda error: error * error.samples**0.3, dimension=5, start="standard"
        ),
        becomes="fails",
        blunt=changed("fig1_limit", "initial_error", lambda error: error / error.samples, start="standard"),
    ),
    "gp_threshold": Trial(
        "holds",
        spoil=changed(
            "gp_smoothness",
            "eigenvalue",
            lambda value: value * (1.0 + value.degree) ** -0.1,
            kernel="nngp",
            dimension=4,
        ),
        becomes="fails",
        blunt=changed(
            "gp_smoothness",
            "log_multiplicity",
            lambda value: value - 2.0 * np.log(value.degree + 0.5 * (value.dimension - 2)),
        ),
    ),
    "uniform_rate": Trial(
        "holds",
        spoil=changed("uniform_convergence", "distance", lambda value: value * value.width**0.2, start="standard"),
        becomes="fails",
        blunt=changed("uniform_convergence", "other_distance", lambda value: value * value.width**-0.5),
    ),
}
