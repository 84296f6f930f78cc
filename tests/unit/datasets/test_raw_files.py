"""Raw files of every form that their formats know; and broken ones, which give one line and never a traceback."""

import gzip
import io
import pickle
import re
import struct
import tarfile
import wave
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initatlas.datasets import cifar, idx, images, recordings
from initatlas.datasets.clips import Recordings
from initatlas.datasets.dataset import read_dataset, write_dataset
from initatlas.datasets.image_set import Images
from initatlas.datasets.specs import CifarSpec, IdxSpec, ImagesSpec, RecordingsSpec
from initatlas.errors import UserError

RNG = np.random.default_rng(5)
LEVELS = RNG.integers(0, 128, (6, 4, 5))
LABELS = np.array([3, 0, 1, 2, 9, 1])
CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def idx_bytes(array, kind):
    """An IDX file, written after the format's description alone."""
    numbers = np.asarray(array, dtype=np.dtype(kind).newbyteorder(">"))
    return (
        bytes([0, 0, CODES[kind], numbers.ndim]) + struct.pack(f">{numbers.ndim}I", *numbers.shape) + numbers.tobytes()
    )


def put(folder, kind="uint8", pictures=LEVELS, labels=LABELS, label_kind="uint8", split="train"):
    """Write a split."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{split}-images-idx3-ubyte").write_bytes(idx_bytes(pictures, kind))
    (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx_bytes(labels, label_kind))


def load_idx(raw):
    return idx.load("mine", IdxSpec(folder="mine"), raw)


@pytest.mark.parametrize("label_kind", CODES)
@pytest.mark.parametrize("kind", ["uint8", "int8", "int16", "int32"])
def test_whole_numbers_of_any_type_are_grey_levels(tmp_path, kind, label_kind):
    put(tmp_path / "mine", kind, label_kind=label_kind)
    found = load_idx(tmp_path)
    assert (found.images.dtype, found.maximum) == (np.uint8, 255)
    np.testing.assert_array_equal(found.images, LEVELS)
    np.testing.assert_array_equal(found.labels, LABELS)


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("white", [1, 255])
def test_fractions_stay_as_they_are(tmp_path, kind, white):
    pictures = RNG.random((6, 4, 5)) * white
    put(tmp_path / "mine", kind, pictures)
    write_dataset(load_idx(tmp_path), tmp_path / "mine.nc")
    found = read_dataset(tmp_path / "mine.nc")
    assert (found.images.dtype, found.maximum) == (np.float32, white)
    np.testing.assert_array_equal(found.images, pictures.astype(np.float32))
    np.testing.assert_array_equal(found.features(), pictures.astype(np.float32).reshape(6, -1) / np.float32(white))


def test_white_is_that_of_both_splits(tmp_path):
    put(tmp_path / "mine", "float32", np.full((6, 2, 2), 0.5))
    put(tmp_path / "mine", "float32", np.full((6, 2, 2), 90.5), split="t10k")
    assert load_idx(tmp_path).maximum == 255


def test_the_ends_of_labels_and_grey_levels(tmp_path):
    pictures = np.where(LEVELS > 60, 255, 0)
    put(tmp_path / "mine", "int16", pictures, labels=LABELS + 65526, label_kind="int32")
    found = load_idx(tmp_path)
    assert (found.images.max(), found.labels.max()) == (255, 65535)
    put(tmp_path / "mine", "int16", np.where(LEVELS > 60, 256, 0))
    with pytest.raises(UserError, match="grey levels from 0 to 256"):
        load_idx(tmp_path)


def test_labels_of_qmnist(tmp_path):
    rows = RNG.integers(0, 99999, (6, 8))
    rows[:, 0] = LABELS
    put(tmp_path / "mine", labels=rows, label_kind="int32")
    np.testing.assert_array_equal(load_idx(tmp_path).labels, LABELS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"kind": "int16", "pictures": LEVELS * 9},
            r"grey levels from 0 to \d+; give some from 0 to 1, or from 0 to 255",
        ),
        ({"kind": "int8", "pictures": LEVELS - 64}, r"grey levels from -\d+"),
        ({"kind": "float32", "pictures": np.where(LEVELS > 60, np.nan, 0.5)}, "grey levels from nan"),
        ({"kind": "float64", "pictures": np.where(LEVELS > 60, np.inf, 0.5)}, "to inf"),
        (
            {"labels": np.eye(6), "label_kind": "uint8"},
            r"is uint8 of shape \(6, 6\); give one label per image, or QMNIST",
        ),
        ({"labels": np.ones((6, 7)), "label_kind": "int32"}, r"int32 of shape \(6, 7\)"),
        ({"labels": LABELS - 1, "label_kind": "int8"}, "label 1 is -1; give whole numbers from 0 to 65535"),
        ({"labels": LABELS + 0.5, "label_kind": "float32"}, "label 0 is 3.5"),
        ({"labels": LABELS + 65527, "label_kind": "int32"}, "label 4 is 65536"),
        ({"pictures": LEVELS[..., None]}, "has 4 dimensions"),
    ],
)
def test_idx_files_that_mean_something_else(tmp_path, change, message):
    put(tmp_path / "mine", **change)
    with pytest.raises(UserError, match=message) as caught:
        load_idx(tmp_path)
    assert "-idx" in str(caught.value)


def test_splits_must_mean_the_same(tmp_path):
    put(tmp_path / "mine", "float32", LEVELS / 255)
    put(tmp_path / "mine", split="t10k")
    with pytest.raises(UserError, match="whole numbers in one split, and fractions in the other"):
        load_idx(tmp_path)


PICTURES = LEVELS.astype(np.uint8)


def npz_bytes(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def load_npz(raw):
    return images.load("grey", ImagesSpec(folder=".", file="grey.npz"), raw)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_archive_is_read(tmp_path, save, order):
    save(tmp_path / "grey.npz", other=np.arange(3), images=np.asarray(PICTURES, order=order))
    found = load_npz(tmp_path)
    np.testing.assert_array_equal(found.images, PICTURES)
    assert not found.labelled


def _npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _archive_of(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("images.npy", content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_npy(PICTURES), r"is a single array \(.npy\); save it with numpy.savez\(file, images=...\)"),
        (b"", "is no numpy archive"),
        (b"once upon a time\n", "is no numpy archive"),
        (npz_bytes(), "there is no array 'images'; it is empty"),
        (
            npz_bytes(a=PICTURES, b=PICTURES),
            "there is no array 'images'; it has: a, b; name one of these in the config",
        ),
        (npz_bytes(images=PICTURES[0]), "is uint8 of shape (4, 5); give grey levels"),
        (npz_bytes(images=PICTURES + 1j), "is complex128 of shape"),
        (npz_bytes(images=PICTURES - 300.0), "'images': has grey levels from -"),
        (npz_bytes(images=PICTURES[:0]), "is uint8 of shape (0, 4, 5)"),
        (npz_bytes(images=np.array([None])), "is object of shape"),
        (_archive_of(_npy(PICTURES)[:-3]), "has 117 bytes, its shape (6, 4, 5) needs 120"),
        (_archive_of(_npy(PICTURES)[:40]), "cannot be read"),
    ],
)
def test_archives_that_cannot_be_read(tmp_path, content, message):
    (tmp_path / "grey.npz").write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_npz(tmp_path)
    assert message.replace("\\", "") in str(caught.value)
    assert "pickle" not in str(caught.value)


LABELLED = {"array": "x_train", "labels": "y_train", "test_array": "x_test", "test_labels": "y_test"}


def load_labelled(raw, changed=None, **arrays):
    parts = {"x_train": PICTURES, "y_train": np.arange(6) % 3, "x_test": PICTURES[:2], "y_test": np.array([[2], [0]])}
    np.savez(raw / "own.npz", **parts | arrays)
    return images.load("own", ImagesSpec(folder=".", file="own.npz", **LABELLED | (changed or {})), raw)


def test_an_archive_with_labels_is_read(tmp_path):
    found = load_labelled(tmp_path)
    np.testing.assert_array_equal(found.features("test"), PICTURES[:2].reshape(2, -1) / np.float32(255))
    assert found.targets("train").tolist() == [0, 1, 2, 0, 1, 2]
    assert found.targets("test").tolist() == [2, 0]
    assert (found.traits.labels, found.traits.classes, found.splits) == (True, 3, ["train", "test"])


def test_one_split_with_labels_and_two_without_are_read(tmp_path):
    only = load_labelled(tmp_path, {"test_array": None, "test_labels": None})
    assert (only.splits, only.traits.classes) == (["train"], 3)
    bare = load_labelled(tmp_path, {"labels": None, "test_labels": None})
    assert (bare.splits, bare.traits.labels) == (["train", "test"], False)
    assert bare.labels.tolist() == [*range(8)]


@pytest.mark.parametrize("kind", [">f4", "f8"])
def test_fractions_of_an_archive_stay_fractions(tmp_path, kind):
    shares = (PICTURES / 255).astype(kind)
    found = load_labelled(tmp_path, x_train=shares, x_test=shares[:2])
    assert (found.maximum, found.images.dtype) == (1, np.float32)
    np.testing.assert_allclose(found.features("train"), PICTURES.reshape(6, -1) / 255, atol=1e-7)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y_train": np.arange(5)}, "'y_train' is int64 of shape (5,); give one class for each of the 6 images"),
        ({"y_test": np.zeros((2, 2), int)}, "'y_test' is int64 of shape (2, 2)"),
        ({"y_test": np.array([0, -1])}, "'y_test': label 1 is -1; give whole numbers from 0 to 65535"),
        ({"y_test": np.array([0.5, 1.0])}, "'y_test': label 0 is 0.5"),
        ({"y_test": np.array(["a", "b"])}, "'y_test' is <U1 of shape (2,)"),
        ({"x_test": PICTURES[:2, :2]}, "own: train images are (4, 5) pixels, test images (2, 5)"),
        ({"x_test": PICTURES[:2] / 255}, "own: grey levels are whole numbers in one split, and fractions in the other"),
    ],
)
def test_labels_that_do_not_fit(tmp_path, arrays, message):
    with pytest.raises(UserError, match=re.escape(message)):
        load_labelled(tmp_path, **arrays)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test_array": None}, "'test_labels' is 'y_test' without 'test_array'"),
        ({"labels": None}, "'labels' is missing: name the labels of both splits, or of none"),
        ({"test_labels": None}, "'test_labels' is missing"),
    ],
)
def test_labels_of_one_split_alone_are_refused(changed, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ImagesSpec(folder=".", file="own.npz", **LABELLED | changed)


CLIP = RNG.integers(-999, 999, 50).astype(np.int16)


def wav_bytes(clip=CLIP, channels=1, width=2, rate=8000):
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(np.asarray(clip).tobytes())
    return stream.getvalue()


def load_wav(raw):
    return recordings.load("speech", RecordingsSpec(folder="."), raw)


def _with_notes(content, note):
    """With a chunk of a recording program before the samples."""
    return content[:36] + struct.pack("<4sI", b"LIST", len(note)) + note + b"\0" * (len(note) % 2) + content[36:]


@pytest.mark.parametrize("content", [wav_bytes(), _with_notes(wav_bytes(), b"odd"), wav_bytes() + b"LIST\4\0\0\0note"])
def test_recordings_are_read(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    found = load_wav(tmp_path)
    np.testing.assert_array_equal(found.samples[0], CLIP)
    assert found.rate == 8000


EXTENSIBLE = struct.pack(
    "<4sIHHIIHHHHI16s", b"fmt ", 40, 0xFFFE, 1, 8000, 16000, 2, 16, 22, 16, 4, b"\1\0\0\0\0\0\x10\0"
)


def test_the_extensible_format_is_read(tmp_path):
    (tmp_path / "a.wav").write_bytes(wav_bytes()[:12] + EXTENSIBLE + wav_bytes()[36:])
    np.testing.assert_array_equal(load_wav(tmp_path).samples[0], CLIP)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"once upon a time", "is no WAV file"),
        (wav_bytes()[:90], "is cut short, 46 bytes instead of the 100 of its chunk 'data'; copy it again"),
        (wav_bytes()[:30], "is cut short, 10 bytes instead of the 16 of its chunk 'fmt'"),
        (wav_bytes()[:40], "it has no chunk 'data'"),
        (wav_bytes(clip=[]), "holds no sample"),
        (wav_bytes(channels=2), "has 2 channels of 16 bits, format 1; give mono files of 16 bits"),
        (wav_bytes(width=1), "has 1 channels of 8 bits"),
        (wav_bytes()[:24] + b"\0\0\0\0" + wav_bytes()[28:], "has a sample rate of 0"),
    ],
)
def test_recordings_that_cannot_be_read(tmp_path, content, message):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_wav(tmp_path)
    assert message in str(caught.value)
    assert "a.wav" in str(caught.value)


def cifar_bytes():
    """A small archive in CIFAR-10's form."""
    stream = io.BytesIO()
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in names:
            batch = {b"data": RNG.integers(0, 256, (2, 3072), dtype=np.uint8), b"labels": [1, 7]}
            content = pickle.dumps(batch, protocol=4)
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


