"""Declarations of experiments: every slip is one line that names the key, the value and the mend."""

import sys

import pytest
from pydantic import Field, model_validator

from initatlas.datasets.traits import DataNeeds
from initatlas.errors import UserError
from initatlas.sweeps.declaration import first_slip
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters
from initatlas.sweeps.registry import load_experiment


class DeclaredParameters(Parameters):
    width: int = Field(default=3, ge=1, description="width")
    depth: int = Field(default=1, ge=1, description="depth")


class RequiredParameters(Parameters):
    width: int = Field(description="width")


class ErrorParameters(Parameters):
    error: float = Field(default=0.0, description="an error")


class ContradictingParameters(Parameters):
    @model_validator(mode="after")
    def _never(self):
        raise ValueError("seed = 0 is refused")


def declared(**changes):
    """A sound declaration, but for what is changed."""
    sound = {
        "summary": "Something.",
        "parameters": DeclaredParameters,
        "outputs": (Output("number", "a number"), Output("curve", "a curve", dims=("place",))),
        "run": lambda points, rngs, data: [],
        "static": ("width",),
        "coordinates": lambda point: {"place": Coordinate(range(point.width), "place")},
    }
    return Experiment(**{**sound, **changes})


def output(*names, **changes):
    """A declaration with one output."""
    return declared(outputs=(Output(*(names or ("number",)), "a number", **changes),))


def test_a_sound_declaration_has_no_slip():
    assert first_slip(declared()) == ""


@pytest.mark.parametrize(
    ("experiment", "slip"),
    [
        (declared(summary=""), "summary = '': say in one sentence what the experiment measures"),
        (declared(seconds=5), "seconds = 5: give a function, such as lambda point: ..."),
        (declared(megabytes=5.5), "megabytes = 5.5: give a function, such as lambda point: ..."),
        (declared(gpus=1), "gpus = 1: give a function, such as lambda point: ..."),
        (declared(run=None), "run = None: give a function, such as lambda points, rngs, data: ..."),
        (declared(coordinates={}), "coordinates = {}: give a function, such as lambda point: ..."),
        (declared(cpus=0), "cpus = 0: give a whole number of at least 1"),
        (declared(cpus=1.5), "cpus = 1.5: give a whole number of at least 1"),
        (declared(outputs=()), "outputs = (): declare at least one"),
        (declared(outputs=("number",)), 'outputs = (\'number\',): give a tuple, such as (Output("name", "meaning"),)'),
        (declared(data_needs=("train",)), "data_needs = ('train',): give DataNeeds(...) of initatlas.datasets.traits"),
        (
            declared(data_needs=DataNeeds(splits="test")),
            "data_needs.splits = 'test': give some of ('train', 'test'), as a tuple",
        ),
        (
            declared(data_needs=DataNeeds(splits=("tset",))),
            "data_needs.splits = ('tset',): give some of ('train', 'test'), as a tuple",
        ),
        (
            declared(point_needs={"widht": {1: DataNeeds()}}),
            "point_needs: there is no parameter 'widht' (did you mean 'width'?)",
        ),
        (
            declared(point_needs={"width": {1: DataNeeds(labels=True)}}),
            "point_needs: there is no parameter 'dataset', so there are no data; add one, or leave point_needs out",
        ),
        (
            declared(data_needs=DataNeeds(labels=True)),
            "data_needs: there is no parameter 'dataset', so there are no data; add one, or leave data_needs out",
        ),
        (declared(static="width"), "static = 'width': give a tuple, such as (\"width\",)"),
        (
            declared(static=("widht",)),
            "static: there is no parameter 'widht' (did you mean 'width'?); there are seed, width, depth",
        ),
        (declared(parameters=dict), "parameters = <class 'dict'>: give a class that derives from Parameters"),
        (declared(parameters=RequiredParameters), "parameters: width has no default; give it one"),
        (
            declared(parameters=ErrorParameters),
            "parameters: every cube has a variable 'error' of its own; rename the parameter",
        ),
        (output(dims="place"), "outputs[0].dims = 'place': give a tuple of names, such as ('layer',)"),
        (output(dims=("place", "place")), "outputs[0].dims = ('place', 'place'): a dimension is there twice"),
        (
            output(dims=("width",)),
            "outputs[0].dims: 'width' is a parameter, so an inner dimension cannot be called so; rename one of the two",
        ),
        (
            output("width"),
            "outputs[0].name: 'width' is a parameter, so an output cannot be called so; rename one of the two",
        ),
        (output("status"), "outputs[0].name: every cube has a variable 'status' of its own; choose another name"),
        (output("a number"), "outputs[0].name: 'a number' is no name of letters, digits and _"),
        (output(nan_means=None), "outputs[0].nan_means = None: give a text"),
        (
            declared(outputs=(Output("place", "a"), Output("curve", "b", dims=("place",)))),
            "outputs: 'place' is an output and an inner dimension; rename one of the two",
        ),
        (
            declared(outputs=(Output("number", "a"), Output("number", "b"))),
            "outputs: 'number' is there twice; rename one of the two",
        ),
        (
            declared(coordinates=lambda point: {"plaze": Coordinate([1], "place")}),
            (
                "coordinates: the inner dimension 'place' has none (did you mean 'plaze'?); "
                "return one Coordinate for each of dims"
            ),
        ),
        (
            declared(coordinates=lambda point: {"place": [1, 2]}),
            "coordinates: 'place' is [1, 2]; give Coordinate(values, long_name)",
        ),
        (
            declared(coordinates=lambda point: {"place": Coordinate(7, "place")}),
            "coordinates: the values of 'place' are 7; give a list or a range",
        ),
        (
            declared(coordinates=lambda point: None),
            "coordinates returns None: give a mapping of dimensions to Coordinate(values, long_name)",
        ),
        (
            declared(coordinates=lambda point: point.wdth),
            (
                "coordinates fails for the default parameters (AttributeError: 'DeclaredParameters' object has no attribute "
                "'wdth')"
            ),
        ),
    ],
)
def test_a_slip_is_one_line_with_the_key_the_value_and_the_mend(experiment, slip):
    assert first_slip(experiment) == slip


def test_a_type_that_no_cube_holds_is_refused_with_the_nearest_one():
    slip = first_slip(output(dtype="flaot64"))
    assert slip.startswith("outputs[0].dtype = 'flaot64' (did you mean 'float64'?): allowed are int8, ")


def test_defaults_that_contradict_each_other_are_told():
    slip = first_slip(declared(parameters=ContradictingParameters))
    assert slip.startswith("parameters: the defaults contradict each other (ValidationError: ")
    assert "seed = 0 is refused" in slip
    assert "\n" not in slip


def test_a_slip_is_told_with_the_file_when_the_experiment_is_loaded(tmp_path, monkeypatch):
    (tmp_path / "slips").mkdir()
    path = tmp_path / "slips/one.py"
    path.write_text(
        "from initatlas.sweeps.experiment import Experiment, Output, Parameters\n"
        "EXPERIMENT = Experiment('One.', Parameters, (Output('x', 'x'),), lambda points, rngs, data: [], seconds=5)\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(UserError) as caught:
        load_experiment("slips.one")
    assert str(caught.value) == (
        f"experiment 'slips.one': {path}: seconds = 5: give a function, such as lambda point: ..."
    )
