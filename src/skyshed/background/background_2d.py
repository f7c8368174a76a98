"""`Background2D`: the background of an image and its noise, in boxes and at every pixel."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from skyshed._typing import Array, ImageOrNDData, Mask, Pair
from skyshed.arguments import (
    as_image,
    as_pair,
    check_choice,
    check_number,
    check_pixels,
    check_positive_integer,
    check_range,
    union,
)
from skyshed.background.base import DEFAULT_CLIP, own_clip, show
from skyshed.background.box_values import measure_boxes
from skyshed.background.checks import (
    as_boolean,
    callable_or,
    unpack,
    why_no_box,
    without_clip,
)
from skyshed.background.estimators import SExtractorBackground, StdBackgroundRMS
from skyshed.background.interpolation import BkgZoomInterpolator
from skyshed.background.mesh import Mesh, least_pixels, make_mesh
from skyshed.background.window import BackgroundWindow
from skyshed.cached import cached_property
from skyshed.messages import find_stack_level
from skyshed.names import accept_aliases, canonical_attribute
from skyshed.namespace import (
    array_namespace,
    device_of,
    imported_modules,
    named_modules,
    stays_on_device,
)
from skyshed.notebook import SIDE, card, enlarged, picture_of, quietly
from skyshed.optional import need
from skyshed.peers import PassesAsPhotutils
from skyshed.plotting import show_image

__all__ = ["Background2D"]


class _Shown(str):
    """A string whose repr has no quotes."""

    __repr__ = str.__str__


@stays_on_device
class Background2D(PassesAsPhotutils):
    """Estimate the background of an image and its noise.

    The image is divided into boxes. In each, pixels are clipped, and the level of the background
    and its noise are estimated. Boxes with too few good pixels are interpolated from their
    neighbours, a median filter removes boxes that are filled by a bright source, and splines expand
    the two meshes to maps.

    Parameters
    ----------
    data : array_like, Quantity, `~numpy.ma.MaskedArray` or `~astropy.nddata.NDData`, shape (ny, nx)
        The image. Pixels that are not finite are left out, and so are masked pixels of a masked
        array.
    box_size : int or pair of int
        Height and width of a box in pixels, at most those of the image. Boxes at the upper and
        right edges may be cut off.
    mask : array_like of bool, shape (ny, nx), optional
        True for pixels to leave out, such as those of sources; the maps have values there.
    coverage_mask : array_like of bool, shape (ny, nx), optional
        True for pixels without data; they are left out, and have ``fill_value`` in the maps.
    fill_value : float, optional
        The value of the maps where ``coverage_mask`` is True, in the unit of ``data``.
    exclude_percentile : float, optional
        Boxes with more than this percentage of bad pixels are interpolated. Pixels are bad that are
        masked, not finite, clipped, or beyond the edge of the image. Boxes without a good pixel are
        always interpolated.
    filter_size : int or pair of int, optional
        Height and width of the median filter in boxes; odd. 1 does not filter.
    filter_threshold : float, optional
        Only boxes whose level is above it are filtered; `None` filters all.
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        How the pixels of a box are clipped; `None` does not clip. 3 sigma and at most 10 iterations
        by default.
    bkg_estimator : callable, optional
        Estimates the level: an estimator of `skyshed.background`, or a function that takes an array
        of pixels, NaN where they are left out, and ``axis``. An estimator's own clipping is not
        used. `SExtractorBackground` by default.
    bkgrms_estimator : callable, optional
        Estimates the noise, in the same way. `StdBackgroundRMS` by default.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.
        Functions of your own are called from one thread.
    interpolator : callable, optional
        Expands a mesh to an image. `BkgZoomInterpolator` by default. It is called with the mesh and
        the keywords ``shape``, ``dtype``, ``box_size``, ``n_threads``, ``mesh_yxcen`` and
        ``mesh_nan_mask``.

    Raises
    ------
    ValueError
        If an argument is out of range, shapes differ, or no box has enough good pixels.
    TypeError
        If ``data`` does not hold real numbers, a mask is not boolean, or an estimator, interpolator
        or ``sigma_clip`` is not callable.

    Warns
    -----
    AstropyUserWarning
        If pixels that are not masked are not finite.

    Notes
    -----
    If ``data`` is a CuPy array, maps are CuPy arrays, and estimators and interpolators of your own
    are called with CuPy arrays. Meshes are always NumPy arrays.

    Results have the dtype of ``data``, or float32 if these are integers, as in photutils.
    Statistics are computed in float64. They are computed in compiled loops if the estimators are
    those of `skyshed.background` and the clipping uses ``'mean'`` or ``'median'`` with ``'std'`` or
    ``'mad_std'``.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import Background2D, MedianBackground
    >>> rng = np.random.default_rng(0)
    >>> data = rng.normal(10, 2, (200, 300))
    >>> bkg = Background2D(data, box_size=50, bkg_estimator=MedianBackground())
    >>> bkg.background_mesh.shape, bkg.background.shape
    ((4, 6), (200, 300))
    >>> print(f"{bkg.background_median:.2f} +- {bkg.background_rms_median:.2f}")
    10.00 +- 1.97
    """

    @accept_aliases
    def __init__(
        self,
        data: ImageOrNDData,
        box_size: Pair,
        *,
        mask: Mask = None,
        coverage_mask: Mask = None,
        fill_value: float = 0.0,
        exclude_percentile: float = 10.0,
        filter_size: Pair = (3, 3),
        filter_threshold: float | None = None,
        sigma_clip: Any = DEFAULT_CLIP,
        bkg_estimator: Any = None,
        bkgrms_estimator: Any = None,
        n_threads: int | None = None,
        interpolator: Any = None,
    ) -> None:
        image, data_mask, self._unit = unpack(data)
        xp = array_namespace(data=image, mask=mask, coverage_mask=coverage_mask)
        image = xp.asarray(image)
        self._device = device_of(image)
        if image.dtype.kind in "iub":
            image = image.astype(xp.float32)
        image = as_image(image, "data", xp)
        check_pixels(image, "data")
        mask = as_boolean(mask, "mask", image.shape, xp)
        self._has_mask = mask is not None or data_mask is not None
        self._configure(
            image.shape, image.dtype, xp, box_size, coverage_mask=coverage_mask,
            fill_value=fill_value, exclude_percentile=exclude_percentile, filter_size=filter_size,
            filter_threshold=filter_threshold, sigma_clip=sigma_clip, bkg_estimator=bkg_estimator,
            bkgrms_estimator=bkgrms_estimator, n_threads=n_threads, interpolator=interpolator,
        )  # fmt: skip
        self._mesh = self._measured(image, union(mask, data_mask, self.coverage_mask))

    @classmethod
    @accept_aliases
    def from_mesh(
        cls,
        mesh: Mesh,
        shape: tuple[int, int],
        box_size: Pair,
        dtype: Any,
        *,
        xp: Any = np,
        unit: Any = None,
        coverage_mask: Mask = None,
        fill_value: float = 0.0,
        exclude_percentile: float = 10.0,
        filter_size: Pair = (3, 3),
        filter_threshold: float | None = None,
        sigma_clip: Any = DEFAULT_CLIP,
        bkg_estimator: Any = None,
        bkgrms_estimator: Any = None,
        n_threads: int | None = None,
        interpolator: Any = None,
    ) -> Background2D:
        """Return the background of an image whose boxes have been measured before.

        The image is not needed: a mesh is small, and can be stored or sent instead of maps.

        Parameters
        ----------
        mesh : `~skyshed.background.mesh.Mesh`
            Level and noise of every box: the attribute `mesh` of a `Background2D`.
        shape : tuple of int
            The shape ``(ny, nx)`` of the image.
        box_size : int or pair of int
            Height and width of a box in pixels.
        dtype : dtype
            The dtype of the image, float32 or float64.
        xp : module, optional
            The array library of the maps: `numpy` or ``cupy``.
        unit : `~astropy.units.UnitBase`, optional
            The unit of the image.
        coverage_mask, fill_value, n_threads, interpolator : optional
            How maps are made; see `Background2D`.
        exclude_percentile, filter_size, filter_threshold, sigma_clip : optional
            How the mesh was made; see `Background2D`. They only become attributes.
        bkg_estimator, bkgrms_estimator : callable, optional
            The same.

        Returns
        -------
        background : `Background2D`

        Raises
        ------
        ValueError
            If the mesh does not have the boxes of such an image, or an argument is out of range.
        TypeError
            If ``coverage_mask`` is not boolean, or an estimator, interpolator or ``sigma_clip`` is
            not callable.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import Background2D
        >>> data = np.random.default_rng(0).normal(10, 2, (200, 300))
        >>> measured = Background2D(data, box_size=50)
        >>> bkg = Background2D.from_mesh(measured.mesh, data.shape, 50, data.dtype)
        >>> bool((bkg.background == measured.background).all())
        True
        """
        self = cls.__new__(cls)
        self._unit, self._has_mask = unit, False
        self._configure(
            (int(shape[0]), int(shape[1])), np.dtype(dtype), xp, box_size,
            coverage_mask=coverage_mask, fill_value=fill_value,
            exclude_percentile=exclude_percentile, filter_size=filter_size,
            filter_threshold=filter_threshold, sigma_clip=sigma_clip, bkg_estimator=bkg_estimator,
            bkgrms_estimator=bkgrms_estimator, n_threads=n_threads, interpolator=interpolator,
        )  # fmt: skip
        boxes = tuple(-(-n // int(k)) for n, k in zip(self._shape, self.box_size, strict=True))
        if np.shape(mesh.level) != boxes:
            raise ValueError(
                f"mesh must have {boxes} boxes, as an image of shape {self._shape} has with "
                f"box_size={tuple(self.box_size.tolist())}; it has {np.shape(mesh.level)}"
            )
        self._mesh = mesh
        return self

    def __getstate__(self) -> dict[str, Any]:
        return named_modules(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(imported_modules(state))

    def _configure(
        self,
        shape: tuple[int, int],
        dtype: Any,
        xp: Any,
        box_size: Any,
        *,
        coverage_mask: Any,
        fill_value: float,
        exclude_percentile: float,
        filter_size: Any,
        filter_threshold: float | None,
        sigma_clip: Any,
        bkg_estimator: Any,
        bkgrms_estimator: Any,
        n_threads: int | None,
        interpolator: Any,
    ) -> None:
        """Check the settings and make them attributes."""
        self._shape, self._dtype, self._xp = shape, dtype, xp
        self.coverage_mask = as_boolean(coverage_mask, "coverage_mask", shape, xp)
        self.box_size = np.minimum(as_pair(box_size, "box_size"), shape)
        self.fill_value = fill_value
        self.exclude_percentile = check_range(exclude_percentile, "exclude_percentile", 0, 100)
        self.filter_size = np.array(as_pair(filter_size, "filter_size", odd=True))
        if filter_threshold is not None:
            check_number(filter_threshold, "filter_threshold", "a real number or None")
        self.filter_threshold = filter_threshold
        self.sigma_clip = own_clip(callable_or(sigma_clip, "sigma_clip", None))
        self.bkg_estimator = without_clip(
            callable_or(bkg_estimator, "bkg_estimator", SExtractorBackground())
        )
        self.bkgrms_estimator = without_clip(
            callable_or(bkgrms_estimator, "bkgrms_estimator", StdBackgroundRMS())
        )
        self.n_threads = (
            None if n_threads is None else check_positive_integer(n_threads, "n_threads")
        )
        self.interpolator = callable_or(interpolator, "interpolator", BkgZoomInterpolator())

    def _measured(self, data: Any, mask: Any) -> Mesh:
        """Measure the boxes and make the two meshes."""
        box_size = (int(self.box_size[0]), int(self.box_size[1]))
        estimators = {
            "bkg_estimator": self.bkg_estimator, "bkgrms_estimator": self.bkgrms_estimator,
        }  # fmt: skip
        boxes = measure_boxes(data, mask, box_size, self.sigma_clip, estimators, self.n_threads)
        # An image without any good value raises an error below.
        if 0 < boxes.n_bad < data.size:
            warnings.warn(
                "Input data contains nonfinite (NaN or infinity) values that are not masked: "
                f"{boxes.n_bad} pixels of data were not finite and were left out.",
                AstropyUserWarning,
                stacklevel=find_stack_level(),
            )
        least = least_pixels(box_size, self.exclude_percentile)
        filter_size = (int(self.filter_size[0]), int(self.filter_size[1]))
        mesh = make_mesh(boxes, least, filter_size, self.filter_threshold)
        if mesh is None:
            raise ValueError(why_no_box(data, mask, box_size, self.exclude_percentile, least))
        return mesh

    def _shown(self) -> dict[str, Any]:
        """The arguments as `repr` shows them."""
        array = _Shown(f"<array; shape={self._shape}>")
        return {
            "data": array,
            "box_size": self.box_size,
            "mask": array if self._has_mask else None,
            "coverage_mask": None if self.coverage_mask is None else array,
            **{
                name: getattr(self, name)
                for name in (
                    "fill_value", "exclude_percentile", "filter_size", "filter_threshold",
                    "sigma_clip", "bkg_estimator", "bkgrms_estimator", "n_threads", "interpolator",
                )
            },
        }  # fmt: skip

    def __repr__(self) -> str:
        return show(self, self._shown())

    def __str__(self) -> str:
        lines = [f"{name}: {value!r}" for name, value in self._shown().items()]
        return "\n".join([f"<{type(self).__module__}.{type(self).__name__}>", *lines])

    def __getattr__(self, name: str) -> Any:
        return canonical_attribute(self, name)

    def _with_unit(self, array: Any) -> Any:
        return array if self._unit is None else array << self._unit

    @property
    def mesh(self) -> Mesh:
        """Level and noise of every box, without units; `from_mesh` takes it."""
        return self._mesh

    @property
    def background_mesh(self) -> Any:
        """The level of each box, shape (nby, nbx): excluded boxes interpolated, then filtered."""
        return self._with_unit(self._mesh.level)

    @property
    def background_rms_mesh(self) -> Any:
        """The noise of each box, shape (nby, nbx): excluded boxes interpolated, then filtered."""
        return self._with_unit(self._mesh.noise)

    @property
    def npixels_mesh(self) -> Any:
        """The number of good pixels in each box, int64, shape (nby, nbx)."""
        return self._mesh.n_good

    @property
    def npixels_map(self) -> Any:
        """The number of good pixels in the box of each pixel, int64, shape (ny, nx).

        It is computed each time it is asked for.
        """
        height, width = self.box_size.tolist()
        rows = np.repeat(self._xp.asarray(self._mesh.n_good), height, axis=0)[: self._shape[0]]
        return np.repeat(rows, width, axis=1)[:, : self._shape[1]]

    @cached_property
    def background_median(self) -> Any:
        """The median of `background_mesh`."""
        return np.median(self.background_mesh)

    @cached_property
    def background_rms_median(self) -> Any:
        """The median of `background_rms_mesh`."""
        return np.median(self.background_rms_mesh)

    @property
    def background(self) -> Array:
        """The background at every pixel, shape (ny, nx), in the unit of the data.

        It is computed each time it is asked for: keep it in a variable.
        """
        return self._whole.background

    @property
    def background_rms(self) -> Array:
        """The noise of the background at every pixel, shape (ny, nx), in the unit of the data.

        It is computed each time it is asked for: keep it in a variable.
        """
        return self._whole.background_rms

    @property
    def _whole(self) -> BackgroundWindow:
        return self.window(0, self._shape[0], 0, self._shape[1])

    def window(self, y0: int, y1: int, x0: int, x1: int) -> BackgroundWindow:
        """Return the background in a window of the image, without computing whole maps.

        Parameters
        ----------
        y0, y1, x0, x1 : int
            The window: rows ``y0`` to ``y1 - 1`` and columns ``x0`` to ``x1 - 1``.

        Returns
        -------
        window : `~skyshed.background.window.BackgroundWindow`
            Its ``background`` and ``background_rms`` are the maps in the window, with the bits of
            those of the whole image. They are computed each time they are asked for; interpolators
            other than `BkgZoomInterpolator` compute the whole maps first.

        Raises
        ------
        ValueError
            If the window is empty, or not inside the image.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import Background2D
        >>> bkg = Background2D(np.random.default_rng(0).normal(10, 2, (200, 300)), box_size=50)
        >>> part = bkg.window(20, 60, 100, 180)
        >>> bool((part.background == bkg.background[20:60, 100:180]).all())
        True
        """
        return BackgroundWindow(
            mesh=self._mesh,
            shape=self._shape,
            box_size=self.box_size,
            dtype=self._dtype,
            window=(y0, y1, x0, x1),
            xp=self._xp,
            n_threads=self.n_threads,
            unit=self._unit,
            interpolator=self.interpolator,
            coverage_mask=self.coverage_mask,
            fill_value=self.fill_value,
        )

    @quietly
    def _repr_html_(self) -> str:
        ny, nx = self._shape
        height, width = self.box_size
        unit = "" if self._unit is None else f" {self._unit}"
        level, noise = self._mesh.level, self._mesh.noise
        facts = (
            ("image", f"{nx} x {ny} pixels"),
            ("boxes", f"{level.shape[1]} x {level.shape[0]} of {width} x {height} pixels"),
            ("level, median of the boxes", f"{float(np.nanmedian(level)):.5g}{unit}"),
            ("noise, median of the boxes", f"{float(np.nanmedian(noise)):.5g}{unit}"),
            ("estimators", f"{self.bkg_estimator!r}, {self.bkgrms_estimator!r}"),
        )
        step = -(-max(level.shape) // SIDE)
        return card(
            type(self).__name__, facts, picture_of(enlarged(level[::step, ::step])),
            "the level of each box",
        )  # fmt: skip

    def plot(self, which: str = "background", *, ax: Any = None, **kwargs: Any) -> Any:
        """Show the level, or the noise, of each box.

        Maps are not made for it: an image of any size is drawn at once.

        Parameters
        ----------
        which : {"background", "background_rms"}, optional
            What to show.
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw; `None` makes new axes.
        **kwargs
            Keywords of `~matplotlib.axes.Axes.imshow`.

        Returns
        -------
        ax : `~matplotlib.axes.Axes`

        Raises
        ------
        ValueError
            If ``which`` is neither.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import numpy as np
        >>> from skyshed import Background2D
        >>> bkg = Background2D(np.random.default_rng(1).normal(10, 2, (100, 120)), 50)
        >>> ax = bkg.plot(ax=Figure().subplots())
        >>> tuple(map(float, ax.get_xlim()))
        (-0.5, 119.5)
        """
        check_choice(which, "which", ("background", "background_rms"))
        values = self._mesh.level if which == "background" else self._mesh.noise
        (nby, nbx), (height, width), (ny, nx) = values.shape, self.box_size, self._shape
        extent = (-0.5, nbx * width - 0.5, -0.5, nby * height - 0.5)
        label = which if self._unit is None else f"{which} ({self._unit})"
        kwargs.setdefault("cmap", "viridis")
        ax = show_image(values, extent, ax=ax, label=label, **kwargs)
        ax.set_xlim(-0.5, nx - 0.5)
        ax.set_ylim(-0.5, ny - 0.5)
        return ax

    def plot_meshes(
        self,
        *,
        ax: Any = None,
        marker: str = "+",
        markersize: float | None = None,
        color: str = "blue",
        alpha: float | None = None,
        outlines: bool = False,
        **kwargs: Any,
    ) -> None:
        """Mark the boxes that were measured, rather than interpolated, on a plot of the image.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            The axes to plot on; `None` for the current axes.
        marker : str, optional
            The marker of the centers, as matplotlib names it.
        markersize : float, optional
            The size of the marker in points squared; 0 for no markers.
        color : str, optional
            The color of markers and outlines.
        alpha : float, optional
            The opacity, 0 to 1.
        outlines : bool, optional
            Whether to draw the outlines of the boxes.
        **kwargs
            Keywords of `~matplotlib.patches.Rectangle` for the outlines.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        need("matplotlib", "plot_meshes()", "plot")
        import matplotlib.pyplot as plt
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Rectangle

        ax = plt.gca() if ax is None else ax
        y, x = self._mesh.centers(self.box_size)
        ax.scatter(x, y, s=markersize, marker=marker, color=color, alpha=alpha)
        if outlines:
            height, width = self.box_size
            style = {"fill": False, "color": color, "alpha": alpha, **kwargs}
            corners = zip(x - width / 2, y - height / 2, strict=True)
            boxes = [Rectangle(corner, width, height, **style) for corner in corners]
            ax.add_collection(PatchCollection(boxes, match_original=True))
