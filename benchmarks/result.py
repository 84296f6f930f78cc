"""What a benchmark found, as it is kept in ``benchmarks/results/<name>.json``."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import BaseModel, ConfigDict

from benchmarks.timing import Timings, medians, ratios
from initatlas.files import write_text
from initatlas.provenance import package_versions

RESULTS = Path(__file__).parent / "results"

Measure = Literal["ms", "s", "ns per weight", "network-steps per second", "µs per network-epoch", "ns per pair"]


class Record(BaseModel):
    """A part of a result: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Case(Record):
    """Competitors at the same work.

    Attributes
    ----------
    name
        What the work is.
    work
        How many units of the table's measure one call does.
    seconds, first_call
        As in `benchmarks.timing.Timings`.
    median, ratio
        Median of `seconds`, and the median relative to that of the first competitor.
    """

    name: str
    work: float
    seconds: dict[str, list[float]]
    first_call: dict[str, float]
    median: dict[str, float]
    ratio: dict[str, float]


class TimingTable(Record):
    """Cases that are shown together; `measure` is what the table shows of a median."""

    title: str
    measure: Measure
    cases: list[Case]


class FigureTable(Record):
    """Numbers other than timings, as a table."""

    title: str
    columns: list[str]
    rows: list[list[float | str]]


class Outcome(Record):
    """What the `run` of a benchmark returns."""

    settings: dict[str, Any]
    timings: list[TimingTable] = []
    figures: list[FigureTable] = []


class Machine(Record):
    """Where the benchmark ran; `load` is the machine's load average over a minute when it began."""

    cpu: str
    cores: int
    memory_gib: float
    load: float


class Result(Outcome):
    """An outcome with its provenance."""

    benchmark: str
    date: str
    machine: Machine
    packages: dict[str, str]


def make_case(name: str, timings: Timings, *, work: float = 1.0) -> Case:
    """Add medians and ratios to raw timings."""
    median = medians(timings.seconds)
    return Case(
        name=name,
        work=work,
        seconds=timings.seconds,
        first_call=timings.first_call,
        median=median,
        ratio=ratios(median),
    )


def this_machine() -> Machine:
    """Describe the machine, without its name."""
    return Machine(
        cpu=_cpu_model(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        load=round(os.getloadavg()[0], 2),
    )


def _cpu_model() -> str:
    """Model of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def with_provenance(benchmark: str, outcome: Outcome, machine: Machine) -> Result:
    """Say where, when and with which packages an outcome was found."""
    return Result(
        benchmark=benchmark,
        date=datetime.now(UTC).date().isoformat(),
        machine=machine,
        packages=package_versions(),
        **{name: getattr(outcome, name) for name in Outcome.model_fields},
    )


def save(result: Result) -> None:
    """Write the result of a benchmark, in place of the one before."""
    write_text(RESULTS / f"{result.benchmark}.json", result.model_dump_json(indent=1) + "\n")


def load_results(names: Mapping[str, str], folder: Path = RESULTS) -> list[Result]:
    """Read the results that are there, in the order of `names`."""
    paths = [folder / f"{name}.json" for name in names]
    return [Result.model_validate_json(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
