"""`extract` takes large images tile by tile by itself, whatever they are given as."""

import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import NDData, StdDevUncertainty

import skyshed
from skyshed import extract
from skyshed.cli import main
from skyshed.exceptions import TileError, WorkspaceError
from skyshed.extraction.plan import PROCESS
from skyshed.output.catalogs import read_catalog
from tests.mosaic.fields import assert_same, at_once
from tests.pipeline_field import SHAPE, make_field, make_wcs, same_tables

SETTINGS = {"box_size": 16, "n_threads": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a field as FITS, plain, compressed and in halves, and as Zarr."""
    import zarr

    folder = tmp_path_factory.mktemp("mosaic")
    data, header = make_field(), make_wcs().to_header()
    header["BUNIT"] = "nJy"
    fits.writeto(folder / "field.fits", data, header)
    fits.HDUList([fits.PrimaryHDU(), _packed(data, header)]).writeto(folder / "packed.fits")
    for name, rows in (("lower", slice(0, 70)), ("upper", slice(70, None))):
        part = header.copy()
        part["CRPIX2"] = header["CRPIX2"] - rows.start
        fits.writeto(folder / f"{name}.fits", data[rows], part)
    zarr.create_array(folder / "field.zarr", data=data, chunks=(40, 50))
    return folder


def _packed(data, header):
    """Return a compressed HDU that keeps every bit."""
    return fits.CompImageHDU(data, header, name="SCI", compression_type="GZIP_2", quantize_level=0)


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """Let the field have several tiles, however much memory there is."""
    from skyshed.extraction import plan

    monkeypatch.setattr(plan, "LARGEST_SIDE", 80)
    monkeypatch.setattr(plan, "LEAST_SIDE", 16)


@pytest.fixture(scope="module")
def whole(folder):
    return at_once(folder / "field.fits", **SETTINGS)


@pytest.mark.parametrize("image", ["field.fits", "packed.fits[SCI]", ("lower.fits", "upper.fits")])
def test_files(folder, whole, tmp_path, image):
    given = (
        str(folder / image) if isinstance(image, str) else [str(folder / name) for name in image]
    )
    found = extract(given, workspace=tmp_path / "work", **SETTINGS)
    assert len(found.tiles) == 6
    assert_same(found, whole)
    assert found.unit == whole.unit
    # The same kinds, small enough to be worked on at once.
    assert same_tables(extract(given, **SETTINGS).table, whole.table)


def test_arrays(folder, tmp_path):
    import dask.array
    import zarr

    data = make_field()
    mapped = np.memmap(tmp_path / "field.dat", np.float32, "w+", shape=SHAPE)
    mapped[:] = data
    whole = at_once(data, **SETTINGS)
    kinds = {
        "zarr": zarr.open_array(folder / "field.zarr", mode="r"),
        "dask": dask.array.from_array(data, chunks=(64, 64)),
        "memmap": mapped,
        "numpy": data,
    }
    for name, given in kinds.items():
        assert_same(extract(given, workspace=tmp_path / name, **SETTINGS), whole)
        assert same_tables(extract(given, **SETTINGS).table, whole.table)


def test_images_with_masks_and_errors_of_their_own(tmp_path):
    data, mask = make_field(dtype=np.float64), np.zeros(SHAPE, bool)
    mask[20:30, 20:90] = True
    masked = np.ma.array(data, mask=mask)
    assert_same(extract(masked, workspace=tmp_path / "a", **SETTINGS), at_once(masked, **SETTINGS))
    error = np.full(SHAPE, 3.0)
    nddata = NDData(data, mask=mask, uncertainty=StdDevUncertainty(error), unit="Jy")
    assert_same(extract(nddata, workspace=tmp_path / "b", **SETTINGS), at_once(nddata, **SETTINGS))


def test_memory_decides(folder, whole):
    image = folder / "field.fits"
    assert len(extract(image, memory="4GB", **SETTINGS).tiles) == 1
    little = PROCESS + SHAPE[0] * SHAPE[1] * 16  # less than it needs, so tile by tile
    with pytest.raises(ValueError, match=r"too little for 1 tile at a time: at least .* is needed"):
        extract(image, memory=little, **SETTINGS)


def test_a_temporary_workspace_goes_with_the_result(monkeypatch):
    import gc
    from pathlib import Path

    from skyshed.extraction import plan

    monkeypatch.setattr(plan, "bytes_at_once", lambda *_: 10**18)
    found = extract(make_field(), memory="1GB", **SETTINGS)
    folder = Path(found._run.job.workspace.folder)
    assert folder.exists()
    del found
    gc.collect()
    assert not folder.exists()


def test_a_region_is_as_if_it_had_been_cut_out(folder, tmp_path):
    image = folder / "field.fits"
    data, y0, y1, x0, x1 = make_field(), 10, 120, 30, 170
    wcs = make_wcs()[y0:y1, x0:x1]
    cut = at_once(data[y0:y1, x0:x1], wcs=wcs, **SETTINGS)
    region = f"{y0}:{y1},{x0}:{x1}"
    there = extract(image, region=region, **SETTINGS)
    assert len(there.table) > 10
    assert same_tables(there.table["label", "xcentroid"], cut.table["label", "xcentroid"])
    assert np.array_equal(there.segmentation.data, cut.segmentation.data)
    separation = there.table["sky_centroid"].separation(cut.table["sky_centroid"])
    assert separation.arcsec.max() < 1e-6
    tiled = extract(image, region=(y0, y1, x0, x1), workspace=tmp_path / "work", **SETTINGS)
    assert_same(tiled, there)
    assert there.record["region"] == tiled.record["region"] == region
    # A WCS of the caller's is that of the whole image.
    given = extract(data, region=region, wcs=make_wcs(), **SETTINGS)
    assert same_tables(given.table, cut.table)


def test_a_region_is_cut_out_of_maps_and_other_bands_too(folder, tmp_path, whole):
    image, region = folder / "field.fits", (10, 120, 30, 170)
    part = np.s_[10:120, 30:170]
    data, labels, band = make_field(), whole.segmentation, 2 * make_field(dtype=np.float64)
    cut = {"segmentation": labels.data[part], "detection_image": band[part]}
    expected = at_once(data[part], **cut, **SETTINGS)
    both = {"segmentation": labels, "detection_image": band, "region": region}
    there = extract(image, **both, **SETTINGS)
    tiled = extract(image, workspace=tmp_path / "work", **both, **SETTINGS)
    assert_same(tiled, there)
    for name in ("label", "xcentroid", "area", "eccentricity"):
        assert np.array_equal(there.table[name], expected.table[name], equal_nan=True)


@pytest.mark.parametrize("wrong", ["1:2", "0:5,0:999", "5:5,0:9", (1, 2, 3), 7, "a:b,c:d"])
def test_a_region_that_is_not_in_the_image_is_refused(wrong):
    with pytest.raises(ValueError, match="region must be"):
        extract(make_field(), region=wrong)


def test_the_image_for_detection_may_be_large_too(folder, tmp_path):
    band = 2 * make_field(dtype=np.float64)
    image = folder / "field.fits"
    whole = at_once(image, detection_image=band, **SETTINGS)
    found = extract(image, detection_image=band, workspace=tmp_path / "work", **SETTINGS)
    assert_same(found, whole)
    assert found.record["detection_image"] == whole.record["detection_image"] == "array"
    with pytest.raises(ValueError, match="detection_image must have the same shape as image"):
        extract(image, detection_image=band[1:], workspace=tmp_path / "other", **SETTINGS)
    with pytest.raises(WorkspaceError, match=r"was begun with detection_image\.sha"):
        extract(image, detection_image=band + 1, workspace=tmp_path / "work", **SETTINGS)


def test_an_existing_map_is_measured(folder, tmp_path, whole):
    labels = whole.segmentation.data.astype(np.int64) * 7  # gaps between the labels
    labels[labels == 14] = 0
    fits.writeto(tmp_path / "map.fits", labels.astype(np.int32), make_wcs().to_header())
    image = folder / "field.fits"
    for name, given in {"array": labels, "file": tmp_path / "map.fits"}.items():
        at_once_ = at_once(image, segmentation=given, **SETTINGS)
        found = extract(image, segmentation=given, workspace=tmp_path / name, **SETTINGS)
        np.testing.assert_array_equal(found.segmentation.data[:], labels)
        np.testing.assert_array_equal(found.segmentation.labels, at_once_.segmentation.labels)
        assert same_tables(found.table, at_once_.table)
        found.write(tmp_path / f"{name}-out", preview=False)
        written = read_catalog(tmp_path / f"{name}-out/catalog.fits")
        assert same_tables(written, at_once_.table)
        assert len(found.tiles) == 6
    band = 2 * make_field(dtype=np.float64)
    both = {"segmentation": labels, "detection_image": band}
    found = extract(image, workspace=tmp_path / "band", **both, **SETTINGS)
    assert same_tables(found.table, at_once(image, **both, **SETTINGS).table)


def test_an_image_without_a_wcs_takes_that_of_the_map(tmp_path, whole):
    labels = fits.PrimaryHDU(whole.segmentation.data, make_wcs().to_header())
    given = {"segmentation": labels, "columns": ("label", "sky_centroid")}
    expected = at_once(make_field(), **given, **SETTINGS)
    assert expected.wcs is not None
    found = extract(make_field(), workspace=tmp_path, **given, **SETTINGS)
    assert same_tables(found.table, expected.table)


def test_a_map_without_labels_has_nothing_to_measure(tmp_path):
    with pytest.warns(skyshed.NoDetectionsWarning, match="nothing to measure"):
        found = extract(
            make_field(), segmentation=np.zeros(SHAPE, np.int32), workspace=tmp_path, **SETTINGS
        )
    assert len(found.table) == 0


@pytest.mark.parametrize(
    ("labels", "kind", "message"),
    [
        (np.full(SHAPE, 0.5), ValueError, "segmentation must hold labels from 0.* it has 0.5"),
        (np.zeros((3, 4), int), ValueError, "segmentation must have the same shape as image"),
        (np.full(SHAPE, -3), ValueError, "segmentation must hold labels from 0.* it has -3"),
    ],
)
def test_maps_that_are_none_are_refused(tmp_path, labels, kind, message):
    with pytest.raises(kind, match=message):
        extract(make_field(), segmentation=labels, workspace=tmp_path, **SETTINGS)


def test_a_catalog_gives_positions_and_shapes_to_tiles_too(tmp_path, whole):
    band = 2 * make_field(dtype=np.float64)
    expected = at_once(band, detection_cat=whole.catalog, **SETTINGS)
    found = extract(band, detection_cat=whole.catalog, workspace=tmp_path / "work", **SETTINGS)
    assert len(found.tiles) == 6
    assert_same(found, expected)
    assert found.detection_cat is expected.detection_cat is whole.catalog


def test_columns_need_no_label(folder, tmp_path, whole):
    columns = ("xcentroid", "area")
    found = extract(folder / "field.fits", workspace=tmp_path, columns=columns, **SETTINGS)
    assert same_tables(found.table[columns], whole.table[columns])
    found.write(tmp_path / "out", preview=False)
    written = read_catalog(tmp_path / "out/catalog.fits")
    assert np.array_equal(written["xcentroid"], whole.table["xcentroid"])


def test_files_are_those_of_a_run_at_once(folder, tmp_path, whole):
    import zarr

    found = extract(folder / "field.fits", workspace=tmp_path / "work", **SETTINGS)
    for format in ("fits", "parquet", "ecsv"):
        out, there = tmp_path / format, tmp_path / f"{format}-at-once"
        names = {path.name for path in found.write(out, format, regions=True)}
        assert names == {path.name for path in whole.write(there, format, regions=True)} | {
            "tiles.ecsv"
        }
        tables = [read_catalog(each / f"catalog.{format}") for each in (out, there)]
        tables[0].sort("label")
        assert same_tables(*tables)
        labels = [fits.getdata(each / "segmentation.fits") for each in (out, there)]
        assert np.array_equal(*labels)
        assert (out / "preview.png").stat().st_size > 10_000
        assert set((out / "kron.reg").read_text().splitlines()) == set(
            (there / "kron.reg").read_text().splitlines()
        )
    for each in (found, whole):
        each.write(tmp_path / "zarr", preview=False, map_format="zarr")
        there = zarr.open_array(tmp_path / "zarr/segmentation.zarr", mode="r")
        assert np.array_equal(there[:], whole.segmentation.data)
    header = fits.getheader(tmp_path / "fits/segmentation.fits")
    assert header["NLABELS"] == len(whole.table)
    assert header["CTYPE1"] == "RA---TAN"


def test_the_table_of_tiles(folder, tmp_path, whole):
    found = extract(folder / "field.fits", workspace=tmp_path / "work", **SETTINGS)
    tiles = found.tiles
    assert tiles["n_sources"].sum() == len(whole.table)
    assert np.all(np.abs(tiles["background"].value - 22.5) < 4)
    assert tiles["background"].unit == whole.unit
    noise = tiles["background_rms"]
    assert np.allclose(tiles["depth"], 5 * 1.5 * noise)
    assert np.all(tiles["measure_time"] > 0)
    area = (tiles["ymax"] - tiles["ymin"] + 1) * (tiles["xmax"] - tiles["xmin"] + 1)
    assert area.sum() == SHAPE[0] * SHAPE[1]


def test_windows_of_image_and_background_are_those_at_once(folder, tmp_path, whole):
    found = extract(folder / "field.fits", workspace=tmp_path / "work", **SETTINGS)
    window = np.s_[20:70, 30:110]
    here = found.background2d.window(20, 70, 30, 110)
    assert np.array_equal(here.background, whole.background[window])
    assert np.array_equal(here.background_rms, whole.background_rms[window])
    assert np.array_equal(found.data[window], whole.data[window])
    assert np.array_equal(found.segmentation.read(20, 70, 30, 110), whole.segmentation.data[window])
    assert repr(found) == f"<Extraction: {len(whole.table)} sources in 150 x 190 pixels>"


def test_the_command_works_tile_by_tile_and_cleans_up(folder, tmp_path, whole, capsys):
    out = tmp_path / "out"
    arguments = ["extract", str(folder / "field.fits"), "--out", str(out), "--box-size", "16"]
    assert main([*arguments, "--workspace", str(tmp_path / "work"), "--no-preview"]) == 0
    assert same_tables(read_catalog(out / "catalog.fits"), whole.table)
    assert f"{len(whole.table)} sources in" in capsys.readouterr().out
    assert json.loads((tmp_path / "work/run.json").read_text())["parameters"]["box_size"] == 16
    # A workspace of the command's own does not stay.
    (out / ".workspace").mkdir()
    assert main([*arguments, "--no-preview"]) == 0
    assert not (out / ".workspace").exists()
    assert (out / "tiles.ecsv").exists()
    # Another parameter is another run.
    again = [*arguments, "--workspace", str(tmp_path / "work"), "--nsigma", "2"]
    assert main(again) == 2
    shown = capsys.readouterr().err
    assert "was begun with parameters.nsigma = 1.5, this run has 2.0" in shown


def test_the_command_says_which_tile_failed(folder, tmp_path, capsys):
    image = tmp_path / "cut.fits"
    # The table of tiles is all there, so that only reading tells that their bytes are not.
    tiles = fits.CompImageHDU(
        fits.getdata(folder / "field.fits"), compression_type="GZIP_1", quantize_level=0
    )
    tiles.writeto(image)
    image.write_bytes(image.read_bytes()[: image.stat().st_size * 2 // 3])
    arguments = ["extract", str(image), "--out", str(tmp_path / "out"), "--box-size", "16"]
    assert main([*arguments, "--workspace", str(tmp_path / "work")]) == 2
    shown = capsys.readouterr().err
    assert "background, tile " in shown
    assert "cannot be read" in shown
    assert "the same call goes on" in shown


def test_an_image_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no pixel of the image is good"):
        extract(np.zeros((0, 20)))


def test_a_plan_says_what_a_run_will_take_and_does_nothing(folder, tmp_path, capsys):
    image = str(folder / "field.fits")
    assert main(["extract", image, "--plan"]) == 0
    assert "worked on at once" in capsys.readouterr().out
    assert main(["extract", image, "--plan", "--workspace", str(tmp_path / "work")]) == 0
    said = capsys.readouterr().out
    for word in (
        "tiles    9 (3 x 3) of 64 x 64 pixels, 2 at a time",
        "memory ",
        "disk ",
        "sources  about",
        "time     about",
    ):
        assert word in said
    assert not (tmp_path / "work").exists()


def test_extract_without_a_folder_says_so(folder, capsys):
    assert main(["extract", str(folder / "field.fits")]) == 2
    assert "required: --out" in capsys.readouterr().err


def test_names_are_public():
    assert TileError.__name__ == "TileError"
    with pytest.raises(AttributeError, match="no attribute 'Tile'"):
        _ = skyshed.mosaic.Tile
