"""What computed a batch: the versions and the processor that its numbers may depend on, and whether a cube mixes several."""

import platform
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from initatlas.provenance import package_versions

PACKAGES = ("numpy", "scipy", "torch", "numba", "initatlas")
"""What a batch may call into; a package that is not installed is not recorded."""

NO_MIXTURE = frozenset({"initatlas"})
"""Entries that may differ without a word: what this package computes is told by its code version, which never differs."""

VECTORS = ("avx512f", "avx2", "avx", "sse4_2")
"""Vector units of x86, widest first: the libraries choose their kernels by them."""

_CPUS = Path("/proc/cpuinfo")


class Share(NamedTuple):
    """An environment, and the number of points that it computed."""

    environment: Mapping[str, str]
    points: int


def environment(*, gpu: bool) -> dict[str, str]:
    """The environment of this process.

    Parameters
    ----------
    gpu
        Whether the batch runs on a GPU; its name is recorded then.

    Returns
    -------
    dict
        ``python``, the installed of `PACKAGES`, ``blas`` (the one that numpy was built with), ``cpu``, and ``gpu``.
    """
    return {**_software(), "cpu": cpu_kind(), **({"gpu": _gpu_name()} if gpu else {})}


@cache
def _software() -> dict[str, str]:
    """Versions of Python, of the packages and of the linear algebra behind numpy."""
    return package_versions(PACKAGES) | {"blas": _blas()}


def _blas() -> str:
    """Name and version of the linear algebra that numpy was built with."""
    import numpy as np

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


@cache
def cpu_kind() -> str:
    """Model of the CPU, with its family and widest vector unit: virtual machines name very different ones alike."""
    try:
        return describe_cpu(_CPUS.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return platform.machine()


def describe_cpu(text: str) -> str:
    """The first CPU of a ``/proc/cpuinfo`` in words; the architecture where it says no more."""
    lines = [re.split(r"\s*:\s*", line, maxsplit=1) for line in text.partition("\n\n")[0].splitlines() if ":" in line]
    fields = {line[0]: line[1] for line in lines}
    name = fields.get("model name") or platform.machine()
    kind = [f"{key} {fields[key]}" for key in ("cpu family", "model", "CPU implementer", "CPU part") if key in fields]
    flags = fields.get("flags", "").split()
    widest = [unit for unit in VECTORS if unit in flags][:1]
    return ", ".join([name, *kind, *widest])


def _gpu_name() -> str:
    """Name of the GPU that torch uses in this process."""
    torch = sys.modules.get("torch")
    return str(torch.cuda.get_device_name()) if torch is not None and torch.cuda.is_available() else "unknown"


def mixture(shares: Sequence[Share]) -> str:
    """One sentence that names what differs between the environments behind some points; empty if nothing does.

    Parameters
    ----------
    shares
        The environments with their points. One that is empty stands for points without a record.
    """
    known = [share for share in shares if share.environment]
    keys = dict.fromkeys(key for share in known for key in share.environment if key not in NO_MIXTURE)
    differing = [_values(key, known) for key in keys if len({share.environment.get(key) for share in known}) > 1]
    unknown = sum(share.points for share in shares if not share.environment)
    if unknown and known:
        differing.append(f"{_points(unknown)} without a record")
    return f"computed in different environments: {'; '.join(differing)}" if differing else ""


def _values(key: str, shares: Sequence[Share]) -> str:
    """The values of one entry, the commonest first, with their points."""
    counts: Counter[str] = Counter()
    for share in shares:
        counts[share.environment.get(key, "none")] += share.points
    return f"{key} {' and '.join(f'{value} ({_points(count)})' for value, count in counts.most_common())}"


def _points(count: int) -> str:
    """A number of points in words."""
    return f"{count} point{'' if count == 1 else 's'}"
