"""Photographs, recordings, and the largest coordinate of their pieces."""

import numpy as np
import pytest
from scipy.io import wavfile

from initatlas.datasets.build import build_dataset
from initatlas.datasets.clips import Recordings
from initatlas.datasets.dataset import read_dataset, write_dataset
from initatlas.datasets.image_set import Images
from initatlas.datasets.kinds import files_present
from initatlas.datasets.pieces import image_pieces, largest_coordinate, recording_pieces
from initatlas.datasets.specs import ImagesSpec, PhotographsSpec, RecordingsSpec, required_files
from initatlas.errors import UserError
from initatlas.experiments.largest_coordinate import EXPERIMENT, LargestCoordinateParameters

RATE = 8000


@pytest.fixture
def raw(tmp_path):
    """A raw data folder with two recordings and an archive of images."""
    folder = tmp_path / "voices"
    folder.mkdir()
    time = np.arange(3 * RATE) / RATE
    for name, pitch in (("b", 440.0), ("a", 200.0)):
        tone = (8000 * np.sin(2 * np.pi * pitch * time)).astype(np.int16)
        wavfile.write(folder / f"{name}.wav", RATE, tone[: len(tone) if name == "a" else 2 * RATE])
    np.savez(tmp_path / "grey.npz", images=np.random.default_rng(0).integers(0, 256, (3, 40, 50), dtype=np.uint8))
    return tmp_path


def test_photographs_are_always_there(tmp_path):
    found = build_dataset("photographs", PhotographsSpec(), tmp_path)
    assert files_present(PhotographsSpec(), tmp_path)
    assert found.images.shape == (2, 427, 640, 3)
    write_dataset(found, tmp_path / "photographs.nc")
    np.testing.assert_array_equal(read_dataset(tmp_path / "photographs.nc").images, found.images)


def test_images_of_an_archive(raw):
    spec = ImagesSpec(folder=".", file="grey.npz")
    found = build_dataset("grey", spec, raw)
    assert required_files(spec, raw) == [raw / "grey.npz"]
    assert found.images.shape == (3, 40, 50)
    assert len(found) == 3
    assert found.summary() == "3 images of 40x50 pixels"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (ImagesSpec(folder=".", file="none.npz"), "none.npz is missing"),
        (ImagesSpec(folder=".", file="grey.npz", array="other"), "no array 'other'; it has: images"),
        (ImagesSpec(folder=".", file="grey.npz", sha256="0" * 64), "SHA-256"),
        (ImagesSpec(folder="voices", file="a.wav"), "is no numpy archive"),
        (RecordingsSpec(folder="empty"), "no WAV file"),
    ],
)
def test_what_is_missing_or_broken_is_named(raw, spec, message):
    with pytest.raises(UserError, match=message):
        build_dataset("signals", spec, raw)


def test_recordings_survive_their_file(raw):
    spec = RecordingsSpec(folder="voices", source="two tones")
    found = build_dataset("voices", spec, raw)
    assert [path.name for path in required_files(spec, raw)] == ["a.wav", "b.wav"]
    assert (found.rate, found.length.tolist()) == (RATE, [3 * RATE, 2 * RATE])
    assert (found.samples[1, 2 * RATE :] == 0).all()
    write_dataset(found, raw / "voices.nc")
    stored = read_dataset(raw / "voices.nc")
    assert isinstance(stored, Recordings)
    np.testing.assert_array_equal(stored.samples, found.samples)
    assert (stored.rate, stored.source, stored.raw_sha256) == (found.rate, found.source, found.raw_sha256)
    assert stored.content_sha256 == found.content_sha256
    changed = Recordings("voices", found.samples, found.length, RATE + 1, "")
    assert changed.content_sha256 != found.content_sha256


@pytest.mark.parametrize("samples", [np.zeros((10, 2), np.int16), np.zeros(10, np.float32)])
def test_only_mono_files_of_16_bits(tmp_path, samples):
    wavfile.write(tmp_path / "x.wav", RATE, samples)
    with pytest.raises(UserError, match="mono files of 16 bits"):
        build_dataset("x", RecordingsSpec(folder="."), tmp_path)


