"""What was archived is read from a folder and from a zip file, and what has changed is refused."""

import zipfile

import numpy as np
import pytest
import xarray as xr

import initatlas
from initatlas.archive.catalogue import CATALOGUE, Catalogue, CubeRecord, catalogue_to_json, sha256
from initatlas.archive.folders import publish_zip
from initatlas.archive.reading import open_archive
from initatlas.cubes import open_cube
from initatlas.errors import UserError

PLACE = "data/cubes/smoke/own2020/trial.nc"


@pytest.fixture
def folder(tmp_path):
    """An archive of one cube."""
    folder = tmp_path / "archive"
    (folder / PLACE).parent.mkdir(parents=True)
    values = xr.DataArray(np.array([[0.1, np.nan]]), dims=("width", "seed"), coords={"width": [8]})
    xr.Dataset({"loss": values}, attrs={"title": "own2020/trial"}).to_netcdf(folder / PLACE, engine="netcdf4")
    record = CubeRecord(
        path=PLACE,
        spec="specs/sweeps/own2020/trial.json",
        summary="A trial.",
        experiment="trial",
        dimensions={"width": 1, "seed": 2},
        outputs={"loss": "1"},
        code_version="c" * 64,
        datasets={},
        packages={},
        commit="",
        created="2026-11-29T07:10:37+00:00",
    )
    catalogue = Catalogue(
        name="initatlas-smoke",
        scale="smoke",
        studies=["own2020"],
        narrowed=False,
        package_version="0.1.0",
        commit="",
        packages={},
        ledger="reports/smoke/claims.json",
        page="reports/index.html",
        cubes={"own2020/trial": record},
        config=[],
        files={PLACE: sha256((folder / PLACE).read_bytes())},
    )
    (folder / CATALOGUE).write_text(catalogue_to_json(catalogue))
    return folder


@pytest.fixture(params=["folder", "zip"])
def place(request, folder):
    """The archive in both forms."""
    if request.param == "folder":
        return folder
    publish_zip(folder, folder.with_suffix(".zip"))
    return folder.with_suffix(".zip")


def test_every_cube_is_there_by_its_title(folder, place):
    archive = initatlas.open_archive(place)
    assert [*archive] == ["own2020/trial"]
    assert len(archive) == 1
    assert archive.catalogue.cubes["own2020/trial"].dimensions == {"width": 1, "seed": 2}
    assert archive["own2020/trial"].identical(open_cube(folder / PLACE))


def test_an_unknown_cube_comes_with_the_nearest(place):
    archive = open_archive(place)
    assert "own2020/tryal" not in archive
    assert archive.get("own2020/tryal") is None
    with pytest.raises(KeyError, match="did you mean 'own2020/trial'"):
        archive["own2020/tryal"]


def test_a_file_that_has_changed_is_refused(folder):
    content = bytearray((folder / PLACE).read_bytes())
    content[-1] ^= 1
    (folder / PLACE).write_bytes(content)
    with pytest.raises(UserError, match=rf"{PLACE} is not what the archive was written with; get the archive again"):
        open_archive(folder)["own2020/trial"]


def test_a_file_that_the_catalogue_does_not_name_is_refused(folder):
    (folder / "more.txt").write_text("more")
    with pytest.raises(UserError, match=r"more\.txt is not what the archive was written with"):
        open_archive(folder).read("more.txt")


def test_a_missing_file_is_one_line(folder):
    (folder / PLACE).unlink()
    with pytest.raises(UserError, match=r"archive: no archive \(No such file or directory\)"):
        open_archive(folder)["own2020/trial"]


@pytest.mark.parametrize("kind", ["nothing", "empty folder", "no zip", "other zip", "other json", "newer"])
def test_what_is_no_archive_is_one_line(folder, tmp_path, kind):
    place = tmp_path / "other"
    if kind == "empty folder":
        place.mkdir()
    elif kind == "no zip":
        place.write_text("words")
    elif kind == "other zip":
        with zipfile.ZipFile(place, "w") as packed:
            packed.writestr("a.txt", "a")
    elif kind in ("other json", "newer"):
        place.mkdir()
        text = (folder / CATALOGUE).read_text().replace('"schema": 1', '"schema": 2') if kind == "newer" else "[]"
        (place / CATALOGUE).write_text(text)
    with pytest.raises(
        UserError, match=r"^\S+/other: no (archive|catalogue of an archive) \(.*\); name a folder"
    ) as error:
        open_archive(place)
    assert "\n" not in str(error.value)
