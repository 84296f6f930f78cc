"""The documentation as a site: its own small extensions, and that nothing of it comes from elsewhere."""

import re
import shutil
import subprocess
import sys
from importlib import import_module
from inspect import signature

import numpy as np
import pytest
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sphinx.util.inspect import stringify_signature


@pytest.fixture(scope="module")
def extensions(root):
    """The folder of the extensions, on the path."""
    sys.path.insert(0, str(root / "docs/extensions"))
    yield
    sys.path.remove(str(root / "docs/extensions"))


def test_bars_stand_and_code_is_left(extensions):
    lines = ["The norm |x| of ``a | b`` and |y|.", "None."]
    import_module("docstrings").escape_bars(None, "function", "f", None, None, lines)
    assert lines == [r"The norm \|x\| of ``a | b`` and \|y\|.", "None."]


def test_signatures_call_types_by_their_names(extensions):
    def function(x: ArrayLike, dtype: DTypeLike = np.float32, **options: int) -> NDArray[np.float64]:
        pass

    arguments, returns = (stringify_signature(signature(function), unqualified_typehints=True)).split(" -> ")
    shortened = import_module("docstrings").shorten_signature(None, "function", "f", None, None, arguments, returns)
    assert shortened == ("(x: ArrayLike, dtype: DTypeLike = numpy.float32, **options: int)", "NDArray[~numpy.float64]")


@pytest.mark.parametrize(
    ("name", "skipped"), [("set_fit_request", True), ("get_metadata_routing", True), ("set_params", None)]
)
def test_methods_of_scikit_learn_are_left_out(extensions, name, skipped):
    assert import_module("docstrings").skip_foreign(None, "method", name, None, False, None) is skipped


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("see [config/README.md](../config/README.md#labels)", "see [](config.md#labels)"),
        ("[docs/studies.md](../../docs/studies.md)", "[](../../docs/studies.md)"),
        ("[one file](activations.md#add-one)", "[one file](activations.md#add-one)"),
        ("[How](../CONTRIBUTING.md)", "[How](contributing.md)"),
    ],
)
def test_links_lead_to_pages_and_show_their_titles(extensions, written, shown):
    assert import_module("links").rewritten(written) == shown


def test_the_pages_outside_of_the_folder_are_pages_of_the_site(root, extensions):
    for written, page in import_module("links").PAGES.items():
        assert (root / "docs" / written).is_file()
        assert written in (root / "docs" / page).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(root, tmp_path_factory):
    """A function that builds the gallery alone, in an atlas with some files."""
    atlas = tmp_path_factory.mktemp("site")
    shutil.copytree(root / "config", atlas / "config")
    for name in ("extensions", "static"):
        shutil.copytree(root / "docs" / name, atlas / "docs" / name)
    shutil.copy(root / "docs/conf.py", atlas / "docs/conf.py")
    shutil.copy(root / "docs/gallery.md", atlas / "docs/index.md")
    words = ["-m", "sphinx", "--fail-on-warning", "--quiet", str(atlas / "docs"), str(atlas / "html")]

    def build(figures=()):
        for path in figures:
            (atlas / path).parent.mkdir(parents=True)
            shutil.copy(root / "docs/glyphs.png", atlas / path)
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return (atlas / "html/index.html").read_text(encoding="utf-8")

    return build


def test_the_gallery_shows_what_there_is_from_nowhere_else(site):
    page = site()
    assert "No figures have been made here yet" in page
    assert not re.findall(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(?:https?:)?//', page)
    page = site(["reports/smoke/chen2024/figures/fig1.png", "reports/quick/sahs2020/figures/fig5.png"])
    assert "No figures have been made here yet" not in page
    assert re.findall(r"Scale (\w+)\.", page) == ["smoke", "quick"]
    assert len(re.findall(r'<img [^>]*src="_images/', page)) == 2
    assert "Least mean squared test error over the epochs" in page
