"""One picture that shows at a glance whether an extraction worked."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from skyshed.pipeline.extraction import Extraction

__all__ = ["block_max", "block_mean", "write_preview"]

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
DPI = 100


def write_preview(extraction: "Extraction", path: str | os.PathLike) -> None:
    """Draw the image beside its segmentation image, with Kron ellipses where they are not too many.

    Images larger than the picture are shrunk by blocks: the mean of the pixels, the largest label.

    Parameters
    ----------
    extraction : `~skyshed.pipeline.Extraction`
        What to draw.
    path : path
        The PNG file.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            "the preview needs matplotlib, which is not installed: pip install 'skyshed[plot]'"
        ) from None

    ny, nx = extraction.data.shape
    # Wide images go above each other.
    stacked = nx > 1.6 * ny
    most_x = 2 * PANEL if stacked else PANEL
    zoom = min(most_x / nx, PANEL / ny)
    block = max(1, int(1 / zoom))
    width, height = max(1, round(nx * zoom)), max(1, round(ny * zoom))
    columns, rows = (1, 2) if stacked else (2, 1)
    full_x = LEFT + columns * width + (columns - 1) * GAP + GAP // 2
    full_y = BELOW + rows * height + (rows - 1) * (TOP + BELOW) + TOP
    figure = Figure(figsize=(full_x / DPI, full_y / DPI), dpi=DPI)
    n = len(extraction.table)
    name = os.path.basename(extraction.record.get("input", "image"))
    titles = (
        f"{name}, {nx} x {ny}, less its background", f"{n} source{'' if n == 1 else 's'}"
    )  # fmt: skip
    pictures = (_stretched(extraction, block), _coloured(extraction.segmentation, block))
    for place, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        x0 = LEFT + (0 if stacked else place * (width + GAP))
        y0 = BELOW + ((1 - place) * (height + TOP + BELOW) if stacked else 0)
        axes = figure.add_axes(
            (x0 / full_x, y0 / full_y, width / full_x, height / full_y),
        )
        axes.imshow(
            picture, origin="lower", interpolation="nearest" if block == 1 else "auto",
            extent=(-0.5, nx - 0.5, -0.5, ny - 0.5), aspect="auto",
        )  # fmt: skip
        axes.set_title(title, fontsize=10, pad=5)
        axes.tick_params(labelsize=8)
        if 0 < n <= MOST_ELLIPSES and extraction.catalog is not None:
            _draw_ellipses(axes, extraction.catalog, "tab:red" if place == 0 else "white")
        axes.set(xlim=(-0.5, nx - 0.5), ylim=(-0.5, ny - 0.5))
    version = extraction.record.get("skyshed", "")
    figure.savefig(path, format="png", metadata={"Software": f"skyshed {version}".strip()})


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


def _stretched(extraction: "Extraction", block: int) -> Any:
    """Return the image in greys, asinh-stretched from the noise up; masked pixels dark blue."""
    image = block_mean(extraction.data, block, extraction.mask)
    good = np.isfinite(image)
    # The mean of a block has less noise than its pixels.
    noise = float(extraction.background2d.background_rms_median) / block
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


def _coloured(segmentation: Any, block: int) -> Any:
    """Return the labels in colours, black where there is none."""
    from skyshed.segmentation.colormap import make_random_cmap

    labels = block_max(np.asarray(segmentation.data), block)
    # A few thousand colours tell neighbours apart; scattering keeps runs of labels from pairing up.
    colours = make_random_cmap(4096, seed=0).colors[:, :3]
    place = labels.astype(np.uint32) * np.uint32(2654435761) >> np.uint32(20)
    picture = (255 * colours).astype(np.uint8)[place]
    picture[labels == 0] = 0
    return picture


def _draw_ellipses(axes: Any, catalog: Any, color: str) -> None:
    """Draw the Kron apertures, fainter the more they cover."""
    from matplotlib.collections import EllipseCollection

    from skyshed.catalog.apertures import kron_ellipses

    ellipses = kron_ellipses(catalog, None)
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
