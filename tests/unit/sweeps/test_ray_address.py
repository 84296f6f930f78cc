"""RAY_ADDRESS: whatever it says that is no Ray is told in one line, at once."""

import socket
import threading
import time

import pytest

from initatlas.errors import UserError
from initatlas.sweeps.ray import address as ray_address
from initatlas.sweeps.ray.address import cluster_is_given, given_address, is_loopback

SETTINGS = bytes(3) + b"\x04" + bytes(5)
"""How a server of gRPC begins its answer."""

HTTP = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@pytest.fixture
def serve():
    """Listen and give every caller the same answer, or none; give the address."""
    servers = []

    def start(answer):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threading.Thread(target=talk, args=(server, answer), daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


def talk(server, answer):
    """Take one caller after the other, until the end."""
    kept = []
    while True:
        try:
            caller, _ = server.accept()
        except OSError:
            return
        kept.append(caller)
        if answer:
            caller.sendall(answer)


def reason(monkeypatch, address):
    """What is said about an address."""
    monkeypatch.setenv("RAY_ADDRESS", address)
    begin = time.monotonic()
    with pytest.raises(UserError) as told:
        given_address()
    assert time.monotonic() - begin < 10
    line = str(told.value)
    assert line.startswith(f"RAY_ADDRESS={address}: ")
    assert line.endswith("; start Ray with `ray start`, or unset RAY_ADDRESS")
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("nonsense", "not of the form host:port"),
        ("127.0.0.1", "not of the form host:port"),
        (":6379", "not of the form host:port"),
        ("127.0.0.1:0", "not of the form host:port"),
        ("127.0.0.1:65536", "not of the form host:port"),
        ("ray://127.0.0.1:10001", "not by a protocol; give host:port"),
        ("http://127.0.0.1:8265", "not by a protocol; give host:port"),
        ("127.0.0.1:1", "nothing listens there"),
        ("[::1]:1", "nothing listens there"),
    ],
)
def test_what_is_no_address_is_told_in_one_line(monkeypatch, address, expected):
    assert expected in reason(monkeypatch, address)


def test_a_name_that_does_not_resolve(monkeypatch):
    assert "the name no-such-host.invalid cannot be resolved" in reason(monkeypatch, "no-such-host.invalid:6379")


@pytest.mark.parametrize("answer", [None, HTTP], ids=["silence", "another protocol"])
def test_what_listens_but_is_no_ray(monkeypatch, serve, answer):
    monkeypatch.setattr(ray_address, "SECONDS_TO_ANSWER", 0.3)
    assert "what listens there is no Ray" in reason(monkeypatch, serve(answer))


def test_what_answers_as_ray_does_is_left_to_ray(monkeypatch, serve):
    monkeypatch.setenv("RAY_ADDRESS", address := serve(SETTINGS))
    assert given_address() == address


def test_under_tls_ray_itself_has_to_find_out(monkeypatch, serve):
    monkeypatch.setenv("RAY_USE_TLS", "1")
    monkeypatch.setenv("RAY_ADDRESS", address := serve(None))
    assert given_address() == address


def test_auto_is_the_ray_that_was_started_here(monkeypatch, serve, tmp_path):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    assert "no Ray was started on this machine" in reason(monkeypatch, "auto")
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray/ray_current_cluster").write_text("127.0.0.1:1")
    assert "nothing listens at 127.0.0.1:1" in reason(monkeypatch, "auto")
    (tmp_path / "ray/ray_current_cluster").write_text(f"{(address := serve(SETTINGS))}\n")
    assert given_address() == address


@pytest.mark.parametrize(("address", "given"), [("", False), ("local", False), ("auto", True), ("10.0.0.7:6379", True)])
def test_local_means_a_ray_of_our_own(monkeypatch, address, given):
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert cluster_is_given() == given


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:6379", True),
        ("127.0.0.9:6379", True),
        ("localhost:6379", True),
        ("[::1]:6379", True),
        ("10.0.0.7:6379", False),
        ("head:6379", False),
    ],
)
def test_a_loopback_address_is_told_from_others(address, expected):
    assert is_loopback(address) == expected
