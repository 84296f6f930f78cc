"""The typed config: every key with its default, type and description.

`config/README.md` and `config/schema/` are generated from these models. Every parse of the workflow runs this module: only
the standard library, pydantic and PyYAML.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from initatlas.datasets.kinds import DatasetSpec, files_present, known_traits
from initatlas.datasets.specs import CifarSpec, IdxSpec, is_folder, required_files
from initatlas.errors import UserError
from initatlas.layout import published
from initatlas.names import check_names, did_you_mean
from initatlas.studies.claim import PublishedStudy
from initatlas.studies.product import Study, cube_titles
from initatlas.studies.registry import first_gap, listed_claims, load_study
from initatlas.sweeps.allocation import ClusterLimits
from initatlas.sweeps.exclusions import Exclusions
from initatlas.sweeps.experiment import Experiment
from initatlas.sweeps.fitting_data import unfit
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.resolving import resolve
from initatlas.sweeps.spec import Scale, ScaleOverlay, Strict, Sweep, SweepConfig
from initatlas.validation import first_fault, shown
from initatlas.yaml_files import load_model, read_yaml


class Settings(Strict):
    """`config/config.yaml`: what holds for the whole workflow. Any key can be given as `--config key=value` too."""

    scale: Scale = Field(
        default="quick",
        description=(
            "`smoke` (under a minute, shows that everything runs), `quick` (minutes on 2 cores), "
            "`paper` (the papers' own settings)."
        ),
    )
    seed: int = Field(default=2018, ge=0, lt=2**63, strict=True, description="Root of all random streams.")
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
        min_length=1,
        description="Folder with the raw files of MNIST, Fashion-MNIST, CIFAR-10, photographs and speech.",
    )
    studies: list[str] = Field(
        default=[],
        description=(
            "The studies in the order of the page: ours by their names, one of yours by the dotted path of its package, whose "
            "last part is its name. Other files of sweeps need no study."
        ),
    )
    cluster: ClusterLimits = Field(
        default=ClusterLimits(),
        description=(
            "The most that one job of a cluster asks for (`workflow/profiles/slurm`). A sweep asks for what its estimates say, "
            "and for no more than the largest node has."
        ),
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
    warnings
        ``study/sweep`` to lines that say what is probably not meant, though it can run.
    backends
        ``study/sweep`` to the backend that the sweep asks for itself.
    explored
        ``study/sweep`` to the outputs that the report's explorer shows, for the marked sweeps of the studies that can run.
    studies
        The declarations of the studies by name, in the order of the page.
    unread
        Lines that name YAML files below `config` that nothing reads.
    """

    settings: Settings
    datasets: Mapping[str, DatasetSpec]
    downloads: tuple[str, ...]
    raw_files: Mapping[str, tuple[Path, ...]]
    sweeps: Mapping[str, Mapping[str, Sweep]]
    unavailable: Mapping[str, str]
    warnings: Mapping[str, tuple[str, ...]]
    backends: Mapping[str, str]
    explored: Mapping[str, tuple[str, ...]]
    studies: Mapping[str, Study]
    unread: tuple[str, ...] = ()

    @property
    def absent(self) -> dict[str, str]:
        """Data sets whose raw files are not here, with the command that brings them; without one they are put there by hand."""
        return {
            name: f"initatlas download {name}" if name in self.downloads else ""
            for name in self.raw_files
            if name not in self.datasets
        }

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
                f"there is no sweep {title!r}{did_you_mean(title, known)}; `initatlas sweep list` shows all"
            ) from None


def load_workflow(root: Path, overrides: Mapping[str, Any] | None = None) -> Workflow:
    """Read and check the whole config below `root`.

    Parameters
    ----------
    root
        Folder of the atlas: the one that holds `config`.
    overrides
        Keys given on the command line; they win over `config.yaml`.

    Raises
    ------
    UserError
        With one line for the first mistake found.
    """
    folder = root / "config"
    settings = load_settings(folder / "config.yaml", overrides or {})
    _check_raw_data(root, settings, overrides or {})
    studies = _load_studies(settings.studies, _source_of("studies", root, settings, overrides or {}))
    specs = load_datasets(folder / "datasets.yaml", settings.scale)
    raw_data = root / settings.raw_data
    raw_files = {name: tuple(required_files(spec, raw_data)) for name, spec in specs.items()}
    present = {name: spec for name, spec in specs.items() if files_present(spec, raw_data)}
    read = _load_sweeps(folder / "sweeps", _Surroundings(settings, studies, specs, present, raw_data))
    _check_products(studies, [*read.backends, *read.unavailable])
    for study in studies.values():
        _check_published(root, study)
    return Workflow(
        settings=settings,
        datasets=present,
        downloads=tuple(name for name, spec in specs.items() if _has_mirrors(spec)),
        raw_files=raw_files,
        sweeps=read.sweeps,
        unavailable=read.unavailable,
        warnings=read.warnings,
        backends=read.backends,
        explored=read.explored,
        studies=studies,
        unread=tuple(_unread(folder, studies)),
    )


