"""Claims of Chen, Li, Lin 2024."""

from initatlas.studies.chen2024.smoothness import (
    PAPER_SAMPLES,
    PAPER_WINDOW,
    SHORT_WINDOW,
    primary,
    samples,
    slope,
    title,
)
from initatlas.studies.evidence import Evidence
from initatlas.studies.uncontracted import Measurement, within

DATASETS = ("mnist", "fashion_mnist", "cifar10")


def measure(evidence: Evidence) -> dict[str, Measurement]:
    """Measure all claims of the study."""
    claims = {"table1_window": _window(evidence)}
    for name in DATASETS:
        for window in (PAPER_WINDOW, SHORT_WINDOW):
            suffix = "" if window == PAPER_WINDOW else "_short"
            claims[f"table1_{name}{suffix}"] = _smoothness(evidence, name, window, f"table1_{name}{suffix}")
    return claims


def _window(evidence: Evidence) -> Measurement:
    """Labels without information, fitted as the paper says, against the smallest printed smoothness."""
    cube = primary(evidence)
    largest = cube.isel(dataset=int(cube["sample_size"].max("seed").argmax("dataset")))
    null = slope(largest, PAPER_WINDOW).null
    printed = {name: evidence.published[f"table1_{name}"].value for name in DATASETS}
    too_small = [
        f"{value:.2f} ({title(name)})" for name, value in printed.items() if value is not None and value < null
    ]
    finding = (
        f"Printed are {', '.join(too_small)}, which is less. Our reading: they were fitted over a shorter window than the text "
        "states."
        if too_small
        else "No printed number is less."
    )
    return Measurement(
        "fails" if too_small else "holds",
        f"With i < {PAPER_WINDOW} of {PAPER_SAMPLES}, labels that carry no information have the slope {null:.3f}, because the "
        f"sums end at n; by theory every decreasing profile has more. {finding}",
        null,
    )


def _smoothness(evidence: Evidence, name: str, window: int, claim: str) -> Measurement:
    """Slope of one data set at one window, against table 1."""
    cube = primary(evidence)
    if name not in cube.dataset.values:
        return Measurement(
            "not measured",
            f"The files of {title(name)} are not there; put them into the raw data folder, or download them.",
        )
    chosen = cube.sel(dataset=name)
    found = slope(chosen, window)
    holds = within(found.value, evidence.published[claim], low=found.low, high=found.high)
    n = samples(chosen)
    setting = f"n = {n}, i < {round(window * n / PAPER_SAMPLES)}, class index, NTK on the unit sphere without bias"
    reason = f"{setting}; the null slope is {found.null:.3f}."
    if not holds:
        short = slope(chosen, SHORT_WINDOW)
        reason += f" Over i < {round(SHORT_WINDOW * n / PAPER_SAMPLES)} the slope is {short.value:.3f}."
    return Measurement("holds" if holds else "differs", reason, found.value, found.low, found.high)
