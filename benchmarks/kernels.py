"""Gram matrices of both kernels: ours, neural-tangents, the recursion in NumPy and PyTorch, and the matrix product."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import neural_tangents
from benchmarks.peer import Peer
from benchmarks.result import Case, Outcome, TimingTable, make_case
from benchmarks.timing import time_competitors
from initatlas.kernels.architecture import Architecture, KernelName
from initatlas.kernels.fully_connected import fully_connected
from initatlas.kernels.gram import gram_matrices

Floats = NDArray[Any]

KERNELS: tuple[KernelName, ...] = ("nngp", "ntk")
DEPTHS = (1, 3, 10, 32)
DTYPES = ("float64", "float32")
ROUNDS = {3000: 3, 8000: 1}
LARGEST_ORACLE = 1e9  # n^2 depth; neural-tangents asks for 33 GB at n = 8000 and depth 32
INPUTS = 784


def run() -> Outcome:
    """Time the kernels."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    with Peer.start(neural_tangents.PYTHON, neural_tangents.__file__) as oracle:
        tables = [
            TimingTable(
                title=f"NNGP and NTK, {dtype}, n = {n}",
                measure="ms",
                cases=[_timed(n, depth, dtype, oracle, rng=rng) for depth in DEPTHS],
            )
            for n in ROUNDS
            for dtype in DTYPES
        ]
    return Outcome(settings={"inputs": INPUTS, "rounds": str(ROUNDS), "threads": 1}, timings=tables)


def _timed(n: int, depth: int, dtype: str, oracle: Peer, *, rng: np.random.Generator) -> Case:
    """Time both kernels of one network."""
    features = rng.standard_normal((n, INPUTS)).astype(dtype)
    other = features.copy()  # a product with itself would take half the work
    networks = [(kernel, Architecture("relu", depth)) for kernel in KERNELS]
    tensor = torch.from_numpy(features)
    competitors: dict[str, Callable[[], object]] = {
        "matrix product": lambda: features @ other.T,
        "initatlas": lambda: [*map(np.size, gram_matrices(fully_connected(features, networks, dtype=dtype)))],
        "NumPy, arccos": partial(recursion_with_arccos, features, depth),
        "PyTorch, arccos": partial(_recursion_in_torch, tensor, depth),
    }
    if oracle.available and n * n * depth <= LARGEST_ORACLE:
        competitors["neural-tangents, jitted"] = oracle.prepared({"features": features}, depth=depth)
    return make_case(f"depth {depth}", time_competitors(competitors, rounds=ROUNDS[n], rng=rng))


def recursion_with_arccos(features: Floats, depth: int) -> tuple[Floats, Floats]:
    """NNGP and NTK of a ReLU network in the textbook form: layer by layer, on the cosines of whole matrices."""
    norms = np.linalg.norm(features, axis=1)
    scale = np.outer(norms, norms)
    nngp = np.clip(features @ features.T / scale, -1.0, 1.0)
    ntk = nngp.copy()
    for _ in range(depth):
        angle = np.arccos(nngp)
        nngp = np.minimum((np.sqrt(1.0 - nngp**2) + (np.pi - angle) * nngp) / np.pi, 1.0)
        ntk = nngp + ntk * (1.0 - angle / np.pi)
    return scale * nngp, scale * ntk


def _recursion_in_torch(features: torch.Tensor, depth: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The same in PyTorch."""
    norms = features.norm(dim=1)
    scale = torch.outer(norms, norms)
    nngp = (features @ features.T / scale).clamp(-1.0, 1.0)
    ntk = nngp.clone()
    for _ in range(depth):
        angle = torch.arccos(nngp)
        nngp = ((torch.sqrt(1.0 - nngp**2) + (torch.pi - angle) * nngp) / torch.pi).clamp(max=1.0)
        ntk = nngp + ntk * (1.0 - angle / torch.pi)
    return scale * nngp, scale * ntk
