"""The ellipse that has a source's second moments, and the size of its Kron aperture."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["COLUMNS", "ellipses", "kron_sizes"]

#: The numbers per source that `ellipses` returns one by one, in its order.
COLUMNS = (
    "covar_sigx2", "covar_sigxy", "covar_sigy2", "semimajor_sigma", "semiminor_sigma", "fwhm",
    "orientation", "eccentricity", "elongation", "ellipticity", "cxx", "cxy", "cyy",
)  # fmt: skip


@operation
def ellipses(moments: Any, n_threads: int | None) -> tuple[Any, ...]:
    """Describe the ellipse of each source's covariance matrix.

    The variance along each principal axis is raised to that of a pixel, 1/12. Matrices that are not
    positive semidefinite describe no shape and give NaN, as do sources without light.

    Parameters
    ----------
    moments : array of float64, shape (n, 4, 4), C-contiguous
        Moments about the centroid; ``moments[:, i, j]`` is the sum of ``y**i * x**j`` times the
        value.
    n_threads : int or None
        Accepted for the twins' sake; no effect on the result.

    Returns
    -------
    covariance : array of float64, shape (n, 2, 2)
        In pixels squared, rows as (x, y).
    eigenvalues : array of float64, shape (n, 2)
        Of the covariance matrix, larger first, in pixels squared.
    *columns : arrays of float64, shape (n,)
        `COLUMNS`: lengths in pixels, the orientation in degrees.

    Notes
    -----
    All are exact to a few rounding errors, but for the eccentricity of circles: where the axes are
    equal to the last digits, so is what it is the square root of to 0.
    """


@operation
def kron_sizes(
    measured: Any,
    moment: Any,
    total: Any,
    semimajor: Any,
    semiminor: Any,
    scale: float,
    least: float,
    circle: float | None,
    largest: float,
    n_threads: int | None,
) -> tuple[Any, Any, Any, Any]:
    """Apply the limits to Kron radii, and size the apertures.

    Parameters
    ----------
    measured, moment, total : array of float64, shape (n,)
        The radii; the sums of data times elliptical radius, and of data, that they are from.
    semimajor, semiminor : array of float64, shape (n,)
        Axes of one sigma, in pixels.
    scale, least : float
        What the radius is multiplied by, and the least radius before that.
    circle : float or None
        The radius in pixels of the circle that replaces apertures whose circularized radius is not
        larger; `None` for no such limit.
    largest : float
        A larger radius can't be: it is NaN.
    n_threads : int or None
        Accepted for the twins' sake; no effect on the result.

    Returns
    -------
    radius : array of float64, shape (n,)
        ``least`` where a sum is not positive; 0 for the circle. All results are exact.
    at_least : array of bool, shape (n,)
        Whether ``least`` or ``circle`` took the place of what was measured.
    major, minor : array of float64, shape (n,)
        Axes of the apertures in pixels.
    """
