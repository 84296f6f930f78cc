"""The command line: `initatlas` and `python -m initatlas`.

Commands for people (`sweep`, `kernel`, `download`, `config`) and the stages that the workflow calls (`stage`). Every command
imports what it needs when it is called, so that a stage depends on its own code alone.
"""

import argparse
import errno
import gc
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from initatlas.caches import use_writable_caches
from initatlas.errors import UserError
from initatlas.messages import own_the_streams, set_up_logging
from initatlas.parsers import completion
from initatlas.parsers.archive import add_archive
from initatlas.parsers.arguments import MISTAKE, Parser
from initatlas.parsers.claims import add_claim_commands, add_reproduce
from initatlas.parsers.kernel import add_kernel_commands
from initatlas.parsers.stages import add_keeper, add_stages
from initatlas.parsers.workflow import (
    add_config,
    add_download,
    add_run,
    add_status,
    add_study_commands,
    add_sweep_commands,
)
from initatlas.runs import atlas_folder, end_with_workflow, import_from_here
from initatlas.stopping import end_now, exit_code, orderly_stops

log = logging.getLogger("initatlas")

_INTERRUPTED = 130
"""Exit code after SIGINT, as a shell gives it."""

OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""How many new objects have Python look for garbage; of itself 700, and a tenth of the time of a figure goes into looking."""

_TO_GO_ON = "what is finished is kept, and the same command goes on from there"


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
        set_up_logging(options.log, quiet=options.quiet)
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
        return MISTAKE
    except (
        KeyboardInterrupt,
        SystemExit,
    ) as stop:  # the code of the latter may be another one where it passes through Ray
        how = "interrupted" if isinstance(stop, KeyboardInterrupt) else "terminated"
        log.error("initatlas: %s; %s", how, _TO_GO_ON)
        return _INTERRUPTED if isinstance(stop, KeyboardInterrupt) else exit_code()
    except Exception as error:
        if mend := _mend_of_the_disk(error):
            log.error("initatlas: %s", mend)
            return MISTAKE
        log.exception("initatlas: a bug of ours; please report it with the lines above")
        return 1


def _mend_of_the_disk(error: Exception) -> str:
    """What to say where a disk is full or cannot be written, which may show wherever something is written; or nothing."""
    if not isinstance(error, OSError) or error.errno not in _MENDS:
        return ""
    return f"{error.filename or Path.cwd()}: {error.strerror}; {_MENDS[error.errno]}, and run it again"


_MENDS = {
    errno.ENOSPC: "make room on this disk",
    errno.EDQUOT: "make room on this disk",
    errno.EROFS: "work in a folder that can be written",
    errno.EACCES: "give access to it",
}


def entry() -> None:
    """Run the command of this process and exit with its code.

    After a signal or a mistake everything of ours is closed, and Ray is left without its ceremony, which takes seconds; where
    Ray is gone, it never ends.
    """
    if "_ARGCOMPLETE" in os.environ:
        complete()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    own_the_streams()
    code = main()
    if code not in (0, 1):
        logging.shutdown()
        sys.stdout.flush()
        end_now(code)
    sys.exit(code)


def complete() -> None:
    """Answer the shell, which asks in the environment what the tab key is to offer, and end."""
    import argcomplete

    argcomplete.autocomplete(_parser())


class _Version(argparse.Action):
    """``--version``; looked up when it is asked for, since it takes longer than a short stage's own start."""

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> NoReturn:
        from initatlas import __version__

        print(f"initatlas {__version__}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    """All commands."""
    parser = Parser(prog="initatlas", description="An atlas of random initialisation.")
    parser.add_argument(
        "--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help="show program's version number and exit"
    )
    parser.set_defaults(log=None, quiet=False, stops=orderly_stops, in_atlas=False, in_workflow=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the workflow to the report, or to some targets")
    targets = run.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a study, <study>/<sweep>, or a file; none: the report"
    )
    completion.completed(targets, completion.targets)
    add_run(run)
    add_status(commands.add_parser("status", help="what is up to date, what would run and why, what failed"))
    add_sweep_commands(commands.add_parser("sweep", help="plan, run and list sweeps"))
    add_reproduce(
        commands.add_parser("reproduce", help="compute what one claim reads, and judge it; exit code 1 unless it holds")
    )
    add_claim_commands(commands.add_parser("claims", help="the ledger of claims, and what has changed in it"))
    add_archive(
        commands.add_parser("archive", help="all of a scale, with what it was made from, in a folder or zip file")
    )
    add_study_commands(commands.add_parser("study", help="begin a study of one's own"))
    add_kernel_commands(commands.add_parser("kernel", help="kernel matrices that do not fit in memory"))
    add_download(commands.add_parser("download", help="download the raw files of a data set"))
    add_config(commands.add_parser("config", help="check the config, or write its reference"))
    add_stages(commands.add_parser("stage", help="the stages that the workflow calls"))
    add_keeper(commands.add_parser("ray-keeper"))
    return parser
