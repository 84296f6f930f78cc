"""What a config may say about a data set of images or recordings, and which raw files that calls for.

Every parse of the workflow reads this module: standard library and pydantic only.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.functional_validators import AfterValidator

GZIP_SUFFIX = ".gz"

LONGEST_PART, DEEPEST_FOLDER = 200, 20
"""Bytes of a file's name, which gets additions, and levels of a folder: what file systems hold."""

MOST_IMAGES = 10_000_000
"""Images of a generated data set."""


def _check_file_name(name: str) -> str:
    """Admit a bare file name."""
    if name in {"", ".", ".."} or "/" in name or "\\" in name or len(name.encode()) > LONGEST_PART:
        raise ValueError(f"'{name}' is no file name: give the name alone and put the folder in 'folder'")
    return name


def _check_folder(folder: str) -> str:
    """Admit a folder inside the raw data folder."""
    path = PurePosixPath(folder)
    too_long = any(len(part.encode()) > LONGEST_PART for part in path.parts) or len(path.parts) > DEEPEST_FOLDER
    if not folder or path.is_absolute() or ".." in path.parts or too_long:
        raise ValueError(f"'{folder}' is no folder inside the raw data folder: give a relative one without '..'")
    return folder


def _check_mirror(url: str) -> str:
    """Admit an http(s) address and let it end in a slash."""
    if not re.fullmatch(r"https?://\S+", url):
        raise ValueError(f"'{url}' is no http:// or https:// address")
    return url if url.endswith("/") else url + "/"


FileName = Annotated[str, AfterValidator(_check_file_name)]
Folder = Annotated[str, AfterValidator(_check_folder)]
Mirror = Annotated[str, AfterValidator(_check_mirror)]
Sha256 = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{64}$")]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Count = Annotated[int, Field(ge=0, le=MOST_IMAGES, strict=True)]
Number = Annotated[float, Field(strict=True)]
Strength = Annotated[float, Field(ge=0.0, lt=10.0, strict=True)]


