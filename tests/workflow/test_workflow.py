"""The workflow: what runs, what runs again after a change, and what does not."""

import json
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest
import xarray as xr
from toy.repository import STUDIES
from toy.tutorial import run_page

from initatlas.commands.claims import difference
from initatlas.commands.jobs import Jobs
from initatlas.config import load_workflow
from initatlas.studies.product import cube_titles
from initatlas.studies.registry import load_study

pytestmark = pytest.mark.workflow

PAGE = {"report page", "rule all:"}


def downstream(study, *, figures=True, tables=True, claims=True):
    """The jobs that read the cubes of a study."""
    declared = load_study(study)
    found = {f"figure {study}/{name}" for name in declared.figures if figures}
    found |= {f"table {study}/{name}" for name in declared.tables if tables}
    return found | ({f"claims of {study}", "ledger of claims"} if claims else set()) | {"report page"}


def readers(sweeps):
    """The jobs that read the cubes of some sweeps, by the declarations of the studies."""
    jobs = set()
    for study in STUDIES:
        declared = load_study(study)
        kinds = {"figure": declared.figures, "table": declared.tables, "claims": {"": declared.claims}}
        jobs |= {
            f"{kind} {study}/{name}" if name else f"claims of {study}"
            for kind, products in kinds.items()
            for name, cubes in products.items()
            if sweeps & {*cube_titles(study, cubes)}
        }
    explored = set(load_workflow(Path(__file__).parents[2], {"scale": "smoke"}).explored)
    return jobs | {"ledger of claims", "report page"} | ({"cubes for the explorer"} if sweeps & explored else set())


def test_the_copy_runs_its_own_code(built):
    answer = built.python("-c", "import initatlas, sys; print(initatlas.__file__)")
    assert answer.text.strip() == str(built / "src/initatlas/__init__.py")


def test_the_workflow_makes_everything_that_is_declared(built):
    for study in STUDIES:
        declared = load_study(study)
        for name in declared.figures:
            for suffix in ("svg", "pdf", "png"):
                assert (built / f"reports/smoke/{study}/figures/{name}.{suffix}").stat().st_size > 1000
        for name in declared.tables:
            for suffix in ("csv", "md", "tex", "html"):
                assert (built / f"reports/smoke/{study}/tables/{name}.{suffix}").stat().st_size > 50
        assert json.loads((built / f"reports/smoke/{study}/claims.json").read_text())
    page = (built / "reports/index.html").read_text()
    for study in STUDIES:
        assert load_study(study).title in page


def test_the_jobs_of_the_status_are_those_of_the_workflow(built, monkeypatch):
    monkeypatch.chdir(built.folder)
    jobs = Jobs(load_workflow(Path(), {"scale": "smoke"})).by_name
    assert {*re.findall(r"^Job \d+: (.*)$", built.answer.text, flags=re.MULTILINE)} == set(jobs)
    assert [job.name for job in jobs.values() for path in (*job.files, job.log) if not (built / path).is_file()] == []


def test_the_tutorial_of_the_first_report(root, project):
    assert run_page(root / "docs/tutorials/first_report.md", project.folder, project.environment) == 5


def test_a_second_run_does_nothing(built):
    answer = built.snakemake()
    assert answer.code == 0
    assert "Nothing to be done" in answer.text


def test_after_a_run_every_sweep_has_its_points_and_its_cube(built):
    answer = built.python("-m", "initatlas", "sweep", "status", "--scale", "smoke")
    assert answer.code == 0, answer.text
    states = [" ".join(line.split()) for line in answer.text.splitlines() if "cannot run" not in line]
    assert len(states) > 40
    assert [state for state in states if not re.fullmatch(r"\S+ (\d+) of \1 points stored cube", state)] == []


def test_words_in_the_code_and_new_dates_run_nothing(project):
    for path, old, new in (
        ("src/initatlas/kernels/gram.py", '"""', '# a comment\n"""'),
        ("src/initatlas/sweeps/engine.py", '"""', '"""More words. '),
    ):
        text = (project / path).read_text()
        (project / path).write_text(text.replace(old, new, 1))
    for path in (project / "src").rglob("*.py"):
        path.touch()
    assert project.would_run() == set()


def test_a_change_far_below_a_sweep_runs_it_and_what_reads_it(project):
    path = project / "src/initatlas/kernels/spectrum.py"
    path.write_text(f"{path.read_text()}\n_UNUSED = 1\n")
    due = project.would_run()
    sweeps = {job.removeprefix("sweep ") for job in due if job.startswith("sweep ")}
    assert "chen2024/table1" in sweeps
    assert not sweeps & {"chen2024/fig1", "atlas/trainability"}, "without a decomposition"
    assert due == {f"sweep {title}" for title in sweeps} | readers(sweeps)


