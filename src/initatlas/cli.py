"""The command line: `initatlas` and `python -m initatlas`.

Commands for people (`sweep`, `kernel`, `download`, `config`) and the stages that the workflow calls (`stage`). Every command
imports what it needs when it is called, so that a stage depends on its own code alone.
"""

import argparse
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from initatlas import __version__
from initatlas.caches import use_writable_caches
from initatlas.errors import UserError
from initatlas.machine import cpus_at_hand, cpus_of_the_job
from initatlas.messages import own_the_streams, set_up_logging
from initatlas.names import did_you_mean
from initatlas.runs import atlas_folder, atlas_or_here, end_with_workflow, import_from_here
from initatlas.stopping import end_now, exit_code, orderly_stops

if TYPE_CHECKING:
    from initatlas.studies.evidence import Evidence

log = logging.getLogger("initatlas")

_MISTAKE, _INTERRUPTED = 2, 130
"""Exit codes after a mistake of the user's, and after SIGINT as a shell gives it."""

_TO_GO_ON = "what is finished is kept, and the same command goes on from there"

Command = Callable[[argparse.Namespace], int | None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code.

    A mistake of the user's is one line on standard error and exit code 2; after SIGINT, SIGTERM and SIGHUP it is 130, 143 and
    129, as a shell gives it.
    """
    words = [*(sys.argv[1:] if arguments is None else arguments)]
    ours, snakemake = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    options = _parser().parse_args(ours)
    options.snakemake = snakemake
    try:
        set_up_logging(options.log)
        use_writable_caches()
        if options.in_atlas:
            os.chdir(atlas_folder(Path.cwd()))
            import_from_here()
        with options.stops():
            if options.in_workflow:
                end_with_workflow()
            return options.command(options) or 0
    except UserError as error:
        log.error("initatlas: %s", error)
        return _MISTAKE
    except (
        KeyboardInterrupt,
        SystemExit,
    ) as stop:  # the code of the latter may be another one where it passes through Ray
        how = "interrupted" if isinstance(stop, KeyboardInterrupt) else "terminated"
        log.error("initatlas: %s; %s", how, _TO_GO_ON)
        return _INTERRUPTED if isinstance(stop, KeyboardInterrupt) else exit_code()
    except Exception:
        log.exception("initatlas: a bug of ours; please report it with the lines above")
        return 1


def entry() -> None:
    """Run the command of this process and exit with its code.

    After a signal or a mistake everything of ours is closed, and Ray is left without its ceremony, which takes seconds; where
    Ray is gone, it never ends.
    """
    own_the_streams()
    code = main()
    if code not in (0, 1):
        logging.shutdown()
        sys.stdout.flush()
        end_now(code)
    sys.exit(code)


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with a command."""

    def error(self, message: str) -> NoReturn:
        """End with that line and exit code 2; a word that was misspelt comes with the nearest one."""
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        near = did_you_mean(wrong[1], re.findall(r"[\w-]+", wrong[2])) if wrong else ""
        self.exit(_MISTAKE, f"initatlas: {message}{near}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    """All commands."""
    parser = _Parser(prog="initatlas", description="An atlas of random initialisation.")
    parser.add_argument("--version", action="version", version=f"initatlas {__version__}")
    parser.set_defaults(log=None, stops=orderly_stops, in_atlas=False, in_workflow=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the workflow to the report, or to some targets")
    run.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a study, <study>/<sweep>, or a file; none: the report"
    )
    _add_run(run)
    _add_sweep_commands(commands.add_parser("sweep", help="plan, run and list sweeps"))
    again = commands.add_parser(
        "reproduce", help="compute what one claim reads, and judge it; exit code 1 unless it holds"
    )
    again.add_argument("claim", help="<study>/<claim>")
    _add_run(again)
    again.set_defaults(command=_reproduce)
    _add_claim_commands(commands.add_parser("claims", help="the ledger of claims, and what has changed in it"))
    _add_study_commands(commands.add_parser("study", help="begin a study of one's own"))
    _add_kernel_commands(commands.add_parser("kernel", help="kernel matrices that do not fit in memory"))
    _add_download(commands.add_parser("download", help="download the raw files of a data set"))
    _add_config(commands.add_parser("config", help="check the config, or write its reference"))
    _add_stages(commands.add_parser("stage", help="the stages that the workflow calls"))
    _add_keeper(commands.add_parser("ray-keeper"))
    return parser


def _add_sweep_commands(parser: argparse.ArgumentParser) -> None:
    """``initatlas sweep list | plan | run``."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listed = commands.add_parser("list", help="all sweeps of config/sweeps")
    listed.set_defaults(command=_sweep_list, in_atlas=True)
    status = commands.add_parser("status", help="how much of each sweep is stored")
    status.set_defaults(command=_sweep_status, in_atlas=True)
    prune = commands.add_parser("prune", help="remove stored points that no sweep of the config can find any more")
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")
    prune.add_argument("--all", action="store_true", help="also what other checkouts that share the store still need")
    prune.set_defaults(command=_sweep_prune, in_atlas=True)
    plan = commands.add_parser("plan", help="say what a sweep, a study or everything would take")
    plan.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a study, or <study>/<sweep>; none: all of the config"
    )
    plan.add_argument("--json", action="store_true", help="for a script: numbers of each sweep, and their sum")
    plan.set_defaults(command=_sweep_plan, in_atlas=True)
    run = commands.add_parser("run", help="run a sweep to its cube")
    run.add_argument("targets", metavar="sweep", nargs=1, help="<study>/<sweep>, as listed")
    _add_run(run)
    for listing in (listed, status, prune, plan):
        _add_scale(listing)


def _add_study_commands(parser: argparse.ArgumentParser) -> None:
    """``initatlas study new``."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser(
        "new", help="write a working study: a sweep, an experiment, a figure, a table, claims, a test"
    )
    new.add_argument("name", help="letters, digits and _")
    new.set_defaults(command=_study_new)


def _add_scale(parser: argparse.ArgumentParser) -> None:
    """``--scale``."""
    parser.add_argument("--scale", choices=("smoke", "quick", "paper"), help="instead of the one in config.yaml")


def _add_run(parser: argparse.ArgumentParser) -> None:
    """How to run the workflow."""
    _add_scale(parser)
    parser.add_argument("--backend", choices=("serial", "ray", "auto"), help="instead of the config's")
    parser.add_argument("--raw-data", help="folder for raw files, instead of the one in config.yaml")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first failing point of a sweep")
    parser.add_argument("--workers", type=_count, default=cpus_at_hand(), help="CPUs to use here")
    parser.add_argument("--verbose", action="store_true", help="show all that Snakemake says")
    parser.add_argument(
        "--snakefile", type=Path, help="the Snakefile, if it is not here and this package is no clone's"
    )
    # Its stop takes longer than that of a stage, and is its own affair.
    parser.set_defaults(command=_run, stops=nullcontext, in_atlas=True)


def _add_claim_commands(parser: argparse.ArgumentParser) -> None:
    """``initatlas claims list | show | diff``."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listed = commands.add_parser("list", help="claims with their verdicts")
    listed.add_argument("targets", nargs="*", metavar="TARGET", help="a study, or <study>/<claim>; none: all")
    listed.add_argument("--json", action="store_true", help="for a script: the layout of the ledger's file")
    listed.set_defaults(command=_claims_list, in_atlas=True)
    shown = commands.add_parser("show", help="all that the ledger has of a claim")
    shown.add_argument("claim", help="<study>/<claim>")
    shown.set_defaults(command=_claims_show, in_atlas=True)
    for reading in (listed, shown):
        reading.add_argument("--scale", choices=("smoke", "quick", "paper"), help="instead of the one in config.yaml")
    compared = commands.add_parser("diff", help="claims whose verdict is another one; then the exit code is 1")
    compared.add_argument("old", type=Path, help="a ledger, such as reports/quick/claims.json")
    compared.add_argument("new", type=Path)
    compared.add_argument("--json", action="store_true", help="for a script: a list of claims with both verdicts")
    compared.set_defaults(command=_claims_diff)


def _count(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number of at least 1")
    return int(text)


def _seed(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number of at least 0")
    return int(text)


def _tolerance(text: str) -> float:
    """A number between 0 and 1."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < 1.0:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number between 0 and 1")
    return number


def _positive(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: give a finite number above 0")
    return number


def _add_kernel_commands(parser: argparse.ArgumentParser) -> None:
    """``initatlas kernel gram | spectrum | fit``."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    gram = commands.add_parser("gram", help="compute a kernel matrix into a file, tile by tile; can be interrupted")
    gram.add_argument(
        "--dataset", type=Path, required=True, help="file of a data set, such as data/datasets/quick/mnist.nc"
    )
    gram.add_argument("--output", type=Path, required=True, help="the file to make (HDF5)")
    gram.add_argument("--split", choices=("train", "test"), help="instead of all images")
    gram.add_argument("--samples", type=_count, help="draw so many images instead of all")
    gram.add_argument("--seed", type=_seed, default=0, help="seed of the draw")
    gram.add_argument(
        "--kernel", choices=("ntk", "nngp"), nargs="+", default=["ntk"], help="one, or both in one pass (ntk)"
    )
    gram.add_argument("--activation", default="relu", help="a label, such as erf or 'leaky_relu(slope=0.2)'")
    gram.add_argument("--depth", type=int, default=1, help="hidden layers, up to 20000")
    gram.add_argument("--weight-variance", type=float, help="times the fan-in; instead of the norm-preserving one")
    gram.add_argument("--bias-variance", type=float, default=0.0, help="of the hidden layers")
    gram.add_argument(
        "--raw", action="store_true", help="take the images as they are; by default they are scaled to the unit sphere"
    )
    gram.add_argument("--bias", action="store_true", help="give the first layer a bias")
    gram.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    gram.add_argument("--tile", type=_count, default=4096, help="largest side of a tile")
    gram.add_argument("--workers", type=_count, default=1, help="more than 1: on Ray")
    gram.set_defaults(command=_kernel_gram)
    spectrum = commands.add_parser("spectrum", help="the largest eigenpairs of such a file, and its labels' tail sums")
    spectrum.add_argument("gram", type=Path, help="a file of `initatlas kernel gram`")
    spectrum.add_argument("--kernel", choices=("ntk", "nngp"), help="which one, of a file with both")
    spectrum.add_argument("--top", type=_count, default=500, help="number of eigenpairs")
    spectrum.add_argument(
        "--coding",
        choices=("class_index", "class_index_centred", "one_hot", "parity", "first_or_rest"),
        default="class_index",
    )
    spectrum.add_argument("--seed", type=_seed, default=0, help="seed of the starting vectors and of the bootstrap")
    spectrum.add_argument(
        "--tolerance", type=_tolerance, default=1e-4, help="bound of the residuals over the eigenvalues"
    )
    spectrum.add_argument("--output", type=Path, help="also write everything to this netCDF file")
    spectrum.set_defaults(command=_kernel_spectrum)
    fit = commands.add_parser("fit", help="train networks of infinite width on such a file, and test them")
    fit.add_argument("gram", type=Path, help="a file of `initatlas kernel gram`")
    fit.add_argument("--dataset", type=Path, required=True, help="file of the data set that it was made from")
    fit.add_argument("--kernel", choices=("ntk", "nngp"), help="which one, of a file with both")
    fit.add_argument("--ridge", type=_positive, nargs="+", default=[], help="ridge regression with each of these")
    fit.add_argument(
        "--time", type=_positive, nargs="+", default=[], help="gradient flow of the mean loss to each of these"
    )
    fit.add_argument("--split", choices=("train", "test"), help="test on this split alone, less what is in the matrix")
    fit.add_argument("--rank", type=_count, help="of the preconditioner (an eighth of the rows, at most 1000)")
    fit.add_argument("--tolerance", type=_tolerance, default=1e-6, help="of the residuals, relative to the targets")
    fit.add_argument("--seed", type=_seed, default=0, help="seed of the preconditioner")
    fit.add_argument("--output", type=Path, required=True, help="the netCDF file to make")
    fit.set_defaults(command=_kernel_fit)


def _add_download(parser: argparse.ArgumentParser) -> None:
    """``initatlas download NAME``."""
    parser.add_argument("dataset", help="a data set of config/datasets.yaml")
    parser.add_argument("--raw-data", help="folder for raw files, instead of the one in config.yaml")
    parser.add_argument("--log", type=Path, help="also write messages to this file")
    parser.set_defaults(command=_download, in_atlas=True)


def _add_config(parser: argparse.ArgumentParser) -> None:
    """``initatlas config check | reference``."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("check", help="read the whole config").set_defaults(command=_config_check, in_atlas=True)
    reference = commands.add_parser("reference", help="write config/README.md and config/schema from the models")
    reference.set_defaults(command=_config_reference, in_atlas=True)


def _add_stages(parser: argparse.ArgumentParser) -> None:
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
    sweep.add_argument("--workers", type=_count, required=True)
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
    page = stage("page", _stage_page, "products", "scale", "output")
    page.add_argument("--studies", nargs="*", default=[])
    page.add_argument("--cubes", nargs="*", default=[], metavar="STUDY/SWEEP=FILE")


def _add_keeper(parser: argparse.ArgumentParser) -> None:
    """Internal: holds the Ray that the sweeps of one workflow run share."""
    parser.add_argument("owner", type=int)
    parser.add_argument("workers", type=int)
    parser.add_argument("session", type=Path)
    parser.set_defaults(command=_ray_keeper)


def _sweep_list(options: argparse.Namespace) -> None:
    from initatlas.commands.sweeps import listing
    from initatlas.config import load_workflow

    workflow = load_workflow(Path(), _overrides(options))
    for line in workflow.unread:
        log.warning("warning: %s", line)
    print(listing(workflow.sweeps, workflow.unavailable))


def _sweep_status(options: argparse.Namespace) -> None:
    from initatlas.commands.people import status

    print(status(_overrides(options)))


def _sweep_prune(options: argparse.Namespace) -> None:
    from initatlas.commands.people import prune

    print(prune(_overrides(options), dry_run=options.dry_run, everything=options.all))


def _sweep_plan(options: argparse.Namespace) -> None:
    from initatlas.commands.people import costs, plan

    one = len(options.targets) == 1 and "/" in options.targets[0] and not options.json
    overrides = _overrides(options)
    print(plan(options.targets[0], overrides) if one else costs(options.targets, overrides, as_json=options.json))


def _claims_list(options: argparse.Namespace) -> None:
    from initatlas.commands.claims import listing

    print(listing(options.targets, _overrides(options), as_json=options.json))


def _claims_show(options: argparse.Namespace) -> None:
    from initatlas.commands.claims import show

    print(show(options.claim, _overrides(options)))


def _reproduce(options: argparse.Namespace) -> int:
    from initatlas.commands.claims import reproduce

    text, sound = reproduce(options.claim, _overrides(options), make=lambda title: _workflow(options, [title]))
    print(text)
    return int(not sound)


def _claims_diff(options: argparse.Namespace) -> int:
    from initatlas.commands.claims import difference

    text, changed = difference(options.old, options.new, as_json=options.json)
    print(text)
    return int(changed)


def _study_new(options: argparse.Namespace) -> None:
    from initatlas.commands.new_study import new_study

    folder = atlas_or_here(Path.cwd())
    for path in new_study(options.name, folder):
        print(folder / path)
    log.info("run it: initatlas run %s --scale smoke", options.name)


def _run(options: argparse.Namespace) -> int:
    return _workflow(options, options.targets)


def _workflow(options: argparse.Namespace, targets: Sequence[str]) -> int:
    """Run the workflow to some targets."""
    from initatlas.commands.run import run_workflow

    return run_workflow(
        targets,
        _overrides(options),
        workers=options.workers,
        verbose=options.verbose,
        snakefile=options.snakefile,
        options=options.snakemake,
    )


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


def _overrides(options: argparse.Namespace) -> dict[str, str]:
    """Options that stand for keys of the config."""
    chosen = {key: getattr(options, key, None) for key in ("scale", "backend", "raw_data", "fail_fast")}
    return {key: str(value).lower() if value is True else value for key, value in chosen.items() if value}


def _download(options: argparse.Namespace) -> None:
    from initatlas.commands.people import download

    download(options.dataset, _overrides(options))


def _config_check(options: argparse.Namespace) -> None:
    from initatlas.commands.people import check

    print(check())


def _config_reference(options: argparse.Namespace) -> None:
    from initatlas.config_reference import write_reference

    write_reference(Path("config"))


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


def _stage_page(options: argparse.Namespace) -> None:
    from initatlas.commands.stages import named_paths, write_page

    write_page(
        options.studies,
        products=Path(options.products),
        cubes=named_paths(options.cubes),
        scale=options.scale,
        output=Path(options.output),
    )


def _ray_keeper(options: argparse.Namespace) -> int:
    from initatlas.sweeps.ray.keeper import keep_ray

    return keep_ray(options.owner, options.workers, options.session)
