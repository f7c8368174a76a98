"""Showing labels with matplotlib, which is imported only here and only when something is drawn."""

import warnings
from functools import cached_property
from typing import Any

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from skyshed.namespace import to_host
from skyshed.segmentation.colormap import make_random_cmap
from skyshed.segmentation.labels import Labels

__all__ = ["Drawing"]

BLACK = "#000000ff"


class Drawing(Labels):
    """The methods of a `SegmentationImage` that show it. They need matplotlib."""

    @cached_property
    def cmap(self) -> Any:
        """A colormap of a random muted colour for each label on black; `None` without labels.

        The colours are the same each time; `reset_cmap` draws others.
        """
        return self.make_cmap(seed=0)

    def make_cmap(self, background_color: Any = BLACK, seed: int | None = None) -> Any:
        """Make a colormap of random muted colours for ``0 .. max_label``.

        Parameters
        ----------
        background_color : matplotlib color, optional
            The colour of label 0; `None` for a random one.
        seed : int, optional
            The same seed gives the same colours; `None` gives others each time.

        Returns
        -------
        cmap : `~matplotlib.colors.ListedColormap` or None
            `None` if there are no labels.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[0, 1], [4, 4]]))
        >>> segm.make_cmap(seed=1).N
        5
        """
        if self.nlabels == 0:
            return None
        return make_random_cmap(self.max_label + 1, seed, background_color)

    def reset_cmap(self, seed: int | None = None) -> None:
        """Draw new colours for `cmap`; see `make_cmap`."""
        self.cmap = self.make_cmap(seed=seed)

    def imshow(
        self,
        ax: Any = None,
        figsize: tuple[float, float] | None = None,
        dpi: float | None = None,
        cmap: Any = None,
        alpha: Any = None,
    ) -> Any:
        """Show the labels, the first row at the bottom.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw; `None` makes new axes.
        figsize : tuple of float, optional
            Size of a new figure, in inches.
        dpi : float, optional
            Resolution of a new figure.
        cmap : str or `~matplotlib.colors.Colormap`, optional
            The colours; `None` means `cmap`.
        alpha : float or array_like, optional
            The opacity.

        Returns
        -------
        image : `~matplotlib.image.AxesImage`
        """
        span = (-0.5, self.max_label + 0.5)
        return self._show(self.data, span, ax, figsize, dpi, cmap or self.cmap, alpha)

    def imshow_map(
        self,
        ax: Any = None,
        figsize: tuple[float, float] | None = None,
        dpi: float | None = None,
        cmap: Any = None,
        alpha: Any = None,
        max_labels: int = 25,
        cbar_labelsize: float | None = None,
    ) -> tuple[Any, Any]:
        """Show the labels as 0, 1, 2, ... with a colorbar that names them.

        For images with few labels and large gaps between them.

        Parameters
        ----------
        ax, figsize, dpi, cmap, alpha
            As in `imshow`.
        max_labels : int, optional
            With more labels than this there is no colorbar.
        cbar_labelsize : float, optional
            Font size of the colorbar's labels.

        Returns
        -------
        image : `~matplotlib.image.AxesImage`
            Its values are positions in the labels, not labels.
        colorbar : tuple or None
            The `~matplotlib.colorbar.Colorbar`, its ticks, and the labels there.

        Warns
        -----
        AstropyUserWarning
            If there are more than ``max_labels`` labels.
        """
        if self.nlabels == 0:
            return self.imshow(ax, figsize, dpi, cmap, alpha), None
        values = np.append(self.labels[:0], [0] if self.background_area else [])
        values = np.append(values.astype(self.labels.dtype), self.labels)
        if cmap is None:
            from matplotlib.colors import ListedColormap

            cmap = ListedColormap(self.cmap.colors[values])
        place = np.searchsorted(values, to_host(self.data))
        image = self._show(place, (-0.5, len(values) - 0.5), ax, figsize, dpi, cmap, alpha)
        if self.nlabels > max_labels:
            warnings.warn(
                f"The colorbar was not plotted: there are {self.nlabels} labels, more than "
                f"{max_labels=}",
                AstropyUserWarning,
                stacklevel=2,
            )
            return image, None
        ticks = np.arange(len(values))
        colorbar = image.axes.figure.colorbar(image, ax=image.axes, ticks=ticks)
        colorbar.ax.set_yticklabels(values)
        if cbar_labelsize is not None:
            colorbar.ax.yaxis.set_tick_params(labelsize=cbar_labelsize)
        return image, (colorbar, ticks, values)

    @staticmethod
    def _show(
        values: Any,
        span: tuple[float, float],
        ax: Any,
        figsize: tuple[float, float] | None,
        dpi: float | None,
        cmap: Any,
        alpha: Any,
    ) -> Any:
        """Draw whole numbers pixel by pixel, a colour for each number in ``span``."""
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots(figsize=figsize, dpi=dpi)[1]
        return ax.imshow(
            to_host(values), cmap=cmap, alpha=alpha, vmin=span[0], vmax=span[1],
            interpolation="nearest", origin="lower",
        )  # fmt: skip
