"""Hosts on one machine: each has a network address, processes, memory to share and temporary files of its own.

Network namespaces stand for them, with a switch between; the files of the project are on a disk that all see. It needs root.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from toy.accounts import wait_until
from toy.cluster import MEMORY, SYSTEM

PORT = 6379
_SECONDS = 60


class Network:
    """Hosts and the switch between them.

    Parameters
    ----------
    environment
        Variables that all processes on the hosts see besides those of the caller.
    """

    def __init__(self, environment):
        self.environment = {**os.environ, **environment, "OMP_NUM_THREADS": "1"}
        self.temporary = Path(tempfile.mkdtemp(prefix="hosts"))
        self.prefix = f"atlas{os.getpid()}"
        self.hosts = []
        self.switch = f"{self.prefix}s"
        _ip("netns", "add", self.switch)
        _ip("-n", self.switch, "link", "add", "switch", "type", "bridge")
        _ip("-n", self.switch, "link", "set", "switch", "up")

    def add(self):
        """A host more."""
        self.hosts.append(Host(self, len(self.hosts) + 1))
        return self.hosts[-1]

    def end(self):
        """Nothing is left of it."""
        for host in self.hosts:
            host.end()
        _ip("netns", "del", self.switch)
        self.temporary.rmdir()


class Host:
    """A host.

    Parameters
    ----------
    network
        What it is part of.
    number
        From 1; the last part of its address.
    """

    def __init__(self, network, number):
        self.network = network
        self.address = f"10.77.0.{number}"
        self.space = f"{network.prefix}h{number}"
        _ip("netns", "add", self.space)
        _ip("-n", self.space, "link", "add", "wire", "type", "veth", "peer", f"port{number}", "netns", network.switch)
        _ip("-n", network.switch, "link", "set", f"port{number}", "master", "switch", "up")
        _ip("-n", self.space, "address", "add", f"{self.address}/24", "dev", "wire")
        for device in ("lo", "wire"):
            _ip("-n", self.space, "link", "set", device, "up")
        own = f"mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs {network.temporary} && echo up && exec sleep infinity"
        inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", own]
        self.outside = subprocess.Popen(
            ["ip", "netns", "exec", self.space, *inside], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.outside.stdout.readline() == "up\n"
        (self.first,) = psutil.Process(self.outside.pid).children()

    def start(self, *command, output=subprocess.DEVNULL, **environment):
        """Start a program on the host."""
        return subprocess.Popen(
            ["nsenter", "--target", str(self.first.pid), "--net", "--mount", "--pid", *command],
            env={**self.network.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def be_head(self):
        """Start the head of a Ray cluster, which computes nothing."""
        system = "{" + ", ".join(f'"{name}": {value}' for name, value in SYSTEM.items()) + "}"
        self._join(
            "--head",
            f"--port={PORT}",
            "--num-cpus=0",
            f"--system-config={system}",
            f"--temp-dir={self.network.temporary}",
        )
        return f"{self.address}:{PORT}"

    def join(self, head):
        """Join a Ray cluster with one CPU."""
        self._join(f"--address={head}", "--num-cpus=1")

    def _join(self, *words):
        command = [str(Path(sys.executable).parent / "ray"), "start", *words, f"--node-ip-address={self.address}"]
        command += [f"--object-store-memory={MEMORY}", "--disable-usage-stats"]
        with tempfile.TemporaryFile("w+") as said:
            ended = self.start(*command, output=said).wait(_SECONDS * 5)
            said.seek(0)
            assert ended == 0, said.read()

    def stop_ray(self):
        """Kill all that Ray has on this host, but not what has joined it from here."""
        mine = Path(f"/proc/{self.first.pid}/ns/pid").readlink()
        for process in psutil.process_iter():
            with suppress(OSError, psutil.Error):
                words = " ".join(process.cmdline()[:3])
                if Path(f"/proc/{process.pid}/ns/pid").readlink() == mine and ("/ray/" in words or "ray::" in words):
                    process.kill()

    def end(self):
        """Everything on it ends at once, and nobody hears of it."""
        if self.outside.poll() is None:
            self.first.kill()
            self.outside.wait(_SECONDS)
            wait_until(lambda: not self._alive())
        if self.space:
            _ip("netns", "del", self.space)
        self.space = ""

    def _alive(self):
        return self.first.is_running() and self.first.status() != psutil.STATUS_ZOMBIE


def _ip(*words):
    """Run ``ip``."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def hosts_are_possible():
    """Whether this machine lets us make hosts."""
    name = f"atlas{os.getpid()}t"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
