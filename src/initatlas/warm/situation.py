"""What a process inherits. A stage is forked only by a parent that has inherited the same: so nobody can tell the difference."""

import os
import resource
import signal
import sys

VARIABLE = "INITATLAS_WARM"
"""Environment variable: the fewest stages for which a run is to have a warm parent, and in its stages the path of that one's
socket. Any other word stands for none.
"""

FEWEST_STAGES = 4
"""For fewer it is of no use: it imports more than each of them."""

PASSED_ON = tuple(
    getattr(signal, name)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)
"""The signals that a client passes on to its child."""

_FREE = {"PATH", "PWD", "OLDPWD", "SHLVL", "_"}
"""Variables that the shell changes, and no package reads when it is imported; so they may differ, as may those of ours."""


def situation() -> dict[str, object]:
    """The situation of this process, in types that `marshal` knows; to be taken before imports change it."""
    mask = os.umask(0)
    os.umask(mask)
    here = os.stat(".")  # noqa: PTH116  # pathlib would cost every client some milliseconds
    return {
        "interpreter": [sys.executable, sys.version, [*map(str, sys.flags)], [*sys.warnoptions], [*sys.path]],
        "folder": [os.getcwd(), here.st_dev, here.st_ino],  # noqa: PTH109
        "rights": [os.getresuid(), os.getresgid(), os.getgroups(), mask],
        "share": [os.getpriority(os.PRIO_PROCESS, 0), sorted(os.sched_getaffinity(0))],
        "limits": [resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")],
        "ignored": [int(number) for number in PASSED_ON if signal.getsignal(number) == signal.SIG_IGN],
        "variables": {
            name: value for name, value in os.environ.items() if name not in _FREE and not name.startswith("INITATLAS_")
        },
    }
