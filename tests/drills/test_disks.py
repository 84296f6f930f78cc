"""What disks do to a store: bits that flip, files cut short, no room, no right to write, and the order of the syncs."""

import os
import random
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from toy.accounts import Account, calm_cube, drill_sweep
from toy.drill import LOG_VARIABLE, POINTS_PER_BATCH
from toy.sweeps import run

from initatlas.errors import UserError
from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.execute import BatchOutcome, Execution
from initatlas.sweeps.outputs import one_row
from initatlas.sweeps.store import PointStore, read_batch

pytestmark = pytest.mark.fault

SEED = 2018
DAMAGES = 200
MOST_FILES_AT_ONCE = 8


@pytest.fixture(scope="module")
def sweep():
    """Twenty batches, of one file each."""
    return drill_sweep(80, length=40)


@pytest.fixture(scope="module")
def calm(sweep, tmp_path_factory):
    return calm_cube(sweep, tmp_path_factory.mktemp("calm"))


@pytest.fixture
def account(sweep, tmp_path, monkeypatch):
    """A sweep that runs in this process."""
    found = Account(sweep, tmp_path / "here")
    monkeypatch.setenv(LOG_VARIABLE, str(found.log))
    return found


# Damage


def flipped_bit(content, chosen):
    """The content with one bit the other way round."""
    place = chosen.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << chosen.randrange(8)]) + content[place + 1 :]


def cut_short(content, chosen):
    """The front of the content; nothing at worst."""
    return content[: chosen.randrange(len(content))]


def zeroed_block(content, chosen):
    """The content with a block that was never written."""
    place = chosen.randrange(len(content))
    length = len(content[place : place + 512])
    zeroed = content[:place] + bytes(length) + content[place + length :]
    return zeroed if zeroed != content else cut_short(content, chosen)


def grown(content, chosen):
    """The content and some bytes more."""
    return content + chosen.randbytes(chosen.randint(1, 64))


def test_damaged_files(account, calm, tally):
    """Every damage is found, costs the points of its own file, and puts no wrong number into the cube."""
    run(account.sweep, account.folder)
    account.computed()
    chosen = random.Random(SEED)
    while tally.moments < DAMAGES:
        victims = chosen.sample(account.files(), chosen.randint(1, MOST_FILES_AT_ONCE))
        expected = sorted(number for path in victims for number in numbers_in(path))
        for path in victims:
            damage = chosen.choice([flipped_bit, flipped_bit, cut_short, zeroed_block, grown])
            path.write_bytes(damage(path.read_bytes(), chosen))
        report, _ = run(account.sweep, account.folder)
        assert report.computed == len(expected)
        assert sorted(account.computed().elements()) == expected
        aside = {path.stem for path in account.store.folder.glob("*.damaged")}
        assert aside == {path.stem for path in victims}
        for path in account.store.folder.glob("*.damaged"):
            path.unlink()
        account.assert_whole(calm)
        tally.moments += len(victims)
        tally.recomputed += len(expected)
    tally.note = f"seed {SEED}"


def numbers_in(path):
    """The points of a file, by what they returned."""
    return read_batch(path).outputs["value"].astype(int).tolist()


# No room, no right to write


@contextmanager
def mounted(folder, *arguments):
    """Mount something for the length of the block, or skip the test."""
    folder.mkdir(parents=True, exist_ok=True)
    tried = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"mounting is not permitted here: {tried.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def small_disk(folder, size="64k"):
    """A file system of 16 pages."""
    return mounted(folder, "-t", "tmpfs", "-o", f"size={size}", "tmpfs")


