"""extract(): the chain that a user would write, for any kind of image."""

import pickle
import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty, VarianceUncertainty

import skyshed
from skyshed import Parameters, extract
from skyshed.chain.columns import spelled_out
from skyshed.chain.designation import designations
from skyshed.exceptions import CrowdedWarning, NoDetectionsWarning
from tests.pipeline_field import SHAPE, PlainWCS, dtype_of, make_field, make_wcs, same_tables


@pytest.fixture(scope="module")
def image():
    image = make_field()
    image.setflags(write=False)
    return image


@pytest.fixture(scope="module")
def found(image):
    return extract(image)


#: The usual columns where there is no WCS.
USUAL = spelled_out(("default",), has_wcs=False)


def by_hand(data, *, box=64, nsigma=1.5, mask=None, rms=None, gain=None):
    """The chain as the guide writes it, with skyshed's parts."""
    bkg = skyshed.Background2D(data, box, mask=mask, bkg_estimator=skyshed.SExtractorBackground())
    rms = bkg.background_rms if rms is None else rms
    data = data - bkg.background
    kernel = skyshed.make_2dgaussian_kernel(3.0, size=5)
    convolved = skyshed.convolve(data, kernel, mask=mask, preserve_nan=True)
    segm = skyshed.detect_sources(convolved, nsigma * rms, npixels=5, mask=mask)
    segm = skyshed.deblend_sources(convolved, segm, npixels=5, progress_bar=False)
    error = rms if gain is None else skyshed.calc_total_error(data, rms, gain)
    return segm, skyshed.SourceCatalog(data, segm, convolved_data=convolved, error=error, mask=mask)


def test_extract_is_the_chain_written_by_hand(image, found):
    segm, catalog = by_hand(image)
    assert len(found.table) == catalog.nlabels > 40
    assert np.array_equal(found.segmentation.data, segm.data)
    table = catalog.to_table(USUAL)
    table["fluxfrac_radius_50"] = catalog.fluxfrac_radius(0.5)
    assert same_tables(found.table, table)


def test_mask_and_gain_reach_every_stage(image):
    mask = np.zeros(SHAPE, bool)
    mask[40:60, :] = True
    mask[:, 100:103] = True
    found = extract(image, mask=mask, effective_gain=4.0, fluxfrac_radii=())
    table = by_hand(image, mask=mask, gain=4.0)[1].to_table(USUAL)
    assert same_tables(found.table, table)
    assert not found.segmentation.data[mask].any()


def test_float64_and_integers_are_computed_in_float64():
    image = make_field(dtype=np.float64)
    assert extract(image).data.dtype == np.float64
    counts = np.round(10 * image).astype(np.int32)
    found, same = extract(counts), extract(counts.astype(np.float64))
    assert found.data.dtype == np.float64
    assert same_tables(found.table, same.table)


KINDS = {
    "list": lambda image: image.tolist(),
    "big-endian": lambda image: image.astype(">f4"),
    "Fortran order": np.asfortranarray,
    "window": lambda image: np.pad(image, 3)[3:-3, 3:-3],
    "masked array": np.ma.MaskedArray,
    "NDData": NDData,
    "PrimaryHDU": fits.PrimaryHDU,
    "ImageHDU": fits.ImageHDU,
    "HDUList": lambda image: fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(image)]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_gives_the_same_catalog(image, found, kind):
    other = extract(KINDS[kind](image))
    assert np.array_equal(other.segmentation.data, found.segmentation.data)
    if kind != "list":  # whose numbers are float64
        assert same_tables(other.table, found.table)


def test_a_path_may_name_an_hdu(image, found, tmp_path):
    hdus = [
        fits.PrimaryHDU(),
        fits.ImageHDU(image + 1, name="OTHER"),
        fits.ImageHDU(image, name="SCI"),
    ]
    fits.HDUList(hdus).writeto(tmp_path / "image.fits")
    for path, options in (("image.fits[SCI]", {}), ("image.fits", {"hdu": 2})):
        other = extract(str(tmp_path / path), **options)
        assert same_tables(other.table, found.table)
        assert other.record["input_hdu"] == "2"
    with pytest.raises(ValueError, match="the HDU is given twice"):
        extract(str(tmp_path / "image.fits[SCI]"), hdu=1)
    with pytest.raises(ValueError, match="image is no file"):
        extract(image, hdu=1)


