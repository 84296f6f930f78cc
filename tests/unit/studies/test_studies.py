"""Studies: how the config names them, and the one line for what a study declares and does not have."""

import itertools
import textwrap

import pytest

from initatlas import provenance
from initatlas.config import load_published, load_workflow
from initatlas.errors import UserError
from initatlas.identity import Ancestry
from initatlas.layout import CHECKOUT
from initatlas.report.captions import read_caption
from initatlas.studies.registry import load_study, own_studies

NUMBERS = itertools.count()

DECLARATION = """
    from initatlas.studies.product import Study

    STUDY = Study(
        package=__name__,
        title="A paper",
        citation="",
        link="",
        summary="What it is about.",
        figures={"curve": ("trial",)},
        tables={"numbers": ("trial",)},
        claims=("trial",),
    )
    """
FILES = {
    "__init__.py": DECLARATION,
    "figures.py": "def curve(evidence):\n    import heavy_and_absent\n",
    "tables.py": "from PACKAGE.measures import numbers\n",
    "measures.py": "def numbers(evidence):\n    return None\n",
    "claims.py": "CLAIMS = {}\n",
    "captions/curve.rst": "A curve.\n",
    "captions/numbers.rst": "Some numbers.\n",
}
CONFIG = {
    "config.yaml": "scale: smoke\nstudies: [PACKAGE]\n",
    "sweeps/KEY.yaml": "sweeps: {trial: {experiment: depth_scale}}\n",
    "published/KEY.yaml": "claims: {}\n",
}


class Atlas:
    """An atlas of one study of the user's, in a folder of its own; the package is called anew each time."""

    def __init__(self, folder):
        self.folder, self.key = folder, "paper"
        self.package = f"papers{next(NUMBERS)}.paper"

    @property
    def home(self):
        """Folder of the package."""
        return self.folder / self.package.replace(".", "/")

    def write(self, **changed):
        """Write all files; `changed` replaces some of the package's, or leaves one out (None)."""
        files = {self.home / name: text for name, text in {**FILES, **changed}.items() if text is not None}
        files |= {self.folder / "config" / name.replace("KEY", self.key): text for name, text in CONFIG.items()}
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).replace("PACKAGE", self.package))

    def read(self):
        """Read its config."""
        return load_workflow(self.folder)

    def mistake(self):
        """The line that it gives, without the folder and the name of the package."""
        with pytest.raises(UserError) as error:
            self.read()
        text = str(error.value)
        assert "\n" not in text
        text = text.replace(f"{self.folder}/", "").replace(self.package.replace(".", "/"), "PAPER")
        return text.replace(self.package, "PACKAGE")


@pytest.fixture
def atlas(tmp_path, monkeypatch):
    """A folder from which Python imports."""
    monkeypatch.syspath_prepend(tmp_path)
    return Atlas(tmp_path)


def test_a_study_of_ones_own_is_named_by_the_last_part_of_its_path(atlas):
    atlas.write()
    workflow = atlas.read()
    assert list(workflow.studies) == ["paper"]
    assert workflow.titles == ["paper/trial"]
    assert workflow.studies["paper"].captions == atlas.home / "captions"


GAPS = {
    "figure": ({"figures.py": "def other(evidence): ...\n"}, "PAPER/figures.py: curve is missing; write def curve(evidence)"),
    "figures": ({"figures.py": None}, "there is no module PACKAGE.figures; write it, with def curve(evidence)"),
    "table": ({"tables.py": "import PACKAGE.measures\n"}, "PAPER/tables.py: numbers is missing; write def numbers(evidence)"),
    "claims": ({"claims.py": "measures = 1\n"}, "PAPER/claims.py: CLAIMS is missing; write CLAIMS = {claim: "),
    "caption": ({"captions/curve.rst": None}, "PAPER/captions/curve.rst: the caption of curve is missing; say there"),
    "words": ({"captions/numbers.rst": "\n"}, "PAPER/captions/numbers.rst: the caption of numbers is missing; say there"),
    "syntax": ({"figures.py": "\ndef curve(:\n"}, "PAPER/figures.py:2: not Python (invalid syntax); mend it"),
    "far syntax": ({"measures.py": "def numbers(e):\nreturn\n"}, "PAPER/measures.py:2: not Python (expected an indented block"),
    "bytes": ({"figures.py": "\0"}, "PAPER/figures.py: not Python (source code string cannot contain null bytes); mend it"),
}  # fmt: skip


