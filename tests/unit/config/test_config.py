"""The config: what it holds at each scale, and one clear line for every mistake in it."""

import json
import re
import shutil
import subprocess
import sys
import textwrap
import time
import tracemalloc

import pytest
import yaml
from toy.repository import STUDIES

from initatlas.config import load_published, load_settings, load_workflow
from initatlas.errors import UserError
from initatlas.names import PLACE_FOR_MODULES

SCALES = ("smoke", "quick", "paper")


@pytest.fixture
def project(root, tmp_path):
    """A copy of the repository's config; the function adds a file to it and reads the whole."""
    shutil.copytree(root / "config", tmp_path / "config")

    def load(overrides=None, **files):
        for name, text in files.items():
            path = tmp_path / "config" / f"{name.replace('__', '/')}.yaml"
            path.write_text(textwrap.dedent(text))
        return load_workflow(tmp_path, overrides)

    load.root = tmp_path
    return load


def mistake(project, *, overrides=None, **files):
    """The line that a mistake in the config gives."""
    with pytest.raises(UserError) as error:
        project(overrides, **files)
    text = str(error.value)
    assert "\n" not in text
    return text.replace(f"{project.root}/", "")


def own(text):
    """A file of sweeps with one sweep, `trial`."""
    return "sweeps:\n  trial:\n" + textwrap.indent(textwrap.dedent(text), "    ")


@pytest.mark.parametrize("scale", SCALES)
def test_the_config_of_the_repository(project, scale):
    workflow = project({"scale": scale})
    assert list(workflow.studies) == list(STUDIES)
    assert set(STUDIES) <= set(workflow.sweeps)
    assert {"digits", "glyphs"} <= set(workflow.datasets)
    assert workflow.settings.scale == scale
    titles = {sweep.title for group in workflow.sweeps.values() for sweep in group.values()}
    assert titles == set(workflow.backends)
    for study in STUDIES:
        assert load_published(project.root, study).claims


def test_the_scales_grow(project):
    def size(scale, study):
        axes = [axis for sweep in project({"scale": scale}).sweeps[study].values() for axis in sweep.axes]
        return sum(axis.size for axis in axes)

    for study in STUDIES:
        assert size("smoke", study) <= size("quick", study) <= size("paper", study)
        assert size("smoke", study) < size("paper", study)


def test_reading_the_config_is_quick_and_light(root):
    program = """
        import json, sys, time
        from pathlib import Path
        start = time.process_time()
        from initatlas.config import load_workflow
        for scale in ("smoke", "quick", "paper"):
            load_workflow(Path(), {"scale": scale})
        print(json.dumps([time.process_time() - start, sorted({name.partition(".")[0] for name in sys.modules})]))
        """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=60)
    seconds, loaded = json.loads(answer.stdout)
    assert seconds < 3.0, "three scales, under a second each, of processor time"
    assert not set(loaded) & {"numpy", "torch", "numba", "scipy", "sklearn", "matplotlib", "xarray", "ray", "netCDF4"}


def test_what_is_not_written_has_a_default(project):
    settings = project(config="").settings
    assert (settings.scale, settings.seed, settings.backend, settings.raw_data) == ("quick", 2018, "auto", "data/raw")


def test_the_command_line_wins_over_the_file(project):
    assert project({"scale": "paper"}, config="scale: smoke\nseed: 3\n").settings.scale == "paper"
    assert project({"seed": 4}).settings.seed == 4
    assert project().sweep("atlas/depth_scale").root_seed == 3


def test_a_sweep_chooses_its_own_backend(project):
    workflow = project(
        {"backend": "ray"},
        sweeps__own="sweeps: {a: {experiment: depth_scale, backend: serial}, b: {experiment: depth_scale}}",
    )
    assert (workflow.backends["own/a"], workflow.backends["own/b"]) == ("serial", "ray")


