"""A stage that a warm parent forks: nobody can tell it from one that was started, and no process outlives what it belongs to."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil
import pytest
from toy.accounts import wait_until

import initatlas
from initatlas.stopping import is_running
from initatlas.warm import start
from initatlas.warm.parent import _draw_anew
from initatlas.warm.usage import Usage, complete_benchmarks, note_usage, read_usage

OWNER = (
    "import sys; from initatlas.warm.start import start_parent; print(start_parent(1), flush=True); sys.stdin.read()"
)
PYTHON = Path(sys.executable).with_name("python")
UNAVAILABLE = ("unavailable", "--reason", "there is none")
WAITS = ("dataset", "--name=x", "--spec=-", "--raw-data=raw", "--made-from=", "--output=x.nc")
"""A stage that reads its spec from standard input, and so waits for it."""


class Warm:
    """A warm parent, in the hands of a process that stands for Snakemake."""

    def __init__(self, place, **variables):
        self.place = place
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INITATLAS_")}
        self.environment = kept | start._of_a_job_with_one_thread() | variables
        self.owner = subprocess.Popen(
            [PYTHON, "-c", OWNER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=place,
            env=self.environment | {"INITATLAS_WARM": "1"},
        )
        self.folder = Path(self.owner.stdout.readline().strip())
        (self.parent,) = psutil.Process(self.owner.pid).children()

    def stage(self, *words, cold=False, python=(), environment=None, **options):
        """Start a stage, with a pipe for each of its streams."""
        given = self.environment | ({} if cold else {"INITATLAS_WARM": str(self.folder / "socket")})
        return subprocess.Popen(
            [PYTHON, *python, "-m", "initatlas", "stage", words[0], "--log", str(self.place / "log"), *words[1:]],
            env=given | (environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"cwd": self.place, **options},
        )

    def forked(self):
        """How many stages it has forked that have ended."""
        return len((self.folder / "usage").read_text().splitlines()) if (self.folder / "usage").exists() else 0

    def child(self):
        """The child of a stage that has just been started."""
        wait_until(self.parent.children)
        (child,) = self.parent.children()
        return child

    def end(self):
        self.owner.kill()
        self.owner.wait()
        psutil.wait_procs([self.parent], timeout=30)


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A parent that stays."""
    yield from parent_in(tmp_path_factory.mktemp("warm"))


@pytest.fixture
def own(tmp_path):
    """A parent of a single test."""
    yield from parent_in(tmp_path)


def parent_in(folder, **variables):
    """A parent that was started in a folder, where its stages run too."""
    found = Warm(folder, **variables)
    yield found
    found.end()
    shutil.rmtree(found.folder, ignore_errors=True)  # of a parent that was killed; the Snakefile removes it else


def outcome(process, text=""):
    """How a stage ends, and all that it says."""
    out, err = process.communicate(text, timeout=60)
    return process.returncode, out, err


def runs(process):
    """Whether a process is there, and no zombie that waits for init."""
    return is_running(process.pid, process._create_time)


