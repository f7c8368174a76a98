"""From the mesh of the boxes to every pixel, and over boxes without data."""

from typing import Any

import numpy as np

from skyshed.arguments import check_choice, check_positive_integer
from skyshed.background.base import show
from skyshed.kernels import weighting, zoom
from skyshed.namespace import array_namespace, like, ndimage_of, to_host

__all__ = ["BkgIDWInterpolator", "BkgZoomInterpolator", "fill_gaps", "median_filter"]

#: Boundaries that a compiled loop knows; scipy.ndimage.zoom does the others, which pad the mesh.
COMPILED_MODES = ("reflect", "mirror")
#: Neighbours that a box without data is interpolated from (photutils' choice).
NEIGHBOURS = 10
#: Points in a leaf of the tree. Boxes at equal distances are many, and which of them come first
#: depends on it: this is photutils' value.
LEAF = 10
#: Bytes of window values to sort at a time in the median filter.
WINDOW_BYTES = 1 << 25


class BkgZoomInterpolator:
    """Expand the mesh of a `Background2D` to the image by splines, as `scipy.ndimage.zoom` does.

    Parameters
    ----------
    order : int, optional
        Degree of the spline, 0 to 5.
    mode : {'reflect', 'mirror', 'constant', 'nearest', 'wrap', ...}, optional
        How the mesh continues beyond its edge; one of the modes of `scipy.ndimage.zoom`. 'reflect'
        and 'mirror' are fast.
    cval : float, optional
        The value beyond the edge for 'constant', in the unit of the data.
    clip : bool, optional
        Whether to keep the image within the range of the mesh, which splines may exceed.

    Raises
    ------
    ValueError
        If ``order`` is not an integer from 0 to 5.

    Notes
    -----
    Boxes are pixels of ``scipy.ndimage.zoom(..., grid_mode=True)``: a value belongs to the center
    of its box. The image is that of scipy's function to rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import BkgZoomInterpolator
    >>> mesh = np.array([[0.0, 2.0]])
    >>> BkgZoomInterpolator(order=1)(mesh, shape=(1, 4), box_size=(1, 2), dtype=float)
    array([[0. , 0.5, 1.5, 2. ]])
    """

    def __init__(
        self, *, order: int = 3, mode: str = "reflect", cval: float = 0.0, clip: bool = True
    ) -> None:
        self.order = check_choice(order, "order", range(6))
        self.mode = mode
        self.cval = cval
        self.clip = clip

    def __repr__(self) -> str:
        return show(self, vars(self))

    def __call__(
        self,
        data: Any,
        *,
        shape: tuple[int, int],
        box_size: tuple[int, int],
        dtype: Any,
        n_threads: int | None = None,
        window: tuple[slice, slice] | None = None,
        **unused: Any,
    ) -> Any:
        """Expand a mesh.

        Parameters
        ----------
        data : array of float32 or float64, shape (nby, nbx)
            The mesh, a value per box. The unit of a Quantity is left aside.
        shape : tuple of int
            The shape of the image; at most that of all boxes.
        box_size : tuple of int
            Height and width of a box.
        dtype : dtype
            The dtype of the image where the mesh has one value throughout.
        n_threads : int, optional
            Threads to use; `None` for all available cores. The result is the same for any number.
        window : pair of slices, optional
            The rows and columns of the image to make, with start and stop; `None` makes all.
        **unused
            What else `Background2D` tells interpolators.

        Returns
        -------
        image : array, shape ``shape`` or that of the window
            In the dtype of the mesh.
        """
        xp = array_namespace(data=data)
        given = xp.asarray(data)
        mesh = to_host(given)
        low, high = mesh.min(), mesh.max()
        window = window or (slice(0, shape[0]), slice(0, shape[1]))
        if low == high:
            return xp.full([each.stop - each.start for each in window], low, dtype=dtype)
        if self.mode not in COMPILED_MODES:
            zooms = tuple(int(side) for side in box_size)
            image = ndimage_of(given).zoom(
                given, zooms, order=self.order, mode=self.mode, cval=self.cval, grid_mode=True
            )[window]
            return np.clip(image, low, high, out=image) if self.clip else image
        if max(box_size) == 1:
            # Splines pass through the mesh; scipy's, too, copies here.
            return given[window].copy()
        coefficients = mesh.astype(float)
        if self.order > 1:
            from scipy import ndimage

            coefficients = ndimage.spline_filter(coefficients, self.order, mode=self.mode)
        axes = list(zip(mesh.shape, box_size, window, strict=True))
        rows = _axis_weights(*axes[0], self.order, self.mode)
        # Both axes are alike in square images.
        columns = rows if axes[0] == axes[1] else _axis_weights(*axes[1], self.order, self.mode)
        index, weight = zip(rows, columns, strict=True)
        limits = (low, high) if self.clip else (-np.inf, np.inf)
        coefficients = like(coefficients, given)
        return zoom.expand(coefficients, index, weight, limits, mesh.dtype, n_threads)


