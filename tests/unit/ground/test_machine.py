"""What of a machine is ours, and what the nodes of a cluster have."""

import os
import platform
import subprocess
import sys
from math import inf

import pytest

from initatlas.machine import Node, cpus_at_hand, cpus_of_the_job, hours, largest_node, megabytes_of_the_job, read_nodes


@pytest.mark.parametrize(("given", "cpus"), [("3", 3), ("0", None), ("", None), ("many", None), (None, None)])
def test_a_job_has_the_cpus_that_slurm_gave_it(monkeypatch, given, cpus):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    if given is not None:
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", given)
    assert cpus_of_the_job() == cpus
    assert cpus_at_hand() == (cpus or len(os.sched_getaffinity(0)))


def test_cpus_are_those_that_the_system_lets_us_run_on(monkeypatch):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 7})
    assert cpus_at_hand() == 3


@pytest.mark.parametrize(
    ("variables", "megabytes"),
    [
        ({}, None),
        ({"SLURM_MEM_PER_NODE": "4000"}, 4000.0),
        ({"SLURM_MEM_PER_NODE": "0"}, None),
        ({"SLURM_MEM_PER_CPU": "1500", "SLURM_CPUS_PER_TASK": "4"}, 6000.0),
        ({"SLURM_MEM_PER_NODE": "900", "SLURM_MEM_PER_CPU": "1500"}, 900.0),
    ],
)
def test_the_memory_of_a_job(monkeypatch, variables, megabytes):
    for name in ("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURM_CPUS_PER_TASK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert megabytes_of_the_job() == megabytes


SINFO = """
main* 16 64000 2:00:00
main* 32+ 128000+ 2:00:00
long 64 32000 7-00:00:00
"""


@pytest.mark.parametrize(
    ("partition", "text", "node"),
    [
        (None, SINFO, Node(32, 128000, 2.0)),
        ("long", "long 64 32000 7-00:00:00", Node(64, 32000, 168.0)),
        (None, "a 4 1000 infinite\nb 8 500 30", Node(8, 1000, inf)),
        (None, "", None),
        ("absent", "", None),
        (None, "sinfo: error: nothing here", None),
    ],
    ids=["default", "named", "no default", "no node", "no such partition", "other words"],
)
def test_the_most_that_a_partition_has(partition, text, node):
    assert read_nodes(text, partition) == node


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("infinite", inf),
        ("n/a", inf),
        ("90", 1.5),
        ("30:30", 30.5 / 60.0),
        ("12:30:00", 12.5),
        ("2-12", 60.0),
        ("2-12:30", 60.5),
        ("1-00:00:36", 24.01),
    ],
)
def test_the_time_limits_of_slurm(text, expected):
    assert hours(text) == pytest.approx(expected)


def test_without_slurm_nobody_knows(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert largest_node() is None


def test_sinfo_is_asked_for_the_partition(monkeypatch, tmp_path):
    program = tmp_path / "sinfo"
    program.write_text('#!/bin/sh\necho "$*" > "$0.asked"; echo "long 8 500 60"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert largest_node("long") == Node(8, 500, 1.0)
    assert "--partition=long" in (tmp_path / "sinfo.asked").read_text()
    program.write_text("#!/bin/sh\nexit 1\n")
    assert largest_node("long") is None


COUNTED = """
import resource, sys
import numpy as np
from initatlas.machine import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        [np.ones(1 << 17) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="an option of glibc")
def test_arrays_find_the_memory_of_those_before_them():
    """Eight arrays of a megabyte at a time are some 2000 pages, or 16 large ones, which are given back or not."""
    given, kept = (
        int(subprocess.run([sys.executable, "-c", COUNTED, how], capture_output=True, text=True, check=True).stdout)
        for how in ("given", "kept")
    )
    assert kept < 20
    assert given > 5 * kept
