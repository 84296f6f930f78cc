"""Around a run of the workflow: its lock, its specs, the mark on an outdated page, the front end."""

import errno
import fcntl
import getpass
import os
import re
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from initatlas.cli import main
from initatlas.commands.run import LEAST_ROOM, Progress, _conclude, _tell, find_snakefile, is_dry
from initatlas.errors import UserError
from initatlas.report.outdated import mark_outdated
from initatlas.runs import MARK, RunLock, name_the_user, spec_file

NOW = datetime(2024, 5, 6, 7, 8)


def test_the_lock_of_a_killed_run_is_removed_and_that_of_a_living_one_is_not(tmp_path):
    stale = tmp_path / ".snakemake/locks/0.input.lock"
    stale.parent.mkdir(parents=True)
    stale.write_text("data/x.nc\n")
    with (tmp_path / ".snakemake/run.lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not RunLock(tmp_path).take()
        assert stale.exists()
    lock = RunLock(tmp_path)
    assert lock.take()
    assert not stale.exists()
    assert not RunLock(tmp_path).take()
    lock.release()
    assert RunLock(tmp_path).take()


def test_the_lock_of_another_machine_is_not_removed(tmp_path, monkeypatch):
    """Some file systems do not show here that it is held there; Snakemake then says what to do."""
    stale = tmp_path / ".snakemake/locks/0.input.lock"
    lock = RunLock(tmp_path)
    assert lock.take()
    lock.release()
    stale.parent.mkdir(parents=True)
    stale.write_text("data/x.nc\n")
    monkeypatch.setattr("socket.gethostname", lambda: "login2")
    for expected in (True, False):  # the second time the last run was here
        lock = RunLock(tmp_path)
        assert lock.take()
        assert stale.exists() == expected
        lock.release()


def test_a_killed_process_gives_up_its_lock(tmp_path):
    program = (
        "from pathlib import Path; from initatlas.runs import RunLock; import time; lock = RunLock(Path()); "
        "print(lock.take(), flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "True\n"
    assert not RunLock(tmp_path).take()
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert RunLock(tmp_path).take()


def test_a_spec_of_any_length_is_a_file_named_by_its_content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = '{"values": "' + "1," * 200_000 + '"}'
    path = spec_file(text)
    assert path.read_text() == text
    assert spec_file(text) == path != spec_file(text + " ")
    for torn in (b"torn", b"\xff"):
        path.write_bytes(torn)
        assert spec_file(text).read_text() == text


def page(folder, scale="quick"):
    path = folder / "index.html"
    path.write_text(f'<html data-scale="{scale}"><aside id="outdated" hidden></aside><p>numbers</p></html>')
    os.utime(path, (1, 1))
    return path


def test_a_page_that_is_about_to_be_renewed_says_that_it_is_old(tmp_path):
    path = page(tmp_path)
    for count, words in ((3, "Atlas &amp; more (3 files)"), (1, "Atlas &amp; more (1 file)")):
        mark_outdated(path, {"Atlas & more": count}, scale="quick", due=True, now=NOW)
        text = path.read_text()
        assert text.count("older than the config") == 1
        assert words in text
        assert "2024-05-06 at 07:08" in text
        assert "numbers" in text
        assert path.stat().st_mtime == 1


@pytest.mark.parametrize(
    ("studies", "scale", "due", "marked"),
    [
        ({}, "quick", False, False),
        ({"Atlas": 1}, "quick", False, True),
        ({"Atlas": 1}, "smoke", False, False),
        ({"Atlas": 1}, "smoke", True, True),
        ({}, "quick", True, True),
    ],
)
def test_a_run_that_leaves_the_page_alone_leaves_no_mark(tmp_path, studies, scale, due, marked):
    path = page(tmp_path)
    mark_outdated(path, studies, scale=scale, due=due, now=NOW)
    assert ("older than the config" in path.read_text()) == marked


def test_a_page_that_was_torn_is_marked_all_the_same(tmp_path):
    path = page(tmp_path)
    path.write_bytes(path.read_bytes() + b"\xff")
    mark_outdated(path, {"Atlas": 1}, scale="quick", due=True, now=NOW)
    assert "older than the config" in path.read_text()


def test_no_page_no_mark(tmp_path):
    mark_outdated(tmp_path / "index.html", {"Atlas": 1}, scale="quick", due=True, now=NOW)
    assert [*tmp_path.iterdir()] == []


def test_the_front_end_shows_what_starts_and_our_lines_alone(capsys):
    progress = Progress()
    lines = [
        "Building DAG of jobs...",
        "total       7",
        f"{MARK}mnist: 5 images",
        "Job 3: sweep a/b",
        "Error in rule sweep:",
    ]
    lines += ["    message: sweep a/b", "    jobid: 3", "    log: data/a.log (check log file(s) for error details)"]
    for line in lines:
        _tell(line, progress, verbose=False)
    assert capsys.readouterr().err.splitlines() == ["mnist: 5 images", "[1/7] sweep a/b"]
    assert progress.failures == [["sweep a/b", "data/a.log"]]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run", "atlas/trainabilty"], "there is no target 'atlas/trainabilty' (did you mean 'atlas/trainability'?)"),
        (["sweep", "run", "nosuch/x"], "there is no target 'nosuch/x'; "),
        (
            ["sweep", "plan", "trainability"],
            "there is no study and no sweep 'trainability' (did you mean 'atlas/trainability'?)",
        ),
        (
            ["run", "data/cubes/quick/atlas/trainabilty.nc"],
            "(did you mean 'data/cubes/quick/atlas/trainability.nc'?); `initatlas sweep list` shows the sweeps",
        ),
        (["run", "--scale=smoke", "reports/quick/claims.json"], "(did you mean 'reports/smoke/claims.json'?)"),
        (["run", "data/datasets/quick/digit.nc"], "(did you mean 'data/datasets/quick/digits.nc'?)"),
        (["run", "reports/quick/atlas/figures/trainability.jpg"], "figures/trainability.p"),
        (["run", "reports"], "there is no target 'reports'; "),
    ],
    ids=" ".join,
)
def test_a_target_that_does_not_exist_is_one_line(root, monkeypatch, capsys, words, line):
    monkeypatch.chdir(root)
    assert main(words) == 2
    (line_printed,) = capsys.readouterr().err.splitlines()
    assert line in line_printed