class BkgIDWInterpolator:
    """Expand the mesh of a `Background2D` to the image by inverse-distance weighting.

    The nearest boxes that were measured are averaged; boxes that were not, although they have
    values in the mesh, are left out (Shepard 1968). Splines, `BkgZoomInterpolator`, are smoother,
    and much faster.

    Parameters
    ----------
    leafsize : int, optional
        Points in a leaf of the `scipy.spatial.cKDTree`, by which the CPU finds the nearest boxes.
    n_neighbors : int, optional
        How many boxes to average.
    power : float, optional
        A box at distance d has the weight ``1 / (d**power + regularization)``.
    regularization : float, optional
        See ``power``.

    Raises
    ------
    ValueError
        If ``leafsize`` or ``n_neighbors`` is not a positive integer.

    Notes
    -----
    Of several boxes at the same distance some may be left out as the last ones: on the GPU those
    that come last in the mesh, on the CPU those that cKDTree finds last, as in photutils.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import Background2D, BkgIDWInterpolator
    >>> data = np.repeat([[1.0, 3.0]], 4, axis=0).repeat(4, axis=1)
    >>> bkg = Background2D(data, 4, filter_size=1, interpolator=BkgIDWInterpolator())
    >>> bkg.background[1].round(2)
    array([1.45, 1.27, 1.33, 1.77, 2.23, 2.67, 2.73, 2.55])
    """

    def __init__(
        self,
        *,
        leafsize: int = 10,
        n_neighbors: int = 10,
        power: float = 1.0,
        regularization: float = 0.0,
    ) -> None:
        self.leafsize = check_positive_integer(leafsize, "leafsize")
        self.n_neighbors = check_positive_integer(n_neighbors, "n_neighbors")
        self.power = power
        self.regularization = regularization

    def __repr__(self) -> str:
        return show(self, vars(self))

    def __call__(
        self,
        data: Any,
        *,
        shape: tuple[int, int],
        dtype: Any,
        mesh_yxcen: Any,
        mesh_nan_mask: Any,
        n_threads: int | None = None,
        **unused: Any,
    ) -> Any:
        """Expand a mesh.

        Parameters
        ----------
        data : array of float32 or float64, shape (nby, nbx)
            The mesh, a value per box. The unit of a Quantity is left aside.
        shape : tuple of int
            The shape of the image.
        dtype : dtype
            The dtype of the image where the mesh has one value throughout.
        mesh_yxcen : array_like, shape (2, n)
            The y and x of the centers of the boxes to take, in pixels.
        mesh_nan_mask : array of bool, shape (nby, nbx)
            False for the boxes to take.
        n_threads : int, optional
            Threads to use; `None` for all available cores. The result is the same for any number.
        **unused
            What else `Background2D` tells interpolators.

        Returns
        -------
        image : array of float64, shape ``shape``
            In the dtype of the mesh for one neighbour.
        """
        xp = array_namespace(data=data)
        given = xp.asarray(data)
        mesh = to_host(given)
        low = mesh.min()
        if low == mesh.max():
            return xp.full(shape, low, dtype=dtype)
        values = np.ascontiguousarray(mesh[~np.asarray(to_host(mesh_nan_mask))])
        points = np.ascontiguousarray(np.stack([*map(to_host, mesh_yxcen)], axis=1), float)
        image = weighting.expand(
            like(values, given), points, (shape[0], shape[1]), self.n_neighbors, float(self.power),
            float(self.regularization), self.leafsize, n_threads,
        )  # fmt: skip
        return image.astype(mesh.dtype) if self.n_neighbors == 1 else image


