"""The typed config: every key with its default, type and description.

`config/README.md` and `config/schema/` are generated from these models. Every parse of the workflow runs this module: only
the standard library, pydantic and PyYAML.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from initatlas.datasets.specs import CifarSpec, DatasetSpec, IdxSpec, files_present, required_files
from initatlas.errors import UserError
from initatlas.names import check_names, did_you_mean
from initatlas.studies.claim import PublishedStudy
from initatlas.studies.product import Study
from initatlas.sweeps.experiment import Experiment
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.spec import Scale, Strict, Sweep, SweepConfig, resolve
from initatlas.validation import first_fault
from initatlas.yaml_files import read_yaml

STUDIES = ("atlas", "daniely2016", "tsuchida2018", "chen2024")
"""The studies in the order of the page."""

Model = TypeVar("Model", bound=BaseModel)


class Settings(Strict):
    """`config/config.yaml`: what holds for the whole workflow. Any key can be given as `--config key=value` too."""

    scale: Scale = Field(
        default="quick",
        description=(
            "`smoke` (under a minute, shows that everything runs), `quick` (minutes on 2 cores), "
            "`paper` (the papers' own settings)."
        ),
    )
    seed: int = Field(default=2018, ge=0, description="Root of all random streams.")
    backend: Literal["serial", "ray", "auto"] = Field(
        default="auto",
        description="Where batches run: in the sweep's own process, on Ray, or on Ray where it pays. The numbers are the same.",
    )
    fail_fast: bool = Field(
        default=False, description="Whether the first failing point ends its sweep; otherwise the others go on."
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        default="auto", description="Where networks are trained; `auto` takes a GPU if there is one."
    )
    raw_data: str = Field(
        default="data/raw",
        description="Folder with the raw files of MNIST, Fashion-MNIST, CIFAR-10, photographs and speech.",
    )


class StudyConfig(Strict):
    """`config/sweeps/<study>.yaml`: the sweeps of a study."""

    sweeps: dict[str, SweepConfig] = Field(
        description="Sweeps by name; each becomes `data/cubes/<scale>/<study>/<name>.nc`."
    )


@dataclass(frozen=True)
class Workflow:
    """Everything that the workflow needs to know, checked.

    Attributes
    ----------
    settings
        The global keys.
    datasets
        Data sets by name whose files are there.
    downloads
        Data sets whose raw files can be downloaded.
    raw_files
        Data set to the raw files that it is read from.
    sweeps
        Study to sweep to resolved sweep.
    unavailable
        ``study/sweep`` to the line that says why it cannot run here: a data set without its files, or an experiment that
        cannot be imported. Only who asks for such a sweep fails.
    backends
        ``study/sweep`` to the backend that the sweep asks for itself.
    studies
        The declarations of our own studies, in the order of the page.
    """

    settings: Settings
    datasets: Mapping[str, DatasetSpec]
    downloads: tuple[str, ...]
    raw_files: Mapping[str, tuple[Path, ...]]
    sweeps: Mapping[str, Mapping[str, Sweep]]
    unavailable: Mapping[str, str]
    backends: Mapping[str, str]
    studies: Mapping[str, Study]

    @property
    def titles(self) -> list[str]:
        """``study/sweep`` of all sweeps that can run."""
        return [sweep.title for group in self.sweeps.values() for sweep in group.values()]

    def sweep(self, title: str) -> Sweep:
        """A sweep by its title, ``study/sweep``.

        Raises
        ------
        UserError
            If there is none of that name, or if it cannot run here.
        """
        if title in self.unavailable:
            raise UserError(self.unavailable[title])
        study, _, name = title.partition("/")
        try:
            return self.sweeps[study][name]
        except KeyError:
            known = [*self.titles, *self.unavailable]
            raise UserError(
                f"there is no sweep {title}{did_you_mean(title, known)}; there are: {', '.join(known)}"
            ) from None


def load_workflow(root: Path, overrides: Mapping[str, Any] | None = None) -> Workflow:
    """Read and check the whole config below `root`.

    Parameters
    ----------
    root
        Folder of the Snakefile.
    overrides
        Keys given on the command line; they win over `config.yaml`.

    Raises
    ------
    UserError
        With one line for the first mistake found.
    """
    folder = root / "config"
    settings = load_settings(folder / "config.yaml", overrides or {})
    specs = load_datasets(folder / "datasets.yaml", settings.scale)
    raw_data = root / settings.raw_data
    raw_files = {name: tuple(required_files(spec, raw_data)) for name, spec in specs.items()}
    present = {name: spec for name, spec in specs.items() if files_present(spec, raw_data)}
    sweeps, unavailable, backends = _load_sweeps(folder / "sweeps", settings, specs, present)
    studies = {name: load_study(name) for name in STUDIES}
    _check_products(studies, [*backends, *unavailable])
    for name in studies:
        load_published(root, name)
    return Workflow(
        settings=settings,
        datasets=present,
        downloads=tuple(name for name, spec in specs.items() if _has_mirrors(spec)),
        raw_files=raw_files,
        sweeps=sweeps,
        unavailable=unavailable,
        backends=backends,
        studies=studies,
    )


def load_settings(path: Path, overrides: Mapping[str, Any]) -> Settings:
    """Read `config.yaml` under the keys given on the command line."""
    written = read_yaml(path)
    merged = {**written, **overrides}
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        key = str(error.errors()[0]["loc"][0])
        given = key in overrides and overrides[key] != written.get(key, ...)
        fault = first_fault(error, Settings.model_json_schema())
        raise UserError(f"{'--config' if given else path}: {fault}") from None


def load_datasets(path: Path, scale: Scale) -> dict[str, DatasetSpec]:
    """Read `datasets.yaml`; the ``scales`` of an entry change it at that scale."""
    adapter: TypeAdapter[DatasetSpec] = TypeAdapter(DatasetSpec)
    specs = {}
    entries = read_yaml(path)
    check_names(entries, str(path))
    for name, written in entries.items():
        if not isinstance(written, dict):
            raise UserError(f"{path}: {name}: expected a mapping with the key kind")
        overlays = written.get("scales", {})
        if not isinstance(overlays, dict) or not all(isinstance(keys, dict) for keys in overlays.values()):
            raise UserError(f"{path}: {name}.scales = {overlays!r}: give a mapping of scales to mappings of keys")
        if unknown := sorted(set(overlays) - set(get_args(Scale))):
            raise UserError(
                f"{path}: {name}.scales: unknown scale {unknown[0]!r}; allowed: {', '.join(get_args(Scale))}"
            )
        entry = {key: value for key, value in written.items() if key != "scales"} | overlays.get(scale, {})
        try:
            specs[name] = adapter.validate_python(entry)
        except ValidationError as error:
            raise UserError(f"{path}: {first_fault(error, adapter.json_schema(), inside=name)}") from None
    return specs


class _UnavailableError(Exception):
    """A sweep that is written well and cannot run here."""


def _load_sweeps(
    folder: Path, settings: Settings, specs: Mapping[str, DatasetSpec], present: Mapping[str, DatasetSpec]
) -> tuple[dict[str, dict[str, Sweep]], dict[str, str], dict[str, str]]:
    """Read every file of `config/sweeps`: the sweeps that can run, the reasons of those that cannot, and the backends."""
    sweeps: dict[str, dict[str, Sweep]] = {}
    unavailable: dict[str, str] = {}
    backends: dict[str, str] = {}
    paths = sorted(folder.glob("*.yaml"))
    check_names((path.stem for path in paths), str(folder))
    for path in paths:
        study = load_model(path, StudyConfig)
        check_names(study.sweeps, f"{path}: sweeps")
        sweeps[path.stem] = {}
        for name, written in study.sweeps.items():
            title = f"{path.stem}/{name}"
            try:
                sweeps[path.stem][name] = _available_sweep(
                    written, path.stem, name, settings, specs, present, f"{path}: sweeps.{name}"
                )
                backends[title] = written.backend or settings.backend
            except _UnavailableError as reason:
                unavailable[title] = str(reason)
    return sweeps, unavailable, backends


def _available_sweep(
    written: SweepConfig,
    study: str,
    name: str,
    settings: Settings,
    specs: Mapping[str, DatasetSpec],
    present: Mapping[str, DatasetSpec],
    where: str,
) -> Sweep:
    """Resolve a sweep whose experiment and data sets are there."""
    config = _with_available_datasets(written, settings, specs, present, where)
    sweep = _resolved(config, study, name, settings, where)
    _check_datasets(sweep, specs, present, where, settings)
    return sweep


def _experiment(name: str, where: str) -> Experiment:
    """The experiment of a sweep: a module of the user's may be missing here, one of ours is misspelt."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise UserError(
            f"{where}.experiment = {name!r}: give the name of an experiment, or the dotted path of a module of yours"
        )
    try:
        return load_experiment(name)
    except UserError as error:
        kind = _UnavailableError if "." in name else UserError
        raise kind(f"{where}.experiment: {error}") from None
    except Exception as error:
        raise _UnavailableError(
            f"{where}.experiment: {name} cannot be imported ({type(error).__name__}: {' '.join(str(error).split())})"
        ) from None


