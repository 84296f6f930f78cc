"""Data sets: specs, readers, glyphs, and the netCDF file."""

import gzip
import io
import json
import pickle
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from initatlas.datasets import cifar, glyphs, idx, kinds
from initatlas.datasets.build import build_dataset
from initatlas.datasets.dataset import read_dataset, write_dataset
from initatlas.datasets.glyph_strokes import ALLOGRAPHS
from initatlas.datasets.image_set import Images
from initatlas.datasets.kinds import DatasetSpec, files_present
from initatlas.datasets.specs import CifarSpec, DigitsSpec, GlyphsSpec, IdxSpec, required_files
from initatlas.errors import UserError

ROOT = Path(__file__).parents[3]
REAL_DATA = ROOT.parent / "shared" / "data" / "raw"
SPECS: TypeAdapter[DatasetSpec] = TypeAdapter(DatasetSpec)

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([2, 0, 1], dtype=np.uint8)


def idx_bytes(array: np.ndarray) -> bytes:
    """Write an array as an IDX file."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def put_split(folder: Path, split: str, images: np.ndarray = IMAGES, labels: np.ndarray = LABELS) -> None:
    """Put a gzipped split where MNIST would have it."""
    folder.mkdir(exist_ok=True)
    (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images)))
    (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))


def small_dataset(**changes: object) -> Images:
    """Make a data set of three images."""
    fields: dict[str, object] = {
        "name": "small",
        "images": IMAGES,
        "labels": LABELS.astype(np.int64),
        "split": np.array([0, 0, 1], dtype=np.int8),
        "maximum": 100,
        "source": "a test",
        "raw_sha256": {"file": "ab"},
        "note": "nothing is left out",
    }
    return Images(**(fields | changes))  # type: ignore[arg-type]


# --- specs ---------------------------------------------------------------------------------------------------------


def test_specs_import_nothing_heavy() -> None:
    code = (
        "import sys, initatlas.datasets.kinds; print([m for m in ('numpy', 'xarray', 'requests') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "glyphs", "trian": 5},
        {"kind": "glyphs", "train": 0, "test": 0},
        {"kind": "glyphs", "stroke_width": [3.0, 2.0]},
        {"kind": "glyphs", "ink": 0.0},
        {"kind": "digits", "seed": -1},
        {"kind": "digits", "seed": 2**32},
        {"kind": "idx", "folder": "../elsewhere"},
        {"kind": "idx", "folder": "/elsewhere"},
        {"kind": "idx", "folder": "a", "files": {"test_labels": "b/c"}},
        {"kind": "idx", "folder": "a", "sha256": {"stranger.gz": "0" * 64}},
        {"kind": "idx", "folder": "a", "sha256": {"train-images-idx3-ubyte.gz": "0" * 63}},
        {"kind": "idx", "folder": "a", "mirrors": ["ftp://example.org"]},
        {"kind": "cifar", "archive": ".."},
        {"kind": "unknown"},
    ],
)
def test_specs_refuse(entry: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SPECS.validate_python(entry)


def test_every_field_is_described() -> None:
    for model in kinds.SPECS:
        assert all(field.description for field in model.model_fields.values())


def test_spec_survives_json() -> None:
    spec = IdxSpec(folder="a", mirrors=("http://example.org/a",), sha256={"train-images-idx3-ubyte": "A" * 64})
    assert SPECS.validate_json(spec.model_dump_json()) == spec
    assert spec.mirrors == ("http://example.org/a/",)
    assert spec.sha256 == {"train-images-idx3-ubyte": "a" * 64}


def test_shipped_config_is_valid_at_every_scale() -> None:
    entries = yaml.safe_load((ROOT / "config" / "datasets.yaml").read_text(encoding="utf-8"))
    assert set(entries) == {
        "digits",
        "glyphs",
        "mnist",
        "fashion_mnist",
        "cifar10",
        "photographs",
        "kodak",
        "speech",
    } | {"sine", "sphere"}
    for entry in entries.values():
        scales = entry.pop("scales", {})
        for overlay in ({}, *scales.values()):
            spec = SPECS.validate_python(entry | overlay)
            if isinstance(spec, IdxSpec):
                assert set(spec.sha256) == set(spec.files.names())


def test_present_and_required_files(tmp_path: Path) -> None:
    spec = IdxSpec(folder="own")
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "train-labels-idx1-ubyte.gz").touch()
    (folder / "t10k-images-idx3-ubyte").touch()
    assert not files_present(spec, tmp_path)
    assert required_files(spec, tmp_path) == []
    (folder / "t10k-labels-idx1-ubyte.gz").touch()
    assert files_present(spec, tmp_path)
    assert required_files(spec, tmp_path) == [folder / "t10k-images-idx3-ubyte", folder / "t10k-labels-idx1-ubyte.gz"]


def test_generated_sets_need_no_file(tmp_path: Path) -> None:
    for spec in (DigitsSpec(), GlyphsSpec()):
        assert files_present(spec, tmp_path)
        assert required_files(spec, tmp_path) == []
    assert not files_present(CifarSpec(), tmp_path)


# --- the data set and its file -------------------------------------------------------------------------------------


def test_file_keeps_everything(tmp_path: Path) -> None:
    dataset = small_dataset()
    write_dataset(dataset, tmp_path / "deep" / "small.nc")
    found = read_dataset(tmp_path / "deep" / "small.nc")
    for name in ("images", "labels", "split"):
        stored, written = getattr(found, name), getattr(dataset, name)
        assert stored.dtype == written.dtype
        np.testing.assert_array_equal(stored, written)
    for name in ("name", "maximum", "source", "raw_sha256", "note", "content_sha256"):
        assert getattr(found, name) == getattr(dataset, name)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["small.nc"]


def test_file_keeps_colour(tmp_path: Path) -> None:
    dataset = small_dataset(images=np.repeat(IMAGES[..., None], 3, axis=3))
    write_dataset(dataset, tmp_path / "colour.nc")
    np.testing.assert_array_equal(read_dataset(tmp_path / "colour.nc").images, dataset.images)
    with xr.open_dataset(tmp_path / "colour.nc") as stored:
        assert stored["images"].dims == ("sample", "row", "column", "channel")


def test_file_describes_itself(tmp_path: Path) -> None:
    dataset = small_dataset()
    write_dataset(dataset, tmp_path / "small.nc")
    with xr.open_dataset(tmp_path / "small.nc", decode_cf=False) as stored:
        for variable in stored.variables.values():
            assert {"long_name", "units"} <= set(variable.attrs)
        assert list(stored["split"].attrs["flag_values"]) == [0, 1]
        assert stored["split"].attrs["flag_meanings"] == "train test"
        assert stored["images"].attrs["maximum"] == 100
        assert stored.attrs["content_sha256"] == dataset.content_sha256
        assert json.loads(stored.attrs["raw_sha256"]) == {"file": "ab"}


def test_features_are_scaled_rows() -> None:
    dataset = small_dataset()
    assert dataset.features().shape == (3, 20)
    assert dataset.features().dtype == np.float32
    np.testing.assert_array_equal(dataset.features("test"), IMAGES[2:].reshape(1, 20).astype(np.float32) / 100)
    assert dataset.targets("train").tolist() == [2, 0]


@given(position=st.integers(0, IMAGES.size - 1))
@settings(max_examples=20, deadline=None)
def test_hash_sees_every_pixel(position: int) -> None:
    images = IMAGES.copy()
    images.flat[position] ^= 1
    assert small_dataset(images=images).content_sha256 != small_dataset().content_sha256


def test_hash_sees_shape_labels_split_and_maximum_but_not_the_name() -> None:
    changes: list[dict[str, object]] = [
        {"images": IMAGES.reshape(3, 5, 4)},
        {"labels": np.array([2, 0, 0])},
        {"split": np.array([0, 1, 1], dtype=np.int8)},
        {"maximum": 101},
    ]
    hashes = {small_dataset(**change).content_sha256 for change in changes}
    assert len(hashes | {small_dataset().content_sha256}) == 5
    assert small_dataset(name="other", note="").content_sha256 == small_dataset().content_sha256


def test_hash_is_canonical() -> None:
    fortran = small_dataset(images=np.asfortranarray(IMAGES))
    assert fortran.content_sha256 == small_dataset().content_sha256
    # Known value: a change of the canonical form would rebuild every cube, and must be meant.
    assert small_dataset().content_sha256 == "33a6e40bd51cc4cbe739a4420b31eaf67f88685b20c7cca60a92cef37440951d"


@pytest.mark.parametrize(
    "change",
    [
        {"images": IMAGES.astype(np.int64)},
        {"images": IMAGES.astype(np.float32) - 1.0},
        {"images": np.where(IMAGES, np.float32("nan"), np.float32(0.0))},
        {"images": IMAGES[:2]},
        {"images": IMAGES[:, 0]},
        {"images": IMAGES[:0]},
        {"labels": np.array([0, -1, 0])},
        {"split": np.array([0, 1, 2], dtype=np.int8)},
        {"maximum": 50},
        {"maximum": 256},
    ],
)
def test_dataset_refuses_arrays_that_do_not_fit(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"shape|grey level|label|uint8"):
        small_dataset(**change)


def test_broken_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.nc"
    with pytest.raises(UserError, match="no such data set"):
        read_dataset(path)
    write_dataset(small_dataset(), path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match=r"small\.nc"):
        read_dataset(path)


@pytest.mark.parametrize("variable", ["images", "labels", "split"])
def test_changed_content_is_refused(tmp_path: Path, variable: str) -> None:
    path = tmp_path / "small.nc"
    write_dataset(small_dataset(), path)
    with netCDF4.Dataset(path, "a") as stored:
        stored[variable][0] = 1
    with pytest.raises(UserError, match="hash"):
        read_dataset(path)


def test_foreign_netcdf_is_refused(tmp_path: Path) -> None:
    xr.Dataset({"images": ("sample", np.zeros(3))}).to_netcdf(tmp_path / "foreign.nc")
    with pytest.raises(UserError, match=r"foreign\.nc"):
        read_dataset(tmp_path / "foreign.nc")


# --- digits --------------------------------------------------------------------------------------------------------


def test_digits_are_split_by_seed(tmp_path: Path) -> None:
    first = build_dataset("digits", DigitsSpec(seed=1, test=300), tmp_path)
    assert first.images.shape == (1797, 8, 8)
    assert first.features("test").shape == (300, 64)
    assert (first.maximum, first.images.max(), first.features().max()) == (16, 16, 1.0)
    assert set(first.targets("train")) == set(first.targets("test")) == set(range(10))
    assert build_dataset("digits", DigitsSpec(seed=1, test=300), tmp_path).content_sha256 == first.content_sha256
    other = build_dataset("digits", DigitsSpec(seed=2, test=300), tmp_path)
    assert not np.array_equal(other.labels, first.labels)
    np.testing.assert_array_equal(np.bincount(other.labels), np.bincount(first.labels))


# --- glyphs --------------------------------------------------------------------------------------------------------


def test_glyphs_are_a_prefix_of_more_glyphs() -> None:
    small = glyphs.load("glyphs", GlyphsSpec(train=70, test=15, seed=3))
    large = glyphs.load("glyphs", GlyphsSpec(train=141, test=90, seed=3))
    np.testing.assert_array_equal(small.images[:70], large.images[:70])
    np.testing.assert_array_equal(small.images[70:], large.images[141:156])
    np.testing.assert_array_equal(small.targets("test"), large.targets("test")[:15])


def test_glyphs_differ_by_seed_and_split() -> None:
    one = glyphs.load("glyphs", GlyphsSpec(train=40, test=40, seed=0))
    two = glyphs.load("glyphs", GlyphsSpec(train=40, test=40, seed=1))
    assert not np.array_equal(one.images, two.images)
    assert not np.array_equal(one.images[:40], one.images[40:])
    flat = one.images.reshape(80, -1)
    assert len(np.unique(flat, axis=0)) == 80


@given(count=st.integers(0, 60), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_glyph_classes_are_balanced(count: int, seed: int) -> None:
    labels = glyphs.draw_labels(count, seed=seed, split="train")
    assert labels.shape == (count,)
    assert np.ptp(np.bincount(labels, minlength=10)) <= 1


def test_glyph_order_is_shuffled() -> None:
    blocks = glyphs.draw_labels(500, seed=0, split="train").reshape(50, 10)
    assert len(np.unique(blocks, axis=0)) > 45


@pytest.mark.parametrize("size", [24, 28, 40])
def test_glyphs_look_like_mnist(size: int) -> None:
    spec = GlyphsSpec(train=200, test=0, size=size)
    images = glyphs.load("glyphs", spec).images
    assert images.shape == (200, size, size)
    grey = images / 255.0
    assert grey.max(axis=(1, 2)).min() > 0.7
    assert 0.08 < grey.mean() < 0.22  # MNIST: 0.13
    assert 0.7 < (images == 0).mean() < 0.9  # MNIST: 0.81
    assert max(grey[:, 0].max(), grey[:, -1].max(), grey[:, :, 0].max(), grey[:, :, -1].max()) < 0.2  # Not cut off.
    place = np.arange(size) - (size - 1) / 2
    for axis in (1, 2):
        centre = (grey.sum(axis=3 - axis) * place).sum(axis=1) / grey.sum(axis=(1, 2))
        assert np.abs(centre).max() < 2.5 * size / 28
        assert abs(centre.mean()) < 0.25 * size / 28


@pytest.mark.parametrize("digit", range(10))
def test_allographs_come_as_often_as_they_should(digit: int) -> None:
    count = 600
    spec = GlyphsSpec(jitter=0.0)
    chance = glyphs._draw_chance(range(count), spec, "train")
    curves = glyphs._write(np.full(count, digit), chance, spec).reshape(count, -1)
    counts = np.unique(curves, axis=0, return_counts=True)[1]
    frequency = np.array([allograph.frequency for allograph in ALLOGRAPHS[digit]])
    expected = frequency / frequency.sum()
    assert len(counts) == len(expected)
    tolerance = 4 * np.sqrt(count * expected * (1 - expected))  # standard errors
    assert np.all(np.abs(np.sort(counts) - np.sort(count * expected)) < np.sort(tolerance))


def test_strokes_are_well_formed() -> None:
    assert sorted(ALLOGRAPHS) == list(range(10))
    for allographs in ALLOGRAPHS.values():
        assert len(allographs) >= 3
        assert len({allograph.name for allograph in allographs}) == len(allographs)
        for allograph in allographs:
            heights = [y for stroke in allograph.strokes for _, y in stroke]
            assert allograph.frequency > 0
            assert min(heights) >= 0.0
            assert max(heights) <= 1.0
            assert all(len(stroke) >= 3 for stroke in allograph.strokes)


def test_curves_go_through_their_control_points() -> None:
    pens = glyphs._pens()
    assert pens.basis.sum(axis=2) == pytest.approx(1.0)
    curves = np.einsum("apc,ack->apk", pens.basis, pens.control)
    for number, allograph in enumerate(a for digit in range(10) for a in ALLOGRAPHS[digit]):
        points = np.array([point for stroke in allograph.strokes for point in stroke])
        distance = np.linalg.norm(points[:, None] - curves[number][None], axis=2).min(axis=1)
        assert distance.max() < 0.03


def test_glyphs_can_be_learned_but_not_by_a_straight_line() -> None:
    from sklearn.linear_model import RidgeClassifier
    from sklearn.neighbors import KNeighborsClassifier

    dataset = glyphs.load("glyphs", GlyphsSpec(train=1500, test=500))
    train = dataset.features("train"), dataset.targets("train")
    test = dataset.features("test"), dataset.targets("test")
    assert 0.70 < RidgeClassifier(alpha=10.0).fit(*train).score(*test) < 0.93
    assert 0.85 < KNeighborsClassifier(3).fit(*train).score(*test) < 0.98


# --- IDX -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("array", [IMAGES, LABELS])
def test_idx_is_read_plain_and_gzipped(tmp_path: Path, array: np.ndarray) -> None:
    (tmp_path / "plain").write_bytes(idx_bytes(array))
    (tmp_path / "zipped.gz").write_bytes(gzip.compress(idx_bytes(array)))
    rank = 3 if array.ndim == 3 else 1
    for name in ("plain", "zipped.gz"):
        np.testing.assert_array_equal(idx.read_idx(tmp_path / name, rank), array)


@given(shape=st.tuples(*[st.integers(1, 6)] * 3), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_idx_round_trip(tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, int, int], seed: int) -> None:
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path_factory.mktemp("idx") / "images"
    path.write_bytes(idx_bytes(array))
    np.testing.assert_array_equal(idx.read_idx(path, 3), array)


def _damage() -> dict[str, tuple[str, bytes, str]]:
    """Give broken image files: name, content, and what the message must say."""
    good = idx_bytes(IMAGES)
    zipped = bytearray(gzip.compress(good))
    corrupt = zipped.copy()
    corrupt[-6] ^= 0xFF  # in the checksum
    scrambled = zipped.copy()
    scrambled[12:20] = b"\xff" * 8
    return {
        "empty": ("images", b"", "starts with"),
        "labels instead": ("images", idx_bytes(LABELS), r"1 dimensions \(it starts with 0x00000801\)"),
        "unknown type": ("images", b"\0\0\x0a\x03" + good[4:], "type 0x0a, which IDX does not know"),
        "floats instead": ("images", b"\0\0\x0d\x03" + good[4:], "cut short, 60 bytes instead of the 240"),
        "cut in the header": ("images", good[:9], "header"),
        "cut in the pixels": ("images", good[:-1], "cut short, 59 bytes instead of the 60"),
        "bytes left over": ("images", good + b"\0", "after the 60"),
        "absurd length": ("images", good[:4] + b"\xff" * 12 + good[16:], "absurd"),
        "no image": ("images", good[:4] + struct.pack(">3I", 0, 4, 5), "absurd"),
        "not gzipped": ("images.gz", good, "not gzipped"),
        "gzip cut": ("images.gz", bytes(zipped[:-12]), "gzip data are broken"),
        "gzip checksum": ("images.gz", bytes(corrupt), "gzip data are broken"),
        "gzip scrambled": ("images.gz", bytes(scrambled), "gzip data are broken"),
        "gzipped but plain name": ("images", bytes(zipped), "starts with 0x1f8b"),
    }


@pytest.mark.parametrize("case", _damage())
def test_damaged_idx_is_refused(tmp_path: Path, case: str) -> None:
    name, content, message = _damage()[case]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        idx.read_idx(path, 3)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(content=st.binary(max_size=60))
@settings(max_examples=50, deadline=None)
def test_garbage_never_raises_anything_but_a_user_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("garbage")
    for name, data in (("a", content), ("b.gz", content), ("c.gz", b"\x1f\x8b" + content)):
        (folder / name).write_bytes(data)
        with pytest.raises(UserError):
            idx.read_idx(folder / name, 3)


def test_idx_both_splits(tmp_path: Path) -> None:
    put_split(tmp_path / "own", "train")
    put_split(tmp_path / "own", "t10k", IMAGES[:2], LABELS[:2])
    dataset = build_dataset("own", IdxSpec(folder="own"), tmp_path)
    assert dataset.split.tolist() == [0, 0, 0, 1, 1]
    assert dataset.labels.tolist() == [2, 0, 1, 2, 0]
    assert (dataset.note, len(dataset.raw_sha256), dataset.maximum) == ("", 4, 255)
    np.testing.assert_array_equal(dataset.images[3:], IMAGES[:2])


def test_idx_with_a_missing_split_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put_split(tmp_path / "own", "train")
    put_split(tmp_path / "own", "t10k")
    (tmp_path / "own" / "train-images-idx3-ubyte.gz").unlink()
    dataset = build_dataset("own", IdxSpec(folder="own"), tmp_path)
    assert dataset.note == "no train split: own/train-images-idx3-ubyte.gz is missing"
    assert dataset.note in caplog.text
    assert set(dataset.split) == {1}
    write_dataset(dataset, tmp_path / "own.nc")
    assert read_dataset(tmp_path / "own.nc").note == dataset.note


def test_idx_without_any_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"own: no train split: .*train-images.* and .*train-labels.* are missing"):
        build_dataset("own", IdxSpec(folder="own"), tmp_path)


def test_idx_counts_and_sizes_must_agree(tmp_path: Path) -> None:
    put_split(tmp_path / "own", "train", labels=LABELS[:2])
    with pytest.raises(UserError, match=r"3 images, but train-labels-idx1-ubyte\.gz has 2 labels"):
        build_dataset("own", IdxSpec(folder="own"), tmp_path)
    put_split(tmp_path / "own", "train")
    put_split(tmp_path / "own", "t10k", IMAGES.reshape(3, 5, 4))
    with pytest.raises(UserError, match=r"train images are \(4, 5\) pixels, test images \(5, 4\)"):
        build_dataset("own", IdxSpec(folder="own"), tmp_path)


def test_wrong_hash_is_refused_and_the_file_stays(tmp_path: Path) -> None:
    put_split(tmp_path / "own", "train")
    spec = IdxSpec(folder="own", sha256={"train-images-idx3-ubyte.gz": "0" * 64})
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte.gz: its SHA-256 is [0-9a-f]{64}, .* 0{64}; .*mend"):
        build_dataset("own", spec, tmp_path)
    assert (tmp_path / "own" / "train-images-idx3-ubyte.gz").is_file()


# --- CIFAR ---------------------------------------------------------------------------------------------------------


def python2_batch(pixels: np.ndarray, labels: list[int]) -> bytes:
    """Write the pickle that Python 2 and numpy 1 wrote for a batch (protocol 2, strings as bytes)."""

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(value)) + value

    def number(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    dtype = b"cnumpy\ndtype\n" + text(b"u1") + number(0) + number(1) + b"\x87R"
    dtype += b"(" + number(3) + text(b"|") + b"NNN" + number(-1) + number(-1) + number(0) + b"tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + number(0) + b"\x85" + text(b"b") + b"\x87R"
    shape = number(pixels.shape[0]) + number(pixels.shape[1]) + b"\x86"
    array += b"(" + number(1) + shape + dtype + b"\x89" + text(pixels.tobytes()) + b"tb"
    numbers = b"](" + b"".join(number(label) for label in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + numbers + b"u."


def put_archive(folder: Path, batches: dict[str, bytes]) -> Path:
    """Put a CIFAR archive that holds the given members."""
    folder.mkdir(exist_ok=True)
    path = folder / "cifar-10-python.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in batches.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def cifar_batches(images: int = 2) -> dict[str, bytes]:
    """Make six small batches; the pixels of batch k start with k."""
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    batches = {}
    for first, name in enumerate(names, start=1):
        pixels = np.zeros((images, 3072), dtype=np.uint8)
        pixels[:, :] = first
        pixels[:, 1024] = 200  # the first green pixel
        batches[f"cifar-10-batches-py/{name}"] = python2_batch(pixels, [first] * images)
    return batches


def test_cifar_is_read_in_order(tmp_path: Path) -> None:
    batches = cifar_batches()
    put_archive(tmp_path / "cifar-10", dict(reversed(batches.items())))
    dataset = build_dataset("cifar10", CifarSpec(), tmp_path)
    assert dataset.images.shape == (12, 32, 32, 3)
    assert dataset.labels.tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    assert dataset.split.tolist() == [0] * 10 + [1] * 2
    assert dataset.images[0, 0, 0].tolist() == [1, 200, 1]
    assert dataset.images[11, 0, 1].tolist() == [6, 6, 6]
    assert list(dataset.raw_sha256) == ["cifar-10-python.tar.gz"]


class _Malicious:
    """Creates a file when it is unpickled by a careless reader."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_malicious_batch_does_not_run(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "trace"
    content = pickle.dumps([_Malicious(trace)], protocol=protocol)
    pickle.loads(content)[0].close()
    assert trace.is_file()  # the attack works on a plain unpickler
    trace.unlink()
    put_archive(tmp_path / "cifar-10", cifar_batches() | {"cifar-10-batches-py/data_batch_1": content})
    with pytest.raises(UserError, match=r"data_batch_1 is no CIFAR-10 batch \(UnpicklingError: it asks for .*open"):
        build_dataset("cifar10", CifarSpec(), tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["builtins eval", "os system", "numpy load", "numpy.core.multiarray scalar"])
