"""Whatever is given, at once and by tiles give the same bits, attributes, warnings and errors."""

import contextlib
import operator
import warnings
from dataclasses import fields, is_dataclass

import astropy.units as u
import dask.array
import numpy as np
import photutils.segmentation as peer
import pytest
import zarr
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty, VarianceUncertainty
from astropy.table import QTable
from astropy.utils.masked import Masked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyshed import Background2D, SegmentationImage, SourceCatalog, extract
from skyshed.chain.whole import WholeRun
from skyshed.extraction import Extraction
from skyshed.extraction.views import ImageView
from skyshed.images.window import Window
from skyshed.mosaic.run import TiledRun
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import make_wcs, same_tables

#: Four tiles, with sources at every seam.
SHAPE, TILE = (80, 112), (48, 64)
SETTINGS = {"box_size": 16, "n_threads": 1}
PART = (20, 75, 30, 100)


class Sky:
    """A field, everything that may go with it, and all of that in files."""

    def __init__(self, folder):
        rng = np.random.default_rng(5)
        self.folder = folder
        y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
        data = rng.normal(20, 1, SHAPE) + 0.02 * y
        places = [*rng.uniform((3, 3, 20), (77, 109, 300), (22, 3)), (47.6, 63.4, 400)]
        for y0, x0, peak in places:
            data += peak * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 5)
        self.data = data.astype(np.float32)
        self.band = 2 * data + rng.normal(0, 1, SHAPE)
        self.rms = rng.uniform(0.9, 1.1, SHAPE)
        self.error = 2 * self.rms
        self.weight = (50 / self.rms**2).astype(np.float32)
        self.weight[:20, :30] = 0
        self.bits = np.zeros(SHAPE, np.int16)
        self.bits[30:50, 20:90] = 4
        self.bits[60:] = 1
        self.mask = self.bits == 4
        self.whole = extract(self.data, **SETTINGS)
        self.labels = self.whole.segmentation.data
        self.wcs = make_wcs()
        self.header = self.wcs.to_header()
        self.header["BUNIT"] = "nJy"
        for name in ("data", "band", "rms", "error", "weight", "bits", "labels", "mask"):
            array = getattr(self, name)
            array.setflags(write=False)
            cards = self.wcs.to_header() if name in ("bits", "labels", "mask") else self.header
            stored = array.astype(np.uint8) if name == "mask" else array
            fits.writeto(folder / f"{name}.fits", stored, cards)
            packed = fits.CompImageHDU(
                stored, cards, name="SCI", compression_type="GZIP_2", quantize_level=0
            )
            fits.HDUList([fits.PrimaryHDU(), packed]).writeto(folder / f"{name}_packed.fits")
            zarr.create_array(folder / f"{name}.zarr", data=array, chunks=(40, 50))
            for part, rows in (("lower", slice(0, 37)), ("upper", slice(37, None))):
                moved = cards.copy()
                moved["CRPIX2"] = cards["CRPIX2"] - rows.start
                fits.writeto(folder / f"{name}_{part}.fits", stored[rows], moved)
        hdus = [fits.PrimaryHDU(), fits.ImageHDU(self.data + 1, name="OTHER")]
        hdus += [fits.ImageHDU(self.data, self.header, name="SCI")]
        fits.HDUList(hdus).writeto(folder / "several.fits")
        fits.writeto(folder / "counts.fits", np.round(50 * self.data).astype(np.uint16))
        fits.writeto(folder / "data.fits.gz", self.data, self.header)
        self.write_oddities(folder)
        odd = self.wcs.to_header()
        odd["BUNIT"] = "furlongs of light"
        fits.writeto(folder / "odd.fits", self.data, odd)
        with zarr.storage.ZipStore(folder / "data.zip", mode="w") as store:
            zarr.create_array(store, data=self.data, chunks=(40, 50))
        np.save(folder / "data.npy", self.data)
        self.whole.write(folder / "written", preview=False, map_format="zarr")

    def write_oddities(self, folder):
        broken = self.header.copy()
        broken["CRVAL1"] = str(broken["CRVAL1"])
        fits.writeto(folder / "broken.fits", self.data, broken)
        blank = np.round(50 * self.data).astype(np.uint16)
        blank[self.bits == 4] = 0
        fits.writeto(folder / "blank.fits", blank, fits.Header({"BLANK": -32768}))
        stack = fits.Header({"BSOFTEN": 10.0, "BOFFSET": 1.0})
        fits.writeto(folder / "stack.fits", np.arcsinh(self.data / 20), stack)

    def path(self, name):
        return str(self.folder / name)

    def halves(self, name):
        return [self.path(f"{name}_lower.fits"), self.path(f"{name}_upper.fits")]

    def mapped(self, mode="r"):
        return np.load(self.path("data.npy"), mmap_mode=mode)


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    return Sky(tmp_path_factory.mktemp("sky"))


# --- both ways, and what is compared ---

IMAGES_OF_RESULTS = ("data", "convolved_data", "error", "mask", "background", "background_rms")


