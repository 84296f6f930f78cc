"""Write the reference of the config from its models: `config/README.md` and the JSON schemas in `config/schema/`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from initatlas.activations.base import ACTIVATIONS
from initatlas.config import Settings, StudyConfig
from initatlas.datasets import sphere, univariate
from initatlas.datasets.kinds import SPECS, DatasetSpec
from initatlas.files import write_text
from initatlas.studies.claim import Published, PublishedStudy
from initatlas.sweeps.experiment import Experiment
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.spec import ScaleOverlay, SweepConfig
from initatlas.vocabulary import Vocabulary
from initatlas.weights.base import WEIGHTS

EXPERIMENTS = (
    "forward_kernel",
    "normalised_kernel",
    "signal_norms",
    "many_inputs",
    "product_law",
    "largest_coordinate",
    "weight_integral",
    "smoothness",
    "known_smoothness",
    "train_mlp",
    "training_records",
    "train_univariate",
    "trained_weights",
    "training_boundary",
    "two_point_fit",
    "breakpoint_changes",
    "breakpoint_density",
    "breakpoint_travel",
    "unit_laws",
    "initial_roughness",
    "lonely_partition",
    "partition_count",
    "flow_laws",
    "segment_function",
    "critical_points",
    "depth_scale",
    "sphere_spectrum",
    "gram_spectrum",
    "dual_activation",
    "replication",
    "random_features",
    "extreme_learning",
    "wide_regression",
    "kernel_flow",
    "ntk_regression",
    "kernel_interpolation",
    "printed_kernel",
)

_HEAD = """\
# The config

This page and the JSON schemas in `schema/` are generated from the models in `src/initatlas` by `make reference`; a test keeps
them in step. An unknown key, a wrong type, an empty or doubled value, parameters that contradict each other: each stops
everything with one line before anything runs, at whatever scale it is written. `initatlas config check` reads it all, and
warns of what is probably not meant: an exclusion that matches no point, a batch beyond the memory of this machine.

- Names of studies, sweeps and data sets: letters (a-z), digits and `_`, a letter first, at most 60 characters; no two that differ
  in case alone; none that the workflow uses itself, such as `all` or `page`.
- Numbers are decimal and finite, and nothing is read otherwise than it is written: what YAML would take for octal, base 60, a
  date or a truth (`010`, `1:30`, `2024-01-01`, `yes`) is refused; quote it where it is a text.
- A sweep has at most 1000000 points.
- A sweep whose data set has no files here, or whose experiment is a module that cannot be imported, is no mistake: it fails for
  who asks for it alone.

| file | holds |
|---|---|
| `config.yaml` | what holds for the whole workflow |
| `datasets.yaml` | the data sets |
| `sweeps/<study>.yaml` | the sweeps of a study; any file here makes targets: `snakemake <study>/<sweep>` |
| `published/<study>.yaml` | what the paper of a study printed |
"""


def write_reference(folder: Path) -> None:
    """Write `README.md` and `schema/*.json` into the config folder."""
    for name, text in reference_files().items():
        write_text(folder / name, text)


def reference_files() -> dict[str, str]:
    """The generated files by their path in the config folder."""
    datasets: TypeAdapter[Any] = TypeAdapter(dict[str, DatasetSpec])
    schemas = {
        "config": Settings.model_json_schema(),
        "datasets": datasets.json_schema(),
        "sweeps": StudyConfig.model_json_schema(),
        "published": PublishedStudy.model_json_schema(),
    }
    files = {f"schema/{name}.json": json.dumps(schema, indent=2) + "\n" for name, schema in schemas.items()}
    return {"README.md": "\n".join(_reference()), **files}


def _reference() -> Iterator[str]:
    """The lines of the page."""
    yield _HEAD
    yield "## config.yaml\n"
    yield from _model_table(Settings)
    yield "## datasets.yaml\n"
    yield "A data set's name, then its keys by `kind`. `scales: {smoke: {...}, paper: {...}}` changes keys at a scale.\n"
    for spec in SPECS:
        yield f"### kind: {spec.model_fields['kind'].default}\n"
        yield from _model_table(spec)
    for title, targets in (("univariate", univariate.TARGETS), ("sphere", sphere.TARGETS)):
        yield f"### target of kind: {title}\n"
        for target in targets:
            yield from _model_table(target)
    yield "## sweeps/&lt;study&gt;.yaml\n"
    yield "`sweeps:` maps the name of each sweep to these keys.\n"
    yield from _model_table(SweepConfig)
    yield "### scales\n"
    yield from _model_table(ScaleOverlay)
    yield "## published/&lt;study&gt;.yaml\n"
    yield "`claims:` maps the name of each claim to these keys.\n"
    yield from _model_table(Published)
    yield "## Labels\n"
    yield from _vocabulary_table("weight distribution", WEIGHTS)
    yield from _vocabulary_table("activation", ACTIVATIONS)
    yield "## Experiments\n"
    for name in EXPERIMENTS:
        yield from _experiment(name, load_experiment(name))


def _model_table(model: type[BaseModel]) -> Iterator[str]:
    """Key, type, default and description of every field."""
    yield from _table(
        ("key", "type", "default", "description"),
        (
            (f"`{name}`", _type_name(model, name), _default(field), field.description or "")
            for name, field in model.model_fields.items()
        ),
    )


def _type_name(model: type[BaseModel], name: str) -> str:
    """Type of a field in the words of its JSON schema."""
    schema = model.model_json_schema()
    return _schema_type(schema["properties"][name], schema.get("$defs", {}))


def _schema_type(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Type that a JSON schema describes, with its bounds."""
    if "$ref" in schema:
        return _schema_type(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "enum" in schema:
        return " \\| ".join(f"`{value}`" for value in schema["enum"])
    if "oneOf" in schema:
        return "mapping"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema:
        return " \\| ".join(_schema_type(option, definitions) for option in schema["anyOf"])
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {_schema_type(schema['items'], definitions)}"
    words = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    bounds = " and ".join(f"{word} {schema[key]:g}" for key, word in words.items() if key in schema)
    kind = {"object": "mapping", "null": "none"}.get(schema.get("type", "any"), schema.get("type", "any"))
    return f"{kind} {bounds}".strip()


def _default(field: FieldInfo) -> str:
    """Default of a field."""
    if field.is_required():
        return "required"
    default = field.default
    plain = default.model_dump() if isinstance(default, BaseModel) else default
    return f"`{json.dumps(plain)}`"


def _vocabulary_table(kind: str, vocabulary: Vocabulary) -> Iterator[str]:
    """The names of one kind with their parameters."""
    rows = (
        (f"`{name}`", ", ".join(f"`{key}` in {bounds}" for key, bounds in entries.bounds.items()) or "none")
        for name, entries in vocabulary.items()
    )
    yield from _table((kind, "parameters"), rows)


def _experiment(name: str, experiment: Experiment) -> Iterator[str]:
    """Parameters and outputs of an experiment."""
    yield f"### {name}\n"
    yield f"{experiment.summary}\n"
    yield from _model_table(experiment.parameters)
    rows = (
        (f"`{output.name}`", ", ".join(output.dims) or "none", output.units, output.long_name)
        for output in experiment.outputs
    )
    yield from _table(("output", "inner dimensions", "units", "meaning"), rows)


def _table(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A Markdown table."""
    names = list(headers)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(' '.join(cell.split()) for cell in row)} |"
    yield ""