def test_units_come_with_the_image_and_go_with_the_table(image, found):
    for given in (image << u.nJy, CCDData(image, unit="nJy")):
        other = extract(given, zero_point=31.4)
        assert other.table["kron_flux"].unit == u.nJy
        assert np.array_equal(
            other.table["kron_flux"].value, found.table["kron_flux"], equal_nan=True
        )
        assert other.table["kron_mag"].unit == u.mag
    rms = np.full(SHAPE, 1.0)
    plain = extract(image, rms=rms).table
    for factor, unit in ((1, u.nJy), (1e-3, u.uJy)):
        other = extract(image << u.nJy, rms=(factor * rms) << unit).table
        assert np.array_equal(other["label"], plain["label"])
        assert np.allclose(other["segment_fluxerr"].value, plain["segment_fluxerr"], rtol=1e-12)
    with pytest.raises(ValueError, match="rms must be in nJy, as the image says; it is in m"):
        extract(image << u.nJy, rms=rms << u.m)
    with pytest.raises(ValueError, match="error must be in no unit"):
        extract(image, error=rms << u.nJy)


def test_units_of_companion_files_count_where_they_make_sense(image, tmp_path):
    def file(name, values, unit):
        hdu = fits.PrimaryHDU(values, fits.Header({"BUNIT": unit}))
        hdu.writeto(tmp_path / name)
        return tmp_path / name

    rms = np.full(SHAPE, 2.0)
    expected = extract(image, rms=rms).table
    # Headers of weight maps are often copied from their image's.
    weight = file("weight.fits", rms**-2, "nJy")
    assert np.array_equal(extract(image << u.nJy, weight=weight).table["label"], expected["label"])
    micro = file("micro.fits", rms / 1000, "uJy")
    found = extract(image << u.nJy, rms=micro).table
    assert np.allclose(found["segment_fluxerr"].value, expected["segment_fluxerr"], rtol=1e-12)
    assert same_tables(extract(image, rms=file("rms.fits", rms, "nJy")).table, expected)
    with pytest.raises(ValueError, match="rms must be in nJy"):
        extract(image << u.nJy, rms=file("metres.fits", rms, "m"))


def test_uncertainties_of_an_nddata_are_its_error(image):
    error = np.full(SHAPE, 2.0)
    expected = extract(image, error=error).table
    for uncertainty in (StdDevUncertainty(error), VarianceUncertainty(error**2)):
        assert same_tables(extract(NDData(image, uncertainty=uncertainty)).table, expected)
    areas = expected["area"].value
    assert np.allclose(expected["segment_fluxerr"], 2.0 * np.sqrt(areas))


def test_noise_sets_the_threshold_and_the_errors(image):
    rms = np.where(np.arange(SHAPE[1]) < 95, 1.0, 3.0) * np.ones(SHAPE)
    found = extract(image, rms=rms, fluxfrac_radii=())
    segm, catalog = by_hand(image, rms=rms)
    assert np.array_equal(found.segmentation.data, segm.data)
    assert np.array_equal(found.table["segment_fluxerr"], catalog.segment_fluxerr)
    weighted = extract(image, weight=1 / rms**2)
    assert np.array_equal(weighted.segmentation.data, segm.data)


def test_relative_weights_are_scaled_to_the_noise_measured(image):
    weight = np.where(np.arange(SHAPE[0]) < 75, 1.0, 2.0)[:, None] * np.ones(SHAPE)
    first = extract(image, weight=weight, scale_weight=True)
    again = extract(image, weight=64 * weight, scale_weight=True)
    assert same_tables(first.table, again.table)
    assert np.median(first.error) == pytest.approx(np.median(first.background_rms), rel=0.3)
    ratio = first.error[0, 0] / first.error[-1, 0]
    assert ratio == pytest.approx(np.sqrt(2))


