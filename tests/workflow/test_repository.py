"""The repository itself: declared products, pinned versions, sizes."""

import json
import re
import subprocess
import tomllib
from importlib import import_module
from importlib.metadata import version

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from toy.repository import STUDIES

from initatlas.config import load_published
from initatlas.studies.registry import load_study

LARGEST_MEGABYTES = 1.5


def locked(root):
    lines = (root / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): number for name, number in pairs}


@pytest.mark.parametrize("study", STUDIES)
def test_every_product_has_a_function_and_a_caption(study):
    declared = load_study(study)
    assert declared.key == study
    for kind in ("figures", "tables"):
        module = import_module(f"initatlas.studies.{study}.{kind}")
        for name in getattr(declared, kind):
            assert callable(getattr(module, name)), f"{study}: no function {name} in {kind}"
            assert (declared.captions / f"{name}.rst").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("study", STUDIES)
def test_no_caption_is_left_over(study):
    declared = load_study(study)
    captions = {path.stem for path in declared.captions.glob("*.rst")}
    assert captions == {*declared.figures, *declared.tables}


@pytest.mark.parametrize("study", STUDIES)
def test_a_claim_stands_beside_a_product_of_its_study_or_by_itself(root, study):
    declared = load_study(study)
    for name, claim in load_published(root, study).claims.items():
        assert claim.product in {"", *declared.figures, *declared.tables}, f"{study}: {name} names {claim.product!r}"


def test_conda_and_pip_users_get_the_same_versions(root):
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    pairs = [line.split("==") for line in pip]
    assert {canonicalize_name(name): number for name, number in pairs} == locked(root)


def test_the_lock_satisfies_the_project(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(line for group in project["optional-dependencies"].values() for line in group),
    ]
    versions = locked(root)
    for line in wanted:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{line} is not in requirements.lock"
        assert requirement.specifier.contains(versions[name]), f"{line}: the lock has {versions[name]}"


def test_the_lock_is_what_is_installed(root):
    """Reference numbers hold for these versions."""
    for name in ("numpy", "scipy", "torch", "numba", "snakemake", "ray", "xarray"):
        assert version(name).partition("+")[0] == locked(root)[name].partition("+")[0]


def patterns(path):
    """What a file of patterns leaves out, in one spelling: folders below as well as at the top, and no slash around a name."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {re.sub(r"^(!?)(\*\*/|/)?", r"\1", line).rstrip("/") for line in lines}


def test_an_image_holds_nothing_that_git_ignores(root):
    ignored = patterns(root / ".gitignore")
    kept_out = patterns(root / ".dockerignore")
    assert {name for name in ignored - kept_out if not name.startswith(".venv")} == set()
    assert {".git", ".venv*"} <= kept_out


def test_an_image_has_a_python_that_the_project_takes(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    recipe = (root / "workflow/container/Dockerfile").read_text(encoding="utf-8")
    (number,) = re.findall(r"^ARG BASE=python:([\d.]+)-", recipe, flags=re.MULTILINE)
    assert SpecifierSet(project["requires-python"]).contains(f"{number}.0")


def test_who_cites_finds_the_version_and_the_papers(root):
    """CITATION.cff and codemeta.json say what pyproject.toml and the studies say."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    described = json.loads((root / "codemeta.json").read_text(encoding="utf-8"))
    assert cited["version"] == described["version"] == project["version"]
    assert cited["license"] == project["license"]
    assert described["license"] == f"https://spdx.org/licenses/{project['license']}"
    assert described["description"] == project["description"]
    assert described["runtimePlatform"] == f"Python {project['requires-python']}"
    assert described["softwareRequirements"] == [Requirement(line).name for line in project["dependencies"]]
    assert described["keywords"] == cited["keywords"]
    papers = {load_study(study).link for study in STUDIES} - {""}
    assert {paper["url"] for paper in cited["references"]} == papers
    assert {(paper["name"], paper["url"]) for paper in described["referencePublication"]} == {
        (paper["title"], paper["url"]) for paper in cited["references"]
    }


def test_no_large_file_is_tracked(root):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    sizes = {path: (root / path).stat().st_size for path in listed.split("\0") if path and (root / path).is_file()}
    assert len(sizes) > 50
    assert {path for path, size in sizes.items() if size > LARGEST_MEGABYTES * 1e6} == set()


def test_packages_hold_no_code(root):
    """An import of a module runs the packages around it: code there would be part of every code version."""
    for path in (root / "src/initatlas").rglob("__init__.py"):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        study = path.parent.parent.name in ("studies", "my_studies")
        top = path.parent.name == "initatlas"
        assert study or top or re.fullmatch(r'""".*"""', " ".join(lines), flags=re.DOTALL), path
