"""One picture that shows at a glance whether an extraction worked."""

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from skyshed.heap import give_back_freed
from skyshed.messages import one_line
from skyshed.segmentation.colormap import SATURATION, VALUE
from skyshed.shrinking import Read, block_max, block_mean, shrunk

__all__ = ["MOST_ELLIPSES", "write_preview"]

#: Most pixels of a side of a panel: those of many detectors, or of their halves, fit as they are.
PANEL = 1056
#: Pixels around the panels: for the labels of ticks, the title and between panels.
LEFT, TOP, GAP, RIGHT = 54, 36, 66, 20
#: Least width of a picture, the height of a line of the legend, and sizes of letters.
LEAST, LINE, TITLE, SMALL = 480, 22, 18, 13
#: The side of the plate of the compass, the length of its arrows and of their heads.
COMPASS, ARROW, HEAD = 72, 18, 6
#: More ellipses than this would hide the image.
MOST_ELLIPSES = 3000
#: Corners of what is drawn as an ellipse.
CORNERS = 48
#: The stretch, in units of the noise: black at `BLACK`, linear up to `SOFTENING`; white at the
#: percentile `WHITE` of what stands out.
BLACK, SOFTENING, WHITE = -2.0, 3.0, 99.0
#: Of compression: 6 takes twice as long for a twentieth of the bytes, for noise does not compress.
LEVEL = 3
#: The picture has a palette, which leaves a third of the bytes to compress. It holds greys; a few
#: greys beneath a line that is half as opaque as lines are, and beneath one that is not; a hundred
#: colours to tell neighbouring labels apart; the colours of masked pixels and of lines.
GREYS, BENEATH = 128, 16
LABELS, MASKED, LINES = GREYS + 2 * BENEATH, 254, 255
RED, BLUE = (240, 60, 50), (32, 42, 110)
INK, PAPER = 15, GREYS - 1


