"""What Ray says by itself stands in the log of the command, and not on the screen."""

import subprocess

import pytest
from test_stopping import start
from toy.sweeps import make_sweep

pytestmark = pytest.mark.fault


def test_a_dead_worker_is_one_line_on_the_screen_and_a_paragraph_in_the_log(tmp_path):
    fixed = {"folder": str(tmp_path), "fault": "kill once", "at": 1, "cost": 5.0}
    process = start(
        make_sweep("toy.faults", {"number": [0, 1, 2]}, fixed=fixed), tmp_path, "ray", stdout=subprocess.PIPE
    )
    said, messages = process.communicate(timeout=180)
    assert (process.returncode, said) == (0, ""), messages
    # on a busy machine Ray takes so long to start that the sweep says how it goes
    lines = [line for line in messages.splitlines() if "none finished yet" not in line]
    assert lines[1] == "a worker died (WorkerCrashedError); its batch of 1 points starts again"
    assert [line.startswith("toy/trial: 3 of 3 points ") for line in lines] == [True, False, True], lines
    log = (tmp_path / "logs/ray.log").read_text()
    assert "A worker died" in log
    assert lines[1] not in log
