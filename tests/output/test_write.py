"""Catalogs and maps out and back: nothing is lost, and no file is half written."""

import sys
import tomllib
import warnings
from datetime import datetime

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable
from astropy.wcs import WCS

from skyshed import Parameters, SegmentationImage
from skyshed.exceptions import ImageWarning
from skyshed.images import open_image
from skyshed.output.catalog_parts import stream_catalog
from skyshed.output.catalogs import read_catalog, write_catalog
from skyshed.output.results import COMBINATION, FORMATS, MAPS, RESULTS
from skyshed.output.run_record import run_record
from skyshed.output.segmentation_map import write_map
from skyshed.output.table_parts import to_plain
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import PlainWCS, dtype_of, make_field, make_wcs, same_tables


def write_labels(segmentation, path, parameters, record, wcs=None, **options):
    """Write a segmentation image as an extraction does."""
    shape, n = segmentation.shape, segmentation.nlabels
    write_map(segmentation.read, shape, path, n, parameters, record, wcs, **options)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("which", ["rich", "plain", "empty"])
def test_a_catalog_comes_back_with_everything(tmp_path, request, which, format):
    found = request.getfixturevalue(which)
    path = tmp_path / f"catalog.{format}"
    write_catalog(found.table, path, found.parameters, found.record, format)
    back = read_catalog(path)
    assert same_tables(back, found.table)
    for name in found.table.colnames:
        mine, theirs = found.table[name], back[name]
        assert getattr(mine, "unit", None) == getattr(theirs, "unit", None), name
        assert mine.info.description == theirs.info.description, name
        if which != "empty":  # a text without rows has no width
            assert dtype_of(mine) == dtype_of(theirs), name
    assert Parameters(**back.meta["parameters"]) == found.parameters
    assert back.meta["record"] == found.record
    assert {"skyshed", "numpy", "astropy", "date", "input"} <= set(back.meta["record"])


@pytest.mark.parametrize("format", FORMATS)
def test_every_column_comes_back(tmp_path, every, format):
    path = tmp_path / f"catalog.{format}"
    # astropy cannot read ECSV of arrays without rows.
    for table in (every, every[:0])[: 1 if format == "ecsv" else 2]:
        write_catalog(table, path, Parameters(), {}, format)
        back = read_catalog(path)
        assert same_tables(back, table)
        assert [back[name].shape for name in back.colnames] == [
            table[name].shape for name in table.colnames
        ]


@pytest.mark.parametrize("format", FORMATS)
def test_every_parameter_survives_in_every_format(tmp_path, plain, format):
    odd = Parameters(
        box_size=(32, 48), mask_bits="0,3-5", clip_maxiters=None, fluxfrac_radii=(0.1, 1 / 3),
        columns=("label", "kron_flux"), designation="A 'one' \"two\" Jhhmmss+ddmmss",
        zero_point=1e-30, deblend=False, n_threads=2,
    )  # fmt: skip
    path = tmp_path / f"catalog.{format}"
    record = {"input": '/données/c\\d"é.fits'}
    write_catalog(plain.table, path, odd, record, format)
    assert Parameters(**read_catalog(path).meta["parameters"]) == odd
    assert read_catalog(path).meta["record"] == record


def test_positions_on_the_sky_come_back_as_coordinates(tmp_path, rich):
    for path in rich.write(tmp_path, preview=False):
        if path.name == "catalog.fits":
            sky = read_catalog(path)["sky_centroid"]
    assert isinstance(sky, SkyCoord)
    assert sky.separation(rich.table["sky_centroid"]).arcsec.max() == 0


def test_a_wcs_that_fits_no_header_is_left_out_of_the_map_with_a_warning(tmp_path, plain):
    options = (plain.parameters, plain.record, PlainWCS())
    with pytest.warns(ImageWarning, match="map.fits is written without a WCS, .* tests.PlainWCS"):
        write_labels(plain.segmentation, tmp_path / "map.fits", *options)
    with fits.open(tmp_path / "map.fits") as hdus:
        assert "CTYPE1" not in hdus[0].header
        assert np.array_equal(hdus[0].data, plain.segmentation.data)


def test_the_fits_catalog_is_plain_to_other_readers(tmp_path, rich):
    path = tmp_path / "catalog.fits"
    write_catalog(rich.table, path, rich.parameters, rich.record)
    with fits.open(path) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "CATALOG", "PARAMETERS", "RECORD"]
        hdus.verify("exception")
        assert hdus[0].header["CREATOR"].startswith("skyshed ")
        columns = hdus["CATALOG"].columns
        assert columns["kron_flux"].unit == "nJy"
        assert {"sky_centroid.ra", "sky_centroid.dec"} <= set(columns.names)
        rows = {row["name"]: row["value"] for row in hdus["PARAMETERS"].data}
    assert rows["nsigma"] == "1.5"
    assert rows["filter_threshold"] == "null"


