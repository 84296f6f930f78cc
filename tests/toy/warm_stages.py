"""Run stages on request, each in a fork of this process, which has imported the libraries of others and nothing of ours.

Most of a stage at scale smoke are imports. The requests come from ``warm_stage.py``, which stands for Python in the jobs. This
process ends with the one that started it, at the end of its standard input.
"""

import atexit
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
from contextlib import suppress

LIBRARIES = (
    "jinja2",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "matplotlib.style",
    "netCDF4",
    "numba",
    "pandas",
    "pydantic",
    "scipy.optimize",
    "scipy.special",
    "sklearn.datasets",
    "torch",
    "xarray",
    "yaml",
)


def main(path):
    """Answer until whoever started this is gone."""
    for library in LIBRARIES:
        importlib.import_module(library)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print(flush=True)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            job, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                run(job)
            job.close()


def run(job):
    """Be a Python that was started for a stage, and end as it does."""
    _, streams, _, _ = socket.recv_fds(job, 1, 3)
    request = json.loads(job.makefile().readline())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[:1] = [request["folder"], *request["environment"]["PYTHONPATH"].split(os.pathsep)]  # as of `python -m`
    sys.argv[1:] = ["stage", *request["arguments"]]
    job.sendall(struct.pack("i", os.getpid()))
    code = 1
    try:
        runpy.run_module("initatlas", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        atexit._run_exitfuncs()
        with suppress(OSError):  # of a job that is gone
            sys.stdout.flush()
            sys.stderr.flush()
            job.sendall(struct.pack("i", code))
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