def test_a_sweep_says_what_the_explorer_shows(project):
    path = project.root / "config/sweeps/atlas.yaml"
    path.write_text(
        path.read_text()
        + """
  whole: {experiment: depth_scale, explore: true}
  some: {experiment: depth_scale, explore: [depth_scale, chi]}
  none: {experiment: depth_scale, explore: false}
  plain: {experiment: depth_scale}
  absent: {experiment: smoothness, fixed: {dataset: mnist}, explore: true}
"""
    )
    workflow = project({"studies": ["atlas"]}, sweeps__own=own("{experiment: depth_scale, explore: true}"))
    everything = ("variance_fixed_point", "chi", "depth_scale", "correlation_depth")
    assert workflow.explored["atlas/whole"] == everything
    assert workflow.explored["atlas/some"] == ("depth_scale", "chi")
    assert not {"atlas/none", "atlas/plain", "atlas/absent"} & set(workflow.explored)
    assert {title.partition("/")[0] for title in workflow.explored} == {"atlas"}, "of the studies alone"
    assert "atlas/absent" in workflow.unavailable


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("[depth_scales]", "explore[0] = 'depth_scales': depth_scale has no such output (did you mean 'depth_scale'?)"),
        ("[chi, chi]", "explore[1] = 'chi' is there twice; remove one"),
        ("[]", "explore is empty; name outputs, or give true for all: variance_fixed_point, chi,"),
        ("3", "explore = 3: give true, or a list of names of outputs"),
        ("yes please", "explore = 'yes please': give true, or a list of names of outputs"),
    ],
)
def test_the_explorer_shows_outputs_that_there_are(project, written, line):
    text = mistake(project, sweeps__own=own(f"{{experiment: depth_scale, explore: {written}}}"))
    assert text.startswith(f"config/sweeps/own.yaml: sweeps.trial.{line}")


def test_a_sweep_of_ones_own_needs_no_study(project):
    workflow = project(sweeps__own=own("{experiment: toy.draws, axes: {offset: [0, 1]}, seeds: 2}"))
    assert workflow.sweep("own/trial").shape == (2, 2)
    assert "own" not in workflow.studies


def test_the_device_of_the_settings_reaches_the_sweeps_that_train(project):
    workflow = project({"device": "cpu"})
    assert workflow.sweep("atlas/trainability").fixed["device"] == "cpu"
    assert "device" not in workflow.sweep("tsuchida2018/fig2").fixed


def test_available_keeps_the_data_sets_that_are_there(project):
    def found():
        sweep = project({"scale": "smoke"}).sweep("chen2024/table1")
        return sweep.datasets

    assert found() == ["digits", "glyphs"]
    archive = project.root / "data/raw/cifar-10/cifar-10-python.tar.gz"
    archive.parent.mkdir(parents=True)
    archive.touch()
    assert found() == ["digits", "glyphs", "cifar10"]


def test_available_works_in_an_overlay(project):
    written = own(
        """
        experiment: smoothness
        axes: {dataset: [digits]}
        scales: {smoke: {axes: {dataset: {available: [glyphs, mnist]}}}}
        """
    )
    assert project({"scale": "smoke"}, sweeps__own=written).sweep("own/trial").datasets == ["glyphs"]
    assert project({"scale": "quick"}).sweep("own/trial").datasets == ["digits"]


def test_data_sets_without_their_files_are_left_out(project):
    workflow = project()
    assert not {"mnist", "fashion_mnist", "cifar10", "kodak", "speech"} & workflow.datasets.keys()
    assert workflow.downloads == ("mnist", "fashion_mnist", "cifar10")


def test_half_a_split_is_no_data_set(project):
    folder = project.root / "data/raw/mnist"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte.gz").touch()
    assert "mnist" not in project().datasets
    (folder / "train-labels-idx1-ubyte").touch()
    assert "mnist" in project().datasets
    assert len(project().raw_files["mnist"]) == 2


def test_a_scale_changes_a_data_set(project):
    trains = [project({"scale": scale}).datasets["glyphs"].train for scale in SCALES]
    assert trains == [400, 6000, 60000]


SETTINGS = {
    "unknown key": (
        "scal: quick",
        "config/config.yaml: unknown key scal (did you mean 'scale'?); allowed: scale, seed, backend, ",
    ),
    "value that is not allowed": (
        "scale: huge",
        "config/config.yaml: scale = 'huge': input should be 'smoke', 'quick' or",
    ),
    "wrong type": ("seed: many", "config/config.yaml: seed = 'many': input should be a valid integer"),
    "negative seed": ("seed: -1", "config/config.yaml: seed = -1: input should be greater than or equal to 0"),
    "key twice": ("seed: 1\nseed: 2", "config/config.yaml:2: key 'seed' is there twice"),
    "no YAML": ("seed: [1", "config/config.yaml:2: did not find expected ',' or ']'"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_mistake_in_the_settings(project, name):
    written, message = SETTINGS[name]
    assert mistake(project, config=written).startswith(message)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"scale": "huge"}, "--config: scale = 'huge': input should be 'smoke', 'quick' or 'paper'"),
        ({"speed": 1}, "--config: unknown key speed (did you mean 'seed'?); allowed: scale, seed, backend, "),
        ({"backend": "dask"}, "--config: backend = 'dask': input should be 'serial', 'ray' or 'auto'"),
    ],
)
def test_a_mistake_on_the_command_line_says_so(project, overrides, message):
    assert mistake(project, overrides=overrides).startswith(message)


