"""The point store: durable, checked, and for one driver at a time."""

import errno
import hashlib
import io
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from toy.sweeps import index_of

from initatlas.errors import UserError
from initatlas.sweeps.execute import BatchOutcome, Execution
from initatlas.sweeps.outputs import joined, one_row
from initatlas.sweeps.store import DamagedFileError, PointStore, Slowness, read_batch

TESTS = Path(__file__).resolve().parents[2]
EXECUTION = Execution(
    seconds=1.5, peak_megabytes=80.0, host="here", attempt=2, environment={"numpy": "2.0.0"}, code="c0de" * 16
)


def stacked(results):
    """Results by key as a batch has them."""
    return joined(one_row(key, result) for key, result in results.items())


def outcome(*keys, size=40, first=0.0):
    """A batch of made-up points."""
    results = {
        key: {"curve": np.arange(size) + first + number, "count": np.array(number, dtype=np.int8)}
        for number, key in enumerate(keys)
    }
    return BatchOutcome(execution=EXECUTION, results=stacked(results))


@pytest.fixture
def store(tmp_path):
    return PointStore(tmp_path, "toy.draws", "c0de" * 16, sweep="own/first")


def contents(store):
    """Everything that a store holds: key to its outputs."""
    return {
        key: {name: array[entry.row] for name, array in read_batch(entry.path).outputs.items()}
        for key, entry in index_of(store).items()
    }


def test_what_is_stored_is_found_again(store):
    (first,), (second,) = store.add(outcome("a", "b")), store.add(outcome("c", size=7))
    assert index_of(store) == {"a": (first.path, 0), "b": (first.path, 1), "c": (second.path, 0)}
    assert (first.size, second.size) == (2, 1)
    found = contents(store)
    assert set(found) == {"a", "b", "c"}
    np.testing.assert_array_equal(found["b"]["curve"], np.arange(40) + 1.0)
    assert found["c"]["curve"].shape == (7,)
    assert found["b"]["count"].dtype == np.int8
    assert read_batch(first.path).execution == first.execution == EXECUTION


def test_numbers_keep_every_bit(store):
    odd = np.array([0.1, -0.0, np.nan, np.inf, 5e-324, 1 / 3])
    store.add(BatchOutcome(execution=EXECUTION, results=stacked({"a": {"curve": odd}})))
    assert contents(store)["a"]["curve"].tobytes() == odd.tobytes()


def test_nothing_is_written_for_a_batch_without_results(store):
    assert store.add(BatchOutcome(execution=EXECUTION)) == []
    assert not store.folder.exists()


def test_a_file_of_another_engine_is_read(store, monkeypatch):
    """An older one recorded no environment, a newer one may record what is unknown here."""

    def as_another_engine(execution):
        old = {name: getattr(execution, name) for name in ("seconds", "peak_megabytes", "host", "attempt", "estimate")}
        return {**old, "from_the_future": 1}

    monkeypatch.setattr("initatlas.sweeps.store.asdict", as_another_engine)
    (file,) = store.add(outcome("a"))
    monkeypatch.undo()
    assert index_of(store) == {"a": (file.path, 0)}
    assert read_batch(file.path).execution == Execution(1.5, 80.0, "here", 2)


def test_another_code_version_or_experiment_is_another_store(store, tmp_path):
    store.add(outcome("a"))
    assert index_of(PointStore(tmp_path, "toy.draws", "beef" * 16, sweep="own/first")) == {}
    assert index_of(PointStore(tmp_path, "toy.faults", "c0de" * 16, sweep="own/first")) == {}


def test_storing_the_same_batch_again_changes_nothing(store):
    first = store.add(outcome("a", "b"))
    assert store.add(outcome("a", "b")) == first
    assert len(list(store.folder.iterdir())) == 1


def test_a_truncated_file_costs_its_own_points_alone(store, tmp_path, caplog):
    store.add(outcome("a", "b"))
    (entry,) = {file.path for file in store.add(outcome("c", "d", first=9.0))}
    whole = entry.read_bytes()
    for length in range(0, len(whole), 97):
        entry.write_bytes(whole[:length])
        caplog.clear()
        assert set(index_of(store)) == {"a", "b"}
        assert not entry.exists()
        assert f"kept as {entry.stem}.damaged" in caplog.text
        assert entry.with_suffix(".damaged").read_bytes() == whole[:length]
    entry.write_bytes(whole)
    assert set(index_of(store)) == {"a", "b", "c", "d"}


def test_a_flipped_bit_is_found(store):
    (path,) = {file.path for file in store.add(outcome("a", "b"))}
    store.add(outcome("c", first=9.0))
    whole = path.read_bytes()
    chosen = random.Random(1)
    for offset in [0, len(whole) - 1, *chosen.sample(range(len(whole)), 60)]:
        flipped = bytearray(whole)
        flipped[offset] ^= 1 << chosen.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(DamagedFileError, match="checksum"):
            read_batch(path)
        assert set(index_of(store)) == {"c"}
        path.write_bytes(whole)


