"""Moments, centroids and the ellipse of the pixels in apertures, as columns."""

from typing import Any

import numpy as np
from astropy import units as u

from skyshed.aperture.column import Column
from skyshed.aperture.flags import APERTURE_FLAGS
from skyshed.aperture.value_columns import ValueColumns
from skyshed.cached import cached_property
from skyshed.kernels.ellipses import COLUMNS as ELLIPSE
from skyshed.kernels.ellipses import ellipses
from skyshed.segmentation import BoundingBox

__all__ = ["ShapeColumns"]

#: Columns of the ellipse, and their names in the kernels'.
OF_ELLIPSE = {
    "covariance_xx": ("covar_sigx2", u.pix**2),
    "covariance_xy": ("covar_sigxy", u.pix**2),
    "covariance_yy": ("covar_sigy2", u.pix**2),
    "semimajor_axis": ("semimajor_sigma", u.pix),
    "semiminor_axis": ("semiminor_sigma", u.pix),
    "fwhm": ("fwhm", u.pix),
    "orientation": ("orientation", u.deg),
    "eccentricity": ("eccentricity", u.dimensionless_unscaled),
    "elongation": ("elongation", u.dimensionless_unscaled),
    "ellipticity": ("ellipticity", u.dimensionless_unscaled),
    "ellipse_cxx": ("cxx", u.pix**-2),
    "ellipse_cxy": ("cxy", u.pix**-2),
    "ellipse_cyy": ("cyy", u.pix**-2),
}
#: The variance of a uniform distribution over a pixel.
PIXEL_VARIANCE = 1 / 12
#: A determinant counts as negative only below this part of the squared trace: rounding.
ROUNDING = 1e-12


def _of_ellipse(name: str) -> Column:
    kernel_name, unit = OF_ELLIPSE[name]

    def column(self: Any) -> Any:
        return self._ellipse[kernel_name] << unit

    column.__doc__ = f"The {name.replace('_', ' ')} of the ellipse with the same second moments."
    return Column(column)


