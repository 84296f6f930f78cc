"""Kernel matrices that do not fit in memory: compute one into a file, and read the top of its spectrum."""

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from initatlas.datasets.dataset import read_dataset
from initatlas.datasets.samples import Samples, Split
from initatlas.errors import UserError
from initatlas.files import atomic_path, can_be_made, must_be_file
from initatlas.kernels.architecture import Architecture, KernelName
from initatlas.kernels.fully_connected import FullyConnected, fully_connected
from initatlas.kernels.gram_file import Dtype, GramFile, GramSpec, write_gram
from initatlas.kernels.operators import gram_operator
from initatlas.kernels.tiles import plan_tiles, serial_tiles
from initatlas.kernels.top_pairs import TopPairs, basis_megabytes, default_limit, default_width, top_eigenpairs
from initatlas.layout import POINTS
from initatlas.smoothness.targets import Coding, target_coding
from initatlas.smoothness.top import TopSmoothness, smoothness_from_top
from initatlas.sweeps.progress import Progress
from initatlas.sweeps.ray.address import cluster_is_given
from initatlas.sweeps.ray.client import RayOfTheSweep
from initatlas.sweeps.ray.tiles import kernel_code, ray_tiles

log = logging.getLogger(__name__)

SHOWN = (1, 2, 5, 10, 20, 50, 100, 200, 400, 1000, 2000, 4000)
"""Indices and windows that the table of a spectrum shows, and its last one."""


MOST_IN_MEMORY = 20000
"""Rows up to which the whole spectrum may be computed: the matrix and its eigenvectors take 6.4 GB."""


@dataclass(frozen=True)
class Selection:
    """Which samples of a data set: a split (None: all), and how many of it, drawn with a seed (None: all)."""

    split: Split | None = None
    samples: int | None = None
    seed: int = 0

    def rows(self, data: Samples) -> NDArray[np.int64]:
        """Indices of the chosen samples, increasing."""
        rows = np.flatnonzero(data.rows(self.split))
        if not len(rows):
            raise UserError(f"--split {self.split}: {data.name} has no sample in it")
        if self.samples is None or self.samples == len(rows):
            return rows
        if not 1 <= self.samples <= len(rows):
            raise UserError(f"--samples {self.samples}: {data.name} has {len(rows)} samples to choose from")
        return np.sort(np.random.default_rng(self.seed).choice(rows, self.samples, replace=False))


@dataclass(frozen=True)
class KernelSettings:
    """Which kernels, see `initatlas.kernels.gram.gram_matrix` and `initatlas.kernels.architecture.Architecture`."""

    kernels: tuple[KernelName, ...] = ("ntk",)
    activation: str = "relu"
    depth: int = 1
    weight_variance: float | None = None
    bias_variance: float = 0.0
    normalise: bool = True
    bias: bool = False

    def between(
        self, features: NDArray[np.floating], dtype: Dtype, other: NDArray[np.floating] | None = None
    ) -> FullyConnected:
        """The kernels between rows of features, or between those and others."""
        try:
            architecture = Architecture(self.activation, self.depth, self.weight_variance, self.bias_variance)
            networks = [(kernel, architecture) for kernel in dict.fromkeys(self.kernels)]
            return fully_connected(
                features, networks, other=other, normalise=self.normalise, bias=self.bias, dtype=dtype
            )
        except ValueError as error:
            raise UserError(str(error)) from None


def gram(
    dataset: Path,
    output: Path,
    selection: Selection,
    settings: KernelSettings,
    *,
    dtype: Dtype,
    tile: int,
    workers: int,
) -> None:
    """Compute a kernel matrix into a file; the same command goes on where an earlier one ended.

    Parameters
    ----------
    dataset
        File of a data set.
    output
        The file to make.
    selection, settings
        Which samples, which kernels.
    dtype
        Type of the entries.
    tile
        Largest side of a tile.
    workers
        1: in this process; more: on a Ray of so many CPUs, or on the cluster that RAY_ADDRESS names.
    """
    check_output(output)
    data = read_dataset(dataset)
    if not isinstance(data, Samples):
        raise UserError(f"{dataset}: holds recordings, not images or vectors; give another data set")
    rows = selection.rows(data)
    kernel = settings.between(data.features()[rows], dtype)
    plan = plan_tiles(len(rows), tile)
    settings_told = {
        **asdict(settings),
        **asdict(selection),
        "dataset": data.name,
        "content_sha256": data.content_sha256,
    }
    identity = {**settings_told, "plan": asdict(plan), "dtype": dtype, "code": kernel_code(kernel)}
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    attributes = {
        "title": f"{' and '.join(kernel.names)} of {len(rows)} samples of {data.name}",
        "settings": json.dumps(settings_told),
    }
    spec = GramSpec(plan, dtype, key, attributes, _labels(data, rows))
    on_ray = workers > 1 or cluster_is_given()
    start = perf_counter()
    with ExitStack() as stack:
        ray = stack.enter_context(RayOfTheSweep(workers=workers, session_folder=POINTS.parent / "ray"))
        run = ray_tiles(ray.join) if on_ray else serial_tiles
        started, advanced = _progress(stack, str(output))
        computed = write_gram(output, kernel, spec, run=run, started=started, advanced=advanced)
    size = output.stat().st_size / 1e9
    log.info("%s: %d tiles computed, %.2f GB, %.1f s", output, computed, size, perf_counter() - start)


