"""An atlas in a folder of its own, with the installed package and the Snakefile of the clone."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from toy.conda import write_conda
from toy.crates import findings
from toy.project import Project

from initatlas.archive.catalogue import sha256
from initatlas.archive.reading import open_archive
from initatlas.cubes import open_cube

pytestmark = pytest.mark.workflow


class OwnAtlas(Project):
    """A folder with a config and studies, and no Snakefile."""

    def __init__(self, folder, warm, root):
        super().__init__(folder, warm)
        self.root = root
        self.programs = ()

    @property
    def environment(self):
        """That of the caller, with further folders of programs."""
        return {**super().environment, "PATH": os.pathsep.join([*map(str, self.programs), os.environ["PATH"]])}

    def snakemake(self, *targets, options=(), config=(), profile="default"):
        """Run it at scale smoke from the folder above, by the Snakefile of the clone."""
        places = ["--snakefile", str(self.root / "Snakefile"), "--directory", str(self.folder)]
        command = [*places, "--workflow-profile", str(self.root / f"workflow/profiles/{profile}"), "--cores", "2"]
        given = ["--config", "scale=smoke", "backend=serial", *config]
        return self.warm.run([*command, *options, *given, "--", *targets], self.folder.parent, self.environment)

    def initatlas(self, *words):
        """Run a command in the folder."""
        command = [sys.executable, "-m", "initatlas", *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def made(warm, root, tmp_path_factory):
    """A new study that has run. Not to be changed."""
    folder = tmp_path_factory.mktemp("own") / "mine"
    folder.mkdir()
    atlas = OwnAtlas(folder, warm, root)
    written = atlas.initatlas("study", "new", "kappa2021")
    assert written.returncode == 0, written.stderr
    answer = atlas.snakemake()
    assert answer.code == 0, answer.text
    return atlas


@pytest.fixture
def atlas(made, tmp_path):
    """A copy, to be changed."""
    shutil.copytree(made.folder, tmp_path / "mine", symlinks=True)
    return OwnAtlas(tmp_path / "mine", made.warm, made.root)


def test_a_new_study_runs_at_once(made):
    ledger = json.loads((made / "reports/smoke/claims.json").read_text())
    assert [claim["name"] for claim in ledger["claims"]] == ["mean_square", "spread"]
    assert {claim["verdict"] for claim in ledger["claims"]} <= {"holds", "undecided"}
    page = (made / "reports/index.html").read_text()
    assert "A study: kappa2021" in page
    assert "Mean square of the signal behind a random ReLU layer" in page
    assert (made / "data/cubes/smoke/kappa2021/layers.nc").is_file()
    assert made.would_run() == set()


PRODUCTS = {
    "figure kappa2021/curve",
    "table kappa2021/numbers",
    "claims of kappa2021",
    "ledger of claims",
    "report page",
}


@pytest.mark.parametrize(
    ("path", "old", "new", "jobs"),
    [
        ("my_experiments/paper.py", "(z**2)", "(1.0 * z**2)", {"sweep kappa2021/layers"} | PRODUCTS),
        ("my_studies/paper/measures.py", "column, level)", "1.0 * column, level)", PRODUCTS),
        ("my_studies/paper/claims.py", "Mean over", "Mean of", PRODUCTS - {"figure kappa2021/curve", "table kappa2021/numbers"}),
        ("my_studies/paper/captions/numbers.rst", "Mean square", "A mean square", {"table kappa2021/numbers", "report page"}),
        ("my_studies/paper/figures.py", '"""Mean square', '"""The mean square', set()),
    ],
    ids=["experiment", "measures", "claims", "caption", "words"],
)  # fmt: skip
def test_code_of_ones_own_runs_what_it_can_reach(atlas, path, old, new, jobs):
    atlas.edit(path.replace("paper", "kappa2021"), old, new)
    assert atlas.would_run() == jobs


def test_the_status_says_what_would_run_and_why_and_what_failed(atlas):
    atlas.edit("config/sweeps/kappa2021.yaml", "width: [16, 64]", "width: [16, 32, 64]")
    atlas.edit("config/sweeps/kappa2021.yaml", "    experiment:", "    limits: {seconds: 1.0e-9}\n    experiment:")
    (atlas / "config/sweeps/mine.yaml").write_text("sweeps:\n  scale: {experiment: depth_scale}\n")
    assert atlas.snakemake("kappa2021/layers").code == 1
    told = atlas.initatlas("status", "--scale", "smoke", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    groups = {group["name"]: group for group in found["groups"]}
    assert (found["scale"], found["running"]) == ("smoke", False)
    counts = {name: (group["jobs"], group["up_to_date"]) for name, group in groups.items()}
    assert counts == {"data sets": (0, 0), "kappa2021": (4, 0), "mine": (1, 0), "report": (4, 2)}
    due = {job["job"]: job for group in groups.values() for job in group["would_run"]}
    assert set(due) == {"sweep kappa2021/layers", "sweep mine/scale"} | PRODUCTS
    assert due["sweep mine/scale"] == {
        "job": "sweep mine/scale",
        "reasons": ["not there"],
        "follows": [],
        "failed": None,
    }
    assert due["table kappa2021/numbers"]["follows"] == ["sweep kappa2021/layers"]
    failed = due["sweep kappa2021/layers"]["failed"]
    assert failed["what"].startswith("kappa2021/layers: 2 of 6 points failed; ")
    assert failed["log"] == "data/logs/smoke/sweeps/kappa2021/layers.log"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", failed["when"])
    lines = atlas.initatlas("status", "--scale", "smoke", "kappa2021").stdout.splitlines()
    assert lines[2].split() == ["kappa2021", "4", "0", "4", "0", "1"]
    assert "  kappa2021, not there: sweep kappa2021/layers" in lines
    assert "  then 3 made from these" in lines
    (line,) = [line for line in lines if line.startswith("  sweep kappa2021/layers, ")]
    assert "2 of 6 points failed" in line


def test_the_status_of_a_whole_atlas_is_one_line(made):
    lines = made.initatlas("status", "--scale", "smoke").stdout.splitlines()
    assert lines[-1] == "everything is up to date"
    assert lines[2].split() == ["data", "sets", "0", "0", "0", "0", "0"]
    wrong = made.initatlas("status", "kapa2021")
    assert wrong.returncode == 2
    assert "there is no study 'kapa2021' (did you mean 'kappa2021'?)" in wrong.stderr


def test_the_command_finds_the_snakefile_of_its_clone(atlas):
    answer = atlas.initatlas("run", "kappa2021", "--scale", "smoke", "--backend", "serial")
    assert answer.returncode == 0, answer.stderr
    assert "nothing to do" in answer.stderr
    wrong = atlas.initatlas("run", "--snakefile", "nowhere/Snakefile")
    assert wrong.returncode == 2
    assert (
        wrong.stderr
        == "initatlas: nowhere/Snakefile: no such file; name that of a clone: --snakefile CLONE/Snakefile\n"
    )


def test_what_has_no_record_is_made_anew(atlas):
    """Without its records Snakemake would take every file for new, also after a change of the config."""
    shutil.rmtree(atlas / ".snakemake/metadata")
    atlas.edit("config/sweeps/kappa2021.yaml", "width: [16, 64]", "width: [16, 32, 64]")
    assert "sweep kappa2021/layers" in atlas.would_run("reports/smoke/kappa2021/claims.json")
    run = ("run", "--scale", "smoke", "--backend", "serial")
    one = atlas.initatlas(*run, "kappa2021/layers")
    assert one.returncode == 0, one.stderr
    assert "without a record of what they were made from (.snakemake): 1; they are made anew" in one.stderr
    assert "kappa2021/layers: 2 of 6 points to run" in one.stderr
    assert "figure" not in one.stderr
    rest = atlas.initatlas(*run)
    assert rest.returncode == 0, rest.stderr
    explorer = {"cubes for the explorer", "kernels for the explorer"}
    assert {*re.findall(r"^\[\d+/\d+\] (.*)$", rest.stderr, re.MULTILINE)} == PRODUCTS | explorer
    assert "nothing to do" in atlas.initatlas(*run).stderr


WITHOUT_NAMES = {
    "The Action SHOULD have an agent that is a Person or Organization",
    "The Application SHOULD have a url",
    "The Root Data Entity SHOULD have a link to a Contextual Entity representing the `author` of the RO-Crate",
    "The SoftwareApplication id SHOULD be an absolute URI",
    "The `publisher` property of a `Root Data Entity` SHOULD be an `Organization`",
}
"""What a validator misses in an archive that names neither people nor addresses."""


@pytest.fixture(scope="module")
def archived(made, tmp_path_factory):
    """The archive of the scale as a zip file, and that of the study as a folder. Not to be changed."""
    place = tmp_path_factory.mktemp("archives")
    answers = [
        made.initatlas("archive", str(place / "all.zip"), "--scale", "smoke"),
        made.initatlas("archive", str(place / "study"), "--scale", "smoke", "--study", "kappa2021"),
    ]
    assert [answer.returncode for answer in answers] == [0, 0], answers
    assert [answer.stdout for answer in answers] == [f"{place / 'all.zip'}\n", f"{place / 'study'}\n"]
    return place


def test_an_archive_is_a_workflow_run_crate(archived, monkeypatch):
    found = findings(archived / "study", "workflow-run-crate-0.5", monkeypatch)
    assert {message for severity, message in found if severity == "REQUIRED"} == set()
    assert {message for severity, message in found if severity == "RECOMMENDED"} == WITHOUT_NAMES


def test_an_archive_says_what_made_what(made, archived):
    graph = json.loads((archived / "study/ro-crate-metadata.json").read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    files = {
        path.relative_to(archived / "study").as_posix() for path in (archived / "study").rglob("*") if path.is_file()
    }
    assert {part["@id"] for part in entities["./"]["hasPart"]} == files - {"ro-crate-metadata.json"}
    run, sweep = entities["#run"], entities["#sweep/kappa2021/layers"]
    assert run["instrument"] == {"@id": "Snakefile"}
    assert {"@id": "config/sweeps/kappa2021.yaml"} in run["object"]
    assert {"@id": "data/cubes/smoke/kappa2021/layers.nc"} in run["result"]
    assert sweep["object"] == {"@id": "specs/sweeps/kappa2021/layers.json"}
    assert sweep["result"] == {"@id": "data/cubes/smoke/kappa2021/layers.nc"}
    cube = open_cube(made / "data/cubes/smoke/kappa2021/layers.nc")
    assert sweep["endTime"] == run["endTime"] == entities["./"]["datePublished"] == cube.attrs["created"]
    assert cube.attrs["code_version"] in entities[sweep["instrument"]["@id"]]["description"]
    assert (archived / "study/specs/sweeps/kappa2021/layers.json").read_text() == f"{cube.attrs['spec']}\n"


def test_an_archive_holds_what_was_made(made, archived):
    archive, narrowed = open_archive(archived / "all.zip"), open_archive(archived / "study")
    assert archive["kappa2021/layers"].identical(open_cube(made / "data/cubes/smoke/kappa2021/layers.nc"))
    assert archive["kappa2021/layers"].identical(narrowed["kappa2021/layers"])
    for name in (
        "reports/index.html",
        "reports/smoke/claims.json",
        "my_experiments/kappa2021.py",
        "config/config.yaml",
    ):
        assert archive.read(name) == (made / name).read_bytes(), name
    assert narrowed.read("reports/smoke/claims.json") == archive.read("reports/smoke/claims.json")
    assert [*archive.claims()] == ["kappa2021/mean_square", "kappa2021/spread"]
    assert narrowed.read("requirements.lock") == (made.root / "requirements.lock").read_bytes()
    assert {*archive.catalogue.files} == {*narrowed.catalogue.files}
    page = narrowed.read("reports/index.html").decode()
    links = re.findall(r'href="([^"#:]+)"', page)
    assert len(links) > 3
    assert {os.path.normpath(f"reports/{link}") for link in links} <= {*narrowed.catalogue.files}


def test_a_claim_is_computed_again_from_an_archive(archived, root, tmp_path, warm):
    """In a folder that has no more than a config; code of one's own comes from the archive."""
    (tmp_path / "bare/config").mkdir(parents=True)
    (tmp_path / "bare/config/config.yaml").write_text("scale: paper\n")
    bare = OwnAtlas(tmp_path / "bare", warm, root)
    reproduce = ("reproduce", "kappa2021/spread", "--backend", "serial", "--from")
    answer = bare.initatlas(*reproduce, str(archived / "all.zip"))
    assert answer.returncode == 0, answer.stderr
    assert "kappa2021/layers: 4 of 4 points to run" in answer.stderr
    *claim, blank, compared, cube, ledger, last = answer.stdout.splitlines()
    assert claim[0] == "kappa2021/spread"
    assert (blank, compared) == ("", f"compared with {archived / 'all.zip'}")
    assert re.fullmatch(r"  kappa2021/layers: equal, \d+ values in \d+ arrays, bit for bit", cube)
    assert (ledger, last) == ("  ledger line: equal", "equal")
    assert not (bare / "data").exists() or not (bare / "data/reproduced").exists()
    for words, line in (
        (("--scale", "paper"), f"--scale paper: {archived / 'all.zip'} is of scale smoke; leave --scale out"),
        (
            ("kappa2021/spreat",),
            f"{archived / 'all.zip'} has no claim 'kappa2021/spreat' (did you mean 'kappa2021/spread'?)",
        ),
    ):
        words = ("reproduce", "kappa2021/spread", *words) if words[0].startswith("--") else ("reproduce", *words)
        answer = bare.initatlas(*words, "--from", str(archived / "all.zip"))
        assert (answer.returncode, answer.stderr) == (2, f"initatlas: {line}\n")


