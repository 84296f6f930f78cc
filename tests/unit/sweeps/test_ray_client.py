"""The Ray of a sweep: whom it belongs to, and what is said when it is gone."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from filelock import FileLock

from initatlas.errors import UserError
from initatlas.runs import OWNER_VARIABLE
from initatlas.stopping import is_running
from initatlas.sweeps.ray import client, keeper, watch
from initatlas.sweeps.ray.client import RayOfTheSweep
from initatlas.sweeps.ray.keeper import LONGEST_FOLDER, Session, end_orphans, ray_folder, remove_ray_folder
from initatlas.sweeps.ray.watch import RAY_IS_GONE

GONE = 2**22 + 1
"""No process has this id: Linux gives lower ones."""


@pytest.fixture
def joined(monkeypatch):
    """Joining puts address and token into this list, and takes a while; the environment is as before afterwards."""
    found = []

    def join_given(said):
        time.sleep(0.2)
        found.append((client.os.environ["RAY_ADDRESS"], ""))

    def join_private(session, path, said):
        found.append((session.address, session.token))

    monkeypatch.setattr(client, "_join_given", join_given)
    monkeypatch.setattr(client, "_join_private", join_private)
    monkeypatch.setattr(client, "cluster_cpus", lambda default: 7)
    monkeypatch.setattr(client.os, "environ", dict(client.os.environ))
    return found


def test_a_given_cluster_is_joined_in_the_background_and_nothing_is_started(tmp_path, monkeypatch, joined):
    monkeypatch.setitem(client.os.environ, "RAY_ADDRESS", "127.0.0.1:1")
    with RayOfTheSweep(workers=2, session_folder=tmp_path / "ray") as ray:
        assert not ray.ready()
        assert ray.join() == 7
        assert ray.ready()
    assert joined == [("127.0.0.1:1", "")]
    assert not (tmp_path / "ray").exists()


def test_the_end_of_a_sweep_waits_for_what_is_under_way(tmp_path, monkeypatch, joined):
    monkeypatch.setitem(client.os.environ, "RAY_ADDRESS", "127.0.0.1:1")
    with RayOfTheSweep(workers=2, session_folder=tmp_path) as ray:
        ray.start()
    assert len(joined) == 1


def test_what_goes_wrong_in_the_background_is_said_where_it_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with RayOfTheSweep(workers=2, session_folder=tmp_path) as ray:
        ray.start()
        with pytest.raises(UserError, match=r"RAY_ADDRESS=127\.0\.0\.1:1: nothing listens there"):
            ray.join()


def test_the_running_ray_of_the_workflow_is_found(tmp_path, joined):
    """Its session is only trusted while its keeper runs."""
    me = psutil.Process()
    client.os.environ.pop("RAY_ADDRESS", None)
    client.os.environ[OWNER_VARIABLE] = f"{socket.gethostname()}:{me.pid}"
    session = {"address": "127.0.0.1:1", "token": "secret", "process": me.pid, "created": me.create_time(), "parts": []}
    (tmp_path / f"{socket.gethostname()}-{me.pid}.json").write_text(json.dumps(session))
    with RayOfTheSweep(workers=2, session_folder=tmp_path) as ray:
        assert ray.join() == 7
    assert joined == [("127.0.0.1:1", "secret")]


def test_nobody_waits_for_a_ray_that_does_not_come(tmp_path, monkeypatch, joined):
    """Where a sweep ends before its Ray has started, its end is not held up."""
    client.os.environ.pop("RAY_ADDRESS", None)
    monkeypatch.setattr(client, "_start_keeper", lambda *arguments: SimpleNamespace(poll=lambda: None))
    with RayOfTheSweep(workers=2, session_folder=tmp_path) as ray:
        assert not ray.ready()
        start = time.monotonic()
    assert time.monotonic() - start < client.SECONDS_TO_LEAVE
    assert joined == []


@pytest.mark.parametrize(("polls", "started"), [([None] * 3, 1), ([keeper.NOT_NEEDED, None, None], 2)])
def test_a_keeper_is_started_once_and_again_only_if_it_was_not_needed(tmp_path, monkeypatch, polls, started):
    starts, answers = [], iter(polls)

    def start_keeper(*arguments):
        starts.append(arguments)
        return SimpleNamespace(poll=lambda: next(answers))

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(client, "_start_keeper", start_keeper)
    ray = RayOfTheSweep(workers=2, session_folder=tmp_path)
    for _ in range(4):
        ray.prepare()
    assert len(starts) == started


def test_a_process_is_told_from_a_later_one_with_its_number():
    me = psutil.Process()
    assert is_running(me.pid, me.create_time())
    assert not is_running(me.pid, me.create_time() - 1)
    assert not is_running(GONE, me.create_time())


def test_the_keeper_of_an_owner_that_is_gone_starts_nothing(tmp_path):
    path = tmp_path / "session.json"
    command = [sys.executable, "-m", "initatlas", "ray-keeper", str(GONE), "1", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        words, _ = process.communicate(timeout=60)
    assert (process.returncode, words) == (0, "")
    assert [*tmp_path.iterdir()] == []
    assert [*Path(tempfile.gettempdir()).glob(f"initatlas-ray-{process.pid}-*")] == []


def test_a_second_keeper_for_the_same_owner_starts_nothing(tmp_path):
    path = tmp_path / "session.json"
    command = [sys.executable, "-m", "initatlas", "ray-keeper", str(psutil.Process().pid), "1", str(path)]
    with FileLock(path.with_suffix(".lock")):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (3, "")


def test_the_keeper_of_a_ray_that_does_not_start_leaves_its_reason_and_nothing_else(tmp_path):
    """The sweep tells the last line of its log."""
    path = tmp_path / "session.json"
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "ray.py").write_text("raise ImportError('no Ray of this kind')")
    command = [sys.executable, "-m", "initatlas", "ray-keeper", str(psutil.Process().pid), "1", str(path)]
    environment = os.environ | {"PYTHONPATH": str(broken)}
    with path.with_suffix(".log").open("w") as words:
        done = subprocess.run(command, stderr=words, timeout=60, check=False, env=environment)
    assert done.returncode == 1
    assert {found.name for found in tmp_path.iterdir()} == {"session.log", "broken"}
    line = client._why_not_started(path.with_suffix(".log"))
    assert line.startswith("the private Ray of this run has not started (ImportError: no Ray of this kind; see ")


@pytest.fixture
def keepers(monkeypatch):
    """Keepers that end as a list says, one after the other: with a code, or with a Ray that runs ("up"), or not ("hangs")."""
    ends = []
    started = []

    def start_keeper(owner, workers, path):
        end = ends[len(started)]
        if end == "up":
            me = psutil.Process()
            path.write_text(json.dumps(asdict(Session("127.0.0.1:1", "token", me.pid, me.create_time()))))
        started.append(subprocess.Popen(["sleep", "300"] if isinstance(end, str) else ["sh", "-c", f"exit {end}"]))
        return started[-1]

    monkeypatch.setattr(client, "_start_keeper", start_keeper)
    monkeypatch.setattr(client, "_warn_of_little_shared_memory", lambda: None)
    yield ends, started
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("failures", [0, 1, client.ATTEMPTS_TO_START - 1])
def test_a_ray_that_ends_while_it_starts_is_started_again(failures, keepers, tmp_path, caplog):
    """Ray gives its own parts fifteen seconds, whatever else the machine has to do."""
    ends, started = keepers
    ends += [1] * failures + ["up"]
    session = RayOfTheSweep(workers=1, session_folder=tmp_path)._wait_for_session()
    assert session.address == "127.0.0.1:1"
    assert len(started) == failures + 1
    assert caplog.messages == ["Ray ended while it was starting; it is started again"] * failures


def test_a_ray_that_never_starts_is_given_up(keepers, tmp_path):
    ends, started = keepers
    ends += [1] * client.ATTEMPTS_TO_START
    with pytest.raises(UserError, match=r"has not started.*; run the same command again"):
        RayOfTheSweep(workers=1, session_folder=tmp_path)._wait_for_session()
    assert len(started) == client.ATTEMPTS_TO_START


def test_a_ray_that_hangs_is_not_started_beside_itself(keepers, tmp_path, monkeypatch):
    ends, started = keepers
    ends += ["hangs"]
    monkeypatch.setattr(client, "START_SECONDS", 0.3)
    with pytest.raises(UserError, match="has not started"):
        RayOfTheSweep(workers=1, session_folder=tmp_path)._wait_for_session()
    assert len(started) == 1


def test_what_a_killed_keeper_has_left_is_ended_and_what_a_living_one_holds_is_not(tmp_path):
    """Its processes are found by the session of the system that it has begun, also when their parent is gone."""
    path = tmp_path / "session.json"
    program = "import subprocess, time; print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)"
    command = [sys.executable, "-c", program]
    leader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    child = psutil.Process(int(leader.stdout.readline()))
    bystander = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        kept = {"address": "", "token": "", "process": leader.pid, "created": psutil.Process(leader.pid).create_time()}
        path.write_text(json.dumps({**kept, "parts": []}))
        end_orphans(path)
        assert child.is_running()
        assert path.exists()
        leader.kill()
        leader.wait()
        end_orphans(path)
        psutil.wait_procs([child], timeout=10)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
        assert not path.exists()
        assert bystander.poll() is None
    finally:
        for process in (leader, bystander):
            process.kill()
            process.wait()


@pytest.mark.parametrize("length", [10, 110])
def test_ray_has_a_folder_of_this_user_whose_sockets_have_short_paths(tmp_path, monkeypatch, length):
    long = tmp_path / ("x" * length)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", "/tmp" if length == 10 else str(long))
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    folder = ray_folder()
    try:
        assert len(str(folder)) <= LONGEST_FOLDER
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.parent == Path("/tmp")
    finally:
        remove_ray_folder(os.getpid())
    assert not folder.exists()


def test_without_any_short_folder_the_user_is_told_what_to_set(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "_parents_of_ray_folders", lambda: [tmp_path / ("x" * 110)])
    with pytest.raises(
        UserError, match=r"too long for the sockets of Ray.*; set RAY_TMPDIR to a folder of at most \d+ "
    ):
        ray_folder()


def test_a_session_is_kept_while_all_of_its_processes_run():
    me = psutil.Process()
    here = (me.pid, me.create_time())
    assert Session("", "", *here, parts=(here,)).is_kept()
    assert not Session("", "", *here, parts=(here, (GONE, 1.0))).is_kept()
    assert not Session("", "", GONE, 1.0, parts=(here,)).is_kept()


def test_a_cluster_of_another_python_is_one_line(tmp_path, monkeypatch):
    """Ray refuses by itself, in several lines."""

    def init(address, is_there, patience):
        raise RuntimeError(
            "Version mismatch: The cluster was started with:\n    Ray: 2.60.0\n    Python: 3.9.1\nThis process"
        )

    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.7:6379")
    monkeypatch.setattr(client, "given_address", lambda: "10.0.0.7:6379")
    monkeypatch.setattr(client, "send_libraries_to_the_log", lambda path: path)
    monkeypatch.setattr(client, "_init", init)
    with pytest.raises(
        UserError, match=r"^RAY_ADDRESS=10\.0\.0\.7:6379: .*: Ray: 2\.60\.0 Python: 3\.9\.1 This"
    ) as told:
        client._join_given(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_ray_raises_when_it_has_ended_is_one_line(monkeypatch, is_gone):
    monkeypatch.setattr(watch, "_ray_is_gone", lambda: is_gone)
    with pytest.raises(UserError if is_gone else ConnectionError) as told, watch.ray_ends():
        raise ConnectionError("who knows")
    assert str(told.value) == (RAY_IS_GONE if is_gone else "who knows")
    with pytest.raises(UserError, match="a mistake"), watch.ray_ends():
        raise UserError("a mistake")


WATCHED = """
    import ctypes, signal, sys, threading, time
    from types import SimpleNamespace
    sys.modules["ray"] = SimpleNamespace(is_initialized=lambda: True)
    from initatlas import cli
    from initatlas.sweeps.ray.address import answers
    from initatlas.sweeps.ray.watch import watch_ray

    def work(options):
        threading.Thread(target=watch_ray, args=(lambda: answers(sys.argv[1]), 0.1), daemon=True).start()
        print("watching", flush=True)
        {work}

    options = SimpleNamespace(log=None, quiet=False, command=work, in_atlas=False, in_workflow=False, stops=cli.orderly_stops)
    cli._parser = lambda: SimpleNamespace(parse_args=lambda arguments: options)
    cli.entry()
