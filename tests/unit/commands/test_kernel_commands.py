"""`initatlas kernel gram`, `spectrum` and `fit`: from a data set to slopes, and every mistake in one line."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from initatlas.cli import main
from initatlas.commands.kernel_fit import _Draft
from initatlas.datasets.dataset import write_dataset
from initatlas.datasets.image_set import Images
from initatlas.estimators.flow import NetworkFlowClassifier
from initatlas.estimators.kernel import NetworkKernel
from initatlas.estimators.ridge import NetworkRidgeClassifier
from initatlas.experiments.gram_spectrum import EXPERIMENT
from initatlas.kernels.architecture import Architecture
from initatlas.kernels.gram import gram_matrix
from initatlas.kernels.spectrum import eigen_coefficients
from initatlas.smoothness.slopes import decay_exponent
from initatlas.smoothness.tail_sums import tail_sums
from initatlas.smoothness.targets import target_coding

N = 400


@pytest.fixture(scope="module")
def data():
    """Images whose class depends on them."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 17, (N + 30, 4, 4), dtype=np.uint8)
    labels = np.digitize(images.sum(axis=(1, 2)), [110, 120, 130, 140]).astype(np.int64)
    split = np.repeat([0, 1], [N, 30]).astype(np.int8)
    return Images("images", images, labels, split, 16, "a test")


@pytest.fixture
def images(tmp_path, data):
    """Its file."""
    write_dataset(data, tmp_path / "images.nc")
    return tmp_path / "images.nc"


@pytest.fixture(autouse=True)
def messages(caplog):
    """What the commands say."""
    caplog.set_level(logging.INFO, "initatlas")
    return caplog


def command(*words):
    """Call a command."""
    return main(["kernel", *map(str, words)])


def expected(data, coding):
    """Squared coefficients by the full decomposition."""
    train = data.split == 0
    gram = gram_matrix(
        data.features("train"), kernel="ntk", architecture=Architecture("relu", 3), normalise=True, bias=True
    )
    return eigen_coefficients(gram, target_coding(data.labels[train], coding))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 3e-4)])
def test_from_a_data_set_to_slopes(tmp_path, images, data, capsys, dtype, tolerance):
    gram, output = tmp_path / "gram.h5", tmp_path / "spectrum.nc"
    options = ("--split", "train", "--depth", 3, "--bias", "--dtype", dtype, "--tile", 130)
    assert command("gram", "--dataset", images, "--output", gram, *options) == 0
    assert command("spectrum", gram, "--top", 50, "--coding", "one_hot", "--output", output) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["i", "eigenvalue", "residual", "tail", "sum", "slope", "95", "%", "null"]
    assert [line.split()[0] for line in table[1:]] == ["1", "2", "5", "10", "20", "50"]
    values, squared = expected(data, "one_hot")
    with xr.open_dataset(output) as found:
        np.testing.assert_allclose(found.eigenvalue, values[:50], rtol=tolerance)
        np.testing.assert_allclose(found.tail_sum, tail_sums(squared)[:50], rtol=tolerance)
        assert (found.residual <= 1e-4 * found.eigenvalue).all()
        slopes = [decay_exponent(tail_sums(squared), window) for window in (10, 20, 50)]
        np.testing.assert_allclose(found.slope, slopes, atol=tolerance)
        assert found.attrs["coding"] == "one_hot"
        assert "images" in found.attrs["title"]


def test_both_kernels_in_one_file_are_those_of_two(tmp_path, images, capsys):
    both, tables = tmp_path / "both.h5", []
    assert command("gram", "--dataset", images, "--output", both, "--kernel", "ntk", "nngp") == 0
    assert command("spectrum", both, "--top", 20) == 2
    assert "both.h5: holds several kernels; name one of: ntk, nngp" in capsys.readouterr().err
    for name in ("ntk", "nngp"):
        alone = tmp_path / f"{name}.h5"
        assert command("gram", "--dataset", images, "--output", alone, "--kernel", name) == 0
        for words in ((both, "--kernel", name), (alone,)):
            assert command("spectrum", *words, "--top", 20) == 0
            tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1] != tables[2] == tables[3]


