"""What computed a batch, and when a cube is a mixture."""

import platform
from itertools import pairwise

import pytest

from initatlas.sweeps import environment as module
from initatlas.sweeps import execute
from initatlas.sweeps.environment import PACKAGES, Share, describe_cpu, environment, mixture

INTEL = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 207
model name\t: Intel(R) Xeon(R) Processor
flags\t\t: fpu sse4_2 avx avx2 avx512f

processor\t: 1
model name\t: another
"""


def test_the_environment_of_this_process():
    found = environment(gpu=False)
    assert found["python"] == platform.python_version()
    assert {"numpy", "scipy", "initatlas", "blas", "cpu"} <= set(found)
    assert all(found.values())
    assert "gpu" not in found


def test_a_package_that_is_not_installed_is_not_recorded(monkeypatch):
    monkeypatch.setattr(module, "PACKAGES", (*PACKAGES, "no-such-package"))
    module._software.cache_clear()
    try:
        assert "no-such-package" not in environment(gpu=False)
    finally:
        module._software.cache_clear()


def test_a_batch_on_a_gpu_names_it(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Imaginary 9000")
    assert environment(gpu=True)["gpu"] == "Imaginary 9000"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (INTEL, "Intel(R) Xeon(R) Processor, cpu family 6, model 207, avx512f"),
        (INTEL.replace(" avx512f", ""), "Intel(R) Xeon(R) Processor, cpu family 6, model 207, avx2"),
        ("CPU implementer\t: 0x41\nCPU part\t: 0xd40\n", f"{platform.machine()}, CPU implementer 0x41, CPU part 0xd40"),
        ("", platform.machine()),
    ],
    ids=["x86", "the same name with a narrower unit", "arm", "nothing said"],
)
def test_a_cpu_is_told_by_what_its_libraries_look_at(text, words):
    assert describe_cpu(text) == words


BASE = {"python": "3.11.1", "numpy": "2.0.0", "initatlas": "1.0", "cpu": "one"}


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], ""),
        ([BASE], ""),
        ([{**BASE, "initatlas": "1.1"}], ""),
        ([{**BASE, "numpy": "2.1.0"}], "numpy 2.0.0 (5 points) and 2.1.0 (1 point)"),
        ([{**BASE, "cpu": "two"}], "cpu one (5 points) and two (1 point)"),
        ([{**BASE, "gpu": "G"}], "gpu none (5 points) and G (1 point)"),
        ([{}], "1 point without a record"),
        (
            [{**BASE, "python": "3.12.0"}, {**BASE, "python": "3.12.0", "cpu": "two"}],
            "python 3.11.1 (5 points) and 3.12.0 (2 points); cpu one (6 points) and two (1 point)",
        ),
    ],
)
def test_a_mixture_is_named_entry_by_entry(others, expected):
    sentence = mixture([Share(BASE, 5), *(Share(other, 1) for other in others)])
    assert sentence == (f"computed in different environments: {expected}" if expected else "")


def test_points_without_any_record_are_no_mixture():
    assert mixture([Share({}, 3)]) == ""


def test_a_batch_of_less_than_a_tick_has_taken_the_processor():
    """In hundredths of a second nearly all such batches take no time, and a sweep of them is estimated at 0 s."""
    times = [execute._processor_seconds()]
    for _ in range(20):
        sum(range(10_000))
        times.append(execute._processor_seconds())
    assert all(before < after for before, after in pairwise(times))
