"""extract(segmentation=), detection_image=, detection_cat=: what was found before is measured."""

import warnings

import astropy.units as u
import numpy as np
import photutils
import photutils.segmentation as peer
import pytest
from astropy.io import fits
from astropy.nddata import NDData

from skyshed import SourceCatalog, extract
from skyshed.cli import main
from skyshed.exceptions import ImageWarning, NoDetectionsWarning
from skyshed.output.catalogs import read_catalog
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import SHAPE, make_field, make_wcs, same_tables

#: Columns that say where a source is and what shape it has, and those that say how bright.
GEOMETRY = ["xcentroid", "ycentroid", "area", "semimajor_sigma", "orientation", "eccentricity"]
FLUXES = ["segment_flux", "segment_fluxerr", "kron_flux", "kron_fluxerr", "max_value"]
#: What photutils 3.1 changed; under Python 3.12 it is compared, too.
CHANGED = {"kron_flux", "kron_fluxerr"} if photutils.__version__ < "3.1" else set()


@pytest.fixture(scope="module")
def image():
    image = make_field()
    image.setflags(write=False)
    return image


@pytest.fixture(scope="module")
def band(image):
    """The same field in another band: other fluxes, other noise, other sky."""
    noise = np.random.default_rng(5).normal(0, 2, SHAPE)
    band = (3 * image - 40 + noise).astype(np.float32)
    band.setflags(write=False)
    return band


@pytest.fixture(scope="module")
def found(image):
    return extract(image)


def same(table, other):
    """Whether tables are the same but for flags: a map does not say which sources were split."""
    tables = [each.copy(copy_data=False) for each in (table, other)]
    for each in tables:
        if "flags" in each.colnames:
            each.remove_column("flags")
    return same_tables(*tables)


def plain(table, name):
    return np.asarray(getattr(table[name], "value", table[name]))


def assert_same(table, other, names):
    for name in names:
        np.testing.assert_array_equal(plain(table, name), plain(other, name), err_msg=name)


def close_to_photutils(table, catalog):
    """Compare with photutils' catalog under its own names of columns."""
    theirs = {"segment_fluxerr": "segment_flux_err", "kron_fluxerr": "kron_flux_err"}
    theirs |= {"semimajor_sigma": "semimajor_axis"}
    theirs |= {"xcentroid": "x_centroid", "ycentroid": "y_centroid"}
    for name in [*GEOMETRY, *(name for name in FLUXES if name not in CHANGED)]:
        ours, expected = plain(table, name), getattr(catalog, theirs.get(name, name))
        expected = plain({name: expected}, name)
        if name == "orientation":  # photutils 3.0 counts from 0 to 360 degrees
            ours, expected = ours % 180, expected % 180
        np.testing.assert_allclose(ours, expected, rtol=1e-9, err_msg=name)


def test_measuring_what_was_found_gives_the_same_catalog(image, found):
    again = extract(image, segmentation=found.segmentation)
    assert same_tables(again.table, found.table)
    assert np.array_equal(again.convolved_data, found.convolved_data)
    assert again.segmentation is found.segmentation
    assert again.record["segmentation"] == "array"
    assert "segmentation" not in found.record


def maps(found, tmp_path):
    labels = found.segmentation.data
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(labels, name="SEG")]).writeto(
        tmp_path / "map.fits"
    )
    found.write(tmp_path / "plain", preview=False)
    found.write(tmp_path / "tiles", preview=False, compress=True)
    return {
        "array": labels,
        "64 bits": labels.astype(np.int64),
        "unsigned": labels.astype(np.uint16),
        "big-endian": labels.astype(">i4"),
        "list": labels.tolist(),
        "masked array": np.ma.MaskedArray(np.maximum(labels, 1), labels == 0),
        "NDData": NDData(labels),
        "photutils": peer.SegmentationImage(labels),
        "HDU": fits.ImageHDU(labels),
        "HDUList": fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(labels)]),
        "file": str(tmp_path / "map.fits"),
        "HDU of a file": f"{tmp_path}/map.fits[SEG]",
        "our own": tmp_path / "plain" / "segmentation.fits",
        "our own, compressed": tmp_path / "tiles" / "segmentation.fits.fz",
    }


def test_every_kind_of_map_gives_the_same_catalog(image, found, tmp_path):
    for kind, given in maps(found, tmp_path).items():
        other = extract(image, segmentation=given)
        assert same(other.table, found.table), kind
        if "file" in kind:
            assert other.record["segmentation"] == str(tmp_path / "map.fits")
            assert int(other.record["segmentation_size"]) == (tmp_path / "map.fits").stat().st_size


