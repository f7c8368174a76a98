"""Sums over apertures, circles about the centroids, and apertures as objects and as drawings."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skyshed import plotting
from skyshed.catalog.reach import circle_boxes
from skyshed.catalog.registry import Column, Results, measurement
from skyshed.catalog.settings import check_kron_params
from skyshed.kernels import apertures

__all__ = [
    "ellipse_sums",
    "kron_ellipses",
    "local_background_apertures",
    "make_circular_apertures",
    "make_kron_apertures",
    "plot_circular_apertures",
    "plot_kron_apertures",
]

#: What the kernels call the catalog's ``apermask_method``.
MASKING = {"none": apertures.NONE, "mask": apertures.MASK, "correct": apertures.CORRECT}


def place(frame: Any) -> tuple[int, int, int, int]:
    """Return where a frame lies in the whole image, as the aperture kernels take it."""
    return (*frame.origin, *frame.full_shape)


def ellipse_sums(
    frame: Any,
    sources: Any,
    ellipses: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> tuple[Any, Any, Any]:
    """Return flux, error and `~skyshed.kernels.apertures.Seen` of one ellipse per source.

    ``ellipses`` has the columns ``x, y, a, b, theta``, theta in degrees.
    """
    total, variance, seen = apertures.aperture_sums(
        frame.data,
        frame.error,
        frame.input_mask,
        frame.labels,
        frame.mask,
        place(frame),
        sources.labels,
        np.column_stack((*ellipses[:4], np.deg2rad(ellipses[4]))),
        local_background,
        MASKING[apermask_method],
        n_threads,
    )
    return total, np.sqrt(variance), seen


def _circles_of_radius(xcentroid: Any, ycentroid: Any, radius: float) -> Any:
    return circle_boxes(xcentroid, ycentroid, radius)


@measurement(
    Column("_circular_flux", "data", "Sum over a circle, less the local background."),
    Column("_circular_fluxerr", "data", "Error of that sum from the total error."),
    reach=_circles_of_radius,
)
def _circular_photometry(
    frame: Any,
    sources: Any,
    xcentroid: Any,
    ycentroid: Any,
    radius: float,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    axis = frame.xp.full(xcentroid.shape, radius)
    ellipses = xcentroid, ycentroid, axis, axis, np.zeros_like(axis)
    return ellipse_sums(frame, sources, ellipses, local_background, apermask_method, n_threads)[:2]


def kron_ellipses(catalog: Any, kron_params: Sequence[float] | None) -> Any:
    """Return the Kron apertures as rows ``x, y, a, b, theta`` (degrees), NaN for none."""
    results: Results = catalog._results
    if kron_params is not None:
        results = results.with_inputs(kron_params=check_kron_params(kron_params))
    names = ("xcentroid", "ycentroid", "_kron_major", "_kron_minor", "orientation")
    x, *others, count = results.on_host(*names, "_count")
    if kron_params is not None:
        x = np.where(count > 0, x, np.nan)
    return _or_nan(np.column_stack((x, *others)))


def _circles(catalog: Any, radius: Any) -> Any:
    """Return circles as rows ``x, y, a, b, theta``, NaN for none."""
    x, y, count = catalog._results.on_host("xcentroid", "ycentroid", "_count")
    axis = np.broadcast_to(np.asarray(radius, dtype=float), x.shape)
    if not np.all(axis > 0):
        raise ValueError(f"radius must be > 0 (in pixels), got {radius!r}")
    x = np.where(count > 0, x, np.nan)
    return _or_nan(np.column_stack((x, y, axis, axis, np.zeros(x.shape))))


def _or_nan(ellipses: Any) -> Any:
    """Make a row NaN altogether where anything in it is, or an axis is 0."""
    drawn = np.isfinite(ellipses).all(axis=1) & (ellipses[:, 2:4] > 0).all(axis=1)
    return np.where(drawn[:, np.newaxis], ellipses, np.nan)


def _photutils_apertures() -> Any:
    try:
        import photutils.aperture
    except ImportError as error:
        raise ImportError(
            "aperture objects are photutils' own, and photutils is not installed: install it "
            "(pip install photutils), or draw the apertures with plot_kron_apertures or "
            "plot_circular_apertures, which need matplotlib only"
        ) from error
    return photutils.aperture


def _aperture_objects(catalog: Any, ellipses: Any) -> Any:
    """Return a photutils aperture for each row, None where it is NaN."""
    module = _photutils_apertures()
    CircularAperture, EllipticalAperture = module.CircularAperture, module.EllipticalAperture
    made = [
        None
        if np.isnan(x)
        else CircularAperture((x, y), r=a)
        if a == b
        else EllipticalAperture((x, y), a, b, theta=np.deg2rad(theta))
        for x, y, a, b, theta in ellipses
    ]
    return made[0] if catalog.isscalar else made


def local_background_apertures(catalog: Any) -> Any:
    """Make the annulus of each source's local background as a photutils aperture.

    Parameters
    ----------
    catalog : SourceCatalog
        The sources.

    Returns
    -------
    apertures : list of `~photutils.aperture.RectangularAnnulus` or None
        `None` where ``localbkg_width`` is 0. A single aperture for a scalar catalog.

    Raises
    ------
    ImportError
        If photutils is not installed.
    """
    width = catalog.localbkg_width
    if width == 0:
        return catalog._collapsed([None] * catalog.nlabels)
    annulus = _photutils_apertures().RectangularAnnulus
    boxes = catalog._results["sources"].host.bbox + np.repeat(catalog._results["frame"].origin, 2)
    middle, size = 0.5 * (boxes[:, ::2] + boxes[:, 1::2] - 1), boxes[:, 1::2] - boxes[:, ::2]
    inner = size * apertures.HOLE
    return catalog._collapsed(
        [
            annulus((x, y), w, w + 2 * width, h + 2 * width, h_in=h, theta=0.0)
            for (y, x), (h, w) in zip(middle.tolist(), inner.tolist(), strict=True)
        ]
    )


def make_kron_apertures(catalog: Any, kron_params: Sequence[float] | None = None) -> Any:
    """Make the Kron aperture of each source as a photutils aperture.

    Parameters
    ----------
    catalog : SourceCatalog
        The sources.
    kron_params : sequence of 2 or 3 floats, optional
        Other Kron parameters than the catalog's.

    Returns
    -------
    apertures : list of `~photutils.aperture.PixelAperture` or None
        `None` where the centroid, the shape or the Kron radius is not finite; a circle where the
        axes are equal. A single aperture for a scalar catalog.

    Raises
    ------
    ImportError
        If photutils is not installed.
    ValueError
        If ``kron_params`` are out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SourceCatalog, detect_sources
    >>> data = np.zeros((11, 15))
    >>> data[4:7, 4:11] = 1
    >>> catalog = SourceCatalog(data, detect_sources(data, 0.5, npixels=3))
    >>> aperture, = catalog.make_kron_apertures()
    >>> aperture.positions, round(aperture.a, 3), round(aperture.b, 3)
    (array([7., 5.]), 7.0, 2.858)
    """
    return _aperture_objects(catalog, kron_ellipses(catalog, kron_params))


def make_circular_apertures(catalog: Any, radius: Any) -> Any:
    """Make a circle about each centroid as a photutils aperture.

    Parameters
    ----------
    catalog : SourceCatalog
        The sources.
    radius : float or array of float, shape (n,)
        The radius in pixels.

    Returns
    -------
    apertures : list of `~photutils.aperture.CircularAperture` or None
        `None` where the centroid is not finite. A single aperture for a scalar catalog.

    Raises
    ------
    ImportError
        If photutils is not installed.
    ValueError
        If a radius is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SourceCatalog, detect_sources
    >>> data = np.zeros((7, 9))
    >>> data[2:5, 1:4] = 1
    >>> catalog = SourceCatalog(data, detect_sources(data, 0.5, npixels=3))
    >>> catalog.make_circular_apertures(2.5)
    [<CircularAperture([2., 3.], r=2.5)>]
    """
    return _aperture_objects(catalog, _circles(catalog, radius))


def plot_kron_apertures(
    catalog: Any,
    kron_params: Sequence[float] | None = None,
    ax: Any = None,
    origin: tuple[float, float] = (0, 0),
    **kwargs: Any,
) -> Any:
    """Draw the Kron aperture of each source.

    Parameters
    ----------
    catalog : SourceCatalog
        The sources.
    kron_params : sequence of 2 or 3 floats, optional
        Other Kron parameters than the catalog's.
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; the current axes if `None`.
    origin : tuple of float, optional
        The ``(x, y)`` position that the displayed image starts at.
    **kwargs
        For `~matplotlib.patches.Ellipse`, e.g. ``color``.

    Returns
    -------
    patches : list of `~matplotlib.patches.Ellipse`
        One for each source that has an aperture; the patch itself for a scalar catalog.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If ``kron_params`` are out of range.
    """
    ellipses = kron_ellipses(catalog, kron_params)
    return _draw(catalog, ellipses, ax, origin, kwargs)


def plot_circular_apertures(
    catalog: Any, radius: Any, ax: Any = None, origin: tuple[float, float] = (0, 0), **kwargs: Any
) -> Any:
    """Draw a circle about the centroid of each source.

    Parameters
    ----------
    catalog : SourceCatalog
        The sources.
    radius : float or array of float, shape (n,)
        The radius in pixels.
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; the current axes if `None`.
    origin : tuple of float, optional
        The ``(x, y)`` position that the displayed image starts at.
    **kwargs
        For `~matplotlib.patches.Ellipse`, e.g. ``color``.

    Returns
    -------
    patches : list of `~matplotlib.patches.Ellipse`
        One for each source that has a centroid; the patch itself for a scalar catalog.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If a radius is not positive.
    """
    return _draw(catalog, _circles(catalog, radius), ax, origin, kwargs)


def _draw(catalog: Any, ellipses: Any, ax: Any, origin: Any, kwargs: dict[str, Any]) -> Any:
    x, y, a, b, theta = ellipses.T
    patches = plotting.plot_ellipses(x, y, a, b, theta, ax=ax, origin=origin, **kwargs)
    return patches[0] if catalog.isscalar and patches else patches
