"""From the mesh of boxes to every pixel; gaps and outliers of the mesh."""

import itertools
from functools import lru_cache
from typing import Any

import numpy as np

from skyshed.arguments import check_choice, check_positive_integer
from skyshed.background.base import show
from skyshed.background.splines import spline_coefficients
from skyshed.kernels import neighbours, weighting, zoom
from skyshed.namespace import array_namespace, like, ndimage_of, to_host
from skyshed.peers import PassesAsPhotutils

__all__ = [
    "BkgIDWInterpolator",
    "BkgZoomInterpolator",
    "axis_weights",
    "fill_gaps",
    "median_filter",
]

#: Modes that the kernel knows; for others, which pad the mesh, scipy.ndimage.zoom is used.
COMPILED_MODES = ("reflect", "mirror")
#: How many boxes an excluded box is interpolated from; as in photutils.
NEIGHBOURS = 10
#: Points in a leaf of the tree; as in photutils. Many boxes are at equal distances, and which of
#: them come first depends on it.
LEAF = 10
#: Pixels of an axis whose weights are in memory at a time: some 200 bytes each, which are as many
#: for each pixel of an image of one row.
LONGEST = 1 << 16
#: Bytes of values that the median filter sorts at a time.
WINDOW_BYTES = 1 << 25