class Spec(BaseModel):
    """Settings that cannot be changed once made, and that refuse a key which they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DigitsSpec(Spec):
    """The 8x8 handwritten digits that come with scikit-learn (1797 images)."""

    kind: Literal["digits"] = Field(default="digits", description="The 8x8 digits that come with scikit-learn.")
    test: int = Field(
        default=360, ge=1, le=1796, strict=True, description="Number of test images; the other ones train."
    )
    seed: Seed = Field(default=0, description="Seed of the order of the images, and so of the split.")


class GlyphsSpec(Spec):
    """MNIST-style digits that the package draws itself: no file, no licence, any number of them."""

    kind: Literal["glyphs"] = Field(default="glyphs", description="MNIST-style digits drawn by the package itself.")
    train: Count = Field(default=6000, description="Number of training images.")
    test: Count = Field(default=2000, description="Number of test images.")
    seed: Seed = Field(default=0, description="Seed; image i of a split depends on the seed, the split and i alone.")
    size: int = Field(default=28, ge=8, le=256, strict=True, description="Rows and columns of an image, in pixels.")
    stroke_width: tuple[Number, Number] = Field(
        default=(1.8, 3.4), description="Range of the stroke width, in pixels of a 28x28 image."
    )
    softness: tuple[Number, Number] = Field(
        default=(0.8, 1.3), description="Range of the width of a stroke's blurred edge, in pixels of a 28x28 image."
    )
    jitter: Strength = Field(
        default=0.03, description="Standard deviation of a control point's shift, in digit heights."
    )
    elastic: Strength = Field(
        default=0.06, description="Standard deviation of the smooth elastic shift, in digit heights."
    )
    lean: float = Field(
        default=0.2, gt=-5.0, lt=5.0, strict=True, description="Mean of the shear along the rows; positive leans right."
    )
    slant: Strength = Field(default=0.25, description="Standard deviation of the shear along the rows.")
    rotation: Strength = Field(default=0.12, description="Standard deviation of the rotation angle, in radians.")
    aspect: Strength = Field(default=0.15, description="Standard deviation of the log of width over height.")
    scale: Strength = Field(default=0.05, description="Standard deviation of the log of the digit's size.")
    shift: Strength = Field(
        default=0.5, description="Largest shift off the centre of mass, in pixels of a 28x28 image."
    )
    ink: Annotated[float, Field(gt=0.0, le=1.0, strict=True)] = Field(
        default=0.9, description="Grey level of the palest ink; white is 1."
    )
    noise: Strength = Field(
        default=0.05, description="Standard deviation of the ink's grain, relative to its grey level."
    )

    @model_validator(mode="after")
    def _check_ranges(self) -> "GlyphsSpec":
        """Refuse an empty data set and a range that is empty or not positive."""
        if self.train + self.test == 0:
            raise ValueError("'train' and 'test' are both 0: ask for at least one image")
        for key in ("stroke_width", "softness"):
            low, high = getattr(self, key)
            if not 0.0 < low <= high < 10.0:
                raise ValueError(f"'{key}' is [{low}, {high}]: give 0 < low <= high < 10")
        return self


class IdxFiles(Spec):
    """The names of the four IDX files; of each, the gzipped and the plain form are accepted."""

    train_images: FileName = Field(default="train-images-idx3-ubyte.gz", description="Training images.")
    train_labels: FileName = Field(default="train-labels-idx1-ubyte.gz", description="Training labels.")
    test_images: FileName = Field(default="t10k-images-idx3-ubyte.gz", description="Test images.")
    test_labels: FileName = Field(default="t10k-labels-idx1-ubyte.gz", description="Test labels.")

    def of_split(self, split: str) -> tuple[str, str]:
        """Give the names of the images and the labels of ``"train"`` or ``"test"``."""
        return (self.train_images, self.train_labels) if split == "train" else (self.test_images, self.test_labels)

    def names(self) -> tuple[str, ...]:
        """Give the four names."""
        return (self.train_images, self.train_labels, self.test_images, self.test_labels)


class IdxSpec(Spec):
    """Grey images and labels in IDX files, the format of MNIST."""

    kind: Literal["idx"] = Field(default="idx", description="Images and labels in IDX files, the format of MNIST.")
    folder: Folder = Field(description="Folder of the files, inside the raw data folder.")
    files: IdxFiles = Field(default=IdxFiles(), description="Names of the four files; a split may be absent.")
    sha256: dict[str, Sha256] = Field(
        default={}, description="SHA-256 of each file; a file that is not listed is not checked."
    )
    mirrors: tuple[Mirror, ...] = Field(default=(), description="Addresses to download from, tried in this order.")

    @model_validator(mode="after")
    def _check_hashed_names(self) -> "IdxSpec":
        """Refuse a hash for a file that is never read."""
        known = {form for name in self.files.names() for form in _forms(name)}
        if strangers := sorted(set(self.sha256) - known):
            raise ValueError(f"'sha256' lists {strangers[0]}, which 'files' does not name")
        return self


class CifarSpec(Spec):
    """CIFAR-10 in its Python form, read straight from the archive."""

    kind: Literal["cifar"] = Field(default="cifar", description="CIFAR-10 in its Python form.")
    folder: Folder = Field(default="cifar-10", description="Folder of the archive, inside the raw data folder.")
    archive: FileName = Field(default="cifar-10-python.tar.gz", description="Name of the archive; it stays packed.")
    sha256: Sha256 | None = Field(default=None, description="SHA-256 of the archive; without one it is not checked.")
    mirrors: tuple[Mirror, ...] = Field(default=(), description="Addresses to download from, tried in this order.")


class PhotographsSpec(Spec):
    """The two photographs that come with scikit-learn, in colour."""

    kind: Literal["photographs"] = Field(
        default="photographs", description="The two colour photographs that come with scikit-learn."
    )


class ImagesSpec(Spec):
    """Images in a numpy archive, with labels or without."""

    kind: Literal["images"] = Field(
        default="images", description="Images in a numpy archive (.npz), with labels or without."
    )
    folder: Folder = Field(description="Folder of the file, inside the raw data folder; `.` is that folder itself.")
    file: FileName = Field(description="Name of the file.")
    array: str = Field(
        default="images", description="Name of the array of training images in it, (sample, row, column[, channel])."
    )
    labels: str | None = Field(default=None, description="Name of the array of their labels; without one, no classes.")
    test_array: str | None = Field(default=None, description="Name of the array of test images; without one, none.")
    test_labels: str | None = Field(default=None, description="Name of the array of their labels.")
    source: str = Field(default="", description="Where the images come from, in words; shown in figures.")
    sha256: Sha256 | None = Field(default=None, description="SHA-256 of the file; without one it is not checked.")

    @model_validator(mode="after")
    def _check_pairs(self) -> "ImagesSpec":
        """Refuse labels in one split alone, and labels of a split that is not there."""
        if self.test_labels is not None and self.test_array is None:
            raise ValueError(f"'test_labels' is {self.test_labels!r} without 'test_array': name the test images, too")
        if self.test_array is not None and (self.labels is None) != (self.test_labels is None):
            missing = "labels" if self.labels is None else "test_labels"
            raise ValueError(f"'{missing}' is missing: name the labels of both splits, or of none")
        return self


class RecordingsSpec(Spec):
    """Sound recordings: the WAV files of a folder."""

    kind: Literal["recordings"] = Field(
        default="recordings", description="Sound recordings: all WAV files of a folder, mono, 16 bits, of one rate."
    )
    folder: Folder = Field(description="Folder of the files, inside the raw data folder.")
    source: str = Field(default="", description="Where the recordings come from, in words; shown in figures.")


def _forms(name: str) -> tuple[str, str]:
    """Give a file's name as the config has it, then its other form: plain for gzipped, gzipped for plain."""
    other = name.removesuffix(GZIP_SUFFIX) if name.endswith(GZIP_SUFFIX) else name + GZIP_SUFFIX
    return name, other


