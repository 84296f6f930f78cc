"""`initatlas run`: Snakemake with the words of this package alone on the screen, and its own in a log."""

import ctypes
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psutil

from initatlas.config import Workflow, load_workflow
from initatlas.errors import UserError
from initatlas.files import must_be_file, must_be_folder
from initatlas.identity import made_files
from initatlas.layout import CHECKOUT, DATA, PAGE, POINTS, SPECS, Layout
from initatlas.names import did_you_mean
from initatlas.runs import MARK, MARK_VARIABLE, QUIET_VARIABLE, RunLock, check_place, without_record
from initatlas.stopping import adopt_orphans, end_descendants, raise_for, stopping_signals
from initatlas.warm.situation import FEWEST_STAGES, VARIABLE

log = logging.getLogger(__name__)

RUN_LOG = DATA / "logs" / "run.log"
"""All that Snakemake and the stages said in the last run."""

PROFILE = "workflow/profiles/default"

SECONDS_TO_STOP = 30.0
"""How long a run that was told to stop may take, before it is ended by force."""

SECONDS_FOR_LEFTOVERS = 10.0

LEAST_ROOM = 2**16
"""Bytes on the disk below which a failure is put down to it: nobody can then write what failed."""

_SECONDS_BETWEEN_LOOKS = 0.1

_LINES_OF_A_COMPLAINT = 15

_PR_SET_PDEATHSIG = 1


@dataclass
class Progress:
    """What was read from the output of a run so far.

    Attributes
    ----------
    jobs, total
        Jobs that have started, and all that are to run.
    names
        Number of a job to what it says of itself.
    failures
        What failed, each with its log.
    idle
        Whether there was nothing to do.
    dry
        Whether Snakemake only says what would run.
    """

    jobs: int = 0
    total: int = 0
    names: dict[str, str] = field(default_factory=dict)
    failures: list[list[str]] = field(default_factory=list)
    idle: bool = False
    dry: bool = False


def run_workflow(
    targets: Sequence[str],
    overrides: Mapping[str, str],
    *,
    workers: int,
    verbose: bool = False,
    quiet: bool = False,
    snakefile: Path | None = None,
    options: Sequence[str] = (),
) -> int:
    """Run the workflow to some targets, in the folder of the atlas.

    Parameters
    ----------
    targets
        Studies, sweeps (``study/sweep``), files; none stands for the report.
    overrides
        Keys of the config, as on Snakemake's command line.
    workers
        CPUs to use.
    verbose
        Whether to show all that Snakemake says; it is in `RUN_LOG` in any case.
    quiet
        Whether to show warnings and errors alone, and what a dry run would do.
    snakefile
        The Snakefile; by default the one here, or that of the clone which this package is installed from.
    options
        Further words for Snakemake.

    Returns
    -------
    int
        Exit code: 0, or 1 if a job failed.

    Raises
    ------
    UserError
        For a mistake in the config, a target that does not exist, or where there is no Snakefile.
    KeyboardInterrupt, SystemExit
        After SIGINT and SIGTERM, when the run has ended in order.
    """
    workflow = load_workflow(Path(), overrides)
    _check_targets(targets, workflow)
    _check_places(workflow)
    for line in workflow.unread:
        log.warning("warning: %s", line)
    wait_for_turn().release()
    unknown = without_record(asked_for(targets, workflow))
    if unknown:
        log.warning(
            "files without a record of what they were made from (.snakemake): %d; they are made anew, from stored points",
            len(unknown),
        )
    command = [
        *snakemake_command(snakefile, overrides, workers=workers),
        *options,
        "--",
        *targets,
    ]
    adopt_orphans()
    others = psutil.Process().children()
    begin = time.monotonic()
    RUN_LOG.parent.mkdir(parents=True, exist_ok=True)
    with RUN_LOG.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                VARIABLE: str(FEWEST_STAGES),
                **os.environ,
                MARK_VARIABLE: "1",
                **({QUIET_VARIABLE: "1"} if quiet else {}),
            },
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    progress = Progress(dry=is_dry(options))
    with _Stop(process) as stop:
        for line in _lines(process):
            _tell(line, progress, verbose=verbose, quiet=quiet)
        _end_leftovers(others)
    stop.pass_on()
    return _conclude(process.returncode, progress, time.monotonic() - begin, report=not targets)