class BkgZoomInterpolator(PassesAsPhotutils):
    """Expand the mesh of a `Background2D` to the image by splines, as `scipy.ndimage.zoom` does.

    Parameters
    ----------
    order : int, optional
        Degree of the spline, 0 to 5.
    mode : {'reflect', 'mirror', 'constant', 'nearest', 'wrap', ...}, optional
        How the mesh continues beyond its edges: a mode of `scipy.ndimage.zoom`. 'reflect' and
        'mirror' are fast.
    cval : float, optional
        The value beyond the edges for 'constant', in the unit of the data.
    clip : bool, optional
        Whether to limit the image to the range of the mesh, which splines may exceed.

    Raises
    ------
    ValueError
        If ``order`` is not an integer from 0 to 5.

    Notes
    -----
    The values of the mesh are at the centers of the boxes, as for
    ``scipy.ndimage.zoom(..., grid_mode=True)``, which gives the same image but for rounding.

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
        coefficients: Any = None,
        xp: Any = None,
        **unused: Any,
    ) -> Any:
        """Expand a mesh.

        Parameters
        ----------
        data : array of float32 or float64, shape (nby, nbx)
            The mesh, one value for each box. The unit of a Quantity is ignored.
        shape : tuple of int
            The shape of the image, at most that of all boxes together.
        box_size : tuple of int
            Height and width of a box.
        dtype : dtype
            The dtype of the image if all values of the mesh are equal.
        n_threads : int, optional
            Threads to use; `None` for all available cores. The result is the same for any number.
        window : pair of slices, optional
            The rows and columns of the image to compute, each with start and stop; `None` for all.
        coefficients : array of float64, shape (nby, nbx), optional
            What `coefficients` returns for the mesh, where that is known.
        xp : module, optional
            The array library of the image: `numpy` or ``cupy``; `None` for that of the mesh.
        **unused
            Other keywords that `Background2D` passes to interpolators.

        Returns
        -------
        image : array
            Of ``shape``, or the shape of the window, in the dtype of the mesh.
        """
        xp = xp or array_namespace(data=data)
        mesh = np.asarray(to_host(data))
        low, high = mesh.min(), mesh.max()
        window = window or (slice(0, shape[0]), slice(0, shape[1]))
        if low == high:
            return xp.full([each.stop - each.start for each in window], low, dtype=dtype)
        if self.mode not in COMPILED_MODES:
            zooms = tuple(int(side) for side in box_size)
            data = xp.asarray(data)
            image = ndimage_of(data).zoom(
                data, zooms, order=self.order, mode=self.mode, cval=self.cval, grid_mode=True
            )[window]
            return np.clip(image, low, high, out=image) if self.clip else image
        if max(box_size) == 1:
            # Splines pass through the values of the mesh; scipy.ndimage.zoom copies here, too.
            return xp.asarray(data)[window].copy()
        if coefficients is None:
            coefficients = self.coefficients(mesh)
        coefficients = xp.asarray(coefficients)
        limits = (low, high) if self.clip else (-np.inf, np.inf)
        options = {"limits": limits, "dtype": mesh.dtype, "n_threads": n_threads}
        parts = [_parts(each) for each in window]
        if all(len(each) == 1 for each in parts):
            return self._expanded(coefficients, box_size, window, **options)
        image = xp.empty([each.stop - each.start for each in window], dtype=mesh.dtype)
        for part in itertools.product(*parts):
            at = [
                slice(each.start - whole.start, each.stop - whole.start)
                for each, whole in zip(part, window, strict=True)
            ]
            image[tuple(at)] = self._expanded(coefficients, box_size, part, **options)
        return image

    def axes(
        self, n_boxes: tuple[int, ...], box_size: tuple[int, int], window: tuple[slice, slice]
    ) -> tuple[Any, Any] | None:
        """Return the indices and weights that `skyshed.kernels.zoom` expands a mesh to a window by.

        `None` where an image is made in another way: of padded meshes, of boxes of a pixel, or of
        axes so long that their weights are not in memory at a time.
        """
        long = any(len(_parts(each)) > 1 for each in window)
        if self.mode not in COMPILED_MODES or max(box_size) == 1 or long:
            return None
        return self._axes(n_boxes, box_size, window)

    def _expanded(
        self, coefficients: Any, box_size: tuple[int, int], window: Any, **options: Any
    ) -> Any:
        """Return a window of the spline."""
        axes = self._axes(coefficients.shape, box_size, window)
        return zoom.expand(coefficients, *axes, **options)

    def _axes(self, n_boxes: Any, box_size: Any, window: Any) -> tuple[Any, Any]:
        """Return the indices and the weights of both axes of a window."""
        index, weight = zip(
            *(
                axis_weights(n, int(size), pixels.start, pixels.stop, self.order, self.mode)
                for n, size, pixels in zip(n_boxes, box_size, window, strict=True)
            ),
            strict=True,
        )
        return index, weight

    def stacked(
        self,
        coefficients: Any,
        limits: tuple[Any, Any],
        shape: tuple[int, int],
        box_size: tuple[int, int],
        dtype: Any,
        n_threads: int | None,
    ) -> Any:
        """Return equal images of meshes, one below the other, in one go.

        Parameters
        ----------
        coefficients : array of float64, shape (n, nby, nbx)
            What `coefficients` returns for each mesh, where the images are wanted.
        limits : tuple of two arrays of ``dtype``, shape (n,)
            The least and the largest value of each mesh.
        shape, box_size, n_threads
            As for a call, of one image.
        dtype : dtype
            That of the meshes.

        Returns
        -------
        image : array of ``dtype``, shape (n * ny, nx)
            The bits are those of each mesh by itself.
        """
        (n, my, mx), (ny, nx) = coefficients.shape, shape
        row, of_row = axis_weights(my, int(box_size[0]), 0, ny, self.order, self.mode)
        across = axis_weights(mx, int(box_size[1]), 0, nx, self.order, self.mode)
        rows = (row + my * np.arange(n)[:, None, None]).reshape(n * ny, -1)
        image = zoom.expand(
            coefficients.reshape(n * my, mx), (rows, across[0]),
            (np.tile(of_row, (n, 1)), across[1]), (-np.inf, np.inf), dtype, n_threads,
        )  # fmt: skip
        if self.clip:  # which may be after rounding: what limits is rounded already
            low, high = (like(each, image)[:, None, None] for each in limits)
            whole = image.reshape(n, ny, nx)
            np.clip(whole, low, high, out=whole)
        return image

    def coefficients(self, mesh: Any) -> Any:
        """Return the coefficients of the splines through meshes, for many windows of one image.

        Parameters
        ----------
        mesh : array of float32 or float64, shape (..., nby, nbx)
            A NumPy array.

        Returns
        -------
        coefficients : array of float64, of the same shape, or None
            `None` for a mode whose images `scipy.ndimage.zoom` makes.
        """
        if self.mode not in COMPILED_MODES:
            return None
        values = mesh.astype(float)
        return spline_coefficients(values, self.order, self.mode) if self.order > 1 else values


class BkgIDWInterpolator(PassesAsPhotutils):
    """Expand the mesh of a `Background2D` to the image by inverse-distance weighting.

    The value of a pixel is a weighted mean of the nearest boxes (Shepard 1968). Boxes that were
    excluded are left out, although the mesh has values there. `BkgZoomInterpolator` is smoother and
    much faster.

    Parameters
    ----------
    leafsize : int, optional
        Points in a leaf of the `scipy.spatial.cKDTree` that finds the nearest boxes on the CPU.
    n_neighbors : int, optional
        The number of boxes that are averaged.
    power : float, optional
        The weight of a box at distance d is ``1 / (d**power + regularization)``.
    regularization : float, optional
        See ``power``.

    Raises
    ------
    ValueError
        If ``leafsize`` or ``n_neighbors`` is not a positive integer.

    Notes
    -----
    If several boxes at the same distance compete for the last of the ``n_neighbors``, the GPU takes
    those that come first in the mesh, the CPU those that cKDTree finds first, as photutils does.

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
            The mesh, one value for each box. The unit of a Quantity is ignored.
        shape : tuple of int
            The shape of the image.
        dtype : dtype
            The dtype of the image if all values of the mesh are equal.
        mesh_yxcen : array_like, shape (2, n)
            The y and x of the centers of the boxes that are used, in pixels.
        mesh_nan_mask : array of bool, shape (nby, nbx)
            True for boxes that are not used.
        n_threads : int, optional
            Threads to use; `None` for all available cores. The result is the same for any number.
        **unused
            Other keywords that `Background2D` passes to interpolators.

        Returns
        -------
        image : array of float64
            Of ``shape``. With a single neighbour it has the dtype of the mesh.
        """
        xp = array_namespace(data=data)
        data = xp.asarray(data)
        mesh = to_host(data)
        low = mesh.min()
        if low == mesh.max():
            return xp.full(shape, low, dtype=dtype)
        values = np.ascontiguousarray(mesh[~np.asarray(to_host(mesh_nan_mask))])
        points = np.ascontiguousarray(np.stack([*map(to_host, mesh_yxcen)], axis=1), float)
        image = weighting.expand(
            like(values, data), points, (shape[0], shape[1]), self.n_neighbors, float(self.power),
            float(self.regularization), self.leafsize, n_threads,
        )  # fmt: skip
        return image.astype(mesh.dtype) if self.n_neighbors == 1 else image


def _parts(pixels: slice) -> list[slice]:
    """Return the parts of an axis whose weights are in memory at a time."""
    starts = range(pixels.start, pixels.stop, LONGEST)
    return [slice(start, min(start + LONGEST, pixels.stop)) for start in starts]


@lru_cache(maxsize=2)  # level and noise have the same, and images of one shape
def axis_weights(
    n: int, size: int, start: int, stop: int, order: int, mode: str
) -> tuple[Any, Any]:
    """Return which coefficients the value of each pixel of an axis consists of, and their weights.

    The weights are the values at the pixel of the uniform B-splines of degree ``order``, by the
    recurrence of Cox and de Boor.

    Parameters
    ----------
    n : int
        The number of coefficients along the axis: that of boxes.
    size : int
        The length of a box in pixels.
    start, stop : int
        The pixels.
    order, mode
        As for `BkgZoomInterpolator`; one of `COMPILED_MODES`.

    Returns
    -------
    index : array of int64, shape (n_pixels, order + 1)
    weight : array of float64, shape (n_pixels, order + 1)
        Both read-only.
    """
    position = (np.arange(start, stop) + 0.5) / size - 0.5
    # Knots lie at the centers of boxes for odd degrees, between them for even ones.
    knots = position if order % 2 else position + 0.5
    first = np.floor(knots)
    t = knots - first
    weight = np.ones((position.size, 1))
    for degree in range(1, order + 1):
        k = np.arange(degree)
        share = weight / degree
        weight = np.zeros((position.size, degree + 1))
        weight[:, :-1] += (k + 1 - t[:, None]) * share
        weight[:, 1:] += (t[:, None] + degree - 1 - k) * share
    index = first[:, None].astype(np.int64) - order // 2 + np.arange(order + 1)
    index = _fold(index, n, mode)
    index.flags.writeable = weight.flags.writeable = False
    return index, weight


def _fold(index: Any, n: int, mode: str) -> Any:
    """Return the indices of an axis of length n that indices beyond its edges stand for."""
    if mode == "mirror":
        period = max(2 * n - 2, 1)
        return np.minimum(index % period, -index % period)
    index = index % (2 * n)
    return np.minimum(index, 2 * n - 1 - index)


def fill_gaps(*meshes: Any) -> list[Any]:
    """Replace NaN in meshes by means of the nearest boxes, weighted by distance (Shepard 1968).

    Parameters
    ----------
    *meshes : array of float32 or float64, shape (nby, nbx)
        At least one value of each is not NaN. The nearest boxes of meshes that follow each other
        and have the same gaps are looked for once.

    Returns
    -------
    filled : list of array
        Of the same dtypes and shape; a mesh itself if it has no NaN.
    """
    filled, gaps = [], None
    for mesh in meshes:
        own = np.isnan(mesh)
        if not own.any():
            filled.append(mesh)
            continue
        if gaps is None or not np.array_equal(own, gaps):
            gaps = own
            distance, index = neighbours.nearest(
                np.argwhere(~gaps), np.argwhere(gaps), NEIGHBOURS, LEAF, None
            )
            # If there are too few boxes, the others are at infinity, with an index past the last.
            weight = 1.0 / distance
            total = np.sum(weight, axis=1)
            index = np.minimum(index, gaps.size - np.count_nonzero(gaps) - 1)
        whole = mesh.copy()
        whole[gaps] = np.sum(weight * mesh[~gaps][index], axis=1) / total
        filled.append(whole)
    return filled


def median_filter(mesh: Any, size: tuple[int, int]) -> Any:
    """Replace each value of a mesh by the median of the window around it.

    Parameters
    ----------
    mesh : array of float32 or float64, shape (nby, nbx)
        NaN is left out of the medians.
    size : tuple of int
        Height and width of the window; odd. At the edges of the mesh it is cut off.

    Returns
    -------
    filtered : array of the same dtype and shape
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