def test_a_sample_is_drawn_with_its_seed(tmp_path, images):
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        options = ("--output", tmp_path / f"{name}.h5", "--samples", 50, "--seed", seed)
        assert command("gram", "--dataset", images, *options) == 0
        contents.append((tmp_path / f"{name}.h5").read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_the_same_command_finds_its_file(tmp_path, images, messages, capsys):
    for _ in range(2):
        assert command("gram", "--dataset", images, "--output", tmp_path / "gram.h5", "--tile", 300) == 0
    said = capsys.readouterr().err
    assert "3 of 3 tiles are there already" in said
    assert "0 tiles computed" in said


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--depth", -1), "depth = -1: give a whole number from 0 to 20000"),
        (("--activation", "step"), "'step' has no NTK: the dual of its derivative is infinite; take the NNGP"),
        (("--weight-variance", -1), "weight_variance = -1.0: give a finite number of 0 or more"),
        (("--samples", 431), "--samples 431: images has 430 samples to choose from"),
        (("--samples", 31, "--split", "test"), "--samples 31: images has 30 samples to choose from"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, images, capsys, options, line):
    assert command("gram", "--dataset", images, "--output", tmp_path / "gram.h5", *options) == 2
    assert capsys.readouterr().err == f"initatlas: {line}\n"


def test_another_kernel_does_not_overwrite(tmp_path, images, capsys):
    arguments = ("gram", "--dataset", images, "--output", tmp_path / "gram.h5")
    assert command(*arguments) == 0
    assert command(*arguments, "--kernel", "nngp") == 2
    assert "gram.h5: holds another Gram matrix; delete it, or name another file" in capsys.readouterr().err


@pytest.mark.parametrize(("top", "line"), [(1, "from 2 to 215"), (216, "from 2 to 215")])
def test_a_number_of_pairs_that_does_not_fit(tmp_path, images, capsys, top, line):
    assert command("gram", "--dataset", images, "--output", tmp_path / "gram.h5") == 0
    assert command("spectrum", tmp_path / "gram.h5", "--top", top) == 2
    assert line in capsys.readouterr().err


def test_pairs_that_would_take_the_whole_matrix(tmp_path, images, capsys, monkeypatch):
    monkeypatch.setattr("initatlas.commands.kernel.MOST_IN_MEMORY", 429)
    assert command("gram", "--dataset", images, "--output", tmp_path / "gram.h5") == 0
    assert command("spectrum", tmp_path / "gram.h5", "--top", 86) == 0
    assert command("spectrum", tmp_path / "gram.h5", "--top", 87) == 2
    assert "--top 87: more than a fifth of 430 rows takes the whole matrix in memory" in capsys.readouterr().err


def test_files_that_are_not_there(tmp_path, capsys):
    assert command("spectrum", tmp_path / "gram.h5") == 2
    assert command("gram", "--dataset", tmp_path / "images.nc", "--output", tmp_path / "gram.h5") == 2
    assert capsys.readouterr().err.count("there is no such") == 2


def test_the_experiment_measures_the_same(data):
    point = EXPERIMENT.parameters(dataset="images", samples=N + 30, pairs=100, depth=3, bias=True, draws=100)
    (found,) = EXPERIMENT.run([point], [np.random.default_rng(3)], data)
    gram = gram_matrix(data.features(), kernel="ntk", architecture=Architecture("relu", 3), normalise=True, bias=True)
    values, squared = eigen_coefficients(gram, target_coding(data.labels, "class_index"))
    np.testing.assert_allclose(found["eigenvalue"], values[:100], rtol=1e-7)
    np.testing.assert_allclose(found["tail_sum"], tail_sums(squared)[:100], rtol=1e-6)
    assert found["slope"] == [pytest.approx(decay_exponent(tail_sums(squared), 100), abs=1e-6)]
    assert found["slope_low"][0] < found["slope"][0] < found["slope_high"][0]
    coordinates = EXPERIMENT.coordinates(point)
    for output in EXPERIMENT.outputs:
        assert np.shape(found[output.name]) == tuple(len(coordinates[name].values) for name in output.dims)


def test_the_experiment_refuses_what_does_not_fit(data):
    with pytest.raises(ValueError, match=r"samples = 60000 is above 20000.*use `initatlas kernel gram`"):
        EXPERIMENT.parameters(samples=60000)
    with pytest.raises(ValueError, match="pairs = 600 is above half of samples = 1000"):
        EXPERIMENT.parameters(samples=1000, pairs=600)
    with pytest.raises(ValueError, match="pairs: 300 is above half of the 430 images of mnist"):
        EXPERIMENT.run([EXPERIMENT.parameters(samples=1000, pairs=300)], [np.random.default_rng(0)], data)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"labelled": False}, "the samples have no labels"), ({"labels": np.zeros(N + 30, np.int64)}, "the same target")],
)
def test_images_without_classes_have_a_spectrum_alone(tmp_path, data, messages, capsys, change, message):
    write_dataset(replace(data, **change), tmp_path / "images.nc")
    assert command("gram", "--dataset", tmp_path / "images.nc", "--output", tmp_path / "gram.h5", "--samples", 100) == 0
    assert command("spectrum", tmp_path / "gram.h5", "--top", 20) == 0
    assert message in messages.text
    table = capsys.readouterr().out.splitlines()
    assert {len(line.split()) for line in table[1:]} == {3}


