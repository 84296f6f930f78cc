"""What a data set has to offer, and what an experiment needs of it. Every parse of the workflow reads this module."""

from collections.abc import Collection
from dataclasses import dataclass

BOTH_SPLITS = ("train", "test")


@dataclass(frozen=True)
class DataTraits:
    """What a data set has.

    Attributes
    ----------
    images
        Whether it holds images; recordings otherwise.
    labels
        Whether its images have classes.
    splits
        The splits that are there.
    classes
        Number of classes; None where it is not known before the files are read.
    """

    images: bool = True
    labels: bool = True
    splits: Collection[str] = BOTH_SPLITS
    classes: int | None = None


RECORDED = DataTraits(images=False, labels=False, splits=())


@dataclass(frozen=True)
class DataNeeds:
    """What an experiment cannot do without; by default any data set will do.

    Attributes
    ----------
    images
        Whether it takes images alone.
    labels
        Whether every image must have a class.
    splits
        The splits that it reads.
    classes
        Least number of classes.
    """

    images: bool = False
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
        if self.images and not traits.images:
            return "it holds recordings, not images"
        if self.labels and not traits.labels:
            return "its images have no labels"
        for split in self.splits:
            if split not in traits.splits:
                return f"it has no {split} split"
        if traits.classes is not None and traits.classes < self.classes:
            return f"its images are of {traits.classes} class{'' if traits.classes == 1 else 'es'}, and {self.classes} are needed"
        return ""


ANY_DATA = DataNeeds()