def test_pixels_without_weight_are_left_out(image):
    for bad in (0.0, -1.0, np.nan, np.inf):
        weight = np.ones(SHAPE)
        weight[20:50, 30:70] = bad
        found = extract(image, weight=weight)
        assert np.sum(found.mask) == 30 * 40
        assert not found.segmentation.data[found.mask].any()


def test_pixels_that_are_not_finite_are_left_out(image):
    holed = image.copy()
    holed[20:50, 30:70] = np.nan
    holed[0, 0], holed[3, 3] = np.inf, -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = extract(holed)
    assert np.array_equal(found.mask, ~np.isfinite(holed))
    assert not found.segmentation.data[found.mask].any()
    assert np.isfinite(found.table["segment_flux"]).all()


def test_mask_bits_choose_what_rejects_a_pixel(image):
    plane = np.zeros(SHAPE, np.int16)
    plane[10:30, 10:30], plane[60:80, 60:80], plane[100:110, 100:110] = 1, 4 + 2, -32768
    assert np.sum(extract(image, mask=plane).mask) == 400 + 400 + 100
    assert np.sum(extract(image, mask=plane, mask_bits="0").mask) == 400
    assert np.sum(extract(image, mask=plane, mask_bits=[2, 15]).mask) == 400 + 100
    assert np.sum(extract(image, mask=plane, mask_bits="0x8000").mask) == 100
    assert extract(image, mask=plane, mask_bits="8").mask is None
    assert extract(image, mask=plane, mask_bits="40").mask is None
    with pytest.raises(TypeError, match="mask must hold integers where mask_bits"):
        extract(image, mask=plane.astype(float), mask_bits="0")
    both = extract(np.ma.MaskedArray(image, plane == 1), mask=plane == 6)
    assert np.sum(both.mask) == 800


def test_inputs_are_not_modified(tmp_path):
    companions = {
        "rms": np.full(SHAPE, 1.0),
        "error": np.full(SHAPE, 2.0, np.float32),
        "mask": np.zeros(SHAPE, np.uint8),
    }
    companions["mask"][5:9, 5:9] = 1
    companions["rms"][0, 0] = np.nan
    for dtype in (np.float32, np.float64, ">f4", np.int16):
        image = make_field().astype(dtype)
        before = image.copy(), {name: each.copy() for name, each in companions.items()}
        extract(image, **companions, columns=("label", "background_mean"))
        extract(image, weight=companions["rms"], scale_weight=True, kernel_fwhm=None)
        assert np.array_equal(image, before[0])
        for name, each in companions.items():
            assert np.array_equal(each, before[1][name], equal_nan=each.dtype.kind == "f")


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_any_number_of_threads_gives_the_same_bits(image, found, n_threads):
    other = extract(image, n_threads=n_threads)
    assert np.array_equal(other.segmentation.data, found.segmentation.data)
    assert same_tables(other.table, found.table)


def test_without_sources_the_table_has_its_columns(image):
    options = {"wcs": make_wcs(), "zero_point": 25, "aperture_radii": (3,), "effective_gain": 2}
    some = extract(image << u.nJy, **options)
    with pytest.warns(NoDetectionsWarning):
        none = extract(image << u.nJy, nsigma=1e6, **options)
    assert (len(none.table), none.catalog, none.segmentation.nlabels) == (0, None, 0)
    assert none.table.colnames == some.table.colnames
    for name in set(some.table.colnames) - {"name"}:
        assert none.table[name].shape == (0,)
        assert getattr(none.table[name], "unit", None) == getattr(some.table[name], "unit", None)
        assert dtype_of(none.table[name]) == dtype_of(some.table[name])
    assert none.table["name"].dtype.kind == "U"


def test_convolution_and_deblending_can_be_left_out(image):
    for off in ({"kernel_fwhm": 0}, {"kernel_size": 0}, {"kernel_fwhm": None}):
        plain = extract(image, **off, nsigma=4)
        assert np.array_equal(plain.convolved_data, plain.data)
        expected = skyshed.detect_sources(plain.data, 4 * plain.background_rms, 5)
        expected = skyshed.deblend_sources(plain.data, expected, 5, progress_bar=False)
        assert np.array_equal(plain.segmentation.data, expected.data)
    blended = extract(image, deblend=False)
    expected = skyshed.detect_sources(blended.convolved_data, 1.5 * blended.background_rms, 5)
    assert np.array_equal(blended.segmentation.data, expected.data)