@pytest.mark.parametrize(
    ("name", "line"),
    [("", "a folder where a file should be"), ("images.nc/a.h5", "images.nc: a file where a folder should be")],
)
@pytest.mark.parametrize("words", [("gram", "--dataset", "images.nc"), ("spectrum", "gram.h5")])
def test_an_output_that_cannot_be_made_is_refused_first(tmp_path, images, monkeypatch, capsys, words, name, line):
    monkeypatch.chdir(tmp_path)
    assert command(*words, "--output", tmp_path / name) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert line in told


@pytest.mark.parametrize("words", [("gram", "--dataset", "images.nc"), ("spectrum", "gram.h5")])
def test_a_folder_that_cannot_be_written_is_refused_first(tmp_path, images, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("initatlas.commands.kernel.can_be_made", lambda folder: folder != tmp_path / "sealed")
    assert command(*words, "--output", "sealed/a.h5") == 2
    assert "sealed/a.h5: its folder cannot be written" in capsys.readouterr().err


def test_an_unknown_activation_is_one_line(tmp_path, images, capsys):
    assert command("gram", "--dataset", images, "--output", tmp_path / "gram.h5", "--activation", "ReLU") == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("initatlas: activation = 'ReLU': 'ReLU' does not exist (did you mean 'relu'?)")


def fitted(path):
    """A file of `kernel fit`, in memory."""
    with xr.open_dataset(path) as stored:
        return stored.load()


FITS = ("--ridge", 0.5, "--time", 4000, "--split", "test")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fits_are_those_of_the_estimators(tmp_path, images, data, capsys, dtype):
    gram, output = tmp_path / "gram.h5", tmp_path / "fit.nc"
    made = ("--split", "train", "--kernel", "ntk", "nngp", "--depth", 3, "--bias", "--dtype", dtype, "--tile", 130)
    assert command("gram", "--dataset", images, "--output", gram, *made) == 0
    words = ("--dataset", images, "--kernel", "ntk", *FITS, "--output", output)
    assert command("fit", gram, *words, "--tolerance", 1e-9) == 0
    header, ridge, flow = (line.split() for line in capsys.readouterr().out.splitlines())
    assert header == ["method", "value", "residual", "bound", "train", "wrong", "test", "wrong"]
    assert (ridge[:2], flow[:2]) == (["ridge", "0.5"], ["flow", "4000"])
    with_bias = np.column_stack([unit := data.features() / norms(data), np.ones(len(unit))])
    kernel = NetworkKernel("ntk", depth=3)
    one = NetworkRidgeClassifier(kernel, ridge=0.5).fit(with_bias[:N], data.labels[:N])
    other = NetworkFlowClassifier(kernel, time=4000.0).fit(with_bias[:N], data.labels[:N])
    result, within = fitted(output), 1e-7 if dtype == "float64" else 1e-4
    for place, expected in enumerate((one, other)):
        coefficients, outputs = result["coefficient"].values[place], expected.decision_function(with_bias[N:])
        size = np.linalg.norm(expected.dual_coef_)
        assert np.linalg.norm(coefficients - expected.dual_coef_) <= within * size
        np.testing.assert_allclose(result["prediction"].values[place], outputs, atol=20 * within)
        assert result["train_error"].values[place] == pytest.approx(1 - expected.score(with_bias[:N], data.labels[:N]))
        assert result["test_error"].values[place] == pytest.approx(1 - expected.score(with_bias[N:], data.labels[N:]))
    assert (result["residual"] <= 1e-9).all()
    assert result["test_row"].values.tolist() == list(range(N, N + 30))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fit.nc", "gram.h5", "images.nc"]


def norms(data):
    """Of the features."""
    return np.linalg.norm(data.features(), axis=1, keepdims=True)


def test_a_killed_fit_goes_on(tmp_path, images, messages, monkeypatch):
    gram, output = tmp_path / "gram.h5", tmp_path / "fit.nc"
    assert command("gram", "--dataset", images, "--output", gram, "--split", "train") == 0
    words = ("fit", gram, "--dataset", images, "--ridge", 0.5, "--rank", 5, "--output", output)
    assert command(*words) == 0
    whole = fitted(output)
    monkeypatch.setattr("initatlas.commands.kernel_fit.SECONDS_BETWEEN_DRAFTS", 0.0)
    write, calls = _Draft.write, []

    def dies(self, arrays):
        """The fifth draft is the last."""
        write(self, arrays)
        calls.append(self.path.name)
        if len(calls) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(_Draft, "write", dies)
    output.unlink()
    assert command(*words) == 130
    assert set(calls) == {".fit.preconditioner.npz", ".fit.draft.npz"}
    assert not output.exists()
    messages.clear()
    monkeypatch.undo()
    assert command(*words) == 0
    assert messages.text.count("goes on from an earlier run") == 2
    again = fitted(output)
    np.testing.assert_allclose(again["prediction"], whole["prediction"], atol=1e-3)
    assert (again["residual"] <= 1e-6).all()
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".npz"]


