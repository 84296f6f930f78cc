"""A GPU: training of many networks there and on the CPU, and kernel matrices of sixty thousand images."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations_with_replacement
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.result import Case, FigureTable, Outcome, TimingTable, make_case
from benchmarks.timing import per_unit, time_competitors
from benchmarks.training import BATCH, LEARNING_RATE, TEST, TRAIN, new_network, random_split, train_ours
from initatlas.duals.univariate import ROOT_HALF, UnivariateKernel, cheapest_form
from initatlas.kernels.architecture import Architecture, KernelName
from initatlas.kernels.fillers import compiled_kernel
from initatlas.kernels.fully_connected import fully_connected
from initatlas.kernels.gram import gram_matrices
from initatlas.networks.evaluation import Split

Singles = NDArray[np.float32]
Device = Literal["cpu", "cuda"]

TRAINING = ((64, 256, 60), (256, 64, 60), (1024, 8, 30), (4096, 2, 20))
"""Width, networks, steps."""
DEPTH, INPUTS = 4, 784
KERNELS: tuple[KernelName, ...] = ("nngp", "ntk")
KERNEL_DEPTH = 3
IMAGES, IMAGES_ON_CPU, IMAGES_COMPARED, TILE = 60_000, 6000, 2000, 5000
ROUNDS = 2


def unavailable() -> str | None:
    """Why this machine cannot run the benchmark; None if it can."""
    return None if torch.cuda.is_available() else "PyTorch finds no GPU here"


def run(device: Device = "cuda") -> Outcome:
    """Time both, the GPU first."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    name = torch.cuda.get_device_name() if device == "cuda" else device
    training = [_training(*sizes, device, rng=rng) for sizes in TRAINING]
    images = rng.standard_normal((IMAGES, INPUTS), dtype=np.float32)
    kernels, error = _kernels(images, device, rng=rng)
    return Outcome(
        settings={"gpu": name, "depth": DEPTH, "batch_size": BATCH, "rounds": ROUNDS, "threads": 1, "tile": TILE},
        timings=[
            TimingTable(title="Training of ReLU networks", measure="network-steps per second", cases=training),
            TimingTable(title="NNGP and NTK of three hidden layers, float32", measure="ns per pair", cases=[kernels]),
        ],
        figures=[
            FigureTable(
                title="Largest difference of a kernel on the GPU from ours on the CPU, relative to its largest entry",
                columns=["", "difference"],
                rows=[[kernel, found] for kernel, found in error.items()],
            )
        ],
    )


def _training(width: int, networks: int, steps: int, device: Device, *, rng: np.random.Generator) -> Case:
    """Time one width."""
    train, test = random_split(TRAIN, INPUTS, rng=rng), random_split(TEST, INPUTS, rng=rng)
    together = partial(train_ours, width, DEPTH, train, test, networks=networks, steps=steps)
    calls: dict[str, Callable[[], object]] = {
        "initatlas, GPU": partial(together, device=device),
        "initatlas, CPU": together,
        "PyTorch loop, GPU": partial(train_in_a_loop, width, networks, steps, train, device),
    }
    timings = time_competitors(calls, rounds=ROUNDS, rng=rng)
    return make_case(f"width {width}, {networks} networks", timings, work=networks * steps)


def train_in_a_loop(width: int, networks: int, steps: int, train: Split, device: Device) -> None:
    """Train them one after the other, the data on the GPU all the time."""
    x, y = (torch.from_numpy(part).to(device) for part in train)
    for seed in range(networks):
        torch.manual_seed(seed)
        network = new_network(width, DEPTH, INPUTS).to(device)
        optimiser = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE)
        for _ in range(steps):
            chosen = torch.randperm(TRAIN, device=device)[:BATCH]
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(x[chosen]), y[chosen]).backward()
            optimiser.step()
    _wait_for(device)