def catches(process, number):
    """Whether a process has a handler of a signal."""
    status = Path(f"/proc/{process}/status").read_text()
    (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_nobody_can_tell_it_from_one_that_was_started(warm):
    spec = '{"kind": "glyphs", "train": 4, "test": 0}'
    for words, text, code in (
        (UNAVAILABLE, "", 2),
        (("unavailable", "--reason", "long " * 20_000), "", 2),
        (("dataset", "--name"), "", 2),
        (WAITS, "{}", 2),
    ):
        before = warm.forked()
        ends = [outcome(warm.stage(*words, cold=cold), text) for cold in (True, False)]
        assert ends[0] == ends[1]
        assert ends[0][0] == code
        assert ends[0][2]
        assert warm.forked() == before + 1
    files = []
    for cold in (True, False):
        assert outcome(warm.stage(*WAITS, cold=cold), spec)[0] == 0
        files.append((warm.place / "x.nc").read_bytes())
    assert files[0] == files[1]
    assert warm.parent.children() == []


@pytest.mark.parametrize(
    "difference",
    [
        {"environment": {"OMP_NUM_THREADS": "2"}},
        {"environment": {"NUMBA_DISABLE_JIT": "1"}},
        {"environment": {"TMPDIR": "/"}},
        {"environment": {"PYTHONPATH": "elsewhere"}},
        {"python": ["-O"]},
        {"umask": 0o7},
        {"cwd": "/"},
        {"preexec_fn": lambda: os.nice(1)},
        {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)},
    ],
    ids=lambda difference: next(iter(difference)),
)
def test_who_is_in_another_situation_starts_as_ever(warm, difference):
    before = warm.forked()
    code, _, said = outcome(warm.stage(*UNAVAILABLE, **difference))
    assert (code, said) == (2, "initatlas: there is none\n")
    assert warm.forked() == before


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129), ("SIGQUIT", -3)])
def test_signals_reach_the_child_and_the_client_ends_as_it_does(warm, number, code):
    for cold in (False, True):
        (warm.place / "log").unlink(missing_ok=True)
        stage = warm.stage(*WAITS, cold=cold)
        wait_until((warm.place / "log").exists)
        if not cold:
            child = warm.child()
        running = stage.pid if cold else child.pid
        wait_until(lambda running=running: catches(running, signal.SIGTERM))  # the log comes some lines before
        stage.send_signal(signal.Signals[number])
        assert stage.wait(30) == code
    wait_until(lambda: not runs(child))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_that_is_killed_looks_as_a_stage_that_is(warm, number):
    stage = warm.stage(*WAITS)
    warm.child().send_signal(number)
    assert stage.wait(30) == -number


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_client_that_is_killed_takes_its_child_along(warm, number):
    stage = warm.stage(*WAITS)
    child = warm.child()
    stage.send_signal(number)
    assert stage.wait(30) == -number
    wait_until(lambda: not runs(child))


def test_the_parent_has_one_thread_and_no_file_of_data(warm):
    outcome(warm.stage(*UNAVAILABLE))
    assert warm.parent.num_threads() == 1
    loaded = "".join(Path(f"/proc/{warm.parent.pid}/maps").read_text().splitlines())
    assert "numpy" in loaded
    assert "libtorch" not in loaded
    assert "_raylet" not in loaded
    assert warm.parent.open_files() == [] or all(
        Path(file.path).parent == warm.folder for file in warm.parent.open_files()
    )
    assert warm.folder.stat().st_mode & 0o777 == 0o700


def test_the_compiler_is_set_up_before_the_first_call():
    # In a process of its own: in this one it is set up already.
    calls = (
        "import os, sys",
        "from initatlas.warm.parent import set_up_compiler",
        "set_up_compiler()",
        "from initatlas.piecewise.descent import Descent, train_shallow",
        "from initatlas.piecewise.shallow import ShallowNetwork",
        "before = {*sys.modules}",
        "one = ShallowNetwork([1.0, -1.0], [0.0, 0.5], [1.0, 1.0])",
        "train_shallow(one, [-1.0, 1.0], [0.0, 1.0], Descent(0.1), record=[1])",
        "late = {name for name in {*sys.modules} - before if name.startswith('numba.')}",
        "print(len(late), len(os.listdir('/proc/self/task')))",
    )
    environment = os.environ | start._of_a_job_with_one_thread()
    said = subprocess.run(
        [PYTHON, "-c", "\n".join(calls)], env=environment, capture_output=True, text=True, check=True
    ).stdout
    late, threads = map(int, said.split())
    assert late < 5  # 40 where it is not
    assert threads == 1


def test_a_parent_that_is_killed_costs_its_stages_and_no_later_one(own):
    stage = own.stage(*WAITS)
    child = own.child()
    wait_until((own.place / "log").exists)  # before the child has begun, the stage would start by itself
    own.parent.kill()
    assert stage.wait(30) == 143
    wait_until(lambda: not runs(child))
    assert outcome(own.stage(*UNAVAILABLE))[0] == 2


def test_with_its_owner_the_parent_and_its_stages_end(own):
    stage = own.stage(*WAITS, environment={"INITATLAS_WORKFLOW": f"{os.uname().nodename}:{own.owner.pid}"})
    child = own.child()
    wait_until(lambda: child.num_threads() > 1)  # it follows the owner
    own.end()
    assert stage.wait(30) == 143
    assert not runs(own.parent)
    wait_until(lambda: not runs(child))
    assert not own.folder.exists()