def test_labels_stay_as_they_are_and_the_map_is_not_modified(image, found):
    labels = 7 * found.segmentation.data
    labels[labels == 70] = 0
    labels.setflags(write=False)
    before = labels.copy()
    table = extract(image, segmentation=labels).table
    expected = found.table[np.asarray(found.table["label"]) != 10]
    assert table["label"].tolist() == (7 * np.asarray(expected["label"])).tolist()
    assert_same(table, expected, ["xcentroid", "segment_flux"])
    assert np.array_equal(labels, before)


def test_background_masks_errors_and_units_work_as_ever(image, found):
    mask = np.zeros(SHAPE, bool)
    mask[40:60, :] = True
    rms = np.full(SHAPE, 2.0)
    options = {"mask": mask, "rms": rms, "effective_gain": 3.0, "localbkg_width": 8}
    expected = extract(image << u.nJy, **options, fluxfrac_radii=())
    again = extract(
        image << u.nJy, **options, segmentation=found.segmentation, fluxfrac_radii=(), zero_point=25
    )
    assert np.array_equal(again.mask, expected.mask)
    assert np.array_equal(again.data, expected.data)
    assert np.array_equal(again.error, expected.error)
    table = SourceCatalog(
        again.data << u.nJy, found.segmentation, convolved_data=again.convolved_data << u.nJy,
        error=again.error << u.nJy, mask=mask, localbkg_width=8,
    ).to_table()  # fmt: skip
    assert_same(again.table, table, [*GEOMETRY, *FLUXES, "local_background"])
    assert again.table["kron_flux"].unit == u.nJy
    assert again.table["kron_mag"].unit == u.mag


def test_a_map_of_another_band_is_measured_as_photutils_does(band, found):
    here = extract(band, segmentation=found.segmentation)
    catalog = peer.SourceCatalog(
        here.data.astype(float), peer.SegmentationImage(found.segmentation.data),
        convolved_data=here.convolved_data.astype(float), error=here.error.astype(float),
    )  # fmt: skip
    close_to_photutils(here.table, catalog)
    assert not np.allclose(plain(here.table, "xcentroid"), plain(found.table, "xcentroid"))


@pytest.mark.parametrize("how", ["image", "image and map", "catalog", "catalog and map"])
def test_forced_photometry_takes_shapes_from_one_band_and_fluxes_from_the_other(
    image, band, found, how
):
    given = {"detection_image": image} if "image" in how else {"detection_cat": found.catalog}
    if "map" in how:
        given["segmentation"] = found.segmentation
    here = extract(band, **given)
    assert_same(here.table, found.table, [*GEOMETRY, "label"])
    assert np.array_equal(here.segmentation.data, found.segmentation.data)
    alone = extract(band, segmentation=found.segmentation)
    assert np.array_equal(here.data, alone.data)
    assert_same(here.table, alone.table, ["segment_flux", "segment_fluxerr", "max_value"])
    assert not np.array_equal(plain(here.table, "kron_flux"), plain(alone.table, "kron_flux"))
    np.testing.assert_array_equal(here.catalog.kron_radius, found.catalog.kron_radius)
    np.testing.assert_array_equal(here.convolved_data, found.convolved_data)
    assert_same(here.detection_cat.to_table(), found.table, [*GEOMETRY, *FLUXES])
    assert repr(here) == f"<Extraction: {len(found.table)} sources in 150 x 190 pixels>"


def test_forced_photometry_is_that_of_the_chain_and_of_photutils(band, found):
    here = extract(band, detection_cat=found.catalog)
    detection = SourceCatalog(
        found.data, found.segmentation, convolved_data=found.convolved_data, error=found.error
    )
    expected = SourceCatalog(here.data, found.segmentation, error=here.error,
                             detection_cat=detection)  # fmt: skip
    assert_same(here.table, expected.to_table(), [*GEOMETRY, *FLUXES])
    labels = peer.SegmentationImage(found.segmentation.data)
    detection = peer.SourceCatalog(
        found.data.astype(float), labels, convolved_data=found.convolved_data.astype(float)
    )
    catalog = peer.SourceCatalog(
        here.data.astype(float), labels, error=here.error.astype(float),
        detection_catalog=detection,
    )  # fmt: skip
    close_to_photutils(here.table, catalog)


