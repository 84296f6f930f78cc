"""What the repository's own config names."""

from pathlib import Path

from initatlas.config import load_settings

STUDIES = tuple(load_settings(Path(__file__).parents[2] / "config/config.yaml", {}).studies)
