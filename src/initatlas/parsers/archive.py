"""`initatlas archive`."""

import argparse
import re
from pathlib import Path

from initatlas.parsers import completion
from initatlas.parsers.arguments import add_scale, overrides_of, place


def add_archive(parser: argparse.ArgumentParser) -> None:
    """``initatlas archive [OUT]``."""
    parser.add_argument(
        "output",
        nargs="?",
        type=place,
        metavar="OUT",
        help="a folder, or a file that ends in .zip; none: data/archives/",
    )
    study = parser.add_argument(
        "--study", action="append", default=[], help="this study alone; may be given several times"
    )
    completion.completed(study, completion.studies)
    parser.add_argument("--license", type=_spdx, default="MIT", help="terms of the archive, as in the SPDX list (MIT)")
    parser.add_argument(
        "--snakefile", type=Path, help="the Snakefile, if it is not here and this package is no clone's"
    )
    add_scale(parser)
    parser.set_defaults(command=_archive, in_atlas=True)


def _spdx(text: str) -> str:
    """An identifier of the SPDX list of licences."""
    if not re.fullmatch(r"[A-Za-z0-9.+-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r}: give an identifier of the SPDX list, such as MIT or CC-BY-4.0")
    return text


def _archive(options: argparse.Namespace) -> None:
    from initatlas.commands.archive import archive

    print(
        archive(
            options.output,
            options.study,
            overrides_of(options),
            license_name=options.license,
            snakefile=options.snakefile,
        )
    )