def test_the_settings_of_a_detection_catalog_are_those_that_are_recorded(image, band):
    found = extract(image, kron_params=(2.0, 1.2), apermask_method="mask", wcs=make_wcs())
    here = extract(band, detection_cat=found.catalog, kron_params=(9, 9))
    assert here.parameters.kron_params == (2.0, 1.2)
    assert here.parameters.apermask_method == "mask"
    assert "sky_centroid" in here.table.colnames
    assert here.wcs is found.wcs


def test_a_detection_image_has_its_own_bad_pixels_and_unit(image, band):
    bad = np.zeros(SHAPE, bool)
    bad[20:50, 30:70] = True
    masked = extract(np.where(bad, np.nan, image))
    here = extract(band << u.Jy, detection_image=np.ma.MaskedArray(image, bad))
    assert here.mask is None
    assert np.array_equal(here.segmentation.data, masked.segmentation.data)
    assert here.table["segment_flux"].unit == u.Jy
    assert np.isfinite(here.table["segment_flux"]).all()
    other = extract(band, detection_image=NDData(image, mask=bad))
    assert_same(other.table, here.table, [*GEOMETRY, *FLUXES])


def test_a_map_without_labels_gives_an_empty_table(image, found):
    with pytest.warns(NoDetectionsWarning, match="segmentation has no labels"):
        none = extract(image, segmentation=np.zeros(SHAPE, int))
    assert (len(none.table), none.catalog) == (0, None)
    assert none.table.colnames == found.table.colnames
    with pytest.warns(NoDetectionsWarning) as record:
        none = extract(image, detection_image=image, nsigma=1e6)
    assert len(record) == 1
    assert (len(none.table), none.catalog, none.detection_cat) == (0, None, None)


def shifted(pixels):
    wcs = make_wcs()
    wcs.wcs.crpix = wcs.wcs.crpix + [pixels, 0]
    return wcs


def test_a_map_that_lies_elsewhere_on_the_sky_is_refused(image, found, tmp_path):
    labels = found.segmentation.data

    def file(wcs):
        fits.writeto(tmp_path / "map.fits", labels, wcs.to_header(), overwrite=True)
        return tmp_path / "map.fits"

    expected = extract(image, wcs=make_wcs()).table
    assert same(extract(image, segmentation=file(shifted(0.3)), wcs=make_wcs()).table, expected)
    message = (
        r"segmentation and image must have the same pixels on the sky: .* is 0.6 pixels off in "
        r"image, at .* at most 0.5 is allowed: resample segmentation"
    )
    with pytest.raises(ValueError, match=message):
        extract(image, segmentation=file(shifted(0.6)), wcs=make_wcs())
    turned = make_wcs()
    turned.wcs.cdelt = -turned.wcs.cdelt
    for name, given in (
        ("segmentation", file(turned)),
        ("detection_image", NDData(image, wcs=turned)),
        ("detection_cat", extract(image, wcs=turned).catalog),
    ):
        with pytest.raises(ValueError, match=f"{name} and image must have the same pixels"):
            extract(image, wcs=make_wcs(), **{name: given})
    # Where the image says nothing, its map does.
    here = extract(image, segmentation=file(make_wcs())).table
    assert here.colnames == expected.colnames
    assert here["sky_centroid"].separation(expected["sky_centroid"]).arcsec.max() < 1e-6
    assert same(extract(image, segmentation=labels, wcs=turned).table[["label"]],
                       expected[["label"]])  # fmt: skip


class Lost:
    """A WCS that leads nowhere."""

    def pixel_to_world(self, x, y):
        raise RuntimeError("no convergence")


