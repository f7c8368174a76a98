"""An image and its companions as planes of one shape and one unit, by windows or as a whole."""

import astropy.units as u
import numpy as np
import pytest
import zarr
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed.images import ImageSource, Window, open_exposure
from tests.pipeline_field import make_wcs

SHAPE = (40, 50)
REGION = Window(5, 33, 8, 49)
PLANES = ("data", "mask", "rms", "error")


def frozen(array):
    array.setflags(write=False)
    return array


def draw(seed, low=1.0, high=2.0, dtype=np.float32):
    return frozen(np.random.default_rng(seed).uniform(low, high, SHAPE).astype(dtype))


@pytest.fixture
def pixels():
    pixels = np.random.default_rng(5).normal(100, 10, SHAPE).astype(np.float32)
    pixels[3:9, 7:20] = np.nan
    return frozen(pixels)


@pytest.fixture
def bad():
    return frozen(np.random.default_rng(6).random(SHAPE) < 0.1)


def same(one, other):
    """Whether two planes, which may be None, have the same values and dtypes."""
    if one is None or other is None:
        return one is other
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def test_an_array_alone_is_its_pixels(pixels):
    exposure = open_exposure(pixels)
    planes = exposure.read()
    assert np.shares_memory(planes.data, pixels)
    assert same(planes.data, pixels)
    assert same(planes.mask, np.isnan(pixels))
    assert (planes.rms, planes.error, planes.relative) == (None, None, False)
    assert (exposure.shape, exposure.unit, exposure.wcs) == (SHAPE, None, None)
    assert not exposure.companions
    assert exposure.read(Window(20, 30, 0, 50)).mask is None  # all are good there


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("f2", "f4"), (">f4", "f4"), ("f8", "f8"), ("i2", "f8"), ("u1", "f8"), ("?", "f8")],
)
def test_planes_are_float32_or_float64(dtype, expected):
    data = draw(1, 0, 100).astype(dtype)
    planes = open_exposure(data, error=draw(2), weight=draw(3, dtype=np.float64)).read()
    assert planes.data.dtype == np.dtype(expected)
    assert planes.data.flags.c_contiguous
    np.testing.assert_array_equal(planes.data, data)
    assert (planes.error.dtype, planes.rms.dtype) == (np.float32, np.float64)


def companions(folder, bad):
    """Return companions of several kinds: an array, Zarr, a file and a plane of bits."""
    zarr.create_array(folder / "rms.zarr", data=draw(2), chunks=(16, 16))
    fits.writeto(folder / "error.fits", draw(3))
    return {
        "rms": folder / "rms.zarr",
        "error": folder / "error.fits",
        "mask": bad.astype(np.int16) << 3,
    }


