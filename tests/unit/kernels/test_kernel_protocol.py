"""A kernel of one's own: one class, and it has matrices in memory, files, spectra and operators as the built-in ones have."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from toy.convolution import Convolution

from initatlas.errors import UserError
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.fully_connected import fully_connected
from initatlas.kernels.gram import gram_matrices, gram_matrix
from initatlas.kernels.gram_file import GramFile, GramSpec, write_gram
from initatlas.kernels.kernel import Kernel
from initatlas.kernels.operators import gram_operator, kernel_operator
from initatlas.kernels.tiles import block_of, plan_tiles
from initatlas.kernels.top_pairs import top_eigenpairs

SIGNALS = np.random.default_rng(0).standard_normal((50, 7))
KERNEL = Convolution(SIGNALS)
PLAN = plan_tiles(50, 24)


def finite_networks(signals, channels, *, rng):
    """Empirical NNGP and NTK of one convolutional network: products of features, and of all gradients."""
    patches = np.stack([np.roll(signals, shift, axis=1) for shift in range(3)], axis=-1) / np.sqrt(3.0)
    filters = rng.standard_normal((channels, 3))
    readout = rng.standard_normal((channels, signals.shape[1]))
    z = np.einsum("ck,npk->ncp", filters, patches)
    scale = np.sqrt(2.0 / z[0].size)
    last = scale * np.maximum(z, 0.0)
    first = scale * np.einsum("cp,ncp,npk->nck", readout, z > 0.0, patches)
    nngp = np.einsum("icp,jcp->ij", last, last)
    return nngp, nngp + np.einsum("ick,jck->ij", first, first)


def test_the_toy_is_the_limit_of_wide_networks():
    rng = np.random.default_rng(1)
    found = [finite_networks(SIGNALS[:4], 400, rng=rng) for _ in range(60)]
    for exact, drawn in zip(gram_matrices(Convolution(SIGNALS[:4])), zip(*found, strict=True), strict=True):
        error = np.std(drawn, axis=0) / np.sqrt(len(drawn))
        assert (np.abs(np.mean(drawn, axis=0) - exact) < 4.5 * error).all()
        assert (error < 0.02 * exact.max()).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_matrices_are_put_together_from_blocks_no_larger_than_the_kernel_wants(threads):
    asked = []

    class Watched(Convolution):
        """Notes the blocks."""

        def block(self, rows, columns, *, threads=1):
            asked.append((rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start))
            return super().block(rows, columns)

    everything = slice(0, 50)
    for gram, whole in zip(
        gram_matrices(Watched(SIGNALS), threads=threads), KERNEL.block(everything, everything), strict=True
    ):
        np.testing.assert_allclose(gram, whole, rtol=1e-14)
        np.testing.assert_array_equal(gram, gram.T)
    assert max(max(block[2:]) for block in asked) == 16
    assert sorted(block[:2] for block in asked) == [(16 * i, 16 * j) for i in range(4) for j in range(i, 4)]


def test_a_file_holds_all_kernels_of_one_pass(tmp_path):
    path = tmp_path / "gram.h5"
    spec = GramSpec(PLAN, "float64", "key")
    assert write_gram(path, KERNEL, spec) == 6
    with GramFile(path) as file:
        assert file.names == ("nngp", "ntk")
        for number, gram in enumerate(gram_matrices(KERNEL)):
            for tile in PLAN.tiles():
                np.testing.assert_allclose(file.read(tile, number), gram[tile.rows, tile.columns], rtol=1e-14)
    damage(path, PLAN.tiles()[4], number=1)
    with GramFile(path) as file:
        file.read(PLAN.tiles()[4], 0)
        with pytest.raises(UserError, match="tile 4 is damaged"):
            file.read(PLAN.tiles()[4], 1)
    assert write_gram(path, KERNEL, spec) == 1


def damage(path, tile, *, number):
    """Change a byte of one tile of one kernel."""
    with GramFile(path) as file:
        found = np.ascontiguousarray(file.read(tile, number)[0]).tobytes()
    content = path.read_bytes()
    place = content.index(found)
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


def test_top_pairs_of_a_file_and_of_the_kernel_itself(tmp_path):
    write_gram(tmp_path / "gram.h5", KERNEL, GramSpec(PLAN, "float64", "key"))
    for name, gram in zip(KERNEL.names, gram_matrices(KERNEL), strict=True):
        expected = np.linalg.eigvalsh(gram)[::-1][:3] / 50
        with GramFile(tmp_path / "gram.h5") as file:
            for operator in (gram_operator(file, name), kernel_operator(KERNEL, name, largest_side=20)):
                found = top_eigenpairs(operator, 3, rng=np.random.default_rng(0), width=2)
                np.testing.assert_allclose(found.values, expected, rtol=1e-8)


def test_an_operator_needs_a_name_where_there_are_several(tmp_path):
    write_gram(tmp_path / "gram.h5", KERNEL, GramSpec(PLAN, "float64", "key"))
    with GramFile(tmp_path / "gram.h5") as file, pytest.raises(UserError, match="name one of: nngp, ntk"):
        gram_operator(file)
    with pytest.raises(ValueError, match="'cntk': give a symmetric kernel, and one of its names: nngp, ntk"):
        kernel_operator(KERNEL, "cntk")


def test_a_file_takes_a_symmetric_kernel_of_its_size(tmp_path):
    networks = [("ntk", Architecture())]
    for kernel in (Convolution(SIGNALS[:49]), fully_connected(SIGNALS, networks, other=SIGNALS)):
        with pytest.raises(ValueError, match="a plan of 50 rows takes a symmetric kernel of as many"):
            write_gram(tmp_path / "gram.h5", kernel, GramSpec(PLAN, "float64", "key"))


def test_a_file_of_one_kernel_is_not_taken_for_both(tmp_path):
    path, spec = tmp_path / "gram.h5", GramSpec(PLAN, "float64", "key")
    write_gram(path, fully_connected(SIGNALS, [("ntk", Architecture())]), spec)
    with pytest.raises(UserError, match="holds another Gram matrix"):
        write_gram(path, KERNEL, spec)


def test_both_kernels_of_a_network_in_one_pass_are_those_of_two():
    kernel = fully_connected(SIGNALS, [("nngp", Architecture("erf", 2)), ("ntk", Architecture("erf", 2))])
    for name, gram in zip(("nngp", "ntk"), gram_matrices(kernel), strict=True):
        np.testing.assert_array_equal(gram, gram_matrix(SIGNALS, kernel=name, architecture=Architecture("erf", 2)))


def test_kernels_that_are_there_twice_get_numbers():
    networks = [("ntk", Architecture(depth=depth)) for depth in (1, 2)]
    assert fully_connected(SIGNALS, networks).names == ("ntk_1", "ntk_2")
    assert fully_connected(SIGNALS, networks[:1]).names == ("ntk",)


@dataclass(frozen=True)
class Wrong(Kernel):
    """Gives so many arrays of some shape."""

    count: int
    sides: tuple

    names = ("a", "b")
    shape = (40, 40)

    def block(self, rows, columns, *, threads=1):
        return [np.zeros(self.sides)] * self.count


@pytest.mark.parametrize(
    ("kernel", "line"),
    [
        (Wrong(1, (40, 40)), "Wrong.block gave 1 arrays for 2 names"),
        (Wrong(3, (40, 40)), "Wrong.block gave 3 arrays for 2 names"),
        (Wrong(2, (40, 39)), r"Wrong.block gave the shape \(40, 39\), not \(40, 40\)"),
    ],
)
def test_a_kernel_that_breaks_its_promise_is_told(kernel, line):
    with pytest.raises(ValueError, match=line):
        list(gram_matrices(kernel))


def test_a_block_beside_the_diagonal_is_whole():
    kernel = replace(KERNEL, signals=SIGNALS[:40])
    (whole, _) = gram_matrices(kernel)
    (block, _) = block_of(kernel, slice(0, 32), slice(0, 16))
    np.testing.assert_allclose(block, whole[:32, :16], rtol=1e-14)
