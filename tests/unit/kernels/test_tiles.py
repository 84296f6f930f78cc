"""Gram matrices in tiles, and in files: the same entries as in memory, resumed, mended, and within a bounded memory."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from initatlas.errors import UserError
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.fully_connected import fully_connected
from initatlas.kernels.gram import gram_matrix
from initatlas.kernels.gram_file import GramFile, GramSpec, draft_path, write_gram
from initatlas.kernels.kernel import Kernel
from initatlas.kernels.operators import gram_operator
from initatlas.kernels.tiles import Tile, plan_tiles, serial_tiles

FEATURES = np.random.default_rng(0).random((203, 12))
SETTINGS = {"kernel": "ntk", "architecture": Architecture("relu", 3), "normalise": False, "bias": True}
PLAN = plan_tiles(203, 50)
SPEC = GramSpec(PLAN, "float64", "a key", {"title": "a test"}, np.arange(203) % 7)


def kernel_of(features, *, kernel, architecture, **rest):
    """One kernel of one network."""
    return fully_connected(features, [(kernel, architecture)], **rest)


KERNEL = kernel_of(FEATURES, **SETTINGS)


class Counted(Kernel):
    """The kernel, and how often it was asked."""

    names = KERNEL.names
    shape = KERNEL.shape
    side = None

    def __init__(self):
        self.calls = 0

    def block(self, rows, columns, *, threads=1):
        self.calls += 1
        return KERNEL.block(rows, columns)


def assembled(path):
    """The whole matrix of a file."""
    with GramFile(path) as file:
        whole = np.full((file.plan.n, file.plan.n), np.nan, dtype=file.dtype)
        for tile in file.plan.tiles():
            whole[tile.rows, tile.columns] = file.read(tile)
            whole[tile.columns, tile.rows] = file.read(tile).T
    return whole


def flip_a_byte(path, tile):
    """Change one byte of a tile on the disk."""
    with GramFile(path) as file:
        found = np.ascontiguousarray(file.read(tile)[0]).tobytes()
    content = path.read_bytes()
    place = content.index(found) + 5
    path.write_bytes(content[:place] + bytes([content[place] ^ 64]) + content[place + 1 :])


@pytest.mark.parametrize(("n", "side"), [(1, 5), (7, 3), (100, 50), (203, 50), (10, 10)])
def test_a_plan_covers_the_upper_triangle_once(n, side):
    covered = np.zeros((n, n), dtype=int)
    for tile in plan_tiles(n, side).tiles():
        assert max(tile.shape) <= side
        covered[tile.rows, tile.columns] += 1
        if not tile.on_diagonal:
            covered[tile.columns, tile.rows] += 1
    np.testing.assert_array_equal(covered, 1)


def test_a_plan_needs_rows():
    with pytest.raises(ValueError, match="n = 0"):
        plan_tiles(0, 5)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 3e-6)])
@pytest.mark.parametrize("normalise", [True, False])
def test_tiles_are_the_gram_matrix(tmp_path, dtype, tolerance, normalise):
    settings = SETTINGS | {"normalise": normalise}
    expected = gram_matrix(FEATURES, **settings)
    path = tmp_path / "new folder" / "gram.h5"
    assert write_gram(path, kernel_of(FEATURES, **settings, dtype=dtype), GramSpec(PLAN, dtype, "key")) == 15
    whole = assembled(path)
    assert whole.dtype == dtype
    np.testing.assert_array_equal(whole, whole.T)
    np.testing.assert_allclose(whole, expected, rtol=tolerance)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["gram.h5"]


@pytest.mark.parametrize(
    ("activation", "bias_variance", "kernel"),
    [("erf", 0.3, "ntk"), ("leaky_relu(slope=0.2)", 0.1, "nngp"), ("relu", 0.0, "nngp")],
)
def test_any_network_and_duplicates(activation, bias_variance, kernel):
    features = FEATURES.copy()
    features[[150, 151]] = features[3], -features[4]
    settings = {"kernel": kernel, "architecture": Architecture(activation, 2, bias_variance=bias_variance)}
    whole, own = gram_matrix(features, **settings), kernel_of(features, **settings)
    for tile, (values,) in serial_tiles(own, PLAN.tiles(), np.dtype("float64")):
        np.testing.assert_allclose(values, whole[tile.rows, tile.columns], rtol=1e-12, atol=1e-14)
        if tile.on_diagonal:
            np.testing.assert_array_equal(values, values.T)


def test_a_file_says_what_it_holds(tmp_path):
    path = tmp_path / "gram.h5"
    write_gram(path, KERNEL, SPEC)
    with GramFile(path) as file:
        assert (file.plan, file.key, file.attributes["title"]) == (PLAN, "a key", "a test")
        np.testing.assert_array_equal(file.labels, SPEC.labels)


def test_damaged_labels_are_found(tmp_path):
    path = tmp_path / "gram.h5"
    write_gram(path, KERNEL, SPEC)
    content, labels = path.read_bytes(), SPEC.labels.tobytes()
    path.write_bytes(content.replace(labels, b"\1" + labels[1:]))
    with GramFile(path) as file, pytest.raises(UserError, match="its labels are damaged"):
        assert file.labels is not None


def test_a_whole_file_is_not_computed_again(tmp_path):
    kernel = Counted()
    for expected in (15, 0):
        assert write_gram(tmp_path / "gram.h5", kernel, SPEC) == expected
    assert kernel.calls == 15


def test_a_file_with_another_matrix_is_left_alone(tmp_path):
    path = tmp_path / "gram.h5"
    write_gram(path, KERNEL, SPEC)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"gram\.h5: holds another Gram matrix; delete it, or name another file"):
        write_gram(path, KERNEL, GramSpec(PLAN, "float64", "another key"))
    assert path.read_bytes() == before


def interrupted(path, spec=SPEC, after=6):
    """Compute some tiles only."""

    def run(kernel, tiles, dtype):
        yield from islice(serial_tiles(kernel, tiles, dtype), after)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_gram(path, KERNEL, spec, run=run)


def test_an_interrupted_file_goes_on(tmp_path):
    path, kernel, told = tmp_path / "gram.h5", Counted(), []
    interrupted(path)
    assert not path.exists()
    write_gram(
        path, kernel, SPEC, started=lambda kept, total: told.append((kept, total)), advanced=lambda: told.append(1)
    )
    assert kernel.calls == 9
    assert told == [(6, 15)] + [1] * 9
    write_gram(tmp_path / "other.h5", KERNEL, SPEC)
    assert path.read_bytes() == (tmp_path / "other.h5").read_bytes()


def test_a_draft_of_another_matrix_is_begun_anew(tmp_path, caplog):
    path, kernel = tmp_path / "gram.h5", Counted()
    interrupted(path, GramSpec(PLAN, "float64", "another key"))
    write_gram(path, kernel, SPEC)
    assert kernel.calls == 15
    assert "is the beginning of another Gram matrix; begun anew" in caplog.text


def test_a_broken_draft_is_begun_anew(tmp_path):
    path = tmp_path / "gram.h5"
    draft_path(path).write_bytes(b"rubbish")
    assert write_gram(path, KERNEL, SPEC) == 15


def test_a_flipped_byte_is_found_and_mended(tmp_path):
    path, kernel = tmp_path / "gram.h5", Counted()
    write_gram(path, KERNEL, SPEC)
    whole = path.read_bytes()
    flip_a_byte(path, PLAN.tiles()[7])
    with GramFile(path) as file:
        assert [tile.number for tile in file.missing()] == [7]
        with pytest.raises(UserError, match="tile 7 is damaged"):
            gram_operator(file) @ np.ones(203)
    assert write_gram(path, kernel, SPEC) == 1
    assert kernel.calls == 1
    assert path.read_bytes() == whole


def test_a_flipped_byte_in_a_draft_costs_its_tile(tmp_path):
    path, kernel = tmp_path / "gram.h5", Counted()
    interrupted(path)
    flip_a_byte(draft_path(path), PLAN.tiles()[2])
    write_gram(path, kernel, SPEC)
    assert kernel.calls == 10


CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_tiles import SPEC, Counted
from initatlas.kernels.gram_file import write_gram
class Slow(Counted):
    def block(self, rows, columns, *, threads=1):
        with open(sys.argv[2], "a") as log:
            log.write(f"{{rows.start}} {{columns.start}}\\n")
        time.sleep(0.05)
        return super().block(rows, columns)
write_gram(Path(sys.argv[1]), Slow(), SPEC)
"""