def test_unpickler_admits_no_other_name(name: str) -> None:
    module, attribute = name.split()
    with pytest.raises(pickle.UnpicklingError, match=f"{module}.{attribute}"):
        cifar.unpickle_arrays(f"c{module}\n{attribute}\n.".encode())


def test_unpickler_reads_present_day_arrays() -> None:
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(cifar.unpickle_arrays(pickle.dumps(array, protocol=4)), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no CIFAR-10 batch"),
        (b"\x80\x02}.", "is no CIFAR-10 batch"),
        (python2_batch(np.zeros((2, 3071), np.uint8), [0, 0]), "rows of 3072 bytes"),
        (python2_batch(np.zeros((2, 3072), np.uint8), [0]), "2 images and 1 labels"),
        (python2_batch(np.zeros((2, 3072), np.uint8), [0, 10]), "label outside 0 to 9"),
        (python2_batch(np.zeros((2, 3072), np.uint8), [0, -1]), "label outside 0 to 9"),
        (python2_batch(np.zeros((2, 3072), np.uint8), [0, 0])[:-100], "is no CIFAR-10 batch"),
    ],
)
def test_damaged_batch_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    put_archive(tmp_path / "cifar-10", cifar_batches() | {"cifar-10-batches-py/test_batch": content})
    with pytest.raises(UserError, match=message) as caught:
        build_dataset("cifar10", CifarSpec(), tmp_path)
    assert "test_batch" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is missing"):
        build_dataset("cifar10", CifarSpec(), tmp_path)
    batches = cifar_batches()
    batches.pop("cifar-10-batches-py/data_batch_3")
    path = put_archive(tmp_path / "cifar-10", batches)
    with pytest.raises(UserError, match="data_batch_3 is not in the archive"):
        build_dataset("cifar10", CifarSpec(), tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="archive"):
        build_dataset("cifar10", CifarSpec(), tmp_path)
    with pytest.raises(UserError, match="SHA-256"):
        build_dataset("cifar10", CifarSpec(sha256="0" * 64), tmp_path)