def _axis_weights(n: int, size: int, pixels: slice, order: int, mode: str) -> tuple[Any, Any]:
    """Return which of n coefficients make up each of some pixels of an axis, and by how much.

    The weights are the uniform B-splines of degree ``order`` that are not zero at the pixel, by the
    recurrence of Cox and de Boor.
    """
    position = (np.arange(pixels.start, pixels.stop) + 0.5) / size - 0.5
    # Knots lie at box centers for odd degrees, between them for even ones.
    place = position if order % 2 else position + 0.5
    first = np.floor(place)
    t = place - first
    weight = np.ones((position.size, 1))
    for degree in range(1, order + 1):
        k = np.arange(degree)
        share = weight / degree
        weight = np.zeros((position.size, degree + 1))
        weight[:, :-1] += (k + 1 - t[:, None]) * share
        weight[:, 1:] += (t[:, None] + degree - 1 - k) * share
    index = first[:, None].astype(np.int64) - order // 2 + np.arange(order + 1)
    return _fold(index, n, mode), weight


def _fold(index: Any, n: int, mode: str) -> Any:
    """Fold indices beyond the edges of an axis of length n back into it."""
    if mode == "mirror":
        period = max(2 * n - 2, 1)
        return np.minimum(index % period, -index % period)
    index = index % (2 * n)
    return np.minimum(index, 2 * n - 1 - index)


def fill_gaps(mesh: Any) -> Any:
    """Fill NaN in a mesh by inverse-distance weighting of the nearest boxes that have a value.

    Parameters
    ----------
    mesh : array of float32 or float64, shape (nby, nbx)
        At least one value is not NaN.

    Returns
    -------
    array of the same dtype and shape
        ``mesh`` itself if it has no gaps (Shepard 1968).
    """
    gaps = np.isnan(mesh)
    if not gaps.any():
        return mesh
    values = mesh[~gaps]
    from scipy.spatial import cKDTree

    tree = cKDTree(np.argwhere(~gaps), leafsize=LEAF)
    # Neighbours that do not exist are at infinity, with the index past the last.
    distance, index = tree.query(np.argwhere(gaps), k=NEIGHBOURS)
    weight = 1.0 / distance
    neighbour = values[np.minimum(index, values.size - 1)]
    filled = mesh.copy()
    filled[gaps] = np.sum(weight * neighbour, axis=1) / np.sum(weight, axis=1)
    return filled


def median_filter(mesh: Any, size: tuple[int, int]) -> Any:
    """Replace each value of a mesh by the median of its neighbourhood, which ends at the edge.

    Parameters
    ----------
    mesh : array of float32 or float64, shape (nby, nbx)
        NaN is left out of the medians.
    size : tuple of int
        Height and width of the neighbourhood; odd.

    Returns
    -------
    array of the same dtype and shape
    """
    reach = (size[0] // 2, size[1] // 2)
    padded = np.pad(mesh, [(reach[0],) * 2, (reach[1],) * 2], constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)
    filtered = np.empty_like(mesh)
    rows = max(WINDOW_BYTES // (windows[0].size * mesh.itemsize), 1)
    for y in range(0, mesh.shape[0], rows):
        part = windows[y : y + rows].reshape(-1, size[0] * size[1])
        # NaN sorts last.
        ordered = np.sort(part, axis=-1).astype(float)
        n = np.count_nonzero(~np.isnan(ordered), axis=-1)
        line = np.arange(n.size)
        middle = ordered[line, np.maximum(n - 1, 0) // 2] + ordered[line, n // 2]
        filtered[y : y + rows] = (0.5 * middle).reshape(-1, mesh.shape[1])
    return filtered
