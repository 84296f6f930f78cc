"""What is said of nodes that are not like this process."""

import logging

import pytest

from initatlas.errors import UserError
from initatlas.sweeps.environment import environment
from initatlas.sweeps.foreign import OtherLibraries, cannot_compute, check_code, differences


def test_other_code_and_no_code_are_refused_with_the_node_and_both_versions():
    check_code("n1", "a" * 64, expected="a" * 64, what="x")
    for code, shown in (("b" * 64, "b" * 12), ("", "unknown")):
        with pytest.raises(UserError) as told:
            check_code("n1", code, expected="a" * 64, what="x")
        assert f"node n1 runs other code for x: its version is {shown}, here it is {'a' * 12}; " in str(told.value)


def test_a_node_that_cannot_compute_is_named_with_the_last_line():
    error = RuntimeError("ray::x() (pid=7, ip=10.0.0.7)\n  more\nModuleNotFoundError: No module named 'y'\n")
    line = str(cannot_compute(error))
    assert line.startswith("node 10.0.0.7 cannot compute for us (ModuleNotFoundError: No module named 'y'); ")


def test_other_libraries_are_told_once_per_node(caplog):
    here = environment(gpu=False)
    libraries = OtherLibraries()
    with caplog.at_level(logging.WARNING):
        libraries.look("n1", here)
        libraries.look("n2", here | {"numpy": "0.1", "cpu": "another", "initatlas": "9"})
        libraries.look("n2", here | {"numpy": "0.1"})
        libraries.look("n3", {})
    assert [record.getMessage() for record in caplog.records] == [
        f"node n2 computes with numpy 0.1 (here {here['numpy']}); its points may differ in the last digits"
    ]


def test_a_library_that_is_missing_on_one_side_differs():
    assert differences({"numpy": "1"}, {"numpy": "1", "torch": "2"}) == "torch missing (here 2)"
    assert differences({"numpy": "1"}, {"numpy": "1"}) == ""
