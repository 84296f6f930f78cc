"""What libraries write goes to the log of the command, ours to standard error as well."""

import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
    import ctypes, logging, os, sys
    from pathlib import Path
    from initatlas.messages import log, own_the_streams, send_libraries_to_the_log, set_up_logging

    if {owned}:
        own_the_streams()
    set_up_logging({log})
    log.info("ours, before")
    os.write(2, b"theirs, before\\n")
    assert send_libraries_to_the_log(Path("otherwise/ray.log")) == send_libraries_to_the_log(Path("otherwise/ray.log"))
    os.write(1, b"theirs on the output\\n")
    os.write(2, b"theirs on the error\\n")
    logging.getLogger("ray").error("theirs by a logger")
    print("theirs by print", flush=True)
    log.info("ours, after")
    log.debug("ours, for the log")
"""

THEIRS = ["theirs on the output", "theirs on the error", "theirs by a logger", "theirs by print"]


@pytest.mark.parametrize("has_log", [True, False])
def test_libraries_speak_to_the_log_and_we_to_the_screen(tmp_path, has_log):
    name = "own/job.log" if has_log else "otherwise/ray.log"
    for _ in range(2):  # the second time the file is there
        program = textwrap.dedent(PROGRAM.format(log=f"Path({name!r})" if has_log else None, owned=True))
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert done.stderr.splitlines() == ["ours, before", "theirs, before", "ours, after"]
        lines = (tmp_path / name).read_text().splitlines()
        assert [line for line in lines if line in THEIRS] == THEIRS
        ours = [line.partition(" INFO ")[2] or line.partition(" DEBUG ")[2] for line in lines if line not in THEIRS]
        assert ours == (["ours, before", "ours, after", "ours, for the log"] if has_log else [])
        assert [path.name for path in tmp_path.rglob("*.log")] == [name.partition("/")[2]]


def test_inside_of_another_program_its_streams_are_left_alone(tmp_path):
    program = textwrap.dedent(PROGRAM.format(log=None, owned=False))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["theirs on the output", "theirs by print"]
    assert [*tmp_path.iterdir()] == []
