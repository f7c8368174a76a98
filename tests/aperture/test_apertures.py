"""Apertures: their parameters, boxes, masks, drawings, and their twins on the sky."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from matplotlib.figure import Figure

import skyshed.aperture
from skyshed.aperture import (
    ApertureMask,
    BoundingBox,
    CircularAnnulus,
    CircularAperture,
    EllipticalAperture,
    RectangularAnnulus,
    RectangularAperture,
    SkyCircularAperture,
    SkyEllipticalAperture,
    aperture_photometry,
)
from tests.aperture.scene import SHAPES, aperture_of

POSITIONS = [(10.2, 12.7), (40.0, 30.5), (31.0, 8.0)]


def wcs(pc=((0.8, -0.6), (0.6, 0.8)), cdelt=(-0.001, 0.001)):
    made = WCS(naxis=2)
    made.wcs.ctype, made.wcs.crval = ("RA---TAN", "DEC--TAN"), (150.0, 40.0)
    made.wcs.crpix, made.wcs.cdelt, made.wcs.pc = (25.0, 25.0), cdelt, pc
    return made


@pytest.mark.parametrize("shape", SHAPES)
def test_lists_of_positions_are_sequences(shape):
    aperture = aperture_of(skyshed.aperture, shape, POSITIONS)
    assert len(aperture) == 3
    assert aperture.shape == (3,)
    assert [each.isscalar for each in aperture] == [True] * 3
    np.testing.assert_array_equal(aperture[1:].positions, POSITIONS[1:])
    assert aperture[1] == aperture_of(skyshed.aperture, shape, POSITIONS[1])
    assert aperture == aperture.copy()
    assert aperture != aperture[:2]
    with pytest.raises(TypeError, match="no len"):
        len(aperture[0])
    with pytest.raises(TypeError, match="cannot be indexed"):
        aperture[0][0]


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_add_up_to_the_area(shape):
    aperture = aperture_of(skyshed.aperture, shape, POSITIONS)
    for mask, box in zip(aperture.to_mask(), aperture.bbox, strict=True):
        assert mask.data.sum() == pytest.approx(aperture.area, rel=1e-13)
        assert mask.bbox == box
        assert mask.data.any(axis=0)[[0, -1]].all()
        assert mask.data.any(axis=1)[[0, -1]].all()
    assert aperture.area_overlap(np.ones((60, 60))) == pytest.approx([aperture.area] * 3)


def test_what_is_printed_can_be_read():
    aperture = RectangularAnnulus((3, 4), 2, 6, 3, theta=30 * u.deg)
    assert repr(aperture) == (
        "<RectangularAnnulus([3., 4.], w_in=2.0, w_out=6.0, h_in=1.0, h_out=3.0, theta=30.0 deg)>"
    )
    assert str(CircularAperture((3, 4), 5)).splitlines() == [
        "Aperture: CircularAperture", "positions: [3., 4.]", "r: 5.0",
    ]  # fmt: skip


def test_parameters_can_be_set_anew():
    aperture = CircularAnnulus((20, 20), 2, 4)
    before = aperture_photometry(np.ones((40, 40)), aperture)["aperture_sum"][0]
    aperture.r_out = 5
    after = aperture_photometry(np.ones((40, 40)), aperture)["aperture_sum"][0]
    assert after - before == pytest.approx(np.pi * 9)
    with pytest.raises(ValueError, match="'r_out' must be greater than 'r_in'"):
        aperture.r_out = 1
    assert aperture.r_out == 5


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CircularAperture((1, 2), 0), ValueError, "'r' must be a positive scalar"),
        (lambda: CircularAperture((1, 2), np.nan), ValueError, "positive scalar"),
        (lambda: CircularAperture((1, 2), "3"), TypeError, "positive scalar"),
        (lambda: CircularAperture((1, 2), [3, 4]), ValueError, "positive scalar"),
        (lambda: CircularAperture((1, np.nan), 3), ValueError, "nonfinite"),
        (lambda: CircularAperture((1, 2, 3), 3), ValueError, r"\(x, y\) pixel position"),
        (lambda: CircularAperture([[1, 2]] * u.pix, 3), TypeError, "must not be a Quantity"),
        (lambda: CircularAnnulus((1, 2), 3, 3), ValueError, "must be greater"),
        (lambda: EllipticalAperture((1, 2), 3, 2, theta=3 * u.m), ValueError, "angular units"),
        (lambda: SkyCircularAperture((1, 2), 3 * u.deg), TypeError, "SkyCoord"),
        (lambda: SkyCircularAperture(SkyCoord(1, 2, unit="deg"), 3), TypeError, "angle"),
        (
            lambda: SkyCircularAperture(SkyCoord(1, 2, unit="deg"), -3 * u.deg),
            ValueError,
            "greater than zero",
        ),
        (lambda: ApertureMask(np.ones((2, 2)), BoundingBox(0, 3, 0, 2)), ValueError, "same shape"),
    ],
)
def test_what_is_no_aperture_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pixels", [(-0.001, 0.001), (0.001, 0.0017)])
def test_from_pixels_to_the_sky_and_back_is_the_same(shape, pixels):
    aperture, sky = aperture_of(skyshed.aperture, shape, POSITIONS), wcs(cdelt=pixels)
    back = aperture.to_sky(sky).to_pixel(sky)
    assert type(back) is type(aperture)
    np.testing.assert_allclose(back.positions, aperture.positions, atol=1e-9)
    for name in aperture._params[1:]:
        one, other = getattr(back, name), getattr(aperture, name)
        if name == "theta":
            # A quarter turn is the same shape where the axes change places, half a turn always.
            one, other = (float(each.to_value(u.deg)) % 180 for each in (one, other))
        assert one == pytest.approx(other, rel=1e-6)


def test_a_sky_circle_keeps_its_area_where_pixels_are_not_square():
    sky = wcs(cdelt=(-0.001, 0.002), pc=((1, 0), (0, 1)))
    circle = SkyCircularAperture(SkyCoord(150, 40, unit="deg"), 0.01 * u.deg)
    pixel, ellipse = circle.to_pixel(sky), circle.to_pixel(sky, as_ellipse=True)
    assert (ellipse.a, ellipse.b) == pytest.approx((10, 5), rel=1e-4)
    assert pixel.area == pytest.approx(ellipse.area, rel=1e-9)


def test_an_angle_is_from_north_towards_east_in_the_frame_of_the_positions():
    sky, north_up = SkyCoord(150, 40, unit="deg"), wcs(pc=((1, 0), (0, 1)))
    slit = SkyEllipticalAperture(sky, 0.01 * u.deg, 0.002 * u.deg, theta=30 * u.deg)
    # East is to the left: 30 degrees from north towards east are 120 from x towards y.
    assert slit.to_pixel(north_up).theta.to_value(u.deg) == pytest.approx(120, abs=1e-3)
    galactic = SkyEllipticalAperture(
        sky.galactic, 0.01 * u.deg, 0.002 * u.deg, theta=30 * u.deg
    ).to_pixel(north_up)
    pole = sky.position_angle(SkyCoord(0, 90, unit="deg", frame="galactic").icrs)
    expected = (120 + pole.to_value(u.deg)) % 360
    assert galactic.theta.to_value(u.deg) == pytest.approx(expected, abs=0.05)


def test_sky_apertures_are_measured_with_a_wcs():
    sky, data = wcs(), np.random.default_rng(1).normal(size=(50, 50))
    pixel = RectangularAperture(POSITIONS, 6.0, 3.0, theta=0.4)
    table = aperture_photometry(data, pixel.to_sky(sky), wcs=sky)
    expected = aperture_photometry(data, pixel)["aperture_sum"]
    np.testing.assert_allclose(table["aperture_sum"], expected, rtol=1e-6)
    assert "sky_center" in table.colnames
    with pytest.raises(ValueError, match="A WCS transform must be defined"):
        aperture_photometry(data, pixel.to_sky(sky))


@pytest.mark.parametrize("shape", SHAPES)
def test_apertures_are_drawn_where_they_are(shape):
    ax = Figure().subplots()
    aperture = aperture_of(skyshed.aperture, shape, POSITIONS)
    patches = aperture.plot(ax=ax, origin=(2, 1), color="red")
    assert len(patches) == 3
    for patch, (x, y) in zip(patches, POSITIONS, strict=True):
        box = patch.get_path().get_extents(patch.get_patch_transform())
        np.testing.assert_allclose(
            ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2), (x - 2, y - 1), atol=0.05
        )
        area = patch.get_path().transformed(patch.get_patch_transform()).to_polygons()
        assert area


def test_masks_cut_images():
    mask = CircularAperture((1, 1), 2).to_mask()
    image = np.arange(100.0).reshape(10, 10)
    assert mask.cutout(image).shape == mask.shape == (5, 5)
    assert mask.cutout(image, fill_value=-1)[0, 0] == -1
    assert mask.to_image((10, 10)).sum() == pytest.approx(mask.data[1:, 1:].sum())
    assert (mask.cutout(image * u.Jy)).unit == u.Jy
    assert mask.multiply(image).sum() == pytest.approx(mask.get_values(image).sum())
    far = CircularAperture((90, 90), 2).to_mask()
    assert far.cutout(image) is None
    assert far.multiply(image) is None
    assert far.get_values(image).size == 0
    np.testing.assert_array_equal(np.asarray(mask), mask.data)
