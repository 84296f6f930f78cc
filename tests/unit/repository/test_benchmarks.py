"""Benchmarks: everything but the times."""

import json
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from benchmarks import descent, gpu, infinite, single, wide
from benchmarks.catalogue import BENCHMARKS
from benchmarks.page import PAGE, page
from benchmarks.peer import Peer
from benchmarks.result import (
    RESULTS,
    FigureTable,
    Outcome,
    Result,
    TimingTable,
    load_results,
    make_case,
    this_machine,
    with_provenance,
)
from benchmarks.tables import number, result_tables
from benchmarks.timing import Timings, medians, per_unit, ratios, shuffled_rounds, time_competitors

NAMES = ["a", "b", "c"]


@pytest.fixture
def result():
    """A small result made by hand."""
    clock = iter(range(1000))
    timings = time_competitors(
        {name: lambda: None for name in NAMES}, rounds=3, rng=np.random.default_rng(0), clock=lambda: next(clock)
    )
    case = make_case("small", timings, work=10.0)
    outcome = Outcome(
        settings={"rounds": 3},
        timings=[TimingTable(title="Times", measure="ns per weight", cases=[case])],
        figures=[FigureTable(title="Errors", columns=["", "error"], rows=[["first", 1.25e-15]])],
    )
    return with_provenance("weights", outcome, this_machine())


def test_every_round_visits_everyone_once_in_changing_order():
    order = list(shuffled_rounds(NAMES, 20, rng=np.random.default_rng(0)))
    rounds = [tuple(order[start : start + 3]) for start in range(0, 60, 3)]
    assert all(sorted(visited) == NAMES for visited in rounds)
    assert len(set(rounds)) > 1


def test_times_per_unit_of_work():
    timings = Timings({"a": [1.0, 3.0], "b": [8.0]}, {"a": 9.0, "b": 9.0})
    assert per_unit(timings, {"a": 2.0, "b": 4.0}) == Timings({"a": [0.5, 1.5], "b": [2.0]}, {"a": 9.0, "b": 9.0})


@pytest.mark.parametrize("widths", [(5,), (4, 3)])
def test_the_competitors_of_descent_reach_the_same_losses(widths):
    parameters = descent.draw_networks(widths, 3, rng=np.random.default_rng(1))
    ours, loop, stacked = (
        call(parameters, 7) for call in (descent.in_function_space, descent.in_a_loop, descent.under_vmap)
    )
    np.testing.assert_allclose(ours[0], loop, rtol=1e-9)
    np.testing.assert_allclose(stacked.numpy(), loop, rtol=1e-9)
    trials = [descent.trial({"index": network}, parameters, 7)["loss"] for network in range(3)]
    assert trials == loop


def test_a_peer_prepares_and_answers(tmp_path):
    script = tmp_path / "peer.py"
    script.write_text(
        "import json, sys\nimport numpy as np\n"
        "for line in sys.stdin:\n"
        "    request = json.loads(line)\n"
        "    if request:\n"
        "        total = float(np.load(request['arrays'])['a'].sum()) * request['factor']\n"
        "    print(0.0 if request else total, flush=True)\n"
    )
    with Peer.start(Path(sys.executable), str(script)) as peer:
        assert peer.available
        call = peer.prepared({"a": np.arange(4.0)}, factor=2.0)
        assert [call(), call()] == [12.0, 12.0]
    with Peer.start(tmp_path / "missing", str(script)) as peer:
        assert not peer.available


def test_warm_up_is_kept_apart():
    calls = Counter()
    ticks = iter([0.0, 5.0, 10.0, 11.0, 20.0, 21.0, 30.0, 32.0])
    competitors = {"slow start": lambda: calls.update(["slow start"])}
    timings = time_competitors(competitors, rounds=3, rng=np.random.default_rng(0), clock=lambda: next(ticks))
    assert timings.first_call == {"slow start": 5.0}
    assert timings.seconds == {"slow start": [1.0, 1.0, 2.0]}
    assert calls["slow start"] == 4


def test_medians_and_ratios_to_the_first():
    middle = medians({"ours": [2.0, 9.0, 1.0], "theirs": [5.0, 3.0]})
    assert middle == {"ours": 2.0, "theirs": 4.0}
    assert ratios(middle) == {"ours": 1.0, "theirs": 2.0}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.2345, "1.23"), (1234.5, "1230"), (123456.0, "123456"), (2.7e-15, "2.7e-15"), (-0.5, "-0.5")],
)
def test_numbers_as_text(value, text):
    assert number(value) == text