def test_a_mistake_that_comes_through_snakemake_is_laid_on_the_file(project):
    """Snakemake hands on the keys of the file together with those of the command line."""
    (project.root / "config/config.yaml").write_text("scale: huge\n")
    with pytest.raises(UserError, match=r"config/config\.yaml: scale = 'huge'"):
        load_settings(project.root / "config/config.yaml", {"scale": "huge", "seed": 2018})


SWEEPS = {
    "unknown key": (
        "{experiment: depth_scale, axis: {}}",
        "unknown key sweeps.trial.axis (did you mean 'axes'?); allowed: experiment, ",
    ),
    "no experiment": ("{axes: {}}", "sweeps.trial.experiment is missing"),
    "wrong type": ("{experiment: depth_scale, axes: [width]}", "sweeps.trial.axes = ['width']: "),
    "unknown scale": ("{experiment: depth_scale, scales: {tiny: {}}}", "sweeps.trial.scales.tiny"),
    "unknown key of a scale": (
        "{experiment: depth_scale, scales: {smoke: {seed: 1}}}",
        "unknown key sweeps.trial.scales.smoke.seed",
    ),
    "unknown backend": ("{experiment: depth_scale, backend: dask}", "sweeps.trial.backend = 'dask': input should be"),
    "unknown experiment": (
        "{experiment: forward_kernal}",
        "there is no module initatlas.experiments.forward_kernal (did you mean 'forward_kernel'?)",
    ),
    "experiment that is a path": (
        "{experiment: ../x}",
        "sweeps.trial.experiment = '../x': give the name of an experiment",
    ),
    "unknown data set": (
        "{experiment: smoothness, axes: {dataset: [digits, emnist]}}",
        "sweeps.trial.axes.dataset[1] = 'emnist': there is no such data set (did you mean 'mnist'?); config/datasets.yaml has: ",
    ),
    "unknown data set among those that may be there": (
        "{experiment: smoothness, axes: {dataset: {available: [digits, minst]}}}",
        "sweeps.trial",
    ),
    "negative variance": (
        "{experiment: depth_scale, fixed: {weight_variance: -1}}",
        "sweeps.trial.fixed.weight_variance = -1: input should be greater than 0",
    ),
    "unknown activation": (
        "{experiment: depth_scale, axes: {activation: [relu, mish]}}",
        "sweeps.trial.axes.activation[1] = 'mish': 'mish' does not exist; allowed: abs, cos, elu, erf, exp",
    ),
    "mistake in an overlay": (
        "{experiment: depth_scale, scales: {quick: {axes: {weight_variance: []}}}}",
        "sweeps.trial.scales.quick.axes.weight_variance is empty",
    ),
    "label twice": (
        "{experiment: train_mlp, axes: {weights: [multivariate_t(nu=5), {name: multivariate_t, nu: 5.0}]}}",
        "sweeps.trial.axes.weights[1] = 'multivariate_t(nu=5)' is there twice",
    ),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_mistake_in_a_sweep(project, name):
    written, message = SWEEPS[name]
    assert message in mistake(project, sweeps__own=own(written)).removeprefix("config/sweeps/own.yaml: ")


@pytest.mark.parametrize("name", SWEEPS)
def test_a_mistake_in_a_sweep_names_its_file(project, name):
    assert mistake(project, sweeps__own=own(SWEEPS[name][0])).startswith("config/sweeps/own.yaml: ")


def test_a_file_without_sweeps(project):
    assert mistake(project, sweeps__own="") == "config/sweeps/own.yaml: sweeps is missing"


DATASETS = {
    "no mapping": ("mine: 5", "mine = 5: expected a mapping with the key kind"),
    "unknown kind": ("mine: {kind: csv}", "'digits', 'glyphs', 'idx', 'cifar'"),
    "no kind": ("mine: {folder: mine}", "kind"),
    "unknown key": ("mine: {kind: idx, folder: mine, color: red}", "unknown key mine.color"),
    "no folder": ("mine: {kind: idx}", "mine.folder is missing"),
    "folder outside": ("mine: {kind: idx, folder: ../mine}", "'../mine' is no folder inside the raw data folder"),
    "too many test images": (
        "mine: {kind: digits, test: 5000}",
        "test = 5000: input should be less than or equal to 1796",
    ),
    "unknown scale": ("mine: {kind: digits, scales: {tiny: {test: 1}}}", "tiny"),
    "scales that are no mapping": ("mine: {kind: digits, scales: [quick]}", "scales"),
    "scale that is no mapping": ("mine: {kind: digits, scales: {quick: 5}}", "quick"),
}


@pytest.mark.parametrize("name", DATASETS)
def test_a_mistake_in_a_data_set(project, name):
    written, message = DATASETS[name]
    before = (project.root / "config/datasets.yaml").read_text()
    text = mistake(project, datasets=f"{before}\n{written}\n")
    assert text.startswith("config/datasets.yaml: ")
    assert "mine" in text
    assert "mine. " not in text
    assert message in text


def test_a_sweep_that_a_product_reads_has_to_be_there(project):
    path = project.root / "config/sweeps/chen2024.yaml"
    path.write_text(path.read_text().replace("  table1:", "  table2:"))
    assert mistake(project) == (
        "config/sweeps/chen2024.yaml: sweeps.table1 is missing; fig2_4 of study chen2024 is read from it"
    )


def test_a_sweep_that_is_asked_for_has_to_be_there(project):
    workflow = project()
    for study, name in (("chen2024", "table9"), ("nobody", "fig1")):
        with pytest.raises(
            UserError, match=rf"^there is no sweep '{study}/{name}'.*; `initatlas sweep list` shows all$"
        ):
            workflow.sweep(f"{study}/{name}")


UNAVAILABLE = {
    "data set without files": (
        "{experiment: smoothness, fixed: {dataset: mnist}}",
        "the files of data set 'mnist' are not in data/raw; put them there, or run: initatlas download mnist",
    ),
    "data set that cannot be downloaded": (
        "{experiment: largest_coordinate, fixed: {dataset: kodak}}",
        "the files of data set 'kodak' are not in data/raw; put them there",
    ),
    "no data set there": (
        "{experiment: largest_coordinate, axes: {dataset: {available: [kodak, mnist]}}}",
        "the files of data sets 'kodak', 'mnist' are not in data/raw; put them there, or run: initatlas download mnist",
    ),
    "module of one's own that is not found": (
        "{experiment: toy.nothing}",
        f"experiment 'toy.nothing' does not exist: there is no module toy.nothing; {PLACE_FOR_MODULES}",
    ),
    "module that declares nothing": (
        "{experiment: toy.sweeps}",
        "experiment 'toy.sweeps': the module toy.sweeps must define EXPERIMENT = Experiment(...)",
    ),
    "module that breaks": ("{experiment: broken.module}", "broken.module cannot be imported (ZeroDivisionError: "),
}


@pytest.mark.parametrize("name", UNAVAILABLE)
def test_a_sweep_that_cannot_run_here_fails_for_who_asks_for_it_alone(project, name, tmp_path, monkeypatch):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/module.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    written, message = UNAVAILABLE[name]
    workflow = project(sweeps__own=own(written))
    assert list(workflow.unavailable) == ["own/trial"]
    assert workflow.sweep("atlas/depth_scale").name == "depth_scale"
    with pytest.raises(UserError) as error:
        workflow.sweep("own/trial")
    line = str(error.value).replace(f"{project.root}/", "")
    assert line.startswith("config/sweeps/own.yaml: sweeps.trial")
    assert line.split(": ", 2)[2].startswith(message)
    assert ("download" in line) == ("download" in message)


def test_a_product_stays_declared_when_its_sweep_cannot_run(project):
    path = project.root / "config/sweeps/chen2024.yaml"
    path.write_text(path.read_text().replace("{available:", "{available: [cifar10]} #"))
    workflow = project()
    assert "chen2024/table1" in workflow.unavailable
    assert "chen2024" in workflow.studies


NAMES = (
    "$(touch HACKED)",
    "a/b",
    "a b",
    "..",
    ".a",
    "a.partial",
    "1a",
    "_a",
    "a-b",
    "é",
    "",
    "a" * 61,
    "all",
    "page",
    "class",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_cannot_be_used(project, name):
    entry = json.dumps(name)
    message = "is reserved" if name in ("all", "page", "class") else "allowed: letters (a-z), digits and _"
    sweep = mistake(project, sweeps__own=f"sweeps: {{{entry}: {{experiment: depth_scale}}}}")
    assert sweep.startswith(f"config/sweeps/own.yaml: sweeps: the name {name!r} ")
    assert message in sweep
    (project.root / "config/sweeps/own.yaml").unlink()
    datasets = (project.root / "config/datasets.yaml").read_text()
    assert message in mistake(project, datasets=f"{datasets}\n{entry}: {{kind: digits}}\n")


def test_the_longest_name(project):
    name = "a" * 60
    assert project(sweeps__own=f"sweeps: {{{name}: {{experiment: depth_scale}}}}").sweep(f"own/{name}").name == name


def test_two_names_that_differ_in_case_alone(project):
    written = "sweeps: {Fig: {experiment: depth_scale}, fig: {experiment: depth_scale}}"
    assert mistake(project, sweeps__own=written) == (
        "config/sweeps/own.yaml: sweeps: the names 'Fig' and 'fig' differ in case alone; rename one of them"
    )


def test_the_name_of_a_file_of_sweeps_is_a_name(project):
    (project.root / "config/sweeps/my sweeps.yaml").write_text("sweeps: {}")
    assert mistake(project).startswith("config/sweeps: the name 'my sweeps' cannot be used")


@pytest.mark.parametrize("asked", ["trainability", "atlas/trainabilty", "atals/trainability"])
def test_the_nearest_sweep_is_suggested(project, asked):
    with pytest.raises(UserError, match=r"\(did you mean 'atlas/trainability'\?\)"):
        project().sweep(asked)


def test_the_files_of_the_repository_are_plain_yaml_too(root):
    """Editors and other readers of YAML see the same config as we do."""
    for path in (root / "config").rglob("*.yaml"):
        assert isinstance(yaml.safe_load(path.read_text()), dict)


def test_a_mistake_in_what_was_published(project):
    path = project.root / "config/published/chen2024.yaml"
    path.write_text(path.read_text().replace("value: 0.40", "value: much"))
    with pytest.raises(
        UserError, match=r"published/chen2024\.yaml: claims\.table1_mnist\.value = 'much': input should"
    ):
        load_published(project.root, "chen2024")


def test_an_exclusion_that_matches_nothing_is_a_warning(project):
    written = "{experiment: depth_scale, axes: {weight_variance: [1, 2]}, exclude: [{weight_variance: 1}, {weight_variance: 3}]}"
    line = f"{project.root}/config/sweeps/own.yaml: sweeps.trial.exclude[1] matches no point; is a value misspelt?"
    assert project(sweeps__own=own(written)).warnings == {"own/trial": (line,)}


def test_an_exclusion_for_one_scale_alone_is_no_warning(project):
    written = """
        experiment: depth_scale
        axes: {weight_variance: [1, 2]}
        exclude: [{weight_variance: 3}]
        scales: {paper: {axes: {weight_variance: [2, 3]}}}
        """
    assert not project(sweeps__own=own(written)).warnings


def test_the_config_of_the_repository_warns_of_nothing(project):
    for scale in SCALES:
        assert not project({"scale": scale}).warnings


@pytest.mark.parametrize("scale", SCALES)
def test_a_mistake_at_any_scale_is_found_at_every_scale(project, scale):
    written = own("{experiment: depth_scale, scales: {paper: {axes: {weight_variance: [1, -1]}}}}")
    assert "sweeps.trial.scales.paper.axes.weight_variance[1] = -1: " in mistake(
        project, overrides={"scale": scale}, sweeps__own=written
    )
    (project.root / "config/sweeps/own.yaml").unlink()
    datasets = (project.root / "config/datasets.yaml").read_text()
    written = datasets + "\nmine: {kind: glyphs, scales: {paper: {train: -1}}}\n"
    assert "mine.scales.paper.train = -1: " in mistake(project, overrides={"scale": scale}, datasets=written)


def test_data_sets_that_are_not_there_hide_no_mistake(project):
    written = own("{experiment: smoothness, fixed: {dataset: mnist, draws: 1}}")
    assert "sweeps.trial.fixed.draws = 1: " in mistake(project, sweeps__own=written)


def test_what_is_left_without_the_absent_data_sets_may_be_nothing(project):
    written = "{experiment: smoothness, axes: {dataset: {available: [digits, mnist]}}, exclude: [{dataset: digits}]}"
    reason = project(sweeps__own=own(written)).unavailable["own/trial"]
    assert reason.endswith("sweeps.trial.exclude: no point is left at scale quick; exclude less")


def test_a_folder_of_raw_files_that_is_named_is_there(project):
    line = "raw_data = 'elsewhere': there is no such folder; make it, or name the one that has the raw files"
    assert mistake(project, overrides={"raw_data": "elsewhere"}) == f"--config: {line}"
    assert mistake(project, config="raw_data: elsewhere") == f"config/config.yaml: {line}"
    (project.root / "elsewhere").mkdir()
    assert project().settings.raw_data == "elsewhere"


def test_a_file_of_sweeps_may_end_in_yml(project):
    (project.root / "config/sweeps/own.yml").write_text(own("{experiment: depth_scale}"))
    assert "own/trial" in project().titles


def test_many_values_resolve_in_a_moment(project):
    lines = "\n".join(f"    - {value}.5" for value in range(1, 80_001))
    path = project.root / "config/sweeps/own.yaml"
    path.write_text(f"sweeps:\n  trial:\n   experiment: depth_scale\n   axes:\n    weight_variance:\n{lines}\n")
    start = time.process_time()
    assert project().sweep("own/trial").shape == (80_000,)
    assert time.process_time() - start < 5.0, "1.5 s on a free core, with reading the file"


def test_the_most_points_are_read_in_little_memory(project):
    tracemalloc.start()
    written = own("{experiment: depth_scale, axes: {weight_variance: {linspace: [1, 2, 20]}}, seeds: 500000}")
    assert project(sweeps__own=written).sweep("own/trial").shape == (20, 500_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3e8
    assert "are 10000020 points at scale quick" in mistake(project, sweeps__own=written.replace("500000", "500001"))


def test_config_check_says_what_cannot_run_and_what_is_not_meant(project, monkeypatch):
    from initatlas.commands.people import check

    sweeps = """
        sweeps:
          absent: {experiment: largest_coordinate, fixed: {dataset: kodak}}
          idle: {experiment: depth_scale, exclude: [{weight_variance: 3}]}
          large: {experiment: forward_kernel, fixed: {width: 10000000}}
        """
    project(sweeps__own=sweeps)
    monkeypatch.chdir(project.root)
    found = check().splitlines()
    assert found[0].startswith("cannot run here: config/sweeps/own.yaml: sweeps.absent: the files of data set 'kodak'")
    assert found[1] == "warning: config/sweeps/own.yaml: sweeps.idle.exclude[0] matches no point; is a value misspelt?"
    assert re.match(r"warning: sweep own/large: a batch needs about \d{2,3} GB", found[2])
    files = (project.root / "config/sweeps").glob("*.yaml")
    written = sum(len(yaml.safe_load(path.read_text(encoding="utf-8"))["sweeps"]) for path in files)
    assert found[3] == f"config: 5 data sets and {written - 1} sweeps at scale quick, no mistake"


def test_a_list_of_sweeps_says_which_cannot_run(project):
    from initatlas.commands.sweeps import listing

    workflow = project(sweeps__own=own("{experiment: largest_coordinate, fixed: {dataset: kodak}}"))
    *_, line = listing(workflow.sweeps, workflow.unavailable).splitlines()
    assert line.startswith("own/trial")
    assert "cannot run" in line
    assert "the files of data set 'kodak'" in line


def test_yaml_files_that_nothing_reads_are_named(project):
    for name in ("mine.yml", "sweeps/own.YAML", "published/other.yaml", "sweeps/deeper/own.yaml"):
        path = project.root / "config" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("sweeps: {}")
    (project.root / "config/sweeps/read.yml").write_text("sweeps: {a: {experiment: depth_scale}}")
    workflow = project()
    assert "read/a" in workflow.titles
    lines = [line.removeprefix(f"{project.root}/config/") for line in workflow.unread]
    named = [line.partition(" is not read; sweeps go into ")[0] for line in lines if "published" not in line]
    assert sorted(named) == ["mine.yml", "sweeps/deeper/own.yaml", "sweeps/own.YAML"]
    (printed,) = [line for line in lines if "published" in line]
    assert printed == f"published/other.yaml is not read; name its study in {project.root}/config/config.yaml"


def test_the_config_of_the_repository_has_no_file_that_nothing_reads(project):
    assert project().unread == ()
