"""Ridge regression and gradient flow on a kernel matrix in a file, for networks of infinite width on more data than memory holds.

`initatlas kernel fit` writes a netCDF file:

===========  ======================  =====================================================================================
variable     dimensions              meaning
===========  ======================  =====================================================================================
coefficient  fit, training, output   a of the predictions sum over training samples of k(x, x_i) a_i
prediction   fit, test, output       predictions at the test samples
residual     fit                     largest |Y - (K + s) X| / |Y| of the systems that were solved, by output
bound        fit                     bound of the error of the coefficients, relative to them
train_error  fit                     share of wrong classes, or mean squared error, on the samples of the matrix
test_error   fit                     the same on the test samples
row          training                places of the training samples in the data set
test_row     test                    places of the test samples
===========  ======================  =====================================================================================

The coordinates ``method`` and ``value`` of a fit say whether it is ridge regression or gradient flow, and its ridge or time.
"""

import hashlib
import json
import logging
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import xarray as xr

from initatlas.arrays import Doubles, Integers
from initatlas.commands.kernel import KernelSettings, Selection, check_output
from initatlas.datasets.dataset import read_dataset
from initatlas.datasets.samples import Samples, Split
from initatlas.errors import UserError
from initatlas.estimators.leave_one_out import Numbers
from initatlas.estimators.nystrom import Nystrom, nystrom
from initatlas.estimators.resolvents import Resolvents, flow_resolvents, ridge_resolvents
from initatlas.estimators.shifted_systems import Matrix, Solutions, solve_shifted
from initatlas.files import atomic_path
from initatlas.kernels.gram_file import Dtype, GramFile
from initatlas.kernels.operators import gram_operator
from initatlas.kernels.tiles import block_of
from initatlas.sweeps.progress import Progress

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 512
"""Test samples whose kernel with all training samples is in memory."""

SECONDS_BETWEEN_DRAFTS = 30.0

MOST_RANK = 1000
"""Of the preconditioner, unless told otherwise; and an eighth of the rows at most."""


@dataclass(frozen=True)
class Methods:
    """Fits of one file: all are solved together, so that each pass over the file serves all."""

    ridges: Sequence[float]
    times: Sequence[float]

    def labels(self) -> list[tuple[str, float]]:
        """Method and value of every fit."""
        return [*(("ridge", ridge) for ridge in self.ridges), *(("flow", time) for time in self.times)]

    def resolvents(self, n: int, tolerance: float) -> list[Resolvents]:
        """Their functions of the matrix of n rows."""
        ridges = [ridge_resolvents(ridge) for ridge in self.ridges]
        return [*ridges, *(flow_resolvents(time / n, 0.1 * tolerance) for time in self.times)]


@dataclass(frozen=True)
class Task:
    """Targets of the samples of a matrix.

    Attributes
    ----------
    data
        The data set.
    rows
        Places of the samples in it.
    classes
        Classes in increasing order; None for numbers.
    """

    data: Samples
    rows: Integers
    classes: Integers | None

    @classmethod
    def of(cls, data: Samples, rows: Integers) -> "Task":
        """Classes where the data set has some."""
        return cls(data, rows, np.unique(data.targets()[rows]) if data.traits.labels else None)

    def coded(self) -> Doubles:
        """One column of 1 and -1 for every class, or the numbers, shape (n, k)."""
        targets = self.data.targets()[self.rows]
        if self.classes is None:
            return np.asarray(targets, dtype=np.float64).reshape(len(targets), -1)
        return np.where(targets[:, None] == self.classes, 1.0, -1.0)

    def error(self, outputs: Doubles, rows: Integers) -> float:
        """Share of wrong classes, or mean squared error, of outputs for some samples; nan for none."""
        if not len(rows):
            return float("nan")
        targets = self.data.targets()[rows]
        if self.classes is None:
            return float(np.mean((outputs - np.asarray(targets).reshape(outputs.shape)) ** 2))
        return float(np.mean(self.classes[outputs.argmax(axis=1)] != targets))