def _labels(data: Samples, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Classes of the chosen samples, if they have any."""
    return data.targets()[rows].astype(np.int64) if data.traits.labels else None


def check_output(path: Path) -> None:
    """Refuse a file that cannot be made, before anything is computed.

    Raises
    ------
    UserError
        If there is a folder of that name, or none that could hold it.
    """
    must_be_file(path.absolute())
    if not can_be_made(path.absolute().parent):
        raise UserError(f"{path}: its folder cannot be written; name a file in another one")


def _progress(stack: ExitStack, title: str) -> tuple[Callable[[int, int], None], Callable[[], None]]:
    """What to call when the number of tiles is known, and after every tile."""
    bars: list[Progress] = []

    def started(kept: int, total: int) -> None:
        if kept:
            log.info("%s: %d of %d tiles are there already", title, kept, total)
        bars.append(stack.enter_context(Progress(title, total - kept, unit="tile")))

    return started, lambda: bars[0].advance(1, 0)


def spectrum(
    path: Path, top: int, *, kernel: str | None, coding: Coding, seed: int, tolerance: float, output: Path | None
) -> str:
    """The largest eigenpairs of a matrix in a file, and the smoothness of its labels.

    Parameters
    ----------
    path
        A file of `gram`.
    top
        Number of eigenpairs.
    kernel
        Which of the file's kernels; None if there is one alone.
    coding
        How labels become numbers.
    seed
        Of the starting vectors and the bootstrap.
    tolerance
        Wanted bound of the residuals over their eigenvalues.
    output
        A netCDF file for all of it, or None.

    Returns
    -------
    str
        A table.
    """
    if output is not None:
        check_output(output)
    rng = np.random.default_rng(seed)
    with GramFile(path) as file:
        n, labels, attributes, matrix = file.plan.n, file.labels, file.attributes, gram_operator(file, kernel)
        if not 2 <= top <= n // 2:
            raise UserError(f"--top {top}: give a number from 2 to {n // 2}, half of the {n} rows of {path}")
        if 5 * top > n > MOST_IN_MEMORY:
            raise UserError(
                f"--top {top}: more than a fifth of {n} rows takes the whole matrix in memory; ask for fewer"
            )
        targets = _targets(labels, coding)
        log.info("%s: n = %d; up to %.0f MB for the eigenpairs", path, n, basis_megabytes(n, top))
        start = perf_counter()
        width = default_width(top)
        with Progress(f"{path}, at most", default_limit(top, width), unit="vector") as progress:
            pairs = top_eigenpairs(
                matrix, top, rng=rng, tolerance=tolerance, advanced=lambda: progress.advance(width, 0)
            )
    log.info("%s: %d passes, %.1f s", path, pairs.passes, perf_counter() - start)
    windows = [shown for shown in SHOWN if 10 <= shown <= top]
    degrees = targets.shape[1] - 1 if targets is not None and coding == "one_hot" else 1
    smoothness = (
        smoothness_from_top(pairs.vectors, targets, windows, degrees=degrees, rng=rng) if targets is not None else None
    )
    if output is not None:
        dataset = _as_dataset(pairs, smoothness, windows).assign_attrs(attributes, coding=coding)
        try:
            with atomic_path(output) as draft:
                dataset.to_netcdf(draft, engine="netcdf4")
        except OSError as error:
            raise UserError(f"{output}: cannot be written ({error.strerror or error}); name another file") from None
    return _table(pairs, smoothness, windows)


def _targets(labels: NDArray[np.int64] | None, coding: Coding) -> NDArray[np.float64] | None:
    """The labels as numbers; None, with a word, where there is no smoothness to measure."""
    if labels is None:
        log.warning("the samples have no labels: eigenpairs alone")
        return None
    try:
        return target_coding(labels, coding)
    except UserError as error:
        log.warning("%s: eigenpairs alone", error)
        return None


def _as_dataset(pairs: TopPairs, smoothness: TopSmoothness | None, windows: list[int]) -> xr.Dataset:
    """Everything but the eigenvectors."""
    columns = {"eigenvalue": ("index", pairs.values), "residual": ("index", pairs.residuals)}
    if smoothness is not None:
        columns["tail_sum"] = ("index", smoothness.tail_sums)
        for name, values in (
            ("slope", smoothness.slopes),
            ("slope_low", smoothness.lows),
            ("slope_high", smoothness.highs),
            ("null_slope", smoothness.nulls),
        ):
            columns[name] = ("window", np.array(values))
    dataset = xr.Dataset(columns, {"index": np.arange(1, len(pairs.values) + 1), "window": windows})
    for variable in dataset.variables.values():
        variable.attrs["units"] = "1"
    return dataset


def _table(pairs: TopPairs, smoothness: TopSmoothness | None, windows: list[int]) -> str:
    """Eigenvalues at some indices, with the tail sums, and the slopes of the windows that end there."""
    k = len(pairs.values)
    lines = [f"{'i':>6} {'eigenvalue':>12} {'residual':>10} {'tail sum':>12} {'slope':>7} {'95 %':>15} {'null':>6}"]
    for index in sorted({shown for shown in SHOWN if shown <= k} | {k}):
        line = f"{index:>6} {pairs.values[index - 1]:>12.5e} {pairs.residuals[index - 1]:>10.1e}"
        if smoothness is not None:
            line += f" {smoothness.tail_sums[index - 1]:>12.6g}"
            if index in windows:
                w = windows.index(index)
                interval = f"{smoothness.lows[w]:.3f} to {smoothness.highs[w]:.3f}"
                line += f" {smoothness.slopes[w]:>7.3f} {interval:>15} {smoothness.nulls[w]:>6.3f}"
        lines.append(line)
    return "\n".join(lines)