@given(data=st.data())
@settings(max_examples=20)
def test_a_window_is_that_of_the_whole(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("exposure")
    image = np.ma.MaskedArray(draw(1), draw(4) < 1.05)
    given = companions(folder, draw(5) < 1.1)
    exposure = open_exposure(image, **given, mask_bits=(3,))
    whole = exposure.read()
    y0, x0 = (data.draw(st.integers(0, length - 1)) for length in SHAPE)
    y1, x1 = data.draw(st.integers(y0 + 1, SHAPE[0])), data.draw(st.integers(x0 + 1, SHAPE[1]))
    window = Window(y0, y1, x0, x1)
    planes = exposure.read(window)
    for name in ("data", "rms", "error"):
        assert same(getattr(planes, name), getattr(whole, name)[window.slices])
    mask = whole.mask[window.slices]
    assert same(planes.mask, mask if mask.any() else None)
    part = whole.cut(window.slices)
    assert all(same(getattr(part, name), getattr(whole, name)[window.slices]) for name in PLANES)
    assert all(getattr(part, name).flags.c_contiguous for name in ("mask", "rms", "error"))


def test_a_region_cuts_everything(tmp_path, pixels, bad):
    own = draw(4)
    image = CCDData(
        pixels, unit=u.Jy, mask=own < 1.1, uncertainty=StdDevUncertainty(draw(7)), wcs=make_wcs()
    )
    given = companions(tmp_path, bad)
    for error in ({}, {"error": given.pop("error")}):
        whole = open_exposure(image, **given, **error)
        part = open_exposure(image, **given, **error, region="5:33,8:49")
        assert set(part.companions) == {"rms", "error", "mask"}
        sources = (part.image, part.own_mask, *part.companions.values())
        assert all(source.shape == REGION.shape for source in sources)
        assert part.shape == REGION.shape
        assert part.unit == u.Jy
        for window, inside in ((None, REGION), (Window(0, 3, 1, 9), Window(5, 8, 9, 17))):
            planes, expected = part.read(window), whole.read(inside)
            assert all(same(getattr(planes, name), getattr(expected, name)) for name in PLANES)
            assert planes.mask.any()
        assert np.array_equal(part.wcs.wcs.crpix, make_wcs().wcs.crpix - (8, 5))
        assert part.image.origin() == {"input": "array", "region": "5:33,8:49"}


def test_a_wcs_that_is_given_counts_and_is_of_the_whole_image(pixels):
    other = make_wcs()
    other.wcs.crpix = [7.0, 3.0]
    image = CCDData(pixels, unit=u.Jy, wcs=make_wcs())
    assert open_exposure(image, wcs=other).wcs is other
    region = open_exposure(image, wcs=other, region=(5, 33, 8, 49))
    assert np.array_equal(region.wcs.wcs.crpix, [-1.0, -2.0])
    assert np.array_equal(other.wcs.crpix, [7.0, 3.0])


def test_masks_of_the_image_and_beside_it_both_count(pixels, bad):
    own = draw(4) < 1.1
    for image in (np.ma.MaskedArray(pixels, own), NDData(pixels, mask=own)):
        for mask, expected in ((None, own), (np.ma.nomask, own), (bad, own | bad)):
            planes = open_exposure(image, mask=mask).read()
            assert same(planes.mask, expected | np.isnan(pixels))
            assert same(planes.data, pixels)


def test_the_error_of_the_image_gives_way_to_one_beside_it(pixels):
    own, other = draw(2), draw(3)
    image = NDData(pixels, uncertainty=StdDevUncertainty(own))
    assert same(open_exposure(image).read().error, own)
    assert same(open_exposure(image, error=other).read().error, other)


def test_pixels_without_weight_or_noise_are_masked(pixels):
    weight = np.array(draw(2))
    weight[0, :4] = 0, -1, np.nan, np.inf
    planes = open_exposure(pixels, weight=weight).read()
    without = np.isnan(pixels)
    without[0, :4] = True
    assert same(planes.mask, without)
    assert planes.rms[0, :4].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(planes.rms[1:], weight[1:] ** -0.5, rtol=1e-6)
    planes = open_exposure(pixels, rms=weight).read()
    assert same(planes.mask, without)
    assert planes.rms[0, :4].tolist() == [0, 0, 0, 0]
    assert same(planes.rms[1:], weight[1:])


def test_weights_may_be_right_up_to_a_factor_only(pixels):
    for name, scale, expected in (
        ("weight", True, True),
        ("weight", False, False),
        ("rms", True, False),
    ):
        exposure = open_exposure(pixels, **{name: draw(2)}, scale_weight=scale)
        assert exposure.relative is exposure.read().relative is expected


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "u8"])
def test_mask_bits_choose_what_counts_the_sign_bit_too(pixels, dtype):
    top = 8 * np.dtype(dtype).itemsize - 1
    bits = np.zeros(SHAPE, dtype)
    bits[0, 0], bits[20, 1], bits[20, 2] = 1, 1 << 3, np.array(1 << top, "u8").astype(dtype)
    for chosen, expected in (((3,), [(20, 1)]), ((top, 0), [(0, 0), (20, 2)]), ((70,), [])):
        mask = open_exposure(np.nan_to_num(pixels), mask=bits, mask_bits=chosen).read().mask
        found = [] if mask is None else [(int(y), int(x)) for y, x in np.argwhere(mask)]
        assert found == expected
    assert np.count_nonzero(open_exposure(np.nan_to_num(pixels), mask=bits).read().mask) == 3


def test_masks_without_bits_are_refused_where_bits_are_asked_for(pixels, bad):
    message = "mask must hold integers where mask_bits is given.*the ndarray holds float64"
    with pytest.raises(TypeError, match=message):
        open_exposure(pixels, mask=bad.astype(float), mask_bits=(1,))
    with pytest.raises(TypeError, match=message):
        open_exposure(NDData(pixels, mask=bad.astype(float)), mask_bits=(1,))
    planes = open_exposure(pixels, mask=bad, mask_bits=(1,)).read()  # of booleans, all count
    assert same(planes.mask, bad | np.isnan(pixels))


@pytest.mark.parametrize(
    ("name", "unit", "factor"),
    [
        ("rms", u.Jy, 1.0), ("rms", u.mJy, 1e-3), ("error", u.kJy, 1e3), ("error", None, 1.0),
        ("weight", u.Jy**-2, 1.0), ("weight", u.mJy**-2, 1e6), ("weight", None, 1.0),
    ],
)  # fmt: skip
def test_companions_come_to_the_unit_of_the_image(pixels, name, unit, factor):
    values = draw(2)
    given = values if unit is None else values << unit
    planes = open_exposure(pixels << u.Jy, **{name: given}).read()
    expected = values * np.float32(factor)
    if name == "weight":
        np.testing.assert_allclose(planes.rms, expected**-0.5, rtol=1e-6)
    else:
        assert same(getattr(planes, name), expected)
    assert same(planes.data, pixels)


