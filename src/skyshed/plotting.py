"""Drawing on matplotlib axes; matplotlib is imported when something is drawn."""

from typing import Any

import numpy as np

from skyshed.optional import need

__all__ = ["plot_ellipses", "robust_noise", "show_colours", "show_image"]

#: Black and white of an image, and where the stretch turns from linear, in units of the noise.
BLACK, WHITE, SOFTENING = -2.0, 60.0, 3.0
#: What axes of the sky are called.
AXES = {
    "pos.eq.ra": "RA", "pos.eq.dec": "Dec", "pos.galactic.lon": "l", "pos.galactic.lat": "b",
}  # fmt: skip
#: Percentiles one standard deviation on either side of the median.
MIDDLE = (15.87, 84.13)


def plot_ellipses(
    x: Any,
    y: Any,
    a: Any,
    b: Any,
    theta: Any,
    ax: Any = None,
    origin: tuple[float, float] = (0, 0),
    **kwargs: Any,
) -> list[Any]:
    """Draw ellipses over an image.

    Parameters
    ----------
    x, y : array_like of float, shape (n,)
        The centres in pixels; the centre of the first pixel is at (0, 0).
    a, b : array_like of float, shape (n,)
        The semi-axes in pixels.
    theta : array_like of float, shape (n,)
        The angle of ``a`` from the x axis, counter-clockwise in degrees.
    ax : `~matplotlib.axes.Axes`, optional
        The axes to draw on; the current axes if `None`.
    origin : tuple of float, optional
        The position ``(x, y)`` of the first pixel that is displayed.
    **kwargs
        Keywords of `~matplotlib.patches.Ellipse`. Ellipses are not filled unless ``fill=True``.

    Returns
    -------
    patches : list of `~matplotlib.patches.Ellipse`
        The patches that were added to ``ax``, in the order of the ellipses; those with a value that
        is not finite are left out.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from skyshed.plotting import plot_ellipses
    >>> ax = Figure().subplots()
    >>> patch, = plot_ellipses([10], [12], [4], [2], [30], ax=ax, color="red")
    >>> patch.center, patch.width, patch.angle
    ((10.0, 12.0), 8.0, 30.0)
    """
    need("matplotlib", "drawing", "plot")
    from matplotlib.patches import Ellipse

    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.gca()
    rows = np.column_stack([np.asarray(column, dtype=float) for column in (x, y, a, b, theta)])
    kwargs.setdefault("fill", False)
    patches = [
        Ellipse(
            (float(x - origin[0]), float(y - origin[1])),
            width=float(2 * a),
            height=float(2 * b),
            angle=float(theta),
            **kwargs,
        )
        for x, y, a, b, theta in rows[np.isfinite(rows).all(axis=1)]
    ]
    for patch in patches:
        ax.add_patch(patch)
    return patches


def show_image(
    pixels: Any,
    extent: tuple[float, float, float, float],
    *,
    ax: Any = None,
    wcs: Any = None,
    noise: float | None = None,
    label: str = "",
    **kwargs: Any,
) -> Any:
    """Show pixels with a bar of their values.

    Parameters
    ----------
    pixels : array of float, shape (ny, nx)
        The image, which may be a shrunk one, on the host.
    extent : tuple of float
        Left, right, bottom and top edge in pixels of the image; the centre of its first pixel is at
        (0, 0).
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; `None` makes new axes.
    wcs : object, optional
        Of new axes, which then are of the sky.
    noise : float, optional
        Greys are stretched by asinh from the noise up; `None` takes all values evenly.
    label : str, optional
        Of the bar.
    **kwargs
        Keywords of `~matplotlib.axes.Axes.imshow`, which go before those made here.

    Returns
    -------
    ax : `~matplotlib.axes.Axes`

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import numpy as np
    >>> from skyshed.plotting import show_image
    >>> ax = show_image(np.eye(3), (-0.5, 2.5, -0.5, 2.5), ax=Figure().subplots(), noise=1.0)
    >>> tuple(map(float, ax.images[0].get_extent()))
    (-0.5, 2.5, -0.5, 2.5)
    """
    need("matplotlib", "plot()", "plot")
    from matplotlib.colors import AsinhNorm

    if noise is not None and np.isfinite(noise) and noise > 0 and "norm" not in kwargs:
        low, high = kwargs.pop("vmin", BLACK * noise), kwargs.pop("vmax", WHITE * noise)
        kwargs["norm"] = AsinhNorm(SOFTENING * noise, vmin=low, vmax=high)
    ax = _axes(wcs) if ax is None else ax
    options = {"origin": "lower", "interpolation": "nearest", "cmap": "gray", **kwargs}
    image = ax.imshow(pixels, extent=extent, **options)
    ax.figure.colorbar(image, ax=ax, label=label, fraction=0.046, pad=0.04)  # as high as the image
    return ax


def show_colours(
    colours: Any,
    extent: tuple[float, float, float, float],
    *,
    ax: Any = None,
    wcs: Any = None,
    **kwargs: Any,
) -> Any:
    """Show a picture, uint8 of shape (ny, nx, 3); see `show_image`."""
    need("matplotlib", "plot()", "plot")
    ax = _axes(wcs) if ax is None else ax
    options = {"origin": "lower", "interpolation": "nearest", **kwargs}
    ax.imshow(colours, extent=extent, **options)
    return ax


def _axes(wcs: Any) -> Any:
    """Return new axes, of the sky where there is a WCS that can be drawn."""
    import matplotlib.pyplot as plt

    figure = plt.figure()
    if wcs is not None:
        try:
            ax = figure.add_subplot(projection=wcs)
            kinds = wcs.world_axis_physical_types
            ax.set_xlabel(AXES.get(kinds[0], kinds[0] or ""))
            ax.set_ylabel(AXES.get(kinds[1], kinds[1] or ""))
            return ax
        except Exception:  # of any kind of WCS: pixels can always be drawn
            figure.clear()
    ax = figure.add_subplot()
    ax.set_xlabel("x (pixels)")
    ax.set_ylabel("y (pixels)")
    return ax


def robust_noise(pixels: Any) -> float:
    """Return half the width of the middle 68 % of the values; NaN where none is finite.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.plotting import robust_noise
    >>> round(robust_noise(np.random.default_rng(1).normal(size=(200, 200))), 1)
    1.0
    """
    good = pixels[np.isfinite(pixels)]
    if not good.size:
        return float("nan")
    below, above = np.percentile(good, MIDDLE)
    return float(above - below) / 2