def test_the_beginning_of_another_fit_is_not_continued(tmp_path, images, messages):
    gram, output = tmp_path / "gram.h5", tmp_path / "fit.nc"
    assert command("gram", "--dataset", images, "--output", gram, "--samples", 100) == 0
    _Draft(tmp_path / ".fit.draft.npz", {"of": "something else"}).write([np.zeros((100, 5))])
    (tmp_path / ".fit.preconditioner.npz").write_bytes(b"torn")
    assert command("fit", gram, "--dataset", images, "--ridge", 1, "--output", output) == 0
    assert "is the beginning of another fit; begun anew" in messages.text
    assert fitted(output)["test_row"].size == 330


def test_without_other_samples_there_is_no_test(tmp_path, images, capsys):
    gram = tmp_path / "gram.h5"
    assert command("gram", "--dataset", images, "--output", gram) == 0
    assert command("fit", gram, "--dataset", images, "--ridge", 1, "--output", tmp_path / "fit.nc") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[-1] == "nan"


def test_a_ridge_that_single_precision_does_not_bear_is_warned_of(tmp_path, images, data, messages):
    twice = replace(data, images=np.repeat(data.images[: (N + 30) // 2], 2, axis=0))
    write_dataset(twice, tmp_path / "twice.nc")
    gram = tmp_path / "gram.h5"
    assert command("gram", "--dataset", tmp_path / "twice.nc", "--output", gram) == 0
    words = ("fit", gram, "--dataset", tmp_path / "twice.nc", "--ridge", 1e-12, "--output", tmp_path / "fit.nc")
    assert command(*words) == 0
    assert "take a larger ridge, a shorter time, or a matrix in float64" in messages.text
    assert np.isfinite(fitted(tmp_path / "fit.nc")["prediction"]).all()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "nothing to fit: give a --ridge or a --time"),
        (("--ridge", 1, "--rank", 101), "--rank 101: give at most the number of rows of"),
        (("--ridge", 1, "--kernel", "nngp"), "has no kernel 'nngp'; name one of: ntk"),
        (("--ridge", 0), "'0': give a finite number above 0"),
        (("--time", "inf"), "'inf': give a finite number above 0"),
    ],
)
def test_a_mistake_in_a_fit_is_one_line(tmp_path, images, capsys, options, line):
    gram = tmp_path / "gram.h5"
    assert command("gram", "--dataset", images, "--output", gram, "--samples", 100) == 0
    capsys.readouterr()
    try:
        assert command("fit", gram, "--dataset", images, "--output", tmp_path / "fit.nc", *options) == 2
    except SystemExit as end:
        assert end.code == 2  # noqa: PT017
    assert line in capsys.readouterr().err.splitlines()[-1]


def test_another_data_set_is_refused(tmp_path, images, data, capsys):
    gram, other = tmp_path / "gram.h5", tmp_path / "other.nc"
    assert command("gram", "--dataset", images, "--output", gram) == 0
    write_dataset(replace(data, labels=data.labels[::-1].copy()), other)
    assert command("fit", gram, "--dataset", other, "--ridge", 1, "--output", tmp_path / "fit.nc") == 2
    assert f"other.nc: is not the data set images that {gram} was made from" in capsys.readouterr().err.splitlines()[-1]
