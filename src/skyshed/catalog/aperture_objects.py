"""Apertures as rows of numbers, as photutils objects and as drawings.

The ellipses of n sources are rows ``x, y, a, b, theta`` (pixels, and degrees from x towards y):
float64, shape (n, 5).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skyshed import plotting
from skyshed.catalog.registry import Results
from skyshed.catalog.settings import check_kron_params
from skyshed.kernels import apertures

__all__ = [
    "circle_rows",
    "draw",
    "kron_ellipses",
    "kron_rows",
    "local_background_annuli",
    "make_apertures",
]


def kron_ellipses(catalog: Any) -> tuple[Any, Any]:
    """Return the Kron ellipses of a catalog, for drawings and region files.

    Parameters
    ----------
    catalog : `~skyshed.SourceCatalog`
        n sources.

    Returns
    -------
    labels : array of int, shape (n,)
        Their labels.
    ellipses : array of float64, shape (n, 5)
        Rows ``x, y, a, b, theta``: the centroid and the semi-axes in pixels, and the angle of the
        major axis from x towards y in degrees. ``a, b, theta`` are NaN where there is no Kron
        aperture; the centroid is as measured.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SourceCatalog, detect_sources
    >>> from skyshed.catalog import kron_ellipses
    >>> data = np.zeros((11, 15))
    >>> data[4:7, 4:11] = 1
    >>> labels, ellipses = kron_ellipses(SourceCatalog(data, detect_sources(data, 0.5, npixels=3)))
    >>> labels, ellipses.round(3)
    (array([1], dtype=int32), array([[7.   , 5.   , 7.   , 2.858, 0.   ]]))
    """
    x, y = catalog.results.on_host("xcentroid", "ycentroid")
    axes = kron_rows(catalog.results)[:, 2:]
    return catalog.labels, np.column_stack((x, y, axes))


def kron_rows(results: Results, kron_params: Sequence[float] | None = None) -> Any:
    """Return the Kron apertures, NaN where there is none; see `SourceCatalog.make_kron_apertures`.

    Raises
    ------
    ValueError
        If ``kron_params`` are out of range.
    """
    if kron_params is not None:
        results = results.with_inputs(kron_params=check_kron_params(kron_params))
    names = ("xcentroid", "ycentroid", "_kron_major", "_kron_minor", "orientation")
    x, *others, count = results.on_host(*names, "_count")
    if kron_params is not None:
        x = np.where(count > 0, x, np.nan)
    return _whole_or_nan(np.column_stack((x, *others)))


def circle_rows(results: Results, radius: Any) -> Any:
    """Return circles about the centroids, NaN where there is none.

    Raises
    ------
    ValueError
        If a radius is not positive.
    """
    x, y, count = results.on_host("xcentroid", "ycentroid", "_count")
    axis = np.broadcast_to(np.asarray(radius, dtype=float), x.shape)
    if not np.all(axis > 0):
        raise ValueError(f"radius must be > 0 (in pixels), got {radius!r}")
    x = np.where(count > 0, x, np.nan)
    return _whole_or_nan(np.column_stack((x, y, axis, axis, np.zeros(x.shape))))


def _whole_or_nan(ellipses: Any) -> Any:
    """Make a row NaN altogether where anything in it is, or an axis is 0."""
    is_whole = np.isfinite(ellipses).all(axis=1) & (ellipses[:, 2:4] > 0).all(axis=1)
    return np.where(is_whole[:, np.newaxis], ellipses, np.nan)


def make_apertures(ellipses: Any) -> list[Any]:
    """Return a photutils aperture for each ellipse, a circle where its axes are equal.

    Parameters
    ----------
    ellipses : array of float64, shape (n, 5)
        The ellipses; NaN where there is none, which gives `None`.
    """
    photutils = _photutils_apertures()
    circle, ellipse = photutils.CircularAperture, photutils.EllipticalAperture
    return [
        None
        if np.isnan(x)
        else circle((x, y), r=a)
        if a == b
        else ellipse((x, y), a, b, theta=np.deg2rad(theta))
        for x, y, a, b, theta in ellipses
    ]


def draw(ellipses: Any, ax: Any, origin: tuple[float, float], style: dict[str, Any]) -> list[Any]:
    """Draw ellipses on axes, and return the patches of those that are not NaN.

    See `~skyshed.plotting.plot_ellipses` for ``ax``, ``origin`` and the keywords in ``style``.
    """
    x, y, a, b, theta = ellipses.T
    return plotting.plot_ellipses(x, y, a, b, theta, ax=ax, origin=origin, **style)


def local_background_annuli(results: Results) -> list[Any]:
    """Return the photutils annulus of each source's local background, `None` without a width."""
    frame, sources, width = (results[name] for name in ("frame", "sources", "localbkg_width"))
    if width == 0:
        return [None] * len(sources)
    annulus = _photutils_apertures().RectangularAnnulus
    boxes = sources.host.bbox + np.repeat(frame.origin, 2)
    middle, size = 0.5 * (boxes[:, ::2] + boxes[:, 1::2] - 1), boxes[:, 1::2] - boxes[:, ::2]
    hole = size * apertures.HOLE
    return [
        annulus((x, y), w, w + 2 * width, h + 2 * width, h_in=h, theta=0.0)
        for (y, x), (h, w) in zip(middle.tolist(), hole.tolist(), strict=True)
    ]


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
