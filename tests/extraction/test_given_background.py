"""A background that is given is subtracted as it is, in place of the one that would be measured."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

from skyshed import Background2D, ImageWarning, Parameters, extract, extract_each
from skyshed.cli import main
from skyshed.extraction.entry import open_request
from tests.mosaic.fields import assert_same, by_tiles
from tests.pipeline_field import SHAPE, make_field, make_wcs, same_tables

OPTIONS = {"box_size": 16, "n_threads": 1}
#: The true sky of the field.
SKY = (20 + 0.01 * np.arange(SHAPE[1]) + 0.02 * np.arange(SHAPE[0])[:, None]).astype(np.float32)


@pytest.mark.parametrize("columns", [None, ("default", "background_mean", "background_sum")])
def test_what_is_given_is_subtracted_to_the_bit(columns):
    data = make_field()
    found = extract(data, background=SKY, columns=columns, **OPTIONS)
    np.testing.assert_array_equal(found.data, data - SKY)
    np.testing.assert_array_equal(found.background, SKY)
    # The noise is that measured where it is subtracted.
    measured = Background2D(data - SKY, 16, exclude_percentile=10)
    np.testing.assert_array_equal(found.background_rms, measured.background_rms)
    plain = extract(data - SKY, background="none", rms=found.background_rms, **OPTIONS)
    np.testing.assert_array_equal(found.segmentation.data, plain.segmentation.data)
    np.testing.assert_array_equal(found.table["kron_flux"], plain.table["kron_flux"])
    if columns:
        row = found.table[0]
        inside = found.segmentation.data == row["label"]
        assert row["background_sum"] == pytest.approx(float(SKY[inside].sum()), rel=1e-6)


def test_an_image_without_its_background_is_taken_as_it_is():
    data = (make_field() - SKY).astype(np.float32)
    before = data.copy()
    for none in ("none", "None ", 0, 0.0, "0", np.float32(0)):
        found = extract(data, background=none, **OPTIONS)
        np.testing.assert_array_equal(found.data, data)
        assert not np.asarray(found.background).any()
    np.testing.assert_array_equal(data, before)
    assert np.asarray(extract(data, **OPTIONS).background).any()


def test_inputs_are_not_modified():
    data, sky = make_field(), SKY.copy()
    for options in ({}, {"columns": ("default", "background_mean")}, {"kernel_fwhm": 0}):
        extract(data, background=sky, **OPTIONS, **options)
    np.testing.assert_array_equal(sky, SKY)
    np.testing.assert_array_equal(data, make_field())


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_the_dtype_is_that_of_the_image(dtype):
    data = (100 * make_field()).astype(dtype)
    found = extract(data, background=(100 * SKY).astype(float), **OPTIONS)
    expected = np.float32 if dtype == np.float32 else np.float64
    assert found.data.dtype == np.asarray(found.background).dtype == expected
    assert found.data[:5, :5].dtype == expected


@pytest.mark.parametrize("kind", ["image", "number", "passes", "masked"])
def test_tiles_have_the_bits_of_the_image_at_once(kind):
    data, sky = make_field(), SKY.copy()
    options = {**OPTIONS, "columns": ("default", "background_mean"), "localbkg_width": 8}
    if kind == "passes":
        options |= {"background_passes": 2, "background_growth": 3}
    if kind == "masked":
        sky[40:60, 100:107] = np.nan
        sky[:32, :32] = np.inf
    level = 22.5 if kind == "number" else sky
    whole = extract(data, background=level, wcs=make_wcs(), **options)
    tiled = by_tiles(
        data, (32, 48), companions={"background": level}, wcs=make_wcs(), **options
    )  # fmt: skip
    assert_same(tiled, whole)
    for name in ("data", "background", "background_rms"):
        np.testing.assert_array_equal(getattr(tiled, name)[:], getattr(whole, name)[:])
    assert len(whole.table) > 30
    assert (whole.mask is not None) == (kind == "masked")
    if kind == "masked":
        return
    tiles = tiled.tiles
    middle = SKY[tiles["ymin"][0] : tiles["ymax"][0] + 1, tiles["xmin"][0] : tiles["xmax"][0] + 1]
    expected = 22.5 if kind == "number" else float(np.median(middle))
    assert tiles["background"][0] == pytest.approx(expected, abs=0.2)


def test_units_are_those_of_the_image():
    data = make_field() << u.mJy
    expected = extract(data, background=SKY, **OPTIONS)
    for given in ((SKY << u.mJy).to(u.uJy), CCDData(SKY, unit="mJy")):
        found = extract(data, background=given, **OPTIONS)
        np.testing.assert_allclose(found.data, expected.data, atol=1e-4)
        assert found.table["kron_flux"].unit == u.mJy
    found = extract(data, background=21900 * u.uJy, **OPTIONS)
    assert float(found.background[3, 3]) == pytest.approx(21.9)
    with pytest.raises(ValueError, match="background must be in mJy, as the image says; it is in"):
        extract(data, background=3 * u.s, **OPTIONS)
    with pytest.raises(ValueError, match="background must be in mJy"):
        extract(data, background=SKY << u.s, **OPTIONS)


def test_a_background2d_is_taken_too():
    data = make_field()
    measured = Background2D(data, 16)
    found = extract(data, background=measured, rms=measured.background_rms, **OPTIONS)
    np.testing.assert_array_equal(found.background, measured.background)
    assert same_tables(found.table, extract(data, **OPTIONS).table)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (SKY[:-1], ValueError, "background must have the same shape as"),
        (np.nan, ValueError, "background must be finite, got nan"),
        ("inf", ValueError, "background must be finite, got inf"),
        (True, TypeError, "background must be an image, a number, or 'none', got True"),
        (2j, TypeError, "background must be an image, a number, or 'none'"),
        ("absent.fits", OSError, "absent.fits"),
    ],
)
def test_what_is_no_background_of_the_image_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        extract(make_field(), background=given, **OPTIONS)


def test_a_plane_of_noise_or_of_elsewhere_is_refused(tmp_path):
    path, other = tmp_path / "field.fits", make_wcs()
    other.wcs.crval[0] += 0.01
    fits.HDUList([
        fits.PrimaryHDU(make_field(), make_wcs().to_header()),
        fits.ImageHDU(np.ones(SHAPE, np.float32), name="RMS"),
        fits.ImageHDU(SKY, other.to_header(), name="SKY"),
    ]).writeto(path)  # fmt: skip
    with pytest.raises(ValueError, match=r"level of the sky, and .* is a standard deviation by"):
        extract(path, hdu=0, background=f"{path}[RMS]")
    with pytest.raises(ValueError, match="background"):
        extract(path, hdu=0, background=f"{path}[SKY]")
    with pytest.raises(ValueError, match="background is the image itself"):
        extract(path, hdu=0, background=f"{path}[0]")


def test_a_background_that_is_not_of_the_image_is_told():
    data = make_field()
    with pytest.warns(ImageWarning, match=r"background = 0 leaves 2\d\.?\d* times the noise"):
        extract(data, background=0, **OPTIONS)
    with pytest.warns(ImageWarning, match=r"the background that is given leaves -\d"):
        extract(data, background=1.5 * SKY, **OPTIONS)


def test_the_command_takes_files_numbers_and_none(tmp_path, capsys):
    image, sky = tmp_path / "field.fits", tmp_path / "sky.fits"
    fits.writeto(image, make_field())
    fits.writeto(sky, SKY)
    for given, value in ((str(sky), SKY), ("21.9", 21.9)):
        out = tmp_path / f"out-{len(given)}"
        command = ["extract", str(image), "--out", str(out), "--background", given]
        assert main([*command, "--box-size", "16", "--no-preview", "--format", "ecsv", "-q"]) == 0
        expected = extract(image, background=value, box_size=16)
        text = (out / "catalog.ecsv").read_text()
        assert f"{expected.table['kron_flux'][0]}"[:8] in text
    assert main(["extract", str(image), "--out", str(tmp_path / "x"), "--background", "no"]) == 2
    assert "no: there is no such file" in capsys.readouterr().err


def test_each_of_many_images_has_its_own(tmp_path):
    images = [make_field(), make_field(seed=8)]
    outcomes = list(extract_each(images, background=[SKY, 21.9], **OPTIONS))
    for image, level, outcome in zip(images, (SKY, 21.9), outcomes, strict=True):
        expected = extract(image, background=level, **OPTIONS)
        assert same_tables(outcome.extraction.table, expected.table)


def test_the_record_says_what_was_subtracted(tmp_path):
    fits.writeto(tmp_path / "sky.fits", SKY)
    found = extract(make_field(), background=tmp_path / "sky.fits", **OPTIONS)
    assert found.record["background"] == str(tmp_path / "sky.fits")
    assert extract(make_field(), background="21.9", **OPTIONS).record["background"] == "21.9"


def test_a_region_is_cut_out_of_it():
    request = open_request(
        make_field(), background=SKY, region="10:70,20:120", parameters=Parameters(**OPTIONS)
    )
    np.testing.assert_array_equal(request.exposure.read().level, SKY[10:70, 20:120])


@pytest.mark.parametrize("name", ["background", "weight", "rms", "variance", "error"])
@pytest.mark.parametrize("kind", [np.ma.array, CCDData])
def test_pixels_that_a_companion_masks_are_as_those_where_it_is_not_finite(name, kind):
    data = make_field()
    where = np.zeros(SHAPE, bool)
    where[20:50, 30:70] = True
    plane = np.full(SHAPE, 20 if name == "background" else 4)  # integers, which have no NaN
    plane[where] = 100_000
    unit = {} if kind is np.ma.array else {"unit": u.dimensionless_unscaled}
    masked = kind(plane, mask=where, **unit)
    options = {**OPTIONS, "nsigma": 3.0}
    expected = extract(data, **{name: np.where(where, np.nan, plane)}, **options)
    found = extract(data, **{name: masked}, **options)
    assert_same(found, expected)
    assert len(found.table) > 3
    if name != "error":
        assert found.mask[where].all()
        assert not found.segmentation.data[where].any()
    assert_same(by_tiles(data, (64, 96), companions={name: masked}, **options), expected)


def test_what_a_plane_of_bits_masks_is_left_out_of_the_image_or_has_no_bits():
    data = make_field()
    where = np.zeros(SHAPE, bool)
    where[20:50, 30:70] = True
    for zeros in (np.zeros(SHAPE, bool), np.zeros(SHAPE, np.uint8)):
        found = extract(data, mask=np.ma.array(zeros, mask=where), **OPTIONS)
        np.testing.assert_array_equal(found.mask, where)
    bits = np.ma.array(np.full(SHAPE, 6, np.int16), mask=where)
    found = extract(data, quality=bits, **OPTIONS)
    within = [bool(where[found.segmentation.data == label].all()) for label in found.table["label"]]
    assert any(within)
    assert found.table["quality_or"][within].tolist() == [0] * sum(within)
    assert set(found.table["quality_and"].tolist()) == {0, 6}