@pytest.mark.parametrize(
    "words",
    [
        ["sweep", "list"],
        ["sweep", "status"],
        ["sweep", "prune"],
        ["sweep", "plan", "a/b"],
        ["sweep", "run", "a/b"],
        ["run"],
        ["config", "check"],
        ["config", "reference"],
        ["download", "mnist"],
    ],
    ids=" ".join,
)
def test_a_command_outside_of_an_atlas_names_the_folder(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert [*tmp_path.iterdir()] == []
    (line_printed,) = capsys.readouterr().err.splitlines()
    assert "config/config.yaml" in line_printed
    assert str(tmp_path) in line_printed


def test_a_command_below_the_folder_of_an_atlas_finds_it(root, monkeypatch, capsys):
    monkeypatch.chdir(root / "docs")
    assert main(["sweep", "list"]) == 0
    assert "atlas/trainability" in capsys.readouterr().out
    assert Path.cwd() == root


@pytest.mark.parametrize("number", [0, -3, "x", 1.5])
@pytest.mark.parametrize(
    "command", [["run"], ["sweep", "run", "a/b"], ["kernel", "gram", "--dataset=x", "--output=y"]], ids=" ".join
)
def test_a_number_of_workers_is_at_least_one(command, number, capsys):
    assert refused([*command, f"--workers={number}"], capsys).startswith(
        f"initatlas: argument --workers: '{number}': give a whole number of at least 1; see initatlas {command[0]}"
    )


def refused(words, capsys):
    """The line with which the command line refuses its words."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


GRAM = ["kernel", "gram", "--dataset", "x", "--output", "y"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["swep", "list"], "invalid choice: 'swep'"),
        (["sweep", "lst"], "(did you mean 'list'?); see initatlas sweep --help"),
        (["run", "--scale", "papper"], "(did you mean 'paper'?); see initatlas run --help"),
        (["run", "--nosuch"], "unrecognized arguments: --nosuch"),
        ([*GRAM, "--tile", "0"], "--tile: '0': give a whole number of at least 1"),
        ([*GRAM, "--samples", "0"], "--samples: '0': give a whole number of at least 1"),
        ([*GRAM, "--seed", "-1"], "--seed: '-1': give a whole number of at least 0"),
        (["kernel", "spectrum", "x", "--top", "0"], "--top: '0': give a whole number of at least 1"),
        (["kernel", "spectrum", "x", "--seed", "y"], "--seed: 'y': give a whole number of at least 0"),
        (["kernel", "spectrum", "x", "--tolerance", "nan"], "--tolerance: 'nan': give a number between 0 and 1"),
        (["kernel", "spectrum", "x", "--tolerance", "0"], "--tolerance: '0': give a number between 0 and 1"),
    ],
)
def test_words_that_make_no_command_are_one_line(words, message, capsys):
    assert message in refused(words, capsys)


@pytest.mark.parametrize(
    ("options", "dry"),
    [
        (["--dry-run"], True),
        (["--dryrun"], True),
        (["-n"], True),
        (["-np"], True),
        (["--until", "x", "-pn"], True),
        (["--notemp"], False),
        (["--rerun-incomplete", "-p"], False),
        (["n"], False),
    ],
)
def test_a_dry_run_is_known_by_its_words(options, dry):
    assert is_dry(options) == dry


def told_of(lines, *, dry):
    """What a front end has read."""
    progress = Progress(dry=dry)
    for line in lines:
        _tell(line, progress, verbose=False)
    return progress


def test_a_quiet_run_shows_no_jobs_but_words_of_ours_and_a_dry_run(capsys):
    for dry, said in ((False, ["mnist: broken"]), (True, ["would run: sweep a/b", "mnist: broken"])):
        progress = Progress(dry=dry)
        for line in ("Job 1: sweep a/b", f"{MARK}mnist: broken"):
            _tell(line, progress, verbose=False, quiet=True)
        assert progress.jobs == 1
        assert capsys.readouterr().err.splitlines() == said


def test_quiet_stands_before_or_behind_a_command_and_not_beside_verbose(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    for words in (["--quiet", "run", "--verbose"], ["run", "-q", "--verbose"]):
        assert main(words) == 2
        assert capsys.readouterr().err == "initatlas: --quiet and --verbose: give one of them\n"


def test_a_dry_run_says_what_would_run(capsys, caplog):
    caplog.set_level("INFO", "initatlas")
    progress = told_of(["total       2", "Job 1: data set digits", "Job 2: sweep a/b"], dry=True)
    assert _conclude(0, progress, 1.0, report=True) == 0
    assert capsys.readouterr().err.splitlines()[:2] == ["would run: data set digits", "would run: sweep a/b"]
    assert caplog.messages == ["2 jobs would run; nothing was made"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["Job 1: data set digits"], ["done in 1 s", "the report: reports/index.html"]),
        (
            ["Nothing to be done (all requested files are present and up to date)."],
            ["nothing to do", "the report: reports/index.html"],
        ),
        (["output_file\tdate"], ["no job ran; what Snakemake said is in data/logs/run.log"]),
    ],
)
def test_how_a_run_ends(caplog, lines, said):
    caplog.set_level("INFO", "initatlas")
    assert _conclude(0, told_of(lines, dry=False), 1.0, report=True) == 0
    assert caplog.messages == said


@pytest.mark.parametrize("lines", [[], ["Error in rule x:", "    jobid: 1", "    log: data/a.log"]])
def test_a_run_that_ends_on_a_full_disk_says_so(caplog, monkeypatch, tmp_path, lines):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=LEAST_ROOM - 1))
    assert _conclude(1, told_of(lines, dry=False), 1.0, report=True) == 1
    assert caplog.messages[-1] == f"{tmp_path}: the disk is full; make room, and run it again: what is finished is kept"


@pytest.mark.parametrize(
    ("number", "mend"),
    [
        (errno.ENOSPC, "No space left on device; make room on this disk, and run it again"),
        (errno.EROFS, "Read-only file system; work in a folder that can be written, and run it again"),
        (errno.EACCES, "Permission denied; give access to it, and run it again"),
    ],
)
def test_a_disk_that_cannot_be_written_is_no_bug_of_ours(root, monkeypatch, capsys, number, mend):
    def full(*arguments, **options):
        raise OSError(number, os.strerror(number), "data/x")

    monkeypatch.chdir(root)
    monkeypatch.setattr("initatlas.commands.status.status", full)
    assert main(["status"]) == 2
    assert capsys.readouterr().err == f"initatlas: data/x: {mend}\n"


def test_another_error_of_the_system_is_a_bug_of_ours(root, monkeypatch, capsys):
    def odd(*arguments, **options):
        raise IsADirectoryError(errno.EISDIR, "Is a directory", "data/x")

    monkeypatch.chdir(root)
    monkeypatch.setattr("initatlas.commands.status.status", odd)
    assert main(["status"]) == 1
    assert "a bug of ours" in capsys.readouterr().err


def test_a_failure_without_a_message_has_a_log():
    progress = told_of(
        ["Error in rule unavailable:", "    message: None", "    log: data/a.log (check log file(s))"], dry=False
    )
    assert progress.failures == [["data/a.log"]]


@pytest.mark.parametrize(
    ("name", "log", "said"),
    [
        (
            "sweep a/b",
            "INFO 4 of 4 points to run\n",
            "; its process ended without a word: .* then runs in a process of its own",
        ),
        ("sweep a/b", "", "; its process ended without a word: "),
        ("figure a/b", "", "; its process ended without a word: it was killed, or a library crashed$"),
        ("sweep a/b", "12:00 INFO 4 of 4\n12:01 ERROR a/b: 1 of 4 points failed\n", "see {path}$"),
        ("sweep a/b", None, "see {path}$"),
    ],
)
def test_a_process_that_left_no_word_is_told(tmp_path, caplog, name, log, said):
    path = tmp_path / "job.log"
    if log is not None:
        path.write_text(log)
    lines = [f"Job 1: {name}", "Error in rule x:", "    jobid: 1", f"    log: {path} (check log file(s))"]
    assert _conclude(1, told_of(lines, dry=False), 1.0, report=False) == 1
    (line,) = caplog.messages
    assert line.startswith(f"failed: {name}, see {path}")
    assert re.search(said.format(path=re.escape(str(path))), line)


def test_a_sweep_that_cannot_run_is_refused_before_anything_starts(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    monkeypatch.setattr(
        "initatlas.commands.run.load_workflow",
        lambda *given: SimpleNamespace(
            studies={}, titles=[], downloads=(), unavailable={"mine/a": "config/sweeps/mine.yaml: no module"}, unread=()
        ),
    )
    assert main(["sweep", "run", "mine/a"]) == 2
    assert capsys.readouterr().err == "initatlas: config/sweeps/mine.yaml: no module\n"


@pytest.mark.parametrize("name", ["a{b}", "a{", "b}"])
def test_a_clone_with_braces_in_its_path_is_refused(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "Snakefile").touch()
    with pytest.raises(UserError, match=re.escape(f"{tmp_path / name}: Snakemake cannot work from a path with braces")):
        find_snakefile(tmp_path / name / "Snakefile")
    monkeypatch.chdir(tmp_path / name)
    with pytest.raises(UserError, match="rename or move the clone"):
        find_snakefile(None)


def test_a_clone_may_have_blanks_and_accents_in_its_path(tmp_path):
    path = tmp_path / "été (2) 'x'" / "Snakefile"
    path.parent.mkdir()
    path.touch()
    assert find_snakefile(path) == path


def test_a_user_without_a_name_gets_one(monkeypatch):
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda number: {}[number])
    monkeypatch.setenv("LOGNAME", "")
    name_the_user()
    assert getpass.getuser() == str(os.getuid())


def test_a_user_keeps_the_name(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    name_the_user()
    assert getpass.getuser() == "ada"