def _resolved(config: SweepConfig, study: str, name: str, settings: Settings, where: str) -> Sweep:
    """Resolve one sweep, with the device of the settings where its experiment has one."""
    experiment = _experiment(config.experiment, where)
    if "device" in experiment.parameters.model_fields and "device" not in (config.fixed | config.axes):
        config = config.model_copy(update={"fixed": {**config.fixed, "device": settings.device}})
    return resolve(
        config,
        study=study,
        name=name,
        scale=settings.scale,
        root_seed=settings.seed,
        experiment=experiment,
        where=where,
    )


def _with_available_datasets(
    config: SweepConfig,
    settings: Settings,
    specs: Mapping[str, DatasetSpec],
    present: Mapping[str, DatasetSpec],
    where: str,
) -> SweepConfig:
    """Narrow ``dataset: {available: [...]}`` to the data sets that are there, in the sweep and in its overlays."""

    def narrowed(axes: Mapping[str, Any], place: str, *, used: bool) -> dict[str, Any]:
        found = dict(axes)
        for key, value in axes.items():
            if isinstance(value, dict) and set(value) == {"available"}:
                found[key] = _available(value["available"], specs, present, f"{place}.axes.{key}.available")
                if used and value["available"] and not found[key]:
                    raise _UnavailableError(f"{where}: {_absent(value['available'], specs, settings)}")
        return found

    overlay = config.scales.get(settings.scale)
    replaced = set(overlay.axes) if overlay else set()
    scales = {
        key: scale.model_copy(
            update={"axes": narrowed(scale.axes, f"{where}.scales.{key}", used=key == settings.scale)}
        )
        for key, scale in config.scales.items()
    }
    own = narrowed(config.axes, where, used="dataset" not in replaced)
    return config.model_copy(update={"axes": own, "scales": scales})