def start(path, log):
    """A process that computes the file slowly and writes down what it computes."""
    code = CHILD.format(folder=str(Path(__file__).parent))
    return subprocess.Popen([sys.executable, "-c", code, str(path), str(log)], stderr=subprocess.PIPE, text=True)


def asked(log):
    """The tiles that a process began."""
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.fault
def test_a_killed_process_leaves_its_tiles(tmp_path):
    path, first, second = tmp_path / "gram.h5", tmp_path / "first", tmp_path / "second"
    process = start(path, first)
    while len(asked(first)) < 5:
        time.sleep(0.005)
        assert process.poll() is None, process.stderr.read()
    # Meanwhile nobody else may write the same file.
    with pytest.raises(UserError, match=r"gram\.h5: another process is computing it"):
        write_gram(path, KERNEL, SPEC)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not path.exists()
    process = start(path, second)
    assert process.wait(timeout=60) == 0, process.stderr.read()
    process.stderr.close()
    # The tile at work when the signal came is the only one that may be there twice.
    assert set(asked(first)) & set(asked(second)) <= set(asked(first)[-1:])
    assert len(set(asked(first)) | set(asked(second))) == 15
    write_gram(tmp_path / "other.h5", KERNEL, SPEC)
    assert path.read_bytes() == (tmp_path / "other.h5").read_bytes()


