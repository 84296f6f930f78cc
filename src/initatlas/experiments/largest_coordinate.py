"""How much of a signal one coordinate carries, as the signal is resolved more finely: m max_i (x_i / |x|)^4.

Tsuchida, Roosta-Khorasani, Gallagher 2018, hypothesis 5, figure 6 and appendix A of the supplement. The central limit theorem
behind theorem 6 needs this number to vanish as the dimension m grows. Photographs are cut into pieces of one size and made
smaller by bicubic interpolation, recordings into pieces of one duration and decimated; both with an anti-aliasing filter.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from initatlas.datasets.traits import DataNeeds
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

if TYPE_CHECKING:
    import numpy as np

    from initatlas.datasets.clips import Recordings
    from initatlas.datasets.image_set import Images


class LargestCoordinateParameters(Parameters):
    """Pieces of the signals of one data set."""

    dataset: str = Field(default="photographs", description="data set: images, or recordings")
    pieces: int = Field(default=1000, ge=2, description="number of random pieces")
    levels: int = Field(default=11, ge=2, description="number of resolutions; each halves the dimension")
    rows: int = Field(default=218, ge=8, description="rows of a piece of an image")
    columns: int = Field(default=178, ge=8, description="columns of a piece of an image")
    duration: float = Field(default=1.5, gt=0, description="duration of a piece of a recording, in seconds")
    lowest_rate: int = Field(
        default=500,
        ge=1,
        description="lowest sample rate of a recording, in Hz: a voice does not reach below half of it",
    )
    centred: bool = Field(
        default=False,
        description="whether the mean of a piece is taken off; otherwise it lies in [0, 255], as in the paper",
    )


def _coordinates(parameters: LargestCoordinateParameters) -> Mapping[str, Coordinate]:
    """Resolutions and pieces by number."""
    return {
        "level": Coordinate(range(parameters.levels), "halvings of the dimension"),
        "piece": Coordinate(range(parameters.pieces), "number of the piece"),
    }


def _run(
    points: Sequence[LargestCoordinateParameters],
    rngs: Sequence["np.random.Generator"],
    data: "Images | Recordings",
) -> list[dict[str, Any]]:
    """Each point has its own pieces."""
    return [_measure(point, rng, data) for point, rng in zip(points, rngs, strict=True)]


def _measure(
    point: LargestCoordinateParameters, rng: "np.random.Generator", data: "Images | Recordings"
) -> dict[str, Any]:
    """The number for every resolution of every piece, and which image or clip a piece is from."""
    import numpy as np

    from initatlas.datasets.clips import Recordings
    from initatlas.datasets.pieces import image_pieces, largest_coordinate, recording_pieces

    pieces = (
        recording_pieces(data, point.pieces, seconds=point.duration, levels=_audible_levels(point, data.rate), rng=rng)
        if isinstance(data, Recordings)
        else image_pieces(data, point.pieces, shape=(point.rows, point.columns), levels=point.levels, rng=rng)
    )
    largest = np.full((point.levels, point.pieces), np.nan)
    origin = np.empty(point.pieces, dtype=np.int64)
    dimension = np.full(point.levels, np.nan)
    for number, (source, resolutions) in enumerate(pieces):
        origin[number] = source
        for level, signal in enumerate(resolutions):
            largest[level, number] = largest_coordinate(signal, centred=point.centred)
            dimension[level] = signal.size
    return {"largest": largest, "origin": origin, "dimension": dimension}


def _audible_levels(point: LargestCoordinateParameters, rate: int) -> int:
    """How often a sample rate can be halved."""
    return sum(1 for level in range(point.levels) if rate / 2**level >= point.lowest_rate)


_TOO_SLOW = "the sample rate would be too low for a voice"


def _seconds(parameters: LargestCoordinateParameters) -> float:
    """Resampling of the pieces."""
    return 5e-3 * parameters.pieces + 0.5


def _megabytes(parameters: LargestCoordinateParameters) -> float:
    """One piece at a time, and the data set."""
    return 50.0


EXPERIMENT = Experiment(
    summary="Share of one coordinate in a signal, m max (x_i / |x|)^4, against the dimension m of the signal.",
    parameters=LargestCoordinateParameters,
    outputs=(
        Output(
            "largest",
            "dimension times the fourth power of the largest share of a coordinate",
            dims=("level", "piece"),
            nan_means=_TOO_SLOW,
        ),
        Output("origin", "number of the image or clip that a piece is from", dims=("piece",), dtype="int64"),
        Output("dimension", "number of coordinates", dims=("level",), nan_means=_TOO_SLOW),
    ),
    run=_run,
    static=("pieces", "levels"),
    coordinates=_coordinates,
    seconds=_seconds,
    megabytes=_megabytes,
    data_needs=DataNeeds(holds=("images", "recordings")),
)
