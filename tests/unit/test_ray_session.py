"""The Ray of a sweep: whom it belongs to, and what is said when it is gone."""

import json
import socket
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import psutil
import pytest
from filelock import FileLock

from initatlas.errors import UserError
from initatlas.sweeps import ray_session
from initatlas.sweeps.ray_session import OWNER_VARIABLE, RAY_IS_GONE, RayOfTheSweep, _is_loopback, is_running

GONE = 2**22 + 1
"""No process has this id: Linux gives lower ones."""


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:6379", True),
        ("127.0.0.9:6379", True),
        ("localhost:6379", True),
        ("[::1]:6379", True),
        ("10.0.0.7:6379", False),
        ("ray://127.0.0.1:10001", False),
        ("auto", False),
    ],
)
def test_a_loopback_address_is_told_from_others(address, expected):
    assert _is_loopback(address) == expected


@pytest.fixture
def joined(monkeypatch):
    """Joining puts address and kind into this list, and takes a while; the environment is as before afterwards."""
    found = []

    def join(address, kind):
        time.sleep(0.2)
        found.append((address, kind))

    monkeypatch.setattr(ray_session, "_join", join)
    monkeypatch.setattr(ray_session, "cluster_cpus", lambda default: 7)
    monkeypatch.setattr(ray_session.os, "environ", dict(ray_session.os.environ))
    return found


def test_a_given_cluster_is_joined_in_the_background_and_nothing_is_started(tmp_path, monkeypatch, joined):
    monkeypatch.setitem(ray_session.os.environ, "RAY_ADDRESS", "127.0.0.1:1")
    with RayOfTheSweep(workers=2, session_folder=tmp_path / "ray") as ray:
        assert not ray.ready()
        assert ray.join() == 7
        assert ray.ready()
    assert joined == [("127.0.0.1:1", "given")]
    assert not (tmp_path / "ray").exists()


def test_the_end_of_a_sweep_waits_for_what_is_under_way(tmp_path, monkeypatch, joined):
    monkeypatch.setitem(ray_session.os.environ, "RAY_ADDRESS", "127.0.0.1:1")
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
    ray_session.os.environ.pop("RAY_ADDRESS", None)
    ray_session.os.environ[OWNER_VARIABLE] = f"{socket.gethostname()}:{me.pid}"
    session = {"address": "127.0.0.1:1", "token": "secret", "process": me.pid, "created": me.create_time()}
    (tmp_path / f"{me.pid}.json").write_text(json.dumps(session))
    with RayOfTheSweep(workers=2, session_folder=tmp_path) as ray:
        assert ray.join() == 7
    assert joined == [("127.0.0.1:1", "private")]
    assert ray_session.os.environ["RAY_AUTH_TOKEN"] == "secret"


def test_nobody_waits_for_a_ray_that_does_not_come(tmp_path, monkeypatch, joined):
    """Where a sweep ends before its Ray has started, its end is not held up."""
    ray_session.os.environ.pop("RAY_ADDRESS", None)
    monkeypatch.setattr(ray_session, "_start_keeper", lambda *arguments: SimpleNamespace(poll=lambda: None))
    with RayOfTheSweep(workers=2, session_folder=tmp_path) as ray:
        assert not ray.ready()
        start = time.monotonic()
    assert time.monotonic() - start < ray_session.SECONDS_TO_LEAVE
    assert joined == []


def test_a_process_is_told_from_a_later_one_with_its_number():
    me = psutil.Process()
    assert is_running(me.pid, me.create_time())
    assert not is_running(me.pid, me.create_time() - 1)
    assert not is_running(GONE, me.create_time())


def test_the_keeper_of_an_owner_that_is_gone_starts_nothing(tmp_path):
    path = tmp_path / "session.json"
    command = [sys.executable, "-m", "initatlas", "ray-keeper", str(GONE), "1", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [*tmp_path.iterdir()] == []


def test_a_second_keeper_for_the_same_owner_starts_nothing(tmp_path):
    path = tmp_path / "session.json"
    command = [sys.executable, "-m", "initatlas", "ray-keeper", str(psutil.Process().pid), "1", str(path)]
    with FileLock(path.with_suffix(".lock")):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (3, "")


WATCHED = """
    import ctypes, signal, sys, threading, time
    from types import SimpleNamespace
    sys.modules["ray"] = SimpleNamespace(is_initialized=lambda: True)
    from initatlas import cli
    from initatlas.sweeps.ray_session import _watch

    def work(options):
        threading.Thread(target=_watch, args=(sys.argv[1], 0.1), daemon=True).start()
        print("watching", flush=True)
        {work}

    options = SimpleNamespace(log=None, command=work, in_atlas=False, stops=cli.orderly_stops)
    cli._parser = lambda: SimpleNamespace(parse_args=lambda arguments: options)
    cli.entry()
"""


IN_A_LIBRARY = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); ctypes.CDLL(None).sleep(30)"


@pytest.mark.parametrize("work", ["time.sleep(30)", IN_A_LIBRARY], ids=["in Python", "in a library"])
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
