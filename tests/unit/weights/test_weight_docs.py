"""docs/weights.md, tried as written."""

import re
from math import pi

import numpy as np
import pytest
import yaml
from scipy import stats

from initatlas.sweeps.grid import grid
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.resolving import resolve
from initatlas.sweeps.spec import SweepConfig
from initatlas.weights.base import WEIGHTS, family_of


@pytest.fixture
def page(root):
    return (root / "docs/weights.md").read_text(encoding="utf-8")


@pytest.fixture
def logistic(page, add_component):
    """The file of the page, put where the page says."""
    (source,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    add_component(WEIGHTS, "logistic", source)


def test_the_class_of_the_page_has_the_variance_it_states(logistic):
    w = family_of("logistic").draw((1_000_000, 1), variance=0.5, rng=np.random.default_rng(0))[:, 0].astype(np.float64)
    scale = np.sqrt(0.5) * np.sqrt(3) / pi
    assert stats.kstest(w, stats.logistic(scale=scale).cdf).pvalue > 1e-3


def test_the_sweep_of_the_page_runs_in_any_experiment(page, logistic):
    (written,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    config = SweepConfig.model_validate(yaml.safe_load(written)["sweeps"]["logistic"])
    experiment = load_experiment(config.experiment)
    sweep = resolve(
        config, study="mine", name="logistic", scale="quick", root_seed=1, experiment=experiment, where="mine.yaml"
    )
    points = [point for _, point in grid(sweep, experiment) if point.weights == "logistic"]
    assert len(points) == 3
    (result,) = experiment.run(points[:1], [np.random.default_rng(1)], None)
    assert np.isfinite(result["cosine"]).all()
    assert experiment.seconds(points[0]) > 0
    many_inputs = load_experiment("many_inputs")
    assert many_inputs.parameters(weights="logistic").weights == "logistic"


def test_the_table_names_every_family(page):
    assert all(f"| `{name}" in page for name in WEIGHTS)
