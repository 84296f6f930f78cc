"""The Ray of a sweep: whom it belongs to, and what is said when it is gone."""

import json
import socket
import subprocess
import sys
import textwrap
import time

import psutil
import pytest
from filelock import FileLock

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


def test_a_given_cluster_is_ready_and_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert RayOfTheSweep(workers=2, session_folder=tmp_path / "ray").ready()
    assert not (tmp_path / "ray").exists()


def test_the_running_ray_of_the_workflow_is_found(tmp_path, monkeypatch):
    """Its session is only trusted while its keeper runs."""
    me = psutil.Process()
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv(OWNER_VARIABLE, f"{socket.gethostname()}:{me.pid}")
    session = {"address": "127.0.0.1:1", "token": "secret", "process": me.pid, "created": me.create_time()}
    (tmp_path / f"{me.pid}.json").write_text(json.dumps(session))
    assert RayOfTheSweep(workers=2, session_folder=tmp_path).ready()


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

    cli._parser = lambda: SimpleNamespace(parse_args=lambda arguments: SimpleNamespace(log=None, command=work))
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