@contextmanager
def no_file_above(size):
    """Have the system refuse to write beyond a number of bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.fault
@pytest.mark.parametrize("size", [3_000, 200_000])
def test_a_disk_without_room_is_one_line_before_the_work_begins(tmp_path, size):
    path, kernel = tmp_path / "gram.h5", Counted()
    with (
        no_file_above(size),
        pytest.raises(UserError, match=r"gram(\.draft)?\.h5: cannot be written \(.+\); make room"),
    ):
        write_gram(path, kernel, SPEC)
    assert kernel.calls == 0
    assert list(tmp_path.glob("*.h5")) == []
    assert write_gram(path, KERNEL, SPEC) == 15


@pytest.mark.fault
def test_a_disk_that_refuses_a_tile_is_one_line_and_costs_this_tile(tmp_path):
    path, stack, stored = tmp_path / "gram.h5", ExitStack(), []

    def advanced():
        stored.append(1)
        if len(stored) == 4:
            stack.enter_context(no_file_above(100_000))

    with stack, pytest.raises(UserError, match=r"gram\.draft\.h5: cannot be written \(.+\); make room"):
        write_gram(path, KERNEL, SPEC, advanced=advanced)
    # The tile that was refused may be whole after all.
    assert 15 - len(stored) - write_gram(path, KERNEL, SPEC) in (0, 1)
    np.testing.assert_allclose(assembled(path), gram_matrix(FEATURES, **SETTINGS), rtol=1e-13)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"gram\.h5: cannot be written"):
        write_gram(tmp_path / "file" / "gram.h5", KERNEL, SPEC)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_one_line(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match=r"gram\.h5: cannot be written"):
        write_gram(tmp_path / "gram.h5", KERNEL, SPEC)


def test_a_foreign_or_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        GramFile(tmp_path / "gram.h5")
    (tmp_path / "gram.h5").write_bytes(b"rubbish")
    with pytest.raises(UserError, match="is no Gram matrix"):
        GramFile(tmp_path / "gram.h5")


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-6)])
def test_the_operator_is_the_matrix(tmp_path, dtype, tolerance):
    path = tmp_path / "gram.h5"
    write_gram(path, KERNEL, GramSpec(PLAN, dtype, "key"))
    matrix = gram_matrix(FEATURES, **SETTINGS)
    vectors = np.random.default_rng(1).standard_normal((203, 4))
    scale = np.abs(matrix).sum(axis=1).max()
    with GramFile(path) as file:
        operator = gram_operator(file)
        for factor in (vectors, vectors[:, 0]):
            product = operator @ factor
            assert product.dtype == np.float64
            np.testing.assert_allclose(product, matrix @ factor, atol=tolerance * scale)
        np.testing.assert_array_equal(operator.T @ vectors, operator @ vectors)


MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
from initatlas.kernels.fully_connected import fully_connected
from initatlas.kernels.gram_file import GramFile, GramSpec, write_gram
from initatlas.kernels.operators import gram_operator
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.tiles import plan_tiles
from initatlas.kernels.top_pairs import top_eigenpairs
path, rng = Path(sys.argv[1]), np.random.default_rng(0)
def work(n, path):
    kernel = fully_connected(rng.standard_normal((n, 10)), [("ntk", Architecture())], normalise=True)
    write_gram(path, kernel, GramSpec(plan_tiles(n, 256), "float64", "key"))
    with GramFile(path) as file:
        top_eigenpairs(gram_operator(file), 20, rng=rng, tolerance=1e-2)
work(300, path / "small.h5")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
work(4000, path / "large.h5")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_is_bounded(tmp_path):
    done = subprocess.run([sys.executable, "-c", MEMORY, str(tmp_path)], capture_output=True, text=True, check=True)
    # The matrix has 128 MB; a tile 0.5 MB, the basis of some 100 vectors 3 MB.
    assert float(done.stdout) < 32
    assert (tmp_path / "large.h5").stat().st_size > 64e6


def test_a_tile_names_its_place():
    assert Tile(3, slice(0, 5), slice(5, 7)).shape == (5, 2)
    assert not Tile(3, slice(0, 5), slice(5, 7)).on_diagonal
