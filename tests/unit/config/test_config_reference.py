"""The reference of the config is generated: it must equal what the models say now."""

import json
from pathlib import Path

from initatlas.config_reference import EXPERIMENTS, reference_files
from initatlas.experiments import __path__ as experiments_path
from initatlas.sweeps.registry import load_experiment

CONFIG = Path(__file__).parents[3] / "config"


def test_reference_is_in_step() -> None:
    stale = [name for name, text in reference_files().items() if (CONFIG / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run: make reference"


def test_every_experiment_is_described() -> None:
    modules = {path.stem for path in Path(experiments_path[0]).glob("*.py")} - {
        "__init__",
        "grids",
        "activation_labels",
        "weights_labels",
        "network_law",
        "sphere_inputs",
        "target_labels",
    }
    assert set(EXPERIMENTS) == modules
    page = (CONFIG / "README.md").read_text(encoding="utf-8")
    for name in EXPERIMENTS:
        for field, model in load_experiment(name).parameters.model_fields.items():
            assert model.description, f"{name}.{field} has no description"
            assert f"`{field}`" in page


def test_schemas_are_json_schemas() -> None:
    for path in (CONFIG / "schema").glob("*.json"):
        assert "$defs" in json.loads(path.read_text(encoding="utf-8")) or path.stem == "config"
