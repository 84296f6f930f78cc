"""Drills on three hosts with addresses of their own, joined by one Ray: hosts that die, come, and lose their head.

They need root and the command ``ip``. They are no part of the other tests: ``make test-cluster``.
"""

import secrets

import pytest
from toy.accounts import BATCHES, Account, calm_cube, drill_sweep, wait_until
from toy.drill import POINTS_PER_BATCH
from toy.hosts import Network, hosts_are_possible

from initatlas.sweeps.ray.watch import RAY_IS_GONE

NAP = 0.1
"""The sweep takes 8 s at least on two hosts of one CPU."""

IN_FLIGHT = 2 * POINTS_PER_BATCH
"""What a host that dies has: two batches, one of which waits."""


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The sweep, and the cube of an undisturbed run in one process."""
    sweep = drill_sweep()
    return sweep, calm_cube(sweep, tmp_path_factory.mktemp("calm"))


@pytest.fixture
def account(calm, tmp_path):
    return Account(calm[0], tmp_path / "here", nap=NAP)


@pytest.fixture
def network(account):
    """A switch, and what all processes on its hosts need to know."""
    if not hosts_are_possible():
        pytest.skip("no network namespaces here (ip netns add)")
    found = Network({**account.environment, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})
    yield found
    found.end()


def start_sweep(account, head, address):
    """The stage of the workflow that runs a sweep, on the host of the head; its messages go to a file."""
    with (account.folder / "messages").open("w") as messages:
        return head.start(*account.stage(), output=messages, RAY_ADDRESS=address, TMPDIR=str(account.folder))


def messages(account):
    return (account.folder / "messages").read_text()


def wait_for_files(account, driver, count):
    """Wait until so many batches are stored."""
    wait_until(lambda: driver.poll() is not None or len(account.files()) >= count)
    assert driver.poll() is None, messages(account)


def test_a_host_dies_and_another_joins(network, account, calm):
    head, first, second = (network.add() for _ in range(3))
    address = head.be_head()
    first.join(address)
    second.join(address)
    driver = start_sweep(account, head, address)
    wait_for_files(account, driver, 5)
    second.end()
    stored = len(account.files())
    third = network.add()
    third.join(address)
    wait_for_files(account, driver, stored + 2)
    first.end()
    assert driver.wait(180) == 0, messages(account)
    assert "a node left" in messages(account)
    assert account.computed_again() <= 2 * IN_FLIGHT
    account.assert_whole(calm[1])


def test_the_head_is_started_again(network, account, calm):
    hosts = head, *others = [network.add() for _ in range(3)]
    address = head.be_head()
    for host in others:
        host.join(address)
    driver = start_sweep(account, head, address)
    wait_for_files(account, driver, 5)
    head.stop_ray()
    assert driver.wait(120) == 2, messages(account)
    assert messages(account).splitlines()[-1] == f"initatlas: {RAY_IS_GONE}"
    assert "Traceback" not in messages(account)
    stored = len(account.files())
    assert 5 <= stored < BATCHES
    for host in hosts:
        host.stop_ray()
    assert head.be_head() == address
    for host in others:
        host.join(address)
    driver = start_sweep(account, head, address)
    assert driver.wait(180) == 0, messages(account)
    assert account.computed_again() <= 2 * IN_FLIGHT
    account.assert_whole(calm[1])