def test_a_colour_runs_the_figures_of_its_study(project):
    project.edit("src/initatlas/studies/chen2024/figures.py", 'color="0.6"', 'color="0.7"')
    figures = {f"figure chen2024/{name}" for name in load_study("chen2024").figures}
    assert project.would_run() == figures | {"report page"}


def test_a_style_runs_all_figures(project):
    path = project / "src/initatlas/report/style.py"
    path.write_text(f"{path.read_text()}\n_UNUSED = 1\n")
    figures = {f"figure {study}/{name}" for study in STUDIES for name in load_study(study).figures}
    assert project.would_run() == figures | {"report page"}


def test_a_template_runs_the_page(project):
    for name in ("page.css", "page.js", "page.html.j2"):
        path = project / "src/initatlas/report/templates" / name
        before = path.read_text()
        path.write_text(f"{before}\n")
        assert project.would_run() == {"report page"}, name
        path.write_text(before)


@pytest.mark.parametrize(
    ("caption", "jobs"),
    [
        ("chen2024/captions/table1", {"table chen2024/table1", "report page"}),
        ("chen2024/captions/fig2_4", {"report page"}),
    ],
    ids=["table", "figure"],
)
def test_a_caption_runs_its_table_and_the_page(project, caption, jobs):
    path = project / f"src/initatlas/studies/{caption}.rst"
    path.write_text(path.read_text() + "\nAnother sentence.\n")
    assert project.would_run() == jobs


def test_a_published_number_runs_what_stands_beside_it_and_no_sweep(project):
    path = project / "config/published/chen2024.yaml"
    text = path.read_text()
    path.write_text(text.replace("value: 0.40", "value: 0.41", 1))
    assert project.would_run() == downstream("chen2024")


def test_code_of_claims_runs_claims_alone(project):
    path = project / "src/initatlas/studies/tsuchida2018/claims.py"
    path.write_text(f"{path.read_text()}\n_UNUSED = 1\n")
    assert project.would_run() == {"claims of tsuchida2018", "ledger of claims", "report page"}


def test_a_new_data_set_spec_runs_the_sweeps_on_it(project):
    project.edit("config/datasets.yaml", "smoke: {train: 400, test: 200}", "smoke: {train: 401, test: 200}")
    workflow = load_workflow(project.folder, {"scale": "smoke"})
    sweeps = {title for title in workflow.titles if "glyphs" in workflow.sweep(title).datasets}
    assert "chen2024/table1" in sweeps
    assert "atlas/trainability_digits" not in sweeps
    jobs = {f"sweep {title}" for title in sweeps} | readers(sweeps)
    assert project.would_run() == jobs | {"data set glyphs"}


@pytest.mark.parametrize("keys", [["backend=auto"], ["backend=ray", "fail_fast=true"]], ids=" ".join)
def test_how_a_sweep_runs_is_no_reason_to_run_it_again(built, keys):
    assert built.would_run(config=keys) == set()


def test_one_more_value_on_an_axis_computes_the_new_points_alone(project):
    axes = "weights: [{name: generalized_normal, beta: [0.5, 1, 2, 8]}, {name: multivariate_t"
    project.edit("config/sweeps/tsuchida2018.yaml", axes, axes.replace("2, 8]", "2, 3, 8]"))
    figures = ("fig4a", "fig4b", "fig4c", "fig4d", "cor8")
    products = {f"figure tsuchida2018/{name}" for name in figures} | {"table tsuchida2018/deviations"}
    claims = {"claims of tsuchida2018", "ledger of claims", "report page"}
    assert project.would_run() == {"sweep tsuchida2018/fig4"} | products | claims, "not shown by the explorer"
    before = cube(project, "tsuchida2018/fig4")
    answer = project.snakemake("tsuchida2018/fig4")
    assert answer.code == 0, answer.text
    assert "tsuchida2018/fig4: 16 of 144 points to run" in (project / LOG.format("tsuchida2018/fig4")).read_text()
    after = cube(project, "tsuchida2018/fig4")
    assert "generalized_normal(beta=3)" in after["weights"].values
    kept = after.sel(weights=before["weights"].values)
    assert kept["cosine"].values.tobytes() == before["cosine"].values.tobytes()


def test_an_interrupted_sweep_goes_on_from_its_stored_points(project):
    """The cube is gone, its points are not: nothing is computed again."""
    (project / "data/cubes/smoke/tsuchida2018/fig2.nc").unlink()
    answer = project.snakemake("tsuchida2018/fig2")
    assert answer.code == 0, answer.text
    assert "tsuchida2018/fig2: 0 of 20 points to run" in (project / LOG.format("tsuchida2018/fig2")).read_text()


