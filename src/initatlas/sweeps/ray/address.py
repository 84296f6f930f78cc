"""The cluster that ``RAY_ADDRESS`` names, told apart from what is none before Ray is asked, which would try for minutes."""

import os
import socket
import tempfile
from ipaddress import ip_address
from pathlib import Path

from initatlas.errors import UserError

ADDRESS_VARIABLE = "RAY_ADDRESS"

SECONDS_TO_ANSWER = 5.0

_LOCAL = "local"
"""By this value Ray means a cluster of one's own, as by none."""

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
"""How a client of gRPC, which Ray speaks, introduces itself: the words of RFC 9113, section 3.4, and a frame of no settings."""

_HEAD_OF_A_FRAME, _SETTINGS = 9, 4
"""Length of what stands before every frame of HTTP/2, and the type of the first one that comes back, at byte 3."""


def cluster_is_given() -> bool:
    """Whether the user points us to a running cluster."""
    return os.environ.get(ADDRESS_VARIABLE, "") not in ("", _LOCAL)


def given_address() -> str:
    """The ``host:port`` of the cluster that the user points us to, where something answers that may be Ray.

    Raises
    ------
    UserError
        If there is no such address, or nothing like Ray answers there.
    """
    given = os.environ[ADDRESS_VARIABLE]
    address = _started_here() if given == "auto" else given
    host, port = _parts(given, address)
    try:
        if not answers(address):
            raise _mistake(given, f"nothing listens at {address}" if given == "auto" else "nothing listens there")
        if not _speaks_as_ray(host, port):
            raise _mistake(given, "what listens there is no Ray")
    except socket.gaierror as error:
        raise _mistake(given, f"the name {host} cannot be resolved ({error.strerror})") from None
    return address


def answers(address: str) -> bool:
    """Whether something listens at ``host:port``.

    Raises
    ------
    socket.gaierror
        If the name of the host does not resolve.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS_TO_ANSWER):
            return True
    except socket.gaierror:
        raise
    except OSError:
        return False


def has_token() -> bool:
    """Whether this user has a token for the clusters of this machine, as `ray start` makes them."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token"
    return bool(os.environ.get("RAY_AUTH_TOKEN")) or Path(named).is_file()


def is_loopback(address: str) -> bool:
    """Whether ``host:port`` is on this machine's loopback."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _started_here() -> str:
    """The address that ``ray start`` has left on this machine; Ray itself takes any that it finds, also one of somebody's own."""
    folder = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    try:
        return Path(folder, "ray", "ray_current_cluster").read_text(encoding="utf-8").strip()
    except OSError:
        raise _mistake("auto", "no Ray was started on this machine") from None


def _parts(given: str, address: str) -> tuple[str, int]:
    """Host and port."""
    if "://" in address:
        raise _mistake(
            given,
            "a driver joins as a node of the cluster, not by a protocol; give host:port",
        )
    host, _, port = address.rpartition(":")
    if not host.strip("[]") or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise _mistake(given, "not of the form host:port")
    return host.strip("[]"), int(port)


def _speaks_as_ray(host: str, port: int) -> bool:
    """Whether what listens there speaks gRPC, or might do so where the user asks for TLS."""
    if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
        return True
    try:
        with socket.create_connection((host, port), timeout=SECONDS_TO_ANSWER) as connection:
            connection.sendall(_PREFACE)
            with connection.makefile("rb") as answer:
                return answer.read(_HEAD_OF_A_FRAME)[3:4] == bytes([_SETTINGS])
    except OSError:
        return False


def _mistake(given: str, reason: str) -> UserError:
    """One line with the mend."""
    return UserError(f"{ADDRESS_VARIABLE}={given}: {reason}; start Ray with `ray start`, or unset {ADDRESS_VARIABLE}")