class ShapeColumns(ValueColumns):
    """Where the light is: boxes, moments, centroids, and the ellipse of the same moments."""

    _wcs: Any

    @Column
    def moments(self) -> Any:
        """Moments up to third order about the first pixel of the cutout: shape (n, 4, 4)."""
        overlaps = self._center_sums.overlaps[:, None, None]
        return np.where(overlaps, self._statistic("moments"), np.nan)

    @Column
    def moments_central(self) -> Any:
        """Moments up to third order about the centroid: shape (n, 4, 4)."""
        central = self._statistic("moments_central").copy()
        empty = self._statistic("count") == 0
        central[empty] = np.nan
        central[empty, 0, 0] = self._array("moments")[empty, 0, 0]
        return central

    @Column
    def cutout_centroid(self) -> Any:
        """The centroid ``(x, y)`` in the cutout."""
        moments = self._array("moments")
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.stack([moments[:, 0, 1], moments[:, 1, 0]], axis=1) / moments[:, :1, 0]

    @Column
    def centroid(self) -> Any:
        """The centroid ``(x, y)`` in the image."""
        return self._array("cutout_centroid") + np.maximum(self._pixel.boxes[:, 2::-2], 0)

    @Column
    def x_centroid(self) -> Any:
        """The x coordinate of the centroid."""
        return self._array("centroid")[:, 0]

    @Column
    def y_centroid(self) -> Any:
        """The y coordinate of the centroid."""
        return self._array("centroid")[:, 1]

    @Column
    def sky_centroid(self) -> Any:
        """The centroid on the sky; `None` without a WCS."""
        if self._wcs is None:
            return np.full(self.n_positions, None)
        return self._wcs.pixel_to_world(*self._array("centroid").T)

    @Column
    def sky_centroid_icrs(self) -> Any:
        """The centroid in the ICRS; `None` without a WCS."""
        return (
            self._array("sky_centroid") if self._wcs is None else self._array("sky_centroid").icrs
        )

    @Column
    def bbox(self) -> Any:
        """The bounding boxes of the aperture."""
        return [BoundingBox(x0, x1, y0, y1) for y0, y1, x0, x1 in self._pixel.boxes.tolist()]

    @Column
    def bbox_xmin(self) -> Any:
        """The first column of the bounding box."""
        return self._pixel.boxes[:, 2]

    @Column
    def bbox_xmax(self) -> Any:
        """The last column of the bounding box, inclusive."""
        return self._pixel.boxes[:, 3] - 1

    @Column
    def bbox_ymin(self) -> Any:
        """The first row of the bounding box."""
        return self._pixel.boxes[:, 0]

    @Column
    def bbox_ymax(self) -> Any:
        """The last row of the bounding box, inclusive."""
        return self._pixel.boxes[:, 1] - 1

    @cached_property
    def _ellipse(self) -> dict[str, Any]:
        central = np.ascontiguousarray(self._array("moments_central"))
        covariance, eigenvalues, *columns = ellipses(central, self.n_threads)
        named = dict(zip(ELLIPSE, columns, strict=True))
        return {"covariance": covariance, "eigenvalues": eigenvalues, **named}

    @Column
    def covariance(self) -> Any:
        """The covariance matrix: second central moments over the zeroth; axes have 1/12 or more."""
        return self._ellipse["covariance"] << u.pix**2

    @Column
    def covariance_eigvals(self) -> Any:
        """The eigenvalues of the covariance matrix, larger first."""
        return self._ellipse["eigenvalues"] << u.pix**2

    covariance_xx = _of_ellipse("covariance_xx")
    covariance_xy = _of_ellipse("covariance_xy")
    covariance_yy = _of_ellipse("covariance_yy")
    semimajor_axis = _of_ellipse("semimajor_axis")
    semiminor_axis = _of_ellipse("semiminor_axis")
    fwhm = _of_ellipse("fwhm")
    orientation = _of_ellipse("orientation")
    eccentricity = _of_ellipse("eccentricity")
    elongation = _of_ellipse("elongation")
    ellipticity = _of_ellipse("ellipticity")
    ellipse_cxx = _of_ellipse("ellipse_cxx")
    ellipse_cxy = _of_ellipse("ellipse_cxy")
    ellipse_cyy = _of_ellipse("ellipse_cyy")

    @Column
    def inertia_tensor(self) -> Any:
        """The inertia tensor about the centroid, rows as (y, x)."""
        central = self._array("moments_central")
        product = -central[:, 1, 1]
        tensor = np.stack([central[:, 0, 2], product, product, central[:, 2, 0]], axis=-1)
        return tensor.reshape(-1, 2, 2) << u.pix**2

    @Column
    def sky_orientation(self) -> Any:
        """The angle of the major axis from north towards east; `None` without a WCS."""
        if self._wcs is None:
            return np.full(self.n_positions, None)
        from skyshed.catalog.sky import sky_orientation

        named = (self._ellipse[name] for name in ("covar_sigx2", "covar_sigxy", "covar_sigy2"))
        return sky_orientation(self._wcs, *self._array("centroid").T, *named) << u.deg

    def _doubtful_shapes(self, count: Any, center: Any) -> list[tuple[int, Any]]:
        flag, central = APERTURE_FLAGS, self._array("moments_central")
        flux = self._array("moments")[:, 0, 0]
        with np.errstate(all="ignore"):
            xx, xy, yy = (central[:, i, j] / central[:, 0, 0] for i, j in ((0, 2), (1, 1), (2, 0)))
            determinant, trace = xx * yy - xy * xy, xx + yy
            invalid = (determinant < -ROUNDING * trace**2) | (trace < 0)
            half = 0.5 * trace
            root = np.hypot(0.5 * (xx - yy), xy)
            least = np.where(half > 0, determinant / (half + root), half - root)
            singular = (least < PIXEL_VARIANCE) & ~invalid
            dark = np.isfinite(flux) & (flux <= 0) & (count > 0)
            undefined = dark | ((center & flag.ALL_MASKED) != 0) | invalid
            x, y = self._array("centroid").T
            y0, y1, x0, x1 = self._pixel.boxes.T
            outside = (x < x0 - 0.5) | (x > x1 - 0.5) | (y < y0 - 0.5) | (y > y1 - 0.5)
        return [
            (flag.UNDEFINED_SHAPE, undefined),
            (flag.SINGULAR_COVARIANCE, singular),
            (flag.CENTROID_OUTSIDE_BBOX, outside),
        ]