def test_a_table_shows_the_measure_and_the_ratio(result):
    text = result_tables(result)
    assert "**Times (ns per weight)**" in text
    assert "| small | 1.0e+08 (1×) | 1.0e+08 (1×) | 1.0e+08 (1×) |" in text
    assert "| first | 1.2e-15 |" in text


def test_a_competitor_that_left_out_a_case_has_no_cell(result):
    table = result.timings[0]
    other = table.cases[0].model_copy(update={"name": "other", "median": {"a": 1.0}, "ratio": {"a": 1.0}})
    text = result_tables(result.model_copy(update={"timings": [table.model_copy(update={"cases": [other]})]}))
    assert "| other | 1.0e+08 (1×) | – | – |" in text


def test_a_result_survives_json(result):
    assert Result.model_validate_json(result.model_dump_json()) == result


def test_an_unknown_key_in_a_result_is_an_error(result):
    content = json.loads(result.model_dump_json()) | {"host": "somewhere"}
    with pytest.raises(ValidationError, match="host"):
        Result.model_validate(content)


NEEDS_A_MACHINE_OF_ITS_OWN = {"gpu"}
"""Benchmarks whose result may be missing: it was kept by nobody who has such a machine."""


@pytest.mark.parametrize(
    "name",
    sorted({*BENCHMARKS} - {name for name in NEEDS_A_MACHINE_OF_ITS_OWN if not (RESULTS / f"{name}.json").exists()}),
)
def test_kept_results_have_the_medians_of_their_repeats(name):
    kept = Result.model_validate_json((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    assert kept.benchmark == name
    for case in (case for table in kept.timings for case in table.cases):
        assert case.median == pytest.approx(medians(case.seconds))
        assert case.ratio == pytest.approx(ratios(case.median))


def test_every_benchmark_has_a_module():
    assert all(find_spec(f"benchmarks.{name}") for name in BENCHMARKS)


def test_the_page_is_in_step_with_the_results():
    assert PAGE.read_text(encoding="utf-8") == page(load_results(BENCHMARKS)), "run `python -m benchmarks --page`"


def test_all_train_the_same_wide_network():
    rng = np.random.default_rng(0)
    x, y, w, v = rng.normal(size=(20, 5)), rng.normal(size=20), rng.normal(size=(100, 5)), rng.normal(size=100)
    ours, *others = (
        train(x, y, w, v, 0.1, 6) for train in (wide.fused, wide.in_a_loop, wide.with_torch_func, wide.fused)
    )
    for other in others:
        np.testing.assert_allclose(other, ours, atol=1e-5)
    assert np.abs(ours - wide.fused(x, y, w, v, 0.1, 5)).max() > 1e-3


def test_both_fit_the_same_infinite_network():
    arrays = infinite.draw(60, rng=np.random.default_rng(0))
    np.testing.assert_allclose(infinite.ours("ridge", **arrays), infinite.kernel_ridge(**arrays), atol=1e-10)
    assert infinite.ours("flow", **arrays).shape == (infinite.TESTS, 1)


def test_the_benchmark_of_a_gpu_runs_on_any_device_and_its_kernels_are_ours(monkeypatch):
    for name, value in {
        "TRAINING": ((16, 2, 3),),
        "IMAGES": 300,
        "IMAGES_ON_CPU": 100,
        "IMAGES_COMPARED": 200,
        "TILE": 128,
        "INPUTS": 20,
        "ROUNDS": 1,
    }.items():
        monkeypatch.setattr(gpu, name, value)
    outcome = gpu.run("cpu")
    assert [row[0] for row in outcome.figures[0].rows] == ["nngp", "ntk"]
    assert all(0 < row[1] < 2e-6 for row in outcome.figures[0].rows)
    assert [len(table.cases) for table in outcome.timings] == [1, 1]


def test_the_tiles_of_the_benchmark_of_a_gpu_make_the_upper_triangle():
    images = np.random.default_rng(0).standard_normal((10, 4), dtype=np.float32)
    assert [tuple(ntk.shape) for _, ntk in gpu.kernel_tiles(images, "cpu", tile=4)] == [
        (4, 4), (4, 4), (4, 2), (4, 4), (4, 2), (2, 2),
    ]  # fmt: skip
    assert gpu.pairs(10) == 55


def test_a_benchmark_that_cannot_run_here_is_left_out_and_keeps_its_result(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "unavailable", lambda: "no such machine")
    monkeypatch.setattr(single, "save", lambda result: pytest.fail("it was saved"))
    single.run("gpu")
    assert capsys.readouterr().out == "## gpu\n\nLeft out: no such machine.\n"