def test_other_code_is_named_and_other_bits_are_not_equal(archived, root, tmp_path, warm):
    shutil.copytree(archived / "study", tmp_path / "other")
    path, catalogue = tmp_path / "other/my_experiments/kappa2021.py", tmp_path / "other/catalogue.json"
    text, before = path.read_text(), sha256(path.read_bytes())
    assert text.count("(z**2)") == 1
    path.write_text(text.replace("(z**2)", "(z**2 * (1.0 + 1e-12))"))
    catalogue.write_text(catalogue.read_text().replace(before, sha256(path.read_bytes())))
    (tmp_path / "bare/config").mkdir(parents=True)
    (tmp_path / "bare/config/config.yaml").write_text("")
    bare = OwnAtlas(tmp_path / "bare", warm, root)
    answer = bare.initatlas("reproduce", "kappa2021/mean_square", "--backend", "serial", "--from", "../other")
    assert answer.returncode == 1, answer.stderr
    assert "kappa2021/layers: 1 of 7 arrays differ" in answer.stdout
    assert re.search(r"^ +\w+: \d+ of \d+ values, by at most \S+e-1\d$", answer.stdout, re.MULTILINE)
    assert "kappa2021/layers: other code, " in answer.stdout
    assert answer.stdout.splitlines()[-1] == "not equal"