def told(run):
    """Return what a run gives, or the error that it ends in, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = run()
        except Exception as error:
            found = error
    mine = {__file__, by_tiles.__code__.co_filename}
    return found, [(each.category, str(each.message), each.filename in mine) for each in caught]


def in_tiles(image, *, tile=TILE, detection_image=None, **options):
    return by_tiles(image, tile, band=detection_image, **options)


def run_both_ways(image, **options):
    """Return what runs at once and by tiles give; they have told the same."""
    options = {**SETTINGS, **options}
    (once, said), (tiles, also) = (
        told(lambda run=run: run(image, **options)) for run in (extract, in_tiles)
    )
    assert sorted(map(repr, said)) == sorted(map(repr, also))
    if isinstance(once, Exception) or isinstance(tiles, Exception):
        assert (type(once), str(once)) == (type(tiles), str(tiles)), repr(once)
    return once, tiles


def same_both_ways(image, **options):
    """Assert that runs at once and by tiles give the same; return that at once."""
    once, tiles = run_both_ways(image, **options)
    for found, kind in ((once, WholeRun), (tiles, TiledRun)):
        if isinstance(found, Exception):
            raise found
        assert isinstance(found._run, kind)
    assert len(once.tiles) == 1
    assert len(tiles.tiles) >= 4
    assert repr(once) == repr(tiles)
    assert_same(once, tiles)
    return once


def assert_same(once, tiles):
    """Assert that all public attributes of two results are the same."""
    names = {name for name in dir(once) if not name.startswith("_")}
    assert names == {name for name in dir(tiles) if not name.startswith("_")}
    different = {}
    names -= {name for name in names if callable(getattr(type(once), name, None))}
    for name in sorted(names - {"tiles"}):
        there = list(differences(getattr(once, name), getattr(tiles, name), name))
        if there:
            different[name] = there
    assert not different
    assert vars(once.flag_counts) == vars(tiles.flag_counts)
    ours, theirs = once.tiles, tiles.tiles
    assert ours["n_sources"].sum() == theirs["n_sources"].sum() == len(once.table)
    for name in set(ours.colnames) & set(theirs.colnames):
        assert ours[name].unit == theirs[name].unit


#: What is compared of objects of these classes, whose other attributes follow from it.
PARTS = {
    Background2D: (
        "background_mesh", "background_rms_mesh", "npixels_mesh", "background_median",
        "background_rms_median", "background", "background_rms", "box_size", "filter_size",
    ),
    SegmentationImage: (
        "data", "dtype", "shape", "labels", "nlabels", "max_label", "areas", "bbox", "flags",
        "deblended_labels", "deblended_labels_map", "deblended_labels_inverse_map", "info",
    ),
    SourceCatalog: (
        "labels", "nlabels", "to_table", "kron_radius", "wcs", "settings", "frame",
    ),
}  # fmt: skip
FRAME = ("data", "labels", "shape_data", "error", "background", "mask", "origin", "full_shape")


def differences(once, tiles, where):
    """Yield where two values differ, in words."""
    if isinstance(once, QTable) and isinstance(tiles, QTable):
        yield from _differences_of_tables(once, tiles, where)
    elif type(once) is not type(tiles):
        yield f"{where}: {type(once)} and {type(tiles)}"
    elif isinstance(once, ImageView):
        for name in ("shape", "dtype", "ndim", "size", "nbytes"):
            yield from differences(getattr(once, name), getattr(tiles, name), f"{where}.{name}")
        yield from differences(np.asarray(once), np.asarray(tiles), f"{where}[:]")
    elif isinstance(once, np.ndarray | u.Quantity):
        if (once.shape, once.dtype) != (tiles.shape, tiles.dtype):
            yield f"{where}: {once.shape} {once.dtype} and {tiles.shape} {tiles.dtype}"
        elif getattr(once, "unit", None) != getattr(tiles, "unit", None):
            yield f"{where}: {once.unit} and {tiles.unit}"
        elif not _same_bits(once, tiles):
            yield f"{where}: {np.sum(np.asarray(once) != np.asarray(tiles))} values"
    elif isinstance(once, dict):
        keys = once.keys() - {"date"}
        if list(once) != list(tiles):
            yield f"{where}: {[*once]} and {[*tiles]}"
        else:
            for key in keys:
                yield from differences(once[key], tiles[key], f"{where}[{key}]")
    elif type(once) in PARTS or type(once).__name__ == "Frame":
        for name in PARTS.get(type(once), FRAME):
            values = [getattr(each, name) for each in (once, tiles)]
            values = [each() if callable(each) else each for each in values]
            yield from differences(*values, f"{where}.{name}")
    elif is_dataclass(once):
        for each in fields(once):
            values = (getattr(one, each.name) for one in (once, tiles))
            yield from differences(*values, f"{where}.{each.name}")
    elif hasattr(once, "to_header"):
        if once.to_header() != tiles.to_header() or once.array_shape != tiles.array_shape:
            yield f"{where}: {once!r} and {tiles!r}"
    elif isinstance(once, list | tuple):
        if len(once) != len(tiles):
            yield f"{where}: {len(once)} and {len(tiles)}"
        for number, pair in enumerate(zip(once, tiles, strict=False)):
            yield from differences(*pair, f"{where}[{number}]")
    elif once != tiles and not (once != once and tiles != tiles):
        yield f"{where}: {once!r} and {tiles!r}"


def _differences_of_tables(once, tiles, where):
    if once.colnames != tiles.colnames:
        yield f"{where}: {once.colnames} and {tiles.colnames}"
        return
    for name in once.colnames:
        if getattr(once[name], "dtype", None) == "O":  # no sky without a WCS
            if [*once[name]] != [*tiles[name]]:
                yield f"{where}[{name}]"
        elif not same_tables(once[[name]], tiles[[name]]):
            yield f"{where}[{name}]"
        for each in ("unit", "dtype", "description", "format"):
            values = (getattr(table[name].info, each) for table in (once, tiles))
            yield from differences(*map(str, values), f"{where}[{name}].{each}")


def _same_bits(once, tiles):
    values = [np.asarray(getattr(each, "value", each)) for each in (once, tiles)]
    return np.array_equal(*values, equal_nan=values[0].dtype.kind in "fc")


# --- every kind of image ---

IMAGES = {
    "array": lambda sky: sky.data,
    "float64": lambda sky: sky.data.astype(float),
    "float16": lambda sky: sky.data.astype(np.float16),
    "integers": lambda sky: np.round(50 * sky.data).astype(np.int32),
    "unsigned integers": lambda sky: np.round(50 * sky.data).astype(np.uint16),
    "list of numbers": lambda sky: sky.data.tolist(),
    "big-endian": lambda sky: sky.data.astype(">f4"),
    "Fortran order": lambda sky: np.asfortranarray(sky.data),
    "every other pixel": lambda sky: np.repeat(np.repeat(sky.data, 2, 0), 2, 1)[::2, ::2],
    "read backwards": lambda sky: np.ascontiguousarray(sky.data[::-1])[::-1],
    "NaN": lambda sky: np.where(sky.mask, np.float32(np.nan), sky.data),
    "Quantity": lambda sky: sky.data << u.nJy,
    "masked array": lambda sky: np.ma.array(sky.data, mask=sky.mask),
    "masked array without mask": lambda sky: np.ma.array(sky.data),
    "Masked array": lambda sky: Masked(sky.data, mask=sky.mask),
    "Masked Quantity": lambda sky: Masked(sky.data << u.nJy, mask=sky.mask),
    "NDData": lambda sky: NDData(sky.data),
    "NDData with all": lambda sky: NDData(
        sky.data, mask=sky.mask, uncertainty=StdDevUncertainty(sky.error.astype(np.float32)),
        unit="nJy", wcs=sky.wcs,
    ),
    "NDData with a variance": lambda sky: NDData(
        sky.data.astype(float), uncertainty=VarianceUncertainty(sky.error**2), unit="uJy"
    ),
    "CCDData": lambda sky: CCDData(sky.data, unit="adu", mask=sky.mask, wcs=sky.wcs),
    "HDU": lambda sky: fits.PrimaryHDU(sky.data, sky.header),
    "ImageHDU": lambda sky: fits.ImageHDU(sky.data, sky.header),
    "HDUList": lambda sky: fits.HDUList(
        [fits.PrimaryHDU(), fits.ImageHDU(sky.data, sky.header, name="SCI")]
    ),
    "HDUList with hdu": lambda sky: (fits.open(sky.path("several.fits")), {"hdu": "SCI"}),
    "path": lambda sky: sky.path("data.fits"),
    "Path": lambda sky: sky.folder / "data.fits",
    "path[HDU]": lambda sky: sky.path("several.fits[SCI]"),
    "path with hdu": lambda sky: (sky.path("several.fits"), {"hdu": 2}),
    "file of integers": lambda sky: sky.path("counts.fits"),
    "file with a broken WCS": lambda sky: sky.path("broken.fits"),
    "file with blank pixels": lambda sky: sky.path("blank.fits"),
    "file of asinh": lambda sky: sky.path("stack.fits"),
    "file with an odd header": lambda sky: sky.path("odd.fits"),
    "compressed": lambda sky: sky.path("data_packed.fits[SCI]"),
    "compressed, the first image": lambda sky: sky.path("data_packed.fits"),
    "Zarr path": lambda sky: sky.path("data.zarr"),
    "Zarr array": lambda sky: zarr.open_array(sky.path("data.zarr"), mode="r"),
    "Zarr in memory": lambda sky: zarr.array(sky.data, chunks=(40, 50)),
    "Zarr in a ZIP": lambda sky: zarr.open_array(
        zarr.storage.ZipStore(sky.path("data.zip"), mode="r"), mode="r"
    ),
    "Dask": lambda sky: dask.array.from_array(sky.data, chunks=(30, 60)),
    "Dask, computed": lambda sky: dask.array.from_array(sky.band, chunks=(30, 60)) / 2 + 1,
    "memory map": lambda sky: sky.mapped(),
    "memory map, copy on write": lambda sky: sky.mapped("c"),
    "window of a memory map": lambda sky: sky.mapped()[5:, 3:-3],
    "files that abut": lambda sky: sky.halves("data"),
    "files that abut, packed": lambda sky: tuple(sky.halves("data")),
    "part of a file": lambda sky: (sky.path("data.fits"), {"region": PART}),
    "part of an array": lambda sky: (sky.data, {"region": "20:75,30:100", "wcs": sky.wcs}),
    "with a WCS": lambda sky: (sky.data, {"wcs": sky.wcs, "columns": ("default", "sky_centroid")}),
    "on the host": lambda sky: (sky.data, {"device": "cpu"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", IMAGES)
def test_images_of_every_kind(sky, kind):
    given = IMAGES[kind](sky)
    image, options = (
        given if isinstance(given, tuple) and isinstance(given[1], dict) else (given, {})
    )
    found = same_both_ways(image, **options)
    assert len(found.table) > 5


def test_a_gzipped_file_is_read_at_once_and_refused_by_tiles(sky):
    once, tiles = (told(lambda run=run: run(sky.path("data.fits.gz"), **SETTINGS))[0]
                   for run in (extract, in_tiles))  # fmt: skip
    assert same_tables(once.table, extract(sky.path("data.fits"), **SETTINGS).table)
    assert isinstance(tiles, ValueError)
    assert "is compressed as a whole and can't be read by windows, as tiles are" in str(tiles)


# --- every companion, in every kind ---

COMPANIONS = {
    "array": lambda sky, name: getattr(sky, name),
    "path": lambda sky, name: sky.path(f"{name}.fits"),
    "path[HDU]": lambda sky, name: sky.path(f"{name}_packed.fits[SCI]"),
    "HDU": lambda sky, name: fits.PrimaryHDU(_storable(getattr(sky, name))),
    "Zarr path": lambda sky, name: sky.path(f"{name}.zarr"),
    "Zarr array": lambda sky, name: zarr.open_array(sky.path(f"{name}.zarr"), mode="r"),
    "Dask": lambda sky, name: dask.array.from_array(getattr(sky, name), chunks=(30, 60)),
    "files that abut": lambda sky, name: sky.halves(name),
    "other order": lambda sky, name: np.asfortranarray(
        getattr(sky, name).astype(getattr(sky, name).dtype.newbyteorder(">"))
    ),
}  # fmt: skip
EVERY = pytest.mark.parametrize("kind", COMPANIONS)


def _storable(array):
    return array.astype(np.uint8) if array.dtype == bool else array


@EVERY
def test_weights_of_every_kind(sky, kind):
    same_both_ways(sky.data, weight=COMPANIONS[kind](sky, "weight"), scale_weight=kind != "array")


@EVERY
def test_noise_and_errors_of_every_kind(sky, kind):
    same_both_ways(
        sky.path("data.fits"), rms=COMPANIONS[kind](sky, "rms"),
        error=COMPANIONS[kind](sky, "error"),
    )  # fmt: skip


def test_variances_of_every_kind(sky):
    variance = sky.rms**2
    variance[30:34, 20:90] = 1e30
    expected = extract(sky.data, rms=np.where(variance > 1e20, 0, sky.rms), **SETTINGS)
    for plane in (variance, dask.array.from_array(variance, chunks=(30, 60))):
        found = same_both_ways(sky.data, variance=plane)
        assert len(found.table) == len(expected.table)
        assert np.array_equal(found.mask, variance > 1e20)


@EVERY
def test_masks_of_every_kind(sky, kind):
    expected = extract(sky.data, mask=sky.mask, **SETTINGS)
    found = same_both_ways(sky.data, mask=COMPANIONS[kind](sky, "mask"))
    assert same_tables(found.table, expected.table)
    found = same_both_ways(sky.data, mask=COMPANIONS[kind](sky, "bits"), mask_bits=(2, 7))
    assert same_tables(found.table, expected.table)


def test_units_and_factors_of_companions(sky):
    image = sky.data << u.nJy
    same_both_ways(image, rms=(sky.rms / 1000) << u.uJy, error=sky.error << u.nJy)
    same_both_ways(image, weight=(sky.weight * 1e6) << u.uJy**-2)
    same_both_ways(sky.path("data.fits"), weight=sky.path("odd.fits"), scale_weight=True)
    same_both_ways(image, error=Masked(sky.error << u.nJy, mask=sky.mask), effective_gain=3.0)


def test_masks_add_up(sky):
    image = np.ma.array(sky.data, mask=sky.mask)
    found = same_both_ways(image, mask=sky.bits, mask_bits=(0,), weight=sky.weight)
    assert np.array_equal(found.mask, (sky.bits != 0) | (sky.weight == 0))


# --- maps of labels ---

MAPS = {
    "array": lambda sky: sky.labels,
    "uint16": lambda sky: sky.labels.astype(np.uint16),
    "int64, big-endian": lambda sky: sky.labels.astype(">i8"),
    "labels with gaps": lambda sky: sky.labels * 7,
    "FITS": lambda sky: sky.path("labels.fits"),
    "compressed": lambda sky: sky.path("labels_packed.fits"),
    "HDU": lambda sky: fits.PrimaryHDU(sky.labels, sky.wcs.to_header()),
    "Zarr": lambda sky: sky.path("labels.zarr"),
    "Zarr that skyshed wrote": lambda sky: sky.path("written/segmentation.zarr"),
    "Zarr array": lambda sky: zarr.open_array(sky.path("labels.zarr"), mode="r"),
    "Dask": lambda sky: dask.array.from_array(sky.labels, chunks=(30, 60)),
    "files that abut": lambda sky: sky.halves("labels"),
    "masked array": lambda sky: np.ma.array(sky.labels, mask=sky.mask),
    "SegmentationImage": lambda sky: sky.whole.segmentation,
    "new SegmentationImage": lambda sky: SegmentationImage(sky.labels),
    "photutils": lambda sky: peer.SegmentationImage(sky.labels),
    "photutils with all": lambda sky: sky.whole.segmentation.to_photutils(),
}


@pytest.mark.parametrize("kind", MAPS)
def test_maps_of_every_kind(sky, kind):
    found = same_both_ways(sky.path("data.fits"), segmentation=MAPS[kind](sky))
    assert len(found.table) == len(sky.whole.table) - (kind == "masked array") * _hidden(sky)


@pytest.mark.parametrize("kind", ["array", "FITS", "Zarr", "masked array", "SegmentationImage"])
def test_parts_of_maps(sky, kind):
    found = same_both_ways(sky.data, segmentation=MAPS[kind](sky), region=PART)
    assert 0 < len(found.table) < len(sky.whole.table)


def _hidden(sky):
    """Return how many sources lie wholly under the mask."""
    return len(np.unique(sky.labels)) - len(np.unique(np.where(sky.mask, 0, sky.labels)))


def test_the_map_that_skyshed_wrote_gives_its_sources_again(sky):
    again = extract(sky.data, segmentation=sky.path("written/segmentation.zarr"), **SETTINGS)
    assert np.array_equal(again.segmentation.data, sky.labels)
    assert same_tables(again.table["label", "kron_flux"], sky.whole.table["label", "kron_flux"])


def test_the_map_of_a_run_over_tiles_is_as_good_as_one_in_memory(sky):
    tiles = in_tiles(sky.data, **SETTINGS)
    found = same_both_ways(sky.data, segmentation=tiles.segmentation)
    assert same_tables(found.table, sky.whole.table)


def test_notes_of_a_map_stay(sky):
    segmentation = SegmentationImage(sky.labels)
    segmentation.info["made"] = "by hand"
    found = same_both_ways(sky.data, segmentation=segmentation)
    assert found.segmentation.info == {"made": "by hand"}


# --- other bands ---

BANDS = {
    "array": lambda sky: sky.band,
    "float32": lambda sky: sky.band.astype(np.float32),
    "path": lambda sky: sky.path("band.fits"),
    "compressed": lambda sky: sky.path("band_packed.fits"),
    "Zarr": lambda sky: sky.path("band.zarr"),
    "Dask": lambda sky: dask.array.from_array(sky.band, chunks=(30, 60)),
    "Quantity": lambda sky: sky.band << u.uJy,
    "masked array": lambda sky: np.ma.array(sky.band, mask=sky.mask),
    "NDData": lambda sky: NDData(sky.band, mask=sky.mask, wcs=sky.wcs),
    "files that abut": lambda sky: sky.halves("band"),
}


@pytest.mark.parametrize("kind", BANDS)
def test_bands_of_every_kind(sky, kind):
    given = {"detection_image": BANDS[kind](sky)}
    same_both_ways(sky.data, **given)


@pytest.mark.parametrize("kind", ["array", "Zarr", "masked array", "files that abut"])
def test_parts_of_bands_and_maps(sky, kind):
    band = BANDS[kind](sky)
    same_both_ways(
        sky.path("data.fits"), detection_image=band, segmentation=sky.labels, region=PART
    )


def test_catalogs_for_positions_and_shapes(sky):
    catalog = sky.whole.catalog
    assert same_both_ways(sky.band, detection_cat=catalog).detection_cat is catalog
    same_both_ways(sky.path("band.fits"), detection_cat=catalog, segmentation=sky.labels)
    tiles = in_tiles(sky.data, **SETTINGS)
    same_both_ways(sky.band, detection_cat=tiles.catalog)


# --- every way of the chain ---

CHAINS = {
    "whole sources": {"deblend": False},
    "no convolution": {"kernel_fwhm": 0},
    "gain": {"effective_gain": 2.0, "zero_point": 25.0},
    "background": {"columns": ("default", "background_mean"), "localbkg_width": 8},
    "background twice": {"background_passes": 2, "background_growth": 2.5},
    "apertures": {"aperture_radii": (3.0, 6.0), "fluxfrac_radii": ()},
    "threads": {"n_threads": 2},
    "as many threads as there are": {"n_threads": None},
    "no source": {"nsigma": 1e6},
    "no source, no convolution": {"nsigma": 1e6, "kernel_fwhm": 0},
    "every box is crowded": {"box_size": 8, "exclude_percentile": 0.0, "clip_sigma": 1.0},
}


@pytest.mark.parametrize("kind", CHAINS)
def test_chains(sky, kind):
    options = CHAINS[kind]
    same_both_ways(sky.data, mask=sky.mask, **options)
    same_both_ways(sky.data, detection_image=sky.band.astype(np.float32), **options)
    found = same_both_ways(sky.data, segmentation=sky.labels, **options)
    assert len(found.table) == len(sky.whole.table)


def crowd():
    """Return a plateau with more peaks than the markers that deblending takes."""
    image = np.random.default_rng(2).normal(0, 1, SHAPE)
    image[10:70, 20:100] += 30
    image[11:70:3, 21:100:3] += 100
    return image


WARNED = {
    "NoDetectionsWarning": lambda sky: (sky.data, {"nsigma": 1e6}),
    "NoDetectionsWarning, map": lambda sky: (sky.data, {"segmentation": np.zeros(SHAPE, int)}),
    "CrowdedWarning": lambda sky: (sky.data, CHAINS["every box is crowded"]),
    "CrowdedWarning, second pass": lambda sky: (
        sky.data, {"background_passes": 2, "background_growth": 100},
    ),
    # The noise given is far below that of the crowd.
    "DeblendWarning and ImageWarning": lambda sky: (
        crowd(),
        {"rms": np.ones(SHAPE), "kernel_fwhm": 0, "contrast": 0, "npixels": 1,
         "exclude_percentile": 100, "nsigma": 5.0},
    ),
    "ImageWarning": lambda sky: (sky.path("odd.fits"), {}),
}  # fmt: skip


@pytest.mark.parametrize("category", WARNED)
def test_warnings_are_told_once_and_as_the_callers(sky, category):
    image, options = WARNED[category](sky)
    expected = category.partition(",")[0].split(" and ")
    for run in (extract, in_tiles):
        _, said = told(lambda run=run: run(image, **{**SETTINGS, **options}))
        assert sorted(each.__name__ for each, _, _ in said) == expected
        assert all(mine for *_, mine in said)
    same_both_ways(image, **options)


def test_a_map_without_labels(sky):
    none = np.zeros(SHAPE, np.int32)
    assert same_both_ways(sky.data, segmentation=none).catalog is None
    same_both_ways(sky.data, segmentation=none, detection_image=sky.band.astype(np.float32))


def test_tables_know_both_names_of_columns(sky):
    once, tiles = run_both_ways(sky.data)
    assert np.array_equal(once.table["x_centroid"], once.table["xcentroid"])
    assert np.array_equal(tiles.table["x_centroid"], tiles.table["xcentroid"])
    assert type(once.table) is type(tiles.table)
    once, tiles = run_both_ways(sky.data, nsigma=1e6)
    for found in (once, tiles):
        assert len(found.table["x_centroid"]) == 0
    assert type(once.table) is type(tiles.table)


@pytest.mark.parametrize("nsigma", [1.5, 1e6])
def test_tables_keep_what_is_noted_about_them(sky, nsigma):
    once, tiles = run_both_ways(sky.data, nsigma=nsigma, kron_params=(2.0, 1.2))
    assert not list(differences({**once.table.meta}, {**tiles.table.meta}, "meta"))


@pytest.mark.parametrize(
    "options",
    [{}, {"deblend": False}, {"nsigma": 1e6}, {"segmentation": "map"}, {"segmentation": "none"}],
    ids=str,
)
def test_tables_of_tiles_have_the_same_columns(sky, options):
    maps = {"map": sky.labels, "none": np.zeros(SHAPE, int)}
    given = {name: maps.get(value, value) for name, value in options.items()}
    once, tiles = run_both_ways(sky.data, **given)
    assert once.tiles.colnames == tiles.tiles.colnames


@pytest.mark.parametrize(
    "options",
    [
        {}, {"error": "error"}, {"rms": "rms"}, {"weight": "weight"}, {"mask": "mask"},
        {"detection_image": "band"}, {"detection_image": "band", "kernel_fwhm": 0},
        {"rms": "rms", "effective_gain": 2.0}, {"detection_image": "band", "nsigma": 1e6},
    ],
    ids=str,
)  # fmt: skip
def test_views_say_what_dtype_they_have(sky, options):
    given = {
        name: getattr(sky, value) if isinstance(value, str) else value
        for name, value in options.items()
    }
    for found in run_both_ways(sky.data, **given):
        views = {name: getattr(found, name) for name in dir(found) if name in IMAGES_OF_RESULTS}
        said = {name: view.dtype for name, view in views.items() if view is not None}
        assert said == {name: np.asarray(views[name]).dtype for name in said}
        assert said == {name: views[name][3:5, 7:9].dtype for name in said}


def test_results_on_the_host_are_themselves(sky):
    once, tiles = run_both_ways(sky.data, mask=sky.mask)
    for found in (once, tiles):
        assert_same(found.to_host(), found)
    assert_same(once.to_host(), tiles.to_host())


def test_files_are_the_same(sky, tmp_path):
    once, tiles = run_both_ways(sky.path("data.fits"), mask=sky.mask)
    paths = [
        {path.name: path for path in found.write(tmp_path / name, "ecsv", regions=True)}
        for name, found in (("once", once), ("tiles", tiles))
    ]
    assert set(paths[1]) - set(paths[0]) == {"tiles.ecsv"}
    assert set(paths[0]) <= set(paths[1])
    assert paths[0]["parameters.toml"].read_text() == paths[1]["parameters.toml"].read_text()
    maps = [fits.open(each["segmentation.fits"]) for each in paths]
    assert np.array_equal(maps[0][0].data, maps[1][0].data)
    headers = [{**hdus[0].header} for hdus in maps]
    assert {**headers[0], "DATE": ""} == {**headers[1], "DATE": ""}
    tables = [QTable.read(each["catalog.ecsv"]) for each in paths]
    assert same_tables(*tables)
    metas = [{**table.meta} for table in tables]
    assert not list(differences(*metas, "meta"))


# --- what is refused ---

REFUSED = {
    "no image": lambda sky: (sky.path("none.fits"), {}),
    "no Zarr": lambda sky: (sky.path("none.zarr"), {}),
    "no HDU": lambda sky: (sky.path("data.fits[NONE]"), {}),
    "1-D": lambda sky: (sky.data[0], {}),
    "3-D": lambda sky: (np.zeros((2, *SHAPE)), {}),
    "no pixel": lambda sky: (np.zeros((0, 20)), {}),
    "complex": lambda sky: (sky.data.astype(complex), {}),
    "texts": lambda sky: (np.full(SHAPE, "a"), {}),
    "complex rms": lambda sky: (sky.data, {"rms": sky.rms.astype(complex)}),
    "complex mask": lambda sky: (sky.data, {"mask": sky.rms.astype(complex)}),
    "complex Zarr": lambda sky: (zarr.array(sky.data.astype(complex)), {}),
    "all masked": lambda sky: (sky.data, {"mask": np.ones(SHAPE, bool)}),
    "all NaN": lambda sky: (np.full(SHAPE, np.nan), {}),
    "no weight": lambda sky: (sky.data, {"weight": np.zeros(SHAPE)}),
    "band of NaN": lambda sky: (sky.data, {"detection_image": np.full(SHAPE, np.nan)}),
    "no good box": lambda sky: (sky.data.astype(float), {"clip_sigma": 1e-9}),
    "weight and rms": lambda sky: (sky.data, {"weight": sky.weight, "rms": sky.rms}),
    "band and catalog": lambda sky: (
        sky.data, {"detection_image": sky.band, "detection_cat": sky.whole.catalog}
    ),
    "no catalog": lambda sky: (sky.data, {"detection_cat": sky.whole}),
    "part of a catalog": lambda sky: (
        sky.data, {"detection_cat": sky.whole.catalog, "region": PART}
    ),
    "unknown column": lambda sky: (sky.data, {"columns": ("label", "flavour")}),
    "column of the sky": lambda sky: (sky.data, {"columns": ("sky_centroid",)}),
    "unknown parameter": lambda sky: (sky.data, {"flavour": 3}),
    "wrong parameter": lambda sky: (sky.data, {"nsigma": "much"}),
    "parameters": lambda sky: (sky.data, {"parameters": {"nsigma": 3}}),
    "device": lambda sky: (sky.data, {"device": "abacus"}),
    "bits of floats": lambda sky: (sky.data, {"mask": sky.rms, "mask_bits": (1,)}),
    "region": lambda sky: (sky.data, {"region": "0:500,0:3"}),
    "hdu of an array": lambda sky: (sky.data, {"hdu": 1}),
    "unit": lambda sky: (sky.data << u.nJy, {"rms": sky.rms << u.m}),
    "unit of nothing": lambda sky: (sky.data, {"error": sky.error << u.nJy}),
    "unit of a weight": lambda sky: (sky.data << u.nJy, {"weight": sky.weight << u.nJy}),
    "floats as labels": lambda sky: (sky.data, {"segmentation": sky.labels + 0.5}),
    "floats of a file as labels": lambda sky: (sky.data, {"segmentation": sky.path("band.fits")}),
    "mask as labels": lambda sky: (sky.data, {"segmentation": sky.labels > 0}),
    "negative labels": lambda sky: (sky.data, {"segmentation": sky.labels - 1}),
    "a label that is too large": lambda sky: (
        sky.data, {"segmentation": np.where(sky.labels == 1, 1 << 40, sky.labels.astype(np.int64))}
    ),
    "other labels": lambda sky: (
        sky.data, {"detection_cat": sky.whole.catalog, "segmentation": sky.labels // 2}
    ),
    "map elsewhere": lambda sky: (
        sky.data, {"wcs": sky.wcs[2:, 3:], "segmentation": sky.path("labels.fits")}
    ),
    **{
        f"shape of {name}": lambda sky, name=name: (
            sky.data,
            {name: (sky.labels if name == "segmentation" else sky.rms)[1:]},
        )
        for name in ("weight", "rms", "error", "mask", "segmentation", "detection_image")
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_is_refused_in_the_same_words(sky, kind):
    image, options = REFUSED[kind](sky)
    once, _ = run_both_ways(image, **options)
    assert isinstance(once, (ValueError, TypeError, OSError))


# --- views ---

ARRAY = np.random.default_rng(1).normal(0, 10, (7, 9))


def view_of(array, seen=None):
    def read(window):
        if seen is not None:
            seen.append(window)
        return array[window.slices]

    return ImageView(read, array.shape, array.dtype)


@pytest.fixture(scope="module")
def views(sky):
    """Views of the same image at once and by tiles, and the image."""
    once, tiles = run_both_ways(sky.data)
    return [once.data, tiles.data], np.array(once.data)


def slices(length):
    end = st.none() | st.integers(-length - 3, length + 3)
    return st.builds(slice, end, end, st.none() | st.integers(-4, 4).filter(bool))


def indices(length):
    numbers = st.integers(-length, length - 1)
    return slices(length) | numbers | numbers.map(np.int64) | numbers.map(np.int16)


SINGLE = indices(7) | st.just(...) | st.just(())
PAIRS = st.tuples(indices(7), indices(9))
WITH_DOTS = st.one_of(
    st.tuples(st.just(...), indices(9)), st.tuples(indices(7), st.just(...)),
    st.tuples(indices(7), st.just(...), indices(9)), st.tuples(st.just(...)),
)  # fmt: skip
CHOICES = st.one_of(
    st.lists(st.booleans(), min_size=7, max_size=7).map(np.array),
    st.lists(st.booleans(), min_size=63, max_size=63).map(lambda each: np.reshape(each, (7, 9))),
    st.lists(st.integers(-7, 6), max_size=9).map(lambda each: np.array(each, int)),
    st.tuples(st.lists(st.integers(-7, 6), min_size=1, max_size=5), indices(9)),
    st.tuples(slices(7), st.lists(st.booleans(), min_size=9, max_size=9)),
    st.tuples(st.just(None), indices(7)), st.tuples(indices(7), st.just(None), indices(9)),
    st.tuples(st.just(...), st.just(None)), st.booleans(), st.booleans().map(np.bool),
)  # fmt: skip


@settings(max_examples=500)
@given(SINGLE | PAIRS | WITH_DOTS | CHOICES)
def test_whatever_is_asked_of_a_view_is_what_the_array_gives(key):
    ours, expected = view_of(ARRAY)[key], ARRAY[key]
    assert np.shape(ours) == np.shape(expected)
    assert isinstance(ours, np.ndarray | np.generic)
    np.testing.assert_array_equal(ours, expected)


@settings(max_examples=200)
@given(PAIRS)
def test_no_more_is_read_than_is_asked_for(key):
    seen = []
    view_of(ARRAY, seen)[key]
    rows, columns = (
        np.arange(length)[each].ravel() for length, each in zip(ARRAY.shape, key, strict=True)
    )
    if rows.size and columns.size:
        assert seen == [Window(rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)]
    else:
        assert sum(each.shape[0] * each.shape[1] for each in seen) <= 9


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(y=slices(80) | indices(80), x=slices(112) | indices(112))
def test_windows_of_results(views, y, x):
    for view in views[0]:
        np.testing.assert_array_equal(view[y, x], views[1][y, x])
        np.testing.assert_array_equal(view[y], views[1][y])
        np.testing.assert_array_equal(view[..., x], views[1][..., x])


@pytest.mark.parametrize(
    "key", [(7,), (-8,), (0, 9), (0, -10), (0, 0, 0), (..., ...), 2.5, "a", (slice(None), 1.0)]
)
def test_what_the_array_refuses_the_view_refuses(key):
    with pytest.raises(Exception) as expected:  # noqa: PT011
        ARRAY[key]
    with pytest.raises(expected.type):
        view_of(ARRAY)[key]


def test_a_view_counts_as_an_array():
    view = view_of(ARRAY)
    assert (view.shape, view.ndim, view.size, view.nbytes) == ((7, 9), 2, 63, 504)
    assert (len(view), view.dtype, repr(view)) == (7, float, "<ImageView: float64, 7 x 9 pixels>")
    np.testing.assert_array_equal(np.array([*view]), ARRAY)
    for made in (np.asarray(view), np.array(view), view[:], view[...], np.stack([view])[0]):
        assert type(made) is np.ndarray
        np.testing.assert_array_equal(made, ARRAY)
    assert np.asarray(view, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.array(view, dtype=np.float32, copy=False)
    copied = np.array(view)
    copied[0] = 0
    np.testing.assert_array_equal(view, ARRAY)
    np.testing.assert_array_equal(np.where(view > 0, view, 0), np.where(ARRAY > 0, ARRAY, 0))
    for name in ("sum", "min", "std", "any"):
        assert getattr(view, name)() == getattr(np, name)(view) == getattr(ARRAY, name)()
    np.testing.assert_array_equal(view.T, ARRAY.T)
    np.testing.assert_array_equal(np.percentile(view, 10, axis=1), np.percentile(ARRAY, 10, axis=1))
    with pytest.raises(AttributeError, match="'ImageView' object has no attribute 'flavour'"):
        _ = view.flavour


NUMBERS = st.floats(-100, 100) | st.integers(-9, 9) | st.just(ARRAY[::-1]) | st.just(ARRAY[0])
OPERATIONS = [
    getattr(operator, name)
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "lt", "le", "eq", "ne", "gt")
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(st.sampled_from(OPERATIONS), NUMBERS)
def test_arithmetic_is_that_of_the_array(operation, other):
    view = view_of(ARRAY)
    for ours, expected in (
        (operation(view, other), operation(ARRAY, other)),
        (operation(other, view), operation(other, ARRAY)),
        (operation(view, view), operation(ARRAY, ARRAY)),
    ):
        assert type(ours) is type(expected)
        np.testing.assert_array_equal(ours, expected)


def test_functions_of_views_are_arrays():
    view = view_of(ARRAY)
    for ours, expected in (
        (-view, -ARRAY), (abs(view), abs(ARRAY)), (np.exp(view), np.exp(ARRAY)),
        (view**2, ARRAY**2), (2**view, 2**ARRAY), (view @ view.T, ARRAY @ ARRAY.T),
        (np.add.reduce(view, axis=1), ARRAY.sum(axis=1)), (np.hypot(view, 3), np.hypot(ARRAY, 3)),
        (divmod(view, 2)[1], ARRAY % 2), (np.isfinite(view), np.isfinite(ARRAY)),
        (np.add(view, 1, out=np.empty((7, 9))), ARRAY + 1),
    ):  # fmt: skip
        assert type(ours) is np.ndarray
        np.testing.assert_array_equal(ours, expected)
    flags = view_of(ARRAY > 0)
    np.testing.assert_array_equal(~flags, ARRAY <= 0)
    np.testing.assert_array_equal(flags & (ARRAY > 3), ARRAY > 3)
    np.testing.assert_array_equal(ARRAY[flags], ARRAY[ARRAY > 0])


def test_views_take_units():
    view, jansky = view_of(ARRAY), ARRAY << u.Jy
    for ours, expected in (
        (view << u.Jy, jansky), (view * u.Jy, jansky), (u.Jy * view, jansky),
        (view / u.Jy, ARRAY / u.Jy), (u.Quantity(view, "Jy"), jansky),
        (view * (2 * u.Jy), 2 * jansky), ((2 * u.Jy) * view, 2 * jansky),
        (jansky - view * u.Jy, 0 * jansky),
    ):  # fmt: skip
        assert type(ours) is u.Quantity
        assert ours.unit == expected.unit
        np.testing.assert_array_equal(ours.value, expected.value)


def test_a_view_is_not_written_to():
    view, before = view_of(ARRAY), ARRAY.copy()
    with pytest.raises(TypeError):
        view[0, 0] = 3
    with pytest.raises(TypeError):
        np.add(ARRAY, 1, out=view)
    other = view
    with contextlib.suppress(TypeError):  # or it is an array of its own
        other += 1
    np.testing.assert_array_equal(view, before)
    with pytest.raises(AttributeError):
        view.shape = (9, 7)
    np.testing.assert_array_equal(ARRAY, before)


def test_all_of_a_result_is_compared():
    public = {name for name in dir(Extraction) if not name.startswith("_")}
    assert {*IMAGES_OF_RESULTS} <= public
    assert {"table", "catalog", "segmentation", "parameters", "tiles", "wcs", "unit"} <= public
