"""What `make mutate` changes, and what it leaves alone."""

import ast
import sys

import pytest


@pytest.fixture(scope="module")
def mutants(root):
    sys.path.insert(0, str(root / "tests" / "mutation"))
    from mutants import mutants

    sys.path.pop(0)
    return mutants


CHANGES = {
    "y = x - 1.0": {"x + 1.0", "1.0 - x", "1.01"},
    "y = x * 2": {"x / 2", "3"},
    "y = x < -z": {"x <= -z", "z"},
    "y = a and not b": {"a or not b", "b"},
    "y = sorted(x, key=f)": {"list(x)"},
    "y = f(a, b)": {"f(b, a)"},
    "y = [*range(n)]": {"range(n + 1)"},
    "y = x[1:n]": {"1 + 1:n", "1:n + 1", "2"},
    "y = f(keep=True)": {"False"},
    "y = x @ x": set(),
    "y: Literal[1] = f'{a - b}'": set(),
    "raise ValueError(1 - x)": set(),
    "y = Field(default=1)": set(),
    "if TYPE_CHECKING:\n    y = 1": set(),
}


@pytest.mark.parametrize("source", CHANGES)
def test_the_small_changes_of_a_line(mutants, source):
    found = mutants(source)
    assert {mutant.after for mutant in found} == CHANGES[source]
    for mutant in found:
        assert mutant.source != ast.unparse(ast.parse(source))
        assert mutant.before in ast.unparse(ast.parse(source))
