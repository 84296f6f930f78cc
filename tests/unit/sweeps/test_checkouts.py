"""Checkouts that share a point store: who needs what, and what goes when one of them tidies up."""

import json
import shutil
import socket

import pytest

from initatlas.commands.people import prune
from initatlas.sweeps.checkouts import FOLDER, Signature, needed_by_others, sign, signatures
from initatlas.sweeps.registry import experiment_code
from initatlas.sweeps.store import PointStore

HERE = socket.gethostname()


def checkout(folder):
    """The folder of a checkout."""
    (folder / "config").mkdir(parents=True)
    (folder / "config/config.yaml").write_text("")
    return folder


def test_a_checkout_has_one_signature_the_last_one(tmp_path):
    ours, home = checkout(tmp_path / "ours"), tmp_path / "points/smoothness"
    sign(home, ours, code="aaaa", date="2026-01-01")
    sign(home, ours, code="bbbb", date="2026-02-01")
    assert signatures(home) == [Signature(HERE, str(ours), "bbbb", "2026-02-01")]
    assert needed_by_others(home, ours) == {}


def test_others_need_a_version_while_they_live(tmp_path):
    ours, theirs, home = checkout(tmp_path / "ours"), checkout(tmp_path / "theirs"), tmp_path / "points/smoothness"
    sign(home, theirs, code="aaaa", date="2026-01-01")
    (found,) = needed_by_others(home, ours)["aaaa"]
    assert (found.path, found.date) == (str(theirs), "2026-01-01")
    assert needed_by_others(home, theirs) == {}
    shutil.rmtree(theirs)
    assert needed_by_others(home, ours) == {}


def test_whether_a_checkout_of_another_machine_lives_nobody_can_tell(tmp_path):
    home = tmp_path / "points/smoothness"
    (home / FOLDER).mkdir(parents=True)
    signature = {"host": "elsewhere", "path": "/gone", "code": "aaaa", "date": "2026-01-01"}
    (home / FOLDER / "0123.json").write_text(json.dumps(signature))
    (home / FOLDER / "torn.json").write_text('{"host": "else')
    assert [*needed_by_others(home, tmp_path)] == ["aaaa"]


@pytest.fixture
def atlas(root, tmp_path, monkeypatch):
    """A checkout with our config and a store of one experiment: its present version, and three older ones."""
    folder = tmp_path / "atlas"
    folder.mkdir()
    shutil.copytree(root / "config", folder / "config")
    shutil.copy(root / "Snakefile", folder)
    monkeypatch.chdir(folder)
    store = PointStore(folder / "data/points", "printed_kernel", experiment_code("printed_kernel"), sweep="own/trial")
    for name in (store.folder.name, "mine", "theirs", "nobodys"):
        (store.home / name).mkdir(parents=True)
        (store.home / name / "x.npz").write_bytes(b"points")
    (store.folder / "y.damaged").write_bytes(b"torn")
    sign(store.home, folder, code="mine", date="2026-01-01")
    sign(store.home, checkout(tmp_path / "theirs"), code="theirs", date="2026-01-02")
    return store


def left(store):
    return {path.name for path in store.home.iterdir() if path.name != FOLDER}


def test_what_another_checkout_needs_stays_and_is_named(atlas, tmp_path):
    told = prune({}, dry_run=True, everything=False)
    assert left(atlas) == {atlas.folder.name, "mine", "theirs", "nobodys"}
    assert "3 would go" in told
    told = prune({}, dry_run=False, everything=False)
    assert "3 removed" in told
    assert f"theirs kept for {tmp_path / 'theirs'} on {HERE} (last used 2026-01-02)" in told
    assert told.endswith("--all removes these as well")
    assert left(atlas) == {atlas.folder.name, "theirs"}
    assert [path.name for path in atlas.folder.iterdir()] == ["x.npz"]


def test_all_but_the_present_version_goes_if_asked_for(atlas):
    told = prune({}, dry_run=False, everything=True)
    assert "4 removed" in told
    assert "kept" not in told
    assert left(atlas) == {atlas.folder.name}
    assert signatures(atlas.home)