@pytest.mark.parametrize(("backend", "started"), [("auto", False), ("ray", True)])
def test_a_run_starts_ray_beside_its_first_jobs_if_a_sweep_of_it_asks_for_it(project, backend, started):
    """Not if that sweep is short, or is not to run; here it has nothing to compute, so that it starts none itself."""
    (project / "data/cubes/smoke/daniely2016/duals.nc").unlink()
    sessions = project / "data/ray"
    for expected in (started, False):
        answer = project.snakemake("daniely2016/duals", config=[f"backend={backend}"])
        assert answer.code == 0, answer.text
        assert sessions.exists() == expected
        while sessions.exists():  # until its keeper has seen that the run is over
            with suppress(OSError):
                sessions.rmdir()
            time.sleep(0.1)


def test_a_claim_is_reproduced_from_what_it_reads_alone(project):
    for sweep in ("depth_spectrum", "duals"):
        (project / f"data/cubes/smoke/daniely2016/{sweep}.nc").unlink()
    answer = project.python("-m", "initatlas", "reproduce", "daniely2016/depth_odd", "--scale", "smoke")
    assert answer.code == 0, answer.text
    assert "daniely2016/depth_spectrum: 0 of 27 points to run" in answer.text
    assert re.search(r"^  verdict +holds$", answer.text, flags=re.MULTILINE), answer.text
    assert re.search(r"^  control +two_layers: ", answer.text, flags=re.MULTILINE), answer.text
    assert not (project / "data/cubes/smoke/daniely2016/duals.nc").exists()
    answer = project.python("-m", "initatlas", "reproduce", "daniely2016/depth_even", "--scale", "smoke")
    assert answer.code == 2
    assert "initatlas: there is no claim 'daniely2016/depth_even' (did you mean 'daniely2016/depth_" in answer.text


def test_the_claims_are_what_they_are_expected_to_be(built, root):
    """The science at scale smoke: verdicts, and numbers as far as any processor gives them."""
    text, changed = difference(root / "tests/expected/smoke.json", built / "reports/smoke/claims.json", numbers=True)
    assert not changed, (
        f"{text}\nIf that is meant: initatlas run --scale smoke && initatlas claims expect --scale smoke"
    )


@pytest.mark.fault
def test_a_failing_point_fails_its_job_and_leaves_a_table(project):
    """Points beyond their time limit: one line on the screen, tracebacks in the log, a cube of another name."""
    (project / "config/sweeps/own.yaml").write_text(
        "sweeps:\n  slow:\n    experiment: forward_kernel\n    limits: {seconds: 1.0e-9}\n"
        "    axes: {depth: [1, 2], width: {linspace: [2, 13, 12]}}\n    fixed: {input_dimension: 8, angles: 3}\n"
    )
    former = project / "data/cubes/smoke/own/slow.nc"
    former.parent.mkdir(parents=True)
    former.write_text("the cube of a run before")
    answer = project.snakemake("own/slow", options=["--forcerun", "sweep"])
    assert answer.code == 1
    assert former.with_suffix(".older.nc").read_text() == "the cube of a run before"
    assert "; the former cube is kept as data/cubes/smoke/own/slow.older.nc until there is a new one" in answer.text
    lines = answer.text.splitlines()
    assert [line for line in lines if "own/slow: 24 of 24 points failed" in line]
    (reason,) = [line for line in lines if "TimeLimitError" in line]
    assert reason.startswith("  24 x TimeLimitError: took more than 1e-09 s ")
    assert reason.endswith("(first at depth = 1, width = 2)")
    assert "Traceback" not in answer.text
    assert len(lines) < 100, answer.text
    assert (project / "data/logs/smoke/sweeps/own/slow.log").read_text().count("Traceback") == 24
    assert not (project / "data/cubes/smoke/own/slow.nc").exists()
    assert cube(project, "own/slow.partial")["status"].values.min() == 1