def find_raw_file(folder: Path, name: str) -> Path | None:
    """Find a raw file, plain or gzipped.

    Parameters
    ----------
    folder
        Where to look.
    name
        The file's name, with or without ``.gz``. The form that the name has goes before the other one.

    Returns
    -------
    Path or None
        The file, or None if neither form exists.
    """
    return next((folder / form for form in _forms(name) if _is_file(folder / form)), None)


def find_split(spec: IdxSpec, raw_data: Path, split: str) -> tuple[Path, Path] | None:
    """Find the images and the labels of a split; None unless both are there."""
    images, labels = (find_raw_file(raw_data / spec.folder, name) for name in spec.files.of_split(split))
    return None if images is None or labels is None else (images, labels)


def required_files(spec: Spec, raw_data: Path) -> list[Path]:
    """List the raw files that building the data set would read.

    Parameters
    ----------
    spec
        The data set.
    raw_data
        The raw data folder.

    Returns
    -------
    list of Path
        Existing files only: a split with one of its two files missing gives none. Empty for a generated data set.
    """
    if isinstance(spec, IdxSpec):
        pairs = (find_split(spec, raw_data, "train"), find_split(spec, raw_data, "test"))
        return [path for pair in pairs if pair is not None for path in pair]
    if isinstance(spec, CifarSpec):
        return _existing(raw_data / spec.folder / spec.archive)
    if isinstance(spec, ImagesSpec):
        return _existing(raw_data / spec.folder / spec.file)
    if isinstance(spec, RecordingsSpec):
        folder = raw_data / spec.folder
        return sorted(folder.glob("*.wav")) if is_folder(folder) else []
    return []


def _existing(path: Path) -> list[Path]:
    """A file, if it is there."""
    return [path] if _is_file(path) else []


def is_folder(path: Path) -> bool:
    """Whether a folder is there and can be looked at."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_file(path: Path) -> bool:
    """Whether a file is there and can be looked at."""
    try:
        return path.is_file()
    except OSError:
        return False
