"""The coefficients of splines that pass through the values of a mesh."""

from functools import cache
from importlib.metadata import version
from math import prod
from typing import Any

import numpy as np

__all__ = ["spline_coefficients"]

#: The roots within the unit circle of the polynomials that the samples of B-splines make, by degree
#: (Unser 1999, IEEE Signal Processing Magazine 16, 22, box 2), to the last bit: those of degree 3
#: are sqrt(3) - 2, which floating-point numbers would lose a digit of.
ROOTS = {
    2: (-0.17157287525380990,),
    3: (-0.26794919243112270,),
    4: (-0.36134122590022018, -0.013725429297339121),
    5: (-0.43057534709997379, -0.043096288203264653),
}


def spline_coefficients(mesh: Any, order: int, mode: str) -> Any:
    """Return the coefficients of the spline through a mesh.

    They are those of the installed `scipy.ndimage.spline_filter`, which takes longer to import than
    a mesh takes to filter.

    Parameters
    ----------
    mesh : array, shape (..., ny, nx)
        The values; of several meshes at once in hardly more time than of one.
    order : int
        Degree of the spline, 2 to 5; the coefficients of lower degrees are the values.
    mode : {'reflect', 'mirror'}
        How the mesh continues beyond its edges: with the last value twice, or once.

    Returns
    -------
    coefficients : array of float64, of the same shape

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.background.splines import spline_coefficients
    >>> spline_coefficients(np.array([[1.0, 2.0, 4.0]]), 3, "mirror")
    array([[0.75, 1.5 , 5.25]])
    """
    filtered = mesh.astype(np.float64)
    for axis in (-2, -1):
        lines = np.moveaxis(filtered, axis, 0)
        if len(lines) > 1:
            _filter(lines, ROOTS[order], mode)
    return filtered


def _filter(c: Any, roots: tuple[float, ...], mode: str) -> None:
    """Filter along the first axis, in place: for each root forth, then back."""
    c *= prod([(1.0 - z) * (1.0 - 1.0 / z) for z in roots])
    begin = _begin_reflected if mode == "reflect" else _begin_mirrored
    for z in roots:
        begin(c, z)
        for i in range(1, len(c)):
            c[i] += z * c[i - 1]
        if mode == "reflect":
            c[-1] *= z / (z - 1.0)
        else:
            c[-1] = (z * c[-2] + c[-1]) * z / (z * z - 1.0)
        for i in range(len(c) - 2, -1, -1):
            c[i] = z * (c[i + 1] - c[i])


def _begin_reflected(c: Any, z: float) -> None:
    """Set the first value of the filter forth, where the last value comes twice."""
    n = len(c)
    far = pow(z, n)
    value = c[0].copy()
    c[0] += far * c[-1]
    _add_to_first(c, c[1:-1] + far * c[-2:0:-1], z)
    # Before 1.18 the last turn of SciPy takes the sum so far for the first value: it is far
    # below the rounding of all but the smallest meshes.
    last = value if _is_exact() else c[0]
    c[0] += _powers(z, n)[-1] * (c[-1] + far * last)
    c[0] *= z / (1.0 - far * far)
    c[0] += value


def _powers(z: float, n: int) -> Any:
    """Return z, z**2, ..., n - 1 of them, each the product of the one before."""
    return np.multiply.accumulate(np.full(n - 1, z))


def _add_to_first(c: Any, terms: Any, z: float) -> None:
    """Add the products of terms and powers of z to the first value, one after another."""
    power = _powers(z, len(terms) + 1).reshape(-1, *[1] * (c.ndim - 1))
    c[0] = np.add.accumulate(np.concatenate([c[:1], power * terms]))[-1]


@cache
def _is_exact() -> bool:
    """Whether the installed SciPy sums up reflected values exactly."""
    return tuple(int(each) for each in version("scipy").split(".")[:2]) >= (1, 18)


def _begin_mirrored(c: Any, z: float) -> None:
    """Set the first value of the filter forth, where the last value comes once."""
    far = pow(z, len(c) - 1)
    c[0] += far * c[-1]
    _add_to_first(c, c[1:-1] + far * c[-2:0:-1], z)
    c[0] /= 1.0 - far * far
