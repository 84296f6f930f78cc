"""What of this machine is ours: a job of a cluster has a part of its node, and the largest node bounds what a job can ask for."""

import ctypes
import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from math import inf

_SLURM_CPUS = "SLURM_CPUS_PER_TASK"
_SLURM_MEMORY = ("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU")

_SECONDS_FOR_SLURM = 20

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Options of glibc's ``mallopt``: free memory that is kept, and the size from which on an array is a mapping of its own."""


def cpus_at_hand() -> int:
    """CPUs that this process may use: those of its Slurm job, or those that the system lets it run on."""
    return cpus_of_the_job() or len(os.sched_getaffinity(0))


def cpus_of_the_job() -> int | None:
    """CPUs that the Slurm job which this process is a part of was given; None outside of one."""
    given = os.environ.get(_SLURM_CPUS, "")
    return int(given) or None if given.isdecimal() else None


def megabytes_of_the_job() -> float | None:
    """Memory of the Slurm job that this process is a part of, in MB; None outside of one, or where a job may take all."""
    whole, each = (os.environ.get(name, "") for name in _SLURM_MEMORY)
    if whole.isdecimal():
        return float(whole) or None
    return float(each) * cpus_at_hand() or None if each.isdecimal() else None


@cache
def keep_freed_memory() -> None:
    """Have the C library keep some of the memory that is freed, for the next arrays of the same size.

    By itself glibc gives an array of a megabyte back to the system at once, and a point that makes such arrays layer by layer
    spends half of its time on pages that the kernel has to clear again. Other C libraries are left as they are.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    set_option(_MMAP_THRESHOLD, 32 << 20)
    set_option(_TRIM_THRESHOLD, 64 << 20)


@dataclass(frozen=True)
class Node:
    """The most that one job can be given: CPUs, memory in MB, and hours."""

    cpus: int
    megabytes: float
    hours: float = inf


def largest_node(partition: str | None = None) -> Node | None:
    """The most of each that a node of a Slurm partition has; None where Slurm does not say.

    Parameters
    ----------
    partition
        Its name; None for the default one, or for all where none is.
    """
    command = ["sinfo", "--noheader", "--format=%P %c %m %l", *([f"--partition={partition}"] if partition else [])]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_FOR_SLURM, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return read_nodes(answer.stdout, partition)


def read_nodes(text: str, partition: str | None) -> Node | None:
    """What `largest_node` makes of the words of ``sinfo``: lines of partition, CPUs, memory and time limit."""
    lines = [words for words in map(str.split, text.splitlines()) if len(words) == 4 and _are_counts(*words[1:3])]
    default = [words for words in lines if words[0].endswith("*")]
    chosen = lines if partition or not default else default
    if not chosen:
        return None
    _, cpus, memory, times = zip(*chosen, strict=True)
    return Node(max(map(_number, cpus)), max(map(_number, memory)), max(map(hours, times)))


def _are_counts(*texts: str) -> bool:
    """Whether all are counts of ``sinfo``."""
    return all(text.rstrip("+").isdecimal() for text in texts)


def _number(text: str) -> int:
    """A count of ``sinfo``, which has a plus where nodes differ."""
    return int(text.rstrip("+"))


def hours(text: str) -> float:
    """A time limit of Slurm, ``days-hours:minutes:seconds`` with the first parts left out or not, in hours."""
    if not re.fullmatch(r"(\d+-)?\d+(:\d+){0,2}", text):
        return inf
    days, _, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    if days:  # then the clock begins with the hours
        parts = [*parts, 0, 0][:3]
    elif len(parts) == 1:  # minutes alone
        parts = [0, *parts, 0]
    else:
        parts = [0, *parts][-3:]
    return 24.0 * int(days or 0) + parts[0] + parts[1] / 60.0 + parts[2] / 3600.0