def snakemake_command(snakefile: Path | None, overrides: Mapping[str, str], *, workers: int) -> list[str]:
    """The words that start Snakemake, before options of its own and targets.

    Parameters
    ----------
    snakefile
        As `run_workflow` takes it.
    overrides
        Keys of the config.
    workers
        CPUs to use.

    Raises
    ------
    UserError
        Where there is no Snakefile.
    """
    rules = find_snakefile(snakefile)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(rules), "--cores", str(workers)]
    command += ["--workflow-profile", str(rules.parent / PROFILE)]
    if overrides:
        command += ["--config", *(f"{key}={value}" for key, value in overrides.items())]
    return command


def find_snakefile(given: Path | None) -> Path:
    """The Snakefile that is given, the one here, or that of the clone of this package.

    Raises
    ------
    UserError
        If there is none, or none that Snakemake can use.
    """
    snakefiles = [
        path for path in ([given] if given else [Path("Snakefile"), CHECKOUT / "Snakefile"]) if path.is_file()
    ]
    if not snakefiles:
        where = f"{given}: no such file" if given else "no Snakefile here, and this package is no clone's"
        raise UserError(f"{where}; name that of a clone: --snakefile CLONE/Snakefile")
    check_place(snakefiles[0].parent)
    return snakefiles[0]


def _end_leftovers(others: Sequence[psutil.Process]) -> None:
    """Wait for what a Snakemake that was killed has left, which ends by itself; end what does not, but for some others."""
    left = [child for child in psutil.Process().children(recursive=True) if child not in others]
    _, alive = psutil.wait_procs(left, timeout=SECONDS_FOR_LEFTOVERS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def is_dry(options: Sequence[str]) -> bool:
    """Whether words for Snakemake ask for a dry run, also as one letter of several."""
    return any(word in ("--dry-run", "--dryrun") or re.fullmatch(r"-[a-zA-Z]*n[a-zA-Z]*", word) for word in options)


def _check_targets(targets: Sequence[str], workflow: Workflow) -> None:
    """Refuse a target that is neither a study, nor a sweep, nor a file of the workflow, and a sweep that cannot run here."""
    if absent := [workflow.unavailable[target] for target in targets if target in workflow.unavailable]:
        raise UserError(absent[0])
    downloads = [f"download_{name}" for name in workflow.downloads]
    names = ["all", *workflow.studies, *workflow.titles, *downloads]
    files = [str(path) for path in made_files(workflow)]
    for target in targets:
        if target not in names and target not in files:
            near = did_you_mean(target, files if target.startswith(("data/", "reports/")) else names)
            raise UserError(f"there is no target {target!r}{near}; `initatlas sweep list` shows the sweeps")


def asked_for(targets: Sequence[str], workflow: Workflow) -> Iterator[Path]:
    """The files that targets name, and the data sets, from which all is made; every file where no target is named."""
    layout = Layout(workflow.settings.scale)
    data = [*map(layout.dataset, workflow.datasets)]
    cubes = [layout.cube(target) for target in targets if target in workflow.titles]
    for path in made_files(workflow):
        named = {*path.parts, str(path)}.intersection(targets) or path in data or path in cubes
        if named or not targets or "all" in targets:
            yield path


def _check_places(workflow: Workflow) -> None:
    """Refuse what holds the place of a folder or a file of ours: Snakemake would end in a traceback, or remove it."""
    layout = Layout(workflow.settings.scale)
    for folder in (POINTS, SPECS, RUN_LOG.parent, layout.products, layout.log("run").parent):
        must_be_folder(folder)
    for path in (*made_files(workflow), RUN_LOG):
        must_be_file(path)


def wait_for_turn() -> RunLock:
    """Wait for a run that is at work in this folder, or that is being stopped; give the lock, which keeps others waiting."""
    lock = RunLock(Path())
    if not lock.take():
        log.warning("waiting for another run, which is at work in this folder")
        while not lock.take():
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    return lock


def _end_with_parent() -> None:
    """In the child: have it end in order if this process is killed (on Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class _Stop:
    """Passes SIGINT, SIGTERM and SIGHUP on to a run, once in order, then by force, and remembers them.

    Parameters
    ----------
    process
        Snakemake, in a session of its own: what a terminal sends reaches this process alone.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._heard: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "_Stop":
        self._before = {number: signal.signal(number, self._hear) for number in stopping_signals()}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _hear(self, number: int, frame: FrameType | None) -> None:
        """In order the first time, and some time later by force; at once by force the second time."""
        if self._heard is None:
            self._heard = number
            log.error("stopping; finished points are kept")
            self._process.terminate()
            signal.signal(signal.SIGALRM, self._hear)
            signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_STOP)
        else:
            end_descendants()

    def pass_on(self) -> None:
        """Raise what was heard, as if it had just come."""
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        if self._heard is not None:
            raise_for(self._heard)


