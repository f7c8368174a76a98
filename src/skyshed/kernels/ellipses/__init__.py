"""The ellipse that has a source's second moments."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["COLUMNS", "ellipses"]

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