def test_a_foreign_file_under_an_honest_name_is_set_aside(store, caplog):
    store.add(outcome("a"))
    buffer = io.BytesIO()
    np.savez(buffer, something=np.zeros(3))
    for content in (b"no archive at all", buffer.getvalue()):
        (store.folder / f"{hashlib.sha256(content).hexdigest()}.npz").write_bytes(content)
    assert set(index_of(store)) == {"a"}
    assert len(list(store.folder.glob("*.damaged"))) == 2
    assert "not a file of this store" in caplog.text


def test_files_say_by_how_much_estimates_were_exceeded(store):
    """A machine that had more to do is no reason to expect more of the next run; nor is what nobody recorded."""
    assert Slowness().value == 1.0
    recorded = [(27.0, 3.0, 1.0), (60.0, 6.0, 2.0), (100.0, 100.0, 0.0), (500.0, None, 1.0)]
    for number, (seconds, busy, estimate) in enumerate(recorded):
        result = {"value": np.array(float(number))}
        execution = Execution(seconds, 1.0, "here", estimate=estimate, busy=busy)
        store.add(BatchOutcome(execution, stacked({str(number): result})))
    files = [*store.files()]
    assert {keys for keys, _ in files} == {("0",), ("1",), ("2",), ("3",)}
    every, unknown = Slowness(), Slowness()
    for _, file in files:
        every.count(file.execution)
        if file.execution.busy is None:
            unknown.count(file.execution)
    assert (every.value, unknown.value) == (3.0, 1.0)


def test_a_draft_that_a_kill_left_behind_is_not_read(store):
    store.add(outcome("a"))
    draft = store.folder / ".0123.77.draft.npz"
    draft.write_bytes(b"half")
    assert set(index_of(store)) == {"a"}


def test_a_kill_while_storing_leaves_the_store_readable(store):
    """SIGKILL at arbitrary moments of a loop that stores: what was reported as stored is there, nothing else breaks."""
    program = f"""
        import sys
        sys.path.insert(0, {str(TESTS)!r})
        from pathlib import Path
        from initatlas.sweeps.store import PointStore
        from unit.test_store import outcome
        store = PointStore(Path(sys.argv[1]), "toy.draws", "c0de" * 16, sweep="own/first")
        for number in range(10**6):
            store.add(outcome(f"{{sys.argv[2]}}-{{number}}", size=20000, first=number))
            print(number, flush=True)
        """
    for round_, reports in enumerate((1, 4, 9)):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), str(store.home.parent), str(round_)],
            stdout=subprocess.PIPE,
            text=True,
        )
        seen = [process.stdout.readline() for _ in range(reports)]
        process.send_signal(signal.SIGKILL)
        seen += process.stdout.read().splitlines()
        process.wait(10)
        expected = {f"{round_}-{int(number)}" for number in seen if number.strip()}
        assert expected <= set(index_of(store))
    assert not list(store.folder.glob("*.damaged"))


def test_a_second_driver_waits_and_names_the_first(store, tmp_path):
    program = f"""
        import logging
        from pathlib import Path
        from initatlas.sweeps.store import PointStore
        logging.basicConfig(format="%(message)s")
        with PointStore(Path({str(tmp_path)!r}), "toy.draws", "c0de" * 16, sweep="own/first").lock():
            print("got it", flush=True)
        """
    with store.lock():
        second = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        line = second.stderr.readline()
        assert f"waiting for own/first, process {os.getpid()} on " in line
        time.sleep(0.3)
        assert second.poll() is None
    output, _ = second.communicate(timeout=20)
    assert (output, second.returncode) == ("got it\n", 0)


def test_the_lock_is_given_back_after_a_mistake(store):
    with pytest.raises(ValueError, match="inside"), store.lock():
        raise ValueError("inside")
    with store.lock():
        assert "own/first" in store.lock_file.read_text()
    assert store.lock_file.read_text() == ""


def test_the_lock_of_a_killed_driver_is_free(store, tmp_path):
    program = f"""
        import os, signal
        from pathlib import Path
        from initatlas.sweeps.store import PointStore
        with PointStore(Path({str(tmp_path)!r}), "toy.draws", "c0de" * 16, sweep="own/first").lock():
            os.kill(os.getpid(), signal.SIGKILL)
        """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=20, check=False)
    assert killed.returncode == -signal.SIGKILL
    with store.lock():
        assert f"process {os.getpid()} " in store.lock_file.read_text()


def test_the_journal_keeps_what_a_driver_did_not_take_back(store, tmp_path):
    journal = store.journal
    assert journal.suspects() == frozenset()
    journal.begin(["a", "b"], ["z"])
    assert PointStore(tmp_path, "toy.draws", "c0de" * 16, sweep="own/first").journal.suspects() == {"a", "b", "z"}
    assert PointStore(tmp_path, "toy.faults", "c0de" * 16, sweep="own/first").journal.suspects() == frozenset()
    journal.begin(["c"], ["z"])
    assert journal.suspects() == {"c", "z"}
    journal.settle(["z"])
    assert journal.suspects() == {"z"}
    journal.settle([])
    assert [*store.lock_file.parent.iterdir()] == []


