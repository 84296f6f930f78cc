"""Archives are either whole or absent."""

import os
import socket
import zipfile

import pytest

from initatlas.archive.folders import draft_folder, publish_folder, publish_zip


def fill(folder):
    (folder / "inner").mkdir()
    (folder / "inner/a.nc").write_bytes(b"numbers" * 100)
    (folder / "b.txt").write_bytes(b"words" * 100)


def test_a_folder_gets_its_name_when_it_is_whole(tmp_path):
    target = tmp_path / "new/archive"
    with draft_folder(target) as draft:
        fill(draft)
        assert not target.exists()
        publish_folder(draft, target)
    assert {path.relative_to(target).as_posix() for path in target.rglob("*.*")} == {"inner/a.nc", "b.txt"}
    assert [*target.parent.iterdir()] == [target]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_fails_leaves_nothing(tmp_path, error):
    def fail():
        with draft_folder(tmp_path / "archive") as draft:
            fill(draft)
            raise error

    with pytest.raises(error):
        fail()
    assert [*tmp_path.iterdir()] == []


def test_a_folder_is_never_written_over(tmp_path):
    (tmp_path / "archive/theirs").mkdir(parents=True)
    with draft_folder(tmp_path / "archive") as draft:
        fill(draft)
        with pytest.raises(OSError, match="not empty"):
            publish_folder(draft, tmp_path / "archive")
    assert [*(tmp_path / "archive").iterdir()] == [tmp_path / "archive/theirs"]


def test_drafts_of_dead_processes_are_removed_and_no_others(tmp_path):
    dead, host = 2**22 + 1, socket.gethostname()  # Linux gives no such number to a process
    left = tmp_path / f".archive.{host}-{dead}.draft"
    kept = [
        tmp_path / f".archive.{host}-{os.getppid()}.draft",
        tmp_path / f".archive.another-{dead}.draft",
        tmp_path / f".another.{host}-{dead}.draft",
    ]
    for folder in (left, *kept):
        folder.mkdir()
        (folder / "file").write_text("x")
    with draft_folder(tmp_path / "archive"):
        assert not left.exists()
    assert all(folder.is_dir() for folder in kept)


def test_the_same_content_gives_the_same_zip_file(tmp_path):
    for name, date in (("one", 1e9), ("two", 1.5e9)):
        with draft_folder(tmp_path / f"{name}.zip") as draft:
            fill(draft)
            os.utime(draft / "b.txt", (date, date))
            (draft / "b.txt").chmod(0o600 if name == "one" else 0o644)
            publish_zip(draft, tmp_path / f"{name}.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as packed:
        assert packed.namelist() == ["b.txt", "inner/a.nc"]
        assert packed.read("inner/a.nc") == b"numbers" * 100
        kinds = {entry.filename: entry.compress_type for entry in packed.infolist()}
    assert kinds == {"b.txt": zipfile.ZIP_DEFLATED, "inner/a.nc": zipfile.ZIP_STORED}
