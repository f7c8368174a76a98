"""One picture that shows at a glance whether an extraction worked."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.heap import give_back_freed

__all__ = ["MOST_ELLIPSES", "block_max", "block_mean", "write_preview"]

Read = Callable[[int, int, int, int], Any]

#: Most pixels of each of the two panels, so that the whole is at most 2000 pixels wide.
PANEL = 930
#: Pixels for titles and tick labels around the panels.
LEFT, TOP, GAP, BELOW = 50, 34, 50, 30
#: More ellipses than this would hide the image.
MOST_ELLIPSES = 3000
#: The stretch, in units of the noise: black at `BLACK`, linear up to `SOFTENING`; white at the
#: percentile `WHITE` of what stands out.
BLACK, SOFTENING, WHITE = -2.0, 3.0, 99.0
#: Pixels of a band of `block_mean`.
BAND = 1 << 20
#: Pixels that are read at a time, if blocks are not larger.
WINDOW = 1 << 20
DPI = 100


def write_preview(
    read_image: Read,
    read_labels: Read,
    shape: tuple[int, int],
    path: str | os.PathLike[str],
    n_sources: int,
    *,
    noise: float | None = None,
    ellipses: Any = None,
    record: dict[str, str] | None = None,
    step: int | None = None,
) -> None:
    """Draw the image beside its segmentation image, with Kron ellipses where they are not too many.

    All pixels are read once, window by window. Images larger than the picture are shrunk by blocks:
    the mean of the pixels, the largest label.

    Parameters
    ----------
    read_image, read_labels : callable
        ``read(y0, y1, x0, x1)`` returns a window, half open: the image less its background, with
        NaN for masked pixels, and the labels.
    shape : tuple of int
        The shape of the images.
    path : path
        The PNG file.
    n_sources : int
        The number of sources, for the title.
    noise : float, optional
        The noise of a pixel, which the greys are scaled to. `None` takes the scatter of what is
        drawn.
    ellipses : array, shape (n, 5), optional
        Kron apertures as rows ``x, y, a, b, theta`` (degrees), NaN for none. They are left out
        where there are too many to see the image.
    record : dict of str, optional
        The input and the version of the program, for the title and the file.
    step : int, optional
        Rows of labels to read at a time, where these come in chunks; `None` if it does not matter.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from skyshed.output.preview import write_preview
    >>> image = np.random.default_rng(1).normal(size=(300, 500))
    >>> labels = (image > 4).astype(np.int32)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "preview.png"
    >>> write_preview(
    ...     lambda y0, y1, x0, x1: image[y0:y1, x0:x1],
    ...     lambda y0, y1, x0, x1: labels[y0:y1, x0:x1],
    ...     image.shape, path, n_sources=1, noise=1.0,
    ... )
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    _need_matplotlib()
    layout = _Layout.of(shape)
    block = layout.block
    pictures = (
        _stretched(_shrunk(read_image, shape, block, block_mean), block, noise),
        _coloured(_shrunk(read_labels, shape, block, block_max, step)),
    )
    if ellipses is not None and not 0 < len(ellipses) <= MOST_ELLIPSES:
        ellipses = None
    give_back_freed()
    _draw(layout, pictures, n_sources, ellipses, record or {}, path)


def _need_matplotlib() -> None:
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise ImportError(
            "the preview needs matplotlib, which is not installed: pip install 'skyshed[plot]'"
        ) from None