def test_columns_are_those_asked_for(image, found):
    table = extract(
        image, columns=("label", "background_mean", "x_centroid"), fluxfrac_radii=()
    ).table
    assert table.colnames == ["label", "background_mean", "x_centroid"]
    assert np.array_equal(table["x_centroid"], found.table["xcentroid"])
    level = np.array(
        [found.background[found.segmentation.data == n].mean() for n in table["label"]]
    )
    assert np.allclose(table["background_mean"], level)
    with pytest.raises(ValueError, match="columns: 'kron_fluss' is no column of the catalog"):
        extract(image, columns=("label", "kron_fluss"))
    for name in ("sky_centroid", "sky_orientation", "sky_centroid_err"):
        with pytest.raises(ValueError, match=f"columns: '{name}' needs a WCS"):
            extract(image, columns=(name,))


def test_apertures_and_radii_are_measured(image):
    found = extract(image, aperture_radii=(3, 5.5), fluxfrac_radii=(0.2, 0.5, 0.875))
    table, catalog = found.table, found.catalog
    for name, radius in (("aperture_3", 3), ("aperture_5p5", 5.5)):
        flux, error = catalog.circular_photometry(radius)
        assert np.array_equal(table[f"{name}_flux"], flux, equal_nan=True)
        assert np.array_equal(table[f"{name}_fluxerr"], error, equal_nan=True)
    for name, fraction in (("20", 0.2), ("50", 0.5), ("87p5", 0.875)):
        radius = catalog.fluxfrac_radius(fraction)
        assert np.array_equal(table[f"fluxfrac_radius_{name}"], radius, equal_nan=True)


def test_magnitudes_are_those_of_the_fluxes(image):
    table = extract(image, zero_point=27.0, aperture_radii=(3,)).table
    for name in ("segment", "kron", "aperture_3"):
        flux, error = np.array(table[f"{name}_flux"]), np.array(table[f"{name}_fluxerr"])
        good = flux > 0
        assert good.sum() > 30
        magnitude = table[f"{name}_mag"].value
        assert np.allclose(10 ** (-0.4 * (magnitude[good] - 27.0)), flux[good], rtol=1e-12)
        expected = 1.0857362047581296 * error[good] / flux[good]
        assert np.allclose(table[f"{name}_magerr"].value[good], expected, rtol=1e-12)
        assert np.isnan(magnitude[~good]).all()
    assert not any("mag" in name for name in extract(image).table.colnames)


def test_names_are_given_where_there_is_a_wcs(image, found):
    assert "name" not in found.table.colnames
    table = extract(image, wcs=make_wcs()).table
    assert table.colnames[:2] == ["label", "name"]
    ra, dec = table["sky_centroid"].icrs.ra, table["sky_centroid"].icrs.dec
    assert {text[9] for text in table["name"]} == {"0", "2"}  # both sides of 0 h
    for text, alpha, delta in zip(table["name"], ra.deg, dec.deg, strict=True):
        assert text.startswith("SKYSHED J")
        hours = int(text[9:11]) + int(text[11:13]) / 60 + float(text[13:18]) / 3600
        degrees = int(text[19:21]) + int(text[21:23]) / 60 + float(text[23:27]) / 3600
        assert -1e-6 < alpha / 15 * 3600 - hours * 3600 < 0.01
        assert -1e-6 < abs(delta) * 3600 - degrees * 3600 < 0.1
        assert text[18] == ("-" if delta < 0 else "+")
    assert "name" not in extract(image, wcs=make_wcs(), designation=None).table.colnames


def test_any_wcs_of_astropys_shared_interface_will_do(image):
    expected = extract(image, wcs=make_wcs(), columns=("all",))
    found = extract(NDData(image), wcs=PlainWCS(), columns=("all",))
    assert same_tables(found.table, expected.table)
    labels = NDData(found.segmentation.data)
    again = extract(image, wcs=PlainWCS(), segmentation=labels, detection_image=image)
    assert "sky_centroid" in again.table.colnames


