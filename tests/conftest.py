"""What the tests share: the toy experiments can be imported, here and in every process that a test starts."""

import importlib
import os
import signal
import sys
from pathlib import Path

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
WORKFLOW = "tests/workflow/"
OTHER_ATLASES = {f"{WORKFLOW}{name}.py" for name in ("test_own_atlas", "test_stops", "test_tutorials")}
"""Of the workflow tests those that do not start from the built workflow."""

sys.path.insert(0, str(TESTS))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH", "")]))

# What a test starts inherits signals that are ignored: below nohup, or in the background of a script, drills would fail.
for _number, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGQUIT, signal.SIG_DFL),
):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, _usual)

hypothesis.settings.register_profile("initatlas", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("initatlas")


class Rooms(LoadScopeScheduling):
    """Keeps together, in one process of several, what shares a fixture: the built workflow, and the tests of a file."""

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        return WORKFLOW if file.startswith(WORKFLOW) and file not in OTHER_ATLASES else file


def pytest_xdist_make_scheduler(config, log):
    """Instead of ``--dist loadgroup``, whose groups the newest pytest no longer sees."""
    return Rooms(config, log)


def pytest_collection_modifyitems(items):
    """Begin with the workflow tests, which take longest, so that the other processes have enough to do beside them."""
    items.sort(key=lambda item: not item.nodeid.startswith(WORKFLOW))


@pytest.fixture(scope="session")
def root():
    """Folder of the repository."""
    return ROOT


@pytest.fixture
def add_component(monkeypatch, tmp_path):
    """Put a module with a component into a room, as if its file lay in the package, until the test ends."""
    added = []

    def add(room, name, source):
        package = importlib.import_module(room.package)
        folder = tmp_path / room.package
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        if str(folder) not in package.__path__:
            monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        vars(room).pop("names", None)
        added.append((room, name))

    yield add
    for room, name in added:
        vars(room).pop("names", None)
        room._classes.pop(name, None)
        sys.modules.pop(f"{room.package}.{name}", None)
