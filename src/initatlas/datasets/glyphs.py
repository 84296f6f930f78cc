"""MNIST-style digits, drawn from pen strokes.

An allograph of the digit is chosen, its control points are jittered, the plane is bent and sheared, the digit is fitted
to a box of 20/28 of the image and centred by mass (as the makers of MNIST did), and the strokes are drawn with a pen of
random width, pressure and ink.

Image i of a split depends on (seed, split, i) alone: a larger set begins with the smaller one.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Doubles
from initatlas.datasets.glyph_strokes import ALLOGRAPHS, Allograph, Stroke
from initatlas.datasets.image_set import Images
from initatlas.datasets.samples import SPLIT_CODE, Split
from initatlas.datasets.specs import GlyphsSpec

_CLASSES = len(ALLOGRAPHS)
_MNIST_SIZE = 28
_BOX = 20.0  # MNIST fits a digit to a box of 20 pixels in an image of 28.
_WIDEST = 1.5  # A pressed pen draws a line this much wider; a harder press is rarer than one in a thousand.
_CURVE_POINTS = 96  # The longest digit is some 60 pixels of ink: neighbours are closer than a pixel.
_ELASTIC_MODES = 3
_BATCH = 64  # Keeps the distances of a batch (28 x 28 x 96 float32 each) in the cache.
_MAXIMUM = 255
_IMAGE_STREAM, _CLASS_STREAM = 0, 1
_SOURCE = "digits drawn by initatlas from pen strokes; no measured data"


@dataclass(frozen=True)
class _Pens:
    """The allographs of all digits as arrays: curve points are linear in control points.

    basis: (allograph, curve point, control point), padded with zeros; control: (allograph, control point, 2);
    threshold: (digit, allograph of the digit), cumulative frequency; first: (digit,), its first allograph.
    """

    basis: Doubles
    control: Doubles
    threshold: Doubles
    first: NDArray[np.int64]


@dataclass(frozen=True)
class _Chance:
    """The random numbers of a batch: uniform ones lie in [0, 1), the others are standard normal."""

    allograph: Doubles
    width: Doubles
    softness: Doubles
    ink: Doubles
    shift: Doubles
    affine: Doubles
    pressure: Doubles
    jitter: Doubles
    elastic: Doubles
    grain: Doubles


def load(name: str, spec: GlyphsSpec) -> Images:
    """Draw the data set.

    Parameters
    ----------
    name
        The data set's name.
    spec
        How many images, of which size, and how strong each distortion is.

    Returns
    -------
    Images
        The training images, then the test images; every ten in a row hold every digit once.
    """
    counts: dict[Split, int] = {"train": spec.train, "test": spec.test}
    labels = {split: draw_labels(count, seed=spec.seed, split=split) for split, count in counts.items()}
    return Images(
        name=name,
        images=np.concatenate([draw_images(labels[split], spec, split=split) for split in counts]),
        labels=np.concatenate(list(labels.values())),
        split=np.repeat(np.array(list(SPLIT_CODE.values()), dtype=np.int8), list(counts.values())),
        maximum=_MAXIMUM,
        source=_SOURCE,
    )


def draw_labels(count: int, *, seed: int, split: Split) -> NDArray[np.int64]:
    """Draw the digits to write: every ten in a row are a random order of 0 to 9.

    Parameters
    ----------
    count
        How many.
    seed, split
        What the order depends on.

    Returns
    -------
    ndarray
        int64, shape (count,).
    """
    blocks = -(-count // _CLASSES)
    generators = (np.random.default_rng([seed, SPLIT_CODE[split], _CLASS_STREAM, block]) for block in range(blocks))
    orders = [generator.permutation(_CLASSES) for generator in generators]
    return np.array(orders, dtype=np.int64).reshape(-1)[:count]


def draw_images(labels: NDArray[np.int64], spec: GlyphsSpec, *, split: Split) -> NDArray[np.uint8]:
    """Draw one image per label.

    Parameters
    ----------
    labels
        Digits, shape (sample,).
    spec
        Seed, size and distortions.
    split
        The split that the images are for; image i depends on (seed, split, i) and its label alone.

    Returns
    -------
    ndarray
        Grey levels 0 to 255, uint8, shape (sample, row, column).
    """
    images = np.empty((len(labels), spec.size, spec.size), dtype=np.uint8)
    for start in range(0, len(labels), _BATCH):
        batch = slice(start, min(start + _BATCH, len(labels)))
        chance = _draw_chance(range(batch.start, batch.stop), spec, split)
        images[batch] = _render(_place(_write(labels[batch], chance, spec), chance, spec), chance, spec)
    return images


def _draw_chance(indices: range, spec: GlyphsSpec, split: Split) -> _Chance:
    """Draw the random numbers of some images, each from its own generator."""
    points = _pens().control.shape[1]
    normals = (4, 2, 2 * points, 2 * _ELASTIC_MODES**2, spec.size**2)
    uniform, normal = np.empty((len(indices), 6)), np.empty((len(indices), sum(normals)))
    for row, index in enumerate(indices):
        rng = np.random.default_rng([spec.seed, SPLIT_CODE[split], _IMAGE_STREAM, index])
        uniform[row], normal[row] = rng.random(uniform.shape[1]), rng.standard_normal(normal.shape[1])
    allograph, width, softness, ink = uniform[:, :4].T
    affine, pressure, jitter, elastic, grain = np.split(normal, np.cumsum(normals)[:-1], axis=1)
    return _Chance(
        allograph=allograph,
        width=width,
        softness=softness,
        ink=ink,
        shift=uniform[:, 4:],
        affine=affine.T,
        pressure=pressure.T,
        jitter=jitter.reshape(len(indices), points, 2),
        elastic=elastic.reshape(len(indices), _ELASTIC_MODES, _ELASTIC_MODES, 2),
        grain=grain.reshape(len(indices), spec.size, spec.size),
    )


def _write(labels: NDArray[np.int64], chance: _Chance, spec: GlyphsSpec) -> Doubles:
    """Write the digits: curve points in digit heights, shape (sample, curve point, 2)."""
    pens = _pens()
    chosen = pens.first[labels] + np.sum(chance.allograph[:, None] >= pens.threshold[labels], axis=1)
    control = pens.control[chosen] + spec.jitter * chance.jitter
    # einsum, not a BLAS product, here and below: its sums do not depend on the library, the batch or the threads.
    points: Doubles = np.einsum("npc,nck->npk", pens.basis[chosen], control)
    return points


def _place(points: Doubles, chance: _Chance, spec: GlyphsSpec) -> Doubles:
    """Distort the digits, fit them to the box and centre them by mass: curve points in pixels, x then y."""
    points = _shear(_bend(points, chance.elastic, spec.elastic), chance.affine, spec)
    width = _between(spec.stroke_width, chance.width)
    scale = (_BOX - width) / np.ptp(points, axis=1).max(axis=1) * np.exp(spec.scale * chance.affine[3])
    points = (points - points.mean(axis=1, keepdims=True)) * scale[:, None, None]
    points += (2.0 * chance.shift[:, None, :] - 1.0) * spec.shift
    points = _keep_inside(points, (_MNIST_SIZE - _WIDEST * width) / 2 - spec.softness[1])
    return points * (spec.size / _MNIST_SIZE) + (spec.size - 1) / 2


def _keep_inside(points: Doubles, limit: Doubles) -> Doubles:
    """Shift back the digits that stick out: both coordinates between -limit and limit, which has shape (sample,)."""
    beyond_low = np.minimum(points.min(axis=1) + limit[:, None], 0.0)
    beyond_high = np.maximum(points.max(axis=1) - limit[:, None], 0.0)
    inside: Doubles = points - (beyond_low + beyond_high)[:, None, :]
    return inside


def _bend(points: Doubles, coefficients: Doubles, strength: float) -> Doubles:
    """Shift every point by a smooth random field: a cosine series whose coefficients fall with the frequency."""
    order = np.arange(_ELASTIC_MODES)
    decay = 1.0 / (1.0 + order[:, None] ** 2 + order[None, :] ** 2)
    waves_x = np.cos(np.pi * points[:, :, 0, None] * order)
    waves_y = np.cos(np.pi * points[:, :, 1, None] * order)
    field = np.einsum("npi,npj,nijk->npk", waves_x, waves_y, coefficients * decay[:, :, None])
    bent: Doubles = points + 2.0 * strength * field
    return bent


def _shear(points: Doubles, chance: Doubles, spec: GlyphsSpec) -> Doubles:
    """Slant, stretch and turn the digits about their centres; `chance` has shape (4, sample)."""
    angle = spec.rotation * chance[1]
    slant, stretch = spec.lean + spec.slant * chance[0], np.exp(spec.aspect * chance[2])
    x, y = np.moveaxis(points - 0.5, 2, 0)
    x = stretch[:, None] * x - slant[:, None] * y
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=2)


def _render(points: Doubles, chance: _Chance, spec: GlyphsSpec) -> NDArray[np.uint8]:
    """Draw the curves: grey levels, uint8, shape (sample, row, column)."""
    unit = spec.size / _MNIST_SIZE
    radius = 0.5 * unit * _between(spec.stroke_width, chance.width)
    softness = unit * _between(spec.softness, chance.softness)
    ratio = _distance_ratio(points, radius[:, None] * _pressure(chance.pressure), spec.size)
    coverage = 0.5 + (1.0 - ratio) * (radius / softness)[:, None, None]
    ink = (1.0 - (1.0 - spec.ink) * chance.ink)[:, None, None] * (1.0 + spec.noise * chance.grain)
    # The pen holds more ink than white paper shows: the middle of a stroke is evenly white in spite of the grain.
    grey = np.clip(np.clip(coverage, 0.0, 1.0) * ink * 1.1, 0.0, 1.0)
    return np.rint(_MAXIMUM * grey).astype(np.uint8)


def _between(limits: tuple[float, float], chance: Doubles) -> Doubles:
    """Map uniform numbers in [0, 1) to a range."""
    return limits[0] + (limits[1] - limits[0]) * chance


def _pressure(chance: Doubles) -> Doubles:
    """How the pen's width varies along the curve, about 1: shape (sample, curve point)."""
    position = np.linspace(0.0, 1.0, _CURVE_POINTS)
    start, middle = chance[:, :, None]
    log_width = 0.12 * start * np.cos(np.pi * position) + 0.08 * middle * np.cos(2.0 * np.pi * position)
    factor: Doubles = np.exp(log_width)
    return factor