def test_names_are_truncated_and_exact_on_the_edge_of_a_digit():
    pattern = "Jhhmmss.ss+ddmmss.s"
    cases = {
        (15 * (1 + 2 / 60 + 3.999 / 3600), -(4 + 5 / 60 + 6.99 / 3600)): "J010203.99-040506.9",
        (359.9999999, 89.9999999): "J235959.99+895959.9",
        (0.0, -1e-7): "J000000.00-000000.0",
        (-15.0, 0.0): "J230000.00+000000.0",
        (np.nan, 3.0): "",
    }
    names = designations(*np.transpose(list(cases)), pattern)
    assert names.tolist() == list(cases.values())
    rng = np.random.default_rng(1)
    seconds, arcseconds = rng.integers(0, 8640000, 5000), rng.integers(0, 3240000, 5000)
    names = designations(seconds / 24000, arcseconds / 36000, pattern)
    for name, second, arcsecond in zip(names, seconds.tolist(), arcseconds.tolist(), strict=True):
        ra, dec = divmod(second, 100), divmod(arcsecond, 10)
        hms = f"{ra[0] // 3600:02}{ra[0] // 60 % 60:02}{ra[0] % 60:02}.{ra[1]:02}"
        assert name == f"J{hms}+{dec[0] // 3600:02}{dec[0] // 60 % 60:02}{dec[0] % 60:02}.{dec[1]}"
    assert designations(10.0, 20.0, "A Jhhmmss+ddmmss.sss").tolist() == ["A J004000+200000.000"]


def test_overrides_go_before_parameters(image):
    parameters = Parameters(nsigma=5, npixels=20)
    found = extract(image, parameters=parameters, n_sigma=3)
    assert (found.parameters.nsigma, found.parameters.npixels) == (3, 20)
    assert same_tables(found.table, extract(image, nsigma=3, n_pixels=20).table)
    with pytest.raises(TypeError, match=r"parameters must be skyshed.Parameters, got dict"):
        extract(image, parameters={"nsigma": 3})
    with pytest.raises(TypeError, match="'nsgma' is no parameter: did you mean 'nsigma'"):
        extract(image, nsgma=3)


def test_a_field_full_of_sources_gets_a_background_all_the_same():
    rng = np.random.default_rng(3)
    image = rng.exponential(1, (128, 128)) ** 2
    with pytest.warns(CrowdedWarning, match="exclude_percentile = 10 %"):
        found = extract(image, nsigma=5)
    assert found.parameters.exclude_percentile == 100
    assert same_tables(found.table, extract(image, nsigma=5, exclude_percentile=100).table)


def test_bad_images_are_refused_by_name(image):
    for name in ("weight", "rms", "error", "mask"):
        with pytest.raises(ValueError, match=f"{name} must have the same shape as image"):
            extract(image, **{name: np.ones((3, 4))})
    with pytest.raises(ValueError, match="give one of them"):
        extract(image, weight=image, rms=image)
    with pytest.raises(ValueError, match="image must be a 2-D array, got 3-D"):
        extract(image[None])
    with pytest.raises(TypeError, match="image must hold real numbers"):
        extract(image.astype(complex))
    for hopeless in (np.full(SHAPE, np.nan), np.ma.MaskedArray(image, mask=True)):
        with pytest.raises(ValueError, match="no pixel of the image is good"):
            extract(hopeless)


def test_progress_names_the_stages_in_one_line(image, capfd):
    extract(image, progress=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "\n" not in shown.err.strip("\n")
    for stage in ("background", "detection", "measurement"):
        assert stage in shown.err
    for silent in (False, None):
        extract(image, progress=silent)
        assert capfd.readouterr().err == ""


def test_the_catalog_of_a_run_can_be_copied_and_pickled(image):
    found = extract(image, effective_gain=2.0)
    for other in (pickle.loads(pickle.dumps(found.catalog)), found.catalog.copy()):
        for name in ("kron_fluxerr", "segment_flux", "centroid_err"):
            assert np.array_equal(
                getattr(other, name), getattr(found.catalog, name), equal_nan=True
            ), name