def test_links_in_the_archive_are_not_followed(tmp_path: Path) -> None:
    batches = cifar_batches()
    content = batches.pop("cifar-10-batches-py/test_batch")
    path = put_archive(tmp_path / "cifar-10", batches | {"elsewhere": content})
    with tarfile.open(path, "r:gz") as archive:
        members = [(member, archive.extractfile(member)) for member in archive]
        link = tarfile.TarInfo("cifar-10-batches-py/test_batch")
        link.type, link.linkname = tarfile.SYMTYPE, "../elsewhere"
        with tarfile.open(tmp_path / "linked.tar.gz", "w:gz") as linked:
            for member, stream in members:
                linked.addfile(member, stream)
            linked.addfile(link)
    (tmp_path / "linked.tar.gz").replace(path)
    with pytest.raises(UserError, match="test_batch is not in the archive"):
        build_dataset("cifar10", CifarSpec(), tmp_path)


# --- real data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "mean"), [("mnist", 0.1325), ("fashion_mnist", 0.2868)])
def test_real_test_split(tmp_path: Path, name: str, mean: float) -> None:
    entry = yaml.safe_load((ROOT / "config" / "datasets.yaml").read_text(encoding="utf-8"))[name]
    spec = SPECS.validate_python(entry)
    if not files_present(spec, REAL_DATA):
        pytest.skip(f"the real files of {name} are not in {REAL_DATA}")
    dataset = build_dataset(name, spec, REAL_DATA)
    assert dataset.features("test").shape == (10000, 784)
    assert dataset.features("test").mean(dtype=np.float64) == pytest.approx(mean, abs=5e-4)
    assert np.bincount(dataset.targets("test")).sum() == 10000
    write_dataset(dataset, tmp_path / "real.nc")
    assert read_dataset(tmp_path / "real.nc").content_sha256 == dataset.content_sha256
