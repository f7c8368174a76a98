"""Labels shown with matplotlib, which is imported only when something is drawn."""

import warnings
from typing import Any

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from skyshed.messages import find_stack_level
from skyshed.namespace import to_host
from skyshed.segmentation.colormap import make_random_cmap
from skyshed.segmentation.label_table import LabelTable

__all__ = ["imshow", "imshow_map", "make_cmap"]


def make_cmap(table: LabelTable, background_color: Any, seed: int | None) -> Any:
    """Make a colormap of random muted colours for ``0 .. max_label``; `None` without labels."""
    if table.nlabels == 0:
        return None
    return make_random_cmap(table.max_label + 1, seed, background_color)


def imshow(
    values: Any, highest: int, cmap: Any, ax: Any, figsize: Any, dpi: float | None, alpha: Any
) -> Any:
    """Show an image of integers from 0 to ``highest``, each in a colour of its own.

    See `~skyshed.SegmentationImage.imshow` for the other arguments.
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=figsize, dpi=dpi)[1]
    return ax.imshow(
        to_host(values), cmap=cmap, alpha=alpha, vmin=-0.5, vmax=highest + 0.5,
        interpolation="nearest", origin="lower",
    )  # fmt: skip


def imshow_map(
    table: LabelTable,
    label_cmap: Any,
    cmap: Any,
    max_labels: int,
    labelsize: float | None,
    **options: Any,
) -> tuple[Any, Any]:
    """Show labels as 0, 1, 2, ... with a colorbar; see `~skyshed.SegmentationImage.imshow_map`.

    Parameters
    ----------
    table : LabelTable
        The labels, at least one.
    label_cmap : `~matplotlib.colors.ListedColormap`
        The colour of each label, taken where ``cmap`` is `None`.
    cmap, max_labels, labelsize, **options
        As for the method.
    """
    labels = table.labels
    values = np.append(labels[:0], [0] if table.background_area else [])
    values = np.append(values.astype(labels.dtype), labels)
    if cmap is None:
        from matplotlib.colors import ListedColormap

        cmap = ListedColormap(label_cmap.colors[values])
    index = np.searchsorted(values, to_host(table.data))
    image = imshow(index, len(values) - 1, cmap, **options)
    if table.nlabels > max_labels:
        warnings.warn(
            f"The colorbar was not plotted: there are {table.nlabels} labels, more than "
            f"{max_labels=}",
            AstropyUserWarning,
            stacklevel=find_stack_level(),
        )
        return image, None
    ticks = np.arange(len(values))
    colorbar = image.axes.figure.colorbar(image, ax=image.axes, ticks=ticks)
    colorbar.ax.set_yticklabels(values)
    if labelsize is not None:
        colorbar.ax.yaxis.set_tick_params(labelsize=labelsize)
    return image, (colorbar, ticks, values)
