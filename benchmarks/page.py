"""Write ``docs/performance.md`` from the results, so that it cannot say anything else."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.catalogue import BENCHMARKS
from benchmarks.result import Result
from benchmarks.tables import result_tables

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"

_HEAD = """\
# Performance

This page is generated from `benchmarks/results/*.json` by `python -m benchmarks --page`; a test keeps it in step.

```
make bench                 # all benchmarks, some minutes
make bench ONLY=kernels    # one
```

A benchmark prints its tables, writes `benchmarks/results/<name>.json` (every repeat, medians, ratios, settings,
versions, the machine) and renews this page. Competitors run in one process, in shuffled rounds, so that other load
on the machine slows them all alike; each is called once before, and that call is recorded apart. Numerical
libraries have one thread. A cell shows the median and, in brackets, its time relative to the first column: 2× takes
twice as long. Compare ratios: times change with the machine and with what else it does. No test depends on a time.
"""


def page(results: Sequence[Result]) -> str:
    """The text of the page."""
    return "\n".join([_HEAD, *(_section(result) for result in results)]).rstrip() + "\n"


def _section(result: Result) -> str:
    """What one benchmark measures, and what it found."""
    return "\n".join(_section_lines(result))


def _section_lines(result: Result) -> Iterator[str]:
    """The lines of a section."""
    yield f"## {result.benchmark}\n"
    yield f"{BENCHMARKS[result.benchmark]}\n"
    yield result_tables(result)
    machine = result.machine
    versions = ", ".join(f"{name} {version}" for name, version in result.packages.items())
    settings = ", ".join(f"{name} {value}" for name, value in result.settings.items())
    yield f"Settings: {settings}.\n"
    yield (
        f"Machine: {machine.cpu}, {machine.cores} cores, {machine.memory_gib:g} GiB, load {machine.load:g} at the start; "
        f"{versions}; {result.date}.\n"
    )
