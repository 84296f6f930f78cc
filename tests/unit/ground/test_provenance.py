"""Code versions: what is a change of the code behind a number, and what is not."""

import os
import subprocess
import sys
import textwrap

import pytest

from initatlas import provenance
from initatlas.provenance import code_version, import_closure, package_versions, source_file

SOURCES = {
    "__init__": "",
    "entry": """
        from plots import middle

        def run():
            from plots.far import value
            return middle.twice(value())
        """,
    "middle": """
        from .deep import one

        def twice(number):
            return 2 * number * one()
        """,
    "deep": "def one():\n    return 1\n",
    "far": "def value():\n    return 3\n",
    "outside": "def unused():\n    return 4\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of the user's; the function writes one module anew and gives the code version of its entry."""
    home = tmp_path / "plots"
    home.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)

    def version_with(**changed):
        for name, text in {**SOURCES, **changed}.items():
            (home / f"{name}.py").write_text(textwrap.dedent(text))
        for cached in (provenance.code_version, provenance._source, provenance._read):
            cached.cache_clear()
        return code_version("plots.entry")

    yield version_with
    code_version.cache_clear()


def test_the_closure_holds_what_is_imported_anywhere(package):
    package()
    assert set(import_closure("plots.entry")) == {"plots", "plots.entry", "plots.middle", "plots.deep", "plots.far"}


@pytest.mark.parametrize(("folder", "counts"), [("mine", True), ("site-packages", False)])
def test_what_lies_beside_a_package_counts_unless_packages_are_installed_there(tmp_path, monkeypatch, folder, counts):
    names = {part: f"{part}_{folder.replace('-', '_')}" for part in ("study", "helper", "other")}
    home = tmp_path / folder
    for name, text in (("study", f"import {names['helper']}, json\n"), ("other", "")):
        (home / names[name]).mkdir(parents=True)
        (home / names[name] / "__init__.py").write_text(text)
    (home / f"{names['helper']}.py").write_text(f"from {names['other']} import x\n")
    monkeypatch.syspath_prepend(str(home))
    assert set(import_closure(names["study"])) == (set(names.values()) if counts else {names["study"]})


@pytest.mark.parametrize(
    "deep",
    [
        "# a comment\ndef one():\n    return 1  # here too\n",
        'def one():\n    """A docstring."""\n    return 1\n',
        '"""A module docstring."""\ndef one():\n    return 1\n',
        "def one(\n):\n\n    return (1)\n",
    ],
    ids=["comment", "docstring", "module docstring", "layout"],
)
def test_words_and_layout_do_not_count(package, deep):
    assert package(deep=deep) == package()


@pytest.mark.parametrize(
    "change",
    [
        {"deep": "def one():\n    return 2\n"},
        {"far": "def value():\n    return 5\n"},
        {"__init__": "VERSION = 2\n"},
        {"middle": SOURCES["middle"].replace("one()", "1")},
        {"entry": SOURCES["entry"].replace("twice(", "twice(1 + ")},
        {"deep": "def one():\n    return '1'\n"},
    ],
    ids=["import of an import", "import in a function", "package", "one import less", "entry", "type of a constant"],
)
def test_a_real_change_counts(package, change):
    assert package(**change) != package()


def kept_of(package, module="deep"):
    """The file beside the bytecode in which another process finds what was found in a module."""
    package()
    (kept,) = (source_file("plots").parent / "__pycache__").glob(f"{module}.*.code")
    return kept


def test_another_process_reads_no_module_again(package, monkeypatch):
    version = package()
    monkeypatch.setattr(provenance, "_analysed", lambda *_: pytest.fail("read again"))
    assert package() == version
    with pytest.raises(pytest.fail.Exception, match="read again"):
        package(deep="def one():\n    return 2\n")


@pytest.mark.parametrize("damage", [b"", b"{}", b"null", b"[1, 2]", b"\xff", b'["", [], [], ""]'])
def test_a_damaged_memory_of_a_module_is_made_anew(package, damage):
    kept = kept_of(package)
    version, sound = package(), kept.read_bytes()
    kept.write_bytes(damage)
    assert package() == version
    assert kept.read_bytes() == sound


def test_what_was_found_is_kept_for_the_text_and_the_name_alone(package):
    """Neither a file that was moved, nor one that got the memory of another, is taken for it."""
    deep, far = kept_of(package), kept_of(package, "far")
    version = package()
    deep.write_bytes(far.read_bytes())
    assert package() == version


def test_versions_where_no_bytecode_may_be_written(package, monkeypatch):
    version = package()
    kept = kept_of(package)
    kept.unlink()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert package() == version
    assert not kept.exists()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", "/dev/null/nowhere")
    assert package() == version


def test_a_module_outside_the_closure_does_not_count(package):
    assert package(outside="def unused():\n    return 5\n") == package()


def test_an_experiment_of_the_users_includes_our_modules(package):
    package(far="from initatlas.vocabulary import parse_label\ndef value():\n    return len(parse_label('far'))\n")
    closure = import_closure("plots.entry")
    assert "initatlas.vocabulary" in closure
    assert "initatlas.cli" not in closure


def test_an_entry_that_does_not_exist():
    with pytest.raises(ModuleNotFoundError, match=r"initatlas\.experiments\.nothing"):
        code_version("initatlas.experiments.nothing")


def test_code_versions_import_nothing_heavy(root):
    program = """
        import sys
        from pathlib import Path
        from initatlas.provenance import code_version
        names = [path.stem for path in Path("src/initatlas/experiments").glob("*.py") if path.stem != "__init__"]
        versions = {code_version(f"initatlas.experiments.{name}") for name in names}
        assert len(versions) == len(names) > 3
        print(sorted({name.partition(".")[0] for name in sys.modules}))
        """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=60)
    loaded = set(eval(answer.stdout))
    assert "initatlas" in loaded
    assert not loaded & {"numpy", "torch", "numba", "scipy", "sklearn", "matplotlib", "xarray", "ray", "pydantic"}


def test_code_versions_do_not_depend_on_the_process(root):
    program = "from initatlas.provenance import code_version; print(code_version('initatlas.experiments.train_mlp'))"
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert answers == {f"{code_version('initatlas.experiments.train_mlp')}\n"}


def test_versions_of_the_packages_behind_the_numbers():
    found = package_versions()
    assert {"python", "numpy", "torch", "numba", "ray", "snakemake"} <= set(found)
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))


def test_the_commit_is_that_of_the_checkout_of_this_code(tmp_path, monkeypatch):
    """An own checkout counts, clean or changed; a copy that is only installed into somebody's checkout does not."""

    def git(*words):
        identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
        answer = subprocess.run(["git", "-C", tmp_path, *identity, *words], capture_output=True, text=True, check=True)
        return answer.stdout.strip()

    def commit_of(name):
        monkeypatch.setattr(provenance, "__file__", str(tmp_path / name))
        provenance.commit.cache_clear()
        return provenance.commit()

    (tmp_path / "ours.py").write_text("x = 1\n")
    (tmp_path / "installed.py").write_text("x = 1\n")
    try:
        assert commit_of("ours.py") == ""
        git("init", "-q")
        git("add", "ours.py")
        git("commit", "-q", "-m", "ours")
        assert commit_of("ours.py") == git("rev-parse", "HEAD")
        assert commit_of("installed.py") == ""
        (tmp_path / "ours.py").write_text("x = 2\n")
        assert commit_of("ours.py") == f"{git('rev-parse', 'HEAD')}-dirty"
    finally:
        provenance.commit.cache_clear()