def _unread(folder: Path, studies: Iterable[str]) -> Iterator[str]:
    """Which YAML files of the config nothing reads, and what to do with them."""
    sweeps, printed = folder / "sweeps", folder / "published"
    read = {folder / "config.yaml", folder / "datasets.yaml", *(printed / f"{study}.yaml" for study in studies)}
    for path in sorted(folder.rglob("*")):
        is_sweeps = path.parent == sweeps and path.suffix in _YAML
        if path.suffix.lower() in _YAML and path not in read and not is_sweeps:
            places = f"sweeps go into {sweeps}/<name>.yaml, data sets into {folder / 'datasets.yaml'}"
            mend = f"name its study in {folder / 'config.yaml'}" if path.parent == printed else places
            yield f"{path} is not read; {mend}"


_YAML = (".yaml", ".yml")


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


def _check_raw_data(root: Path, settings: Settings, overrides: Mapping[str, Any]) -> None:
    """A folder of raw files that the user names is there; the default one may be absent."""
    given = settings.raw_data
    if given == Settings.model_fields["raw_data"].default or is_folder(root / given):
        return
    source = _source_of("raw_data", root, settings, overrides)
    raise UserError(
        f"{source}: raw_data = {shown(given)}: there is no such folder; make it, or name the one that has the raw files"
    )


def _source_of(key: str, root: Path, settings: Settings, overrides: Mapping[str, Any]) -> str:
    """Where a key of the settings was given, for an error line."""
    path = root / "config" / "config.yaml"
    given = getattr(settings, key)
    return "--config" if overrides.get(key, given) != read_yaml(path).get(key, given) else str(path)


def _load_studies(names: Sequence[str], source: str) -> dict[str, Study]:
    """The declarations of some studies, all that they declare being there.

    Parameters
    ----------
    names
        As in `Settings`.
    source
        Where they were given, for an error line.
    """
    problems = []
    for number, name in enumerate(names):
        place = f"{source}: studies[{number}] = {shown(name)}"
        if not all(part.isidentifier() for part in name.split(".")):
            raise UserError(f"{place}: give the name of a study, or the dotted path of a package of yours")
        try:
            problems.append(load_study(name))
            gap = first_gap(problems[-1])
        except UserError as error:
            raise UserError(f"{place}: {error}") from None
        if gap:
            raise UserError(f"{place}: {gap}")
    check_names([study.key for study in problems], f"{source}: studies")
    return {study.key: study for study in problems}


def load_datasets(path: Path, scale: Scale) -> dict[str, DatasetSpec]:
    """Read `datasets.yaml`, if there is one; the ``scales`` of an entry change it at that scale. Every scale is checked."""
    entries = read_yaml(path) if path.exists() else {}
    check_names(entries, str(path))
    return {name: _dataset_at_scales(name, written, path)[scale] for name, written in entries.items()}


def _dataset_at_scales(name: str, written: Any, path: Path) -> dict[Scale, DatasetSpec]:
    """The spec of a data set at every scale."""
    if not isinstance(written, dict):
        raise UserError(f"{path}: {name} = {shown(written)}: expected a mapping with the key kind")
    overlays = written.get("scales", {})
    if not isinstance(overlays, dict) or not all(isinstance(keys, dict) for keys in overlays.values()):
        raise UserError(f"{path}: {name}.scales = {shown(overlays)}: give a mapping of scales to mappings of keys")
    scales: tuple[Scale, ...] = get_args(Scale)
    if unknown := sorted(set(overlays) - set(scales)):
        raise UserError(
            f"{path}: {name}.scales: unknown scale {unknown[0]!r}{did_you_mean(unknown[0], scales)}; allowed: {', '.join(scales)}"
        )
    entry = {key: value for key, value in written.items() if key != "scales"}
    return {scale: _dataset_spec(name, entry, scale, overlays.get(scale, {}), path) for scale in scales}