@pytest.mark.parametrize("compress", [False, True])
def test_a_segmentation_image_comes_back_with_its_wcs(tmp_path, rich, compress):
    path = tmp_path / "segmentation.fits"
    write_labels(rich.segmentation, path, rich.parameters, rich.record, rich.wcs, compress=compress)
    with fits.open(path) as hdus:
        hdu = hdus["SEGMENTATION" if compress else 0]
        labels, header = hdu.data, hdu.header
        assert hdu.header["BITPIX"] == 32
        assert header["NLABELS"] == rich.segmentation.nlabels
        assert len(hdus["PARAMETERS"].data) == len(rich.parameters.to_dict())
        assert np.array_equal(labels, rich.segmentation.data)
    wcs = WCS(header)
    assert wcs.pixel_to_world(5, 9).separation(make_wcs().pixel_to_world(5, 9)).arcsec < 1e-6


def test_compressed_labels_are_exact_whatever_their_size(tmp_path, plain):
    labels = np.random.default_rng(1).integers(0, 2**31 - 1, (70, 90), dtype=np.int32)
    path = tmp_path / "segmentation.fits.fz"
    write_labels(SegmentationImage(labels), path, plain.parameters, {}, compress=True)
    assert np.array_equal(fits.getdata(path, "SEGMENTATION"), labels)


@pytest.mark.parametrize("which", ["rich", "empty"])
def test_an_extraction_writes_its_folder(tmp_path, request, which):
    found = request.getfixturevalue(which)
    folder = tmp_path / "new" / "folder"
    paths = found.write(folder, "ecsv", compress=True, regions=True)
    assert sorted(path.name for path in paths) == sorted(path.name for path in folder.iterdir())
    assert {path.name for path in paths} == {
        "catalog.ecsv", "segmentation.fits.fz", "parameters.toml", "kron.reg", "preview.png",
    }  # fmt: skip
    assert Parameters.from_toml(folder / "parameters.toml") == found.parameters
    assert tomllib.loads((folder / "parameters.toml").read_text())["detection"]["npixels"] == 5
    before = {path: path.stat().st_mtime_ns for path in paths}
    found.write(folder, "ecsv", compress=True, regions=True)
    assert all(path.stat().st_mtime_ns > then for path, then in before.items())


@pytest.fixture(scope="module")
def in_tiles():
    """An extraction of several tiles."""
    return by_tiles(make_field(), (64, 128))


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def test_a_run_of_several_tiles_has_a_table_of_them(tmp_path, in_tiles, plain):
    assert len(in_tiles.tiles) > 1
    paths = in_tiles.write(tmp_path, preview=False)
    assert tmp_path / "tiles.ecsv" in paths
    assert same_tables(QTable.read(tmp_path / "tiles.ecsv"), in_tiles.tiles)
    assert len(plain.tiles) == 1
    plain.write(tmp_path, preview=False)
    assert "tiles.ecsv" not in names_in(tmp_path)


RUNS = [
    {"format": "parquet", "map_format": "zarr", "regions": True},
    {"format": "ecsv", "compress": True, "preview": False},
    {"format": "fits", "preview": False, "regions": True, "report": True},
    {"format": "parquet", "preview": False, "compress": True},
    *({"format": each, "preview": False} for each in ("csv", "votable", "ldac")),
    {"preview": False, "maps": tuple(MAPS)},
]


def test_a_folder_holds_one_run_and_what_is_not_ours(tmp_path, in_tiles, plain):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "catalog.fits").write_text("mine")
    written = set()
    for run in (in_tiles, plain):
        for options in RUNS:
            paths = run.write(tmp_path, **options)
            assert names_in(tmp_path) == {path.name for path in paths} | {"notes.txt", "workspace"}
            written |= {path.name for path in paths}
    assert written == set(RESULTS) - {COMBINATION}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "workspace" / "catalog.fits").read_text() == "mine"


def test_what_an_earlier_run_left_goes_only_when_all_is_written(tmp_path, plain, monkeypatch):
    before = {path.name for path in plain.write(tmp_path, "ecsv", preview=False, regions=True)}

    def fail(*args, **kwargs):
        raise RuntimeError("no pen")

    monkeypatch.setattr("skyshed.output.preview.write_preview", fail)
    with pytest.raises(RuntimeError, match="no pen"):
        plain.write(tmp_path, "fits")
    assert names_in(tmp_path) == before


def test_links_that_an_earlier_run_left_are_removed_and_not_followed(tmp_path, plain):
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "run"
    for name in ("segmentation.zarr", "kron.reg"):
        (elsewhere / name).mkdir(parents=True)
        (elsewhere / name / "file").write_text("kept")
    folder.mkdir()
    (folder / "parameters.toml").write_text("of an earlier run")
    for name in ("segmentation.zarr", "kron.reg"):
        (folder / name).symlink_to(elsewhere / name)
    (folder / "preview.png").symlink_to(tmp_path / "absent")
    paths = plain.write(folder, preview=False)
    assert names_in(folder) == {path.name for path in paths}
    assert all((elsewhere / name / "file").exists() for name in ("segmentation.zarr", "kron.reg"))


