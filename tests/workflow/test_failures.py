"""A failure is never forgotten: at every joint, what failed is tried again, and what was read from it is made anew."""

import re
import shutil

import pytest
from toy.project import Project

from initatlas.studies.registry import load_study

pytestmark = [pytest.mark.workflow, pytest.mark.fault]

STUDY = load_study("chen2024")
FIGURE, CLAIMS, EXPLORER = "figure chen2024/fig2_4", "claims of chen2024", "cubes for the explorer"
FIGURES = {f"figure chen2024/{name}": sweeps for name, sweeps in STUDY.figures.items()}
TABLES = {f"table chen2024/{name}": sweeps for name, sweeps in STUDY.tables.items()}
OF_TABLE1 = {CLAIMS, "ledger of claims", "report page"} | {
    job for job, sweeps in {**FIGURES, **TABLES}.items() if "table1" in sweeps
}

JOINTS = {
    "sweep": (
        "config/sweeps/chen2024.yaml",
        "fixed: {samples: 3000, kernel: ntk,",
        "limits: {seconds: 1.0e-9}\n    fixed: {samples: 3000, kernel: nngp,",
        {"sweep chen2024/table1", EXPLORER} | OF_TABLE1,
    ),
    "figure": (
        "src/initatlas/studies/chen2024/figures.py",
        '"""',
        'raise ValueError("broken")\n"""',
        {*FIGURES, "report page"},
    ),
    "table": (
        "src/initatlas/studies/chen2024/tables.py",
        '"""',
        'raise ValueError("broken")\n"""',
        {*TABLES, "report page"},
    ),
    "claims": (
        "src/initatlas/studies/chen2024/claims.py",
        '"""',
        'raise ValueError("broken")\n"""',
        {CLAIMS, "ledger of claims", "report page"},
    ),
    "ledger": (
        "reports/smoke/chen2024/claims.json",
        '"claims"',
        '"clams"',
        {"ledger of claims", "report page"},
    ),
    "page": (
        "src/initatlas/report/page.py",
        '"""',
        'raise ValueError("broken")\n"""',
        {"report page"},
    ),
}


def told_of_jobs(answer):
    """The messages of the jobs that a run has started."""
    return set(re.findall(r"^Job \d+: (.*)$", answer.text, flags=re.MULTILINE))


@pytest.fixture(scope="module")
def of_one_study(built, tmp_path_factory):
    """A copy of the built project that is left with one study, whose jobs are told from each other in less time."""
    shutil.copytree(built.folder, folder := tmp_path_factory.mktemp("joints") / "atlas", symlinks=True)
    project = Project(folder, built.warm)
    config = project / "config/config.yaml"
    config.write_text(re.sub(r"^studies: \[.*?\]", "studies: [chen2024]", config.read_text(), flags=re.MULTILINE))
    assert project.would_run() == {"ledger of claims", "report page", EXPLORER}
    return project


@pytest.fixture(scope="module")
def shared(of_one_study):
    """One project for all joints: each leaves it whole."""
    project = of_one_study
    assert project.snakemake().code == 0
    profile = (project / "workflow/profiles/default/config.yaml").read_text()
    assert "keep-going: true" in profile
    (project / "workflow/profiles/stop").mkdir()
    (project / "workflow/profiles/stop/config.yaml").write_text(
        profile.replace("keep-going: true", "keep-going: false")
    )
    return project


@pytest.mark.parametrize(
    ("joint", "profile"),
    [*((joint, "default") for joint in JOINTS), ("sweep", "stop")],
    ids=[*JOINTS, "sweep, without --keep-going"],
)
def test_a_failure_is_tried_again_until_it_is_mended(shared, joint, profile):
    project = shared
    path, old, new, jobs = JOINTS[joint]
    before = (project / path).read_text()
    assert old in before
    (project / path).write_text(before.replace(old, new, 1))
    assert project.would_run() == jobs
    for _ in range(2 if (joint, profile) == ("sweep", "default") else 1):
        answer = project.snakemake(profile=profile)
        assert answer.code == 1, answer.text
        assert jobs & told_of_jobs(answer), answer.text
        page = project / "reports/index.html"
        assert "older than the config" in page.read_text() if joint != "page" else not page.exists()
    assert project.would_run() <= jobs
    assert project.would_run("chen2024", "chen2024/table1") <= jobs
    assert "report page" in project.would_run("reports/index.html")
    (project / path).write_text(before)
    answer = project.snakemake()
    assert answer.code == 0, answer.text
    assert project.would_run() == set()
    assert "older than the config" not in (project / "reports/index.html").read_text()


