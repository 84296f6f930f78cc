"""What a data set has to offer, and what an experiment needs of it. Every parse of the workflow reads this module."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Holding = Literal["images", "vectors", "recordings"]
"""What the samples of a data set are. Images and vectors have features and targets (`initatlas.datasets.samples.Samples`)."""

SAMPLES: tuple[Holding, ...] = ("images", "vectors")

BOTH_SPLITS = ("train", "test")


@dataclass(frozen=True)
class DataTraits:
    """What a data set has.

    Attributes
    ----------
    holds
        What its samples are.
    labels
        Whether these have classes.
    splits
        The splits that are there.
    classes
        Number of classes; None where it is not known before the files are read.
    """

    holds: Holding = "images"
    labels: bool = True
    splits: Collection[str] = BOTH_SPLITS
    classes: int | None = None


RECORDED = DataTraits(holds="recordings", labels=False, splits=())


@dataclass(frozen=True)
class DataNeeds:
    """What an experiment cannot do without; by default any data set will do.

    Attributes
    ----------
    holds
        What samples it takes; empty for any.
    targets
        Whether every sample must have a target: a class, or numbers.
    labels
        Whether every sample must have a class.
    splits
        The splits that it reads.
    classes
        Least number of classes.
    """

    holds: tuple[Holding, ...] = ()
    targets: bool = False
    labels: bool = False
    splits: Collection[str] = ()
    classes: int = 0

    def lacking(self, traits: DataTraits) -> str:
        """What a data set lacks, and how the mend begins; empty if nothing is known to be lacking.

        Examples
        --------
        >>> DataNeeds(splits=BOTH_SPLITS).lacking(DataTraits(splits=["train"]))
        'it has no test split'
        """
        if self.holds and traits.holds not in self.holds:
            return f"it holds {traits.holds}, not {' or '.join(self.holds)}"
        if self.labels and traits.holds == "vectors":
            return "its targets are numbers, not classes"
        if (self.labels or self.targets) and not traits.labels and traits.holds != "vectors":
            return f"its {traits.holds} have no labels"
        for split in self.splits:
            if split not in traits.splits:
                return f"it has no {split} split"
        if traits.classes is not None and traits.classes < self.classes:
            return f"its images are of {traits.classes} class{'' if traits.classes == 1 else 'es'}, and {self.classes} are needed"
        return ""


ANY_DATA = DataNeeds()
