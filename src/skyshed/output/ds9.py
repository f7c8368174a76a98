"""DS9 region files."""

from typing import Any

import numpy as np

__all__ = ["HEAD", "region_lines"]

HEAD = "# Region file format: DS9\nglobal color=green\nimage\n"


def region_lines(labels: Any, places: Any) -> str:
    """Return the regions of what `kron_ellipses` returned, a line each.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.output.ds9 import region_lines
    >>> print(region_lines(np.array([7]), np.array([[9.0, 19.0, 4.0, 2.0, 30.0]])), end="")
    ellipse(10.0000,20.0000,4.0000,2.0000,30.0000) # text={7}
    """
    x, y, axes = places[:, 0], places[:, 1], places[:, 2:]
    place, size = _numbers(x + 1, y + 1), _numbers(*axes.T)
    whole = np.isfinite(axes).all(axis=1)
    shape = np.where(
        whole, _joined("ellipse(", place, ",", size, ")"), _joined("point(", place, ")")
    )
    lines = _joined(shape, " # text={", labels.astype(str), "}")
    return "".join(f"{line}\n" for line in lines[np.isfinite(x) & np.isfinite(y)].tolist())


def _numbers(*columns: Any) -> Any:
    """Return the numbers of each row as one text, with commas between them."""
    texts = [np.strings.mod("%.4f", column) for column in columns]
    return _joined(texts[0], *(part for text in texts[1:] for part in (",", text)))


def _joined(*parts: Any) -> Any:
    """Join texts row by row."""
    whole = parts[0]
    for part in parts[1:]:
        whole = np.strings.add(whole, part)
    return whole
