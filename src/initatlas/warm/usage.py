"""What stages took that a warm parent has forked: Snakemake looks below its shells, and sees their clients alone."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

USAGE = "usage"
"""File in the folder of a warm parent: a line per stage."""

_UNKNOWN = ("max_vms", "max_uss", "max_pss", "io_in", "io_out")
"""What the system does not count for a process that is gone."""


@dataclass(frozen=True)
class Usage:
    """What a process took.

    Attributes
    ----------
    seconds
        Of the processor, with its own children.
    megabytes
        The most memory at a time.
    """

    seconds: float
    megabytes: float


def note_usage(folder: Path, arguments: Sequence[str], usage: Usage) -> None:
    """Note what a stage took, under its log, which tells stages apart.

    Parameters
    ----------
    folder
        That of the warm parent.
    arguments
        Those of the stage.
    usage
        What it took.
    """
    if "--log" in arguments[:-1]:
        line = {"log": arguments[arguments.index("--log") + 1], **asdict(usage)}
        with (folder / USAGE).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")


def read_usage(folder: Path) -> dict[str, Usage]:
    """What stages took so far, by their logs; nothing where none was forked.

    Parameters
    ----------
    folder
        That of the warm parent.
    """
    try:
        lines = (folder / USAGE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {line.pop("log"): Usage(**line) for line in map(json.loads, lines)}


def complete_benchmarks(benchmarks: Mapping[str, str], folder: Path) -> None:
    """Put what the system counted for stages in place of what Snakemake saw of their clients.

    Parameters
    ----------
    benchmarks
        Log of a stage to its benchmark file; one that is not there is left out.
    folder
        That of the warm parent.
    """
    for log, usage in read_usage(folder).items():
        path = Path(benchmarks.get(log, ""))
        if path.is_file():
            with suppress(OSError, ValueError, KeyError):  # another layout, of another Snakemake, stays as it is
                _complete(path, usage)


def _complete(path: Path, usage: Usage) -> None:
    """Complete one file; its time stays, by which Snakemake knows what is new."""
    before = path.stat()
    header, row = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    cells = dict(zip(header, row, strict=True)) | dict.fromkeys(_UNKNOWN, "NA")
    load = 100 * usage.seconds / max(float(cells["s"]), 1e-3)
    counted = {"max_rss": usage.megabytes, "cpu_time": usage.seconds, "mean_load": load}
    cells |= {name: f"{value:.2f}" for name, value in counted.items()}
    path.write_text("\n".join(["\t".join(header), "\t".join(cells.values()), ""]), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
