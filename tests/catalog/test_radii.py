"""Flux radii as the catalog gives them; the search itself is tested with the kernels."""

import astropy.units as u
import numpy as np
import pytest

from skyshed import SegmentationImage, SourceCatalog


def gaussian(sigma=3.0, shape=(81, 81)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.exp(-0.5 * ((x - 40) ** 2 + (y - 41) ** 2) / sigma**2)
    return image, SegmentationImage((image > 1e-3).astype(np.int32))


def test_the_half_light_radius_of_a_gaussian_is_known():
    """sigma sqrt(2 ln 2) of the flux in the Kron aperture, up to what pixels smear."""
    catalog = SourceCatalog(*gaussian(), kron_params=(5.0, 1.0))
    radius = catalog.fluxfrac_radius(0.5)
    assert radius.unit == u.pix
    assert radius[0].value == pytest.approx(3 * np.sqrt(2 * np.log(2)), rel=1e-2)


def test_it_holds_the_fraction_of_the_kron_flux():
    catalog = SourceCatalog(*gaussian())
    for fraction in (0.05, 0.5, 0.9):
        radius = catalog.fluxfrac_radius(fraction).value[0]
        flux, _ = catalog.circular_photometry(radius)
        assert flux[0] == pytest.approx(fraction * catalog.kron_flux[0], rel=1e-11)


def test_it_grows_with_the_fraction():
    catalog = SourceCatalog(*gaussian())
    radii = [catalog.fluxfrac_radius(f).value[0] for f in np.linspace(0.05, 0.95, 10)]
    assert np.all(np.diff(radii) > 0)


def test_no_kron_flux_no_radius(catalog_of):
    catalog = catalog_of("full")
    undefined = ~np.isfinite(catalog.kron_flux)
    assert undefined.any()
    assert np.isnan(catalog.fluxfrac_radius(0.5).value[undefined]).all()


def test_a_kron_flux_that_is_only_rounding_has_no_radius():
    """A pixel is above its surroundings by as much as its neighbour is below: 1e-16 is left."""
    image = np.array([[50, 50, 51, 49, 50], [50, 50, 50, 50, 50], [49, 49, 50, 51, 50]])
    segments = SegmentationImage(np.array([[0, 0, 1, 0, 0], [0] * 5, [0] * 5], np.int32))
    catalog = SourceCatalog(
        image - 50.0, segments, kron_params=(1.0, 1.0, 2.0), apermask_method="none"
    )
    assert abs(catalog.kron_flux[0]) < 1e-15
    assert np.isnan(catalog.fluxfrac_radius(0.5)[0])


def test_detection_catalogs_give_centres_and_limits_only(catalog_of):
    """The flux is this catalog's own, and its radius is measured in this catalog's data."""
    data, segments = gaussian()
    detection = SourceCatalog(data, segments)
    y, x = np.mgrid[:81, :81]
    broad = np.exp(-0.5 * ((x - 40) ** 2 + (y - 41) ** 2) / 4.0**2)
    catalog = SourceCatalog(broad, segments, detection_cat=detection)
    assert catalog.kron_radius[0] == detection.kron_radius[0]
    radius = catalog.fluxfrac_radius(0.5)[0]
    assert radius > detection.fluxfrac_radius(0.5)[0]
    flux, _ = catalog.circular_photometry(radius.value)
    assert flux[0] == pytest.approx(0.5 * catalog.kron_flux[0], rel=1e-11)


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01])
def test_fractions_out_of_range_are_refused(fraction):
    catalog = SourceCatalog(*gaussian())
    with pytest.raises(ValueError, match=rf"fraction.*{fraction}"):
        catalog.fluxfrac_radius(fraction)