def test_a_mixture_is_not_archived(atlas):
    """What would be made anew is not of the same state as the rest."""
    atlas.edit("my_studies/kappa2021/claims.py", "Mean over", "Mean of")
    answer = atlas.initatlas("archive", "../new.zip", "--scale", "smoke")
    assert answer.returncode == 2
    assert re.fullmatch(
        r"initatlas: scale smoke is not what the config and the code would make now \(.* and 2 more\); "
        r"run it first: initatlas run --scale smoke\n",
        answer.stderr,
    ), answer.stderr
    atlas.edit("my_studies/kappa2021/claims.py", "Mean of", "Mean over")
    shutil.rmtree(atlas / ".snakemake/metadata")  # nothing says any more what the files were made from
    answer = atlas.initatlas("archive", "../new.zip", "--scale", "smoke")
    assert answer.returncode == 2
    assert re.search(r"would make now \(\w+ for the explorer and 7 more\)", answer.stderr), answer.stderr
    assert [*atlas.folder.parent.iterdir()] == [atlas.folder]


def test_the_tests_of_a_new_study_pass(atlas):
    answer = atlas.python("-m", "pytest", "-q", "tests")
    assert answer.code == 0, answer.text
    assert re.search(r"\b3 passed", answer.text)


def test_the_fifth_paper_runs(warm, root, tmp_path):
    """The example, at scale smoke: everything is made, and what is too small to be decided is not said to hold."""
    ignored = shutil.ignore_patterns("data", "reports", ".snakemake", "__pycache__")
    shutil.copytree(root / "examples/finite_width", tmp_path / "finite_width", ignore=ignored)
    atlas = OwnAtlas(tmp_path / "finite_width", warm, root)
    answer = atlas.snakemake()
    assert answer.code == 0, answer.text
    claims = json.loads((atlas / "reports/smoke/claims.json").read_text())["claims"]
    verdicts = {claim["name"]: claim["verdict"] for claim in claims}
    assert len(verdicts) == 6
    assert "fails" not in verdicts.values()
    assert verdicts["ntk_stays_random"] == "not measured"
    for product in ("figures/growth.svg", "figures/log_norms.svg", "tables/second_moments.csv"):
        assert (atlas / f"reports/smoke/hanin_nica2019/{product}").stat().st_size > 200


def test_under_conda_the_stages_run_in_its_environment_with_this_package(atlas, root, tmp_path):
    conda = tmp_path / "conda"
    write_conda(conda)
    atlas.programs = [conda / "bin"]
    atlas.edit("config/sweeps/kappa2021.yaml", "width: [16, 64]", "width: [16, 32]")
    answer = atlas.snakemake(options=["--software-deployment-method", "conda"])
    assert answer.code == 0, answer.text
    assert (conda / "file").read_text() == (root / "environment.yml").read_text()
    stages = (conda / "stages").read_text().splitlines()
    assert [line for line in stages if f"{root / 'src'}:" not in f"{line.split()[0]}:"] == []
    assert {line.split()[line.split().index("stage") + 1] for line in stages} >= {"sweep", "figure", "claims", "page"}