def test_wcs_that_cannot_be_compared_are_said(image, found):
    given = NDData(image, wcs=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extract(image, detection_image=given, wcs=make_wcs())
    from skyshed.images.registration import check_registered

    with pytest.warns(ImageWarning, match=r"segmentation cannot be .* image \(no convergence\)"):
        check_registered(Lost(), "segmentation", make_wcs(), SHAPE)


def test_maps_that_are_none_are_refused_by_name(image, found):
    labels = found.segmentation.data
    for given, kind, message in (
        (labels[:5], ValueError, r"segmentation must have the same shape as image: .*\(5, 190\)"),
        (labels + 0.5, ValueError, "segmentation must hold labels from 0, .* float64; it has 0.5"),
        (labels > 0, TypeError, "segmentation is a mask .* scipy.ndimage.label"),
        (labels - 1, ValueError, "segmentation must hold labels from 0, .* it has -1: make sure"),
        (labels[0], ValueError, "segmentation must be a 2-D array, got 1-D"),
        (
            labels.astype(np.int64) << 40,
            ValueError,
            "segmentation must hold labels from 0, .* to 2147483647",
        ),
    ):
        with pytest.raises(kind, match=message):
            extract(image, segmentation=given)
    with pytest.raises(ValueError, match="detection_image must have the same shape as image"):
        extract(image, detection_image=image[:9])
    with pytest.raises(ValueError, match="no pixel of detection_image is good"):
        extract(image, detection_image=np.full(SHAPE, np.nan))
    with pytest.raises(
        TypeError, match=r"detection_cat must be a skyshed\.SourceCatalog, got Extr"
    ):
        extract(image, detection_cat=found)
    with pytest.raises(ValueError, match="detection_image and detection_cat both"):
        extract(image, detection_image=image, detection_cat=found.catalog)
    with pytest.raises(ValueError, match=r"detection_cat must have the sources of segmentation"):
        extract(image, detection_cat=found.catalog, segmentation=labels // 2)


def test_progress_names_the_stages_of_both_images(image, capfd):
    extract(image, detection_image=image, progress=True)
    shown = capfd.readouterr().err
    assert "/8" in shown
    assert "measurement" in shown


@pytest.fixture(scope="module")
def folder(tmp_path_factory, image, band, found):
    folder = tmp_path_factory.mktemp("measuring")
    header = make_wcs().to_header()
    fits.writeto(folder / "image.fits", image, header)
    fits.writeto(folder / "band.fits", band, header)
    fits.writeto(folder / "map.fits", found.segmentation.data, header)
    fits.writeto(folder / "shifted.fits", found.segmentation.data, shifted(3).to_header())
    return folder


def command(folder, *arguments):
    out = folder / "out"
    given = [argument.replace("{f}", str(folder)) for argument in arguments]
    options = ["--out", str(out), "--no-preview", "--quiet"]
    status = main(["extract", str(folder / "band.fits"), *options, *given])
    return status, read_catalog(out / "catalog.fits") if status == 0 else None


def test_the_command_measures_a_map(folder, band):
    status, table = command(folder, "--segmentation", "{f}/map.fits")
    assert status == 0
    expected = extract(folder / "band.fits", segmentation=folder / "map.fits")
    assert same_tables(table, expected.table)
    assert table.meta["record"]["segmentation"] == str(folder / "map.fits")
    labels = fits.getdata(folder / "out" / "segmentation.fits")
    assert np.array_equal(labels, fits.getdata(folder / "map.fits"))


def test_the_command_forces_photometry(folder):
    for arguments in (["--segmentation", "{f}/map.fits"], []):
        status, table = command(folder, "--detection-image", "{f}/image.fits", *arguments)
        assert status == 0
        expected = extract(folder / "band.fits", detection_image=folder / "image.fits")
        assert same(table, expected.table)
        assert table.meta["record"]["detection_image"] == str(folder / "image.fits")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--segmentation", "{f}/shifted.fits"], "is 3 pixels off in image"),
        (["--segmentation", "{f}/image.fits"], "segmentation must hold labels from 0"),
        (["--segmentation", "{f}/none.fits"], "none.fits: there is no such file"),
        (["--detection-image", "{f}/shifted.fits"], "detection_image and image must have"),
    ],
)
def test_the_command_refuses_in_one_line(folder, capsys, arguments, message):
    assert command(folder, *arguments)[0] == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_indices_of_pixels_have_one_dtype_where_a_source_has_no_good_pixel():
    image = np.random.default_rng(1).normal(0, 0.1, (120, 200))
    labels = np.zeros(image.shape, np.int32)
    for k, x in enumerate((20, 100, 180), 1):
        labels[50:55, x - 2 : x + 3] = k
        image[52, x] = 5
    image[labels == 2] = np.nan
    options = {"columns": ("label", "maxval_index", "cutout_maxval_index"), "box_size": 16}
    whole = extract(image, segmentation=labels, **options)
    tiles = by_tiles(image, (48, 64), segmentation=labels, **options)
    assert same_tables(tiles.table, whole.table)
    np.testing.assert_array_equal(whole.table["maxval_index"], [[52, 20], [np.nan] * 2, [52, 180]])
    good = extract(np.nan_to_num(image, nan=2), segmentation=labels, **options)
    assert {good.table[name].dtype for name in options["columns"][1:]} == {np.dtype(float)}
    assert good.table["maxval_index"].description == "(y, x) of the first largest value."
    assert good.catalog.maxval_index.dtype.kind == "i"  # as photutils' catalog
