"""Nodes that are not like this process: what other code has computed is refused, other libraries are told once.

A worker runs what its own node has installed. So whatever comes back from one says which code computed it.
"""

import logging
import re
from collections.abc import Mapping

from initatlas.errors import UserError
from initatlas.sweeps.environment import NO_MIXTURE, PACKAGES, environment

log = logging.getLogger(__name__)

_SHOWN = 12
"""Digits of a code version in a message."""

_TOLD = ("python", *(name for name in PACKAGES if name not in NO_MIXTURE))
"""What a warning is given for; the processors of a cluster often differ, and the cube says so."""


def check_code(host: str, code: str, *, expected: str, what: str) -> None:
    """Refuse what a node has computed with other code.

    Parameters
    ----------
    host
        The node.
    code, expected
        The version of the code there, as it has told, and here.
    what
        What it has computed.

    Raises
    ------
    UserError
        If they differ.
    """
    if code != expected:
        raise UserError(
            f"node {host} runs other code for {what}: its version is {code[:_SHOWN] or 'unknown'}, here it is "
            f"{expected[:_SHOWN]}; nothing of this is kept: bring the same code there, start Ray there again, then run the same "
            "command"
        )


def cannot_compute(error: Exception) -> UserError:
    """What to say of a node whose worker could not even begin or end a task of ours.

    Parameters
    ----------
    error
        Ray's `RayTaskError`; the node stands in its text alone.
    """
    log.debug("%s", error)
    address = re.search(r"\bip=([^,)]+)", str(error))
    node = address[1] if address else "(unknown)"
    last = [line.strip() for line in str(error).splitlines() if line.strip()][-1]
    return UserError(
        f"node {node} cannot compute for us ({last}); install this package there as it is here, or take the node away, then run "
        "the same command"
    )


class OtherLibraries:
    """Tells of every node once if its libraries have other versions than here."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def look(self, host: str, there: Mapping[str, str]) -> None:
        """Take notice of what a node computes with, see `initatlas.sweeps.environment`."""
        if host in self._seen or not there:
            return
        self._seen.add(host)
        differing = differences(there, environment(gpu=False))
        if differing:
            log.warning("node %s computes with %s; its points may differ in the last digits", host, differing)


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """The versions that differ, in words; empty if none do."""
    differing = [name for name in _TOLD if there.get(name) != here.get(name)]
    return ", ".join(f"{name} {there.get(name, 'missing')} (here {here.get(name, 'missing')})" for name in differing)