@pytest.mark.parametrize(
    ("image_unit", "name", "unit", "message"),
    [
        ("Jy", "rms", "s", "rms must be in Jy, as the image says; it is in s"),
        ("Jy", "weight", "Jy", r"weight must be in 1 / Jy2, as the image says; it is in Jy"),
        ("", "error", "Jy", "error must be in no unit, as the image says; it is in Jy"),
    ],
)
def test_units_that_do_not_fit_are_refused_but_not_those_that_headers_copy(
    tmp_path, pixels, image_unit, name, unit, message
):
    image = pixels << u.Unit(image_unit) if image_unit else pixels
    with pytest.raises(ValueError, match=message):
        open_exposure(image, **{name: draw(2) << u.Unit(unit)})
    fits.writeto(tmp_path / "a.fits", draw(2), fits.Header({"BUNIT": unit}))
    if name == "rms":
        with pytest.raises(ValueError, match=message):
            open_exposure(image, rms=tmp_path / "a.fits")
    else:  # a unit that makes no sense there says nothing
        assert open_exposure(image, **{name: tmp_path / "a.fits"}).factors == {name: 1.0}


class Unreadable(ImageSource):
    """An image whose pixels cannot be read."""

    shape, dtype, unit, wcs = SHAPE, np.dtype(np.float32), None, None

    def read(self, window):
        raise OSError("a pixel was read")

    def origin(self):
        return {"input": "nowhere"}

    def fingerprint(self):
        return {}


def test_no_pixel_is_read_when_an_exposure_is_opened():
    exposure = open_exposure(
        Unreadable(), weight=Unreadable(), error=Unreadable(), mask=Unreadable(), region="0:9,0:9"
    )
    assert exposure.shape == (9, 9)
    with pytest.raises(OSError, match="a pixel was read"):
        exposure.read()


def test_inputs_are_not_modified(tmp_path, bad):
    arrays = {"image": np.array(draw(1)), "weight": np.array(draw(2)), "error": np.array(draw(3))}
    arrays["image"][0, 0], arrays["weight"][0, 1] = np.nan, 0
    before = {name: array.copy() for name, array in arrays.items()}
    mask = np.array(bad)
    exposure = open_exposure(**arrays, mask=mask)
    for window in (None, Window(3, 9, 4, 20)):
        exposure.read(window).on_device("cpu")
    assert all(same(arrays[name], before[name]) for name in arrays)
    assert same(mask, bad)


def test_images_that_do_not_fit_together_are_refused_by_name(pixels, bad):
    for name in ("weight", "rms", "error", "mask"):
        message = (
            rf"{name} must have the same shape as image: {name} has \(40, 49\), image has \(40"
        )
        with pytest.raises(ValueError, match=message):
            open_exposure(pixels, **{name: draw(2)[:, 1:]})
        with pytest.raises(ValueError, match=f"^{name} must be a 2-D array, got 1-D"):
            open_exposure(pixels, **{name: np.zeros(5)})
    # Whether it is smaller or larger, which windows would not show.
    for mask in (bad[1:], np.pad(bad, 1)):
        message = "the mask of image must have the same shape as image: the mask of image has"
        with pytest.raises(ValueError, match=message):
            open_exposure(NDData(pixels, mask=mask))
    with pytest.raises(
        ValueError, match="weight and rms both say the noise of the background: give"
    ):
        open_exposure(pixels, weight=draw(2), rms=draw(2))
    with pytest.raises(ValueError, match="region must be 'y0:y1,x0:x1'"):
        open_exposure(pixels, region="0:41,0:50")


@pytest.mark.parametrize(("name", "which"), [("image", "the image"), ("detection_image", "detect")])
def test_an_image_without_pixels_is_refused(name, which):
    with pytest.raises(ValueError, match=f"no pixel of {which}.* is good: all are masked"):
        open_exposure(np.zeros((0, 5)), name=name)


def test_the_argument_is_named_in_messages(pixels):
    with pytest.raises(ValueError, match="detection_image must be a 2-D array"):
        open_exposure(np.zeros(5), name="detection_image")
    exposure = open_exposure(np.ma.MaskedArray(pixels, pixels > 100), name="detection_image")
    assert (exposure.name, exposure.own_mask is None) == ("detection_image", False)