def test_where_the_code_has_changed_stages_start_as_ever(tmp_path):
    shutil.copytree(initatlas.__path__[0], tmp_path / "initatlas", ignore=shutil.ignore_patterns("__pycache__"))
    warm = Warm(tmp_path, PYTHONPATH=str(tmp_path))
    try:
        assert outcome(warm.stage(*UNAVAILABLE))[0] == 2
        assert warm.forked() == 1
        with (tmp_path / "initatlas" / "errors.py").open("a") as file:
            file.write("# a comment\n")
        assert outcome(warm.stage(*UNAVAILABLE))[0] == 2
        assert warm.forked() == 1
    finally:
        warm.end()


def test_where_an_import_says_something_every_stage_says_it(tmp_path):
    (tmp_path / "filelock.py").write_text("print('loud')\n")
    warm = Warm(tmp_path, PYTHONPATH=str(tmp_path))
    try:
        assert outcome(warm.stage(*UNAVAILABLE)) == (2, "", "initatlas: there is none\n")
        wait_until(lambda: not runs(warm.parent))
        assert not warm.folder.exists()
    finally:
        warm.end()


def test_a_stage_does_not_begin_when_its_snakemake_and_the_parent_are_gone(warm):
    gone = subprocess.Popen([PYTHON, "-c", ""])
    gone.wait()
    elsewhere = {"INITATLAS_WARM": "/nowhere", "INITATLAS_WORKFLOW": f"{os.uname().nodename}:{gone.pid}"}
    assert outcome(warm.stage(*UNAVAILABLE, environment=elsewhere)) == (143, "", "")
    assert outcome(warm.stage(*UNAVAILABLE, environment={"INITATLAS_WARM": "/nowhere"}))[0] == 2


def test_there_is_none_unless_it_is_asked_for_and_of_use(monkeypatch):
    started = []
    monkeypatch.setattr(start.subprocess, "Popen", lambda *words, **options: started.append(options["env"]))
    for asked, possible in (("", True), ("no", True), ("3", True), ("2", False)):
        monkeypatch.setenv("INITATLAS_WARM", asked)
        monkeypatch.setattr(start, "is_possible", lambda possible=possible: possible)
        assert start.start_parent(2) is None
        assert "INITATLAS_WARM" not in os.environ
    assert started == []
    monkeypatch.setattr(start, "is_possible", lambda: True)
    monkeypatch.setenv("INITATLAS_WARM", "2")
    folder = start.start_parent(2)
    assert os.environ["INITATLAS_WARM"] == str(folder / "socket")
    assert started[0]["OMP_NUM_THREADS"] == "1"
    shutil.rmtree(folder)


def test_the_path_of_the_socket_is_short_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("long" * 25)))
    folder = start._folder()
    assert folder.parent == Path("/tmp")
    folder.rmdir()


def test_children_draw_numbers_of_their_own():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    _draw_anew()
    assert np.random.get_state()[1].tolist() != before  # noqa: NPY002


def test_benchmarks_are_completed(tmp_path):
    benchmark = tmp_path / "b.tsv"
    names = ("s", "h:m:s", "max_rss", "max_vms", "max_uss", "max_pss", "io_in", "io_out", "mean_load", "cpu_time")
    seen = ("4.00", "0:00:04", "11.05", "14.14", "4.96", "5.14", "0.00", "0.00", "0.00", "0.01")
    benchmark.write_text("\t".join(names) + "\n" + "\t".join(seen) + "\n")
    os.utime(benchmark, ns=(10**18, 10**18))
    note_usage(tmp_path, ["stage", "figure", "--log", "a.log"], Usage(9.0, 9.0))
    note_usage(tmp_path, ["stage", "figure", "--log", "a.log", "--name", "x"], Usage(1.0, 200.5))
    note_usage(tmp_path, ["stage", "figure", "--log", "gone.log"], Usage(1.0, 1.0))
    note_usage(tmp_path, ["stage", "figure"], Usage(1.0, 1.0))
    assert read_usage(tmp_path)["a.log"] == Usage(1.0, 200.5)
    complete_benchmarks({"a.log": str(benchmark), "gone.log": str(tmp_path / "gone.tsv")}, tmp_path)
    header, row = (line.split("\t") for line in benchmark.read_text().splitlines())
    assert header == [*names]
    assert row == ["4.00", "0:00:04", "200.50", "NA", "NA", "NA", "NA", "NA", "25.00", "1.00"]
    assert benchmark.stat().st_mtime_ns == 10**18
    assert read_usage(tmp_path / "nowhere") == {}
