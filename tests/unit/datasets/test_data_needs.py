"""What an experiment needs of its data set: checked in the config where it is known, and when the data set is read."""

import shutil

import numpy as np
import pytest
from test_raw_files import put

from initatlas.commands.sweeps import load_data
from initatlas.config import load_workflow
from initatlas.datasets.build import build_dataset
from initatlas.datasets.dataset import read_dataset, write_dataset
from initatlas.datasets.image_set import Images
from initatlas.datasets.kinds import known_traits
from initatlas.datasets.specs import (
    CifarSpec,
    DigitsSpec,
    GlyphsSpec,
    IdxSpec,
    ImagesSpec,
    PhotographsSpec,
    RecordingsSpec,
)
from initatlas.datasets.sphere import SphereSpec
from initatlas.datasets.traits import SAMPLES, DataNeeds, DataTraits
from initatlas.datasets.univariate import UnivariateSpec
from initatlas.errors import UserError
from initatlas.smoothness.targets import target_coding
from initatlas.sweeps.spec import Sweep

TRAIN = DataNeeds(holds=SAMPLES, labels=True, splits=("train", "test"), classes=2)


@pytest.mark.parametrize(
    ("traits", "lacking"),
    [
        (DataTraits(), ""),
        (DataTraits(classes=2), ""),
        (DataTraits(holds="recordings"), "it holds recordings, not images or vectors"),
        (DataTraits(holds="vectors", labels=False), "its targets are numbers, not classes"),
        (DataTraits(labels=False), "its images have no labels"),
        (DataTraits(splits=["train"]), "it has no test split"),
        (DataTraits(splits=["test"]), "it has no train split"),
        (DataTraits(classes=1), "its images are of 1 class, and 2 are needed"),
    ],
)
def test_what_is_lacking(traits, lacking):
    assert TRAIN.lacking(traits) == lacking
    assert DataNeeds().lacking(traits) == ""


@pytest.mark.parametrize(
    "spec",
    [
        *(DigitsSpec(), GlyphsSpec(train=20, test=0), GlyphsSpec(train=3, test=4), PhotographsSpec()),
        *(UnivariateSpec(train=0), SphereSpec(test=0)),
    ],
)
def test_what_is_known_before_is_what_is_there(spec, tmp_path):
    known, found = known_traits(spec, tmp_path), build_dataset("x", spec, tmp_path).traits
    assert (known.holds, known.labels, set(known.splits)) == (found.holds, found.labels, set(found.splits))
    if known.classes is not None:
        assert known.classes <= found.classes


def test_what_is_known_of_files(tmp_path):
    spec = IdxSpec(folder="mine")
    assert list(known_traits(spec, None).splits) == ["train", "test"]
    put(tmp_path / "mine", split="t10k")
    assert list(known_traits(spec, tmp_path).splits) == ["test"]
    assert not known_traits(ImagesSpec(folder=".", file="a.npz"), None).labels
    labelled = ImagesSpec(folder=".", file="a.npz", labels="y", test_array="t", test_labels="s")
    assert (known_traits(labelled, None).labels, known_traits(labelled, None).splits) == (True, ("train", "test"))
    assert known_traits(ImagesSpec(folder=".", file="a.npz", labels="y"), None).splits == ["train"]
    assert known_traits(RecordingsSpec(folder="a"), None).holds == "recordings"
    assert known_traits(CifarSpec(), None).classes == 10


def test_whether_there_are_labels_survives_the_file(tmp_path):
    photographs = build_dataset("p", PhotographsSpec(), tmp_path)
    write_dataset(photographs, tmp_path / "p.nc")
    assert not read_dataset(tmp_path / "p.nc").traits.labels
    write_dataset(build_dataset("d", DigitsSpec(), tmp_path), tmp_path / "d.nc")
    assert read_dataset(tmp_path / "d.nc").traits == DataTraits(classes=10, splits=["train", "test"])


def dataset_file(folder, **change):
    """A small labelled data set, with a change."""
    arrays = {
        "images": np.full((8, 2, 2), 9, np.uint8),
        "labels": np.arange(8) % 2,
        "split": np.array([0, 1] * 4, np.int8),
    }
    write_dataset(Images("mine", maximum=255, source="", **{**arrays, **change}), folder / "mine.nc")
    return {"mine": folder / "mine.nc"}


