"""How hard are the glyphs? Test accuracy of a linear and a kernel classifier, on glyphs and on MNIST.

Usage: python benchmarks/glyph_difficulty.py [--mnist FOLDER] [--repeats 3] [--sheet docs/glyphs.png]

FOLDER holds MNIST's IDX files. The test split is enough: it is shuffled and split into 6000 and 2000 images. Prints a
Markdown table, mean and range over the repeats (other glyphs, another split). A repeat takes some ten seconds per set.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import matplotlib.image
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from initatlas.datasets import glyphs, idx
from initatlas.datasets.specs import GlyphsSpec, IdxSpec

TRAIN, TEST = 6000, 2000
CLASSIFIERS = {
    "logistic regression": LogisticRegression(C=1.0, max_iter=100, tol=1e-3),
    "RBF kernel SVM": SVC(C=5.0, gamma="scale"),
}

Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]


def glyph_sets(repeats: int) -> Iterator[Arrays]:
    """Draw glyphs with the default distortions and one seed per repeat."""
    for seed in range(repeats):
        dataset = glyphs.load("glyphs", GlyphsSpec(train=TRAIN, test=TEST, seed=seed))
        yield dataset.features(), dataset.labels


def mnist_sets(folder: Path, repeats: int) -> Iterator[Arrays]:
    """Draw images from MNIST, whichever splits are there."""
    dataset = idx.load("mnist", IdxSpec(folder=folder.name), folder.parent)
    features = dataset.features()
    for seed in range(repeats):
        chosen = np.random.default_rng(seed).permutation(len(features))[: TRAIN + TEST]
        yield features[chosen], dataset.labels[chosen]


def scores(features: NDArray[np.float32], labels: NDArray[np.int64]) -> list[float]:
    """Train each classifier on the first 6000 images and give its accuracy on the other 2000."""
    return [
        classifier.fit(features[:TRAIN], labels[:TRAIN]).score(features[TRAIN:], labels[TRAIN:])
        for classifier in CLASSIFIERS.values()
    ]


def row(name: str, sets: Iterator[Arrays]) -> str:
    """Make a line of the table."""
    results = np.array([scores(*arrays) for arrays in sets])
    cells = [f"{column.mean():.3f} ({column.min():.3f} to {column.max():.3f})" for column in results.T]
    return f"| {name} | {' | '.join(cells)} |"


def save_sheet(path: Path, columns: int = 24) -> None:
    """Save a contact sheet: a row per digit."""
    dataset = glyphs.load("glyphs", GlyphsSpec(train=10 * columns, test=0))
    rows = [np.concatenate(list(dataset.images[dataset.labels == digit]), axis=1) for digit in range(10)]
    matplotlib.image.imsave(path, 255 - np.concatenate(rows), cmap="gray")


def main() -> None:
    """Print the table; save the contact sheet if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="folder of MNIST's IDX files")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sheet", type=Path, help="where to save a contact sheet of glyphs (PNG)")
    arguments = parser.parse_args()
    if arguments.sheet:
        save_sheet(arguments.sheet)
    print(f"| {TRAIN} train, {TEST} test images | {' | '.join(CLASSIFIERS)} |")
    print("|---" * (len(CLASSIFIERS) + 1) + "|")
    print(row("glyphs", glyph_sets(arguments.repeats)))
    if arguments.mnist:
        print(row("MNIST", mnist_sets(arguments.mnist, arguments.repeats)))


if __name__ == "__main__":
    main()
