"""Drawing on matplotlib axes; matplotlib is imported when something is drawn."""

from typing import Any

import numpy as np

from skyshed.optional import need

__all__ = ["plot_ellipses"]


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