def remount(folder, options):
    """Change how a folder is mounted."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


@pytest.fixture(autouse=True)
def _need_mount():
    if shutil.which("mount") is None:
        pytest.skip("there is no mount command here")


class Disturbing(SerialBackend):
    """Does something once, after some batches."""

    def __init__(self, batches, what):
        self.batches = batches
        self.what = what

    def run(self, *arguments, **named):
        for number, outcome in enumerate(super().run(*arguments, **named)):
            if number == self.batches:
                self.what()
            yield outcome


def assert_one_line(error, *parts):
    """A message for the user: one line that names what is wrong."""
    assert "\n" not in str(error.value)
    for part in parts:
        assert str(part) in str(error.value)


def test_a_full_disk_keeps_what_was_stored(account, calm, tally):
    store = account.folder / "points"
    with small_disk(store):
        with pytest.raises(UserError) as error:
            run(account.sweep, account.folder)
        assert_one_line(error, account.store.home, "No space left on device", "make room")
        stored = 80 - len(account.missing())
        assert 0 < stored < 80
        assert account.leftovers() == []
        assert not account.output.exists()
        for _ in range(3):
            with pytest.raises(UserError, match="No space left on device"):
                run(account.sweep, account.folder)
        assert account.leftovers() == []
        remount(store, "size=8m")
        report, _ = run(account.sweep, account.folder)
        assert report.computed == 80 - stored
        account.assert_whole(calm)
    tally.moments, tally.recomputed = 4, account.computed_again()
    assert tally.recomputed <= 4 * POINTS_PER_BATCH  # none where not even the journal of a batch could be written


def test_a_disk_that_is_full_from_the_start_is_one_clear_line(account):
    store = account.folder / "points"
    with small_disk(store):
        account.store.lock_file.parent.mkdir(parents=True)
        account.store.lock_file.touch()
        fill(store)
        with pytest.raises(UserError) as error:
            run(account.sweep, account.folder)
        assert_one_line(error, account.store.home, "No space left on device")


def fill(folder):
    """Take all the room."""
    free = os.statvfs(folder)
    (folder / "ballast").write_bytes(bytes(free.f_bavail * free.f_bsize))


def test_no_room_for_the_cube_keeps_the_old_one(account, calm):
    cubes = account.output.parent
    with small_disk(cubes, "16k"):
        account.output.write_bytes(b"an older cube")
        with pytest.raises(UserError) as error:
            run(account.sweep, account.folder)
        assert_one_line(error, account.output.name, "No space left on device")
        assert account.output.read_bytes() == b"an older cube"
        assert account.leftovers() == []
        assert account.missing() == set()
        remount(cubes, "size=8m")
        assert run(account.sweep, account.folder)[0].computed == 0
        account.assert_whole(calm)


@pytest.mark.parametrize("stored", [0, 80], ids=["empty", "full"])
def test_a_read_only_store_is_one_clear_line(account, stored):
    store = account.folder / "points"
    with small_disk(store, "8m"):
        if stored:
            run(account.sweep, account.folder)
        remount(store, "ro")
        with pytest.raises(UserError) as error:
            run(account.sweep, account.folder)
        assert_one_line(error, store, "Read-only file system")


def test_a_store_that_becomes_read_only_keeps_what_was_stored(account, calm):
    """The folder of the files is mounted read-only over itself while the sweep runs."""
    folder = account.store.folder

    def forbid():
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)

    with small_disk(account.folder / "points", "8m"):
        try:
            with pytest.raises(UserError) as error:
                run(account.sweep, account.folder, backend=Disturbing(5, forbid))
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        assert_one_line(error, folder, "Read-only file system", "what was stored before is kept")
        report, _ = run(account.sweep, account.folder)
        assert report.computed == 80 - 5 * POINTS_PER_BATCH
        account.assert_whole(calm)


# The order of the syncs


def test_a_batch_is_on_the_disk_before_it_counts(tmp_path, monkeypatch):
    """Content, then name, then the folder that holds the name; and only then is the batch reported as stored."""
    steps = []
    real_sync, real_replace = os.fsync, os.replace

    def note_sync(descriptor):
        steps.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink()))
        real_sync(descriptor)

    def note_replace(source, target, **named):
        steps.append(("rename", Path(source), Path(target)))
        real_replace(source, target, **named)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_replace)
    store = PointStore(tmp_path, "toy.draws", "c0de" * 16, sweep="own/first")
    (file,) = store.add(BatchOutcome(Execution(1.0, 1.0, "here"), (one_row("a", {"curve": np.arange(9.0)}),)))
    steps.append(("reported",))
    rename = next(step for step in steps if step[0] == "rename")
    draft, target = rename[1:]
    assert target == file.path
    order = [("sync", draft), rename, ("sync", target.parent), ("reported",)]
    assert [step for step in steps if step in order] == order