@pytest.mark.parametrize("experiment", ["train_mlp", "smoothness", "gram_spectrum"])
@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        ({"labels": np.zeros(8, np.int64)}, "its images are of 1 class, and 2 are needed"),
        ({"labelled": False}, "its images have no labels"),
        ({"split": np.zeros(8, np.int8)}, "it has no test split"),
    ],
)
def test_a_data_set_that_will_not_do_is_refused_when_it_is_read(tmp_path, experiment, change, lacking):
    sweep = Sweep(
        study="s", name="n", scale="smoke", experiment=experiment, axes=[], fixed={"dataset": "mine"}, root_seed=1
    )
    files = dataset_file(tmp_path, **change)
    if "split" in change and experiment != "train_mlp":
        assert load_data(sweep, files)
        return
    with pytest.raises(UserError) as caught:
        load_data(sweep, files)
    assert str(caught.value) == (f"sweep s/n: data set mine: {experiment} cannot use it: {lacking}; name another one")
    assert load_data(sweep, dataset_file(tmp_path))


@pytest.mark.parametrize("coding", ["class_index", "class_index_centred", "one_hot", "parity", "first_or_rest"])
def test_targets_that_are_all_alike_have_no_smoothness(coding):
    with pytest.raises(UserError, match=rf"coding '{coding}' gives all 3 images the same target"):
        target_coding(np.array([4, 4, 4]), coding)


def test_even_classes_alone_have_no_parity():
    with pytest.raises(UserError, match="coding 'parity' gives all 3 images"):
        target_coding(np.array([4, 2, 0]), "parity")


@pytest.fixture
def config(root, tmp_path):
    """A copy of the repository's config; the function writes a file of sweeps to it, and more data sets."""
    shutil.copytree(root / "config", tmp_path / "config")

    def write(sweeps, datasets=""):
        (tmp_path / "config/sweeps/mine.yaml").write_text(sweeps)
        with (tmp_path / "config/datasets.yaml").open("a") as file:
            file.write(datasets)

    return write


@pytest.mark.parametrize("written", ["[digits, photographs]", "{available: [digits, photographs]}"])
def test_the_config_refuses_a_data_set_without_labels(config, tmp_path, written):
    config(f"sweeps: {{a: {{experiment: smoothness, axes: {{dataset: {written}}}}}}}")
    with pytest.raises(
        UserError, match=r"sweeps.a: dataset = 'photographs': smoothness cannot use it: its images have no labels"
    ):
        load_workflow(tmp_path)


def test_a_split_without_files_counts_where_it_is_needed(config, tmp_path):
    extra = "mine: {kind: idx, folder: mine}\n"
    put(tmp_path / "data/raw/mine")
    config(
        """sweeps:
  one: {experiment: train_mlp, fixed: {dataset: mine}}
  some: {experiment: train_mlp, axes: {dataset: {available: [digits, mine]}}}
  smooth: {experiment: smoothness, fixed: {dataset: mine}}""",
        extra,
    )
    workflow = load_workflow(tmp_path)
    assert workflow.sweep("mine/some").datasets == ["digits"]
    assert workflow.sweep("mine/smooth").datasets == ["mine"]
    (line,) = workflow.warnings["mine/some"]
    assert line.endswith("data set 'mine' is left out: it has no test split; put its files into data/raw")
    assert "mine/smooth" not in workflow.warnings
    with pytest.raises(
        UserError, match=r"data set 'mine' is not whole: it has no test split; put its files into data/raw"
    ):
        workflow.sweep("mine/one")
    put(tmp_path / "data/raw/mine", split="t10k")
    workflow = load_workflow(tmp_path)
    assert workflow.sweep("mine/some").datasets == ["digits", "mine"]
    assert "mine/some" not in workflow.warnings


@pytest.mark.parametrize(
    "rest",
    [
        "fixed: {dataset: sine, loss: squared_sum}",
        "axes: {dataset: [digits, sine], loss: [cross_entropy, squared_sum]}, exclude: [{dataset: sine, loss: cross_entropy}]",
        "axes: {problem: {zip: {dataset: [digits, sine], loss: [cross_entropy, squared_sum]}}}",
        "axes: {loss: [cross_entropy, squared_sum]}, fixed: {dataset: digits}",
    ],
)
def test_real_targets_go_with_a_squared_error(config, tmp_path, rest):
    config(f"sweeps: {{a: {{experiment: train_mlp, {rest}}}}}")
    assert load_workflow(tmp_path).sweep("mine/a")


def test_points_that_do_not_fit_are_refused_when_the_data_are_read(tmp_path):
    write_dataset(build_dataset("mine", UnivariateSpec(), tmp_path), tmp_path / "mine.nc")
    sweep = Sweep(
        study="s", name="n", scale="smoke", experiment="train_mlp", axes=[], fixed={"dataset": "mine"}, root_seed=1
    )
    with pytest.raises(
        UserError, match="data set mine: train_mlp with loss = 'cross_entropy' cannot use it: its targets"
    ):
        load_data(sweep, {"mine": tmp_path / "mine.nc"})
    squared = sweep.model_copy(update={"fixed": {"dataset": "mine", "loss": "squared_mean"}})
    assert load_data(squared, {"mine": tmp_path / "mine.nc"})