MISTAKES = {
    "settings": (
        "config/config.yaml",
        "seed: 2018 ",
        "seed: many ",
        "config/config.yaml: seed = 'many': input should be",
    ),
    "sweep": (
        "config/sweeps/chen2024.yaml",
        "table1:\n    experiment: smoothness",
        "table1:\n    experiment: smothness",
        "config/sweeps/chen2024.yaml: sweeps.table1.experiment: experiment 'smothness' does not exist",
    ),
    "data set": (
        "config/datasets.yaml",
        "train: 6000\n",
        "trian: 6000\n",
        "config/datasets.yaml: ",
    ),
    "no YAML": ("config/sweeps/atlas.yaml", "\nsweeps:\n", "\nsweeps: [\n", "atlas.yaml:"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_config_is_one_line_and_starts_nothing(project, name):
    path, old, new, message = MISTAKES[name]
    project.edit(path, old, new)
    answer = project.snakemake()
    assert answer.code != 0
    lines = [line for line in answer.text.splitlines() if "initatlas: " in line]
    assert len(lines) == 1, answer.text
    assert message in lines[0]
    assert "Traceback" not in answer.text
    assert "Execute" not in answer.text


def test_a_mistake_on_the_command_line_says_so(built):
    answer = built.snakemake(config=["speed=1"])
    assert answer.code != 0
    assert "initatlas: --config: unknown key speed (did you mean 'seed'?); allowed: scale" in answer.text


@pytest.mark.parametrize(
    "target", ["atlas", "daniely2016", "tsuchida2018", "chen2024", "chen2024/table1", "atlas/depth_scale"]
)
def test_named_targets(built, target):
    answer = built.snakemake(target, options=["--dry-run", "--forceall"])
    assert answer.code == 0, answer.text
    study, _, sweep = target.partition("/")
    assert (f"sweep {target}\n" in answer.text) == bool(sweep)
    assert ("claims of " in answer.text) == (not sweep)
    for other in set(STUDIES) - {study}:
        assert f"claims of {other}" not in answer.text


def test_a_target_that_does_not_exist(built):
    assert built.snakemake("chen2024/table9", options=["--dry-run"]).code != 0


def test_snakemake_finds_no_fault_with_the_rules(built):
    answer = built.python("-m", "snakemake", "--lint")
    assert answer.code == 0, answer.text
    assert "Congratulations" in answer.text, answer.text


def test_every_rule_says_what_it_needs_and_leaves_a_trace(built):
    rules = json.loads(built.python("-c", RULES).text.splitlines()[-1])
    assert {"sweep", "dataset", "page", "ledger", "figure_chen2024_fig2_4", "claims_atlas"} <= set(rules)
    for name, rule in rules.items():
        assert rule["log"], f"{name} has no log"
        assert rule["message"], f"{name} has no message"
        assert rule["benchmark"] or name.startswith("download_"), f"{name} has no benchmark"
        assert {"_cores", "mem_mb", "runtime"} <= set(rule["resources"]), f"{name} lacks a resource"


RULES = """
import json
import re
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
    workflow = api.workflow(
        resource_settings=ResourceSettings(cores=1), config_settings=ConfigSettings(), snakefile=Path("Snakefile")
    )
    workflow.dag()
    rules = workflow._workflow.rules
    found = {
        rule.name: {
            "log": list(map(str, rule.log)),
            "benchmark": str(rule.benchmark or ""),
            "message": rule.message or "",
            "resources": list(rule.resources),
        }
        for rule in rules
        if rule.shellcmd
    }
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    ("settings", "cpus"),
    [({"scale": "smoke"}, 1), ({"scale": "paper"}, 2), ({"scale": "paper", "backend": "serial"}, 1)],
    ids=["short", "long", "long, without Ray"],
)
def test_a_sweep_takes_all_cpus_only_where_ray_pays(built, settings, cpus):
    """So that two that run in their own processes run side by side."""
    threads = json.loads(built.python("-c", THREADS, json.dumps(settings)).text.splitlines()[-1])
    assert threads == {"sahs2020/table2": cpus, "sahs2020/table2_folding": 1}


THREADS = """
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings

titles = {"sahs2020/table2", "sahs2020/table2_folding"}
with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
    workflow = api.workflow(
        resource_settings=ResourceSettings(cores=2),
        config_settings=ConfigSettings(config=json.loads(sys.argv[1])),
        snakefile=Path("Snakefile"),
    )
    with redirect_stdout(io.StringIO()):
        workflow.dag(DAGSettings(targets=titles)).printrulegraph()
    jobs = [job for job in workflow._workflow.dag.jobs if job.rule.name == "sweep"]
print(json.dumps({job.wildcards.title: job.threads for job in jobs}))
"""

LOG = "data/logs/smoke/sweeps/{}.log"


def cube(project, title):
    with xr.open_dataset(project / f"data/cubes/smoke/{title}.nc") as opened:
        return opened.load()


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_home_that_cannot_be_written_stops_nothing(built, tmp_path, monkeypatch, options):
    home = tmp_path / "a_file"
    home.touch()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    answer = built.snakemake("data/datasets/smoke/digits.nc", options=options)
    assert answer.code == 0, answer.text
    assert "Nothing to be done" in answer.text
