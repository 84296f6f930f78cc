"""What the tests share: the toy experiments can be imported, here and in every process that a test starts."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"

sys.path.insert(0, str(TESTS))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH", "")]))


@pytest.fixture(scope="session")
def root():
    """Folder of the repository."""
    return ROOT
