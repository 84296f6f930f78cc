"""The claims of paper2020: they hold for the experiment, and fail where its numbers are spoilt.

Run it in the folder of the atlas: ``python -m pytest tests/test_paper2020.py``.
"""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from initatlas.config import load_published
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import judge_study
from my_experiments.paper2020 import EXPERIMENT, LayerParameters
from my_studies.paper2020.claims import CLAIMS

ATLAS = Path(__file__).parents[1]
WIDTHS = [16, 64, 256]


def verdicts(*, factor=1.0, slower=0.0):
    """Claim to verdict for the experiment's numbers, which are spoilt: times a factor, with deviations that fall more slowly."""
    points = [LayerParameters(width=width, networks=1500) for width in WIDTHS]
    results = EXPERIMENT.run(points, [np.random.default_rng(width) for width in WIDTHS], None)
    layers = {
        name: (("seed", "width", "network"), np.array([[result[name] for result in results]])) for name in results[0]
    }
    cube = xr.Dataset(layers, coords={"width": WIDTHS})
    mean = cube["behind"].mean("network")
    cube["behind"] = factor * (mean + (cube["behind"] - mean) * cube.width**slower)
    published = load_published(ATLAS, "paper2020").claims
    claims = judge_study("paper2020", CLAIMS, Evidence({"layers": cube}, published))
    return {claim.name: claim.judged.verdict for claim in claims}


def test_the_claims_hold():
    assert verdicts() == {"mean_square": "holds", "spread": "holds"}


@pytest.mark.parametrize(
    ("claim", "spoilt"), [("mean_square", {"factor": 1.1}), ("spread", {"slower": 0.2})], ids=["mean_square", "spread"]
)
def test_a_spoilt_number_does_not_hold(claim, spoilt):
    assert verdicts(**spoilt)[claim] in ("fails", "differs")
