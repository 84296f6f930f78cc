"""`initatlas kernel`: kernel matrices that do not fit in memory."""

import argparse
from pathlib import Path

from initatlas.parsers import completion
from initatlas.parsers.arguments import count, positive, seed, tolerance


def add_kernel_commands(parser: argparse.ArgumentParser) -> None:
    """``initatlas kernel gram | spectrum | fit``."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    gram = commands.add_parser("gram", help="compute a kernel matrix into a file, tile by tile; can be interrupted")
    gram.add_argument(
        "--dataset", type=Path, required=True, help="file of a data set, such as data/datasets/quick/mnist.nc"
    )
    gram.add_argument("--output", type=Path, required=True, help="the file to make (HDF5)")
    gram.add_argument("--split", choices=("train", "test"), help="instead of all images")
    gram.add_argument("--samples", type=count, help="draw so many images instead of all")
    gram.add_argument("--seed", type=seed, default=0, help="seed of the draw")
    gram.add_argument(
        "--kernel", choices=("ntk", "nngp"), nargs="+", default=["ntk"], help="one, or both in one pass (ntk)"
    )
    activation = gram.add_argument(
        "--activation", default="relu", help="a label, such as erf or 'leaky_relu(slope=0.2)'"
    )
    completion.completed(activation, completion.activations)
    gram.add_argument("--depth", type=int, default=1, help="hidden layers, up to 20000")
    gram.add_argument("--weight-variance", type=float, help="times the fan-in; instead of the norm-preserving one")
    gram.add_argument("--bias-variance", type=float, default=0.0, help="of the hidden layers")
    gram.add_argument(
        "--raw", action="store_true", help="take the images as they are; by default they are scaled to the unit sphere"
    )
    gram.add_argument("--bias", action="store_true", help="give the first layer a bias")
    gram.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    gram.add_argument("--tile", type=count, default=4096, help="largest side of a tile")
    gram.add_argument("--workers", type=count, default=1, help="more than 1: on Ray")
    gram.set_defaults(command=_kernel_gram)
    spectrum = commands.add_parser("spectrum", help="the largest eigenpairs of such a file, and its labels' tail sums")
    spectrum.add_argument("gram", type=Path, help="a file of `initatlas kernel gram`")
    spectrum.add_argument("--kernel", choices=("ntk", "nngp"), help="which one, of a file with both")
    spectrum.add_argument("--top", type=count, default=500, help="number of eigenpairs")
    spectrum.add_argument(
        "--coding",
        choices=("class_index", "class_index_centred", "one_hot", "parity", "first_or_rest"),
        default="class_index",
    )
    spectrum.add_argument("--seed", type=seed, default=0, help="seed of the starting vectors and of the bootstrap")
    spectrum.add_argument(
        "--tolerance", type=tolerance, default=1e-4, help="bound of the residuals over the eigenvalues"
    )
    spectrum.add_argument("--output", type=Path, help="also write everything to this netCDF file")
    spectrum.set_defaults(command=_kernel_spectrum)
    fit = commands.add_parser("fit", help="train networks of infinite width on such a file, and test them")
    fit.add_argument("gram", type=Path, help="a file of `initatlas kernel gram`")
    fit.add_argument("--dataset", type=Path, required=True, help="file of the data set that it was made from")
    fit.add_argument("--kernel", choices=("ntk", "nngp"), help="which one, of a file with both")
    fit.add_argument("--ridge", type=positive, nargs="+", default=[], help="ridge regression with each of these")
    fit.add_argument(
        "--time", type=positive, nargs="+", default=[], help="gradient flow of the mean loss to each of these"
    )
    fit.add_argument("--split", choices=("train", "test"), help="test on this split alone, less what is in the matrix")
    fit.add_argument("--rank", type=count, help="of the preconditioner (an eighth of the rows, at most 1000)")
    fit.add_argument("--tolerance", type=tolerance, default=1e-6, help="of the residuals, relative to the targets")
    fit.add_argument("--seed", type=seed, default=0, help="seed of the preconditioner")
    fit.add_argument("--output", type=Path, required=True, help="the netCDF file to make")
    fit.set_defaults(command=_kernel_fit)


def _kernel_gram(options: argparse.Namespace) -> None:
    from initatlas.commands.kernel import KernelSettings, Selection, gram

    settings = KernelSettings(
        tuple(options.kernel),
        options.activation,
        options.depth,
        options.weight_variance,
        options.bias_variance,
        not options.raw,
        options.bias,
    )
    gram(
        options.dataset,
        options.output,
        Selection(options.split, options.samples, options.seed),
        settings,
        dtype=options.dtype,
        tile=options.tile,
        workers=options.workers,
    )


def _kernel_spectrum(options: argparse.Namespace) -> None:
    from initatlas.commands.kernel import spectrum

    print(
        spectrum(
            options.gram,
            options.top,
            kernel=options.kernel,
            coding=options.coding,
            seed=options.seed,
            tolerance=options.tolerance,
            output=options.output,
        )
    )


def _kernel_fit(options: argparse.Namespace) -> None:
    from initatlas.commands.kernel_fit import Methods, fit

    print(
        fit(
            options.gram,
            options.dataset,
            Methods(options.ridge, options.time),
            kernel=options.kernel,
            split=options.split,
            rank=options.rank,
            tolerance=options.tolerance,
            seed=options.seed,
            output=options.output,
        )
    )