@dataclass(frozen=True)
class _Layout:
    """Where the two panels go; lengths are pixels of the picture.

    Attributes
    ----------
    shape : tuple of int
        The shape of the image.
    block : int
        The side of the blocks of pixels that it is shrunk by.
    stacked : bool
        Whether the panels are above each other, as those of wide images are.
    width, height : int
        Of a panel.
    """

    shape: tuple[int, int]
    block: int
    stacked: bool
    width: int
    height: int

    @classmethod
    def of(cls, shape: tuple[int, int]) -> "_Layout":
        ny, nx = shape
        stacked = nx > 1.6 * ny
        zoom = min((2 * PANEL if stacked else PANEL) / nx, PANEL / ny)
        block = max(1, min(int(1 / zoom), ny, nx))
        return cls(shape, block, stacked, max(1, round(nx * zoom)), max(1, round(ny * zoom)))

    @property
    def full(self) -> tuple[int, int]:
        """Width and height of the picture."""
        columns, rows = (1, 2) if self.stacked else (2, 1)
        return (
            LEFT + columns * self.width + (columns - 1) * GAP + GAP // 2,
            BELOW + rows * self.height + (rows - 1) * (TOP + BELOW) + TOP,
        )

    def panel(self, place: int) -> tuple[float, float, float, float]:
        """Return left, bottom, width and height of a panel, as shares of the picture."""
        full_x, full_y = self.full
        x0 = LEFT + (0 if self.stacked else place * (self.width + GAP))
        y0 = BELOW + ((1 - place) * (self.height + TOP + BELOW) if self.stacked else 0)
        return x0 / full_x, y0 / full_y, self.width / full_x, self.height / full_y


def _draw(
    layout: _Layout,
    pictures: tuple[Any, Any],
    n: int,
    ellipses: Any,
    record: dict[str, str],
    path: str | os.PathLike[str],
) -> None:
    """Draw the two panels."""
    from matplotlib.figure import Figure

    ny, nx = layout.shape
    full_x, full_y = layout.full
    figure = Figure(figsize=(full_x / DPI, full_y / DPI), dpi=DPI)
    name = os.path.basename(record.get("input", "image"))
    titles = (
        f"{name}, {nx} x {ny}, less its background", f"{n} source{'' if n == 1 else 's'}"
    )  # fmt: skip
    for place, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        panel = layout.panel(place)
        # As it is: matplotlib would resample it by way of many large arrays.
        figure.figimage(
            _resized(picture, layout.height, layout.width), round(panel[0] * full_x),
            round(panel[1] * full_y), origin="lower",
        )  # fmt: skip
        axes = figure.add_axes(panel, facecolor="none")
        axes.set_title(title, fontsize=10, pad=5)
        axes.tick_params(labelsize=8)
        if ellipses is not None:
            _draw_ellipses(axes, ellipses, "tab:red" if place == 0 else "white")
        axes.set(xlim=(-0.5, nx - 0.5), ylim=(-0.5, ny - 0.5))
    version = record.get("skyshed", "")
    figure.savefig(path, format="png", metadata={"Software": f"skyshed {version}".strip()})


def _resized(picture: Any, height: int, width: int) -> Any:
    """Return a picture of another size, its pixels repeated or left out."""
    rows, columns = (
        np.arange(new) * old // new
        for new, old in zip((height, width), picture.shape, strict=False)
    )
    return picture[rows[:, np.newaxis], columns]