@pytest.mark.parametrize("format", FORMATS)
def test_the_size_and_the_date_of_the_input_come_back(tmp_path, plain, format):
    fits.writeto(tmp_path / "deep.fits", np.zeros((3, 4)))
    record = run_record(open_image(tmp_path / "deep.fits").image.origin())
    path = tmp_path / f"catalog.{format}"
    write_catalog(plain.table, path, plain.parameters, record, format)
    back = read_catalog(path).meta["record"]
    assert back["input"] == str(tmp_path / "deep.fits")
    assert int(back["input_size"]) == (tmp_path / "deep.fits").stat().st_size
    written = datetime.fromisoformat(back["input_date"]).timestamp()
    assert abs(written - (tmp_path / "deep.fits").stat().st_mtime) < 2e-3


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, plain):
    path = tmp_path / "catalog.fits"
    path.write_text("old")
    table = plain.table.copy()
    table["boxes"] = np.array([{}] * len(table), dtype=object)
    with pytest.raises(ValueError, match="column 'boxes' holds Python objects"):
        write_catalog(table, path, plain.parameters, plain.record)
    broken = SegmentationImage(plain.segmentation.data)
    with pytest.raises(AttributeError):
        write_labels(broken, path, None, {})
    assert [each.name for each in tmp_path.iterdir()] == ["catalog.fits"]
    assert path.read_text() == "old"


def test_the_table_given_is_left_alone(tmp_path, plain):
    names, meta = list(plain.table.colnames), dict(plain.table.meta)
    for format in FORMATS:
        write_catalog(plain.table, tmp_path / f"c.{format}", plain.parameters, {"a": "b"}, format)
    assert (list(plain.table.colnames), dict(plain.table.meta)) == (names, meta)


def test_unknown_formats_and_missing_packages_are_said(tmp_path, plain, monkeypatch):
    with pytest.raises(ValueError, match=r"format must be 'fits', 'ecsv', .* got 'xlsx'"):
        plain.write(tmp_path, "xlsx")
    with pytest.raises(ValueError, match=r"the ending of '.*catalog.txt' must be 'fits', "):
        read_catalog(tmp_path / "catalog.txt")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'skyshed\[parquet\]'"):
        plain.write(tmp_path, "parquet")


def test_a_folder_that_cannot_be_written_is_said(tmp_path, plain):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="files cannot be written there"):
            plain.write(folder)


def test_other_tables_can_be_written_too(tmp_path):
    table = QTable({"label": [1, 2], "text": ["a", "bc"]})
    for format in FORMATS:
        path = tmp_path / f"c.{format}"
        write_catalog(table, path, Parameters(), {}, format)
        assert read_catalog(path).colnames == ["label", "text"]
        assert list(read_catalog(path)["text"]) == ["a", "bc"]


@pytest.mark.parametrize("unit", ["DN", "DN / s", "electron", "electron / s", "nmgy", "mgy"])
@pytest.mark.parametrize("rows", [0, 3])
def test_units_that_fits_has_no_word_for_are_kept_and_nobody_is_bothered(tmp_path, unit, rows):
    flux = np.arange(rows, dtype=float) << u.Unit(unit)
    table = QTable(
        {"label": np.arange(1, rows + 1), "kron_flux": flux, "x": np.ones(rows) << u.pix}
    )
    paths = [tmp_path / "catalog.fits", tmp_path / "streamed.fits"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_catalog(table, paths[0], Parameters(), {})
        stream_catalog([to_plain(table)], rows, paths[1], Parameters(), {})
        for path in paths:
            assert read_catalog(path)["kron_flux"].unit == u.Unit(unit)
            assert QTable.read(path, hdu="CATALOG")["kron_flux"].unit == u.Unit(unit)
            with fits.open(path) as hdus:
                header = hdus["CATALOG"].header
                assert header["TCOMM2"] == f"in {unit}"  # what other programs show
                assert "TUNIT2" not in header
                assert header["TUNIT3"] == "pix"
                assert "TCOMM3" not in header


def test_a_unit_that_fits_has_no_word_for_is_refused_before_the_work(tmp_path, capsys):
    from skyshed.cli import main

    fits.writeto(tmp_path / "i.fits", make_field().astype("f4"), fits.Header({"BUNIT": "3 nJy"}))
    command = ["extract", str(tmp_path / "i.fits"), "--no-preview", "--box-size", "16"]
    assert main([*command, "--out", str(tmp_path / "a")]) == 2
    assert "the unit '3 nJy' has a factor that is no power of ten" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
    assert main([*command, "--out", str(tmp_path / "b"), "--format", "ecsv", "-q"]) == 0
    assert str(read_catalog(tmp_path / "b/catalog.ecsv")["kron_flux"].unit) == "3 nJy"
