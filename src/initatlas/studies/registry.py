"""Find a study by the name that the config gives it, and see that all that it declares is there.

Nothing of a study but its declaration is imported for it: functions are looked for in the syntax of its modules.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from initatlas.errors import UserError
from initatlas.names import PLACE_FOR_MODULES, did_you_mean
from initatlas.provenance import import_closure, source_file, syntax_tree, top_level_names
from initatlas.studies.product import Study
from initatlas.texts import read_text


def study_package(name: str) -> str:
    """The package of a study: a bare name is one of ours, a dotted one is a package of the user's."""
    return name if "." in name else f"initatlas.studies.{name}"


def own_studies() -> list[str]:
    """Names of the studies of this package."""
    return [module.name for module in iter_modules(import_module("initatlas.studies").__path__) if module.ispkg]


@cache
def load_study(name: str) -> Study:
    """Import the package of a study and return its ``STUDY``.

    Raises
    ------
    UserError
        If there is no such package, it cannot be imported, or what it declares is no study.
    """
    package = study_package(name)
    try:
        module = import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or not package.startswith(error.name):
            raise UserError(f"{package} cannot be imported: it needs {error.name}, which is not there") from None
        raise UserError(f"there is no package {package}{_mend(name)}") from None
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UserError(f"{package} cannot be imported ({reason}); mend it") from None
    study = getattr(module, "STUDY", None)
    if not isinstance(study, Study) or study.package != package:
        raise UserError(f"{module.__file__ or package}: must define STUDY = Study(package=__name__, ...)")
    if slip := next(_slips(study), ""):
        raise UserError(f"{module.__file__}: STUDY: {slip}")
    return study


def _mend(name: str) -> str:
    """What to do where a package is not found."""
    if "." in name:
        return f"; {PLACE_FOR_MODULES}"
    known = own_studies()
    return f"{did_you_mean(name, known)}; ours are {', '.join(known)}, one of yours is named by its dotted path"


def _slips(study: Study) -> Iterator[str]:
    """Values of the wrong kind, which Python does not refuse."""
    for key in ("title", "citation", "link", "summary", "says", "headline"):
        if not isinstance(getattr(study, key), str):
            yield f"{key} = {getattr(study, key)!r}: give a text"
    for key in ("figures", "tables"):
        products = getattr(study, key)
        if not isinstance(products, Mapping):
            yield f"{key} = {products!r}: give a mapping of products to the sweeps that they are read from"
            return
        for name, sweeps in products.items():
            yield from _no_tuple(f"{key}[{name!r}]", sweeps)
    yield from _no_tuple("claims", study.claims)
    yield from _no_tuple("key_claims", study.key_claims, "claims")
    if study.headline and study.headline not in study.figures:
        yield f"headline = {study.headline!r}: name one of its figures"


def _no_tuple(place: str, names: object, kind: str = "sweeps") -> Iterator[str]:
    """A text stands easily where a tuple of one text was meant."""
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        yield f'{place} = {names!r}: give a tuple of names of {kind}, such as ("name",)'


def first_gap(study: Study) -> str:
    """The first thing that a study declares and does not have, in one line with the mend; empty if all is there.

    Raises
    ------
    UserError
        If one of its modules is no Python.
    """
    return next(_gaps(study), "")


def _gaps(study: Study) -> Iterator[str]:
    """Functions and captions that are missing."""
    for kind in ("figures", "tables"):
        for name in getattr(study, kind):
            yield from _undefined(f"{study.package}.{kind}", name, f"def {name}(evidence)")
            yield from _no_caption(study, name)
    yield from _undefined(f"{study.package}.claims", "CLAIMS", "CLAIMS = {claim: function of the evidence}")
    if study.package != study_package(study.key):  # what a study of the user's imports is Python too
        modules = [kind for kind in ("figures", "tables") if getattr(study, kind)]
        for module in (*modules, "claims"):
            import_closure(f"{study.package}.{module}")


def listed_claims(study: Study) -> frozenset[str] | None:
    """The claims that a study measures, where its ``CLAIMS`` is a dictionary of written names; None if it is put together.

    Raises
    ------
    UserError
        If the module is no Python.
    """
    for node in syntax_tree(f"{study.package}.claims").body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        named = any(isinstance(target, ast.Name) and target.id == "CLAIMS" for target in targets)
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if named and isinstance(value, ast.Dict):
            keys = [key.value for key in value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
            return frozenset(keys) if len(keys) == len(value.keys) else None
    return None


def _undefined(module: str, name: str, wanted: str) -> Iterator[str]:
    """A module that does not define a name."""
    try:
        defined = top_level_names(module)
    except ModuleNotFoundError:
        yield f"there is no module {module}; write it, with {wanted}"
        return
    if not defined & {name, "*"}:
        yield f"{source_file(module)}: {name} is missing; write {wanted}"


def _no_caption(study: Study, product: str) -> Iterator[str]:
    """A product without a caption."""
    path = study.captions / f"{product}.rst"
    if not path.is_file() or not read_text(path).strip():
        yield f"{path}: the caption of {product} is missing; say there in a sentence or two what it shows"