def _absent(names: Sequence[str], specs: Mapping[str, DatasetSpec], settings: Settings) -> str:
    """Which data sets have no files here, and what can be done."""
    listed = ", ".join(repr(name) for name in names)
    downloads = [name for name in names if _has_mirrors(specs[name])]
    hint = f", or run: initatlas download {downloads[0]}" if downloads else ""
    word = "data set" if len(names) == 1 else "data sets"
    return f"the files of {word} {listed} are not in {settings.raw_data}; put them there{hint}"


def _available(
    names: Any, specs: Mapping[str, DatasetSpec], present: Mapping[str, DatasetSpec], where: str
) -> list[str]:
    """Those of some data sets that are there; a name that no data set has is a mistake."""
    if not isinstance(names, list):
        raise UserError(f"{where} = {names!r}: give a list of data sets")
    for name in names:
        _check_known(name, specs, where)
    return [name for name in names if name in present]


def _has_mirrors(spec: DatasetSpec) -> bool:
    """Whether the raw files of a data set can be downloaded."""
    return isinstance(spec, IdxSpec | CifarSpec) and bool(spec.mirrors)


def _check_datasets(
    sweep: Sweep,
    specs: Mapping[str, DatasetSpec],
    present: Mapping[str, DatasetSpec],
    where: str,
    settings: Settings,
) -> None:
    """Every data set that a sweep asks for is configured and there."""
    for name in sweep.datasets:
        _check_known(name, specs, where)
        if name not in present:
            raise _UnavailableError(f"{where}: {_absent([name], specs, settings)}")


def _check_known(name: object, specs: Mapping[str, DatasetSpec], where: str) -> None:
    """A data set is one of those in the config."""
    if not isinstance(name, str) or name not in specs:
        raise UserError(
            f"{where}: data set {name!r} does not exist{did_you_mean(name, specs)}; "
            f"config/datasets.yaml has: {', '.join(specs)}"
        )


def _check_products(studies: Mapping[str, Study], titles: Collection[str]) -> None:
    """Every cube that a product reads has a sweep, even if that cannot run here."""
    for study in studies.values():
        check_names([*study.figures, *study.tables], f"initatlas.studies.{study.key}: figures and tables")
        for product, names in [*study.figures.items(), *study.tables.items(), ("claims", study.claims)]:
            for title in cube_titles(study.key, names):
                if title not in titles:
                    owner, _, name = title.partition("/")
                    raise UserError(
                        f"config/sweeps/{owner}.yaml: sweeps.{name} is missing; {product} of study {study.key} is read from it"
                    )


def load_model(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a model.

    Raises
    ------
    UserError
        Naming the file, the key, the value and what is allowed.
    """
    try:
        return model.model_validate(read_yaml(path))
    except ValidationError as error:
        raise UserError(f"{path}: {first_fault(error, model.model_json_schema())}") from None


def load_published(root: Path, study: str) -> PublishedStudy:
    """What the paper of a study printed."""
    return load_model(root / "config" / "published" / f"{study}.yaml", PublishedStudy)


@cache
def load_study(name: str) -> Study:
    """The declaration of a study."""
    declaration = import_module(f"initatlas.studies.{name}").STUDY
    if not isinstance(declaration, Study):
        raise TypeError(f"initatlas.studies.{name}.STUDY is no Study")
    return declaration


def cube_titles(study: str, names: Iterable[str]) -> Iterator[str]:
    """Resolve the sweeps that a product names: ``fig2`` is of the same study, ``atlas/theory`` of another."""
    return (name if "/" in name else f"{study}/{name}" for name in names)