def _dataset_spec(
    name: str, entry: Mapping[str, Any], scale: Scale, overlay: Mapping[str, Any], path: Path
) -> DatasetSpec:
    """The spec of a data set under the overlay of a scale."""
    adapter = _dataset_adapter()
    try:
        return adapter.validate_python({**entry, **overlay})
    except ValidationError as error:
        changed = any(part in overlay for part in error.errors()[0]["loc"][:2])
        inside = f"{name}.scales.{scale}" if changed else name
        raise UserError(f"{path}: {first_fault(error, adapter.json_schema(), inside=inside)}") from None


@cache
def _dataset_adapter() -> TypeAdapter[DatasetSpec]:
    """What checks the entry of a data set."""
    return TypeAdapter(DatasetSpec)


@dataclass(frozen=True)
class _Surroundings:
    """What a sweep is read against: settings, studies, all data sets, those whose files are there, and where these are."""

    settings: Settings
    studies: Collection[str]
    specs: Mapping[str, DatasetSpec]
    present: Mapping[str, DatasetSpec]
    raw_data: Path


@dataclass(frozen=True)
class _Sweeps:
    """What the files of sweeps say; `Workflow` explains the attributes."""

    sweeps: dict[str, dict[str, Sweep]]
    unavailable: dict[str, str]
    warnings: dict[str, tuple[str, ...]]
    backends: dict[str, str]
    explored: dict[str, tuple[str, ...]]


class _UnavailableError(Exception):
    """A sweep that is written well and cannot run here."""


def _load_sweeps(folder: Path, here: _Surroundings) -> _Sweeps:
    """Read every file of `config/sweeps`, and check its sweeps at every scale."""
    sweeps = _Sweeps({}, {}, {}, {}, {})
    paths = sorted(path for suffix in _YAML for path in folder.glob(f"*{suffix}"))
    check_names((path.stem for path in paths), str(folder))
    for path in paths:
        study = load_model(path, StudyConfig)
        check_names(study.sweeps, f"{path}: sweeps")
        sweeps.sweeps[path.stem] = {}
        for name, written in study.sweeps.items():
            _add_sweep(sweeps, written, path.stem, name, here, f"{path}: sweeps.{name}")
    return sweeps


def _add_sweep(sweeps: _Sweeps, written: SweepConfig, study: str, name: str, here: _Surroundings, where: str) -> None:
    """Add a sweep to what was found, or the reason why it cannot run."""
    title = f"{study}/{name}"
    try:
        reader = _SweepReader(written, study, name, here, where)
        checked = reader.at_all_scales()
        sweeps.sweeps[study][name] = reader.runnable(checked)
    except _UnavailableError as reason:
        sweeps.unavailable[title] = str(reason)
        return
    sweeps.backends[title] = written.backend or here.settings.backend
    if reader.explored and study in here.studies:
        sweeps.explored[title] = reader.explored
    idle = set.intersection(*(set(Exclusions(sweep).idle()) for sweep in checked.values()))
    lines = [f"{where}.exclude[{number}] matches no point; is a value misspelt?" for number in sorted(idle)]
    if lines := [*lines, *reader.left_out(checked)]:
        sweeps.warnings[title] = tuple(lines)


