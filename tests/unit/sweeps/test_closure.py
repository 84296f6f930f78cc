"""What a plain function depends on: a change anywhere below it changes its hash, and nothing else does."""

import functools
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from initatlas.errors import UserError
from initatlas.sweeps.functions.closure import closure_of, is_local
from initatlas.sweeps.functions.plain import plain_function

BASE = '''
import functools
import math
import numpy as np
from scipy.special import erf

SCALE = 2.0
TABLE = {"a": [1, 2], "b": (3.0, "x")}
ARRAY = np.arange(4.0)

class Model:
    offset = 1
    def __init__(self, slope):
        self.slope = slope
    def value(self, x):
        return self.slope * x + self.offset

MODEL = Model(3.0)

def inner(x):
    return SCALE * x + TABLE["a"][0]

def outer(factor):
    def made(x, power=2):
        """The function."""
        return factor * inner(x) ** power + ARRAY[1] + MODEL.value(x) + sum(math.exp(y) for y in [x]) + erf(x)
    return made

def unrelated(x):
    return x

function = outer(5.0)
'''


def sha256(source, name="function"):
    """Hash of a function of a module with this source."""
    module = types.ModuleType("__main__")
    exec(compile(source, "notebook", "exec"), vars(module))
    return closure_of(vars(module)[name]).sha256


def test_the_same_source_has_the_same_hash():
    assert sha256(BASE) == sha256(BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCALE = 2.0", "SCALE = 2.5"),
        ('"a": [1, 2]', '"a": [1, 3]'),
        ("np.arange(4.0)", "np.arange(4)"),
        ("np.arange(4.0)", "np.arange(4.0) + 1"),
        ("offset = 1", "offset = 2"),
        ("self.slope * x", "self.slope + x"),
        ("Model(3.0)", "Model(4.0)"),
        ("return SCALE * x", "return SCALE - x"),
        ("return SCALE * x", "return SCALE * x * 1"),
        ("outer(5.0)", "outer(6.0)"),
        ("power=2", "power=3"),
        ("math.exp", "math.sin"),
        ("import erf", "import erfc as erf"),
        ("[x])", "[-x])"),
        ("** power", "** -power"),
        ("ARRAY[1]", "ARRAY[2]"),
    ],
)
def test_a_change_anywhere_below_is_seen(old, new):
    assert old in BASE
    assert sha256(BASE.replace(old, new)) != sha256(BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def unrelated(x):\n    return x", "def unrelated(x):\n    return 2 * x"),
        ('"""The function."""', '"""What it does."""'),
        ('        """The function."""\n', "        # a comment\n\n"),
        ("SCALE = 2.0", "# a comment\nSCALE   =  2.0  # two\nOTHER = 7"),
        ("return SCALE * x + TABLE", "return (SCALE * x) + TABLE"),
    ],
)
def test_what_changes_no_result_changes_no_hash(old, new):
    assert old in BASE
    assert sha256(BASE.replace(old, new)) == sha256(BASE)


@pytest.fixture
def local(tmp_path, monkeypatch):
    """Modules of the user's, which import each other; the function changes one and gives the hash anew."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "user_below.py").write_text("def deep(x):\n    return x + 1\n\ndef other(x):\n    return 0\n")
    (tmp_path / "user_helper.py").write_text(
        "import user_below\n\nRATE = 3\n\ndef helped(x):\n    return user_below.deep(x)\n"
    )
    source = "def f(x):\n    import user_helper\n    return user_helper.helped(x)\n"

    def closure(name="", old="", new=""):
        if name:
            path = tmp_path / f"{name}.py"
            path.write_text(path.read_text().replace(old, new))
        for module in ("user_helper", "user_below"):
            sys.modules.pop(module, None)
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        try:
            module = types.ModuleType("__main__")
            exec(source, vars(module))
            return closure_of(module.f)
        finally:
            sys.dont_write_bytecode = before

    return closure


def test_modules_of_the_user_are_followed(local):
    before = local()
    assert before.local == ("user_below", "user_helper")
    assert local("user_below", "return 0", "return 9").sha256 == before.sha256
    assert local("user_helper", "RATE = 3", "RATE = 4").sha256 == before.sha256
    assert local("user_below", "x + 1", "x + 2").sha256 != before.sha256


def test_of_this_package_the_modules_count():
    import initatlas
    from initatlas import nngp

    def by_name(x):
        return nngp(x)

    def by_module(x):
        return initatlas.nngp(x)

    def inside(x):
        from initatlas.kernels.recursion import hidden_states

        return hidden_states(x)

    assert closure_of(by_name).ours == ("initatlas.kernels.api",)
    assert closure_of(by_module).ours == ("initatlas", "initatlas.kernels.api")
    assert closure_of(inside).ours == ("initatlas.kernels.recursion",)
    assert closure_of(lambda x: x).ours == ()


def test_where_labels_are_looked_up_all_components_count():
    from initatlas import nngp

    modules = plain_function(lambda x: nngp(x, activation="erf"), "kernel").modules
    assert {"initatlas.activations.erf", "initatlas.activations.relu", "initatlas.kernels.gram"} <= set(modules)
    assert plain_function(lambda x: np.exp(x), "plain").modules == ()


def test_wrapped_functions_and_methods_are_followed():
    def made(factor):
        @functools.cache
        def cached(x):
            return factor * x

        return cached

    class Thing:
        def __init__(self, factor):
            self.factor = factor

        def method(self, x):
            return self.factor * x

        def __call__(self, x):
            return self.factor - x

    for one, two in (
        (made(1), made(2)),
        (Thing(1).method, Thing(2).method),
        (Thing(1), Thing(2)),
        (functools.partial(max, 1), functools.partial(max, 2)),
    ):
        assert closure_of(one).sha256 != closure_of(two).sha256
    for again in (lambda: made(1), lambda: Thing(1).method, lambda: functools.partial(max, 1)):
        assert closure_of(again()).sha256 == closure_of(again()).sha256


def test_a_function_may_call_itself():
    source = "def f(n):\n    return n * g(n - 1) if n else 1\n\ndef g(n):\n    return f(n)\n"
    assert sha256(source, "f") == sha256(source, "f") != sha256(source.replace("n *", "n +"), "f")


def test_numba_is_seen_through():
    numba = pytest.importorskip("numba")

    def made(factor):
        def times(x):
            return factor * x

        return numba.njit(times)

    one, two = made(2.0), made(3.0)
    assert closure_of(lambda x: one(x)).sha256 != closure_of(lambda x: two(x)).sha256


def test_a_generator_from_outside_is_refused():
    rng = np.random.default_rng(0)

    def f(x):
        return rng.random() * x

    with pytest.raises(UserError, match="f uses the random generator 'rng' from outside"):
        closure_of(f)


def test_what_cannot_be_written_down_is_refused():
    lines = Path(__file__).open()  # noqa: SIM115

    def f(x):
        return lines.read()

    with lines, pytest.raises(UserError, match="f uses 'lines', of type TextIOWrapper, which cannot be written down"):
        closure_of(f)


def test_what_is_the_users_own():
    assert is_local("__main__")
    assert is_local(__name__)
    assert not any(map(is_local, ("numpy", "json", "sys", "initatlas.cubes", "no_such_module")))
