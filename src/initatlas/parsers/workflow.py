"""`initatlas run`, `sweep`, `study`, `download` and `config`: the workflow and what it is made from."""

import argparse
import logging
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from initatlas.errors import UserError
from initatlas.machine import cpus_at_hand
from initatlas.parsers import completion
from initatlas.parsers.arguments import add_json, add_scale, count, overrides_of
from initatlas.runs import atlas_or_here

log = logging.getLogger("initatlas")


def add_run(parser: argparse.ArgumentParser) -> None:
    """How to run the workflow."""
    _add_place(parser)
    parser.add_argument("--backend", choices=("serial", "ray", "auto"), help="instead of the config's")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first failing point of a sweep")
    parser.add_argument("--workers", type=count, default=cpus_at_hand(), help="CPUs to use here")
    parser.add_argument("--verbose", action="store_true", help="show all that Snakemake says")
    # Its stop takes longer than that of a stage, and is its own affair.
    parser.set_defaults(command=_run, stops=nullcontext, in_atlas=True)


def _add_place(parser: argparse.ArgumentParser) -> None:
    """Which workflow: its scale, its raw files, its Snakefile."""
    add_scale(parser)
    parser.add_argument("--raw-data", help="folder for raw files, instead of the one in config.yaml")
    parser.add_argument(
        "--snakefile", type=Path, help="the Snakefile, if it is not here and this package is no clone's"
    )


def add_status(parser: argparse.ArgumentParser) -> None:
    """``initatlas status``."""
    targets = parser.add_argument(
        "targets", nargs="*", metavar="STUDY", help="studies, or files of sweeps; none: the whole atlas"
    )
    completion.completed(targets, completion.studies)
    _add_place(parser)
    add_json(parser, "every job that would run, with its reason and its last failure")
    parser.set_defaults(command=_status, in_atlas=True)


def add_sweep_commands(parser: argparse.ArgumentParser) -> None:
    """``initatlas sweep list | plan | run``."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listed = commands.add_parser("list", help="all sweeps of config/sweeps")
    add_json(listed, "a list of sweeps with their axes")
    listed.set_defaults(command=_sweep_list, in_atlas=True)
    status = commands.add_parser("status", help="how much of each sweep is stored")
    add_json(status, "a list of sweeps with their points")
    status.set_defaults(command=_sweep_status, in_atlas=True)
    prune = commands.add_parser("prune", help="remove stored points that no sweep of the config can find any more")
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")
    prune.add_argument("--all", action="store_true", help="also what other checkouts that share the store still need")
    prune.set_defaults(command=_sweep_prune, in_atlas=True)
    plan = commands.add_parser("plan", help="say what a sweep, a study or everything would take")
    planned = plan.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a study, or <study>/<sweep>; none: all of the config"
    )
    completion.completed(planned, completion.targets)
    add_json(plan, "numbers of each sweep, and their sum")
    plan.set_defaults(command=_sweep_plan, in_atlas=True)
    run = commands.add_parser("run", help="run a sweep to its cube")
    title = run.add_argument("targets", metavar="sweep", nargs=1, help="<study>/<sweep>, as listed")
    completion.completed(title, completion.sweeps)
    add_run(run)
    for listing in (listed, status, prune, plan):
        add_scale(listing)


def add_study_commands(parser: argparse.ArgumentParser) -> None:
    """``initatlas study new``."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser(
        "new", help="write a working study: a sweep, an experiment, a figure, a table, claims, a test"
    )
    new.add_argument("name", help="letters, digits and _")
    new.set_defaults(command=_study_new)


def add_download(parser: argparse.ArgumentParser) -> None:
    """``initatlas download NAME``."""
    completion.completed(
        parser.add_argument("dataset", help="a data set of config/datasets.yaml"), completion.downloads
    )
    parser.add_argument("--raw-data", help="folder for raw files, instead of the one in config.yaml")
    parser.add_argument("--log", type=Path, help="also write messages to this file")
    parser.set_defaults(command=_download, in_atlas=True)


def add_config(parser: argparse.ArgumentParser) -> None:
    """``initatlas config check | reference``."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("check", help="read the whole config").set_defaults(command=_config_check, in_atlas=True)
    reference = commands.add_parser("reference", help="write config/README.md and config/schema from the models")
    reference.set_defaults(command=_config_reference, in_atlas=True)


def _run(options: argparse.Namespace) -> int:
    return run_targets(options, options.targets)


def run_targets(options: argparse.Namespace, targets: Sequence[str]) -> int:
    """Run the workflow to some targets.

    Raises
    ------
    UserError
        If it is to be quiet and to say all.
    """
    if options.quiet and options.verbose:
        raise UserError("--quiet and --verbose: give one of them")
    from initatlas.commands.run import run_workflow

    return run_workflow(
        targets,
        overrides_of(options),
        workers=options.workers,
        verbose=options.verbose,
        quiet=options.quiet,
        snakefile=options.snakefile,
        options=options.snakemake,
    )


def _status(options: argparse.Namespace) -> None:
    from initatlas.commands.status import status

    print(
        status(options.targets, overrides_of(options), snakefile=options.snakefile, as_json=options.json),
    )


def _sweep_list(options: argparse.Namespace) -> None:
    from initatlas.commands.sweeps import listing
    from initatlas.config import load_workflow

    workflow = load_workflow(Path(), overrides_of(options))
    for line in workflow.unread:
        log.warning("warning: %s", line)
    print(listing(workflow.sweeps, workflow.unavailable, as_json=options.json))


def _sweep_status(options: argparse.Namespace) -> None:
    from initatlas.commands.people import status

    print(status(overrides_of(options), as_json=options.json))


def _sweep_prune(options: argparse.Namespace) -> None:
    from initatlas.commands.people import prune

    print(prune(overrides_of(options), dry_run=options.dry_run, everything=options.all))


def _sweep_plan(options: argparse.Namespace) -> None:
    from initatlas.commands.people import costs, plan

    one = len(options.targets) == 1 and "/" in options.targets[0] and not options.json
    overrides = overrides_of(options)
    print(plan(options.targets[0], overrides) if one else costs(options.targets, overrides, as_json=options.json))


def _study_new(options: argparse.Namespace) -> None:
    from initatlas.commands.new_study import new_study

    folder = atlas_or_here(Path.cwd())
    for path in new_study(options.name, folder):
        print(folder / path)
    log.info("run it: initatlas run %s --scale smoke", options.name)


def _download(options: argparse.Namespace) -> None:
    from initatlas.commands.people import download

    download(options.dataset, overrides_of(options))


def _config_check(options: argparse.Namespace) -> None:
    from initatlas.commands.people import check

    print(check())


def _config_reference(options: argparse.Namespace) -> None:
    from initatlas.config_reference import write_reference

    write_reference(Path("config"))