@pytest.mark.parametrize("name", GAPS)
def test_what_a_study_declares_and_does_not_have_is_one_line(atlas, name):
    changed, message = GAPS[name]
    atlas.write(**changed)
    assert atlas.mistake().startswith(f"config/config.yaml: studies[0] = 'PACKAGE': {message}")


DECLARATIONS = {
    "none": ("", "PAPER/__init__.py: must define STUDY = Study(package=__name__, ...)"),
    "no study": ("STUDY = 1", "PAPER/__init__.py: must define STUDY = Study(package=__name__, ...)"),
    "another package": (
        DECLARATION.replace("package=__name__", 'package="papers.other"'),
        "PAPER/__init__.py: must define STUDY = Study(package=__name__, ...)",
    ),
    "a text for a tuple": (
        DECLARATION.replace('{"curve": ("trial",)}', '{"curve": "trial"}'),
        "PAPER/__init__.py: STUDY: figures['curve'] = 'trial': give a tuple of names of sweeps",
    ),
    "a text for the claims": (
        DECLARATION.replace('claims=("trial",)', 'claims=("trial")'),
        "PAPER/__init__.py: STUDY: claims = 'trial': give a tuple of names of sweeps",
    ),
    "a list for a mapping": (
        DECLARATION.replace('{"numbers": ("trial",)}', '["numbers"]'),
        "PAPER/__init__.py: STUDY: tables = ['numbers']: give a mapping of products to the sweeps",
    ),
    "no text": (
        DECLARATION.replace('link=""', "link=None"),
        "PAPER/__init__.py: STUDY: link = None: give a text",
    ),
    "a headline that is no figure": (
        DECLARATION.replace('link="",', 'link="", headline="numbers",'),
        "PAPER/__init__.py: STUDY: headline = 'numbers': name one of its figures",
    ),
    "a text for the key claims": (
        DECLARATION.replace('link="",', 'link="", key_claims="growth",'),
        "PAPER/__init__.py: STUDY: key_claims = 'growth': give a tuple of names of claims",
    ),
    "a missing key": (DECLARATION.replace('link="",', ""), "PACKAGE cannot be imported (TypeError: Study.__init__() missing"),
    "an error": ("1 / 0", "PACKAGE cannot be imported (ZeroDivisionError: division by zero); mend it"),
    "another library": ("import heavy_and_absent", "PACKAGE cannot be imported: it needs heavy_and_absent, which is not there"),
}  # fmt: skip


@pytest.mark.parametrize("name", DECLARATIONS)
def test_a_slip_in_the_declaration_is_one_line(atlas, name):
    text, message = DECLARATIONS[name]
    atlas.write(**{"__init__.py": text})
    assert atlas.mistake().startswith(f"config/config.yaml: studies[0] = 'PACKAGE': {message}")


def test_a_key_claim_is_published(atlas):
    atlas.write(**{"__init__.py": DECLARATION.replace('link="",', 'link="", key_claims=("nowhere",),')})
    assert atlas.mistake() == "config/published/paper.yaml: claims: nowhere is in key_claims of PACKAGE"


@pytest.mark.parametrize(
    ("studies", "message"),
    [
        ("[daniely2061]", "studies[0] = 'daniely2061': there is no package initatlas.studies.daniely2061 (did you mean "),
        ("[papers.nowhere]", "studies[0] = 'papers.nowhere': there is no package papers.nowhere; put it "),
        ("[../evil]", "studies[0] = '../evil': give the name of a study, or the dotted path of a package of yours"),
        ("['']", "studies[0] = '': give the name of a study, or the dotted path of a package of yours"),
        ("atlas", "studies = 'atlas': give a list"),
        ("[1]", "studies[0] = 1: input should be a valid string"),
        ("[PACKAGE, PACKAGE]", "studies: the name 'paper' is there twice; remove or rename one of the two"),
    ],
)  # fmt: skip
def test_a_study_that_cannot_be_found_is_one_line(atlas, studies, message):
    atlas.write()
    studies = studies.replace("PACKAGE", atlas.package)
    (atlas.folder / "config/config.yaml").write_text(f"studies: {studies}\n")
    assert atlas.mistake().startswith(f"config/config.yaml: {message}")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("all", "the name 'all' is reserved"),
        ("_mine", "the name '_mine' cannot be used; allowed: letters (a-z), digits and _"),
        ("a" * 61, "cannot be used; allowed: letters (a-z), digits and _, a letter first, at most 60 characters"),
    ],
)
def test_the_name_of_a_study_becomes_files_and_targets(atlas, key, message):
    atlas.package, atlas.key = f"papers{next(NUMBERS)}.{key}", key
    atlas.write()
    line = atlas.mistake()
    assert line.startswith("config/config.yaml: studies: the name ")
    assert message in line


