"""Files are whole or absent."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from initatlas.errors import UserError
from initatlas.files import atomic_path, can_be_made, make_folder, must_be_file, must_be_folder, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_target_holds_what_was_written_and_no_draft_is_left(tmp_path):
    target = tmp_path / "deep" / "folder" / "cube.nc"
    with atomic_path(target) as draft:
        draft.write_bytes(b"new")
        assert draft.parent == target.parent
        assert draft.suffix == ".nc"
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert names(target.parent) == ["cube.nc"]


def test_new_folders_are_synced_in_the_folders_that_hold_their_names(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    make_folder(tmp_path / "deep" / "folder")
    assert sorted(synced) == [tmp_path, tmp_path / "deep"]
    make_folder(tmp_path / "deep" / "folder")
    assert len(synced) == 2


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_target_as_it_was(tmp_path, error):
    target = tmp_path / "cube.nc"
    target.write_bytes(b"old")

    def write_half():
        with atomic_path(target) as draft:
            draft.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["cube.nc"]


def test_an_exception_before_the_first_byte(tmp_path):
    with pytest.raises(ValueError, match="nothing yet"), atomic_path(tmp_path / "a.txt"):
        raise ValueError("nothing yet")
    assert names(tmp_path) == []


def test_a_draft_is_hidden_from_readers_of_the_folder(tmp_path):
    with atomic_path(tmp_path / "a.npz") as draft:
        draft.write_bytes(b"half")
        assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


def test_the_content_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    seen = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (seen.append(target.exists()), real(descriptor)))
    write_text(target, "text")
    assert seen == [False, True]


def test_text_is_utf8(tmp_path):
    write_text(tmp_path / "a.txt", "ν = 3\n")
    assert (tmp_path / "a.txt").read_bytes() == "ν = 3\n".encode()


def test_drafts_of_dead_processes_are_removed_and_those_of_living_ones_are_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = socket.gethostname()
    orphan = tmp_path / f".a.{host}-{dead.pid}.draft.nc"
    living = tmp_path / f".a.{host}-1.draft.nc"
    elsewhere = tmp_path / f".a.another-host-{dead.pid}.draft.nc"
    for path in (orphan, living, elsewhere):
        path.write_bytes(b"half")
    with atomic_path(tmp_path / "a.nc") as draft:
        draft.write_bytes(b"whole")
    assert not orphan.exists()
    assert living.exists()
    assert elsewhere.exists()


def test_a_place_that_something_else_holds_is_refused_by_its_name(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "shared").symlink_to(tmp_path / "folder")
    for path in (tmp_path / "folder", tmp_path / "shared/new/deep", tmp_path / "new/deep"):
        must_be_folder(path)
        must_be_file(path / "file")
    must_be_file(tmp_path / "file")
    for path in (tmp_path / "file", tmp_path / "file/deep/er"):
        with pytest.raises(UserError, match=r"/file: a file where a folder should be; move it away and run again$"):
            must_be_folder(path)
    with pytest.raises(UserError, match="/file: a file where a folder should be"):
        must_be_file(tmp_path / "file/cube.nc")
    with pytest.raises(UserError, match="/link: a link that leads nowhere where a folder should be"):
        must_be_folder(tmp_path / "link/points")
    for path in (tmp_path / "folder", tmp_path / "shared"):
        with pytest.raises(UserError, match=f"/{path.name}: a folder where a file should be; move it away"):
            must_be_file(path)


def test_what_can_be_made(tmp_path):
    (tmp_path / "a_file").touch()
    assert can_be_made(tmp_path / "a" / "b")
    assert can_be_made(tmp_path)
    assert not can_be_made(tmp_path / "a_file" / "a" / "b")
    assert not can_be_made(tmp_path / "a_file")