class _SweepReader:
    """Resolves one sweep: at all scales as if every data set were there, and for the run with those that are.

    Raises
    ------
    UserError
        If the sweep is written wrongly at any scale.
    _UnavailableError
        If its experiment or its data sets are not there.
    """

    def __init__(self, written: SweepConfig, study: str, name: str, here: _Surroundings, where: str) -> None:
        self._study, self._name, self._here, self._where = study, name, here, where
        self._experiment = _experiment(written.experiment, where)
        self._usable = {name: spec for name, spec in here.present.items() if not self._lacking(name, here.raw_data)}
        self._config = self._with_device(written)
        self.explored = _explored(written, self._experiment, f"{where}.explore")

    def _with_device(self, config: SweepConfig) -> SweepConfig:
        """The device of the settings, where the experiment has one and the sweep does not say it."""
        given = config.fixed.keys() | config.axes.keys()
        if "device" not in self._experiment.parameters.model_fields or "device" in given:
            return config
        return config.model_copy(update={"fixed": {**config.fixed, "device": self._here.settings.device}})

    def _lacking(self, name: str, raw_data: Path | None) -> str:
        """What a data set lacks of what the experiment needs, with the files that are there, or with all of them (None)."""
        return self._experiment.data_needs.lacking(known_traits(self._here.specs[name], raw_data))

    def at_all_scales(self) -> dict[Scale, Sweep]:
        """The sweep at the scale of the settings and at all that change it, with all data sets that it may use."""
        config = self._with_datasets(self._here.specs)
        scales = [scale for scale in get_args(Scale) if scale in config.scales or scale == self._here.settings.scale]
        return {scale: self._resolved(config, scale) for scale in scales}

    def runnable(self, checked: Mapping[Scale, Sweep]) -> Sweep:
        """The sweep at the scale of the settings, with the data sets that are there."""
        scale = self._here.settings.scale
        sweep = checked[scale]
        if all(name in self._usable for name in sweep.datasets):
            return sweep
        config = self._with_datasets(self._usable)
        overlay = config.scales.get(scale, ScaleOverlay())
        if {**config.axes, **overlay.axes}.get("dataset") == []:
            raise _UnavailableError(f"{self._where}: {self._absent(sweep.datasets)}")
        try:
            narrowed = self._resolved(config, scale)
        except UserError as error:
            raise _UnavailableError(str(error)) from None
        if absent := [name for name in narrowed.datasets if name not in self._usable]:
            raise _UnavailableError(f"{self._where}: {self._absent(absent)}")
        return narrowed

    def _absent(self, names: Sequence[str]) -> str:
        """Why data sets cannot be used here, and what can be done."""
        parts = (name for name in names if name in self._here.present and name not in self._usable)
        part = next(parts, None)
        return _absent(names, self._here) if part is None else f"data set {part!r} is not whole: {self._mend(part)}"

    def _mend(self, name: str) -> str:
        """What a data set lacks whose files are there in part, and how to get the others."""
        folder = self._here.settings.raw_data
        return f"{self._lacking(name, self._here.raw_data)}; put its files into {folder}{_download([name], self._here)}"

    def left_out(self, checked: Mapping[Scale, Sweep]) -> list[str]:
        """Data sets that the sweep asks for if they are there, and that are there in part."""
        asked = checked[self._here.settings.scale].datasets
        parts = [name for name in asked if name in self._here.present and name not in self._usable]
        return [f"{self._where}: data set {name!r} is left out: {self._mend(name)}" for name in parts]

    def _resolved(self, config: SweepConfig, scale: Scale) -> Sweep:
        """The sweep at a scale."""
        sweep = resolve(
            config,
            study=self._study,
            name=self._name,
            scale=scale,
            root_seed=self._here.settings.seed,
            experiment=self._experiment,
            where=self._where,
            datasets=self._here.specs,
        )
        for name in sweep.datasets:
            if reason := unfit(sweep, self._experiment, name, known_traits(self._here.specs[name], None)):
                raise UserError(f"{self._where}: dataset = {name!r}: {reason}")
        return sweep

    def _with_datasets(self, kept: Mapping[str, DatasetSpec]) -> SweepConfig:
        """The sweep with a list in the place of ``{available: [...]}``, in its axes and in its overlays."""

        def listed(axes: Mapping[str, Any], place: str) -> dict[str, Any]:
            return {
                key: _available(value["available"], self._here.specs, kept, f"{place}.axes.{key}.available")
                if isinstance(value, dict) and set(value) == {"available"}
                else value
                for key, value in axes.items()
            }

        scales = {
            key: scale.model_copy(update={"axes": listed(scale.axes, f"{self._where}.scales.{key}")})
            for key, scale in self._config.scales.items()
        }
        return self._config.model_copy(update={"axes": listed(self._config.axes, self._where), "scales": scales})


