"""Python for the jobs of a workflow test: stages run in a fork of a process that has imported the libraries of others.

All else, and a sweep that starts Ray, gets a process of its own.
"""

import json
import os
import signal
import socket
import struct
import sys
from pathlib import Path


def main(path, arguments):
    """Give the exit code of a stage; `path` is where requests are answered."""
    if arguments[:3] != ["-m", "initatlas", "stage"] or "ray" in arguments or "auto" in arguments:
        os.execv(sys.executable, [sys.executable, *arguments])
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        request = {"arguments": arguments[3:], "folder": str(Path.cwd()), "environment": dict(os.environ)}
        socket.send_fds(server, [b"\0"], [0, 1, 2])
        server.sendall(json.dumps(request).encode() + b"\n")
        (stage,) = struct.unpack("i", server.recv(4))
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, lambda number, frame: os.kill(stage, number))
        answer = server.recv(4)
    return struct.unpack("i", answer)[0] if answer else 128 + signal.SIGKILL


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