def test_the_journals_of_all_sweeps_are_read_and_one_is_written(store, tmp_path):
    other = PointStore(tmp_path, "toy.draws", "c0de" * 16, sweep="own/second").journal
    store.journal.begin(["a"], ())
    other.begin(["b"], ())
    for journal, own in ((store.journal, {"a"}), (other, {"b"})):
        assert journal.suspects() == own
        assert journal.of_all_sweeps() == {"a", "b"}
    other.settle([])
    assert store.journal.of_all_sweeps() == {"a"}


def test_another_sweep_of_the_experiment_need_not_wait(store, tmp_path):
    other = PointStore(tmp_path, "toy.draws", "c0de" * 16, sweep="own/second")
    with store.lock(), other.lock():
        assert [file.path for file in other.add(outcome("a"))] == [entry.path for entry in index_of(store).values()]


def test_a_file_that_another_driver_has_set_aside_is_no_mistake(store, monkeypatch):
    (path,) = {file.path for file in store.add(outcome("a"))}
    seen = [path]
    path.unlink()
    monkeypatch.setattr(Path, "glob", lambda *_: seen)
    assert index_of(store) == {}


def test_drafts_that_nobody_writes_any_more_are_removed_under_the_lock(store):
    store.folder.mkdir(parents=True)
    host, gone = socket.gethostname(), 2**22 + 1
    names = {
        "ours, dead": (f".a.{host}-{gone}.draft.npz", 0.0, False),
        "ours, alive": (f".b.{host}-{os.getppid()}.draft.npz", 1e5, True),
        "of another node, fresh": (f".c.node7.cluster-{gone}.draft.npz", 0.0, True),
        "of another node, old": (f".d.node7.cluster-{gone}.draft.npz", 1e5, False),
    }
    for name, age, _ in names.values():
        (store.folder / name).write_text("")
        os.utime(store.folder / name, (time.time() - age,) * 2)
    with store.lock():
        left = {case for case, (name, _, _) in names.items() if (store.folder / name).exists()}
    assert left == {case for case, (_, _, stays) in names.items() if stays}


def test_a_journal_that_cannot_be_written_stops_the_run_and_no_end_of_it(store):
    """Before a batch it is one line; afterwards its points stay suspect."""
    journal = store.lock_file.parent / "own--first.suspects.json"
    journal.mkdir(parents=True)
    line = rf"^{journal.parent}: the point store cannot be written \(Is a directory\); make room or give write access, "
    with pytest.raises(UserError, match=line):
        store.journal.begin(["a"], ())
    store.journal.settle(["a"])


def test_a_journal_that_cannot_be_read_suspects_nobody(store):
    store.lock_file.parent.mkdir(parents=True)
    for content in ("", "[", "7", "{]"):
        (store.lock_file.parent / "own--first.suspects.json").write_text(content)
        assert store.journal.suspects() == frozenset()


@contextmanager
def as_nobody():
    """Root may write anywhere: become somebody who may not."""
    mighty = os.geteuid() == 0
    if mighty:
        os.seteuid(65534)
    try:
        yield
    finally:
        if mighty:
            os.seteuid(0)


@pytest.fixture
def read_only_folder(tmp_path):
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.fault
def test_a_folder_that_cannot_be_written_is_one_clear_line(read_only_folder):
    store = PointStore(read_only_folder, "toy.draws", "c0de" * 16, sweep="own/first")
    with as_nobody(), pytest.raises(UserError, match=read_only_folder.name) as error, store.lock():
        pass
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("place", ["", "toy.draws", "toy.draws/c0dec0dec0dec0de"], ids=["root", "home", "folder"])
def test_a_file_in_the_place_of_a_folder_is_one_clear_line(tmp_path, place):
    path = tmp_path / "points" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    store = PointStore(tmp_path / "points", "toy.draws", "c0de" * 16, sweep="own/first")
    with pytest.raises(UserError, match=rf"^{path}: a file where a folder should be; move it away and run again$"):
        index_of(store)
    with pytest.raises(UserError, match=rf"^{path}: a file where a folder should be"):
        store.other_versions()
    if place != "toy.draws/c0dec0dec0dec0de":
        with pytest.raises(UserError, match=rf"^{path}: a file where a folder should be"), store.lock():
            pass


def test_a_folder_in_the_place_of_a_point_file_or_the_lock_is_one_clear_line(store):
    (path,) = {file.path for file in store.add(outcome("a"))}
    path.unlink()
    for place, use in ((path, lambda: index_of(store)), (store.lock_file, store.lock().__enter__)):
        place.mkdir(parents=True)
        with pytest.raises(UserError, match=rf"^{place}: a folder where a file should be; move it away and run again$"):
            use()


def test_a_point_file_that_cannot_be_read_is_one_clear_line(store, monkeypatch):
    (path,) = {file.path for file in store.add(outcome("a"))}
    monkeypatch.setattr(Path, "read_bytes", Mock(side_effect=PermissionError(errno.EACCES, "Permission denied")))
    with pytest.raises(UserError, match=rf"^{path}: cannot be read \(Permission denied\); give read access$"):
        index_of(store)