def test_a_study_that_was_named_on_the_command_line_says_so(atlas):
    atlas.write()
    with pytest.raises(UserError, match=r"^--config: studies\[0\] = 'nothing'"):
        load_workflow(atlas.folder, {"studies": ["nothing"]})


def test_a_claim_stands_beside_a_product_that_there_is(atlas):
    atlas.write()
    claim = f"claims: {{bound: {{{CONTRACT}, product: curves}}}}\n"
    (atlas.folder / "config/published/paper.yaml").write_text(claim)
    assert atlas.mistake() == (
        "config/published/paper.yaml: claims.bound.product = 'curves': there is no such figure or table "
        "(did you mean 'curve'?); PACKAGE declares: curve, numbers"
    )


CONTRACT = "statement: It is so., where: here, test: order, margin: 1.0, why: so, control: {a: b}, limits: none"


@pytest.mark.parametrize(
    ("measured", "published", "message"),
    [
        ("{'bound': 1}", "{bounds: {%s}}", "bound is measured and not published here (did you mean 'bounds'?)"),
        ("{'other': 1}", "{}", "other is measured and not published here"),
        ("{}", "{bound: {%s}}", "bound is not in CLAIMS of PACKAGE.claims"),
    ],
)
def test_a_claim_is_published_and_measured(atlas, measured, published, message):
    atlas.write(**{"claims.py": f"CLAIMS: dict = {measured}\n"})
    (atlas.folder / "config/published/paper.yaml").write_text(f"claims: {published.replace('%s', CONTRACT)}\n")
    assert atlas.mistake() == f"config/published/paper.yaml: claims: {message}"


@pytest.mark.parametrize("measured", ["{'bound': 1}", "dict(bound=1)", "{**{'bound': 1}}"])
def test_claims_that_agree_or_are_put_together_are_taken(atlas, measured):
    atlas.write(**{"claims.py": f"CLAIMS = {measured}\n"})
    (atlas.folder / "config/published/paper.yaml").write_text(f"claims: {{bound: {{{CONTRACT}}}}}\n")
    assert list(atlas.read().studies) == ["paper"]


def test_the_code_of_a_study_of_ones_own_and_of_what_lies_beside_it_counts(atlas, monkeypatch):
    """A helper outside of the package, in the folder of the atlas, too; what is built into Python has no file there."""
    monkeypatch.chdir(atlas.folder)
    atlas.write(**{"tables.py": "import sys\n\ndef numbers(evidence):\n    import beside\n"})
    found = set()
    for helper in ("ONE = 1\n", "# a comment\nONE = 1\n", "ONE = 2\n"):
        (atlas.folder / "beside.py").write_text(helper)
        for cached in (provenance.code_version, provenance._source, provenance._read):
            cached.cache_clear()
        found.add(Ancestry(atlas.read()).table("paper", "numbers"))
    assert len(found) == 2


@pytest.mark.parametrize("path", ["captions/curve.rst", "figures.py"])
def test_a_file_that_is_not_utf8_is_one_line(atlas, path):
    atlas.write()
    (atlas.home / path).write_bytes("Gauß".encode("latin-1"))
    assert atlas.mistake().startswith(f"config/config.yaml: studies[0] = 'PACKAGE': PAPER/{path}: not ")


@pytest.mark.parametrize("study", own_studies())
def test_our_products_have_titles_and_our_figures_words(study):
    declared = load_study(study)
    captions = {
        name: read_caption((declared.captions / f"{name}.rst").read_text("utf-8")) for name in products(declared)
    }
    assert [name for name, caption in captions.items() if not caption.title] == []
    assert [name for name in declared.figures if not captions[name].alternative] == []
    assert len({caption.title for caption in captions.values()}) == len(captions)
    assert declared.says
    assert declared.headline
    assert declared.key_claims


def products(study):
    """Names of the figures and tables of a study."""
    return [*study.figures, *study.tables]


def test_our_claims_say_which_quantity_was_measured(our_claims):
    assert [name for name, claim in our_claims.items() if not claim.quantity] == []


@pytest.fixture(params=own_studies())
def our_claims(request):
    """The claims of one of our studies, by name."""
    return load_published(CHECKOUT, request.param).claims