READERS = {
    "idx": (
        {
            "mine/train-images-idx3-ubyte": idx_bytes(LEVELS, "float32"),
            "mine/train-labels-idx1-ubyte": idx_bytes(LABELS, "int16"),
        },
        load_idx,
    ),
    "idx.gz": (
        {
            "mine/train-images-idx3-ubyte.gz": gzip.compress(idx_bytes(LEVELS, "uint8")),
            "mine/train-labels-idx1-ubyte.gz": gzip.compress(idx_bytes(LABELS, "uint8")),
        },
        load_idx,
    ),
    "npz": ({"grey.npz": npz_bytes(images=PICTURES)}, load_npz),
    "wav": ({"a.wav": _with_notes(wav_bytes(), b"odd")}, load_wav),
    "cifar": (
        {"archive.tar.gz": cifar_bytes()},
        lambda raw: cifar.load("c", CifarSpec(folder=".", archive="archive.tar.gz"), raw),
    ),
}


@pytest.mark.parametrize("reader", READERS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_broken_is_read_or_refused_in_one_line(tmp_path_factory, reader, data):
    files, load = READERS[reader]
    raw = tmp_path_factory.mktemp("raw")
    for name, content in files.items():
        broken = bytearray(content)
        for _ in range(data.draw(st.integers(0, 3))):
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
        end = data.draw(st.integers(0, len(broken)) if data.draw(st.booleans()) else st.just(len(broken)))
        (raw / name).parent.mkdir(exist_ok=True)
        (raw / name).write_bytes(broken[:end])
    found, complaint = None, ""
    try:
        found = load(raw)
    except UserError as error:
        complaint = str(error)
    assert isinstance(found, Images | Recordings) or str(raw) in complaint or "mine" in complaint
    assert "\n" not in complaint


@pytest.mark.parametrize("reader", READERS)
def test_what_is_whole_is_read(tmp_path, reader):
    files, load = READERS[reader]
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert len(load(tmp_path)) > 0


@pytest.mark.parametrize("kept", [0, 1, 100, 0.2, 0.5, 0.9, 0.999])
def test_a_truncated_data_set_is_refused(tmp_path, kept):
    path = tmp_path / "mine.nc"
    write_dataset(Images("mine", PICTURES, LABELS, np.zeros(6, np.int8), 255, ""), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    with pytest.raises(UserError, match="is no whole data set"):
        read_dataset(path)