def write_images(folder, count):
    """IDX files of both splits, the last of which may lack some bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, size in (("train", 60), ("t10k", 30)):
        pixels = bytes((7 * place * place) % 251 for place in range(size * 16))
        head = b"\0\0\x08\x03" + b"".join(number.to_bytes(4, "big") for number in (size, 4, 4))
        (folder / f"{split}-images-idx3-ubyte").write_bytes(head + pixels[: len(pixels) - count])
        labels = bytes(place % 5 for place in range(size))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + size.to_bytes(4, "big") + labels)


def own_data(project, folder="mine"):
    """A data set of the user's in the sweep of a study."""
    path = project / "config/datasets.yaml"
    text = path.read_text().partition("\nmine:")[0].rstrip("\n")
    path.write_text(f"{text}\nmine: {{kind: idx, folder: {folder}}}\n")


@pytest.fixture(scope="module")
def on_own_data(shared):
    """The same, with a data set of the user's in a sweep of chen2024, built; each test leaves it whole."""
    project = shared
    write_images(project / "data/raw/mine", 0)
    own_data(project)
    project.edit("config/sweeps/chen2024.yaml", "[digits, glyphs, ", "[mine, digits, glyphs, ")
    project.edit("config/sweeps/chen2024.yaml", "{samples: 300, draws: 200}", "{samples: 60, draws: 200}")
    answer = project.snakemake()
    assert answer.code == 0, answer.text
    return project


@pytest.mark.parametrize("change", ["another folder", "a broken file in the place"])
def test_a_data_set_that_cannot_be_built_is_not_forgotten(on_own_data, change):
    project = on_own_data
    if change == "another folder":
        write_images(project / "data/raw/broken", 5)
        own_data(project, "broken")
    else:
        write_images(project / "data/raw/mine", 5)
    jobs = {"data set mine", "sweep chen2024/table1", EXPLORER} | OF_TABLE1
    assert project.would_run() == jobs
    for _ in range(2 if change == "another folder" else 1):
        answer = project.snakemake()
        assert answer.code == 1, answer.text
        assert "cut short" in answer.text
    assert project.would_run() == jobs
    for target, job in (
        ("chen2024", CLAIMS),
        ("reports/smoke/chen2024/figures/fig2_4.svg", FIGURE),
        ("reports/smoke/claims.json", "ledger of claims"),
        ("reports/index.html", "report page"),
    ):
        found = project.would_run(target)
        assert {"data set mine", "sweep chen2024/table1", job} <= found, target
    own_data(project)
    write_images(project / "data/raw/mine", 0)
    answer = project.snakemake()
    assert answer.code == 0, answer.text
    assert project.would_run() == set()


def test_whatever_is_removed_is_made_again(project):
    for path, job in (
        ("data/cubes/smoke/chen2024/table1.nc", "sweep chen2024/table1"),
        ("data/datasets/smoke/glyphs.nc", "data set glyphs"),
        ("reports/smoke/claims.json", "ledger of claims"),
        ("reports/smoke/explorer.json", EXPLORER),
        ("reports/smoke/kernels.json", "kernels for the explorer"),
        ("reports/smoke/chen2024/claims.json", CLAIMS),
        ("reports/smoke/chen2024/figures/fig2_4.png", FIGURE),
        ("reports/index.html", "report page"),
    ):
        aside = project / "aside"
        (project / path).rename(aside)
        assert job in project.would_run(), path
        aside.rename(project / path)
    assert project.would_run() == set()


def test_scales_live_apart(project):
    """Another scale touches no file of this one but the page, and coming back makes the page alone."""
    answer = project.snakemake("atlas/depth_scale", "data/datasets/quick/digits.nc", config=["scale=quick"])
    assert answer.code == 0, answer.text
    assert (project / "data/cubes/quick/atlas/depth_scale.nc").exists()
    assert project.would_run() == set()


def test_a_sweep_that_cannot_run_keeps_nobody_else_from_it(project):
    (project / "config/sweeps/own.yaml").write_text(
        "sweeps:\n"
        "  absent: {experiment: smoothness, fixed: {dataset: mnist}}\n"
        "  foreign: {experiment: nobody.has.this}\n"
    )
    assert project.would_run() == set()
    for name, line in (("absent", "the files of data set 'mnist' are not in data/raw"), ("foreign", "does not exist")):
        answer = project.snakemake(f"own/{name}")
        assert answer.code == 1
        assert line in answer.text


def test_names_that_a_shell_would_run_are_refused(project):
    (project / "config/sweeps/own.yaml").write_text(
        'sweeps:\n  "$(touch HACKED)":\n    experiment: forward_kernel\n    axes: {depth: [1]}\n'
    )
    answer = project.snakemake()
    assert answer.code != 0
    assert "config/sweeps/own.yaml: sweeps: the name '$(touch HACKED)' cannot be used" in answer.text
    assert not (project / "HACKED").exists()


def test_the_studies_of_the_joints_are_those_declared():
    declared = load_study("chen2024")
    assert {f"figure chen2024/{name}" for name in declared.figures} == JOINTS["figure"][-1] - {"report page"}
    assert {f"table chen2024/{name}" for name in declared.tables} == JOINTS["table"][-1] - {"report page"}