def _shrunk(
    read: Read,
    shape: tuple[int, int],
    block: int,
    shrink: Callable[..., Any],
    step: int | None = None,
) -> Any:
    """Return an image shrunk by blocks; it is read in windows of whole blocks."""
    ny, nx = (length // block for length in shape)
    height = max(1, WINDOW // (nx * block * block) if step is None else step // block)
    width = max(1, WINDOW // (height * block * block))
    rows = []
    for y in range(0, ny, height):
        y0, y1 = y * block, min(y + height, ny) * block
        windows = [
            shrink(np.asarray(read(y0, y1, x * block, min(x + width, nx) * block)), block)
            for x in range(0, nx, width)
        ]
        rows.append(np.concatenate(windows, axis=1))
    return np.concatenate(rows)


def block_mean(image: Any, block: int, mask: Any = None) -> Any:
    """Return the mean of each block of ``block**2`` pixels, without masked pixels and NaN.

    Rows and columns at the end that fill no block are left out.

    Parameters
    ----------
    image : array of float, shape (ny, nx)
        The image.
    block : int
        The side of a block.
    mask : array of bool, shape (ny, nx), optional
        True for pixels to leave out.

    Returns
    -------
    means : array of float64, shape (ny // block, nx // block)
        NaN where a block has no pixel.
    """
    ny, nx = (length // block for length in image.shape)
    means = np.full((ny, nx), np.nan)
    # By bands, so that no copy of a large image is made.
    step = max(1, BAND // (block * block * nx))
    for first in range(0, ny, step):
        rows = slice(first * block, min(first + step, ny) * block)
        good = np.isfinite(image[rows])
        if mask is not None:
            good &= ~mask[rows]
        n_good = _blocks(good, block).sum(axis=(1, 3))
        total = _blocks(np.where(good, image[rows], 0), block).sum(axis=(1, 3), dtype=np.float64)
        np.divide(total, n_good, out=means[first : first + step], where=n_good > 0)
    return means


def block_max(image: Any, block: int) -> Any:
    """Return the largest of each block of ``block**2`` pixels, so that no source vanishes."""
    return _blocks(image, block).max(axis=(1, 3))


def _blocks(image: Any, block: int) -> Any:
    """View an image as blocks; up to ``block - 1`` rows and columns at its end are left out."""
    ny, nx = (length // block for length in image.shape)
    return image[: ny * block, : nx * block].reshape(ny, block, nx, block)


def _stretched(image: Any, block: int, noise: float | None) -> Any:
    """Return the image in greys, asinh-stretched from the noise up; masked pixels dark blue."""
    good = np.isfinite(image)
    # The mean of a block has less noise than its pixels.
    noise = np.nan if noise is None else float(noise) / block
    values = image[good]
    noise = noise if np.isfinite(noise) and noise > 0 else float(np.std(values)) or 1.0
    bright = values[values > SOFTENING * noise]
    white = float(np.percentile(bright, WHITE)) if bright.size else 0.0
    white = max(white, 10 * noise)
    low, high = (np.arcsinh(level / (SOFTENING * noise)) for level in (BLACK * noise, white))
    grey = (np.arcsinh(np.where(good, image, 0) / (SOFTENING * noise)) - low) / (high - low)
    picture = np.repeat(np.clip(grey, 0, 1)[..., np.newaxis], 3, axis=2)
    picture[~good] = (0.05, 0.05, 0.3)
    return (255 * picture).astype(np.uint8)


def _coloured(labels: Any) -> Any:
    """Return the labels in colours, black where there is none."""
    from skyshed.segmentation.colormap import make_random_cmap

    # A few thousand colours tell neighbours apart; scattering keeps runs of labels from pairing up.
    colours = make_random_cmap(4096, seed=0).colors[:, :3]
    place = labels.astype(np.uint32) * np.uint32(2654435761) >> np.uint32(20)
    picture = (255 * colours).astype(np.uint8)[place]
    picture[labels == 0] = 0
    return picture


def _draw_ellipses(axes: Any, ellipses: Any, color: str) -> None:
    """Draw the Kron apertures, fainter the more they cover."""
    from matplotlib.collections import EllipseCollection

    x, y, semimajor, semiminor, angle = ellipses[np.isfinite(ellipses).all(axis=1)].T
    cover = np.pi * (semimajor @ semiminor) / np.prod(np.diff([axes.get_xlim(), axes.get_ylim()]))
    axes.add_collection(
        EllipseCollection(
            2 * semimajor,
            2 * semiminor,
            angle,
            units="xy",
            offsets=np.column_stack([x, y]),
            offset_transform=axes.transData,
            facecolors="none",
            edgecolors=color,
            linewidths=0.8,
            alpha=float(np.clip(0.4 / cover, 0.35, 0.9)) if cover > 0 else 0.9,
        )
    )
