"""What notebooks show of an object: a card with a picture, made in no time, from little.

Nothing here imports more than Python until something is shown.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, TypeVar

__all__ = [
    "SIDE", "card", "colours_of_labels", "enlarged", "picture_of", "picture_of_labels", "quietly",
    "sampled",
    "table_of_rows",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

#: Most pixels of a side of a picture, and of the window that is read of an image on disk.
SIDE, MIDDLE = 320, 512
#: Percentiles one standard deviation on either side of the median, and the one that is white.
BELOW, ABOVE, WHITE = 15.87, 84.13, 99.7
#: Black lies so many standard deviations below the median; the stretch is linear up to so many
#: above.
BLACK, SOFTENING = 2.0, 3.0


def quietly(show: F) -> F:
    """Make a ``_repr_html_`` that raises nothing: notebooks show the text where it returns `None`.

    Examples
    --------
    >>> from skyshed.notebook import quietly
    >>> class Broken:
    ...     @quietly
    ...     def _repr_html_(self):
    ...         raise OSError("the file is gone")
    >>> Broken()._repr_html_() is None
    True
    """

    @wraps(show)
    def shown(self: Any) -> str | None:
        try:
            return show(self)  # type: ignore[no-any-return]
        except Exception:  # whatever it is: looking at an object must not end a notebook
            return None

    return shown  # type: ignore[return-value]


def card(title: str, facts: Iterable[tuple[str, Any]], picture: str = "", about: str = "") -> str:
    """Return a title, facts, and a picture with what it shows, as HTML.

    Texts are escaped; the picture is what `picture_of` returned.

    Examples
    --------
    >>> from skyshed.notebook import card
    >>> print(card("<b>", [("sources", 3)]))
    <div><b>&lt;b&gt;</b><table><tr><th>sources</th><td>3</td></tr></table></div>
    """
    from html import escape

    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in facts
    )
    caption = f"<p>{escape(about)}</p>" if picture and about else ""
    return f"<div><b>{escape(title)}</b><table>{rows}</table>{picture}{caption}</div>"


def table_of_rows(title: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as HTML; the texts are escaped.

    Examples
    --------
    >>> from skyshed.notebook import table_of_rows
    >>> table_of_rows("", ["bit"], [[1]])
    '<div><b></b><table><tr><th>bit</th></tr><tr><td>1</td></tr></table></div>'
    """
    from html import escape

    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    # Words of docstrings have backticks around names.
    lines = (
        "".join(f"<td>{escape(str(value).replace('`', ''))}</td>" for value in row) for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<div><b>{escape(title)}</b><table><tr>{head}</tr>{body}</table></div>"


def sampled(
    read: Callable[[int, int, int, int], Any], shape: tuple[int, int], in_memory: bool
) -> tuple[Any, str]:
    """Return some pixels of an image, on the host, and words that say which.

    Of an image in memory, every n-th pixel of every n-th row; of one that is read, or made, by
    windows, those in the middle.
    """
    from skyshed.namespace import to_host

    ny, nx = shape
    if in_memory:
        step = max(1, -(-max(shape) // SIDE))
        pixels = read(0, ny, 0, nx)[::step, ::step]
        return to_host(pixels), f"one of {step} x {step} pixels" if step > 1 else ""
    y0, x0 = (max(0, (length - MIDDLE) // 2) for length in shape)
    y1, x1 = min(ny, y0 + MIDDLE), min(nx, x0 + MIDDLE)
    whole = (y1 - y0, x1 - x0) == (ny, nx)
    words = "" if whole else f"rows {y0} to {y1 - 1}, columns {x0} to {x1 - 1}"
    return to_host(read(y0, y1, x0, x1)), words


def enlarged(values: Any) -> Any:
    """Return few values as larger squares, so that they can be seen."""
    import numpy as np

    times = max(1, SIDE // 2 // max(values.shape))
    return np.repeat(np.repeat(values, times, axis=0), times, axis=1)


def picture_of(pixels: Any) -> str:
    """Return an image in greys, from its noise up, the first row at the bottom; as HTML."""
    import numpy as np

    pixels = np.asarray(pixels, float)
    good = np.isfinite(pixels)
    if not good.any():
        return ""
    below, level, above, white = np.percentile(pixels[good], (BELOW, 50, ABOVE, WHITE))
    noise = (above - below) / 2 or float(np.std(pixels[good])) or 1.0
    scaled = np.arcsinh((np.where(good, pixels, level) - level) / (SOFTENING * noise))
    high = np.arcsinh(max((white - level) / (SOFTENING * noise), 1.0))
    low = np.arcsinh(-BLACK / SOFTENING)
    grey = np.clip(255 * (scaled - low) / (high - low), 0, 255).astype(np.uint8)
    colours = np.stack([grey] * 3, axis=-1)
    colours[~good] = (32, 42, 110)
    return _png(colours)


def picture_of_labels(labels: Any) -> str:
    """Return labels in colours that tell neighbours apart, black where there is none; as HTML."""
    return _png(colours_of_labels(labels))


def colours_of_labels(labels: Any) -> Any:
    """Return muted colours of labels, uint8, shape (ny, nx, 3); black where there is none."""
    import numpy as np

    labels = np.asarray(labels)
    # Scattered over the circle of hues, so that runs of labels differ.
    place = labels.astype(np.uint32) * np.uint32(2654435761) >> np.uint32(8)
    hue = (place % np.uint32(360)).astype(float) / 60
    saturation, value = 0.35 + 0.35 * (place >> 12 & 15) / 15, 0.65 + 0.35 * (place >> 16 & 15) / 15
    channels = []
    for n in (5, 3, 1):
        k = (n + hue) % 6
        channels.append(value * (1 - saturation * np.clip(np.minimum(k, 4 - k), 0, 1)))
    return (255 * np.stack(channels, axis=-1) * (labels != 0)[..., np.newaxis]).astype(np.uint8)


def _png(colours: Any) -> str:
    """Return a picture, whose first row is the lowest, as HTML."""
    import base64
    import io

    import numpy as np
    from PIL import Image

    content = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(colours[::-1]))
    image.thumbnail((SIDE, SIDE))
    image.save(content, format="PNG", compress_level=6)
    text = base64.b64encode(content.getvalue()).decode("ascii")
    return f'<img alt="a picture of it" src="data:image/png;base64,{text}">'