def _lines(process: "subprocess.Popen[bytes]") -> Iterator[str]:
    """The lines that a run writes, as they come, until it is over."""
    rest = b""
    with RUN_LOG.open("rb") as written:
        over = False
        while not over:
            over = process.poll() is not None
            *lines, rest = (rest + written.read()).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
            if not over:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
    yield from [rest.decode(errors="replace")] if rest else []


def _tell(line: str, progress: Progress, *, verbose: bool, quiet: bool = False) -> None:
    """Show a line of ours, and what starts; read the rest of what Snakemake says."""
    if line.startswith(MARK):
        print(line.removeprefix(MARK), file=sys.stderr, flush=True)
        return
    jobs = progress.jobs
    read_line(line, progress)
    if verbose:
        print(line, file=sys.stderr, flush=True)
    elif progress.jobs > jobs and (progress.dry or not quiet):
        start = "would run: " if progress.dry else f"[{progress.jobs}/{max(progress.total, progress.jobs)}] "
        print(f"{start}{[*progress.names.values()][-1]}", file=sys.stderr, flush=True)


def read_line(line: str, progress: Progress) -> None:
    """Take from a line of Snakemake's what it tells of a run."""
    if match := re.fullmatch(r"total +(\d+)", line):
        progress.total = int(match[1])
    elif match := re.fullmatch(r"Job (\d+): (.*)", line):
        progress.jobs += 1
        progress.names.pop(match[1], None)
        progress.names[match[1]] = match[2]
    elif line.startswith("Error in "):
        progress.failures.append([])
    elif progress.failures and (match := re.fullmatch(r" +jobid: (\d+)", line)):
        progress.failures[-1].insert(0, progress.names.get(match[1], "a job"))
    elif progress.failures and (match := re.fullmatch(r" +log: (.*?)(?: \(check log.*)?", line)):
        progress.failures[-1].append(match[1])
    elif line.startswith("Nothing to be done"):
        progress.idle = True


def _conclude(code: int, progress: Progress, seconds: float, *, report: bool) -> int:
    """Say how it ended; give the exit code of this command."""
    for failure in progress.failures:
        log.error("failed: %s%s", ", see ".join(failure), unsaid(failure))
    if code < 0:
        log.error(
            "Snakemake was killed (%s); what is finished is kept, and the same command goes on from there",
            _signal(code),
        )
    elif code and shutil.disk_usage(Path.cwd()).free < LEAST_ROOM:
        log.error("%s: the disk is full; make room, and run it again: what is finished is kept", Path.cwd())
    elif code and not progress.failures:
        log.error("%s", _complaint())
        log.error("Snakemake ended with exit code %d; all that it said is in %s", code, RUN_LOG)
    if code:
        return 1
    if progress.idle:
        log.info("nothing to do")
    elif progress.dry:
        log.info("%d jobs would run; nothing was made", progress.jobs)
    elif progress.jobs:
        log.info("done in %.0f s", seconds)
    else:
        log.info("no job ran; what Snakemake said is in %s", RUN_LOG)
    if report and not progress.dry and (progress.idle or progress.jobs):
        log.info("the report: %s", PAGE)
    return 0


def unsaid(failure: Sequence[str]) -> str:
    """What to say of a failure whose log holds no word about it; nothing of others."""
    name, *logs = failure
    path = Path(logs[-1]) if logs else None
    if path is None or not path.is_file() or " ERROR " in path.read_text(encoding="utf-8", errors="replace"):
        return ""
    ended = "; its process ended without a word: it was killed, or a library crashed"
    again = "; run it again: what it was computing then runs in a process of its own, and the point at fault is named"
    return ended + again * name.startswith("sweep ")


def _signal(code: int) -> str:
    """Name of the signal behind the exit code of a process."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _complaint() -> str:
    """The last lines of the log, unmarked."""
    lines = RUN_LOG.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line for line in lines[-_LINES_OF_A_COMPLAINT:] if not line.startswith(MARK))