"""


IN_A_LIBRARY = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); ctypes.CDLL(None).sleep(30)"


WRAPPED = """exec('try: time.sleep(30)\\nexcept Exception as error: raise RuntimeError("wrapped") from error')"""


@pytest.mark.parametrize(
    "work", ["time.sleep(30)", IN_A_LIBRARY, WRAPPED], ids=["in Python", "in a library", "made into something else"]
)
def test_a_control_service_that_is_gone_ends_the_sweep_with_one_line(work):
    """Also where the main thread does not come back from a library."""
    listener = socket.create_server(("127.0.0.1", 0))
    program = textwrap.dedent(WATCHED.format(work=work))
    command = [sys.executable, "-c", program, f"127.0.0.1:{listener.getsockname()[1]}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "watching\n"
        time.sleep(0.6)
        assert process.poll() is None
        listener.close()
        _, messages = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 2
    assert messages == f"initatlas: {RAY_IS_GONE}\n"


@pytest.mark.parametrize(
    ("megabytes", "free", "expected"),
    [
        (None, 10**12, None),
        ("10000", 10**12, 3_000_000_000),
        ("10000", 10**9, 950_000_000),
        ("10", 10**9, 80_000_000),
        ("10000", 0, 80_000_000),
    ],
    ids=["no job", "a share of the job", "no more than there is", "the least", "nothing there"],
)
def test_a_ray_in_a_job_takes_its_share_of_the_job(monkeypatch, megabytes, free, expected):
    monkeypatch.delenv("SLURM_MEM_PER_NODE", raising=False)
    monkeypatch.delenv("SLURM_MEM_PER_CPU", raising=False)
    if megabytes:
        monkeypatch.setenv("SLURM_MEM_PER_NODE", megabytes)
    monkeypatch.setattr(keeper, "shared_memory_bytes", lambda: free)
    assert keeper.object_store_bytes() == expected


@pytest.mark.parametrize(("free", "said"), [(64_000_000, True), (10**9, False)])
def test_little_shared_memory_is_said_when_a_ray_is_started(monkeypatch, tmp_path, caplog, free, said):
    monkeypatch.setattr(client, "shared_memory_bytes", lambda: free)
    monkeypatch.setattr(client, "_start_keeper", lambda *_: None)
    monkeypatch.setattr(client, "cluster_is_given", lambda: False)
    with caplog.at_level("WARNING"):
        client.RayOfTheSweep(workers=1, session_folder=tmp_path / "ray").prepare()
    assert ("/dev/shm has 64 MB free" in caplog.text) == said
    assert bool(caplog.text) == said