def _explored(written: SweepConfig, experiment: Experiment, where: str) -> tuple[str, ...]:
    """The outputs that the report's explorer shows of a sweep; none if it is not marked for it."""
    known = [output.name for output in experiment.outputs]
    if isinstance(written.explore, bool):
        return tuple(known) if written.explore else ()
    if not written.explore:
        raise UserError(f"{where} is empty; name outputs, or give true for all: {', '.join(known)}")
    for number, name in enumerate(written.explore):
        if name not in known:
            raise UserError(
                f"{where}[{number}] = {shown(name)}: {written.experiment} has no such output{did_you_mean(name, known)}; "
                f"it has: {', '.join(known)}"
            )
        if name in written.explore[:number]:
            raise UserError(f"{where}[{number}] = {shown(name)} is there twice; remove one")
    return tuple(written.explore)


def _experiment(name: str, where: str) -> Experiment:
    """The experiment of a sweep: a module of the user's may be missing here, one of ours is misspelt."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise UserError(
            f"{where}.experiment = {shown(name)}: give the name of an experiment, or the dotted path of a module of yours"
        )
    try:
        return load_experiment(name)
    except UserError as error:
        kind = _UnavailableError if "." in name else UserError
        raise kind(f"{where}.experiment: {error}") from None
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise _UnavailableError(f"{where}.experiment: {name} cannot be imported ({reason}); mend that module") from None


def _absent(names: Sequence[str], here: _Surroundings) -> str:
    """Which data sets have no files here, and what can be done."""
    listed = ", ".join(repr(name) for name in names)
    word = "data set" if len(names) == 1 else "data sets"
    return f"the files of {word} {listed} are not in {here.settings.raw_data}; put them there{_download(names, here)}"


def _download(names: Sequence[str], here: _Surroundings) -> str:
    """How to get the first data set that can be downloaded."""
    downloads = [name for name in names if _has_mirrors(here.specs[name])]
    return f", or run: initatlas download {downloads[0]}" if downloads else ""


def _available(names: Any, specs: Mapping[str, DatasetSpec], kept: Mapping[str, DatasetSpec], where: str) -> list[str]:
    """Those of some data sets that are kept; a name that no data set has is a mistake."""
    if not isinstance(names, list):
        raise UserError(f"{where} = {shown(names)}: give a list of data sets")
    for number, name in enumerate(names):
        if not isinstance(name, str) or name not in specs:
            raise UserError(
                f"{where}[{number}] = {shown(name)}: there is no such data set{did_you_mean(name, specs)}; "
                f"config/datasets.yaml has: {', '.join(specs)}"
            )
    return [name for name in names if name in kept]


def _has_mirrors(spec: DatasetSpec) -> bool:
    """Whether the raw files of a data set can be downloaded."""
    return isinstance(spec, IdxSpec | CifarSpec) and bool(spec.mirrors)


def _check_products(studies: Mapping[str, Study], titles: Collection[str]) -> None:
    """Every cube that a product reads has a sweep, even if that cannot run here."""
    for study in studies.values():
        check_names([*study.figures, *study.tables], f"{study.package}: figures and tables")
        for product, names in [*study.figures.items(), *study.tables.items(), ("claims", study.claims)]:
            for title in cube_titles(study.key, names):
                if title not in titles:
                    owner, _, name = title.partition("/")
                    raise UserError(
                        f"config/sweeps/{owner}.yaml: sweeps.{name} is missing; {product} of study {study.key} is read from it"
                    )


def load_published(root: Path, study: str) -> PublishedStudy:
    """What the paper of a study printed."""
    return load_model(root / published(study), PublishedStudy)


def _check_published(root: Path, study: Study) -> None:
    """What was printed: every claim stands beside a product, if it says so, and is measured; key claims are there."""
    path, claims = root / published(study.key), load_published(root, study.key).claims
    products = [*study.figures, *study.tables]
    for name, claim in claims.items():
        if claim.product and claim.product not in products:
            raise UserError(
                f"{path}: claims.{name}.product = {claim.product!r}: there is no such figure or table"
                f"{did_you_mean(claim.product, products)}; {study.package} declares: {', '.join(products) or 'none'}"
            )
    for name in study.key_claims:
        if name not in claims:
            raise UserError(f"{path}: claims: {name} is in key_claims of {study.package}{did_you_mean(name, claims)}")
    listed = listed_claims(study)
    unpaired = sorted(claims.keys() ^ listed) if listed is not None else []
    if unpaired:
        name, *others = unpaired
        lacking = (
            f"is not in CLAIMS of {study.package}.claims" if name in claims else "is measured and not published here"
        )
        raise UserError(f"{path}: claims: {name} {lacking}{did_you_mean(name, others)}")
