"""The ellipses of the errors of positions are those of their covariance matrices."""

import numpy as np
import pytest

from skyshed import SourceCatalog, detect_sources
from skyshed.datasets import make_survey_image


@pytest.fixture(scope="module")
def catalog():
    image = make_survey_image((200, 260), seed=9, bad_fraction=0, chip_shape=None)
    data = (image.data - image.sky).astype(float)
    return SourceCatalog(data, detect_sources(data, 9.0, 6), error=image.error.astype(float))


@pytest.mark.parametrize(("name", "covariance"), [
    ("centroid", "_centroid_cov"), ("centroid_win", "_centroid_win_cov"),
])  # fmt: skip
def test_axes_and_angle_are_those_of_the_covariance(catalog, name, covariance):
    xx, yy, xy = catalog.results.on_host(covariance)[0].T
    values, vectors = np.linalg.eigh(np.array([[xx, xy], [xy, yy]]).transpose(2, 0, 1))
    a, b, theta = (
        getattr(catalog, f"{name}_err_{part}").value
        for part in ("semimajor", "semiminor", "orientation")
    )
    np.testing.assert_allclose(a, np.sqrt(values[:, 1]), rtol=1e-9)
    np.testing.assert_allclose(b, np.sqrt(values[:, 0]), rtol=1e-6)
    major = vectors[:, :, 1]
    along = np.cos(np.deg2rad(theta)) * major[:, 0] + np.sin(np.deg2rad(theta)) * major[:, 1]
    np.testing.assert_allclose(np.abs(along), 1, atol=1e-7)
    np.testing.assert_allclose(
        np.hypot(a, b), np.hypot(*np.array(getattr(catalog, f"{name}_err")).T), rtol=1e-9
    )


def test_the_limit_is_three_errors(catalog):
    np.testing.assert_array_equal(catalog.kron_flux_limit, 3 * catalog.kron_fluxerr)
