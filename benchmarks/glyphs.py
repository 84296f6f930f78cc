"""How hard our generated digits are: the accuracies of `benchmarks.glyph_difficulty`, without MNIST beside them."""

from benchmarks.glyph_difficulty import CLASSIFIERS, TEST, TRAIN, glyph_sets, scores
from benchmarks.result import FigureTable, Outcome

REPEATS = 2


def run() -> Outcome:
    """Train both classifiers on fresh glyphs, `REPEATS` times."""
    accuracies = [scores(*arrays) for arrays in glyph_sets(REPEATS)]
    rows: list[list[float | str]] = [[f"seed {seed}", *row] for seed, row in enumerate(accuracies)]
    return Outcome(
        settings={"train": TRAIN, "test": TEST, "repeats": REPEATS},
        figures=[FigureTable(title="Test accuracy on glyphs", columns=["", *CLASSIFIERS], rows=rows)],
    )
