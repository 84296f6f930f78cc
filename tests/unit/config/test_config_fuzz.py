"""Whatever small edit is made to a valid config, it is read, or refused in one line; it takes no long time and no large list."""

import resource
import shutil
import time
from itertools import islice
from math import isfinite
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from initatlas.config import load_workflow
from initatlas.errors import UserError
from initatlas.sweeps.costs import expected_cost
from initatlas.sweeps.grid import grid
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.spec import Sweep

CONFIG = Path(__file__).resolve().parents[3] / "config"
FILES = sorted(str(path.relative_to(CONFIG)) for path in CONFIG.rglob("*.yaml"))

NUMBERS = (
    *(0, 1, -1, 2, 3, 0.5, -0.0, 1e-320, 1e23, 1e308, float("inf"), float("nan")),
    *(10**5, 10**6, 10**9, 10**15, 2**53, 2**63, 10**30, 10**300),
)
ODD = (
    *("", " ", "a" * 300, "../x", "a/b", "$(touch HACKED)", "{x}", "%s", "010", "=", "<<", "on"),
    *("é", "名前", "\u202e", "a\nb", "\U0001f600"),
)
NAMES = (
    *("relu", "ReLU", "gaussian", "multivariate_t(nu=3)", "multivariate_t(nu=1e999)"),
    *("digits", "mnist", "kodak", "auto", "quick"),
)
MODULES = ("os.path", "toy.draws", "toy.nothing", "train_mlp", "forward_kernel", "smoothness")
WORDS = ODD + NAMES + MODULES
RULES = ("zip", "available", "name", "linspace", "logspace", "geomspace")
KEYS = ("seeds", "exclude", "scales", "limits", "axes", "fixed", "width", "dataset", "seed", *RULES)
RAW = (
    *("010", "1:30", "0x1F", "1_000", "~", "yes", "2024-01-01", ".inf", "1e999", "!!set {a}", "!x y", "*a", "&a [*a]"),
    *("[", "{", "'", "\t", "- ", ": ", "? [1]", "@"),
)
"""Put into the text as they are."""

GRIDS = st.builds(
    lambda rule, *numbers: {rule: list(numbers)}, st.sampled_from(RULES[3:]), *[st.sampled_from(NUMBERS)] * 3
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(NUMBERS),
    st.sampled_from(WORDS),
    st.integers(0, len(RAW) - 1).map("RAW{}".format),
)
VALUES = st.recursive(
    SCALARS | GRIDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS + KEYS), inner, max_size=3),
    max_leaves=6,
)


def places(tree, place=()):
    """All places of a tree of mappings and lists but for its root."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*place, key)
        yield from places(value, (*place, key))


def edited(tree, data):
    """A tree with one small edit."""
    found = list(places(tree))
    if not found:
        return data.draw(VALUES)
    *above, key = data.draw(st.sampled_from(found))
    parent = tree
    for part in above:
        parent = parent[part]
    edit = data.draw(st.sampled_from(("replace", "drop", "rename", "wrap", "add", "move", "number")))
    if edit == "replace":
        parent[key] = data.draw(VALUES)
    elif edit == "number":
        parent[key] = data.draw(st.sampled_from(NUMBERS))
    elif edit == "wrap":
        parent[key] = data.draw(st.sampled_from(([parent[key]], {"a": parent[key]}, [parent[key]] * 2)))
    elif edit == "drop":
        del parent[key]
    elif isinstance(parent, list):
        parent.append(data.draw(VALUES))
    elif edit == "rename":
        parent[data.draw(st.sampled_from(WORDS) | st.sampled_from(NUMBERS))] = parent.pop(key)
    elif edit == "move":
        parent[key] = data.draw(st.sampled_from(list(parent.values())))
    else:
        parent[data.draw(st.sampled_from(WORDS + KEYS))] = data.draw(VALUES)
    return tree


def spoilt(text, data):
    """A text with one small edit."""
    lines = text.splitlines(keepends=True) or ["\n"]
    number = data.draw(st.integers(0, len(lines) - 1))
    edit = data.draw(st.sampled_from(("double", "drop", "indent", "insert", "cut")))
    line = lines[number]
    column = data.draw(st.integers(0, len(line)))
    inserted = data.draw(st.sampled_from(RAW) | st.text(max_size=3))
    lines[number] = {
        "double": line * 2,
        "drop": "",
        "indent": f" {line}",
        "insert": line[:column] + inserted + line[column:],
        "cut": line[:column],
    }[edit]
    return "".join(lines)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the config of the repository."""
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(CONFIG, folder / "config")
    return folder


def written(file, data):
    """The text of a file after up to three edits."""
    text = (CONFIG / file).read_text()
    if data.draw(st.booleans()):
        return spoilt(text, data)
    tree = yaml.safe_load(text)
    for _ in range(data.draw(st.integers(1, 3))):
        tree = edited(tree, data) if isinstance(tree, dict | list) else tree
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    for number, raw in reversed(list(enumerate(RAW))):
        text = text.replace(f"RAW{number}", raw)
    return text


def use(workflow, file):
    """What a plan asks of the sweeps that a file says something of: points, costs, and the spec as it is handed on."""
    study = Path(file).stem if file.startswith("sweeps/") else ""
    for title in (title for title in workflow.titles if title.startswith(study)):
        sweep = workflow.sweep(title)
        assert Sweep.model_validate_json(sweep.model_dump_json()) == sweep
        experiment = load_experiment(sweep.experiment)
        points = [point for _, point in islice(grid(sweep, experiment), 50) if point is not None]
        assert all(isfinite(experiment.seconds(point)) for point in points)
        if sweep.fixed.get("device") != "auto":
            assert isfinite(expected_cost(sweep.model_copy(update={"axes": sweep.axes[:1]}), experiment).megabytes)


def peak_kilobytes():
    """The most memory that this process has had; what other tests took before is in it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_config_is_read_or_refused_in_one_line(project, data):
    file = data.draw(st.sampled_from(FILES))
    text = written(file, data)
    path = project / "config" / file
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    start, before = time.process_time(), peak_kilobytes()
    try:
        use(load_workflow(project), file)
    except UserError as error:
        line = str(error)
        assert "\n" not in line
        assert len(line) < 2000
        assert str(project) in line or "initatlas.studies" in line or "sweep" in line
    finally:
        path.write_bytes((CONFIG / file).read_bytes())
    assert time.process_time() - start < 10.0
    assert peak_kilobytes() - before < 2e6
