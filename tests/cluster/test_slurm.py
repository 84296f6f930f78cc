"""Drills on a real Slurm: whatever ends a job, or who submitted it, costs no more than what was in flight.

They need two nodes that see this folder. They are no part of the other tests: ``make test-cluster``.
"""

import os
import shutil
import signal
from unittest import mock

import pytest
import xarray as xr
from toy.accounts import wait_until
from toy.drill import LOG_VARIABLE
from toy.slurm import POINTS, TITLE, bring_back, cancel, memory_is_watched, take_down
from toy.sweeps import make_sweep, run

from initatlas.machine import largest_node
from initatlas.sweeps.backends.serial import SerialBackend

NAP = 0.4
IN_FLIGHT = 3 * 4
"""Points of the batches that two workers have, and of one that is just done."""


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """Every variable of an undisturbed run of the same points, in one process and without Slurm."""
    folder = tmp_path_factory.mktemp("calm")
    sweep = make_sweep("toy.drill", {"number": [*range(POINTS)]}, name="one", scale="smoke")
    sweep = sweep.model_copy(update={"study": "drill"})
    with mock.patch.dict(os.environ, {LOG_VARIABLE: str(folder / "log")}):
        _, output = run(sweep, folder, backend=SerialBackend())
    with xr.open_dataset(output) as cube:
        return {name: array.values.tobytes() for name, array in cube.items()}


def test_a_sweep_asks_for_what_it_needs_and_no_more_than_a_node_has(login, calm):
    login.nap(NAP)
    process = login.submit()
    job = login.running(points=1)
    node = largest_node()
    assert job.cpus == min(3, node.cpus), "160 s of work, a minute a CPU"
    assert 0 <= int(job.memory.rstrip("M")) - (1000 + 1000 + 500 * job.cpus) < 20, "driver, Ray, workers, and a little"
    assert process.wait(300) == 0, login.output.read_text()
    assert login.again() == 0
    assert login.cube() == calm
    assert login.run()[0] == 0
    assert "Nothing to be done" in login.output.read_text()


def test_a_cancelled_job_is_submitted_again_and_goes_on(login, calm):
    login.nap(NAP)
    process = login.submit()
    cancel(login.running(points=40))
    assert process.wait(300) == 0, login.output.read_text()
    assert login.again() <= IN_FLIGHT
    assert login.cube() == calm


def test_a_job_beyond_its_time_loses_what_was_in_flight(login, calm):
    """A minute is not enough for the whole sweep, and no attempt gets more."""
    login.nap(1.2)
    code, said = login.run(config=["cluster={hours: 0.0167, cpus: 2}"])
    assert code == 0, said
    assert said.count("has been submitted with SLURM jobid") >= 2
    assert login.again() <= 2 * IN_FLIGHT
    assert login.cube() == calm


def test_a_job_beyond_its_memory_is_told_and_the_next_one_has_more(login, calm):
    """One point of a hundred takes more than all that the job has; Slurm ends the job, as the kernel would by SIGKILL."""
    if not memory_is_watched():
        pytest.skip("this Slurm lets jobs take more memory than they ask for (docs/cluster.md)")
    login.nap(NAP / 2)
    login.hold(100, 1200)
    process = login.submit(config=["cluster={cpus: 1}"])
    first = login.running(points=1)
    second = login.next_job(after=first)
    assert process.wait(400) == 0, login.output.read_text()
    megabytes = [int(job.memory.rstrip("M")) for job in (first, second)]
    assert megabytes[0] < 1200 < megabytes[1] == pytest.approx(2 * megabytes[0], abs=20)
    (log,) = (login.folder / ".snakemake/slurm_logs").rglob(f"{first.number}.log")
    assert "exceeded memory limit" in log.read_text()
    assert login.again() <= 4, "the batch that was in flight"
    assert "they run in a process of their own" in (login.folder / f"data/logs/smoke/sweeps/{TITLE}.log").read_text()
    assert login.cube() == calm