def write_preview(
    read_image: Read,
    read_labels: Read,
    shape: tuple[int, int],
    path: str | os.PathLike[str],
    n_sources: int,
    *,
    noise: float | None = None,
    level: float | None = None,
    unit: str = "",
    pixel_scale: float | None = None,
    compass: tuple[tuple[float, float], tuple[float, float]] | None = None,
    ellipses: Any = None,
    record: dict[str, str] | None = None,
    step: int | None = None,
) -> None:
    """Draw the image beside its segmentation image, with Kron ellipses where they are not too many.

    All pixels are read once, window by window. Images larger than the picture are shrunk by blocks:
    the mean of the pixels, the largest label. The first pixel is at the lower left.

    Parameters
    ----------
    read_image, read_labels : callable
        ``read(y0, y1, x0, x1)`` returns a window, half open: the image less its background, with
        NaN for masked pixels, and the labels; on the host or on a device.
    shape : tuple of int
        The shape of the images.
    path : path
        The PNG file.
    n_sources : int
        The number of sources, for the title.
    noise : float, optional
        The noise of a pixel, which the greys are scaled to. `None` takes the scatter of what is
        drawn.
    level : float, optional
        The background that was subtracted, for the legend.
    unit : str, optional
        The unit of the image, for the legend.
    pixel_scale : float, optional
        Arcseconds across a pixel, for a bar of scale.
    compass : pair of (float, float), optional
        Right and up, in pixels, of north and of east, for arrows.
    ellipses : array, shape (n, 5), optional
        Kron apertures as rows ``x, y, a, b, theta`` (degrees), NaN for none. They are left out
        where there are too many to see the image.
    record : dict of str, optional
        The input and the version of the program, for the title and the file.
    step : int, optional
        Rows of labels to read at a time, where these come in chunks; `None` if it does not matter.

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
    layout, record = _Layout.of(shape), record or {}
    image = shrunk(read_image, shape, layout.block, block_mean)
    labels = shrunk(read_labels, shape, layout.block, block_max, step)
    give_back_freed()
    masked = ~np.isfinite(image)
    greys, black, white = _stretched(image, noise, layout.block)
    panels = [_panel(pixels, masked, layout) for pixels in (greys, _coloured(labels))]
    marks = [
        _Mark(f"{what} {value:.4g} {unit}".rstrip())
        for what, value in (("background", level), ("noise", noise))
        if value is not None
    ]
    marks.append(_Mark(f"greys by asinh: black {black:.4g}, white {white:.4g}"))
    opacity = 0.0
    if ellipses is not None:
        ellipses = ellipses[np.isfinite(ellipses).all(axis=1)]
    if ellipses is not None and 0 < len(ellipses) <= MOST_ELLIPSES:
        opacity = _draw_ellipses(panels, ellipses, layout)
        marks.append(_Mark("Kron apertures", LINES, 16, 2))
    elif n_sources > MOST_ELLIPSES:
        marks.append(_Mark(f"Kron apertures are drawn up to {MOST_ELLIPSES} sources"))
    if masked.any():
        marks.append(_Mark("masked or not finite", MASKED, 12, 12))
    if pixel_scale is not None and 0 < pixel_scale < math.inf:
        marks.append(_scale_bar(pixel_scale, layout))
    picture = _drawn(layout, panels, _title(shape, n_sources, record), marks, compass)
    picture.putpalette(_palette(opacity).tobytes())
    info = PngInfo()
    info.add_text("Software", f"skyshed {record.get('skyshed', '')}".strip())
    picture.save(path, format="PNG", compress_level=LEVEL, pnginfo=info)


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
        # Pixels are repeated or joined whole, so that none is blurred.
        repeated, joined = max(1, math.floor(zoom)), max(1, math.ceil(1 / zoom))
        width, height = (max(1, length * repeated // joined) for length in (nx, ny))
        return cls(shape, min(joined, ny, nx), stacked, width, height)

    @property
    def zoom(self) -> tuple[float, float]:
        """Pixels of the picture across a pixel of the image, along x and y."""
        ny, nx = (length // self.block * self.block for length in self.shape)
        return self.width / nx, self.height / ny

    @property
    def corners(self) -> list[tuple[int, int]]:
        """The upper left corners of the panels."""
        if self.stacked:
            return [(LEFT, TOP), (LEFT, TOP + self.height + GAP // 2)]
        return [(LEFT, TOP), (LEFT + self.width + GAP, TOP)]


@dataclass(frozen=True)
class _Mark:
    """An entry of the legend: what a patch of colour stands for, or only a text."""

    text: str
    colour: int = INK
    width: int = 0
    height: int = 0


def _title(shape: tuple[int, int], n: int, record: dict[str, str]) -> str:
    name = one_line(os.path.basename(record.get("input", "image")))
    name = name if len(name) <= 60 else f"{name[:28]}...{name[-28:]}"
    size = f"{shape[1]} x {shape[0]}"
    return f"{name}, {size}, less its background: {n} source{'' if n == 1 else 's'}"


def _drawn(
    layout: _Layout, panels: list[Any], title: str, marks: list[_Mark], compass: Any = None
) -> Any:
    """Return the picture: title, panels with ticks, legend."""
    letters = ImageFont.load_default(SMALL)
    large = ImageFont.load_default(TITLE)
    left, top = layout.corners[-1]
    bottom = top + layout.height
    full = max(LEAST, left + layout.width + RIGHT, LEFT + int(large.getlength(title)) + RIGHT)
    # The legend goes on in the next line where it is full.
    places, x, y = [], LEFT, bottom + 2 * LINE + LINE // 2
    for mark in marks:
        end = x + bool(mark.width) * (mark.width + 6) + math.ceil(letters.getlength(mark.text))
        if end > full - RIGHT and x > LEFT:
            x, y, end = LEFT, y + LINE, end - x + LEFT
        places.append((x, y))
        x = end + 24
    picture = Image.new("L", (full, y + LINE), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((LEFT, TOP - 12), title, INK, large, anchor="ls")
    for corner, panel in zip(layout.corners, panels, strict=True):
        picture.paste(Image.fromarray(panel), corner)
        _draw_ticks(draw, layout, corner, letters)
    if compass is not None and min(layout.width, layout.height) >= 4 * COMPASS:
        _draw_compass(draw, layout, compass, letters)
    for (x, y), mark in zip(places, marks, strict=True):
        if mark.width:
            box = (x, y - mark.height // 2, x + mark.width - 1, y + (mark.height - 1) // 2)
            draw.rectangle(box, mark.colour)
            x += mark.width + 6
        draw.text((x, y), mark.text, INK, letters, anchor="lm")
    return picture


def _draw_ticks(draw: Any, layout: _Layout, corner: tuple[int, int], letters: Any) -> None:
    """Draw ticks and their labels, pixels of the image, at the left of a panel and below."""
    (left, top), (zoom_x, zoom_y) = corner, layout.zoom
    (ny, nx), bottom = layout.shape, top + layout.height
    step = max(1, int(_round(max(max(nx, ny) / 5, 100 / min(zoom_x, zoom_y)))))
    for at in range(0, nx, step):
        x = left + int((at + 0.5) * zoom_x)
        draw.line((x, bottom, x, bottom + 3), INK)
        draw.text((x, bottom + 6), str(at), INK, letters, anchor="mt")
    for at in range(0, ny, step):
        y = bottom - 1 - int((at + 0.5) * zoom_y)
        draw.line((left - 4, y, left - 1, y), INK)
        draw.text((left - 7, y), str(at), INK, letters, anchor="rm")


def _draw_compass(draw: Any, layout: _Layout, compass: Any, letters: Any) -> None:
    """Draw arrows to north and east in the lower left corner of the first panel."""
    left, top = layout.corners[0]
    bottom = top + layout.height
    draw.rectangle((left, bottom - COMPASS, left + COMPASS, bottom - 1), 0)
    x, y = left + COMPASS // 2, bottom - COMPASS // 2
    for letter, (right, up) in zip("NE", compass, strict=True):
        across, down = right * layout.zoom[0], -up * layout.zoom[1]
        size = math.hypot(across, down)
        across, down = across / size, down / size
        end = (x + ARROW * across, y + ARROW * down)
        draw.line((x, y, *end), PAPER, 2 if letter == "N" else 1)
        for side in (-1, 1):  # its head
            back = (
                end[0] - HEAD * (across - side * down / 2),
                end[1] - HEAD * (down + side * across / 2),
            )
            draw.line((*end, *back), PAPER)
        place = (x + (ARROW + 9) * across, y + (ARROW + 9) * down)
        draw.text(place, letter, PAPER, letters, anchor="mm")


def _scale_bar(pixel_scale: float, layout: _Layout) -> _Mark:
    """Return a bar of a round length on the sky, up to a quarter of a panel."""
    across = pixel_scale / layout.zoom[0]
    longest = across * max(layout.width / 4, 40)
    symbol, size = next(
        (each for each in (("°", 3600), ("'", 60)) if longest >= each[1]), ('"', 1)
    )  # fmt: skip
    length = _round(longest / size)
    return _Mark(f"{length:g}{symbol}", width=max(1, round(length * size / across)), height=2)


def _round(value: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not above a value."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step == 1 or step * power <= value)


def _stretched(image: Any, noise: float | None, block: int) -> tuple[Any, float, float]:
    """Return the image in greys, asinh-stretched from the noise up, and what is black and white."""
    values = image[np.isfinite(image)]
    # The mean of a block has less noise than its pixels.
    noise = np.nan if noise is None else float(noise) / block
    if not (np.isfinite(noise) and noise > 0):
        noise = (float(np.std(values)) if values.size else 0.0) or 1.0
    bright = values[values > SOFTENING * noise]
    white = max(float(np.percentile(bright, WHITE)) if bright.size else 0.0, 10 * noise)
    low, high = (math.asinh(each / (SOFTENING * noise)) for each in (BLACK * noise, white))
    grey = (np.arcsinh(np.nan_to_num(image) / (SOFTENING * noise)) - low) / (high - low)
    grey = np.clip((GREYS - 1) * grey, 0, GREYS - 1).astype(np.uint8)
    return grey, BLACK * noise, white


def _coloured(labels: Any) -> Any:
    """Return the labels in colours of the palette, black where there is none."""
    # Scattering keeps runs of labels from pairing up.
    place = (labels.astype(np.uint32) * np.uint32(2654435761) >> np.uint32(16)) % (MASKED - LABELS)
    return np.where(labels == 0, 0, LABELS + place).astype(np.uint8)


def _palette(opacity: float) -> Any:
    """Return the colours of the picture, in which lines are that opaque."""
    palette = np.empty((256, 3), np.uint8)
    palette[:GREYS] = np.linspace(0, 255, GREYS)[:, np.newaxis]
    beneath = np.linspace(0, 255, BENEATH)[:, np.newaxis]
    for first, share in ((GREYS, opacity / 2), (GREYS + BENEATH, opacity)):
        palette[first : first + BENEATH] = (1 - share) * beneath + share * np.array(RED)
    low, high = np.transpose([(0.0, 1.0), SATURATION, VALUE])
    hues = np.random.default_rng(0).uniform(low, high, (MASKED - LABELS, 3))
    colours = Image.frombytes("HSV", (len(hues), 1), (255 * hues).astype(np.uint8).tobytes())
    palette[LABELS:MASKED] = np.asarray(colours.convert("RGB"))[0]
    palette[MASKED], palette[LINES] = BLUE, RED
    return palette


def _panel(pixels: Any, masked: Any, layout: _Layout) -> Any:
    """Return the pixels of a panel, with the first row at the bottom."""
    panel = Image.fromarray(np.where(masked, np.uint8(MASKED), pixels)[::-1])
    return np.array(panel.resize((layout.width, layout.height), Image.Resampling.NEAREST))


def _draw_ellipses(panels: list[Any], ellipses: Any, layout: _Layout) -> float:
    """Draw ellipses on both panels and return how opaque they are: less, the more they cover."""
    x, y, semimajor, semiminor, theta = ellipses.T[..., np.newaxis]
    (zoom_x, zoom_y), angle = layout.zoom, np.linspace(0, 2 * np.pi, CORNERS + 1)
    u, v = semimajor * np.cos(angle), semiminor * np.sin(angle)
    cos, sin = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    across = (x + u * cos - v * sin + 0.5) * zoom_x
    down = layout.height - (y + u * sin + v * cos + 0.5) * zoom_y
    outlines = 2 * np.stack((across, down), axis=-1).reshape(len(x), -1)
    # Twice as large, then reduced: lines are smooth.
    fine = Image.new("L", (2 * layout.width, 2 * layout.height))
    draw = ImageDraw.Draw(fine)
    for outline in outlines.tolist():
        draw.line(outline, 255)
    crossed = np.asarray(fine.reduce(2))
    cover = np.pi * float(np.sum(semimajor * semiminor)) / math.prod(layout.shape)
    opacity = min(max(0.4 / max(cover, 0.1), 0.35), 0.9)
    image, labels = panels
    half, full = (crossed > 0) & (crossed < 100), crossed >= 100
    for first, here in ((GREYS, half), (GREYS + BENEATH, full)):
        shades = image[here]
        image[here] = np.where(shades < GREYS, first + shades // (GREYS // BENEATH), shades)
    labels[half & (labels == 0)] = opacity / 2 * PAPER
    labels[full] = opacity * PAPER
    return opacity