def _kernels(images: Singles, device: Device, *, rng: np.random.Generator) -> tuple[Case, dict[str, float]]:
    """Time the kernels by the pair of images, and compare them on some."""
    networks = [(kernel, Architecture("relu", KERNEL_DEPTH)) for kernel in KERNELS]
    few, some = images[:IMAGES_COMPARED], images[:IMAGES_ON_CPU]
    ours = dict(zip(KERNELS, gram_matrices(fully_connected(few, networks, dtype="float32")), strict=True))
    theirs = dict(zip(KERNELS, next(iter(kernel_tiles(few, device, tile=len(few)))), strict=True))
    upper = np.triu_indices(len(few), 1)
    error = {
        kernel: float(np.abs(theirs[kernel].cpu().numpy() - ours[kernel])[upper].max() / np.abs(ours[kernel]).max())
        for kernel in KERNELS
    }
    calls: dict[str, Callable[[], object]] = {
        "polynomials in PyTorch, GPU": lambda: _visit_all(images, device),
        "initatlas, CPU": lambda: [*map(np.size, gram_matrices(fully_connected(some, networks, dtype="float32")))],
    }
    works = {"polynomials in PyTorch, GPU": pairs(len(images)), "initatlas, CPU": pairs(len(some))}
    timings = per_unit(time_competitors(calls, rounds=ROUNDS, rng=rng), works)
    return make_case(f"{len(images)} images; on the CPU {len(some)}", timings), error


def pairs(images: int) -> float:
    """Pairs of images, each once, an image with itself among them."""
    return images * (images + 1) / 2


def _visit_all(images: Singles, device: Device) -> None:
    """Compute every tile on and above the diagonal, and keep none."""
    for _ in kernel_tiles(images, device):
        pass
    _wait_for(device)


def kernel_tiles(images: Singles, device: Device, *, tile: int = TILE) -> Iterator[list[torch.Tensor]]:
    """Both kernels, tile by tile: a matrix product, a square root, and a polynomial of the half-chord for each pair.

    Yields
    ------
    list of tensor, one for each kernel, shape (tile, tile)
        Its diagonal, where it lies on that of the matrix, has the rounding of the product.
    """
    x = torch.from_numpy(images).to(device)
    norms = x.norm(dim=1)
    unit = x / norms[:, None]
    univariates = [compiled_kernel(kernel, Architecture("relu", KERNEL_DEPTH), dtype="float32") for kernel in KERNELS]
    starts = range(0, len(images), tile)
    for top, left in combinations_with_replacement(starts, 2):
        rows, columns = slice(top, top + tile), slice(left, left + tile)
        cosine = unit[rows] @ unit[columns].T
        acute = cosine >= 0
        place = torch.sqrt((0.5 - 0.5 * cosine.abs()).clamp_(min=0.0)).mul_(2.0 / ROOT_HALF).sub_(1.0)
        scale = norms[rows, None] * norms[columns]
        yield [scale * _evaluated(kernel, place, acute) for kernel in univariates]


def _evaluated(kernel: UnivariateKernel, place: torch.Tensor, acute: torch.Tensor) -> torch.Tensor:
    """The series of acute angles where they are, elsewhere that of obtuse ones."""
    return torch.where(acute, _series(kernel.near, place), _series(kernel.far, place))


def _series(series: NDArray[np.float64], place: torch.Tensor) -> torch.Tensor:
    """A polynomial by Horner's rule, or by Clenshaw's where powers would lose digits."""
    coefficients, powers = cheapest_form(series)
    if powers:
        value = torch.full_like(place, float(coefficients[-1]))
        for coefficient in coefficients[-2::-1]:
            value.mul_(place).add_(float(coefficient))
        return value
    current, previous = torch.zeros_like(place), torch.zeros_like(place)
    for coefficient in coefficients[:0:-1]:
        current, previous = torch.addcmul(float(coefficient) - previous, place, current, value=2.0), current
    return float(coefficients[0]) + place * current - previous


def _wait_for(device: Device) -> None:
    """Until the GPU has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()
