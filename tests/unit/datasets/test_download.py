"""Downloads, against a server on this machine: hashes, mirrors, and continued files."""

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from initatlas.datasets.download import download
from initatlas.datasets.specs import CifarSpec, DigitsSpec, GlyphsSpec, IdxSpec
from initatlas.errors import UserError

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = "cifar-10-python.tar.gz"


@dataclass
class Server:
    """A file server with a will of its own.

    files: what it holds; ranges: whether it knows Range; cut: after how many bytes of a body it hangs up (once);
    requests: the path and the Range header of every request.
    """

    url: str
    files: dict[str, bytes]
    ranges: bool = True
    cut: int | None = None
    encoding: str | None = None
    requests: list[tuple[str, str | None]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    """Serves `Server.files`."""

    state: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""

    def do_GET(self) -> None:
        """Answer one request."""
        wanted = self.headers.get("Range")
        self.state.requests.append((self.path, wanted))
        content = self.state.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted).group(1)) if wanted and self.state.ranges else 0
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.state.encoding:
            self.send_header("Content-Encoding", self.state.encoding)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = len(content) if self.state.cut is None else start + self.state.cut
        self.state.cut = None
        self.wfile.write(content[start:end])
        self.close_connection = True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve the archive on 127.0.0.1."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        handler.state = Server(f"http://127.0.0.1:{http.server_port}/", {f"/{NAME}": CONTENT})
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield handler.state
        http.shutdown()
        thread.join()


def spec_of(*mirrors: str, sha256: str | None = SHA256) -> CifarSpec:
    """Ask for the archive, in the raw data folder itself."""
    return CifarSpec(folder=".", mirrors=mirrors, sha256=sha256)


def names_in(folder: Path) -> set[str]:
    """List a folder."""
    return {path.name for path in folder.iterdir()}


def test_download_is_whole_and_alone(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "cifar-10"
    spec = CifarSpec(folder="cifar-10", mirrors=(server.url,), sha256=SHA256)
    assert download("cifar10", spec, tmp_path / "raw") == [folder / NAME]
    assert (folder / NAME).read_bytes() == CONTENT
    assert names_in(folder) == {NAME}


def test_what_is_there_is_not_downloaded_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    download("cifar10", spec_of(server.url), tmp_path)
    assert server.requests == []


def test_broken_download_is_continued(server: Server, tmp_path: Path) -> None:
    server.cut = 100_000
    with pytest.raises(UserError, match="no mirror gave the file"):
        download("cifar10", spec_of(server.url), tmp_path)
    assert names_in(tmp_path) == {f"{NAME}.part"}
    have = (tmp_path / f"{NAME}.part").stat().st_size
    assert 0 < have <= 100_000
    download("cifar10", spec_of(server.url), tmp_path)
    assert server.requests[-1] == (f"/{NAME}", f"bytes={have}-")
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert names_in(tmp_path) == {NAME}


def test_next_mirror_continues_what_the_first_began(server: Server, tmp_path: Path) -> None:
    server.cut = 50_000
    server.files[f"/second/{NAME}"] = CONTENT
    download("cifar10", spec_of(server.url, server.url + "second"), tmp_path)
    assert [path for path, _ in server.requests] == [f"/{NAME}", f"/second/{NAME}"]
    assert server.requests[1][1] is not None
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / f"{NAME}.part").write_bytes(b"other bytes")
    download("cifar10", spec_of(server.url), tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert names_in(tmp_path) == {NAME}


@pytest.mark.parametrize("extra", [b"", b"too long"])
def test_part_that_is_whole_or_too_long(server: Server, tmp_path: Path, extra: bytes) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT + extra)
    download("cifar10", spec_of(server.url), tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert len(server.requests) == (2 if extra else 1)


def test_wrong_hash_is_deleted_and_said(server: Server, tmp_path: Path) -> None:
    server.files[f"/{NAME}"] = CONTENT[::-1]
    with pytest.raises(UserError, match=r"wrong SHA-256 and was deleted") as caught:
        download("cifar10", spec_of(server.url), tmp_path)
    assert str(tmp_path / NAME) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == set()


def test_part_of_another_file_does_not_spoil_the_download(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(b"the beginning of something else")
    download("cifar10", spec_of(server.url, server.url), tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_failing_mirrors_are_passed_over(server: Server, tmp_path: Path) -> None:
    server.files[f"/wrong/{NAME}"] = b"not the archive"
    mirrors = ("http://127.0.0.1:9/", server.url + "absent", server.url + "wrong", server.url)
    download("cifar10", spec_of(*mirrors), tmp_path)
    assert [path for path, _ in server.requests] == [f"/absent/{NAME}", f"/wrong/{NAME}", f"/{NAME}"]
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_every_failure_is_named(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9/: .*; http.*absent/: 404") as caught:
        download("cifar10", spec_of("http://127.0.0.1:9/", server.url + "absent"), tmp_path)
    assert "\n" not in str(caught.value)


def test_gzip_is_not_unpacked_on_the_way(server: Server, tmp_path: Path) -> None:
    server.encoding = "gzip"
    download("cifar10", spec_of(server.url), tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_without_a_hash_nothing_is_continued(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:10])
    download("cifar10", spec_of(server.url, sha256=None), tmp_path)
    assert server.requests == [(f"/{NAME}", None)]
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_idx_downloads_its_four_files(server: Server, tmp_path: Path) -> None:
    spec = IdxSpec(folder="own", mirrors=(server.url,))
    server.files = {f"/{name}": name.encode() for name in spec.files.names()}
    hashed = spec.model_copy(
        update={"sha256": {name: hashlib.sha256(name.encode()).hexdigest() for name in spec.files.names()}}
    )
    assert download("own", hashed, tmp_path) == [tmp_path / "own" / name for name in spec.files.names()]
    assert all((tmp_path / "own" / name).read_bytes() == name.encode() for name in spec.files.names())


@pytest.mark.parametrize("spec", [DigitsSpec(), GlyphsSpec()])
def test_generated_sets_have_nothing_to_download(tmp_path: Path, spec: DigitsSpec | GlyphsSpec) -> None:
    with pytest.raises(UserError, match="nothing to download"):
        download("it", spec, tmp_path)


def test_without_mirrors_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"own: has no mirrors; add 'mirrors'"):
        download("own", IdxSpec(folder="own"), tmp_path)


def test_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be made"):
        download("cifar10", spec_of(server.url), tmp_path / "file" / "folder")
