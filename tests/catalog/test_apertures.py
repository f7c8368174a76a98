"""Apertures as photutils objects and as drawings."""

import builtins

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from photutils.aperture import CircularAperture, EllipticalAperture, aperture_photometry

from skyshed import SegmentationImage, SourceCatalog
from skyshed.catalog import kron_ellipses


@pytest.fixture(scope="module")
def field():
    rng = np.random.default_rng(12)
    y, x = np.mgrid[:60, :80]
    data = np.zeros((60, 80))
    for _ in range(6):
        cx, cy = rng.uniform(8, 72), rng.uniform(8, 52)
        data += 50 * np.exp(
            -0.5 * ((x - cx) ** 2 / 4 + (y - cy) ** 2 / 2 + (x - cx) * (y - cy) / 3)
        )
    from skyshed import detect_sources

    return data, detect_sources(data, 1.0, npixels=5)


@pytest.fixture(scope="module")
def catalog(field):
    return SourceCatalog(*field, apermask_method="none")


def test_kron_apertures_hold_the_kron_flux(field, catalog):
    made = catalog.make_kron_apertures()
    assert len(made) == catalog.nlabels >= 4
    assert all(isinstance(aperture, EllipticalAperture) for aperture in made)
    sums = [aperture_photometry(field[0], aperture)["aperture_sum"][0] for aperture in made]
    np.testing.assert_allclose(sums, catalog.kron_flux, rtol=1e-12)


def test_kron_apertures_of_other_parameters(field, catalog):
    wide = catalog.make_kron_apertures((5.0, 1.4))
    for a, b in zip(catalog.make_kron_apertures(), wide, strict=True):
        assert b.a == pytest.approx(2 * a.a)
        assert b.theta == a.theta
    circles = catalog.make_kron_apertures((2.5, 1.4, 30.0))
    assert all(isinstance(circle, CircularAperture) and circle.r == 30 for circle in circles)


def test_kron_ellipses_have_every_centroid_and_the_axes_that_there_are(catalog_of):
    catalog = catalog_of("full")
    labels, ellipses = kron_ellipses(catalog)
    np.testing.assert_array_equal(labels, catalog.labels)
    np.testing.assert_array_equal(ellipses[:, :2], catalog.centroid)
    apertures = catalog.make_kron_apertures()
    has_axes = np.isfinite(ellipses[:, 2:]).all(axis=1)
    np.testing.assert_array_equal(has_axes, [aperture is not None for aperture in apertures])
    assert np.isnan(ellipses[~has_axes, 2:]).all()
    assert (np.isfinite(ellipses[:, 0]) & ~has_axes).any()
    made = [aperture for aperture in apertures if aperture is not None]
    for row, aperture in zip(ellipses[has_axes], made, strict=True):
        if isinstance(aperture, EllipticalAperture):
            expected = [*aperture.positions, aperture.a, aperture.b, aperture.theta.to_value("deg")]
            np.testing.assert_allclose(row, expected)
    single = kron_ellipses(catalog[3])
    np.testing.assert_array_equal(single[0], labels[3:4])
    np.testing.assert_array_equal(single[1], ellipses[3:4])


def test_circular_apertures_hold_the_circular_flux(field, catalog):
    made = catalog.make_circular_apertures(4.5)
    sums = [aperture_photometry(field[0], aperture)["aperture_sum"][0] for aperture in made]
    np.testing.assert_allclose(sums, catalog.circular_photometry(4.5)[0], rtol=1e-12)
    radii = np.arange(1, catalog.nlabels + 1)
    made = catalog.make_circular_apertures(radii)
    assert [aperture.r for aperture in made] == list(radii)


def test_a_single_source_has_a_single_aperture_and_patch(catalog):
    single = catalog[1]
    assert single.make_kron_apertures().a == catalog.make_kron_apertures()[1].a
    assert isinstance(single.kron_aperture, EllipticalAperture)
    assert isinstance(single.plot_circular_apertures(3, ax=Figure().subplots()), Ellipse)


def test_no_aperture_where_nothing_is_defined(catalog_of):
    catalog = catalog_of("full")
    undefined = ~np.isfinite(catalog.kron_radius.value)
    assert undefined.any()
    assert [aperture is None for aperture in catalog.make_kron_apertures()] == list(undefined)
    circles = catalog.make_circular_apertures(3)
    nothing = ~np.isfinite(catalog.xcentroid) | np.isnan(catalog.segment_flux)
    assert [circle is None for circle in circles] == list(nothing)
    patches = catalog.plot_kron_apertures(ax=Figure().subplots())
    assert len(patches) == (~undefined).sum()
    assert len(catalog.plot_circular_apertures(3, ax=Figure().subplots())) == (~nothing).sum()


def test_drawn_apertures_are_the_measured_ones(catalog):
    ax = Figure().subplots()
    patches = catalog.plot_kron_apertures(ax=ax, origin=(5, 7), color="red", lw=2)
    assert ax.patches[:] == patches
    for patch, aperture in zip(patches, catalog.make_kron_apertures(), strict=True):
        np.testing.assert_allclose(patch.center, aperture.positions - [5, 7])
        assert patch.width == pytest.approx(2 * aperture.a)
        assert patch.height == pytest.approx(2 * aperture.b)
        assert np.deg2rad(patch.angle) == pytest.approx(aperture.theta.to_value("rad"))
        assert not patch.get_fill()
        assert patch.get_linewidth() == 2
    wide = catalog.plot_kron_apertures((5.0, 1.4), ax=ax)
    assert wide[0].width == pytest.approx(2 * patches[0].width)


@pytest.mark.parametrize("radius", [0, -2.0, np.nan])
def test_radii_must_be_positive(catalog, radius):
    for method in (catalog.make_circular_apertures, catalog.plot_circular_apertures):
        with pytest.raises(ValueError, match=rf"radius must be > 0 \(in pixels\), got {radius}"):
            method(radius)


def test_kron_parameters_are_checked(catalog):
    for method in (catalog.make_kron_apertures, catalog.plot_kron_apertures):
        with pytest.raises(ValueError, match="kron_params"):
            method((2.5, -1))


def test_without_photutils_the_message_says_what_to_do(catalog, monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("photutils"):
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"pip install photutils.*plot_kron_apertures"):
        catalog.make_circular_apertures(3)
    assert catalog.plot_kron_apertures(ax=Figure().subplots())


def test_a_circle_larger_than_the_image_holds_all_of_it_but_not_if_absurd():
    """photutils' limit: the aperture's box may have a million pixels, or the image's number."""
    data = np.ones((20, 20))
    labels = np.zeros((20, 20), np.int32)
    labels[5:8, 5:8] = 1
    catalog = SourceCatalog(data, SegmentationImage(labels), error=data)
    flux, error = catalog.circular_photometry(490.0)
    assert flux == pytest.approx(400)
    assert error == pytest.approx(20)
    assert np.isnan(catalog.circular_photometry(600.0)).all()