def test_files_of_one_rate(raw):
    wavfile.write(raw / "voices" / "c.wav", RATE // 2, np.ones(100, np.int16))
    with pytest.raises(UserError, match="sample rates"):
        build_dataset("x", RecordingsSpec(folder="voices"), raw)


@pytest.mark.parametrize(
    "wrong",
    [
        {"samples": np.zeros((1, 4), np.float32)},
        {"samples": np.zeros(4, np.int16)},
        {"length": np.array([5])},
        {"length": np.array([0])},
        {"rate": 0},
    ],
)
def test_recordings_that_do_not_belong_together(wrong):
    right = {"samples": np.zeros((1, 4), np.int16), "length": np.array([4]), "rate": 1}
    with pytest.raises(ValueError, match=r"."):
        Recordings(name="x", source="", **{**right, **wrong})


def test_largest_coordinate_of_known_signals():
    assert largest_coordinate(np.ones(16), centred=False) == pytest.approx(1 / 16)
    assert largest_coordinate(np.eye(16)[0], centred=False) == pytest.approx(16)
    assert largest_coordinate(np.full(16, 7.0), centred=True) == pytest.approx(1 / 16)
    assert largest_coordinate(np.array([1.0, -3.0]), centred=True) == pytest.approx(0.5)


def test_images_shrink_without_aliasing(raw):
    """A fine chessboard becomes grey; leaving pixels out would keep it black or white."""
    board = (255 * (np.indices((40, 40)).sum(axis=0) % 2)).astype(np.uint8)[None]
    images = Images("board", board, np.zeros(1, np.int64), np.zeros(1, np.int8), 255, "")
    ((origin, resolutions),) = image_pieces(images, 1, shape=(40, 40), levels=5, rng=np.random.default_rng(0))
    assert origin == 0
    assert [piece.shape for piece in resolutions] == [(40, 40), (28, 28), (20, 20), (14, 14), (10, 10)]
    assert np.abs(resolutions[-1] - 127.5).max() < 10


def test_fractions_are_cut_as_grey_levels_are():
    levels = np.random.default_rng(3).integers(64, 192, (2, 32, 32))
    given = [(levels.astype(np.uint8), 255), ((levels / 255).astype(np.float32), 1)]
    cut = [
        [
            *image_pieces(
                Images("x", images, *_UNLABELLED, maximum, ""),
                3,
                shape=(16, 16),
                levels=3,
                rng=np.random.default_rng(0),
            )
        ]
        for images, maximum in given
    ]
    for (origin, whole), (other, fractions) in zip(*cut, strict=True):
        assert origin == other
        for piece, fraction in zip(whole, fractions, strict=True):
            np.testing.assert_allclose(
                255 * fraction, piece, atol=1.5
            )  # of whole numbers Pillow rounds rows and columns


_UNLABELLED = (np.arange(2), np.zeros(2, np.int8))


def test_recordings_are_filtered_before_they_are_decimated(raw):
    """440 Hz lies above half of 500 Hz: it goes; left in, it would fold to 60 Hz."""
    voices = build_dataset("voices", RecordingsSpec(folder="voices"), raw)
    pieces = list(recording_pieces(voices, 20, seconds=1.0, levels=5, rng=np.random.default_rng(0)))
    assert {origin for origin, _ in pieces} == {0, 1}
    for origin, resolutions in pieces:
        assert [len(piece) for piece in resolutions] == [RATE >> level for level in range(5)]
        swing = [np.ptp(piece[5:-5]) for piece in resolutions]
        assert swing[0] == pytest.approx(16000 * 255 / 65535, rel=0.01)
        assert (swing[4] < 0.1 * swing[0]) == (origin == 1)


def test_pieces_that_are_too_large_are_refused(raw):
    grey = build_dataset("grey", ImagesSpec(folder=".", file="grey.npz"), raw)
    with pytest.raises(UserError, match="40x50 pixels, pieces 41x8"):
        next(image_pieces(grey, 1, shape=(41, 8), levels=2, rng=np.random.default_rng(0)))
    voices = build_dataset("voices", RecordingsSpec(folder="voices"), raw)
    with pytest.raises(UserError, match=r"longest clip has 3.00 s, pieces 4 s"):
        next(recording_pieces(voices, 1, seconds=4.0, levels=2, rng=np.random.default_rng(0)))


def test_levels_below_the_voice_are_missing(raw):
    voices = build_dataset("voices", RecordingsSpec(folder="voices"), raw)
    point = LargestCoordinateParameters(dataset="voices", pieces=4, levels=7, duration=1.0, lowest_rate=500)
    (result,) = EXPERIMENT.run([point], [np.random.default_rng(0)], voices)
    assert result["dimension"][:5].tolist() == [RATE >> level for level in range(5)]
    assert np.isnan(result["dimension"][5:]).all()
    assert np.isnan(result["largest"][5:]).all()
    assert np.isfinite(result["largest"][:5]).all()