def _distance_ratio(points: Doubles, radius: Doubles, size: int) -> Doubles:
    """Distance of every pixel to the nearest curve point, over the pen's radius there: (sample, row, column)."""
    pixels = np.arange(size, dtype=np.float32)
    scaled = points.astype(np.float32)
    inverse = (1.0 / radius**2).astype(np.float32)[:, None, :]
    across = (pixels[:, None] - scaled[:, None, :, 0]) ** 2 * inverse
    down = (pixels[:, None] - scaled[:, None, :, 1]) ** 2 * inverse
    squared = (down[:, :, None, :] + across[:, None, :, :]).min(axis=3)
    ratio: Doubles = np.sqrt(squared.astype(np.float64))
    return ratio


@cache
def _pens() -> _Pens:
    """Turn the strokes into arrays."""
    allographs = [allograph for digit in range(_CLASSES) for allograph in ALLOGRAPHS[digit]]
    curves = [_curve(allograph) for allograph in allographs]
    count = max(len(control) for control, _ in curves)
    sizes = [len(ALLOGRAPHS[digit]) for digit in range(_CLASSES)]
    threshold = np.ones((_CLASSES, max(sizes)))
    for digit, size in enumerate(sizes):
        frequency = np.array([allograph.frequency for allograph in ALLOGRAPHS[digit]])
        threshold[digit, : size - 1] = np.cumsum(frequency)[:-1] / frequency.sum()
    return _Pens(
        basis=np.stack([np.pad(basis, ((0, 0), (0, count - basis.shape[1]))) for _, basis in curves]),
        control=np.stack([np.pad(control, ((0, count - len(control)), (0, 0))) for control, _ in curves]),
        threshold=threshold,
        first=np.cumsum([0, *sizes[:-1]]),
    )


