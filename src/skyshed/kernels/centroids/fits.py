"""The least-squares fits of a quadratic polynomial to any subset of 3 x 3 pixels."""

import functools

import numpy as np

__all__ = ["fits"]

#: Bit k of a subset's number stands for pixel k of the box, in raster order.
SUBSETS = 512


@functools.cache
def fits():
    """Return what turns nine pixel values into the coefficients of x, y, xy, x**2 and y**2.

    The origin is the middle pixel. A fit's coefficients are up to a common factor, which neither
    the place of the maximum nor its error depends on: so the fit to all nine pixels has integer
    weights, and pixels without curvature give exactly none.

    Returns
    -------
    array of float64, shape (512, 5, 9)
        Per subset of the pixels, coefficient and pixel; 0 for pixels left out, and for all where
        they do not determine the polynomial: fewer than six, or all in two rows, in two columns,
        or on another conic.
    """
    y, x = np.divmod(np.arange(9), 3) - np.ones((2, 1))
    terms = np.stack([np.ones(9), x, y, x * y, x * x, y * y], axis=1)
    kept = (np.arange(SUBSETS)[:, np.newaxis] >> np.arange(9)) & 1
    designs = terms * kept[:, :, np.newaxis]
    weights = np.linalg.pinv(designs)[:, 1:] * kept[:, np.newaxis]
    weights[np.linalg.matrix_rank(designs) < terms.shape[1]] = 0
    weights[-1] = [2 * x, 2 * y, 3 * x * y, 6 * x * x - 4, 6 * y * y - 4]
    weights.setflags(write=False)
    return weights
