"""The stages that the workflow calls, one per rule, and the process that holds its Ray."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from initatlas.errors import UserError
from initatlas.machine import cpus_of_the_job
from initatlas.parsers.arguments import Command, count

if TYPE_CHECKING:
    from initatlas.studies.evidence import Evidence


def add_stages(parser: argparse.ArgumentParser) -> None:
    """``initatlas stage ...``: one per rule of the workflow."""
    stages = parser.add_subparsers(required=True, metavar="STAGE")

    def stage(name: str, command: Command, *options: str) -> argparse.ArgumentParser:
        stage = stages.add_parser(name)
        stage.add_argument("--log", type=Path)
        stage.set_defaults(command=command, in_workflow=True)
        for option in options:
            stage.add_argument(f"--{option}", required=True)
        return stage

    stage("dataset", _stage_dataset, "name", "spec", "raw-data", "made-from", "output")
    sweep = stage("sweep", _stage_sweep, "spec", "store", "output", "backend")
    sweep.add_argument("--workers", type=count, required=True)
    sweep.add_argument("--fail-fast", action="store_true")
    sweep.add_argument("--data", nargs="*", default=[], metavar="NAME=FILE")
    sweep.add_argument("--slice", default="1/1", metavar="NUMBER/OF")
    for name, command, options in (
        ("figure", _stage_figure, ("study", "name", "published", "output")),
        ("table", _stage_table, ("study", "name", "published", "caption", "output")),
        ("claims", _stage_claims, ("study", "published", "output")),
    ):
        stage(name, command, *options).add_argument("--cubes", nargs="*", default=[], metavar="STUDY/SWEEP=FILE")
    stage("ledger", _stage_ledger, "output").add_argument("--claims", nargs="*", default=[])
    stage("unavailable", _stage_unavailable, "reason")
    explorer = stage("explorer", _stage_explorer, "output")
    explorer.add_argument("--cubes", nargs="*", default=[], metavar="STUDY/SWEEP=FILE")
    explorer.add_argument("--outputs", nargs="*", default=[], metavar="STUDY/SWEEP=NAME,NAME")
    stage("kernels", _stage_kernels, "output")
    page = stage("page", _stage_page, "products", "scale", "output")
    page.add_argument("--studies", nargs="*", default=[])
    page.add_argument("--cubes", nargs="*", default=[], metavar="STUDY/SWEEP=FILE")
    page.add_argument("--absent", nargs="*", default=[], metavar="DATASET=COMMAND")


def add_keeper(parser: argparse.ArgumentParser) -> None:
    """Internal: holds the Ray that the sweeps of one workflow run share."""
    parser.add_argument("owner", type=int)
    parser.add_argument("workers", type=int)
    parser.add_argument("session", type=Path)
    parser.set_defaults(command=_ray_keeper)


def _stage_dataset(options: argparse.Namespace) -> None:
    from initatlas.commands.stages import build_dataset

    build_dataset(
        options.name,
        _text(options.spec),
        Path(options.raw_data),
        Path(options.output),
        made_from=options.made_from,
    )


def _text(given: str) -> str:
    """An argument, or with ``@`` before it the file of that name, or with ``-`` what comes in: arguments end at 128 KiB."""
    if given == "-":
        return sys.stdin.read()
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"--spec {given}: {error.strerror}; name a file that can be read") from None


def _stage_sweep(options: argparse.Namespace) -> int:
    from pydantic import TypeAdapter

    from initatlas.commands.stages import named_paths, read_spec
    from initatlas.commands.sweeps import run_stage
    from initatlas.sweeps.slices import Slice
    from initatlas.sweeps.spec import Sweep

    return run_stage(
        read_spec(_text(options.spec), TypeAdapter(Sweep)),
        datasets=named_paths(options.data),
        store=Path(options.store),
        output=Path(options.output),
        backend=options.backend,
        workers=min(options.workers, cpus_of_the_job() or options.workers),
        fail_fast=options.fail_fast,
        log_file=options.log,
        part=Slice.read(options.slice),
    )


def _stage_figure(options: argparse.Namespace) -> None:
    from initatlas.commands.stages import draw_figure

    draw_figure(options.study, options.name, _evidence(options), Path(options.output))


def _stage_table(options: argparse.Namespace) -> None:
    from initatlas.commands.stages import make_table

    make_table(options.study, options.name, _evidence(options), Path(options.caption), Path(options.output))


def _stage_claims(options: argparse.Namespace) -> None:
    from initatlas.commands.stages import check_claims

    check_claims(options.study, _evidence(options), Path(options.output))


def _evidence(options: argparse.Namespace) -> "Evidence":
    """What a product is made from."""
    from initatlas.commands.stages import named_paths, read_evidence

    return read_evidence(Path(options.published), named_paths(options.cubes))


def _stage_ledger(options: argparse.Namespace) -> None:
    from initatlas.commands.stages import join_ledgers

    join_ledgers([Path(path) for path in options.claims], Path(options.output))


def _stage_unavailable(options: argparse.Namespace) -> None:
    raise UserError(options.reason)


def _stage_explorer(options: argparse.Namespace) -> None:
    from initatlas.commands.stages import embed_sweeps, named_paths

    outputs = {title: str(names).split(",") for title, names in named_paths(options.outputs).items()}
    embed_sweeps(named_paths(options.cubes), outputs, Path(options.output))


def _stage_kernels(options: argparse.Namespace) -> None:
    from initatlas.commands.stages import tabulate_kernels

    tabulate_kernels(Path(options.output))


def _stage_page(options: argparse.Namespace) -> None:
    from initatlas.commands.stages import named_paths, write_page

    write_page(
        options.studies,
        products=Path(options.products),
        cubes=named_paths(options.cubes),
        scale=options.scale,
        absent=dict(str(pair).split("=", 1) for pair in options.absent),
        output=Path(options.output),
    )


def _ray_keeper(options: argparse.Namespace) -> int:
    from initatlas.sweeps.ray.keeper import keep_ray

    return keep_ray(options.owner, options.workers, options.session)