def _curve(allograph: Allograph) -> tuple[Doubles, Doubles]:
    """Give an allograph's distinct control points and the matrix that turns them into its curve points."""
    control = list(dict.fromkeys(point for stroke in allograph.strokes for point in stroke))
    bases = [_stroke_basis(stroke) for stroke in allograph.strokes]
    lengths = np.array(
        [_length(basis @ np.array(stroke)) for basis, stroke in zip(bases, allograph.strokes, strict=True)]
    )
    ends = np.rint(_CURVE_POINTS * np.cumsum(lengths) / lengths.sum()).astype(int)
    rows = []
    for stroke, basis, count in zip(allograph.strokes, bases, np.diff(ends, prepend=0), strict=True):
        selection = np.zeros((len(stroke), len(control)))
        selection[np.arange(len(stroke)), [control.index(point) for point in stroke]] = 1.0
        rows.append(_evenly(basis, basis @ np.array(stroke), count) @ selection)
    return np.array(control), np.concatenate(rows)


def _stroke_basis(stroke: Stroke, steps: int = 32) -> Doubles:
    """Catmull-Rom spline: the matrix from a stroke's control points to a fine sampling of its curve."""
    count = len(stroke)
    identity = np.eye(count)
    if stroke[0] == stroke[-1]:
        before, after = identity[count - 2], identity[1]
    else:
        before, after = 2 * identity[0] - identity[1], 2 * identity[-1] - identity[-2]
    padded = np.concatenate([before[None], identity, after[None]])
    t = np.linspace(0.0, 1.0, steps, endpoint=False)
    weights = 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], axis=1
    )
    spans = [weights @ padded[start : start + 4] for start in range(count - 1)]
    return np.concatenate([*spans, identity[-1:]])


def _evenly(basis: Doubles, fine: Doubles, count: int) -> Doubles:
    """Pick `count` rows of a fine sampling, evenly spaced along the curve, ends included."""
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    wanted = np.linspace(0.0, travelled[-1], count)
    picked: Doubles = basis[np.abs(travelled[:, None] - wanted).argmin(axis=0)]
    return picked


def _length(points: Doubles) -> float:
    """Length of a polyline, points of shape (point, 2)."""
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
