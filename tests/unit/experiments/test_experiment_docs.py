"""docs/experiments.md, tried as written."""

import re
import shutil
import sys

import numpy as np
import pytest
from toy.sweeps import run

from initatlas.config import load_workflow
from initatlas.cubes import open_cube
from initatlas.errors import UserError
from initatlas.sweeps.plan import DataSource
from initatlas.sweeps.registry import load_experiment


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs/experiments.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def atlas(root, page, tmp_path_factory):
    """The module and the sweep of the page, put where the page says, beside our config."""
    folder = tmp_path_factory.mktemp("atlas")
    shutil.copytree(root / "config", folder / "config")
    for language, path in (("python", "my_experiments/answers.py"), ("yaml", "config/sweeps/mine.yaml")):
        (written,) = re.findall(rf"```{language}\n(# {path}\n.*?)```", page, flags=re.DOTALL)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(written, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        for name in [name for name in sys.modules if name.partition(".")[0] == "my_experiments"]:
            patch.delitem(sys.modules, name)  # of another atlas that this process has looked at
        yield folder


@pytest.fixture(scope="module")
def cube(atlas):
    from initatlas.datasets.build import build_dataset
    from initatlas.datasets.specs import DigitsSpec

    digits = build_dataset("digits", DigitsSpec(), None)
    sweep = load_workflow(atlas).sweep("mine/answers")
    report, path = run(sweep, atlas, data={"digits": DataSource(digits, digits.content_sha256)})
    assert report.failures == ()
    return open_cube(path)


def test_the_cube_has_the_dimensions_that_the_page_says(cube, page):
    assert cube["answered"].dims == ("weights", "activation", "width", "seed", "quantile")
    assert "`weights`, `activation`, `width`, `seed`, and behind them `quantile`" in page
    assert cube.sizes == {"weights": 2, "activation": 2, "width": 2, "seed": 3, "quantile": 5}
    assert cube["quantile"].values.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert cube["cosine"].attrs["nan_means"] == "no neuron answers to one of them"


def test_its_numbers_are_what_their_names_say(cube):
    """Shares between 0 and 1, in order; the median neuron answers to about half of the images."""
    answered = cube["answered"]
    assert (answered.diff("quantile") >= 0).all()
    assert ((answered >= 0) & (answered <= 1)).all()
    assert abs(float(answered.sel(quantile=0.5, width=100).mean()) - 0.5) < 0.2
    assert cube["silent"].dtype == np.bool_
    assert not cube["silent"].any()
    assert (cube["cosine"] < 1.0).all()
    assert (cube["cosine"].sel(activation="relu") >= 0.0).all()


def test_a_layer_that_is_silent_has_the_nan_that_it_declares(atlas):
    load_workflow(atlas)  # which makes its own experiments importable
    from my_experiments.answers import cosine

    assert np.isnan(cosine(np.zeros(3), np.ones(3)))
    assert cosine(np.array([1.0, 1.0]), np.array([1.0, 0.0])) == pytest.approx(0.5**0.5)


@pytest.mark.parametrize(
    ("right", "wrong"), [("[gaussian, uniform]", "[gausian, uniform]"), ("[relu, erf]", "[rellu, erf]")]
)
def test_a_misspelt_label_is_refused_when_the_config_is_read(atlas, right, wrong):
    path = atlas / "config/sweeps/mine.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(right, wrong), encoding="utf-8")
    try:
        with pytest.raises(UserError, match=r"mine\.yaml: sweeps\.answers\.axes\.\w+\[0\] = '\w+': .*did you mean"):
            load_workflow(atlas)
    finally:
        path.write_text(before, encoding="utf-8")


def test_the_table_names_every_part_of_a_declaration(page):
    declared = set(load_experiment("toy.draws").__dataclass_fields__) - {"summary", "run"}
    table = page[page.index("## What the declaration means") :]
    assert declared == {name for name in declared if f"`{name}`" in table}