def fit(
    path: Path,
    dataset: Path,
    methods: Methods,
    *,
    kernel: str | None,
    split: Split | None,
    rank: int | None,
    tolerance: float,
    seed: int,
    output: Path,
) -> str:
    """Train networks of infinite width on the samples of a kernel matrix, and test them on others of the data set.

    Parameters
    ----------
    path
        A file of `initatlas.commands.kernel.gram`.
    dataset
        The data set that it was made from.
    methods
        Ridges and times.
    kernel
        Which of the file's kernels; None if there is one alone.
    split
        Test on the samples of this split that are not in the matrix; None takes both splits.
    rank
        Of the preconditioner; None takes an eighth of the rows, at most `MOST_RANK`.
    tolerance
        Of the residuals, relative to the targets.
    seed
        Of the preconditioner.
    output
        The netCDF file to make. What a killed run has reached stands beside it; the same command goes on there.

    Returns
    -------
    str
        A table.
    """
    check_output(output)
    if not methods.labels():
        raise UserError("nothing to fit: give a --ridge or a --time")
    with GramFile(path) as file:
        name = file.names[file.number_of(kernel)]
        settings, task = _task(file, path, dataset, name)
        n = file.plan.n
        rank = min(n // 8, MOST_RANK) if rank is None else rank
        if rank > n:
            raise UserError(f"--rank {rank}: give at most the number of rows of {path}, {n}")
        resolvents = methods.resolvents(n, tolerance)
        identity = {"gram": file.key, "kernel": name, "dataset": task.data.content_sha256}
        beginning = _Draft(_beside(output, "preconditioner"), {**identity, "rank": rank, "seed": seed})
        draft = _Draft(_beside(output, "draft"), {**identity, "fits": methods.labels(), "tolerance": tolerance})
        approximation = _preconditioner(file, name, rank, seed, beginning)
        solutions = _solved(file, name, task.coded(), resolvents, tolerance, approximation, draft)
        dtype: Dtype = "float64" if file.dtype == np.float64 else "float32"
    result = _result(task, methods, resolvents, solutions)
    others = np.setdiff1d(np.flatnonzero(task.data.rows(split)), task.rows)
    features = task.data.features()
    between = settings.between(features[others], dtype, features[task.rows]) if len(others) else None
    result = _tested(result, task, others, between)
    _write(result.assign_attrs(title=f"fits of {task.data.name} with the {name}", gram=file.key), output)
    for one in (beginning, draft):
        one.path.unlink(missing_ok=True)
    return _table(result, "wrong" if task.classes is not None else "error")


def _task(file: GramFile, path: Path, dataset: Path, name: str) -> tuple[KernelSettings, Task]:
    """What a matrix is made of."""
    data = read_dataset(dataset)
    stated = json.loads(file.attributes["settings"])
    if not isinstance(data, Samples) or data.content_sha256 != stated["content_sha256"]:
        raise UserError(f"{dataset}: is not the data set {stated['dataset']} that {path} was made from; give that one")
    rows = Selection(stated["split"], stated["samples"], stated["seed"]).rows(data)
    chosen = {key: stated[key] for key in KernelSettings.__dataclass_fields__}
    return KernelSettings(**{**chosen, "kernels": (name,)}), Task.of(data, rows)


def _preconditioner(file: GramFile, name: str, rank: int, seed: int, draft: "_Draft") -> Nystrom:
    """By one pass over the file for some hundred columns, or from an earlier run."""
    kept = draft.read()
    if kept is not None:
        return Nystrom(*kept)
    matrix = gram_operator(file, name)
    with Progress(f"{file.path}, preconditioner", rank, unit="column") as progress:
        made = nystrom(
            matrix, rank, rng=np.random.default_rng(seed), advanced=lambda columns: progress.advance(columns, 0)
        )
    draft.write([made.values, made.vectors])
    return made


def _solved(
    file: GramFile,
    name: str,
    targets: Doubles,
    resolvents: Sequence[Resolvents],
    tolerance: float,
    preconditioner: Nystrom,
    draft: "_Draft",
) -> Solutions:
    """All systems of all fits, from where an earlier run ended."""
    watch = _Watch(file.path, draft)
    solutions = solve_shifted(
        Matrix.of(gram_operator(file, name), gram_operator(file, name, exact=True)),
        targets,
        [shift for one in resolvents for shift in one.shifts.tolist()],
        tolerances=[number for one in resolvents for number in one.tolerances(tolerance)],
        preconditioner=preconditioner,
        start=draft.read(),
        advanced=watch.advanced,
    )
    watch.tell()
    if not solutions.converged:
        log.warning(
            "%s: a residual stays above the tolerance, since the products are not exact enough; take a larger ridge, a "
            "shorter time, or a matrix in float64",
            file.path,
        )
    return solutions


def _result(task: Task, methods: Methods, resolvents: Sequence[Resolvents], solutions: Solutions) -> xr.Dataset:
    """Coefficients of every fit, what is known of their errors, and the errors on the training samples."""
    ends = np.cumsum([len(one.shifts) for one in resolvents])
    parts = [slice(end - len(one.shifts), end) for one, end in zip(resolvents, ends, strict=True)]
    targets = task.coded()
    coefficients = [one.combined(solutions.values[part]) for one, part in zip(resolvents, parts, strict=True)]
    heights = [_height(solutions.residuals[part], one, targets) for one, part in zip(resolvents, parts, strict=True)]
    bounds = [
        one.error(solutions.residuals[part]) / (float(np.linalg.norm(coefficient)) or 1.0)
        for one, part, coefficient in zip(resolvents, parts, coefficients, strict=True)
    ]
    errors = [
        task.error(one.fitted(targets, solutions.values[part], solutions.residuals[part]), task.rows)
        for one, part in zip(resolvents, parts, strict=True)
    ]
    labels = methods.labels()
    return xr.Dataset(
        {
            "coefficient": (("fit", "training", "output"), np.array(coefficients)),
            "residual": ("fit", heights),
            "bound": ("fit", bounds),
            "train_error": ("fit", errors),
            "row": ("training", task.rows),
        },
        {"method": ("fit", [name for name, _ in labels]), "value": ("fit", [value for _, value in labels])},
    )


def _height(residuals: Sequence[Numbers], resolvents: Resolvents, targets: Doubles) -> float:
    """The largest residual relative to the targets, each weighed as its term is."""
    norms = np.maximum(np.linalg.norm(targets, axis=0), np.finfo(np.float64).tiny)
    heights = [float(np.max(np.linalg.norm(residual, axis=0) / norms)) for residual in residuals]
    return float(np.max(np.array(heights) * resolvents.reaches / resolvents.reaches.max()))


def _tested(result: xr.Dataset, task: Task, others: Integers, between: Any) -> xr.Dataset:
    """The same with predictions at other samples."""
    coefficients = result["coefficient"].transpose("training", "fit", "output").values
    flat = coefficients.reshape(len(coefficients), -1)
    spans = [slice(at, min(at + ROWS_AT_ONCE, len(others))) for at in range(0, len(others), ROWS_AT_ONCE)]
    values = [_product(between, span, flat) for span in spans] or [np.zeros((0, flat.shape[1]))]
    predictions = np.concatenate(values).reshape(len(others), *coefficients.shape[1:]).transpose(1, 0, 2)
    return result.assign(
        prediction=(("fit", "test", "output"), predictions),
        test_error=("fit", [task.error(one, others) for one in predictions]),
        test_row=("test", others),
    )


def _product(between: Any, rows: slice, coefficients: Doubles) -> Doubles:
    """Predictions at some samples."""
    (block,) = block_of(between, rows, slice(0, between.shape[1]))
    product: Doubles = block.astype(np.float64, copy=False) @ coefficients
    return product


def _write(result: xr.Dataset, output: Path) -> None:
    """The file."""
    for variable in result.variables.values():
        variable.attrs["units"] = "1"
    try:
        with atomic_path(output) as draft:
            result.to_netcdf(draft, engine="netcdf4")
    except OSError as error:
        raise UserError(f"{output}: cannot be written ({error.strerror or error}); name another file") from None


def _table(result: xr.Dataset, error: str) -> str:
    """A line for every fit."""
    lines = [f"{'method':>6} {'value':>10} {'residual':>10} {'bound':>10} {'train ' + error:>12} {'test ' + error:>12}"]
    for method, *numbers in zip(*_columns(result), strict=True):
        value, residual, bound, train, test = map(float, numbers)
        lines.append(f"{method:>6} {value:>10.4g} {residual:>10.1e} {bound:>10.1e} {train:>12.5g} {test:>12.5g}")
    return "\n".join(lines)


def _columns(result: xr.Dataset) -> Iterable[Sequence[Any]]:
    """Of the table."""
    names = ("method", "value", "residual", "bound", "train_error", "test_error")
    return [result[name].values.tolist() for name in names]


def _beside(output: Path, what: str) -> Path:
    """A hidden file beside the output."""
    return output.with_name(f".{output.stem}.{what}.npz")


class _Watch:
    """Keeps what is reached, and tells, now and then."""

    def __init__(self, path: Path, draft: "_Draft") -> None:
        self._path, self._draft = path, draft
        self._begin = self._saved = monotonic()
        self._passes, self._residual = 0, 1.0

    def advanced(self, values: Sequence[Numbers], residual: float) -> None:
        """After every pass."""
        self._passes, self._residual = self._passes + 1, residual
        if monotonic() - self._saved > SECONDS_BETWEEN_DRAFTS:
            self._draft.write(values)
            self._saved = monotonic()
            self.tell()

    def tell(self) -> None:
        """A line."""
        seconds = monotonic() - self._begin
        log.info("%s: %d passes, residual %.1e, %.1f s", self._path, self._passes, self._residual, seconds)


class _Draft:
    """Arrays that outlive a kill, with what they belong to."""

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self.path = path
        self._key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def read(self) -> list[Any] | None:
        """The arrays; None if there are none, or those of something else."""
        try:
            with np.load(self.path) as stored:
                if str(stored["key"]) != self._key:
                    log.warning("%s: is the beginning of another fit; begun anew", self.path)
                    return None
                log.info("%s: goes on from an earlier run", self.path)
                return [stored[f"array_{number}"] for number in range(int(stored["count"]))]
        except (OSError, KeyError, ValueError, zipfile.BadZipFile):
            return None

    def write(self, arrays: Sequence[Any]) -> None:
        """Put them there."""
        named = {f"array_{number}": array for number, array in enumerate(arrays)}
        try:
            with atomic_path(self.path) as draft:
                np.savez(draft, key=np.array(self._key), count=np.array(len(arrays)), **named)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror or error}); make room") from None
