"""`initatlas reproduce --from ARCHIVE`: compute again what a claim reads, from the config of an archive, and compare."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from initatlas.archive.catalogue import CATALOGUE, sha256
from initatlas.archive.comparison import Comparison, compare_claims, compare_cubes, spec_differences
from initatlas.archive.reading import Archive
from initatlas.commands.claims import reproduce, whole_claim
from initatlas.commands.run import find_snakefile
from initatlas.config import Workflow, load_settings, load_workflow
from initatlas.cubes import environments, open_placed_cube
from initatlas.errors import UserError
from initatlas.files import make_folder
from initatlas.layout import DATA, POINTS, SETTINGS, Layout
from initatlas.names import did_you_mean
from initatlas.runs import import_from_here
from initatlas.studies.claim import Claim
from initatlas.sweeps.environment import mixture

REPRODUCED = DATA / "reproduced"
"""Where archives are computed again, each in a folder of its own: no stored point of the atlas is read."""


class Reproduction:
    """An archive that is computed again; a context in whose folder everything runs.

    Of the archive the config is taken, with code of the user's own that it names; the rest is for the comparison. The folder is
    kept while the work is not finished: the same command then goes on from there.

    Parameters
    ----------
    place
        The archive.
    overrides
        What the command line says in the place of the config.
    snakefile
        As `run_workflow`.

    Raises
    ------
    UserError
        If there is no archive, or the command line asks for another scale.
    """

    def __init__(self, place: Path, overrides: Mapping[str, str], *, snakefile: Path | None) -> None:
        self._archive = Archive(place.absolute())
        scale = self._archive.catalogue.scale
        if overrides.get("scale", scale) != scale:
            raise UserError(f"--scale {overrides['scale']}: {place} is of scale {scale}; leave --scale out")
        raw_data = Path(overrides.get("raw_data", load_settings(SETTINGS, {}).raw_data)).absolute()
        self.options: dict[str, Any] = {
            "scale": scale,
            "raw_data": str(raw_data) if raw_data.is_dir() or "raw_data" in overrides else "data/raw",
            "snakefile": find_snakefile(snakefile).absolute(),
        }
        self._before = Path.cwd()
        self.folder = (REPRODUCED / f"{self._archive.catalogue.name}-{self._identity()}").absolute()

    def _identity(self) -> str:
        """A name for what the archive holds."""
        return sha256(json.dumps(self._archive.catalogue.files, sort_keys=True).encode())[:12]

    def __enter__(self) -> "Reproduction":
        for name in self._archive.catalogue.config:
            make_folder((self.folder / name).parent)
            (self.folder / name).write_bytes(self._archive.read(name))
        os.chdir(self.folder)
        import_from_here()
        return self

    def __exit__(self, *error: object) -> None:
        os.chdir(self._before)

    def run(self, title: str, overrides: Mapping[str, str], *, make: Callable[[str], int]) -> tuple[str, bool]:
        """Compute what a claim reads, and compare the cubes and the claim with those of the archive.

        Parameters
        ----------
        title, overrides, make
            As `initatlas.commands.claims.reproduce`.

        Returns
        -------
        text : str
            The claim, a line per cube, one for the claim, what else differs, and ``equal`` or ``not equal``.
        equal : bool
            Whether all values of all cubes that the claim reads have the same bits, and the claim came out the same.

        Raises
        ------
        UserError
            If there is no such claim in the archive, or this code, or the data that are here, would compute something else.
        """
        archived = self._archive.claims()
        if title not in archived:
            raise UserError(f"{self._archive.path} has no claim {title!r}{did_you_mean(title, archived)}")
        workflow = load_workflow(Path(), overrides)
        read: list[str] = []

        def checked(sweep: str) -> int:
            _refuse_other_spec(self._archive, workflow, sweep)
            read.append(sweep)
            return make(sweep)

        claim = reproduce(title, overrides, make=checked)
        text, equal = self._compared(archived[title], claim, read)
        self._tidy(equal=equal)
        return "\n".join([whole_claim(claim), "", *text]), equal

    def _compared(self, archived: Claim, claim: Claim, read: list[str]) -> tuple[list[str], bool]:
        """The comparison in lines, and whether everything is equal."""
        layout = Layout(self._archive.catalogue.scale)
        lines, apart, equal = [f"compared with {self._archive.path}"], [], True
        for title in read:
            there, here = self._archive[title], open_placed_cube(layout.cube(title), title)
            comparison = compare_cubes(there, here)
            lines += [*_cube_lines(title, comparison)]
            equal = equal and not comparison.differences
            apart += [*_versions(title, there.attrs, here.attrs)]
            differs = mixture([*environments(there), *environments(here)])
            apart += [f"{title}: {differs}"] if differs else []
        differences = compare_claims(archived, claim)
        lines += [f"  ledger line: {'; '.join(differences) or 'equal'}", *(f"  {line}" for line in apart)]
        equal = equal and not differences
        return [*lines, "equal" if equal else "not equal"], equal

    def _tidy(self, *, equal: bool) -> None:
        """Leave nothing, or the cubes that differ; in either case the next time everything is computed again."""
        if equal:
            shutil.rmtree(self.folder, ignore_errors=True)
            with suppress(OSError):  # others are at work there
                self.folder.parent.rmdir()
        else:
            shutil.rmtree(self.folder / POINTS, ignore_errors=True)
            shutil.rmtree(self.folder / ".snakemake", ignore_errors=True)


def _refuse_other_spec(archive: Archive, workflow: Workflow, title: str) -> None:
    """Refuse to compute another sweep than that of the archive."""
    here = workflow.sweep(title).model_dump_json()
    there = archive[title].attrs["spec"]
    if differing := spec_differences(there, here):
        raise UserError(
            f"{title} would be another sweep here than in the archive; what differs: {', '.join(differing)}. "
            f"Give the data that it was computed from (--raw-data), or take the commit that {CATALOGUE} names"
        )


def _cube_lines(title: str, comparison: Comparison) -> Iterator[str]:
    """What came out for a cube."""
    if not comparison.differences:
        yield f"  {title}: equal, {comparison.values} values in {comparison.arrays} arrays, bit for bit"
    else:
        yield f"  {title}: {len(comparison.differences)} of {comparison.arrays} arrays differ"
        yield from (f"    {line}" for line in comparison.differences)


def _versions(title: str, there: Mapping[str, str], here: Mapping[str, str]) -> Iterator[str]:
    """What computed a cube then and now, where it is not the same."""
    if there["code_version"] != here["code_version"]:
        commits = [attributes["commit"][:12] or "no commit" for attributes in (there, here)]
        yield f"{title}: other code, {commits[0]} in the archive, {commits[1]} here"
    packages = [json.loads(attributes["packages"]) for attributes in (there, here)]
    for name in dict.fromkeys(key for versions in packages for key in versions):
        versions = [str(versions.get(name, "none")) for versions in packages]
        if versions[0] != versions[1]:
            yield f"{title}: {name} {versions[0]} in the archive, {versions[1]} here"
    data = [json.loads(attributes["datasets"]) for attributes in (there, here)]
    for name in sorted(data[0]):
        if data[0][name] != data[1].get(name):
            yield f"{title}: data set {name} has another content"