def test_a_node_that_goes_down_takes_no_result_with_it(login, calm):
    login.nap(NAP)
    process = login.submit()
    node = login.running(points=40).node
    take_down(node)
    try:
        assert process.wait(400) == 0, login.output.read_text()
    finally:
        bring_back(node)
    assert login.again() <= IN_FLIGHT
    assert login.cube() == calm


def test_ctrl_c_on_the_login_node_cancels_the_jobs(login, calm):
    login.nap(NAP)
    process = login.submit()
    login.running(points=40)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) != 0
    assert login.jobs() == []
    assert not (login.folder / f"data/cubes/smoke/{TITLE}.nc").exists()
    assert login.run()[0] == 0
    assert login.again() <= IN_FLIGHT
    assert login.cube() == calm


def test_a_killed_snakemake_leaves_a_job_that_the_next_run_does_not_fight(login, calm):
    """The job goes on by itself; both write to the same store, and the cube is whole."""
    login.nap(NAP)
    process = login.submit()
    login.running(points=40)
    process.kill()
    process.wait(30)
    assert [job.state for job in login.jobs()] == ["RUNNING"]
    code, said = login.run()
    assert code == 0, said
    assert login.cube() == calm


def test_two_runs_of_one_folder_do_not_meet(login):
    login.nap(NAP)
    first = login.submit()
    login.running(points=1)
    second = login.submit()
    assert second.wait(60) != 0
    assert "cannot be locked" in login.output.read_text()
    assert len(login.jobs()) == 1
    assert first.wait(300) == 0


def test_a_sweep_whose_batch_no_node_can_hold_is_refused_in_one_line(login):
    (login.folder / "config/sweeps/drill.yaml").write_text(
        "sweeps:\n  one: {experiment: forward_kernel, axes: {depth: [1]}, fixed: {width: 60000}}\n"
    )
    code, said = login.run()
    assert code == 1
    assert "initatlas: sweep drill/one: a batch needs about " in said
    assert "Traceback" not in said
    assert "submitted" not in said


def test_a_long_sweep_is_done_in_several_jobs_that_do_not_wait_for_each_other(login, calm):
    """Four minutes of Slurm's time, where a job may take two beside its start."""
    login.nap(NAP)
    process = login.submit("slices", config=["cluster={hours: 0.2, cpus: 2}"])
    login.running(points=4)
    wait_until(lambda: len({pid for _, pid in login.computed_by()}) >= 3, seconds=120)
    assert process.wait(400) == 0, login.output.read_text()
    assert login.again() == 0
    assert login.run()[0] == 0
    log = login.folder / f"data/logs/smoke/sweeps/{TITLE}.log"
    assert "0 of 160 points to run" in log.read_text()
    assert login.cube() == calm


def test_a_study_goes_from_the_login_node_to_its_figures(login):
    """Data sets and sweeps are jobs; figures, tables and claims are made here. The numbers are those of a run without Slurm."""
    code, said = login.run("chen2024/table1", "reports/smoke/chen2024/tables/table1.csv")
    assert code == 0, said
    assert said.count("has been submitted with SLURM jobid") == 3
    table = login.folder / "reports/smoke/chen2024/tables/table1.csv"
    on_slurm = table.read_text()
    for folder in ("data", "reports"):
        shutil.rmtree(login.folder / folder)
    here = login.submit(str(table.relative_to(login.folder)), profile="default")
    assert here.wait(600) == 0, login.output.read_text()
    assert table.read_text() == on_slurm


def test_one_allocation_of_two_nodes_is_one_ray(login, calm):
    """The batch script that the profile ships: the batches of the sweep run on both nodes, and everything ends with it."""
    login.nap(0.2)
    said = login.allocate("--nodes=2", "--cpus-per-task=2", TITLE)
    assert "160 of 160 points computed" in (login.folder / f"data/logs/smoke/sweeps/{TITLE}.log").read_text(), said
    assert login.again() == 0
    assert login.cube() == calm
    wait_until(lambda: login.jobs() == [], seconds=60)
